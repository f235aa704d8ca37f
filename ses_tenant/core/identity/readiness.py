"""What a tenant still lacks before its mail arrives, and the one thing to do next; pure."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ses_tenant.core.identity.ses import SesAccount
from ses_tenant.core.identity.state import EmailIdentity, Status


class Gap(StrEnum):
    """What is missing: `code` in JSON, the most pressing first."""

    SENDING_PAUSED = "sending_paused"
    NO_IDENTITY = "no_identity"
    NOT_VERIFIED = "not_verified"
    NO_DKIM = "no_dkim"
    SES_SANDBOX = "ses_sandbox"
    MAIL_FROM_PENDING = "mail_from_pending"


@dataclass(frozen=True)
class RegionReadiness:
    """What SES says of a Region; None where it was not asked, or may not be.

    `identity` is the one that serves the domain. `looked` tells whether SES could be asked for it,
    so that no identity means that there is none.
    """

    region: str
    looked: bool = False
    identity: EmailIdentity | None = None
    account: SesAccount | None = None


@dataclass(frozen=True)
class Missing:
    """One thing that is missing, in plain words, and the command that comes next, for a shell."""

    gap: Gap
    region: str
    message: str
    command: str


def missing(domain: str, regions: Sequence[RegionReadiness]) -> tuple[Missing, ...]:
    """Return what is missing, the most pressing first; nothing of what is not known."""
    found = [gap for region in regions for gap in _of_region(domain, region)]
    order = list(Gap)
    return tuple(sorted(found, key=lambda m: order.index(m.gap)))


def is_ready(domain: str, regions: Sequence[RegionReadiness]) -> bool | None:
    """Tell whether the domain's mail goes out in every Region; None if not all is known."""
    stops = {Gap.SENDING_PAUSED, Gap.NO_IDENTITY, Gap.NOT_VERIFIED}
    if any(m.gap in stops for m in missing(domain, regions)):
        return False
    known = all(region.looked and region.account is not None for region in regions)
    return True if known and regions else None


def _of_region(domain: str, seen: RegionReadiness) -> list[Missing]:
    region, found = seen.region, list[Missing]()
    # What stands in a tag is never read as an option.
    where = (f"--region={region}",) if region.startswith("-") else ("--region", region)
    check = shlex.join(("ses-tenant", "identity", "check", domain, *where))
    if seen.account is not None and not seen.account.sending:
        told = f"SES has paused sending for the whole account in {region}."
        command = shlex.join(("aws", "sesv2", "get-account", *where))
        found.append(Missing(Gap.SENDING_PAUSED, region, told, command))
    if seen.account is not None and not seen.account.production:
        told = f"The account is in SES's sandbox in {region}: mail goes to verified addresses only."
        ask = ("ses-tenant", "identity", "request-production", *where, "--help")
        command = shlex.join(ask)
        found.append(Missing(Gap.SES_SANDBOX, region, told, command))
    if not seen.looked:
        return found
    identity = seen.identity
    if identity is None:
        told = f"SES has no email identity for {domain} in {region}, so it refuses its mail."
        command = shlex.join(("ses-tenant", "identity", "create", domain, *where))
        return [*found, Missing(Gap.NO_IDENTITY, region, told, command)]
    if not identity.verified:
        told = (
            f"The identity {identity.name} is not verified in {region}: SES says {identity.status}."
        )
        return [*found, Missing(Gap.NOT_VERIFIED, region, told, check)]
    if not identity.signed:
        told = f"Mail of {domain} is not signed with DKIM in {region}."
        found.append(Missing(Gap.NO_DKIM, region, told, check))
    if identity.mail_from.domain is not None and identity.mail_from.status is not Status.SUCCESS:
        told = (
            f"The MAIL FROM domain {identity.mail_from.domain} is not in use in {region} yet: SES "
            f"says {identity.mail_from.status}. Mail goes out without it."
        )
        found.append(Missing(Gap.MAIL_FROM_PENDING, region, told, check))
    return found
