"""How many examples a property is tried with: a share of what the profile says."""

from typing import Any

from hypothesis import settings


def examples(share: float = 1, **more: Any) -> settings:
    """Return settings with a share of the profile's examples, and no time limit for one.

    Without a limit, since the first call of some functions loads a table.
    """
    number = max(1, round(settings().max_examples * share))
    return settings(max_examples=number, deadline=None, **more)
