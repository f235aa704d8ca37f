"""From tenants to the text of a `tenants.toml`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import tomlkit
from tomlkit.items import Table

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.fleet.fleet import Account
from ses_tenant.core.tenant.identity import IDENTITY, IdentitySettings
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.request import TenantRequest, resolve
from ses_tenant.core.tenant.spec import SETTINGS


def fleet_toml(
    tenants: Iterable[Observed],
    account: Account | None,
    identities: Mapping[SendingDomain, IdentitySettings] = MappingProxyType({}),
) -> str:
    """Return the file: a table for each tenant, without what is the default anyway.

    `identities` are those that are looked after, by domain.
    Raises SesTenantError `internal` for a tag that this version does not know.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment("To see what would change: ses-tenant plan"))
    document.add(tomlkit.nl())
    if account is not None:
        document.add("accounts", _account(account))
    outer = tomlkit.table(is_super_table=True)
    for observed in tenants:
        table = _tenant(observed)
        settings = identities.get(observed.domain)
        if settings is not None:
            table.add("identity", _identity(settings))
        outer.add(observed.domain.name, table)
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
    spec = replace(spec, permissions_boundary=observed.user.permissions_boundary)
    table = tomlkit.table()
    for setting in SETTINGS:
        value = setting.data(spec.value(setting))
        if value != setting.data(setting.default) and not setting.kind.pairs:
            table.add(setting.name, value)
    if observed.suspended:
        table.add("suspended", True)
    if observed.user.remembered.others:
        tags = tomlkit.inline_table()
        tags.update(observed.user.remembered.others)
        table.add("tags", tags)
    return table


def _identity(settings: IdentitySettings) -> Table:
    table = tomlkit.table()
    for setting in IDENTITY:
        value = getattr(settings, setting.field)
        if value != setting.default:
            table.add(setting.name, setting.data(value))
    return table
