"""Trouble to order: answers that are slow, throttled or failures, for trying out automation."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with a request through no fault of its own."""

    THROTTLED = "throttled"
    FAILED = "failed"


@dataclass
class Faults:
    """Which requests meet with trouble.

    `latency_s` is waited before every answer. Of the requests within a second, those past
    `throttle` are throttled; 0 for no limit. Of 100 requests `fail_percent` fail, evenly spread,
    so that two runs see the same.
    """

    clock: Callable[[], float]
    latency_s: float = 0
    throttle: int = 0
    fail_percent: int = 0
    _recent: deque[float] = field(default_factory=deque)
    _due: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> Fault | None:
        """Return what happens to the request that has just come."""
        with self._lock:
            if self.throttle and self._throttled():
                return Fault.THROTTLED
            self._due += self.fail_percent
            if self._due >= 100:
                self._due -= 100
                return Fault.FAILED
        return None

    def _throttled(self) -> bool:
        now = self.clock()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.throttle:
            return True
        self._recent.append(now)
        return False
