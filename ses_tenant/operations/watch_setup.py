"""`watch setup` and `watch remove`: have SES tell what becomes of the sites' mail, by Region."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.events import (
    NAME,
    ConfigurationSet,
    EventsPlan,
    EventsView,
    Sender,
    plan_remove,
    plan_setup,
    sender,
)
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.proof.default_sets import limited_to_resources, stopped_by
from ses_tenant.core.proof.members import Member, members
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.request import TenantRequest, resolve
from ses_tenant.operations.apply import apply
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.observe import observe_all
from ses_tenant.operations.runtime import Runtime

# IAM is eventually consistent: SES has to see the new policy before the new default set.
_SETTLE_S = 15.0


class EventPublishing(Protocol):
    """The calls on the configuration set. Every failure is a SesTenantError."""

    def configuration_set(self, region: str) -> ConfigurationSet | None:
        """Return the configuration set `ses-tenant-events` of a Region, None if there is none."""

    def apply(self, step: steps.EventStep) -> None:
        """Carry out a step."""


@dataclass(frozen=True)
class RegionEvents:
    """One Region: what SES has there and what is planned, or why it could not be or went wrong.

    `others` are the ARNs of those that are no tenants, by the identity that must stay as it is for
    them.
    """

    region: str
    view: EventsView | None = None
    plan: EventsPlan | None = None
    error: SesTenantError | None = None
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What is about to be done: policies first, then Region by Region; a dry run stops here."""

    senders: tuple[Sender, ...]
    regions: tuple[RegionEvents, ...]
    errors: tuple[SesTenantError, ...] = ()

    @property
    def plans(self) -> tuple[EventsPlan, ...]:
        """Return the plans of the Regions that have one."""
        return tuple(each.plan for each in self.regions if each.plan is not None)

    @property
    def failures(self) -> tuple[SesTenantError, ...]:
        """Return all that went wrong."""
        return (*self.errors, *(each.error for each in self.regions if each.error is not None))


def prepare_setup(
    runtime: Runtime,
    events: EventPublishing,
    regions: Sequence[str],
    progress: Progress = unwatched,
) -> Prepared:
    """Plan that all identities of ours are watched. What fails in a Region is told with it."""
    senders = tuple(map(_sender, observe_all(runtime.iam)[0]))
    limited = limited_to_resources(members(runtime.iam.account_details()))

    def plan(view: EventsView) -> RegionEvents:
        others = _stopped(view, limited)
        return RegionEvents(view.region, view, plan_setup(view, senders, others), others=others)

    prepared = _prepare(runtime, events, regions, progress, plan)
    return replace(
        prepared, senders=tuple(each for each in senders if _concerned(each, prepared.plans))
    )


def prepare_remove(
    runtime: Runtime,
    events: EventPublishing,
    regions: Sequence[str],
    progress: Progress = unwatched,
) -> Prepared:
    """Plan to undo that. What fails in a Region is told with it."""

    def plan(view: EventsView) -> RegionEvents:
        return RegionEvents(view.region, view, plan_remove(view))

    return _prepare(runtime, events, regions, progress, plan)


def carry_out(runtime: Runtime, events: EventPublishing, prepared: Prepared) -> Prepared:
    """Apply the plans, and return them as they were carried out, with what went wrong.

    Where a policy could not be changed, the identities that its tenant sends by stay as they are.
    """
    senders = tuple(
        each_tenant(
            prepared.senders,
            lambda each: _allow(runtime, each),
            failed=lambda each, error: replace(each, refused=f"was not changed: {error.message}"),
            workers=runtime.workers,
        )
    )
    failed = {a.spec.domain for a, b in zip(senders, prepared.senders, strict=True) if a != b}
    errors = tuple(
        SesTenantError(ErrorCode.PARTIAL_FAILURE, f"{each.spec.domain}: its policy {each.refused}")
        for each in senders
        if each.spec.domain in failed
    )
    if any(each.plan and each.spec.domain not in failed for each in senders):
        runtime.sleep(_SETTLE_S)
    regions = []
    for each in prepared.regions:
        replanned = each
        if failed and each.view is not None and each.plan is not None:
            replanned = replace(each, plan=plan_setup(each.view, senders, each.others))
        regions.append(_carry_out(events, replanned))
    return Prepared(senders, tuple(regions), errors)


def _concerned(each: Sender, plans: Sequence[EventsPlan]) -> bool:
    """Tell whether the tenant sends by an identity that is to be watched."""
    return bool(each.refused) or any(
        each.sends_in(plan.region) and any(map(each.may_use, plan.watched)) for plan in plans
    )


def _stopped(view: EventsView, limited: Sequence[Member]) -> Mapping[str, str]:
    """Return, by identity, who could no longer send by it if the set were its default."""
    return {
        identity.name: member.arn
        for identity in view.identities
        if identity.ours and identity.configuration_set is None
        for member in limited
        if stopped_by(member, view.region, identity.name, NAME)
    }


def _allow(runtime: Runtime, each: Sender) -> Sender:
    apply(runtime, each.plan)
    return each


def _carry_out(events: EventPublishing, each: RegionEvents) -> RegionEvents:
    plan = each.plan.steps if each.plan else ()
    for done, step in enumerate(plan):
        try:
            _apply(events, step)
        except SesTenantError as error:
            return replace(each, error=error.after_steps(done, len(plan)).about(each.region))
    return each


def _apply(events: EventPublishing, step: steps.EventStep) -> None:
    """Carry out a step; another run may have made or deleted the same meanwhile."""
    try:
        events.apply(step)
    except SesTenantError as error:
        made = steps.CreateConfigurationSet | steps.CreateConfigurationSetEventDestination
        there = isinstance(step, made) and error.code is ErrorCode.ALREADY_EXISTS
        gone = isinstance(step, steps.DeleteConfigurationSet) and error.code is ErrorCode.NOT_FOUND
        if not (there or gone):
            raise


def _prepare(
    runtime: Runtime,
    events: EventPublishing,
    regions: Sequence[str],
    progress: Progress,
    plan: Callable[[EventsView], RegionEvents],
) -> Prepared:
    found = each_tenant(
        regions,
        lambda region: plan(_view(runtime, events, region)),
        failed=lambda region, error: RegionEvents(region, error=error.about(region)),
        workers=runtime.workers,
        progress=progress,
    )
    return Prepared((), tuple(found))


def _view(runtime: Runtime, events: EventPublishing, region: str) -> EventsView:
    def read(name: str) -> EmailIdentity | SesTenantError | None:
        return runtime.ses.identity(region, name)

    found = events.configuration_set(region)
    names = [identity.name for identity in runtime.ses.list_identities(region)]
    told = each_tenant(names, read, failed=lambda _, error: error, workers=runtime.workers)
    for answer in told:
        if isinstance(answer, SesTenantError):
            raise answer
    identities = tuple(answer for answer in told if isinstance(answer, EmailIdentity))
    return EventsView(region, found, identities)


def _sender(observed: Observed) -> Sender:
    """Return a tenant with what its policy needs; one whose tags cannot be read is refused."""
    request = TenantRequest(observed.domain)
    try:
        return sender(resolve(request, observed, default_region=None), observed.sending_policy)
    except SesTenantError as error:
        spec = resolve(request, None, default_region=None)
        return Sender(spec, refused=f"cannot be compared with its tags: {error.message}")
