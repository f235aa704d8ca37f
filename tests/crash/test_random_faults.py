"""A sample of `python -m tests.crash.random_faults`."""

import pytest

from tests.crash.harness import Harness
from tests.crash.random_faults import WALK, main, new_world, not_whole, undisturbed


@pytest.mark.rare
def test_random_trials_hold() -> None:
    told: list[str] = []
    assert main(["10", "7"], told.append) == 0, told
    assert told[-1].startswith("10 random trials killed (seed 7), ")
    assert ", 0 trials did not hold (" in told[-1]


@pytest.mark.rare
def test_an_undisturbed_run_is_taken_back(harness: Harness) -> None:
    new_world(harness)
    for site in harness.sites:
        harness.account.age(site.user_name, 95)
    before = harness.fingerprint()
    took = undisturbed(harness, WALK)
    assert harness.fingerprint() == before
    assert (took.requests > 12, took.events > 0, harness.problems) == (True, True, [])
    assert undisturbed(harness, WALK).requests == took.requests
    harness.hurry = False


@pytest.mark.rare
def test_what_the_trials_look_for_is_seen(harness: Harness) -> None:
    new_world(harness)
    assert (harness.problems, not_whole(harness)) == ([], [])
    one, two, three, _ = harness.sites
    key = harness.held(one)
    one.file.write_text(f"AWS_ACCESS_KEY_ID={key}\nAWS_SECRET_ACCESS_KEY=another\n")
    assert not_whole(harness) == [f"one.example.com: the secret of {key} is lost"]
    harness.account.issue(two.user_name)
    harness.check_settled()
    assert harness.problems == ["two.example.com: an orphan is Active"]
    harness.account.set_status(three.user_name, str(harness.held(three)), "Inactive")
    harness.observe()
    assert "three.example.com: its destination holds a key that is Inactive" in harness.problems[1]
    harness.hurry = False
