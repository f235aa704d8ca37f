"""From tenants to the text of a `tenants.toml`."""

from collections.abc import Iterable

import tomlkit
from tomlkit.items import Table

from ses_tenant.core.fleet.fleet import Account
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.request import TenantRequest, resolve
from ses_tenant.core.tenant.spec import DEFAULT_FORMAT, STDOUT, Interface, Scope


def fleet_toml(tenants: Iterable[Observed], account: Account | None) -> str:
    """Return the file: a table for each tenant, without what is the default anyway.

    Raises SesTenantError `internal` for a tag that this version does not know.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment("To see what would change: ses-tenant plan"))
    document.add(tomlkit.nl())
    if account is not None:
        document.add("accounts", _account(account))
    outer = tomlkit.table(is_super_table=True)
    for observed in tenants:
        outer.add(observed.domain.name, _tenant(observed))
    document.add("tenants", outer)
    return tomlkit.dumps(document)


def _account(account: Account) -> Table:
    table = tomlkit.table()
    if account.profile is not None:
        table.add("profile", account.profile)
    accounts = tomlkit.table(is_super_table=True)
    accounts.add(account.name, table)
    return accounts


def _tenant(observed: Observed) -> Table:
    spec = resolve(TenantRequest(observed.domain), observed, None)
    sending = spec.sending
    own = observed.user.remembered.others
    values: dict[str, tuple[object, object]] = {
        "interface": (spec.interface.value, Interface.API.value),
        "regions": (list(spec.regions), []),
        "subdomains": (sending.subdomains, False),
        "also": ([also.name for also in sending.also], []),
        "return-path": (sending.return_path.name if sending.return_path else None, None),
        "scope": (sending.scope.value, Scope.ANY.value),
        "configuration-sets": (list(sending.configuration_sets), []),
        "destination": (spec.destination, STDOUT),
        "format": (spec.format, DEFAULT_FORMAT),
        "read-back": (spec.read_back, None),
        "permissions-boundary": (observed.user.permissions_boundary, None),
        "suspended": (observed.suspended, False),
    }
    table = tomlkit.table()
    for key, (value, default) in values.items():
        if value != default:
            table.add(key, value)
    if own:
        tags_table = tomlkit.inline_table()
        tags_table.update(own)
        table.add("tags", tags_table)
    return table
