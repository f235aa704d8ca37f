"""`export`: a tenants file from the tenants that an account has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import Notice, SesTenantError
from ses_tenant.core.fleet.export import fleet_toml
from ses_tenant.core.fleet.fleet import Account
from ses_tenant.core.identity.exported import settings_for
from ses_tenant.core.identity.state import serving_names
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.fleet_identities import ListedIdentities
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.observe import observe_all
from ses_tenant.operations.protocols import Iam, Identities

_WORKERS = 8


@dataclass(frozen=True)
class Exported:
    """The text of the file, and how many tenants stand in it."""

    toml: str
    tenants: int
    warnings: tuple[Notice, ...]


def export(
    iam: Iam, account: Account | None, identities: Identities, progress: Progress = unwatched
) -> Exported:
    """Return the file for which `plan` changes nothing; `account` is how the operator came here.

    The email identities that are ours stand in it, unless SES does not let them be read, which a
    warning tells. Raises SesTenantError `internal` for a tenant that a newer version made.
    """
    tenants, warnings = observe_all(iam)
    try:
        settings = _identities(tenants, ListedIdentities(identities), progress)
    except SesTenantError as error:
        settings = {}
        told = f"Email identities are left out, because they cannot be read. {error.message}"
        warnings = (*warnings, Notice("not_read", told))
    return Exported(fleet_toml(tenants, account, settings), len(tenants), warnings)


def _identities(
    tenants: Sequence[Observed], identities: ListedIdentities, progress: Progress
) -> Mapping[SendingDomain, IdentitySettings]:
    def settings_of(observed: Observed) -> IdentitySettings | None:
        domain, regions = observed.domain, known(observed.user.remembered.regions) or ()
        above = serving_names(domain.name, domain.registrable)[1:]
        lists = [identities.names(region) for region in regions]
        served = any(name in listed and listed[name].verified for name in above for listed in lists)
        found = {region: identities.get(region, domain.name) for region in regions}
        return settings_for(domain, found, served=served)

    def failed(_: Observed, error: SesTenantError) -> IdentitySettings | None:
        raise error

    found = each_tenant(tenants, settings_of, failed=failed, workers=_WORKERS, progress=progress)
    return {settings.domain: settings for settings in found if settings is not None}
