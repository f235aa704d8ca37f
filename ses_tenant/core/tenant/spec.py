"""Values that describe a tenant: what is wanted of it, and what IAM holds of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming

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
