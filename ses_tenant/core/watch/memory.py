"""Counts that are kept in memory: what the sandbox watches with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ses_tenant.core.watch.buckets import Grain, Span
from ses_tenant.core.watch.decide import Counts
from ses_tenant.core.watch.events import MailEvent
from ses_tenant.core.watch.state import State
from ses_tenant.core.watch.tally import counts_of

_HOUR = timedelta(hours=1)


@dataclass
class MemoryStore:
    """A store that forgets at the end of its process, and that one thread uses at a time."""

    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    buckets: dict[tuple[str, Grain, datetime], Counts] = field(
        default_factory=lambda: defaultdict(Counts)
    )
    states: dict[str, State] = field(default_factory=lambda: defaultdict(State))
    slots: dict[str, datetime] = field(default_factory=dict)
    alerts: dict[tuple[str, str], datetime] = field(default_factory=dict)
    trials: dict[str, tuple[int, dict[str, int]]] = field(
        default_factory=lambda: defaultdict(lambda: (0, {}))
    )
    begun: datetime | None = None

    def count(self, tenant: str, events: Sequence[MailEvent]) -> int:
        """Count each event that was not counted before, and return how many."""
        new = [e for e in {e.key: e for e in events}.values() if e.key not in self.seen[tenant]]
        for event in new:
            self.seen[tenant].add(event.key)
            for grain in Grain:
                bucket = (tenant, grain, grain.of(event.at))
                self.buckets[bucket] = self.buckets[bucket].plus(counts_of(event))
        return len(new)

    def counts(self, tenant: str, spans: Iterable[Span]) -> Counts:
        """Return what the buckets of all spans hold together."""
        total = Counts()
        for span in spans:
            at = span.first
            while at <= span.last:
                total = total.plus(self.buckets.get((tenant, span.grain, at), Counts()))
                at += span.grain.value
        return total

    def hours(self, tenant: str, since: datetime) -> Mapping[datetime, Counts]:
        """Return the counts of the hours that begin at `since` or later."""
        return {
            at: counts
            for (name, grain, at), counts in self.buckets.items()
            if name == tenant and grain is Grain.HOUR and at >= since
        }

    def state(self, tenant: str) -> State:
        """Return what is known of a tenant."""
        return self.states[tenant]

    def note_suspended(self, tenant: str, at: datetime) -> None:
        """Note that the tenant was suspended."""
        self.states[tenant] = replace(self.states[tenant], suspended_at=at)

    def note_resumed(self, tenant: str, at: datetime) -> None:
        """Note that the tenant was resumed: nothing before that counts any more."""
        self.states[tenant] = State(since=at)

    def claim(self, tenant: str, now: datetime, most_an_hour: int) -> bool:
        """Take one of this hour's suspensions, or keep the one taken; False if none is left."""
        self.slots = {name: at for name, at in self.slots.items() if at > now - _HOUR}
        if tenant not in self.slots and len(self.slots) >= most_an_hour:
            return False
        self.slots.setdefault(tenant, now)
        return True

    def alerted_at(self, tenant: str, what: str) -> datetime | None:
        """Return when it was last told of this, None if never."""
        return self.alerts.get((tenant, what))

    def note_alert(self, tenant: str, what: str, at: datetime) -> None:
        """Note that it was told of this."""
        self.alerts[tenant, what] = at

    def watched_since(self, now: datetime) -> datetime:
        """Return when the watch began, which is now if this is the first question."""
        self.begun = self.begun or now
        return self.begun

    def note_trial(self, run: str, tenant: str, events: int, decided: str) -> None:
        """Note what a trial came to."""
        del decided
        self.trials[run][1][tenant] = events

    def note_trial_read(self, run: str, messages: int) -> None:
        """Note that so many messages of a trial were read."""
        read, tenants = self.trials[run]
        self.trials[run] = (read + messages, tenants)
