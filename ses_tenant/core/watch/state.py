"""What the watch remembers of a tenant beside its counts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class State:
    """`suspended_at` is when the watch suspended it, until it is seen that a person resumed it.

    From `since` on it is counted: what was before it was resumed would suspend it again.
    """

    suspended_at: datetime | None = None
    since: datetime | None = None
