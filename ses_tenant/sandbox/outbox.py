"""What the sandbox was given to send: every message and failed login, accepted and refused."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

_MAX_ENTRIES = 10_000
_MAX_BYTES = 256 * 2**20


class Outcome(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class Entry:
    """One attempt to send: who, as whom, to whom, and the answer with its reason.

    `answer` is what the client was told, `reason` which statement of which policy decided. `raw` is
    the message as it came; empty for a login that failed.
    """

    message_id: str
    at: datetime
    interface: str
    operation: str
    outcome: Outcome
    answer: str
    reason: str
    user_arn: str
    domain: str
    access_key_id: str
    senders: tuple[str, ...] = ()
    return_path: str | None = None
    recipients: tuple[str, ...] = ()
    subject: str = ""
    raw: bytes = field(default=b"", repr=False)

    def as_json(self) -> dict[str, object]:
        """Return the entry without its source, for `sandbox outbox -o json` and the page."""
        return {
            "message_id": self.message_id,
            "at": self.at.isoformat(timespec="milliseconds"),
            "interface": self.interface,
            "operation": self.operation,
            "outcome": self.outcome.value,
            "answer": self.answer,
            "reason": self.reason,
            "user_arn": self.user_arn,
            "domain": self.domain,
            "access_key_id": self.access_key_id,
            "senders": list(self.senders),
            "return_path": self.return_path,
            "recipients": list(self.recipients),
            "subject": self.subject,
            "size": len(self.raw),
        }


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Outbox:
    """The entries in the order in which they came; the oldest go when there are too many.

    Used by the threads of both servers.
    """

    clock: Callable[[], datetime] = _now
    max_entries: int = _MAX_ENTRIES
    max_bytes: int = _MAX_BYTES
    _entries: OrderedDict[str, Entry] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Entry) -> None:
        """Keep `entry`, and drop the oldest ones past the limits."""
        with self._lock:
            self._entries[entry.message_id] = entry
            self._bytes += len(entry.raw)
            while len(self._entries) > self.max_entries or self._bytes > self.max_bytes:
                _, oldest = self._entries.popitem(last=False)
                self._bytes -= len(oldest.raw)

    def entries(self) -> tuple[Entry, ...]:
        """Return all entries, the oldest first."""
        with self._lock:
            return tuple(self._entries.values())

    def get(self, message_id: str) -> Entry | None:
        """Return one entry, or None if it is not there (any more)."""
        with self._lock:
            return self._entries.get(message_id)
