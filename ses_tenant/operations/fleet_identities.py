"""The email identities that a tenants file asks for: planned, made, and read for `export`.

SES answers about one call a second, so no identity is read that a list of the Region does not name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from ses_tenant.core.errors import Notice, SesTenantError
from ses_tenant.core.fleet.changes import Change, TenantPlan
from ses_tenant.core.fleet.fleet import FleetTenant
from ses_tenant.core.identity.records import DnsRecord, records_to_come
from ses_tenant.core.identity.ses import ListedIdentity
from ses_tenant.core.identity.ses_tenants import SesTenantSteps
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.core.tenant.steps import BaseStep
from ses_tenant.operations import ses_tenants
from ses_tenant.operations.identity import (
    Prepared,
    carry_out,
    names_in_use,
    prepare,
    refuse_senders,
    upwards,
)
from ses_tenant.operations.many import Progress, each_tenant, of_tenant, unwatched
from ses_tenant.operations.protocols import Identities
from ses_tenant.operations.runtime import Runtime

_SHOWN = 5
_TOLD = {
    "not_ours": (
        "were not made by ses-tenant and are left as they are. To have one looked after: "
        "ses-tenant identity adopt DOMAIN"
    ),
    "own_dkim_keys": "have DKIM keys of their own (BYODKIM), which are left alone.",
}


@dataclass(frozen=True)
class ListedIdentities:
    """An `IdentityReader` that asks SES only for what a list of the Region names.

    A Region is listed when it is needed first, once; what that raises, every read of it raises.
    """

    identities: Identities
    _lists: dict[str, Mapping[str, ListedIdentity] | SesTenantError] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, region: str, name: str) -> EmailIdentity | None:
        """Return the email identity, or None if there is none of that name."""
        return self.identities.get(region, name) if name in self.names(region) else None

    def names(self, region: str) -> Mapping[str, ListedIdentity]:
        """Return the identities of a Region by name. Raises SesTenantError."""
        with self._lock:
            if region not in self._lists:
                try:
                    found = self.identities.listed(region)
                    self._lists[region] = {identity.name: identity for identity in found}
                except SesTenantError as error:
                    self._lists[region] = error
            listed = self._lists[region]
        if isinstance(listed, SesTenantError):
            raise listed
        return listed


@dataclass(frozen=True)
class Planned(TenantPlan):
    """What is planned for a tenant, and at last for the email identity of its domain."""

    identity: Prepared | None = None
    ses_tenant: SesTenantSteps = ()

    @property
    def plan(self) -> tuple[BaseStep, ...]:
        """Return all steps, in order."""
        return (*super().plan, *self.later)

    @property
    def later(self) -> tuple[BaseStep, ...]:
        """Return the steps in SES, which come last."""
        return (*(self.identity.steps if self.identity else ()), *self.ses_tenant)

    @property
    def records(self) -> tuple[DnsRecord, ...]:
        """Return the DNS records that are then to be added, as far as they are known."""
        if self.identity is None:
            return ()
        return records_to_come(self.identity.steps, self.identity.settings.dmarc_rua)


def with_identities(
    planned: Sequence[Planned],
    runtime: Runtime,
    present: Sequence[Observed],
    regions_of: Callable[[FleetTenant], tuple[str, ...]],
    progress: Progress = unwatched,
) -> tuple[tuple[Planned, ...], tuple[Notice, ...]]:
    """Return the plans with those of the email identities that the file asks for, and notices.

    `present` are all tenants of the account: none may send as a MAIL FROM domain.
    """
    listed = ListedIdentities(runtime.identities)
    in_use = names_in_use(present)
    for domain in (p.tenant.domain for p in planned if p.tenant):
        in_use |= dict.fromkeys(upwards(domain), domain)

    def with_identity(p: Planned) -> Planned:
        if p.tenant is None or p.tenant.identity is None:
            return p
        prepared = prepare(listed, p.tenant.identity, regions_of(p.tenant))
        refuse_senders(prepared, in_use)
        updated = p.change is Change.NONE and prepared.steps
        return replace(p, identity=prepared, change=Change.UPDATE if updated else p.change)

    wanted = [p for p in planned if p.error is None and p.tenant and p.tenant.identity]
    done = each_tenant(
        wanted,
        with_identity,
        failed=lambda p, error: replace(p, error=of_tenant(p.domain, error)),
        workers=runtime.workers,
        progress=progress,
    )
    by_domain = {p.domain: p for p in done}
    return tuple(by_domain.get(p.domain, p) for p in planned), _grouped(done)


def make_identity(runtime: Runtime, planned: Planned) -> None:
    """Carry out what is planned for the identity and SES tenant. Raises what AWS answers."""
    if planned.identity is not None:
        carry_out(runtime.identities, planned.identity.steps)
    ses_tenants.carry_out(runtime.ses_tenants, planned.ses_tenant)


def with_ses_tenants(
    planned: Sequence[Planned],
    runtime: Runtime,
    wants: Callable[[FleetTenant], bool],
    spec_of: Callable[[FleetTenant], TenantSpec],
) -> tuple[Planned, ...]:
    """Return the plans with those of the SES tenants that the file asks for.

    One that cannot be looked at is a warning: a suspension does not wait for it.
    """

    def with_one(p: Planned) -> Planned:
        if p.error is not None or p.tenant is None or not wants(p.tenant):
            return p
        made = [plan.region for plan in p.identity.plans if plan.steps] if p.identity else []
        steps, notices = ses_tenants.prepare(
            runtime.ses_tenants, runtime.identities, spec_of(p.tenant), made
        )
        updated = p.change is Change.NONE and steps
        return replace(
            p,
            ses_tenant=steps,
            change=Change.UPDATE if updated else p.change,
            warnings=(*p.warnings, *notices),
        )

    return tuple(
        each_tenant(
            planned,
            with_one,
            failed=lambda p, error: replace(
                p, warnings=(*p.warnings, ses_tenants.failure(p.domain, error))
            ),
            workers=runtime.workers,
        )
    )


def _grouped(done: Iterable[Planned]) -> tuple[Notice, ...]:
    """Return one notice for what several domains share, of what an owner should know.

    That an identity above serves a domain is as it should be, and told by no notice.
    """
    domains: dict[str, dict[str, None]] = {}
    for planned in done:
        for plan in planned.identity.plans if planned.identity else ():
            for notice in plan.notices:
                if notice.code in _TOLD:
                    domains.setdefault(notice.code, {})[planned.domain] = None
    return tuple(Notice(code, f"{_named(list(d))} {_TOLD[code]}") for code, d in domains.items())


def _named(domains: Sequence[str]) -> str:
    more = f" and {len(domains) - _SHOWN} more" if len(domains) > _SHOWN else ""
    return f"The email identities {', '.join(domains[:_SHOWN])}{more}"
