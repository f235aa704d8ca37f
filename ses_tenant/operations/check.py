"""`check`: whether tenants are as they should be, and isolated from each other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.findings.audit import isolation
from ses_tenant.core.findings.check import SesView, check_tenant, disagreement, probes
from ses_tenant.core.findings.finding import Finding
from ses_tenant.core.identity.ses import SesAccount, SesIdentity
from ses_tenant.core.plans.repair import plan_restore
from ses_tenant.core.proof.members import Member, members
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.request import TenantRequest, resolve
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.operations.apply import apply
from ses_tenant.operations.observe import observe_everything, with_last_use
from ses_tenant.operations.protocols import Iam, Ses
from ses_tenant.operations.situation import read_situation, this_process


@dataclass(frozen=True)
class Checked:
    """What was found of one tenant and how to repair it; or why it could not be looked at."""

    domain: SendingDomain
    findings: tuple[Finding, ...] = ()
    plan: steps.Plan = ()
    error: SesTenantError | None = None
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class World:
    """What a check needs: services, the destinations that specs name, the time."""

    iam: Iam
    ses: Ses
    open_destination: Callable[[TenantSpec], Destination]
    now: datetime
    max_age: timedelta
    live: bool = False


def read_members(iam: Iam) -> tuple[Member, ...]:
    """Return everybody in the account."""
    return members(iam.account_details())


def tenant_domains(people: Iterable[Member]) -> tuple[SendingDomain, ...]:
    """Return the domains of all tenants."""
    return tuple(sorted((m.tenant for m in people if m.tenant), key=lambda domain: domain.name))


def check(
    world: World,
    people: Sequence[Member],
    domains: Sequence[SendingDomain],
    workers: int,
    progress: Callable[[int, int], None],
) -> tuple[Checked, ...]:
    """Return what is wrong with each tenant; those that cannot be read do not stop the others."""
    broken = isolation(people, {domain.name for domain in domains})
    accounts = _accounts(world.ses, people, domains)
    done = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for checked in pool.map(lambda d: _check(world, d, people, accounts), domains):
            between = tuple(broken.get(checked.domain.name, ()))
            done.append(replace(checked, findings=(*checked.findings, *between)))
            progress(len(done), len(domains))
    return tuple(done)


def repair_all(
    world: World, checked: Sequence[Checked], sleep: Callable[[float], None]
) -> Mapping[SendingDomain, SesTenantError | None]:
    """Carry out the plans there are; return how each ended, so that a failure stops no other."""
    return {c.domain: _repair(world.iam, c.plan, sleep) for c in checked if c.plan and not c.error}


def _repair(iam: Iam, plan: steps.Plan, sleep: Callable[[float], None]) -> SesTenantError | None:
    try:
        apply(iam, plan, sleep)
    except SesTenantError as error:
        return error
    return None


def _check(
    world: World,
    domain: SendingDomain,
    people: Sequence[Member],
    accounts: Mapping[str, SesAccount | SesTenantError],
) -> Checked:
    warnings: list[Notice] = []
    try:
        observed = observe_everything(world.iam, domain)
        spec = resolve(TenantRequest(domain), observed, default_region=None)
        observed = replace(observed, access_keys=with_last_use(world.iam, observed.access_keys))
        try:
            destination = world.open_destination(spec)
            situation = read_situation(world.iam, observed, destination, this_process())
        except SesTenantError as error:
            told = f"{domain}: its destination was not read. {error.message}"
            warnings.append(Notice("not_read", told))
            printed = world.open_destination(replace(spec, destination=STDOUT))
            situation = read_situation(world.iam, observed, printed, this_process())
        situation = replace(situation, access_keys=observed.access_keys)
        views = [_view(world.ses, spec, region, accounts, warnings) for region in spec.regions]
        found = check_tenant(spec, observed, situation, views, world.now, world.max_age)
        if world.live:
            found += _disagreements(world.iam, spec, people, observed.user.user_arn, warnings)
        return Checked(domain, found, plan_restore(spec, observed), warnings=tuple(warnings))
    except SesTenantError as error:
        return Checked(domain, error=error)


def _disagreements(
    iam: Iam,
    spec: TenantSpec,
    people: Iterable[Member],
    arn: str,
    warnings: list[Notice],
) -> tuple[Finding, ...]:
    """Return where AWS's own simulator judges a mail otherwise than we do."""
    member = next((m for m in people if m.arn == arn), None)
    if member is None:
        return ()
    found = []
    for request in probes(spec, member):
        try:
            theirs = iam.simulate(request)
        except SesTenantError as error:
            told = f"AWS's policy simulator was not asked. {error.message}"
            warnings.append(Notice("not_read", told))
            break
        finding = disagreement(spec, member, request, allowed=theirs)
        if finding is not None:
            found.append(finding)
    return tuple(found)


def _accounts(
    ses: Ses, people: Iterable[Member], domains: Iterable[SendingDomain]
) -> dict[str, SesAccount | SesTenantError]:
    """Return what SES says of the account in each Region that one of the domains sends in."""
    wanted = set(domains)
    regions = {r for m in people if m.tenant in wanted for t in m.targets() for r in t.regions}
    found: dict[str, SesAccount | SesTenantError] = {}
    for region in sorted(regions):
        try:
            found[region] = ses.account(region)
        except SesTenantError as error:
            found[region] = error
    return found


def _view(
    ses: Ses,
    spec: TenantSpec,
    region: str,
    accounts: Mapping[str, SesAccount | SesTenantError],
    warnings: list[Notice],
) -> SesView:
    account = accounts.get(region)
    if isinstance(account, SesTenantError):
        told = f"SES was not looked at in {region}. {account.message}"
        warnings.append(Notice("not_read", told))
        account = None
    identities: dict[str, SesIdentity | None] | None
    try:
        own = (spec.domain, *spec.sending.also)
        identities = {domain.name: _identity(ses, region, domain) for domain in own}
    except SesTenantError as error:
        if error.code is ErrorCode.NO_CREDENTIALS:
            raise
        told = f"Email identities were not read in {region}. {error.message}"
        warnings.append(Notice("not_read", told))
        identities = None
    return SesView(region, account, identities)


def _identity(ses: Ses, region: str, domain: SendingDomain) -> SesIdentity | None:
    """Return the identity by which SES lets the domain send: its own, or of a domain above it.

    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
    """
    labels = domain.name.split(".")
    for start in range(len(labels) - 1):
        identity = ses.identity(region, ".".join(labels[start:]))
        if identity is not None:
            return identity
    return None
