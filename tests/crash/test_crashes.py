"""A sample of the faults; `python -m tests.crash.all_faults` runs all of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.crash.fault_cases import FaultCase, baseline, run_case
from tests.crash.fault_server import Mode
from tests.crash.harness import Harness
from tests.crash.scenarios import KINDS, Scenario, all_scenarios

_SCENARIOS = {scenario.name: scenario for scenario in all_scenarios()}

# What happens at the last occurrence of a request in a run of a scenario. Run each time: each verb
# that writes, each destination, and each way in which a client dies. What is rare adds each way to
# lose an answer, and other moments. tests/aws/test_iam_wire.py has more of what was refused.
_REQUESTS = [
    ("create secretsmanager", "secretsmanager:CreateSecret", Mode.BEFORE),
    ("issue file", "iam:CreateAccessKey", Mode.LOST),
    ("issue-due ssm", "ssm:PutParameter", Mode.OUTAGE),
    ("issue-due command", "iam:TagUser", Mode.AFTER),
    ("issue-json stdout", "sts:GetCallerIdentity", Mode.CTRL_C),
    ("suspend-overlap file", "iam:PutUserPolicy", Mode.LOST),
    ("resume-overlap file", "iam:UpdateAccessKey", Mode.RESET_AFTER),
    ("delete-overlap file", "iam:DeleteAccessKey", Mode.LOST),
]
_RARE_REQUESTS = [
    ("create stdout", "iam:CreateAccessKey", Mode.LOST),
    ("create-orphan ssm", "iam:DeleteAccessKey", Mode.LOST),
    ("issue-due ssm", "ssm:GetParameter", Mode.CUT),
    ("issue-due ssm", "ssm:PutParameter", Mode.PAGE),
    ("issue-due secretsmanager", "secretsmanager:PutSecretValue", Mode.PAGE_AFTER),
    ("issue-due command", "iam:TagUser", Mode.EXPIRED),
    ("deactivate-due file", "iam:UpdateAccessKey", Mode.LOST),
    ("deactivate-due ssm", "iam:UpdateAccessKey", Mode.ERROR_AFTER),
    ("compromised-steady file", "iam:UpdateAccessKey", Mode.BEFORE),
    ("create file", "iam:CreateAccessKey", Mode.LOST),
    ("create command", "iam:TagUser", Mode.BEFORE),
    ("create ssm", "iam:PutUserPolicy", Mode.ERROR),
    ("issue stdout", "iam:CreateAccessKey", Mode.LOST),
    ("issue-due file", "iam:TagUser", Mode.RESET),
    ("issue-due secretsmanager", "secretsmanager:PutSecretValue", Mode.RESET_AFTER),
    ("issue-verified ssm", "sts:GetCallerIdentity", Mode.BEFORE),
    ("suspend-overlap stdout", "iam:UpdateAccessKey", Mode.BEFORE),
    ("fleet-suspend file", "iam:UpdateAccessKey", Mode.BEFORE),
]

# Scenario, and what the client is about to do on its own machine.
_EVENTS = [("issue-due file", "os.rename")]
_RARE_EVENTS = [("create file", "fsync"), ("create command", "subprocess.Popen")]


def _and_rare(cases: Sequence[tuple[object, ...]], rare: Sequence[tuple[object, ...]]) -> list[Any]:
    return [*cases, *(pytest.param(*case, marks=pytest.mark.rare) for case in rare)]


@pytest.mark.parametrize(("name", "action", "mode"), _and_rare(_REQUESTS, _RARE_REQUESTS))
def test_a_run_that_fails_at_a_request_is_finished_by_the_next(
    harness: Harness, name: str, action: str, mode: Mode
) -> None:
    scenario = _SCENARIOS[name]
    base = baseline(harness, scenario)
    assert (
        run_case(harness, FaultCase(scenario, action, _last(base.requests, action), mode), base)
        == []
    )


@pytest.mark.parametrize(("name", "event"), _and_rare(_EVENTS, _RARE_EVENTS))
def test_a_run_that_is_killed_while_it_delivers_is_finished_by_the_next(
    harness: Harness, name: str, event: str
) -> None:
    scenario = _SCENARIOS[name]
    base = baseline(harness, scenario)
    first = 1 + list(base.events).index(event)
    assert run_case(harness, FaultCase(scenario, event, first), base) == []


@pytest.mark.rare
def test_an_interpreter_of_its_own_is_killed_alike(harness: Harness) -> None:
    scenario = _SCENARIOS["create file"]
    base = baseline(harness, scenario)
    number = _last(base.requests, "iam:CreateAccessKey")
    case = FaultCase(scenario, "iam:CreateAccessKey", number, Mode.LOST, plain=True)
    assert run_case(harness, case, base) == []


def test_the_sample_has_each_verb_destination_and_way_to_fail() -> None:
    sample = [_SCENARIOS[name] for name, *_ in [*_REQUESTS, *_EVENTS]]
    assert {s.argv[0] for s in sample} == {s.argv[0] for s in _SCENARIOS.values()}
    assert {s.kind for s in sample} == set(KINDS)
    assert {mode for _, _, mode in _REQUESTS} >= {mode for mode in Mode if mode.kills}
    assert {mode for _, _, mode in [*_REQUESTS, *_RARE_REQUESTS]} == set(Mode)


def test_scenarios_have_names_of_their_own() -> None:
    every: list[Scenario] = all_scenarios()
    assert len(_SCENARIOS) == len(every)


def _last(done: object, what: str) -> int:
    found = list(done) if isinstance(done, list | tuple) else []
    return len(found) - found[::-1].index(what)
