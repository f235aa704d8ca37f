"""A sample of `python -m tests.crash.random_faults`."""

import pytest

from tests.crash.random_faults import main


@pytest.mark.rare
def test_random_trials_hold() -> None:
    told: list[str] = []
    assert main(["10", "7"], told.append) == 0, told
    assert told[-1].startswith("10 random trials (seed 7): ")
    assert ", 0 did not hold (" in told[-1]
