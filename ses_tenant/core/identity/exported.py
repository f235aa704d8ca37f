"""What a tenants file would have to say of an email identity that is there."""

from collections.abc import Mapping

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.tenant.identity import DEFAULT_MAIL_FROM, NO_MAIL_FROM, IdentitySettings


def settings_for(
    domain: SendingDomain, found: Mapping[str, EmailIdentity | None], *, served: bool
) -> IdentitySettings | None:
    """Return the settings that change nothing at the domain's identities, by Region.

    None unless there is one of ours in every Region. `served` tells that a verified identity above
    the domain serves it somewhere. The address for DMARC reports is in DNS alone.
    """
    ours = {region: i for region, i in found.items() if i is not None and i.ours}
    if not found or len(ours) < len(found):
        return None
    replicas = (identity.dkim.replica_of for identity in ours.values())
    return IdentitySettings(
        domain,
        _mail_from(domain, {region: i.mail_from.domain for region, i in ours.items()}),
        own=served,
        replicate_from=next((source for source in replicas if source is not None), None),
    )


def _mail_from(domain: SendingDomain, names: Mapping[str, str | None]) -> str:
    """Return the MAIL FROM name; as by default if the Regions' names do not follow from one.

    By default a name that is there stays.
    """
    first = next(iter(names.values()))
    if first is None or None in names.values():
        return NO_MAIL_FROM
    wanted = IdentitySettings(domain, first.removesuffix(f".{domain}"))
    taken: list[str] = []
    for region, name in names.items():
        if wanted.mail_from_in(region, taken) != name:
            return DEFAULT_MAIL_FROM
        taken.append(str(name))
    return wanted.mail_from
