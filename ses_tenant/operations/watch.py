"""What the rules of the watch lead to: nothing, an alert, or a suspension."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.fleet import Fleet, FleetTenant
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.notes import By, Reason
from ses_tenant.core.tenant.observed import User
from ses_tenant.core.tenant.request import resolve
from ses_tenant.core.watch.decide import Decision, Limits, Situation, decide
from ses_tenant.core.watch.rules import (
    DEFAULT_RULES,
    OCCURRENCES,
    Outcome,
    Rule,
    parse_rule,
    window_text,
)
from ses_tenant.core.watch.state import State
from ses_tenant.core.watch.tally import Watched
from ses_tenant.operations.many import each_tenant
from ses_tenant.operations.protocols import WatchStore
from ses_tenant.operations.runtime import Runtime
from ses_tenant.operations.suspend import carry_out_all, prepare_suspend

DRY_AT_FIRST = timedelta(days=7)
_REMIND = timedelta(days=1)


@dataclass(frozen=True)
class Watch:
    """What is watched and by which rules; `tenants` by IAM user name, None for all there are.

    `dry` tells that nobody is suspended; None leaves that to the time since the watch began.
    """

    rules: tuple[Rule, ...] = tuple(parse_rule(rule) for rule in DEFAULT_RULES)
    tenants: Mapping[str, Watched] | None = None
    limits: Limits = field(default_factory=Limits)
    dry: bool | None = None


def watch_of(fleet: Fleet | None) -> Watch:
    """Return what a tenants file says of the watch, without a file the defaults."""
    if fleet is None:
        return Watch()
    tenants = [_watched(tenant) for tenant in fleet.tenants]
    by_name = {tenant.user_name: tenant for tenant in tenants}
    return Watch(fleet.watch.rules, by_name, fleet.watch.limits, fleet.watch.dry)


def _watched(tenant: FleetTenant) -> Watched:
    spec = resolve(tenant.request, None, None)
    return Watched(
        spec.domain.name,
        spec.user_name,
        tuple(domain.name for domain in spec.sending.also),
        spec.sending.subdomains,
        tenant.rules,
    )


def decision_data(tenant: Watched, decision: Decision) -> dict[str, object]:
    """Return a decision as JSON-able data, the same wherever it is shown."""
    counts = decision.counts
    return {
        "domain": tenant.domain,
        "rule": str(decision.rule) if decision.rule else None,
        "window": window_text(decision.window) if decision.window else None,
        "counts": {
            "sends": counts.sends,
            "bounces": counts.bounces,
            "complaints": counts.complaints,
            "rejects": counts.rejects,
        },
        "decision": decision.outcome.value,
        "reason": decision.reason,
    }


@dataclass(frozen=True)
class Watcher:
    """An account that is watched: where it counts, by which rules, and how people are told.

    `tell` is given a subject and a text. `dry_at_first` is how long after its beginning the watch
    suspends nobody, unless `watch.dry` decides that.
    """

    runtime: Runtime
    store: WatchStore
    watch: Watch
    account: str | None
    tell: Callable[[str, str], None]
    dry_at_first: timedelta = DRY_AT_FIRST

    def at(self, now: datetime) -> "Watcher":
        """Return the same with `watch.dry` decided; asked first, that is when the watch begins."""
        if self.watch.dry is not None:
            return self
        dry = now < self.store.watched_since(now) + self.dry_at_first
        return replace(self, watch=replace(self.watch, dry=dry))


class Did(StrEnum):
    """What was done about a decision."""

    NOTHING = "nothing"
    TOLD = "told"
    TOLD_BEFORE = "told before"
    SUSPENDED = "suspended"
    SUSPENDED_BEFORE = "suspended before"
    RESUMED_SINCE = "resumed since"
    NOT_OURS = "no tenant of ours"
    TRIAL = "trial"


@dataclass(frozen=True)
class Act:
    """What was decided about a tenant and done; `error` says why it could not be."""

    tenant: Watched
    decision: Decision | None
    did: Did
    counted: int = 0
    events: tuple[str, ...] = ()
    error: SesTenantError | None = None


def act_on(
    watcher: Watcher, tenant: Watched, situation: Situation, state: State, now: datetime
) -> Act:
    """Decide about a tenant, and do what that leads to; `watcher` knows whether it is dry.

    Raises SesTenantError where it could not be done; then it is to be tried again.
    """
    rules = tenant.rules or watcher.watch.rules
    most = watcher.watch.limits.most_an_hour
    decision = decide(situation, rules, Limits(max(most, 1)))
    match decision.outcome:
        case Outcome.NOTHING:
            return Act(tenant, decision, Did.NOTHING)
        case Outcome.ALERT:
            return _alert(watcher, tenant, decision, now, "alert")
        case Outcome.SUSPEND:
            if watcher.watch.dry:
                return _alert(watcher, tenant, decision, now, "would be suspended (dry)")
            if state.suspended_at is not None:
                return _suspended_before(watcher, tenant, decision, now)
            if not watcher.store.claim(tenant.domain, now, most):
                decision = decide(situation, rules, Limits(most, most))
                return _alert(watcher, tenant, decision, now, "alert, not suspended")
            return _suspend(watcher, tenant, decision, now)


def _suspended_before(watcher: Watcher, tenant: Watched, decision: Decision, now: datetime) -> Act:
    """Leave a tenant alone that is suspended; one that a person resumed begins anew."""
    iam = watcher.runtime.iam
    try:
        iam.get_user_policy(tenant.user_name, naming.SUSPENDED_POLICY)
    except SesTenantError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        watcher.store.note_resumed(tenant.domain, now)
        return Act(tenant, decision, Did.RESUMED_SINCE)
    return Act(tenant, decision, Did.SUSPENDED_BEFORE)


def _suspend(watcher: Watcher, tenant: Watched, decision: Decision, now: datetime) -> Act:
    """Suspend a tenant, tell of it, and remember it, in this order.

    What ends in between is done again: nothing of it matters when it is done twice.
    """
    why = f"{decision.reason} ({decision.rule})"
    prepare = partial(prepare_suspend, reason=Reason(now, By.WATCH, why))
    domain = SendingDomain.parse(tenant.domain)
    (done,) = carry_out_all(watcher.runtime, prepare, [(domain, None)])
    if done.error and done.error.code in (ErrorCode.NOT_FOUND, ErrorCode.NOT_OURS):
        return Act(tenant, decision, Did.NOT_OURS)
    if done.error:
        _alert(watcher, tenant, decision, now, "could not be suspended", str(done.error))
        raise done.error
    watcher.tell(_subject(tenant, "was suspended"), _text(tenant, decision))
    watcher.store.note_suspended(tenant.domain, now)
    return Act(tenant, decision, Did.SUSPENDED)


def _alert(
    watcher: Watcher, tenant: Watched, decision: Decision, now: datetime, what: str, more: str = ""
) -> Act:
    """Tell people, once in the rule's window; twice rather than not at all."""
    pause = _REMIND
    if decision.rule and decision.rule.metric not in OCCURRENCES:
        pause = max(decision.rule.window, timedelta(hours=1))
    about = f"{what}: {decision.rule}"
    last = watcher.store.alerted_at(tenant.domain, about)
    if last is not None and now - last < pause:
        return Act(tenant, decision, Did.TOLD_BEFORE)
    watcher.tell(_subject(tenant, what), _text(tenant, decision, more))
    watcher.store.note_alert(tenant.domain, about, now)
    return Act(tenant, decision, Did.TOLD)


def _subject(tenant: Watched, what: str) -> str:
    name = tenant.domain if len(tenant.domain) <= 60 else f"{tenant.domain[:57]}..."
    return f"{name}: {what}"  # SNS takes 100 characters


def _text(tenant: Watched, decision: Decision, more: str = "") -> str:
    lines = [
        f"{tenant.domain}: {decision.reason}.",
        f"Rule: {decision.rule}",
        *([more] if more else []),
        "",
        f"To look:            ses-tenant show {tenant.domain}",
        f"To stop it:         ses-tenant suspend {tenant.domain}",
        f"To let it go on:    ses-tenant resume {tenant.domain}",
        f"If it was hacked:   ses-tenant rotate-keys {tenant.domain} --compromised",
    ]
    return "".join(f"{line}\n" for line in lines)


def act_on_quarantined(watcher: Watcher, users: Sequence[tuple[str, str]]) -> list[Act]:
    """Act on the tenants among `users`, to each of which AWS has attached the policy named."""
    now = watcher.runtime.now()
    watcher = watcher.at(now)

    def look(found: tuple[str, str]) -> Act | None:
        name, policy = found
        user = watcher.runtime.iam.get_user(name)
        tenant = _tenant_of(watcher, user) if user else None
        if tenant is None:
            return None
        state = watcher.store.state(tenant.domain)
        return act_on(watcher, tenant, Situation({}, quarantined=policy), state, now)

    acts = each_tenant(
        users,
        look,
        failed=lambda found, error: Act(
            Watched(found[0], found[0]), None, Did.NOTHING, error=error
        ),
        workers=watcher.runtime.workers,
    )
    return [act for act in acts if act is not None]


def _tenant_of(watcher: Watcher, user: User) -> Watched | None:
    if watcher.watch.tenants is not None:
        return watcher.watch.tenants.get(user.user_name)
    return Watched(user.tenant.name, user.user_name) if user.tenant else None
