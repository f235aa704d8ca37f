"""EventBridge's default bus, for trials of the watch."""

import random
import time
from collections.abc import Callable

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError

_AT_ONCE = 10
_MAX_BYTES = 240_000  # of 256 KB in one request
_ATTEMPTS = 5


class EventBus:
    """The default bus of a Region."""

    def __init__(
        self, session: AwsSession, region: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Keep the session; the client is made when it is first needed."""
        self._session = session
        self._region = region
        self._sleep = sleep

    def put(self, source: str, detail_type: str, details: list[str]) -> None:
        """Put an event with each of the details. Raises SesTenantError.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
        """
        entries = [
            {"Source": source, "DetailType": detail_type, "Detail": detail} for detail in details
        ]
        while entries:
            size, number = 0, 0
            while number < min(_AT_ONCE, len(entries)):
                size += len(entries[number]["Detail"].encode())
                if number and size > _MAX_BYTES:
                    break
                number += 1
            self._put(entries[:number])
            entries = entries[number:]

    def _put(self, entries: list[dict[str, str]]) -> None:
        """Put a few events; those that EventBridge could not take now are sent again."""
        client, said = self._session.events_client(self._region), ""
        for attempt in range(_ATTEMPTS):
            with self._session.errors():
                answer = client.put_events(Entries=entries)
            refused = [
                (entry, told)
                for entry, told in zip(entries, answer["Entries"], strict=True)
                if "ErrorCode" in told
            ]
            if not refused:
                return
            entries, said = [entry for entry, _ in refused], refused[0][1].get("ErrorMessage", "")
            self._sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311
        raise SesTenantError(ErrorCode.THROTTLED, f"EventBridge does not take events: {said}")
