"""The life of access keys: states, and the notes about them in the user's tags.

Which key a site uses is what its destination holds, read back. Tags only note times, and which
keys were known to be out when an issue began; no key is ever removed on the word of a tag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.notes import Note, Process
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus, ReportedKey

# A run that issued a key has delivered it or given up after this time, or it is dead.
LEASE = timedelta(minutes=15)


class KeyState(StrEnum):
    """The state of a tenant's keys; docs/rotation.md explains each."""

    NO_KEY = "NO_KEY"
    STEADY = "STEADY"
    UNDELIVERED = "UNDELIVERED"
    OVERLAP = "OVERLAP"
    RETIRING = "RETIRING"
    SUSPENDED = "SUSPENDED"
    LOCKED_OUT = "LOCKED_OUT"
    OVERFULL = "OVERFULL"
    CONFUSED = "CONFUSED"


@dataclass(frozen=True)
class Situation:
    """All that decides what happens next to a tenant's keys.

    `call` is what the destination does to take a key. `held` is the key ID that the destination
    holds; where it cannot be read back (`readable` is False) it is None. `issuer_alive` tells
    whether the process that a note names still runs, as far as this machine can know.
    """

    access_keys: tuple[AccessKey, ...]
    readable: bool
    held: str | None
    suspended: bool = False
    delivered: Note | None = None
    retired: Note | None = None
    issuer_alive: bool = True
    call: str = "Put"

    @property
    def active(self) -> tuple[AccessKey, ...]:
        """Return the Active keys, oldest first."""
        return tuple(key for key in self.access_keys if key.active)

    @property
    def unheld(self) -> tuple[AccessKey, ...]:
        """Return the Active keys that the destination does not hold; none if it is unreadable."""
        return (
            tuple(k for k in self.active if k.access_key_id != self.held) if self.readable else ()
        )

    def state(self) -> KeyState:
        """Return the state; total over all situations."""
        if self.suspended:
            return KeyState.SUSPENDED
        if not self.access_keys:
            return KeyState.NO_KEY
        if len(self.access_keys) > 2:  # a race can leave more than IAM's own limit
            return KeyState.OVERFULL
        if not self.active:
            return KeyState.LOCKED_OUT
        if self.orphans():
            return KeyState.UNDELIVERED
        held = next((k for k in self.access_keys if k.access_key_id == self.held), None)
        if self.readable and self.held is not None and (held is None or not held.active):
            return KeyState.CONFUSED
        if self.emptied():
            return KeyState.CONFUSED
        if len(self.active) == 2:
            return KeyState.OVERLAP
        return KeyState.STEADY if len(self.access_keys) == 1 else KeyState.RETIRING

    def emptied(self) -> bool:
        """Tell whether the destination is empty although an Active key was delivered to it.

        Somebody has removed it, or looks for it in another place, such as on another machine.
        """
        noted = self.delivered
        return (
            self.readable
            and self.held is None
            and noted is not None
            and noted.issuer is None
            and not noted.elsewhere
            and any(key.access_key_id in noted.access_key_ids for key in self.active)
        )

    def orphans(self) -> tuple[AccessKey, ...]:
        """Return the keys that were issued and reached nobody.

        Active, newer than the held key, never used, not held, and not known to any note: so not
        one that was delivered elsewhere before the destination was changed. Where the destination
        holds a key that the user does not have, only an issue that was announced leaves orphans.
        """
        known = self.delivered.access_key_ids if self.delivered else ()
        announced = self.delivered is not None and self.delivered.issuer is not None
        held = next((k for k in self.access_keys if k.access_key_id == self.held), None)
        return tuple(
            key
            for key in self.unheld
            if key.last_used_at is None
            and key.access_key_id not in known
            and (
                key.created_at >= held.created_at
                if held is not None
                else self.held is None or announced
            )
        )

    def in_flight(self, now: datetime) -> bool:
        """Tell whether another run may be about to deliver a key that looks like an orphan.

        That run noted its process before it issued the key. It is over when that process is known
        to be dead, or when its lease has run out; without a note the key's age must tell.
        """
        note = self.delivered
        if note is not None and note.issuer is not None:
            return self.issuer_alive and now - note.at < LEASE
        return any(now - key.created_at < LEASE for key in self.orphans())


def list_state(access_keys: Sequence[AccessKey | ReportedKey], *, suspended: bool) -> KeyState:
    """Return the state that the keys alone show, for `list`, which reads no destination."""
    keys = tuple(
        key if isinstance(key, AccessKey) else _unnamed(number, key)
        for number, key in enumerate(access_keys)
    )
    return Situation(keys, readable=False, held=None, suspended=suspended).state()


def _unnamed(number: int, key: ReportedKey) -> AccessKey:
    """Return a key of the credential report, which gives no IDs, as one that has any."""
    status = KeyStatus.ACTIVE if key.active else KeyStatus.INACTIVE
    return AccessKey(f"key {number}", status, key.changed_at or datetime.min.replace(tzinfo=UTC))


def note(key: str, access_key_ids: tuple[str, ...], at: datetime) -> dict[str, str]:
    """Return a note about delivered or retired keys as a tag."""
    return {key: Note(access_key_ids, at).to_tag()}


def issuing(situation: Situation, process: Process, now: datetime) -> dict[str, str]:
    """Return the tag that announces an issue: who issues, and which keys are out already."""
    return {naming.TAG_DELIVERED: Note(known_keys(situation), now, process).to_tag()}


def known_keys(situation: Situation) -> tuple[str, ...]:
    """Return the keys that sites may use: all but those that reached nobody."""
    orphans = {key.access_key_id for key in situation.orphans()}
    ids = (key.access_key_id for key in situation.access_keys)
    return tuple(key for key in ids if key not in orphans)
