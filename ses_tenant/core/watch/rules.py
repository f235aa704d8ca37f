"""Rules, as text: `bounce-rate > 10 % of >= 50 in 1h -> suspend`."""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from ses_tenant.core.errors import ErrorCode, SesTenantError


class Metric(StrEnum):
    """What a rule looks at."""

    BOUNCE_RATE = "bounce-rate"
    COMPLAINT_RATE = "complaint-rate"
    SENDS = "sends"
    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    REJECTS = "rejects"
    FROM_DOMAIN = "from-domain"
    KEY_QUARANTINED = "key-quarantined"
    SENDING_DISABLED = "sending-disabled"


RATES = frozenset({Metric.BOUNCE_RATE, Metric.COMPLAINT_RATE})
# What happens once or not at all: no number and no window.
OCCURRENCES = frozenset({Metric.FROM_DOMAIN, Metric.KEY_QUARANTINED, Metric.SENDING_DISABLED})


class Outcome(StrEnum):
    """What a rule leads to, the mildest first: `decision` in JSON."""

    NOTHING = "nothing"
    ALERT = "alert"
    SUSPEND = "suspend"


@dataclass(frozen=True)
class Rule:
    """A rule. `limit` is a percentage for a rate, a number for a volume; `least` the least volume.

    `window` is how far back it looks.
    """

    metric: Metric
    outcome: Outcome
    limit: Decimal = Decimal(0)
    least: int = 1
    window: timedelta = timedelta()

    def __str__(self) -> str:
        """Return the text of the rule."""
        if self.metric in OCCURRENCES:
            return f"{self.metric} -> {self.outcome}"
        rate = f" % of >= {self.least}" if self.metric in RATES else ""
        window = window_text(self.window)
        return f"{self.metric} > {self.limit}{rate} in {window} -> {self.outcome}"


_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
MAX_WINDOW = timedelta(days=7)
_NUMBER = r"(?P<limit>\d{1,9}(?:\.\d{1,4})?)"
_RULE = re.compile(
    rf"(?P<metric>[a-z-]+)(?:\s*>\s*{_NUMBER}(?P<rate>\s*%\s*of\s*>=\s*(?P<least>\d{{1,9}}))?"
    r"\s+in\s+(?P<count>\d{1,5})\s*(?P<unit>[mhd]))?\s*->\s*(?P<outcome>[a-z]+)"
)
# The same for a JSON Schema, which has no named groups.
RULE_PATTERN = rf"^\s*{re.sub(r'[?]P<[a-z]+>', '', _RULE.pattern)}\s*$"
# No site that is well meets these. SES itself reviews an account at 5 % of bounces or 0.1 % of
# complaints, over its last mails, and may pause it at 10 % or 0.5 %.
# https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-dg.html
DEFAULT_RULES = (
    "bounce-rate > 20 % of >= 100 in 1h -> suspend",
    "bounce-rate > 10 % of >= 500 in 1d -> suspend",
    "complaint-rate > 1 % of >= 1000 in 1d -> suspend",
    "complaint-rate > 0.5 % of >= 1000 in 1d -> alert",
    "from-domain -> alert",
    "key-quarantined -> suspend",
    "sending-disabled -> alert",
)


def parse_rule(text: str) -> Rule:
    """Return the rule that a text says. Raises SesTenantError `usage`, with what is wrong."""
    match = _RULE.fullmatch(text.strip())
    if match is None:
        raise _bad(text, "it does not read as a rule")
    try:
        metric = Metric(match["metric"])
    except ValueError as error:
        known = ", ".join(Metric)
        raise _bad(
            text, f"there is nothing called '{match['metric']}'; there is {known}"
        ) from error
    if match["outcome"] not in (Outcome.ALERT, Outcome.SUSPEND):
        raise _bad(text, "behind the arrow stands 'alert' or 'suspend'")
    outcome = Outcome(match["outcome"])
    if (match["limit"] is None) != (metric in OCCURRENCES):
        need = "has no number" if metric in OCCURRENCES else "needs a number and a window"
        raise _bad(text, f"{metric} {need}")
    if metric in OCCURRENCES:
        return Rule(metric, outcome)
    if (match["rate"] is None) == (metric in RATES):
        raise _bad(text, f"{metric} {'needs' if metric in RATES else 'has no'} '% of >= NUMBER'")
    window = int(match["count"]) * _UNITS[match["unit"]]
    if not timedelta(minutes=1) <= window <= MAX_WINDOW:
        raise _bad(text, "a window is from 1m to 7d")
    least = int(match["least"] or 1)
    if metric in RATES and (least < 1 or not 0 <= Decimal(match["limit"]) <= 100):
        raise _bad(text, "a rate is from 0 to 100 %, of at least one mail")
    return Rule(metric, outcome, Decimal(match["limit"]), least, window)


def window_text(window: timedelta) -> str:
    """Return a window as rules write it: 90m, 1h, 7d."""
    for unit, size in reversed(_UNITS.items()):
        if window and window % size == timedelta():
            return f"{window // size}{unit}"
    return f"{int(window.total_seconds())}s"


def _bad(text: str, why: str) -> SesTenantError:
    return SesTenantError(
        ErrorCode.USAGE,
        f"'{text}' is not a rule: {why}.",
        "A rule looks like: bounce-rate > 10 % of >= 50 in 1h -> suspend",
    )
