"""What is wanted of the email identity of a tenant's domain, beside its IAM user.

Declared like the settings of a tenant: the options of `identity create` and the table
`[tenants."DOMAIN".identity]` of a tenants file follow from it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.settings import FLAG, REGION, TEXT, Kind, setting, settings_of

DEFAULT_MAIL_FROM = "mail"
NO_MAIL_FROM = "none"


def check_rua(address: str) -> str:
    """Return an address for DMARC reports. Raises SesTenantError `usage` if it is none."""
    local, at, domain = address.rpartition("@")
    try:
        if not at or not local or set(local) & set(" ,;!<>\"'\\@") or not local.isprintable():
            raise SesTenantError(ErrorCode.USAGE, "")
        return f"{local}@{SendingDomain.parse(domain)}"
    except SesTenantError as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'{address}' is no address for DMARC reports.",
            "It looks like dmarc@example.com.",
        ) from error


@dataclass(frozen=True)
class IdentitySettings:
    """What is wanted of a domain's identity.

    `mail_from` is the MAIL FROM name: a label or more below the domain, or the whole name.
    `replicate_from` is the Region whose DKIM keys all the others use (Deterministic Easy DKIM).
    """

    domain: SendingDomain
    mail_from: str = setting(
        TEXT,
        default=DEFAULT_MAIL_FROM,
        metavar="SUB",
        help="MAIL FROM name below DOMAIN, for bounces; 'none' for none.  [default: mail]",
        described="MAIL FROM name below the domain, for bounces; 'none' for none.",
    )
    own: bool = setting(
        FLAG,
        default=False,
        help="Also where an identity above DOMAIN serves.",
        described="true makes one also where an identity above the domain serves.",
    )
    replicate_from: str | None = setting(
        REGION,
        default=None,
        metavar="REGION",
        help="Use that Region's DKIM keys: one set of records for many Regions.",
        described="Region whose DKIM keys the others use: one set of records for all.",
    )
    dmarc_rua: str | None = setting(
        Kind(check_rua, {"type": "string", "pattern": "^[^@\\s]+@[^@\\s]+$"}),
        default=None,
        metavar="ADDRESS",
        help="Where receivers send DMARC reports, in the record that is recommended.",
        described="Where receivers send DMARC reports, in the record that is recommended.",
    )

    @classmethod
    def of(cls, domain: SendingDomain, given: Mapping[str, Any]) -> "IdentitySettings":
        """Return the settings that were given by name, the others as they are by default.

        Raises SesTenantError `usage` for a MAIL FROM name that SES would refuse.
        """
        values = {s.field: given[s.name] for s in IDENTITY if given.get(s.name) is not None}
        settings = cls(domain, **values)
        settings.mail_from_in("")
        return settings

    def mail_from_in(self, region: str, taken: Collection[str] = ()) -> str | None:
        """Return the MAIL FROM domain in a Region: `mail.DOMAIN`, or `mail-REGION.DOMAIN`.

        The latter where the name is among those `taken` by other Regions; None where none is
        wanted. Raises SesTenantError `usage` for a name that SES would refuse.
        """
        if self.mail_from == NO_MAIL_FROM:
            return None
        domain, wanted = self.domain.name, self.mail_from.lower().rstrip(".")
        name = wanted if f".{wanted}".endswith(f".{domain}") else f"{wanted}.{domain}"
        if name == domain:
            raise _bad_mail_from(name, "it is the domain itself, which mail is sent from")
        if name in taken:
            head, _, rest = name.partition(".")
            name = f"{head}-{region}.{rest}"
        try:
            parsed = SendingDomain.parse(name)
        except SesTenantError as error:
            raise _bad_mail_from(name, error.message) from error
        return parsed.name


def _bad_mail_from(name: str, why: str) -> SesTenantError:
    return SesTenantError(
        ErrorCode.USAGE,
        f"'{name}' cannot be a MAIL FROM domain: {why}.",
        "It has to be a name below the domain that is used for nothing else, such as 'mail'.",
        settings=("mail-from",),
    )


# In the order of help and of files.
IDENTITY = settings_of(fields(IdentitySettings))
