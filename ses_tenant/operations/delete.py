"""`delete`: remove tenants with everything that hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.plans.delete import plan_delete
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.spec import STDOUT
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.apply import apply
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.observe import observe_everything
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime


@dataclass(frozen=True)
class Deletion:
    """What is planned for one domain; after `delete_all`, what came of it."""

    domain: SendingDomain
    plan: steps.Plan = ()
    error: SesTenantError | None = None
    destination: str | None = None


def prepare(iam: Iam, domain: SendingDomain) -> Deletion:
    """Return the plan for `domain`. Raises SesTenantError `not_found` and `not_ours`."""
    observed = observe_everything(iam, domain)
    destination = known(observed.user.remembered.destination)
    return Deletion(
        domain,
        plan_delete(observed),
        destination=None if destination == STDOUT else destination,
    )


def prepare_all(
    runtime: Runtime, domains: Sequence[SendingDomain], progress: Progress = unwatched
) -> list[Deletion]:
    """Return the plan for each domain, or the reason why there is none."""
    return each_tenant(
        domains,
        lambda domain: prepare(runtime.iam, domain),
        failed=lambda domain, error: Deletion(domain, error=error),
        workers=runtime.workers,
        progress=progress,
    )


def delete_all(
    runtime: Runtime, deletions: Sequence[Deletion], progress: Progress = unwatched
) -> list[Deletion]:
    """Carry out the plans that there are; a failure is part of what is returned."""

    def work(deletion: Deletion) -> Deletion:
        if not deletion.error:
            apply(runtime, deletion.plan)
        return deletion

    return each_tenant(
        deletions,
        work,
        failed=lambda deletion, error: replace(deletion, error=error),
        workers=runtime.workers,
        progress=progress,
    )
