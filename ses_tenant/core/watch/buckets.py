"""Counts by minute and by hour, so that a window of any length is a bounded number of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ses_tenant.core.watch.rules import MAX_WINDOW

# Events are counted as far back as a window can reach, and minutes kept a little longer.
KEEP_MINUTES = MAX_WINDOW + timedelta(days=1)
KEEP_HOURS = timedelta(days=36)


class Grain(Enum):
    """How long a bucket is."""

    MINUTE = timedelta(minutes=1)
    HOUR = timedelta(hours=1)

    def of(self, at: datetime) -> datetime:
        """Return the beginning of the bucket in which a time lies."""
        if self is Grain.MINUTE:
            return at.replace(second=0, microsecond=0)
        return at.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Span:
    """Buckets that follow one another, from the one that begins at `first` to that at `last`."""

    grain: Grain
    first: datetime
    last: datetime


def spans(since: datetime, until: datetime) -> tuple[Span, ...]:
    """Return the buckets that lie wholly after `since`, up to the one of `until`.

    Minutes up to the first full hour, then hours: at most 60 of the first, whatever the window.
    """
    first = Grain.MINUTE.of(since) + Grain.MINUTE.value
    hour = Grain.HOUR.of(first)
    if hour < first:
        hour += Grain.HOUR.value
    last = min(hour - Grain.MINUTE.value, Grain.MINUTE.of(until))
    found = []
    if first <= last:
        found.append(Span(Grain.MINUTE, first, last))
    if hour <= until:
        found.append(Span(Grain.HOUR, hour, Grain.HOUR.of(until)))
    return tuple(found)
