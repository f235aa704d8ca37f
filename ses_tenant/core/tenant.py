"""Values that describe a tenant: what is wanted of it, and what IAM holds of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ses_tenant.core import naming
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError

STDOUT = "-"
DEFAULT_FORMAT = "env"


class Interface(StrEnum):
    """The SES interface that a tenant's credentials are for."""

    API = "api"
    SMTP = "smtp"


class Scope(StrEnum):
    """Which resources the sending policy allows, besides limiting From."""

    ANY = "any"
    IDENTITY = "identity"


@dataclass(frozen=True)
class SendingOptions:
    """What a tenant may send as, beyond its own domain; the sending policy is made of it."""

    subdomains: bool = False
    also: tuple[SendingDomain, ...] = ()
    return_path: SendingDomain | None = None
    scope: Scope = Scope.ANY
    configuration_sets: tuple[str, ...] = ()

    def to_tags(self) -> dict[str, str]:
        """Return the options as the tag `ses-tenant:sending`; no tag for the default options."""
        items = ["subdomains"] if self.subdomains else []
        items += [f"also={domain}" for domain in self.also]
        items += [f"return-path={self.return_path}"] if self.return_path else []
        items += [f"scope={self.scope}"] if self.scope is not Scope.ANY else []
        items += [f"configuration-set={name}" for name in self.configuration_sets]
        return naming.tag_list(naming.TAG_SENDING, items)

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "SendingOptions":
        """Return the options that `to_tags` wrote.

        Raises SesTenantError `internal` for an option this version does not know: dropping it
        would cut off a site that a newer version set up.
        """
        subdomains, scope, return_path = False, Scope.ANY, None
        also: list[SendingDomain] = []
        sets: list[str] = []
        for item in naming.untag_list(naming.TAG_SENDING, tags):
            match item.partition("="):
                case ("subdomains", "", ""):
                    subdomains = True
                case ("also", _, value):
                    also.append(SendingDomain.parse(value))
                case ("return-path", _, value):
                    return_path = SendingDomain.parse(value)
                case ("scope", _, Scope.IDENTITY.value):
                    scope = Scope.IDENTITY
                case ("configuration-set", _, value):
                    sets.append(value)
                case _:
                    raise SesTenantError(
                        ErrorCode.INTERNAL,
                        f"The tag {naming.TAG_SENDING} holds '{item}', unknown to this version.",
                        "Upgrade ses-tenant, or correct the tag.",
                    )
        return cls(subdomains, tuple(also), return_path, scope, tuple(sets))


@dataclass(frozen=True)
class TenantSpec:
    """A tenant as it should be."""

    domain: SendingDomain
    interface: Interface
    regions: tuple[str, ...]
    sending: SendingOptions = SendingOptions()
    destination: str = STDOUT
    format: str = DEFAULT_FORMAT
    read_back: str | None = None
    permissions_boundary: str | None = None
    user_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def user_name(self) -> str:
        """Return the name of the tenant's IAM user."""
        return naming.user_name(self.domain)

    @property
    def tags(self) -> dict[str, str]:
        """Return every tag that the IAM user should carry."""
        return {
            **self.user_tags,
            naming.TAG_DOMAIN: self.domain.name,
            naming.TAG_INTERFACE: self.interface.value,
            **naming.tag_list(naming.TAG_REGIONS, self.regions),
            **self.sending.to_tags(),
            **naming.tag_text(naming.TAG_DESTINATION, self.destination),
            **({naming.TAG_FORMAT: self.format} if self.format != DEFAULT_FORMAT else {}),
            **(naming.tag_text(naming.TAG_READ_BACK, self.read_back) if self.read_back else {}),
            naming.TAG_VERSION: naming.SCHEMA_VERSION,
        }


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
