"""What IAM holds of a tenant now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming


class KeyStatus(StrEnum):
    """The status of an access key, in IAM's words."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    EXPIRED = "Expired"


@dataclass(frozen=True)
class AccessKey:
    """An access key as IAM lists it; `last_used_at` is None if never used or not asked for."""

    access_key_id: str
    status: KeyStatus
    created_at: datetime
    last_used_at: datetime | None = None

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


@dataclass(frozen=True)
class Observed:
    """A tenant as IAM holds it now."""

    user: User
    inline_policies: tuple[str, ...]
    sending_policy: Mapping[str, object] | None
    access_keys: tuple[AccessKey, ...]
    attachments: Attachments | None = None

    @property
    def suspended(self) -> bool:
        """Tell whether the suspension policy is attached."""
        return naming.SUSPENDED_POLICY in self.inline_policies


def require_ours(user: User, domain: SendingDomain) -> None:
    """Check that `user` is the tenant of `domain`: our path and our tag.

    Raises SesTenantError `not_ours` otherwise. A path elsewhere under /ses-tenant/ with the right
    tag is ours and has drifted.
    """
    tag = user.tags.get(naming.TAG_DOMAIN)
    if tag == domain.name and user.path.startswith(naming.PATH_PREFIX):
        return
    why = (
        f"its path is {user.path}"
        if not user.path.startswith(naming.PATH_PREFIX)
        else f"its tag {naming.TAG_DOMAIN} is {tag!r}"
        if tag
        else f"it has no tag {naming.TAG_DOMAIN}"
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
