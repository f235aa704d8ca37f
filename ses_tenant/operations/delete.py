"""`delete`: remove tenants with everything that hangs on them."""

from collections.abc import Callable
from dataclasses import dataclass

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.plans.delete import plan_delete
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.spec import STDOUT
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.apply import apply
from ses_tenant.operations.observe import observe_everything
from ses_tenant.operations.protocols import Iam


@dataclass(frozen=True)
class Deletion:
    """What is planned for one domain; after `carry_out`, what came of it."""

    domain: SendingDomain
    plan: steps.Plan
    error: SesTenantError | None = None
    destination: str | None = None


def prepare(iam: Iam, domain: SendingDomain) -> Deletion:
    """Return the plan for `domain`, or the reason why there is none (`not_found`, `not_ours`)."""
    try:
        observed = observe_everything(iam, domain)
    except SesTenantError as error:
        return Deletion(domain, (), error)
    destination = known(observed.user.remembered.destination)
    return Deletion(
        domain,
        plan_delete(observed),
        destination=None if destination == STDOUT else destination,
    )


def carry_out(iam: Iam, deletion: Deletion, sleep: Callable[[float], None]) -> Deletion:
    """Apply the plan; a failure is part of what is returned, so that the others go on."""
    if deletion.error:
        return deletion
    try:
        apply(iam, deletion.plan, sleep)
    except SesTenantError as error:
        return Deletion(deletion.domain, deletion.plan, error)
    return deletion
