"""Counting events: each once, at the time when it happened, for the tenant that sent."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.watch.decide import (
    Counts,
    Decision,
    Limits,
    Situation,
    decide,
    windows,
)
from ses_tenant.core.watch.events import Kind, MailEvent, Refused, SesNotice, read_event
from ses_tenant.core.watch.rules import Outcome, Rule

# How much the clocks of AWS and of this machine may differ.
AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Watched:
    """A tenant that is watched: its domain, the others that it may send as, and its rules."""

    domain: str
    user_name: str
    also: tuple[str, ...] = ()
    subdomains: bool = False
    rules: tuple[Rule, ...] = ()

    def owns(self, domain: str) -> bool:
        """Tell whether the tenant may send as a domain."""
        own = (self.domain, *self.also)
        return domain in own or (
            self.subdomains and any(domain.endswith(f".{above}") for above in own)
        )


@lru_cache(maxsize=10_000)  # the same few users send again and again
def watched_by_name(user_name: str, from_domain: str | None) -> Watched | None:
    """Return the tenant that an IAM user name is of, where no tenants are given; None for others.

    A name of 64 characters may be cut; then the From domain tells which one it is.
    """
    candidate = user_name.removeprefix("ses-") if user_name.startswith("ses-") else None
    for text in (candidate, from_domain):
        try:
            domain = SendingDomain.parse(text or "")
        except SesTenantError:
            continue
        top = domain.name.rpartition(".")[2]
        # The console's SMTP users are called ses-smtp-user.DATE-TIME, which is no domain.
        real = top.isalpha() or top.startswith("xn--")
        if real and naming.user_name(domain) == user_name:
            return Watched(domain.name, user_name)
    return None


Find = Callable[[MailEvent | SesNotice], Watched | None]


def finder(tenants: Mapping[str, Watched] | None) -> Find:
    """Return how to find the tenant that an event is about; it gives None for what is of no tenant.

    `tenants` are given by IAM user name; without them those are known by their names alone. An SES
    tenant is that of the one tenant whose domain it is called like, with `-` for dots.
    """
    by_ses_tenant: dict[str, list[Watched]] = defaultdict(list)
    for tenant in (tenants or {}).values():
        by_ses_tenant[naming.ses_tenant_name(tenant.domain)].append(tenant)

    def find(event: MailEvent | SesNotice) -> Watched | None:
        if isinstance(event, SesNotice):
            same = by_ses_tenant.get(event.ses_tenant or "", [])
            return same[0] if len(same) == 1 else None
        name = event.user_name
        if name is None:
            return None
        return watched_by_name(name, event.from_domain) if tenants is None else tenants.get(name)

    return find


def counts_of(mail: MailEvent) -> Counts:
    """Return what one event counts."""
    match mail.kind:
        case Kind.SEND:
            return Counts(sends=1, recipients=mail.recipients)
        case Kind.DELIVERY:
            return Counts(deliveries=1)
        case Kind.BOUNCE:
            return Counts(bounces=1, bounced=mail.recipients)
        case Kind.COMPLAINT:
            return Counts(complaints=1, complained=mail.recipients)
        case Kind.REJECT:
            return Counts(rejects=1)
        case Kind.OTHER:
            return Counts()


@dataclass
class _Moment:
    """What happened at one time to one tenant."""

    events: int = 0
    counts: Counts = field(default_factory=Counts)


@dataclass
class Tally:
    """The events read so far, by what became of them, and the counts by tenant and time.

    `strangers` are the IAM users, and `None` for nobody, whose mail is of no tenant.
    """

    read: int = 0
    duplicate: int = 0
    refused: int = 0
    newest: datetime | None = None
    tenants: dict[str, Watched] = field(default_factory=dict)
    times: dict[tuple[str, datetime], _Moment] = field(default_factory=lambda: defaultdict(_Moment))
    foreign: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    stopped: dict[str, datetime] = field(default_factory=dict)
    strangers: dict[str | None, int] = field(default_factory=lambda: defaultdict(int))
    _seen: set[str] = field(default_factory=set)

    def add(self, event: object, account: str | None, find: Find, latest: datetime) -> None:
        """Count one event of EventBridge; one that is said to happen after `latest` is refused."""
        self.read += 1
        told = read_event(event, account)
        if isinstance(told, Refused) or told.at > latest:
            self.refused += 1
            return
        if told.key in self._seen:
            self.duplicate += 1
            return
        self._seen.add(told.key)
        self.newest = max(told.at, self.newest or told.at)
        tenant = find(told)
        if tenant is None:
            if isinstance(told, MailEvent):
                self.strangers[told.user_name] += 1
            return
        self.tenants[tenant.domain] = tenant
        moment = self.times[tenant.domain, told.at]
        moment.events += 1
        if isinstance(told, SesNotice):
            if told.stopped:
                self.stopped[tenant.domain] = max(told.at, self.stopped.get(tenant.domain, told.at))
            return
        moment.counts = moment.counts.plus(counts_of(told))
        as_domain = told.from_domain
        if as_domain is not None and not tenant.owns(as_domain):
            before = self.foreign[tenant.domain].get(as_domain, told.at)
            self.foreign[tenant.domain][as_domain] = max(told.at, before)

    def counted(self, since: datetime) -> tuple[int, int]:
        """Return how many events are counted, and how many came too late: up to `since`."""
        late = sum(moment.events for (_, at), moment in self.times.items() if at <= since)
        return sum(moment.events for moment in self.times.values()) - late, late


def counts_in(times: Iterable[tuple[datetime, Counts]], window: timedelta, now: datetime) -> Counts:
    """Return the counts within the window before `now`.

    A time may stand for the minute that begins then: one that lies in the window only in part is
    left out, so that nobody is suspended for what is too long ago.
    """
    since = now - window
    total = Counts()
    for at, counts in times:
        if at > since:
            total = total.plus(counts)
    return total


def decisions(
    tally: Tally, rules: Sequence[Rule], limits: Limits, now: datetime, since: datetime
) -> Iterator[tuple[Watched, Decision]]:
    """Return what is to be done about each tenant that had events, by domain.

    The limit of suspensions counts those decided here as well. What has no window, such as a From
    domain that is not the tenant's, is looked at since `since`.
    """
    by_tenant: dict[str, list[tuple[datetime, Counts]]] = defaultdict(list)
    for (domain, at), moment in tally.times.items():
        by_tenant[domain].append((at, moment.counts))
    suspended = limits.suspended_in_the_last_hour
    for domain in sorted(tally.tenants):
        tenant = tally.tenants[domain]
        own = tenant.rules or tuple(rules)
        foreign = tally.foreign.get(domain, {})
        situation = Situation(
            {window: counts_in(by_tenant[domain], window, now) for window in windows(own)},
            foreign=tuple(sorted(name for name, at in foreign.items() if at > since)),
            disabled=tally.stopped.get(domain, since) > since,
        )
        decision = decide(situation, own, Limits(limits.most_an_hour, suspended))
        suspended += decision.outcome is Outcome.SUSPEND
        yield tenant, decision


def longest(rules: Sequence[Rule], tenants: Iterable[Watched]) -> timedelta:
    """Return how far back the rules look at most; a day if none has a window."""
    every = [*rules, *(rule for tenant in tenants for rule in tenant.rules)]
    return max(windows(every), default=timedelta(days=1))


@dataclass(frozen=True)
class Replay:
    """What recorded events come to: how many became what, and what is to be done about whom.

    `strangers` are the IAM users whose mail is of no tenant, with how many events each; None for
    mail that says nothing of a user.
    """

    read: int
    counted: int
    duplicate: int
    late: int
    refused: int
    decisions: tuple[tuple[Watched, Decision], ...]
    strangers: Mapping[str | None, int]


def replay(
    events: Iterable[object],
    account: str | None,
    tenants: Mapping[str, Watched] | None,
    rules: Sequence[Rule],
    limits: Limits,
    clock: datetime,
    now: datetime | None = None,
) -> Replay:
    """Return what recorded events come to at the time `now`.

    Without `now` that is the time of the newest event; what lies ahead of `clock` is refused.
    `tenants` are given by IAM user name, None to know them by their names alone.
    """
    find, tally = finder(tenants), Tally()
    latest = (clock if now is None else now) + AHEAD
    for event in events:
        tally.add(event, account, find, latest)
    at = now or tally.newest or clock
    since = at - longest(rules, tally.tenants.values())
    counted, late = tally.counted(since)
    return Replay(
        tally.read,
        counted,
        tally.duplicate,
        late,
        tally.refused,
        tuple(decisions(tally, rules, limits, at, since)),
        dict(tally.strangers),
    )
