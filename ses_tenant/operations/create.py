"""`create`: make a tenant, or put right what has drifted."""

from dataclasses import dataclass
from datetime import datetime

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.plans.create import plan_create
from ses_tenant.core.regions import smtp_warning
from ses_tenant.core.rotation.keys import KeyState, Situation
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.observed import AccessKey, Observed
from ses_tenant.core.tenant.policy import check_policy_size, sending_policy
from ses_tenant.core.tenant.request import TenantRequest, check_spec, require_regions, resolve
from ses_tenant.core.tenant.spec import STDOUT, Interface, TenantSpec
from ses_tenant.operations.apply import Issue, apply
from ses_tenant.operations.observe import observe, with_last_use
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime
from ses_tenant.operations.situation import read_situation


@dataclass(frozen=True)
class Prepared:
    """What `create` is about to do; a dry run stops here."""

    spec: TenantSpec
    plan: steps.Plan
    user_arn: str | None
    destination: Destination
    first_key: bool
    warnings: tuple[Notice, ...]


@dataclass(frozen=True)
class Created:
    """What `create` has done."""

    prepared: Prepared
    user_arn: str | None
    credentials: Credentials | None

    @property
    def printed(self) -> bool:
        """Tell whether credentials were issued, and delivered by being printed."""
        return self.credentials is not None and self.prepared.spec.destination == STDOUT


def prepare(runtime: Runtime, request: TenantRequest) -> Prepared:
    """Observe and plan: one read for a tenant that does not exist yet.

    Raises SesTenantError `no_region`, `policy_too_large`, `not_ours`, `destination_unavailable`
    and what AWS answers.
    """
    # First without the tenant's tags: a request that is too large alone never reaches AWS.
    check_policy_size(sending_policy(resolve(request, None, runtime.default_region)))
    prepared = plan(runtime, request, observe(runtime.iam, request.domain))
    check_destination(prepared)
    return prepared


def plan(runtime: Runtime, request: TenantRequest, observed: Observed | None) -> Prepared:
    """Plan for a tenant that has been observed, None for a new one: that takes no read of IAM."""
    spec = resolve(request, observed, runtime.default_region)
    require_regions(spec)
    check_spec(spec)
    destination, now = runtime.open_destination(spec), runtime.now()
    situation = read_situation(runtime, observed, destination)
    planned = plan_create(spec, observed, situation, now, runtime.process)
    return Prepared(
        spec=spec,
        plan=planned,
        user_arn=observed.user.user_arn if observed else None,
        destination=destination,
        first_key=observed is not None and not observed.access_keys,
        warnings=_warnings(runtime.iam, spec, observed, situation, planned, now),
    )


def check_destination(prepared: Prepared) -> None:
    """Refuse, before anything is written, a destination that could not take the new key."""
    if issues_key(prepared.plan):
        prepared.destination.check()


def issues_key(plan: steps.Plan) -> bool:
    """Tell whether a plan issues a key."""
    return any(isinstance(step, steps.CreateAccessKey) for step in plan)


def carry_out(runtime: Runtime, prepared: Prepared) -> Created:
    """Apply the plan; a new key is delivered in it."""
    issue = Issue(prepared.spec, prepared.user_arn, prepared.destination, prepared.first_key)
    try:
        applied = apply(runtime, prepared.plan, issue)
    except SesTenantError as error:
        if error.code is ErrorCode.ACCESS_DENIED and prepared.spec.permissions_boundary is None:
            raise error.with_hint(
                "If the operator may make users only under a permissions boundary: add "
                "--permissions-boundary ARN."
            ) from error
        raise
    return Created(prepared, applied.user_arn, applied.credentials)


def _warnings(
    iam: Iam,
    spec: TenantSpec,
    observed: Observed | None,
    situation: Situation,
    plan: steps.Plan,
    now: datetime,
) -> tuple[Notice, ...]:
    warnings = []
    if spec.interface is Interface.SMTP:
        warnings += [w for region in spec.regions if (w := smtp_warning(region))]
    if observed is None or issues_key(plan):
        return tuple(warnings)
    domain = spec.domain
    rotate = f"ses-tenant rotate-keys {domain}"
    before = observed.user.remembered.interface
    if before is not None and before != spec.interface:
        warnings.append(
            Notice(
                "interface_changed",
                f"{domain} changes from the {before} interface to {spec.interface}. What was "
                f"delivered for {before} may stop working; for new credentials: {rotate}",
            )
        )
    if observed.suspended:
        warnings.append(Notice("suspended", f"{domain} is suspended and stays so; it cannot send."))
    elif situation.readable and situation.held is None:
        warnings.append(
            Notice(
                "destination_empty",
                f"{spec.destination} holds no access key of {domain} yet. To deliver one: {rotate}",
            )
        )
    elif situation.state() not in (KeyState.STEADY, KeyState.NO_KEY) or not situation.readable:
        keys = with_last_use(iam, observed.access_keys)
        shown = "; ".join(_describe(key, now) for key in keys)
        warnings.append(
            Notice(
                "access_key_exists",
                f"{domain} has its access key already, so none was issued: {shown}. A secret can "
                f"be read only once; if it is lost: {rotate}",
            )
        )
    return tuple(warnings)


def _describe(key: AccessKey, now: datetime) -> str:
    used = f"last used {age(key.last_used_at, now)} ago" if key.last_used_at else "never used"
    return f"{key.access_key_id} ({key.status}, created {age(key.created_at, now)} ago, {used})"


def age(then: datetime, now: datetime) -> str:
    """Return the time between two moments in its largest unit: `12 s`, `3 min`, `5 h`, `40 d`."""
    seconds = max(0, int((now - then).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
