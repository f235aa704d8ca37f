"""`watch test --deployed`: recorded events through the rule, the queue and the function in AWS."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.watch.events import Refused, read_event
from ses_tenant.core.watch.tally import AHEAD
from ses_tenant.operations.watch_events import TRIAL_SOURCE

DETAIL_TYPE = "ses-tenant trial"
MAX_EVENTS = 10_000
_MAX_DETAIL = 250_000  # EventBridge takes 256 KB with all that is around it
_PAUSE_S = 3.0


class Bus(Protocol):
    """Where events are put. Every failure is a SesTenantError."""

    def put(self, source: str, detail_type: str, details: list[str]) -> None:
        """Put an event with each of the details."""


class Trials(Protocol):
    """Where the function notes what it has decided. Every failure is a SesTenantError."""

    def trial(self, run: str) -> tuple[int, list[str]]:
        """Return how many events of a trial were handled, and what was decided, as JSON."""


@dataclass(frozen=True)
class Trial:
    """How many events were sent and how many handled, and what would be done."""

    sent: int
    handled: int
    decisions: tuple[dict[str, object], ...]


def try_deployed(
    bus: Bus,
    trials: Trials,
    events: Iterable[object],
    run: str,
    now: datetime,
    patience: float,
    sleep: Callable[[float], None],
) -> Trial:
    """Send events marked as the trial `run`, and wait up to `patience` seconds for the decisions.

    They neither count nor lead to anything. Raises SesTenantError `usage` for too many events, or
    one that is too large.
    """
    details = [json.dumps({"run": run, "now": now.isoformat(), "event": event}) for event in events]
    if len(details) > MAX_EVENTS or any(len(d.encode()) > _MAX_DETAIL for d in details):
        raise SesTenantError(
            ErrorCode.USAGE,
            f"A trial takes {MAX_EVENTS} events at most, of 250 KB each.",
            "Without --deployed there may be more of them.",
        )
    if details:
        bus.put(TRIAL_SOURCE, DETAIL_TYPE, details)
    waited = 0.0
    handled, decided = trials.trial(f"trial {run}")
    while handled < len(details) and waited < patience:
        sleep(_PAUSE_S)
        waited += _PAUSE_S
        handled, decided = trials.trial(f"trial {run}")
    return Trial(len(details), handled, tuple(json.loads(text) for text in decided))


def newest(events: Iterable[object], clock: datetime) -> datetime:
    """Return the time of the newest event that is not ahead of `clock`, else that."""
    told = (read_event(event, None) for event in events)
    times = [one.at for one in told if not isinstance(one, Refused) and one.at <= clock + AHEAD]
    return max(times, default=clock)
