"""Whether a tenant's mail can arrive: at most two reads of SES a Region."""

from collections.abc import Sequence

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.identity.readiness import RegionReadiness
from ses_tenant.core.identity.ses import SesAccount
from ses_tenant.core.identity.state import serving_names
from ses_tenant.operations.protocols import IdentityReader, Ses


def read_readiness(
    identities: IdentityReader, ses: Ses, domain: SendingDomain, regions: Sequence[str]
) -> tuple[RegionReadiness, ...]:
    """Return what SES says in each Region; what the operator may not read is left unknown.

    Where the domain has no identity of its own, the second read is for that of the registered
    domain, and the account is not asked: it has to be verified first anyway.
    """
    return tuple(_read(identities, ses, domain, region) for region in regions)


def _read(
    identities: IdentityReader, ses: Ses, domain: SendingDomain, region: str
) -> RegionReadiness:
    try:
        found = identities.get(region, domain.name)
        if found is None and domain.registrable != domain.name:
            found = identities.get(region, domain.registrable)
            # Of a name between the two nothing is known, and it may be what serves.
            all_asked = len(serving_names(domain.name, domain.registrable)) == 2
            return RegionReadiness(region, looked=found is not None or all_asked, identity=found)
    except SesTenantError:
        return RegionReadiness(region, account=_account(ses, region))
    return RegionReadiness(region, looked=True, identity=found, account=_account(ses, region))


def _account(ses: Ses, region: str) -> SesAccount | None:
    try:
        return ses.account(region)
    except SesTenantError:
        return None
