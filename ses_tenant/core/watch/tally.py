"""Counting events: each once, at the time when it happened, for the tenant that sent."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
from ses_tenant.core.watch.events import Kind, MailEvent, Refused, read_event
from ses_tenant.core.watch.rules import Outcome, Rule

_ONE = {
    Kind.SEND: Counts(sends=1),
    Kind.DELIVERY: Counts(deliveries=1),
    Kind.BOUNCE: Counts(bounces=1),
    Kind.COMPLAINT: Counts(complaints=1),
    Kind.REJECT: Counts(rejects=1),
    Kind.OTHER: Counts(),
}
# How much the clocks of AWS and of this machine may differ.
_AHEAD = timedelta(minutes=5)


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


@dataclass
class Tally:
    """The events read so far, by what became of them, and the counts by tenant and time."""

    read: int = 0
    counted: int = 0
    duplicate: int = 0
    late: int = 0
    refused: int = 0
    tenants: dict[str, Watched] = field(default_factory=dict)
    times: dict[tuple[str, datetime], Counts] = field(default_factory=lambda: defaultdict(Counts))
    foreign: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _seen: set[str] = field(default_factory=set)

    def add(
        self,
        event: object,
        account: str | None,
        find: Callable[[MailEvent], Watched | None],
        since: datetime,
        now: datetime,
    ) -> None:
        """Count one event of EventBridge.

        What happened before `since` is late: no window reaches back to it. What is said to happen
        after `now` is malformed.
        """
        self.read += 1
        mail = read_event(event, account)
        if isinstance(mail, Refused) or mail.at > now + _AHEAD:
            self.refused += 1
            return
        if mail.key in self._seen:
            self.duplicate += 1
            return
        self._seen.add(mail.key)
        tenant = find(mail)
        if tenant is None:
            return  # somebody else's mail
        if mail.at <= since:
            self.late += 1
            return
        self.counted += 1
        self.tenants[tenant.domain] = tenant
        key = (tenant.domain, mail.at)
        self.times[key] = self.times[key].plus(_ONE[mail.kind])
        if mail.from_domain is not None and not tenant.owns(mail.from_domain):
            self.foreign[tenant.domain].add(mail.from_domain)


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
    tally: Tally, rules: Sequence[Rule], limits: Limits, now: datetime
) -> Iterator[tuple[Watched, Decision]]:
    """Return what is to be done about each tenant that had events, by domain.

    The limit of suspensions counts those decided here as well.
    """
    by_tenant: dict[str, list[tuple[datetime, Counts]]] = defaultdict(list)
    for (domain, at), counts in tally.times.items():
        by_tenant[domain].append((at, counts))
    suspended = limits.suspended_in_the_last_hour
    for domain in sorted(tally.tenants):
        tenant = tally.tenants[domain]
        own = tenant.rules or tuple(rules)
        situation = Situation(
            {window: counts_in(by_tenant[domain], window, now) for window in windows(own)},
            foreign=tuple(sorted(tally.foreign.get(domain, ()))),
        )
        decision = decide(situation, own, Limits(limits.most_an_hour, suspended))
        suspended += decision.outcome is Outcome.SUSPEND
        yield tenant, decision


def longest(rules: Sequence[Rule], tenants: Mapping[str, Watched]) -> timedelta:
    """Return how far back the rules look at most."""
    every = [*rules, *(rule for tenant in tenants.values() for rule in tenant.rules)]
    return max(windows(every), default=timedelta())
