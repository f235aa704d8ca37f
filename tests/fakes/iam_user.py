"""A user of the fake IAM: what hangs on it, and what each call that names it does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.observed import AccessKey, Attachments, KeyStatus, User
from tests.fakes import iam_rules as rules

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
MANAGED_POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess"

EVERYTHING = Attachments(
    managed_policies=(MANAGED_POLICY,),
    groups=("developers", "mailers"),
    login_profile=True,
    mfa_devices=(f"arn:aws:iam::{ACCOUNT}:mfa/phone", "GAHT12345678"),
    ssh_keys=("APKAEIVFHP46CEXAMPLE",),
    certificates=("TA7SMP42TDN5Z26OBPJE7EXAMPLE",),
    service_credentials=("ACCA0123456789EXAMPLE",),
)


@dataclass
class FakeUser:
    """All that IAM keeps of a user; a test may look at it and change it behind IAM's back."""

    name: str
    path: str
    created_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    permissions_boundary: str | None = None
    policies: dict[str, Mapping[str, object]] = field(default_factory=dict)
    keys: dict[str, AccessKey] = field(default_factory=dict)
    attachments: Attachments = field(default_factory=Attachments)

    @property
    def as_user(self) -> User:
        return User(
            user_name=self.name,
            user_arn=f"arn:aws:iam::{ACCOUNT}:user{self.path}{self.name}",
            path=self.path,
            created_at=self.created_at,
            tags=dict(self.tags),
            permissions_boundary=self.permissions_boundary,
        )

    def write(self, step: steps.Write) -> None:  # noqa: C901 - a case for each step
        """Do to this user what the call does, or refuse as IAM does."""
        action = step.action.removeprefix("iam:")
        match step:
            case steps.UpdateUser():
                rules.check_path(action, step.new_path)
                self.path = step.new_path
                self.name = step.new_user_name or self.name
            case steps.PutUserPermissionsBoundary():
                self.permissions_boundary = step.permissions_boundary
            case steps.TagUser():
                rules.check_tags(action, step.tags)
                self.tags = rules.merge_tags(action, self.tags, step.tags)
            case steps.UntagUser():
                self.tags = rules.without_tags(self.tags, step.keys)
            case steps.PutUserPolicy():
                rules.check_policy(action, step.policy_name, step.document)
                document = json.loads(json.dumps(step.document))
                policies = self.policies | {step.policy_name: document}
                rules.check_policies_fit(action, policies.values())
                self.policies = policies
            case steps.DeleteUserPolicy():
                rules.require(action, self.policies, step.policy_name)
                del self.policies[step.policy_name]
            case steps.UpdateAccessKey():
                if step.status not in (KeyStatus.ACTIVE, KeyStatus.INACTIVE):
                    raise rules.invalid(action, f"the status {step.status}")
                rules.require(action, self.keys, step.access_key_id)
                key = self.keys[step.access_key_id]
                self.keys[step.access_key_id] = replace(key, status=step.status)
            case steps.DeleteAccessKey():
                rules.require(action, self.keys, step.access_key_id)
                del self.keys[step.access_key_id]
            case steps.DeleteUser():
                if self.keys or self.policies or self.attachments != Attachments():
                    raise rules.conflict(action, "must remove first what hangs on the user")
            case _:
                self.attachments = _detach(action, self.attachments, step)


def _detach(action: str, extra: Attachments, step: steps.Write) -> Attachments:
    match step:
        case steps.DetachUserPolicy():
            left = _without(action, extra.managed_policies, step.policy_arn)
            return replace(extra, managed_policies=left)
        case steps.RemoveUserFromGroup():
            return replace(extra, groups=_without(action, extra.groups, step.group_name))
        case steps.DeleteLoginProfile():
            if not extra.login_profile:
                raise rules.no_such_entity(action, "Login Profile")
            return replace(extra, login_profile=False)
        case steps.DeactivateMFADevice():
            left = _without(action, extra.mfa_devices, step.serial_number)
            return replace(extra, mfa_devices=left)
        case steps.DeleteSSHPublicKey():
            return replace(extra, ssh_keys=_without(action, extra.ssh_keys, step.ssh_key_id))
        case steps.DeleteSigningCertificate():
            left = _without(action, extra.certificates, step.certificate_id)
            return replace(extra, certificates=left)
        case steps.DeleteServiceSpecificCredential():
            left = _without(action, extra.service_credentials, step.credential_id)
            return replace(extra, service_credentials=left)
        case _:
            raise AssertionError(f"the fake does not know the step {step}")


def _without(action: str, present: tuple[str, ...], gone: str) -> tuple[str, ...]:
    rules.require(action, present, gone)
    return tuple(item for item in present if item != gone)
