"""The life of access keys: which state a tenant is in."""

from collections.abc import Sequence
from enum import StrEnum

from ses_tenant.core.tenant import AccessKey


class KeyState(StrEnum):
    """The state of a tenant, in the words of docs/reference.md."""

    NO_KEY = "NO_KEY"
    STEADY = "STEADY"
    OVERLAP = "OVERLAP"
    RETIRING = "RETIRING"
    SUSPENDED = "SUSPENDED"
    LOCKED_OUT = "LOCKED_OUT"
    OVERFULL = "OVERFULL"


def key_state(access_keys: Sequence[AccessKey], *, suspended: bool) -> KeyState:
    """Return the state that the keys alone show; what the destination holds is not asked."""
    active = sum(key.active for key in access_keys)
    if suspended:
        return KeyState.SUSPENDED
    if not access_keys:
        return KeyState.NO_KEY
    if len(access_keys) > 2:  # a race can leave more than IAM's own limit
        return KeyState.OVERFULL
    if active == 0:
        return KeyState.LOCKED_OUT
    if active > 1:
        return KeyState.OVERLAP
    return KeyState.STEADY if len(access_keys) == 1 else KeyState.RETIRING
