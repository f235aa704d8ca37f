"""What IAM holds of a tenant now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.tags import Remembered, tenant_of


class KeyStatus(StrEnum):
    """The status of an access key, in IAM's words."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    EXPIRED = "Expired"


@dataclass(frozen=True)
class AccessKey:
    """An access key as IAM lists it; `last_used_at` is None if never used or not asked for.

    `probed` tells that its last use was the probe right after it was issued.
    """

    access_key_id: str
    status: KeyStatus
    created_at: datetime
    last_used_at: datetime | None = None
    probed: bool = False

    @property
    def active(self) -> bool:
        """Tell whether AWS accepts the key."""
        return self.status is KeyStatus.ACTIVE


@dataclass(frozen=True)
class ReportedKey:
    """An access key as the credential report shows it: without its ID, up to four hours late.

    `changed_at` is when it was created or its status last changed, and `last_used_at` when it was
    used last; None where IAM does not say.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
    """

    active: bool
    changed_at: datetime | None
    last_used_at: datetime | None = None


@dataclass(frozen=True)
class CredentialReport:
    """The keys of the whole account by user ARN, as of the moment when IAM made the report."""

    made_at: datetime
    users: Mapping[str, tuple[ReportedKey, ...]]


@dataclass(frozen=True)
class User:
    """An IAM user as GetUser shows it."""

    user_name: str
    user_arn: str
    path: str
    created_at: datetime
    tags: Mapping[str, str]
    permissions_boundary: str | None = None

    @cached_property
    def remembered(self) -> Remembered:
        """Return what its tags say of a tenant, parsed once."""
        return Remembered.read(self.tags)

    @property
    def tenant(self) -> SendingDomain | None:
        """Return the domain whose tenant it is, or None."""
        return tenant_of(self.user_name, self.path, self.remembered)


class AttachmentKind(StrEnum):
    """What IAM can hang on a user, each as it is told to people, with its name."""

    MANAGED_POLICY = "the managed policy {}"
    GROUP = "membership in the group {}"
    LOGIN_PROFILE = "a console password"
    MFA_DEVICE = "the MFA device {}"
    SSH_KEY = "the SSH public key {}"
    CERTIFICATE = "the signing certificate {}"
    SERVICE_CREDENTIAL = "the service-specific credential {}"


@dataclass(frozen=True)
class Attachment:
    """One thing that is attached to a user; a console password has no name."""

    kind: AttachmentKind
    name: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return self.kind.format(self.name)


@dataclass(frozen=True)
class Attachments:
    """Everything else that IAM can hang on a user; a tenant should have none of it."""

    managed_policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    login_profile: bool = False
    mfa_devices: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    service_credentials: tuple[str, ...] = ()

    def __iter__(self) -> Iterator["Attachment"]:
        """Return all that is attached, one by one."""
        kinds = {
            AttachmentKind.MANAGED_POLICY: self.managed_policies,
            AttachmentKind.GROUP: self.groups,
            AttachmentKind.LOGIN_PROFILE: ("",) if self.login_profile else (),
            AttachmentKind.MFA_DEVICE: self.mfa_devices,
            AttachmentKind.SSH_KEY: self.ssh_keys,
            AttachmentKind.CERTIFICATE: self.certificates,
            AttachmentKind.SERVICE_CREDENTIAL: self.service_credentials,
        }
        return (Attachment(kind, name) for kind, names in kinds.items() for name in names)


@dataclass(frozen=True)
class Observed:
    """A tenant as IAM holds it now."""

    user: User
    inline_policies: tuple[str, ...]
    sending_policy: Mapping[str, object] | None
    access_keys: tuple[AccessKey, ...]
    attachments: Attachments | None = None

    @property
    def domain(self) -> SendingDomain:
        """Return the domain whose tenant it is. Raises SesTenantError `not_ours` for no tenant."""
        domain = self.user.tenant
        if domain is None:
            raise SesTenantError(
                ErrorCode.NOT_OURS, f"The IAM user {self.user.user_name} is no tenant."
            )
        return domain

    @property
    def suspended(self) -> bool:
        """Tell whether the suspension policy is attached."""
        return naming.SUSPENDED_POLICY in self.inline_policies


def require_ours(user: User, domain: SendingDomain) -> None:
    """Check that `user` is the tenant of `domain`. Raises SesTenantError `not_ours` otherwise."""
    if user.tenant == domain:
        return
    tag = str(user.remembered.domain or "")
    why = (
        f"its path is {user.path}"
        if not user.path.startswith(naming.PATH_PREFIX)
        else f"it has no tag {naming.TAG_DOMAIN}"
        if not tag
        else f"its tag {naming.TAG_DOMAIN} is {tag!r}"
        if tag != domain.name
        else f"its name is not {naming.user_name(domain)}"
    )
    raise SesTenantError(
        ErrorCode.NOT_OURS,
        f"The IAM user {user.user_name} exists and is not the tenant of {domain}: {why}.",
        "If it should become the tenant, its keys unchanged: "
        + (
            f"aws iam untag-user --user-name {user.user_name} --tag-keys {naming.TAG_DOMAIN} && "
            if tag and tag != domain.name
            else ""
        )
        + f"ses-tenant adopt {domain} --user-name {user.user_name}",
    )
