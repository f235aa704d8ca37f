"""`create`: make a tenant, or put right what has drifted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ses_tenant.core import steps
from ses_tenant.core.credentials import Credentials, credentials_for
from ses_tenant.core.errors import ErrorCode, SesTenantError, Warning_
from ses_tenant.core.plan import plan_create
from ses_tenant.core.policy import check_policy_size, sending_policy
from ses_tenant.core.regions import smtp_warning
from ses_tenant.core.request import TenantRequest, check_spec, require_regions, resolve
from ses_tenant.core.tenant import AccessKey, Interface, Observed, TenantSpec
from ses_tenant.operations.apply import apply
from ses_tenant.operations.observe import observe, with_last_use
from ses_tenant.operations.protocols import Iam


@dataclass(frozen=True)
class Prepared:
    """What `create` is about to do; a dry run stops here."""

    spec: TenantSpec
    plan: steps.Plan
    user_arn: str | None
    warnings: tuple[Warning_, ...]


@dataclass(frozen=True)
class Created:
    """What `create` has done."""

    spec: TenantSpec
    plan: steps.Plan
    user_arn: str | None
    warnings: tuple[Warning_, ...]
    credentials: Credentials | None


def prepare(
    iam: Iam, request: TenantRequest, default_region: str | None, now: datetime
) -> Prepared:
    """Observe and plan: one read for a tenant that does not exist yet.

    Raises SesTenantError `no_region`, `policy_too_large`, `not_ours` and what AWS answers.
    """
    # First without the tenant's tags: a request that is too large alone never reaches AWS.
    check_policy_size(sending_policy(resolve(request, None, default_region)))
    observed = observe(iam, request.domain)
    spec = resolve(request, observed, default_region)
    require_regions(spec)
    check_spec(spec)
    return Prepared(
        spec=spec,
        plan=plan_create(spec, observed),
        user_arn=observed.user.user_arn if observed else None,
        warnings=_warnings(iam, spec, observed, now),
    )


def carry_out(
    iam: Iam,
    prepared: Prepared,
    deliver: Callable[[Created], None],
    sleep: Callable[[float], None],
) -> Created:
    """Apply the plan, hand the result to `deliver`, return it.

    If a new key cannot be delivered it is deleted again, because nobody would hold its secret.
    """
    applied = apply(iam, prepared.plan, sleep)
    spec = prepared.spec
    created = Created(
        spec=spec,
        plan=prepared.plan,
        user_arn=applied.user.user_arn if applied.user else prepared.user_arn,
        warnings=prepared.warnings,
        credentials=(
            credentials_for(spec.domain, spec.interface, spec.regions, applied.key)
            if applied.key
            else None
        ),
    )
    try:
        deliver(created)
    except BaseException as error:
        if applied.key is None:
            raise
        iam.apply(steps.DeleteAccessKey(spec.user_name, applied.key.access_key_id))
        if not isinstance(error, OSError):
            raise
        raise SesTenantError(
            ErrorCode.DESTINATION_UNAVAILABLE,
            f"The credentials of {spec.domain} could not be written: {error.strerror}. "
            "The new access key was deleted again.",
            f"Make room or open the pipe, then: ses-tenant create {spec.domain}",
            partly_done=True,
        ) from error
    return created


def _warnings(
    iam: Iam, spec: TenantSpec, observed: Observed | None, now: datetime
) -> tuple[Warning_, ...]:
    warnings = []
    if spec.interface is Interface.SMTP:
        warnings += [w for region in spec.regions if (w := smtp_warning(region))]
    if observed is None:
        return tuple(warnings)
    domain = spec.domain
    if observed.suspended:
        warnings.append(
            Warning_("suspended", f"{domain} is suspended and stays so; it cannot send.")
        )
    elif observed.access_keys:
        keys = with_last_use(iam, observed.access_keys)
        shown = "; ".join(_describe(key, now) for key in keys)
        warnings.append(
            Warning_(
                "access_key_exists",
                f"{domain} has its access key already, so none was issued: {shown}. A secret can "
                f"be read only once; if it is lost: ses-tenant rotate-keys {domain}",
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
