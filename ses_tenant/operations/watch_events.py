"""Count events of SES, each once, and act for each tenant that they are of.

Whoever hands over events may stop anywhere, hand them over again and in any order: an event counts
once, a tenant is suspended once, and what was begun is finished by the next run.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.tags import known
from ses_tenant.core.watch.buckets import spans
from ses_tenant.core.watch.decide import Counts, Situation, decide, windows
from ses_tenant.core.watch.events import Kind, MailEvent, Refused, SesNotice, read_event
from ses_tenant.core.watch.rules import MAX_WINDOW
from ses_tenant.core.watch.state import State
from ses_tenant.core.watch.tally import AHEAD, Watched, finder
from ses_tenant.operations.many import each_tenant
from ses_tenant.operations.protocols import WatchStore
from ses_tenant.operations.watch import Act, Did, Watcher, act_on, decision_data

# Events under this source go the same way, and neither count nor lead to anything.
TRIAL_SOURCE = "ses-tenant.test"
_LONGEST_RUN = 64
_NAMED = 20  # events in a line of the log


@dataclass(frozen=True)
class Message:
    """One event as it was handed over; `id` is what its sender calls it."""

    id: str
    event: object


@dataclass
class Handled:
    """What came of a batch; `failed` are the messages that have to come again.

    Those are what could not be counted or acted upon, and what nobody could read, so that it ends
    up in the dead-letter queue.
    """

    read: int = 0
    counted: int = 0
    duplicate: int = 0
    late: int = 0
    refused: int = 0
    strangers: int = 0
    failed: list[str] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)

    def to_json(self) -> dict[str, int]:
        """Return the numbers."""
        names = ("read", "counted", "duplicate", "late", "refused", "strangers")
        return {name: getattr(self, name) for name in names} | {"failed": len(self.failed)}


@dataclass
class _Group:
    """The events of a batch that are of one tenant, and of one trial if they are."""

    tenant: Watched
    now: datetime
    run: str | None
    ids: list[str] = field(default_factory=list)
    mails: list[MailEvent] = field(default_factory=list)
    stopped: bool = False

    @property
    def key(self) -> str:
        """Return under which name it is counted."""
        return self.tenant.domain if self.run is None else f"{self.run}/{self.tenant.domain}"


def handle(
    watcher: Watcher, messages: Sequence[Message], time_is_left: Callable[[], bool] = lambda: True
) -> Handled:
    """Count a batch of events, and do for each tenant in it what the rules say."""
    done = Handled()
    now = watcher.runtime.now()
    watcher = watcher.at(now)
    groups, trials = _sorted(watcher, messages, now, done)

    def settle(group: _Group) -> Act:
        if not time_is_left():
            raise SesTenantError(ErrorCode.INTERRUPTED, "There was no time left.")
        return _settle(watcher, group)

    acts = each_tenant(
        groups,
        settle,
        failed=lambda group, error: Act(group.tenant, None, Did.NOTHING, error=error),
        workers=watcher.runtime.workers,
    )
    for group, act in zip(groups, acts, strict=True):
        done.acts.append(act)
        if act.error:
            done.failed += group.ids
            if group.run is not None:
                trials[group.run] -= len(group.ids)
        elif group.run is None:
            done.counted += act.counted
            done.duplicate += len(group.mails) - act.counted
    for run, number in trials.items():
        watcher.store.note_trial_read(run, number)
    return done


def _sorted(
    watcher: Watcher, messages: Sequence[Message], now: datetime, done: Handled
) -> tuple[list[_Group], dict[str, int]]:
    """Return the events by tenant, and how many are of which trial.

    What cannot be read is to come again.
    """
    find = finder(watcher.watch.tenants)
    groups: dict[tuple[str | None, str], _Group] = {}
    trials: dict[str, int] = {}
    for message in messages:
        event, run, at = _trial(message.event) or (message.event, None, now)
        done.read += run is None
        if run is not None:
            trials[run] = trials.get(run, 0) + 1
        told = read_event(event, watcher.account)
        if isinstance(told, Refused) or told.at > at + AHEAD:
            if run is None:
                done.refused += 1
                done.failed.append(message.id)
            continue
        tenant = find(told)
        if tenant is None:
            done.strangers += run is None
            continue
        group = groups.setdefault((run, tenant.domain), _Group(tenant, at, run))
        group.ids.append(message.id)
        if told.at <= at - MAX_WINDOW:
            done.late += run is None
        elif isinstance(told, SesNotice):
            group.stopped |= told.stopped
        else:
            group.mails.append(told)
    return list(groups.values()), trials


def _trial(event: object) -> tuple[object, str, datetime] | None:
    """Return the event of a trial, which trial, and the time as of which it is decided."""
    match event:
        case {"source": source, "detail": {"run": str(run), "now": str(now), "event": inner}} if (
            source == TRIAL_SOURCE and len(run) <= _LONGEST_RUN
        ):
            try:
                at = datetime.fromisoformat(now)
            except ValueError:
                return None
            return (inner, f"trial {run}", at) if at.tzinfo else None
        case _:
            return None


def _settle(watcher: Watcher, group: _Group) -> Act:
    """Count the events of a tenant, decide, and act."""
    counted = watcher.store.count(group.key, group.mails)
    tenant = _with_own_domains(watcher, group)
    foreign = {mail.from_domain for mail in group.mails if mail.from_domain}
    rules = tenant.rules or watcher.watch.rules
    state = State() if group.run else watcher.store.state(tenant.domain)
    situation = Situation(
        _counts(watcher.store, group, windows(rules), state),
        foreign=tuple(sorted(name for name in foreign if not tenant.owns(name))),
        disabled=group.stopped,
    )
    if group.run is not None:
        limits = watcher.watch.limits
        decision = decide(situation, rules, limits)
        events = max((c.events for c in situation.counts.values()), default=0)
        document = json.dumps(decision_data(tenant, decision))
        watcher.store.note_trial(group.run, tenant.domain, events, document)
        return Act(tenant, decision, Did.TRIAL, counted)
    act = act_on(watcher, tenant, situation, state, group.now)
    return replace(act, counted=counted, events=_leading(group.mails, situation.foreign))


def _counts(
    store: WatchStore, group: _Group, looked_at: Iterable[timedelta], state: State
) -> dict[timedelta, Counts]:
    """Return the counts in each window, from when it was resumed if that is within it."""
    until = group.now + AHEAD
    found = {}
    for window in looked_at:
        since = group.now - window
        since = max(since, state.since) if state.since else since
        found[window] = store.counts(group.key, spans(since, until))
    return found


def _leading(mails: Sequence[MailEvent], foreign: Sequence[str]) -> tuple[str, ...]:
    """Return the events that speak against a tenant."""
    against = (Kind.BOUNCE, Kind.COMPLAINT, Kind.REJECT)
    keys = [mail.key for mail in mails if mail.kind in against or mail.from_domain in foreign]
    return tuple(keys[:_NAMED])


def _with_own_domains(watcher: Watcher, group: _Group) -> Watched:
    """Return the tenant with all domains that it may send as.

    A tenants file says them. Without one the tags of its user do, which are read only if a mail
    was sent as another domain.
    """
    tenant = group.tenant
    sent_as = {mail.from_domain for mail in group.mails if mail.from_domain}
    if watcher.watch.tenants is not None or all(tenant.owns(name) for name in sent_as):
        return tenant
    user = watcher.runtime.iam.get_user(tenant.user_name)
    sending = known(user.remembered.sending) if user else None
    if sending is None:
        return tenant
    also = tuple(domain.name for domain in sending.also)
    return replace(tenant, also=also, subdomains=sending.subdomains)
