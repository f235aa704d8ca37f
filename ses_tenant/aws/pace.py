"""How fast requests are sent to an API that throttles: as fast as it last let them through.

A retry that waits by itself, longer each time, leaves a throttled API idle: where 20 requests a
second are allowed, a hundred tenants took 1.4 times as long as needed with 8 workers and 1.7 times
with 16. Here all threads of a session keep one rate. Until the first refusal there is none. Then it
is what was answered within the last second, and it grows by one a second each second, so that it
finds out when more is allowed.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.hooks import BaseEventHooks

from ses_tenant.aws.errors import RATE_EXCEEDED

_WINDOW_S = 1.0
_PATIENT = 3  # refusals of one request that its turn alone makes up for
_LONGEST_S = 20.0

_Response = tuple[object, Mapping[str, Mapping[str, object]]] | None


@dataclass
class Pace:
    """The rate of one session's requests; safe to share between threads."""

    attempts: int
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _rate: float | None = None
    _next: float = 0
    _answered: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, events: BaseEventHooks, *, again: bool) -> None:
        """Have the client with these events keep the pace; `again` if it may repeat requests.

        botocore asks after every answer whether to send it again; the first that says so counts.
        """

        def answered(response: _Response, attempts: int, **_: object) -> float | None:
            pause = self.note(response, attempts)
            return pause if again else None

        events.register_first("before-send", lambda **_: self.take_turn())
        # botocore-stubs has it that handlers return nothing; here the answer is a pause.
        events.register_first("needs-retry", answered)  # type: ignore[arg-type]

    def take_turn(self) -> None:
        """Wait until the next request may be sent."""
        with self._lock:
            if self._rate is None:
                return
            now = self.clock()
            turn = max(self._next, now)
            self._next = turn + 1 / self._rate
        self.sleep(turn - now)

    def note(self, response: _Response, attempts: int) -> float | None:
        """Note an answer; return how long to wait before the request is sent again, or None."""
        if response is None:
            return None
        error = response[1].get("Error", {})
        with self._lock:
            now = self.clock()
            while self._answered and self._answered[0] <= now - _WINDOW_S:
                self._answered.popleft()
            if error.get("Code") not in RATE_EXCEEDED:
                self._answered.append(now)
                if self._rate is not None:
                    self._rate += 1 / self._rate
                return None
            self._rate = max(1.0, float(len(self._answered)))
        if attempts >= self.attempts:
            return None
        late = min(2.0 ** (attempts - _PATIENT), _LONGEST_S)
        return random.uniform(0, late) if attempts > _PATIENT else 0  # noqa: S311
