"""`plan` and `apply`: bring the accounts to what a tenants file says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.fleet.changes import (
    Change,
    delivery_changes,
    differences,
    keys_in_question,
    require_destination,
)
from ses_tenant.core.fleet.fleet import DEFAULT_ACCOUNT, Fleet, FleetTenant
from ses_tenant.core.plans.create import plan_create_suspended
from ses_tenant.core.plans.repair import plan_repair
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.notes import By
from ses_tenant.core.tenant.observed import CredentialReport, Observed, require_ours
from ses_tenant.core.tenant.request import check_spec, require_regions, resolve
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations import create, delete
from ses_tenant.operations.apply import apply
from ses_tenant.operations.fleet_identities import (
    Planned,
    make_identity,
    with_identities,
    with_ses_tenants,
)
from ses_tenant.operations.many import (
    Accounts,
    Progress,
    each_account,
    each_tenant,
    of_account,
    of_tenant,
    unwatched,
)
from ses_tenant.operations.observe import tenants_among
from ses_tenant.operations.runtime import Runtime
from ses_tenant.operations.suspend import Suspension, prepare_resume, prepare_suspend


@dataclass(frozen=True)
class FleetPlan:
    """What is planned, by account and domain. `unlisted`: tenants that the file does not name."""

    tenants: tuple[Planned, ...]
    unlisted: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Notice, ...] = ()
    errors: tuple[SesTenantError, ...] = ()

    @property
    def changes(self) -> tuple[Planned, ...]:
        """Return the tenants that something is to be done to."""
        return tuple(t for t in self.tenants if t.error is None and t.change is not Change.NONE)


@dataclass(frozen=True)
class _Seen:
    """One account as it is: users by name, those among them that are tenants, and the report."""

    account: str
    runtime: Runtime
    users: Mapping[str, Observed]
    tenants: Sequence[Observed]
    warnings: tuple[Notice, ...]
    report: CredentialReport


def plan(
    fleet: Fleet, accounts: Accounts, progress: Progress = unwatched, *, prune: bool
) -> FleetPlan:
    """Return what has to be done so that the accounts are as the file says.

    An account costs one read for each thousand users and, where it has tenants already, two for
    the credential report. Only a tenant whose keys are in question, or that is to be suspended,
    resumed or pruned, is read by itself. Tenants that the file does not name are pruned if asked.
    Where the file asks for email identities, SES lists those of a Region, and those that are there
    are read one by one: of that `progress` is told. An account that cannot be read is an error, and
    the others go on.
    """
    looked, errors = each_account(accounts, _look)
    _refuse_one_account_twice(seen for _, seen in looked)
    plans = [_plan_account(fleet, seen, progress, prune=prune) for _, seen in looked]
    tenants = [tenant for planned in plans for tenant in planned.tenants]
    order = list(fleet.accounts)
    return FleetPlan(
        tuple(sorted(tenants, key=lambda t: (order.index(t.account), t.domain))),
        tuple(stranger for planned in plans for stranger in planned.unlisted),
        (
            *(warning for planned in plans for warning in planned.warnings),
            *(warning for tenant in tenants for warning in tenant.warnings),
        ),
        tuple(of_account(name, error) for name, error in errors),
    )


def carry_out(
    plans: Sequence[Planned], accounts: Accounts, progress: Progress = unwatched
) -> list[Planned]:
    """Carry out the plans, several at a time; return each with its error if it failed.

    A failure stops only its own tenant. Run again, `plan` finds what is left of it. Email
    identities come last: no suspension waits for SES, which takes a second for a call.
    """
    opened = {name: r for name, r in accounts.items() if isinstance(r, Runtime)}
    identities = [p for p in plans if p.later]
    total = len(plans) + len(identities)

    def in_turn(
        some: Sequence[Planned], work: Callable[[Runtime, Planned], None], before: int
    ) -> list[Planned]:
        def one(planned: Planned) -> Planned:
            work(opened[planned.account], planned)
            return planned

        return each_tenant(
            some,
            one,
            failed=lambda planned, error: replace(planned, error=of_tenant(planned.domain, error)),
            workers=max((runtime.workers for runtime in opened.values()), default=1),
            progress=lambda done, _: progress(before + done, total),
        )

    outcomes = in_turn(plans, _carry_out, 0)
    failed = {(p.account, p.domain) for p in outcomes if p.error}
    left = [p for p in identities if (p.account, p.domain) not in failed]
    made = in_turn(left, make_identity, total - len(left))
    by_name = {(p.account, p.domain): p for p in made}
    return [by_name.get((p.account, p.domain), p) for p in outcomes]


def _plan_account(fleet: Fleet, seen: _Seen, progress: Progress, *, prune: bool) -> FleetPlan:
    """Return the plan for one account, its warnings without those of its tenants."""
    account, runtime = seen.account, seen.runtime

    def blank(tenant: FleetTenant) -> Planned:
        return Planned(account, tenant.domain.name, tenant=tenant)

    planned = each_tenant(
        fleet.of(account),
        lambda tenant: _plan_tenant(tenant, seen, blank(tenant)),
        failed=lambda tenant, error: replace(
            blank(tenant), error=of_tenant(tenant.domain.name, error)
        ),
        workers=runtime.workers,
    )
    tenants, notices = with_identities(
        planned,
        runtime,
        seen.tenants,
        lambda tenant: _spec(runtime, tenant, _seen_user(seen, tenant)).regions,
        progress,
    )
    tenants = with_ses_tenants(
        tenants,
        runtime,
        lambda tenant: _wants_ses_tenant(tenant, _seen_user(seen, tenant)),
        lambda tenant: _spec(runtime, tenant, _seen_user(seen, tenant)),
    )
    warnings = (*seen.warnings, *notices)
    listed = {tenant.domain.name for tenant in fleet.of(account)}
    present = [o.domain.name for o in seen.tenants]
    strangers = [domain for domain in present if domain not in listed]
    if not prune:
        unlisted = tuple((account, domain) for domain in strangers)
        return FleetPlan(tenants, unlisted, warnings)
    pruned = each_tenant(
        strangers,
        lambda domain: _plan_prune(runtime, account, domain),
        failed=lambda domain, error: Planned(
            account, domain, Change.DELETE, error=of_tenant(domain, error)
        ),
        workers=runtime.workers,
    )
    return FleetPlan((*tenants, *pruned), (), warnings)


def _look(account: str | None, runtime: Runtime) -> _Seen:
    users = runtime.iam.list_tenants()
    tenants, warnings = tenants_among(users)
    report = runtime.iam.credential_report() if tenants else CredentialReport(runtime.now(), {})
    by_name = {o.user.user_name.lower(): o for o in users}
    return _Seen(account or DEFAULT_ACCOUNT, runtime, by_name, tenants, warnings, report)


def _refuse_one_account_twice(looked: Iterable[_Seen]) -> None:
    """Raise `usage` if two names lead to one account: each would prune the other's tenants."""
    owners: dict[str, str] = {}
    for seen in looked:
        for observed in seen.tenants[:1]:
            number = observed.user.user_arn.split(":")[4]
            owner = owners.setdefault(number, seen.account)
            if owner != seen.account:
                raise SesTenantError(
                    ErrorCode.USAGE,
                    f"The accounts '{owner}' and '{seen.account}' are one AWS account, {number}.",
                    "Keep one of the two names in the file.",
                )


def _plan_tenant(tenant: FleetTenant, seen: _Seen, blank: Planned) -> Planned:
    observed = _seen_user(seen, tenant)
    if observed is None:
        return _plan_new(seen.runtime, tenant, blank)
    require_ours(observed.user, tenant.domain)
    return _plan_present(seen.runtime, tenant, observed, seen.report, blank)


def _seen_user(seen: _Seen, tenant: FleetTenant) -> Observed | None:
    return seen.users.get(naming.user_name(tenant.domain).lower())


def _plan_new(runtime: Runtime, tenant: FleetTenant, blank: Planned) -> Planned:
    if tenant.suspended:
        spec = _spec(runtime, tenant, None)
        return replace(blank, change=Change.CREATE, main=plan_create_suspended(spec))
    prepared = _create_plan(runtime, tenant, None)
    return replace(
        blank, change=Change.CREATE, main=prepared.plan, keys=True, warnings=prepared.warnings
    )


def _plan_present(
    runtime: Runtime,
    tenant: FleetTenant,
    observed: Observed,
    report: CredentialReport,
    blank: Planned,
) -> Planned:
    spec = _spec(runtime, tenant, observed)
    stopped = tenant.suspended is False and _watch_stopped(observed)
    tenant = replace(tenant, suspended=None) if stopped else tenant
    change, toggle = _toggle(runtime, tenant, observed, report)
    will_be_suspended = observed.suspended if tenant.suspended is None else tenant.suspended
    warnings: tuple[Notice, ...] = (_stays_stopped(observed),) if stopped else ()
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
            access_keys=runtime.iam.list_access_keys(observed.user.user_name),
        )
        prepared = _create_plan(runtime, tenant, close)
        main = prepared.plan
        # That it is suspended is no news to who wrote so.
        known_of = tenant.suspended is not None or stopped
        warnings += tuple(w for w in prepared.warnings if w.code != "suspended" or not known_of)
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
    runtime: Runtime, tenant: FleetTenant, observed: Observed, report: CredentialReport
) -> tuple[Change, steps.Plan]:
    """Return the steps that suspend or resume the tenant, where the file says something else."""
    reported = report.users.get(observed.user.user_arn, ())
    half = observed.suspended and any(key.active for key in reported)
    planned = Suspension(tenant.domain.name)
    change = Change.NONE
    if tenant.suspended is True and (half or not observed.suspended):
        planned = prepare_suspend(runtime.iam, tenant.domain, observed.user)
        change = Change.SUSPEND
    elif tenant.suspended is False and observed.suspended:
        planned = prepare_resume(runtime.iam, tenant.domain, observed.user)
        change = Change.RESUME
    return (change if planned.plan else Change.NONE), planned.plan


def _watch_stopped(observed: Observed) -> bool:
    """Tell whether the watch has suspended the tenant: a person lets it go, by name."""
    reason = known(observed.user.remembered.suspended)
    return observed.suspended and reason is not None and reason.by is By.WATCH


def _stays_stopped(observed: Observed) -> Notice:
    reason, domain = observed.user.remembered.suspended, observed.domain
    return Notice(
        "suspended",
        f"{domain} is suspended {reason}. The file does not resume what the watch has stopped. "
        f"If the site is well again: ses-tenant resume {domain}",
    )


def _plan_prune(runtime: Runtime, account: str, domain: str) -> Planned:
    deletion = delete.prepare(runtime.iam, SendingDomain.parse(domain))
    return Planned(account, domain, Change.DELETE, main=deletion.plan)


def _carry_out(runtime: Runtime, planned: Planned) -> None:
    apply(runtime, planned.before)
    if planned.keys and planned.tenant:
        prepared = (
            _create_plan(runtime, planned.tenant, None)
            if planned.change is Change.CREATE
            else create.prepare(runtime, planned.tenant.request)
        )
        require_destination(prepared.spec, prepared.plan)
        create.check_destination(prepared)
        create.carry_out(runtime, prepared)
    else:
        apply(runtime, planned.main)
    apply(runtime, planned.after)


def _spec(runtime: Runtime, tenant: FleetTenant, observed: Observed | None) -> TenantSpec:
    spec = resolve(tenant.request, observed, runtime.default_region)
    require_regions(spec)
    check_spec(spec)
    return spec


def _wants_ses_tenant(tenant: FleetTenant, observed: Observed | None) -> bool:
    given = tenant.request.given.get("ses_tenant")
    if given is not None or observed is None:
        return bool(given)
    sending = known(observed.user.remembered.sending)
    return sending is not None and sending.ses_tenant


def _create_plan(
    runtime: Runtime, tenant: FleetTenant, observed: Observed | None
) -> create.Prepared:
    prepared = create.plan(runtime, tenant.request, observed)
    require_destination(prepared.spec, prepared.plan)
    return prepared
