"""A sample of `python -m tests.crash.apply_crashes`: some moments, each of them known to be bad."""

import pytest

from tests.crash.apply_crashes import NUMBER, REQUESTS, kill_and_finish, write_file
from tests.crash.fault_server import Fault, Mode, Throttle
from tests.crash.harness import Harness

_MOMENTS = [
    Fault(Mode.LOST, 20),
    pytest.param(Fault(Mode.BEFORE, 2), marks=pytest.mark.rare),
    pytest.param(12, marks=pytest.mark.rare),
    pytest.param(Fault(Mode.AFTER, 33), marks=pytest.mark.rare),
    pytest.param(Fault(Mode.LOST, REQUESTS - 1), marks=pytest.mark.rare),
]


@pytest.mark.parametrize("kill", _MOMENTS, ids=str)
def test_an_apply_that_is_killed_is_finished_by_the_next(
    harness: Harness, kill: Fault | int
) -> None:
    assert kill_and_finish(harness, kill) == []


def test_new_tenants_cost_four_requests_each_and_one_in_all_and_then_three(
    harness: Harness,
) -> None:
    harness.reset("file", *(f"site{n:02}.example.com" for n in range(NUMBER)))
    file = write_file(harness)
    assert harness.run("apply", str(file), "--yes").status == 0
    assert len(harness.server.requests) == 4 * NUMBER + 1
    plan = harness.run("plan", str(file))
    assert (plan.status, plan.out) == (0, f"{NUMBER} tenants: {NUMBER} unchanged\n")
    assert harness.server.requests == [
        "iam:GetAccountAuthorizationDetails",
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
    ]


@pytest.mark.rare
def test_a_throttled_apply_loses_nothing(harness: Harness) -> None:
    harness.reset("file", *(f"site{n:02}.example.com" for n in range(NUMBER)))
    run = harness.run(
        "apply", str(write_file(harness)), "--yes", throttle=Throttle(after=4, refusals=9)
    )
    assert len(harness.server.throttled) == 9
    assert (run.status, harness.problems) == (0, []), run.err
