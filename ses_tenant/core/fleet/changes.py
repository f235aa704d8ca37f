"""What a fleet's file changes at a tenant, as far as the reads of a whole account can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.fleet.fleet import FleetTenant
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import CredentialReport, Observed
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.core.tenant.tags import known

# What is wrong in the file itself; it stops `apply` before anything is written.
_MISTAKES = (ErrorCode.USAGE, ErrorCode.NO_REGION, ErrorCode.POLICY_TOO_LARGE)


class Change(StrEnum):
    """What happens to a tenant: `change` in JSON."""

    CREATE = "create"
    UPDATE = "update"
    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"
    NONE = "none"


@dataclass(frozen=True)
class TenantPlan:
    """What is planned for one tenant, or why it cannot be; `tenant` is None where it is pruned.

    `main` makes the tenant as the file says, `before` and `after` suspend or resume it. With
    `keys`, `main` issues a key or looks after one: it is planned anew when its turn comes.
    """

    account: str
    domain: str
    change: Change = Change.NONE
    tenant: FleetTenant | None = None
    before: steps.Plan = ()
    main: steps.Plan = ()
    after: steps.Plan = ()
    keys: bool = False
    differences: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    error: SesTenantError | None = None

    @property
    def plan(self) -> tuple[steps.BaseStep, ...]:
        """Return all steps, in order."""
        return (*self.before, *self.main, *self.after)

    @property
    def destructive(self) -> bool:
        """Tell whether a step destroys something."""
        return any(step.destructive for step in self.plan)

    @property
    def mistaken(self) -> bool:
        """Tell whether the file is at fault."""
        return self.error is not None and self.error.code in _MISTAKES


def keys_in_question(spec: TenantSpec, observed: Observed, report: CredentialReport) -> bool:
    """Tell whether the tenant's keys must be looked at, because something is to be done.

    That is: its destination or interface changes, a run announced a key and did not finish, or
    there seems to be no key that was delivered. The report is up to four hours old, so a tenant
    that it does not show is as its notes say.
    """
    noted = known(observed.user.remembered.delivered)
    if delivery_changes(spec, observed) or (noted is not None and noted.issuer is not None):
        return True
    reported = report.users.get(observed.user.user_arn)
    # Nothing is noted of a key that was printed.
    unnoted = noted is None and (reported is None or spec.destination != STDOUT)
    return unnoted or reported == ()


def delivery_changes(spec: TenantSpec, observed: Observed) -> bool:
    """Tell whether the tenant's keys were delivered elsewhere, or for the other interface."""
    tags = observed.user.remembered
    return tags.destination not in (None, spec.destination) or tags.interface not in (
        None,
        spec.interface,
    )


def require_destination(spec: TenantSpec, plan: steps.Plan) -> None:
    """Raise SesTenantError `usage` if a key would be issued that nobody could be given."""
    if spec.destination == STDOUT and any(isinstance(s, steps.CreateAccessKey) for s in plan):
        raise SesTenantError(
            ErrorCode.USAGE,
            f"{spec.domain} needs credentials, and the file names no destination for them.",
            f'Under [tenants."{spec.domain}"] or [defaults]: '
            'destination = "ssm:/ses-tenant/{domain}", or another that `create --help` names.',
        )


def differences(plan: steps.Plan, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return, a line each, which tags the plan changes from what to what."""
    found = []
    for step in plan:
        if isinstance(step, steps.TagUser):
            found += [
                f"{key}: {tags.get(key, 'none')} -> {value}"
                for key, value in sorted(step.tags.items())
                if key != naming.TAG_DELIVERED
            ]
        elif isinstance(step, steps.UntagUser):
            found += [f"{key}: {tags.get(key, 'none')} -> none" for key in step.keys]
    return tuple(found)


def summary(plans: Sequence[TenantPlan]) -> dict[str, int]:
    """Return how many tenants each change is planned for, and how many cannot be planned."""
    counts = {change.value: 0 for change in Change}
    for plan in plans:
        if plan.error is None:
            counts[plan.change] += 1
    return counts | {"failed": sum(plan.error is not None for plan in plans)}
