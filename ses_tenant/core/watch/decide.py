"""From counts and rules to nothing, an alert, or a suspension; pure, and the same everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ses_tenant.core.text import shown
from ses_tenant.core.watch.rules import OCCURRENCES, RATES, Metric, Outcome, Rule

_SEVERITY = list(Outcome)


@dataclass(frozen=True)
class Counts:
    """What a tenant's mail came to in a window: one for each event.

    A mail to many is one send, and bounces as one event or as many. So the recipients are counted
    beside: those that the sends were to, that bounced, and that complained.
    """

    sends: int = 0
    bounces: int = 0
    complaints: int = 0
    rejects: int = 0
    deliveries: int = 0
    recipients: int = 0
    bounced: int = 0
    complained: int = 0

    @property
    def events(self) -> int:
        """Return how many events it was."""
        return self.sends + self.bounces + self.complaints + self.rejects + self.deliveries

    def plus(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNTED))


COUNTED = tuple(Counts.__dataclass_fields__)


@dataclass(frozen=True)
class Situation:
    """All that decides about one tenant.

    `counts` are by window. `foreign` are From domains that are not the tenant's, which it has sent
    as all the same; `quarantined` names AWS's own quarantine policy if it is attached; `disabled`
    tells that SES has stopped the SES tenant.
    """

    counts: Mapping[timedelta, Counts]
    foreign: tuple[str, ...] = ()
    quarantined: str | None = None
    disabled: bool = False


@dataclass(frozen=True)
class Limits:
    """What holds for the account: how many tenants may be suspended an hour, and how many were.

    More than that is rather a fault of the watch, or of SES, than so many hacked sites.
    """

    most_an_hour: int = 5
    suspended_in_the_last_hour: int = 0


@dataclass(frozen=True)
class Decision:
    """What is to be done about a tenant, by which rule, and why; no rule if nothing is.

    `counts` are those of `window`: the rule's, or the longest of all where it has none.
    """

    outcome: Outcome
    rule: Rule | None
    counts: Counts
    window: timedelta
    reason: str


def decide(situation: Situation, rules: Sequence[Rule], limits: Limits) -> Decision:
    """Return the sternest decision that a rule leads to; of equally stern ones the first."""
    met = [rule for rule in rules if is_met(rule, situation)]
    met.sort(key=lambda rule: -_SEVERITY.index(rule.outcome))
    window = (met[0].window if met else None) or max(windows(rules), default=timedelta())
    counts = situation.counts.get(window, Counts())
    if not met:
        return Decision(Outcome.NOTHING, None, counts, window, "no rule is met")
    rule = met[0]
    reason = explain(rule, situation)
    if rule.outcome is Outcome.SUSPEND and (
        limits.suspended_in_the_last_hour >= limits.most_an_hour
    ):
        told = (
            f"{reason}; not suspended: {limits.suspended_in_the_last_hour} in the last hour are "
            "as many as may be"
        )
        return Decision(Outcome.ALERT, rule, counts, window, told)
    return Decision(rule.outcome, rule, counts, window, reason)


def is_met(rule: Rule, situation: Situation) -> bool:
    """Tell whether a rule applies; a rate never below its least volume."""
    counts = situation.counts.get(rule.window, Counts())
    match rule.metric:
        case Metric.FROM_DOMAIN:
            return bool(situation.foreign)
        case Metric.KEY_QUARANTINED:
            return situation.quarantined is not None
        case Metric.SENDING_DISABLED:
            return situation.disabled
        case Metric.BOUNCE_RATE | Metric.COMPLAINT_RATE:
            return counts.sends >= rule.least and _rate(rule.metric, counts) > rule.limit
        case Metric.SENDS | Metric.BOUNCES | Metric.COMPLAINTS | Metric.REJECTS:
            return _volume(rule.metric, counts) > rule.limit


def explain(rule: Rule, situation: Situation) -> str:
    """Return in one sentence how a rule came to be met."""
    counts = situation.counts.get(rule.window, Counts())
    match rule.metric:
        case Metric.FROM_DOMAIN:
            return f"it sent as {shown(', '.join(situation.foreign))}, which is not its domain"
        case Metric.KEY_QUARANTINED:
            return f"AWS has attached {situation.quarantined}: it holds the key for stolen"
        case Metric.SENDING_DISABLED:
            return "SES has stopped its SES tenant"
        case _:
            pass
    noun = rule.metric.value.removesuffix("-rate").rstrip("s") + "s"
    number = _volume(Metric(noun), counts)
    if rule.metric in RATES:
        share = _rate(rule.metric, counts)
        of = f"{counts.sends} sends"
        if counts.recipients != counts.sends:
            of += f" to {counts.recipients} recipients"
        return f"{number} {noun} of {of} are {share:.1f} %, more than {rule.limit} %"
    return f"{number} {noun} are more than {rule.limit}"


def windows(rules: Sequence[Rule]) -> tuple[timedelta, ...]:
    """Return the windows that the rules look at, the shortest first."""
    return tuple(sorted({rule.window for rule in rules if rule.metric not in OCCURRENCES}))


def _volume(metric: Metric, counts: Counts) -> int:
    return {
        Metric.SENDS: counts.sends,
        Metric.BOUNCES: counts.bounces,
        Metric.COMPLAINTS: counts.complaints,
        Metric.REJECTS: counts.rejects,
    }[metric]


def _rate(metric: Metric, counts: Counts) -> Decimal:
    """Return a rate in percent: of events or of recipients, whichever is lower.

    So neither a newsletter that goes to fifty with each mail, nor one bounce that is told of fifty,
    weighs fifty times.
    """
    bounced = metric is Metric.BOUNCE_RATE
    events = counts.bounces if bounced else counts.complaints
    people = counts.bounced if bounced else counts.complained
    return min(
        Decimal(100 * events) / max(1, counts.sends),
        Decimal(100 * people) / max(1, counts.recipients),
    )
