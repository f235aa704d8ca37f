"""`plan` and `apply`: bring the accounts to what a tenants file says."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.fleet.changes import (
    Change,
    TenantPlan,
    delivery_changes,
    differences,
    keys_in_question,
    require_destination,
)
from ses_tenant.core.fleet.fleet import Fleet, FleetTenant
from ses_tenant.core.plans.create import plan_create_suspended
from ses_tenant.core.plans.repair import plan_repair
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.observed import CredentialReport, Observed, require_ours
from ses_tenant.core.tenant.request import check_spec, require_regions, resolve
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.operations import create, delete
from ses_tenant.operations.apply import apply
from ses_tenant.operations.observe import tenants_among
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.suspend import Suspension, prepare_resume, prepare_suspend


@dataclass(frozen=True)
class AccountAccess:
    """How one account is reached."""

    iam: Iam
    open_destination: Callable[[TenantSpec], Destination]
    default_region: str | None


@dataclass(frozen=True)
class World:
    """What the operations need besides values; a SesTenantError says why an account is closed."""

    accounts: Mapping[str, AccountAccess | SesTenantError]
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    me: Process


@dataclass(frozen=True)
class FleetPlan:
    """What is planned, by account and domain. `unlisted`: tenants that the file does not name."""

    tenants: tuple[TenantPlan, ...]
    unlisted: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Notice, ...] = ()
    errors: tuple[SesTenantError, ...] = ()

    @property
    def changes(self) -> tuple[TenantPlan, ...]:
        """Return the tenants that something is to be done to."""
        return tuple(t for t in self.tenants if t.error is None and t.change is not Change.NONE)


@dataclass(frozen=True)
class _Seen:
    """One account as it is: users by name, those among them that are tenants, and the report."""

    users: Mapping[str, Observed]
    tenants: Sequence[Observed]
    warnings: tuple[Notice, ...]
    report: CredentialReport


def plan(fleet: Fleet, world: World, *, prune: bool, workers: int) -> FleetPlan:
    """Return what has to be done so that the accounts are as the file says.

    An account costs one read for each thousand users and, where it has tenants already, two for
    the credential report. Only a tenant whose keys are in question, or that is to be suspended,
    resumed or pruned, is read by itself. Tenants that the file does not name are pruned if asked.
    An account that cannot be read is an error, and the others go on.
    """
    tenants: list[TenantPlan] = []
    unlisted: list[tuple[str, str]] = []
    warnings: list[Notice] = []
    errors: list[SesTenantError] = []
    owners: dict[str, str] = {}
    for name in fleet.accounts:
        access = world.accounts[name]
        try:
            if isinstance(access, SesTenantError):
                raise access
            seen = _look(access.iam, world)
        except SesTenantError as error:
            errors.append(error.about(f"Account {name}"))
            continue
        _refuse_one_account_twice(name, seen, owners)
        listed = {tenant.domain.name for tenant in fleet.of(name)}
        strangers = [o.domain.name for o in seen.tenants if o.domain.name not in listed]
        warnings += seen.warnings
        with ThreadPoolExecutor(max_workers=workers) as pool:
            planned = pool.map(
                lambda tenant, access=access, seen=seen: _plan_tenant(access, tenant, seen, world),
                fleet.of(name),
            )
            tenants += planned
            if prune:
                tenants += pool.map(
                    lambda d, access=access, name=name: _plan_prune(access, name, d),
                    strangers,
                )
            else:
                unlisted += [(name, domain) for domain in strangers]
    order = list(fleet.accounts)
    return FleetPlan(
        tuple(sorted(tenants, key=lambda t: (order.index(t.account), t.domain))),
        tuple(unlisted),
        (*warnings, *(w for t in tenants for w in t.warnings)),
        tuple(errors),
    )


def carry_out(plans: Iterable[TenantPlan], world: World, *, workers: int) -> Iterator[TenantPlan]:
    """Carry out the plans, several at a time; yield each as it ends, with its error if it failed.

    A failure stops only its own tenant. Run again, `plan` finds what is left of it.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        yield from pool.map(lambda planned: _carry_out(planned, world), plans)


def _look(iam: Iam, world: World) -> _Seen:
    users = iam.list_tenants()
    tenants, warnings = tenants_among(users)
    report = iam.credential_report() if tenants else CredentialReport(world.now(), {})
    return _Seen({o.user.user_name.lower(): o for o in users}, tenants, warnings, report)


def _refuse_one_account_twice(name: str, seen: _Seen, owners: dict[str, str]) -> None:
    """Raise `usage` if two names lead to one account: each would prune the other's tenants."""
    for observed in seen.tenants[:1]:
        number = observed.user.user_arn.split(":")[4]
        if owners.setdefault(number, name) != name:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"The accounts '{owners[number]}' and '{name}' are one AWS account, {number}.",
                "Keep one of the two names in the file.",
            )


def _plan_tenant(
    access: AccountAccess, tenant: FleetTenant, seen: _Seen, world: World
) -> TenantPlan:
    blank = TenantPlan(tenant.account, tenant.domain.name, tenant=tenant)
    observed = seen.users.get(naming.user_name(tenant.domain).lower())
    try:
        if observed is None:
            return _plan_new(access, tenant, blank, world)
        require_ours(observed.user, tenant.domain)
        return _plan_present(access, tenant, observed, seen.report, blank, world)
    except SesTenantError as error:
        return replace(blank, error=_of_tenant(blank.domain, error))


def _plan_new(
    access: AccountAccess, tenant: FleetTenant, blank: TenantPlan, world: World
) -> TenantPlan:
    if tenant.suspended:
        spec = _spec(access, tenant, None)
        return replace(blank, change=Change.CREATE, main=plan_create_suspended(spec))
    prepared = _create_plan(access, tenant, None, world)
    return replace(
        blank, change=Change.CREATE, main=prepared.plan, keys=True, warnings=prepared.warnings
    )


def _plan_present(
    access: AccountAccess,
    tenant: FleetTenant,
    observed: Observed,
    report: CredentialReport,
    blank: TenantPlan,
    world: World,
) -> TenantPlan:
    spec = _spec(access, tenant, observed)
    change, toggle = _toggle(access, tenant, observed, report)
    will_be_suspended = observed.suspended if tenant.suspended is None else tenant.suspended
    warnings: tuple[Notice, ...] = ()
    looked = delivery_changes(spec, observed) or (
        not will_be_suspended and keys_in_question(spec, observed, report)
    )
    if looked:
        policies = {*observed.inline_policies} - {naming.SUSPENDED_POLICY}
        if will_be_suspended:
            policies.add(naming.SUSPENDED_POLICY)
        close = replace(
            observed,
            inline_policies=tuple(policies),
            access_keys=access.iam.list_access_keys(observed.user.user_name),
        )
        prepared = _create_plan(access, tenant, close, world)
        main = prepared.plan
        # That it is suspended is no news to who wrote so.
        warnings = tuple(
            w for w in prepared.warnings if w.code != "suspended" or tenant.suspended is None
        )
    else:
        main = plan_repair(spec, observed)
    if change is Change.NONE and main:
        change = Change.UPDATE
    # A site is stopped first, and let go last; but a key is issued only to one that was let go.
    first = change is Change.SUSPEND or looked
    return replace(
        blank,
        change=change,
        before=toggle if first else (),
        main=main,
        after=() if first else toggle,
        keys=looked and bool(main),
        differences=differences(main, observed.user.tags),
        warnings=warnings,
    )


def _toggle(
    access: AccountAccess, tenant: FleetTenant, observed: Observed, report: CredentialReport
) -> tuple[Change, steps.Plan]:
    """Return the steps that suspend or resume the tenant, where the file says something else."""
    reported = report.users.get(observed.user.user_arn, ())
    half = observed.suspended and any(key.active for key in reported)
    planned = Suspension(tenant.domain.name)
    change = Change.NONE
    if tenant.suspended is True and (half or not observed.suspended):
        planned = prepare_suspend(access.iam, tenant.domain, observed.user)
        change = Change.SUSPEND
    elif tenant.suspended is False and observed.suspended:
        planned = prepare_resume(access.iam, tenant.domain, observed.user)
        change = Change.RESUME
    if planned.error:
        raise planned.error
    return (change if planned.plan else Change.NONE), planned.plan


def _plan_prune(access: AccountAccess, account: str, domain: str) -> TenantPlan:
    sending_domain = SendingDomain.parse(domain)
    deletion = delete.prepare(access.iam, sending_domain)
    error = _of_tenant(domain, deletion.error) if deletion.error else None
    return TenantPlan(account, domain, Change.DELETE, main=deletion.plan, error=error)


def _carry_out(planned: TenantPlan, world: World) -> TenantPlan:
    access = world.accounts[planned.account]
    if isinstance(access, SesTenantError) or planned.error is not None:
        return planned
    iam = access.iam
    try:
        apply(iam, planned.before, world.sleep)
        if planned.keys and planned.tenant:
            prepared = (
                _create_plan(access, planned.tenant, None, world)
                if planned.change is Change.CREATE
                else create.prepare(
                    iam,
                    planned.tenant.request,
                    access.default_region,
                    access.open_destination,
                    world.now(),
                    world.me,
                )
            )
            require_destination(prepared.spec, prepared.plan)
            create.check_destination(prepared)
            create.carry_out(iam, prepared, world.sleep, world.now)
        else:
            apply(iam, planned.main, world.sleep)
        apply(iam, planned.after, world.sleep)
    except SesTenantError as error:
        return replace(planned, error=_of_tenant(planned.domain, error))
    return planned


def _spec(access: AccountAccess, tenant: FleetTenant, observed: Observed | None) -> TenantSpec:
    spec = resolve(tenant.request, observed, access.default_region)
    require_regions(spec)
    check_spec(spec)
    return spec


def _create_plan(
    access: AccountAccess, tenant: FleetTenant, observed: Observed | None, world: World
) -> create.Prepared:
    prepared = create.plan(
        access.iam,
        tenant.request,
        observed,
        access.default_region,
        access.open_destination,
        world.now(),
        world.me,
    )
    require_destination(prepared.spec, prepared.plan)
    return prepared


def _of_tenant(domain: str, error: SesTenantError) -> SesTenantError:
    """Return the failure, saying whose it is."""
    return error if domain in error.message else error.about(domain)
