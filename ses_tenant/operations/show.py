"""`show`: everything there is to know of one tenant."""

from dataclasses import dataclass

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.plans.repair import drift
from ses_tenant.core.tenant.observed import AccessKey, Observed
from ses_tenant.core.tenant.request import TenantRequest, resolve
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.operations.list_tenants import TenantSummary, summarise
from ses_tenant.operations.observe import observe_everything, with_last_use
from ses_tenant.operations.protocols import Iam, SesTenants
from ses_tenant.operations.ses_tenants import Seen, see


@dataclass(frozen=True)
class TenantDetails:
    """A tenant as it is, as its tags say it should be, and the difference."""

    summary: TenantSummary
    observed: Observed
    spec: TenantSpec
    drift: tuple[str, ...]
    access_keys: tuple[AccessKey, ...]
    ses_tenants: tuple[Seen, ...] = ()


def show(iam: Iam, domain: SendingDomain, ses_tenants: SesTenants | None = None) -> TenantDetails:
    """Return the tenant, with its SES tenants where it has them and `ses_tenants` reads them.

    Raises SesTenantError `not_found` and `not_ours`.
    """
    observed = observe_everything(iam, domain)
    spec = resolve(TenantRequest(domain), observed, default_region=None)
    keys = with_last_use(iam, observed.access_keys)
    seen = see(ses_tenants, spec) if ses_tenants else ()
    summary = summarise(observed, keys)
    return TenantDetails(summary, observed, spec, drift(spec, observed), keys, seen)
