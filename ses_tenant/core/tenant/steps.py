"""Steps: one frozen dataclass for each IAM call that changes something.

A plan is a tuple of steps. Each is named after its API call, says in one line what it does, and
tells whether it destroys something that a person would have to be asked about.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ses_tenant.core.tenant.naming import SUSPENDED_POLICY
from ses_tenant.core.tenant.observed import KeyStatus
from ses_tenant.core.tenant.spec import STDOUT


class BaseStep:
    """What people are told of every step, whichever service it calls."""

    service: ClassVar[str] = "iam"
    line: ClassVar[str]
    destructive: ClassVar[bool] = False

    @property
    def action(self) -> str:
        """Return the IAM action, such as iam:CreateUser."""
        return f"{self.service}:{type(self).__name__}"

    @property
    def summary(self) -> str:
        """Return one line for people: `line`, filled with the step's fields."""
        return self.line.format(**vars(self))


@dataclass(frozen=True)
class _Step(BaseStep):
    user_name: str


@dataclass(frozen=True)
class CreateUser(_Step):
    """Create the IAM user, with its tags and boundary in the same call."""

    line: ClassVar[str] = "create the IAM user {user_name} under {path}"
    path: str
    tags: Mapping[str, str]
    permissions_boundary: str | None = None


@dataclass(frozen=True)
class UpdateUser(_Step):
    """Move the user to another path, and rename it if `new_user_name` is given; its keys stay."""

    new_path: str
    new_user_name: str | None = None

    @property
    def summary(self) -> str:
        """Return one line for people."""
        if self.new_user_name is None:
            return f"move the IAM user {self.user_name} to {self.new_path}"
        return (
            f"rename the IAM user {self.user_name} to {self.new_user_name} "
            f"and move it to {self.new_path}"
        )


@dataclass(frozen=True)
class PutUserPermissionsBoundary(_Step):
    """Set the permissions boundary."""

    line: ClassVar[str] = "set the permissions boundary {permissions_boundary}"
    permissions_boundary: str


@dataclass(frozen=True)
class TagUser(_Step):
    """Set tags."""

    tags: Mapping[str, str]

    @property
    def summary(self) -> str:
        """Return one line for people."""
        return f"set the tags {', '.join(sorted(self.tags))}"


@dataclass(frozen=True)
class UntagUser(_Step):
    """Remove tags."""

    keys: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Return one line for people."""
        return f"remove the tags {', '.join(self.keys)}"


@dataclass(frozen=True)
class PutUserPolicy(_Step):
    """Write an inline policy, replacing one of that name; `stops` is the mail that it ends."""

    policy_name: str
    document: Mapping[str, object]
    stops: tuple[str, ...] = ()

    @property
    def destructive(self) -> bool:  # type: ignore[override]
        """Tell whether a site could no longer send what it may send now."""
        return bool(self.stops)

    @property
    def summary(self) -> str:
        """Return one line for people."""
        ends = f", which stops {', '.join(self.stops)}" if self.stops else ""
        return f"attach the inline policy {self.policy_name}{ends}"


@dataclass(frozen=True)
class CreateAccessKey(_Step):
    """Issue an access key."""

    line: ClassVar[str] = "issue an access key for {user_name}"


@dataclass(frozen=True)
class Deliver(_Step):
    """Hand the credentials of the key just issued to the destination."""

    line: ClassVar[str] = "deliver the credentials to {destination}"
    destination: str
    call: str = "Put"

    @property
    def action(self) -> str:
        """Return what the destination does, such as `file:Put`."""
        scheme = self.destination.partition(":")[0]
        return f"{'stdout' if scheme == STDOUT else scheme}:{self.call}"


@dataclass(frozen=True)
class MarkDelivered(_Step):
    """Note which key was delivered and when; its ID is known once it is issued.

    `known` are the older keys that sites may still use.
    """

    line: ClassVar[str] = "note the delivery in the tag ses-tenant:delivered"
    known: tuple[str, ...] = ()

    @property
    def action(self) -> str:
        """Return the IAM action."""
        return "iam:TagUser"


@dataclass(frozen=True)
class UpdateAccessKey(_Step):
    """Make an access key Active or Inactive; either can be undone."""

    line: ClassVar[str] = "make the access key {access_key_id} {status.value}"
    access_key_id: str
    status: KeyStatus


@dataclass(frozen=True)
class DeleteAccessKey(_Step):
    """Delete an access key for good."""

    line: ClassVar[str] = "delete the access key {access_key_id}"
    access_key_id: str
    undelivered: bool = False

    @property
    def destructive(self) -> bool:  # type: ignore[override]
        """Tell whether anybody could miss the key: nobody has one that was never delivered."""
        return not self.undelivered


@dataclass(frozen=True)
class DeleteUserPolicy(_Step):
    """Remove an inline policy."""

    line: ClassVar[str] = "delete the inline policy {policy_name}"
    policy_name: str

    @property
    def destructive(self) -> bool:  # type: ignore[override]
        """Tell whether something is lost; a suspension that is lifted is not."""
        return self.policy_name != SUSPENDED_POLICY


@dataclass(frozen=True)
class DetachUserPolicy(_Step):
    """Detach a managed policy, which goes on to exist."""

    line: ClassVar[str] = "detach the managed policy {policy_arn}"
    policy_arn: str
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class RemoveUserFromGroup(_Step):
    """Take the user out of a group."""

    line: ClassVar[str] = "remove the user from the group {group_name}"
    group_name: str
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class DeleteLoginProfile(_Step):
    """Delete the console password."""

    line: ClassVar[str] = "delete the console password"
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class DeactivateMFADevice(_Step):
    """Take an MFA device away from the user."""

    line: ClassVar[str] = "deactivate the MFA device {serial_number}"
    serial_number: str
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class DeleteVirtualMFADevice(_Step):
    """Delete a virtual MFA device, which would otherwise stay in the account unowned."""

    line: ClassVar[str] = "delete the virtual MFA device {serial_number}"
    serial_number: str
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class DeleteSSHPublicKey(_Step):
    """Delete an SSH public key."""

    line: ClassVar[str] = "delete the SSH public key {ssh_key_id}"
    ssh_key_id: str
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class DeleteSigningCertificate(_Step):
    """Delete a signing certificate."""

    line: ClassVar[str] = "delete the signing certificate {certificate_id}"
    certificate_id: str
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class DeleteServiceSpecificCredential(_Step):
    """Delete a credential for one AWS service, such as CodeCommit."""

    line: ClassVar[str] = "delete the service-specific credential {credential_id}"
    credential_id: str
    destructive: ClassVar[bool] = True


@dataclass(frozen=True)
class DeleteUser(_Step):
    """Delete the IAM user."""

    line: ClassVar[str] = "delete the IAM user {user_name}"
    destructive: ClassVar[bool] = True


# The steps that are one IAM call and answer nothing that the run needs.
Write = (
    UpdateUser
    | PutUserPermissionsBoundary
    | TagUser
    | UntagUser
    | PutUserPolicy
    | UpdateAccessKey
    | DeleteAccessKey
    | DeleteUserPolicy
    | DetachUserPolicy
    | RemoveUserFromGroup
    | DeleteLoginProfile
    | DeactivateMFADevice
    | DeleteVirtualMFADevice
    | DeleteSSHPublicKey
    | DeleteSigningCertificate
    | DeleteServiceSpecificCredential
    | DeleteUser
)
# The steps after which something is gone.
REMOVALS = (
    DeleteAccessKey,
    DeleteUserPolicy,
    DetachUserPolicy,
    RemoveUserFromGroup,
    DeleteLoginProfile,
    DeactivateMFADevice,
    DeleteVirtualMFADevice,
    DeleteSSHPublicKey,
    DeleteSigningCertificate,
    DeleteServiceSpecificCredential,
    DeleteUser,
)
Step = CreateUser | CreateAccessKey | Deliver | MarkDelivered | Write
Plan = tuple[Step, ...]
