"""`check`: whether tenants are as they should be, and isolated from each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.findings.audit import isolation
from ses_tenant.core.findings.check import SesView, check_tenant, disagreement, probes
from ses_tenant.core.findings.finding import Finding
from ses_tenant.core.findings.watched import not_watched
from ses_tenant.core.identity.ses import SesAccount
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.plans.repair import plan_restore
from ses_tenant.core.proof.members import Member, members
from ses_tenant.core.rotation.keys import Situation
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.request import TenantRequest, resolve
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.operations.apply import apply
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.observe import observe_everything, with_last_use
from ses_tenant.operations.protocols import Iam, Ses
from ses_tenant.operations.runtime import Runtime
from ses_tenant.operations.situation import read_situation


@dataclass(frozen=True)
class Checked:
    """What was found of one tenant and how to repair it; or why it could not be looked at.

    `spec` is how the tenant is set up, None if it could not be looked at; `views` are what SES
    says.
    """

    domain: SendingDomain
    findings: tuple[Finding, ...] = ()
    plan: steps.Plan = ()
    error: SesTenantError | None = None
    warnings: tuple[Notice, ...] = ()
    spec: TenantSpec | None = None
    views: tuple[SesView, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """What was found in one account, and how each repair ended: None for well.

    `wanted` are the tenants that it was about.
    """

    wanted: tuple[SendingDomain, ...]
    checked: tuple[Checked, ...]
    repairs: Mapping[SendingDomain, SesTenantError | None] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckOptions:
    """How a tenant is checked: keys older than `max_age` are reported; `live` asks AWS as well."""

    max_age: timedelta
    live: bool = False


def inspect(
    runtime: Runtime,
    named: Sequence[SendingDomain],
    options: CheckOptions,
    progress: Progress = unwatched,
) -> Inspection:
    """Return what is wrong with the tenants named, or with all of the account.

    Those that cannot be read do not stop the others.
    """
    people = members(runtime.iam.account_details())
    wanted = tuple(named) or tenant_domains(people)
    broken = isolation(people, {domain.name for domain in wanted})
    accounts = _accounts(runtime.ses, people, wanted)

    def work(domain: SendingDomain) -> Checked:
        return _check(runtime, domain, options, people, accounts)

    done = each_tenant(
        wanted,
        work,
        failed=lambda domain, error: Checked(domain, error=error),
        workers=runtime.workers,
        progress=progress,
    )
    tenants = {member.tenant: member for member in people if member.tenant}
    looked = [(tenants[c.domain], c.views) for c in done if c.domain in tenants]
    more: dict[str, list[Finding]] = {name: [*found] for name, found in broken.items()}
    for name, finding in not_watched(looked):
        more.setdefault(name, []).append(finding)
    return Inspection(
        wanted,
        tuple(replace(c, findings=(*c.findings, *more.get(c.domain.name, ()))) for c in done),
    )


def repair(
    runtime: Runtime,
    inspection: Inspection,
    options: CheckOptions,
    progress: Progress = unwatched,
) -> Inspection:
    """Carry out the plans there are, and look again; without a plan there is nothing new to see.

    It looks at all tenants again: what one may do is a finding of others as well.
    """

    def work(checked: Checked) -> tuple[SendingDomain, SesTenantError | None]:
        apply(runtime, checked.plan)
        return checked.domain, None

    repairs = each_tenant(
        [c for c in inspection.checked if c.plan and not c.error],
        work,
        failed=lambda checked, error: (checked.domain, error),
        workers=runtime.workers,
    )
    if not repairs:
        return inspection
    again = inspect(runtime, inspection.wanted, options, progress)
    return replace(again, repairs=dict(repairs))


def tenant_domains(people: Iterable[Member]) -> tuple[SendingDomain, ...]:
    """Return the domains of all tenants."""
    return tuple(sorted((m.tenant for m in people if m.tenant), key=lambda domain: domain.name))


def _check(
    runtime: Runtime,
    domain: SendingDomain,
    options: CheckOptions,
    people: Sequence[Member],
    accounts: Mapping[str, SesAccount | SesTenantError],
) -> Checked:
    warnings: list[Notice] = []
    observed = observe_everything(runtime.iam, domain)
    spec = resolve(TenantRequest(domain), observed, default_region=None)
    keys = with_last_use(runtime.iam, observed.access_keys)
    observed = replace(observed, access_keys=keys)
    situation = replace(_situation(runtime, spec, observed, warnings), access_keys=keys)
    views = tuple(_view(runtime.ses, spec, region, accounts, warnings) for region in spec.regions)
    found = check_tenant(spec, observed, situation, views, runtime.now(), options.max_age)
    if options.live:
        found += _disagreements(runtime.iam, spec, people, observed.user.user_arn, warnings)
    plan = plan_restore(spec, observed)
    return Checked(domain, found, plan, None, tuple(warnings), spec, views)


def _situation(
    runtime: Runtime, spec: TenantSpec, observed: Observed, warnings: list[Notice]
) -> Situation:
    """Return the situation of the keys; if the destination cannot be read, as if it never could."""
    try:
        return read_situation(runtime, observed, runtime.open_destination(spec))
    except SesTenantError as error:
        message = f"{spec.domain}: its destination was not read. {error.message}"
        warnings.append(Notice("not_read", message))
    printed = runtime.open_destination(replace(spec, destination=STDOUT))
    return read_situation(runtime, observed, printed)


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
            message = f"AWS's policy simulator was not asked. {error.message}"
            warnings.append(Notice("not_read", message))
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
        message = f"SES was not looked at in {region}. {account.message}"
        warnings.append(Notice("not_read", message))
        account = None
    identities: dict[str, EmailIdentity | None] | None
    try:
        own = (spec.domain, *spec.sending.also)
        identities = {domain.name: _identity(ses, region, domain) for domain in own}
    except SesTenantError as error:
        if error.code is ErrorCode.NO_CREDENTIALS:
            raise
        message = f"Email identities were not read in {region}. {error.message}"
        warnings.append(Notice("not_read", message))
        identities = None
    return SesView(region, account, identities)


def _identity(ses: Ses, region: str, domain: SendingDomain) -> EmailIdentity | None:
    """Return the identity by which SES lets the domain send: its own, or of a domain above it.

    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
    """
    labels = domain.name.split(".")
    for start in range(len(labels) - 1):
        identity = ses.identity(region, ".".join(labels[start:]))
        if identity is not None:
            return identity
    return None
