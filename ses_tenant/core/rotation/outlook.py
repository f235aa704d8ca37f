"""The state of a tenant's keys in plain words, and what comes next and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from ses_tenant.core.rotation.decision import NextStep, RotationOptions
from ses_tenant.core.rotation.keys import KeyState
from ses_tenant.core.tenant.notes import Note
from ses_tenant.core.tenant.observed import AccessKey, ReportedKey

Outlook = tuple[NextStep, datetime | None]


class StateWord(StrEnum):
    """The states of keys in plain words, as `list` shows them and `--state` takes them."""

    OK = "ok"
    ROTATING = "rotating"
    OLD_KEY_OFF = "old-key-off"
    SUSPENDED = "suspended"
    NO_KEY = "no-key"
    UNDELIVERED = "undelivered"
    LOCKED_OUT = "locked-out"
    TOO_MANY_KEYS = "too-many-keys"
    UNCLEAR = "unclear"


WORDS: Mapping[KeyState, StateWord] = {
    KeyState.STEADY: StateWord.OK,
    KeyState.OVERLAP: StateWord.ROTATING,
    KeyState.RETIRING: StateWord.OLD_KEY_OFF,
    KeyState.SUSPENDED: StateWord.SUSPENDED,
    KeyState.NO_KEY: StateWord.NO_KEY,
    KeyState.UNDELIVERED: StateWord.UNDELIVERED,
    KeyState.LOCKED_OUT: StateWord.LOCKED_OUT,
    KeyState.OVERFULL: StateWord.TOO_MANY_KEYS,
    KeyState.CONFUSED: StateWord.UNCLEAR,
}

_DEFAULTS = RotationOptions(named=False)


def outlook(
    state: KeyState,
    keys: Sequence[AccessKey | ReportedKey],
    delivered: Note | None,
    retired: Note | None,
    *,
    readable: bool,
) -> Outlook:
    """Return what comes next for the keys, and when by the default times; None: no time is set.

    `readable`: the destination can be read back, so that `rotate-keys` goes on by itself.
    """
    match state:
        case KeyState.STEADY:
            begun = _since(keys[0])
            return NextStep.ROTATE, begun + _DEFAULTS.max_age if begun else None
        case KeyState.OVERLAP if not readable:
            return NextStep.FINISH, None
        case KeyState.OVERLAP:
            newest = max(filter(None, map(_since, keys)), default=None)
            begun = delivered.at if delivered and delivered.open else newest
            return NextStep.DEACTIVATE, begun + _DEFAULTS.grace if begun else None
        case KeyState.RETIRING:
            return NextStep.DELETE, retired.at + _DEFAULTS.quarantine if retired else None
        case KeyState.SUSPENDED:
            return NextStep.RESUME, None
        case KeyState.NO_KEY:
            return NextStep.ROTATE, None
        case _:
            return NextStep.RESOLVE, None


def _since(key: AccessKey | ReportedKey) -> datetime | None:
    return key.created_at if isinstance(key, AccessKey) else key.changed_at


def is_due(state: KeyState, next_step: NextStep, at: datetime | None, now: datetime) -> bool:
    """Tell whether something is to be done about the keys now."""
    if at is not None:
        return at <= now
    return next_step in (NextStep.RESOLVE, NextStep.FINISH) or state is KeyState.NO_KEY
