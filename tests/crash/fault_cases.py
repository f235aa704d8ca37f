"""A scenario under one fault, and whether everything held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.crash.client import Interpreters, Run
from tests.crash.fault_server import Fault, Mode
from tests.crash.harness import Harness, Moment
from tests.crash.scenarios import SHOP, WALK, After, Scenario

_RUNS = 4
_ONE_ATTEMPT = {"AWS_MAX_ATTEMPTS": "1"}
_QUIET = ("nothing to change", ", 0 changed, 0 failed")
_CLEAN = (0, 1, 3, 130)
CRASHES = (Mode.BEFORE, Mode.LOST, Mode.AFTER)
# What a second attempt puts right, and what may have been carried out already.
_REFUSED = (Mode.ERROR, Mode.RESET)
_UNKNOWN = (Mode.ERROR_AFTER, Mode.RESET_AFTER, Mode.CUT, Mode.PAGE_AFTER)
# What no attempt puts right.
_LASTING = (Mode.OUTAGE, Mode.EXPIRED, Mode.PAGE, Mode.CTRL_C)
_READS = ("Get", "List", "Generate")


@dataclass(frozen=True)
class FaultCase:
    """One fault: at request `number`, or before what the client does on its machine as `number`.

    `retried`: with the default number of attempts, else with one. `plain`: a new interpreter.
    """

    scenario: Scenario
    at: str
    number: int
    mode: Mode | None = None
    retried: bool = False
    plain: bool = False

    @property
    def name(self) -> str:
        how = self.mode.value if self.mode else "killed-before"
        more = (", retried" if self.retried else "") + (", plain" if self.plain else "")
        return f"{self.scenario.name}: {how} {self.number} {self.at}{more}"


@dataclass(frozen=True)
class Baseline:
    """The scenario undisturbed: where it starts, what it does, where it leads."""

    start: Moment
    requests: Sequence[str]
    events: Sequence[str]
    once: object
    settled: object
    seen: dict[str, list[str]] = field(default_factory=dict)


def baseline(harness: Harness, scenario: Scenario) -> Baseline:
    """Prepare a scenario and run it undisturbed to its end."""
    harness.reset(scenario.kind, *scenario.names)
    scenario.prepare(harness)
    start = harness.moment()
    harness.return_to(start)
    harness.watch = scenario.watch
    run = harness.run(*_argv(harness, scenario))
    if run.status != 0:
        harness.problems.append(f"undisturbed, {run.argv} ends with {run.status}: {run.err}")
    requests, once = list(harness.server.requests), harness.state()
    harness.check_settled()
    _settle(harness, scenario)
    if harness.problems:
        raise AssertionError(f"{scenario.name}, undisturbed: {'; '.join(harness.problems)}")
    return Baseline(start, requests, run.events, once, harness.state())


def crash_cases(scenario: Scenario, base: Baseline) -> Iterator[FaultCase]:
    """Return a case for every moment at which the client can be killed."""
    for number, action in enumerate(base.requests, start=1):
        for mode in CRASHES:
            yield FaultCase(scenario, action, number, mode)
    if len(scenario.names) == 1:
        for number, event in enumerate(base.events, start=1):
            yield FaultCase(scenario, event, number)


def failure_cases(scenario: Scenario, base: Baseline) -> Iterator[FaultCase]:
    """Return a case for every way in which a request can fail.

    With the default number of attempts, and with one; a read carried out is as one that is not.
    """
    for number, action in enumerate(base.requests, start=1):
        for mode in _LASTING:
            yield FaultCase(scenario, action, number, mode)
        for mode in _REFUSED:
            yield FaultCase(scenario, action, number, mode, retried=True)
        if not action.partition(":")[2].startswith(_READS):
            for mode in _UNKNOWN:
                yield FaultCase(scenario, action, number, mode, retried=True)
            yield FaultCase(scenario, action, number, Mode.ERROR)
            yield FaultCase(scenario, action, number, Mode.RESET_AFTER)


def plain_cases(scenario: Scenario, base: Baseline) -> Iterator[FaultCase]:
    """Return crash cases in which each client is a new interpreter."""
    for number, action in enumerate(base.requests, start=1):
        yield FaultCase(scenario, action, number, Mode.LOST, plain=True)


def run_case(
    harness: Harness, case: FaultCase, base: Baseline, *, thorough: bool = True
) -> list[str]:
    """Run a case; return what did not hold.

    Unless `thorough`, a state that another case has left before is not gone on from again.
    """
    scenario = case.scenario
    harness.return_to(base.start)
    harness.watch = scenario.watch
    harness.clients = Interpreters() if case.plain else None
    argv = _argv(harness, scenario)
    crash = case.mode is None or case.mode.kills
    fault = Fault(case.mode, case.number) if case.mode else None
    harness.hurry = not crash
    try:
        run = harness.run(
            *argv,
            fault=fault,
            die_at=0 if case.mode else case.number,
            environ=None if crash or case.retried else _ONE_ATTEMPT,
        )
        _check_end(harness, case, run, crash=crash)
        left = f"{case.plain} {harness.fingerprint()}"
        before = list(harness.problems)
        if not thorough and left in base.seen:
            harness.problems += base.seen[left]
        else:
            _go_on(harness, scenario, base)
            base.seen[left] = harness.problems[len(before) :]
    finally:
        harness.clients, harness.hurry = None, False
    return list(dict.fromkeys(harness.problems))


def _go_on(harness: Harness, scenario: Scenario, base: Baseline) -> None:
    """Run the command again, and on until nothing is to do."""
    repeated = harness.run(*_argv(harness, scenario))
    _check_clean(harness, repeated)
    harness.check_settled()
    if scenario.stable and harness.state() != base.once:
        harness.problems.append(f"run again, it leaves {_difference(harness.state(), base.once)}")
    _settle(harness, scenario)
    if harness.state() != base.settled:
        harness.problems.append(f"in the end there is {_difference(harness.state(), base.settled)}")


def _argv(harness: Harness, scenario: Scenario) -> list[str]:
    given: list[str] = []
    for arg in scenario.argv:
        given += harness.sites[0].to if arg == "{to}" else [arg]
    return given


def _check_end(harness: Harness, case: FaultCase, run: Run, *, crash: bool) -> None:
    """Check how the disturbed run ended."""
    if crash:
        if run.status != -9 and not (case.mode is Mode.AFTER and run.status == 0):
            harness.problems.append(f"it was to be killed, and ended with {run.status}: {run.err}")
        return
    _check_clean(harness, run)
    hit = harness.server.requests[case.number - 1 : case.number]  # workers come in any order
    again = case.retried and case.mode in _REFUSED and hit != ["iam:CreateAccessKey"]
    if again and run.status != 0:
        harness.problems.append(f"in spite of attempts, it ended with {run.status}: {run.err}")


def _check_clean(harness: Harness, run: Run) -> None:
    if run.status not in _CLEAN or (
        run.status not in (0, 130) and "Error:" not in run.err and '"errors": [\n' not in run.out
    ):
        harness.problems.append(f"{' '.join(run.argv)} ended with {run.status}: {run.err[-300:]}")


def _settle(harness: Harness, scenario: Scenario) -> None:
    """Go on until nothing is to do; the first runs of the scenario have been."""
    match scenario.after:
        case After.SHOWN:
            _operate(harness)
        case After.WALK:
            until_quiet(harness, *WALK)
        case After.REPEAT:
            until_quiet(harness, *_argv(harness, scenario))


def until_quiet(harness: Harness, *argv: str) -> None:
    """Run a command until it says that nothing is to do."""
    run = None
    for _ in range(_RUNS):
        run = harness.run(*argv)
        _check_clean(harness, run)
        harness.check_settled()
        gone = argv[0] == "delete" and "Error: There is no tenant" in run.err
        if gone or any(words in run.err for words in _QUIET):
            return
    harness.problems.append(f"{argv} does not come to rest: {run.err[-300:] if run else ''}")


def _operate(harness: Harness) -> None:
    """Do what an operator does who knows which keys stdout has shown."""
    site = harness.sites[0]
    now = ("--yes", "--no-verify", "--grace", "0s", "--quarantine", "0s")
    for _ in range(_RUNS + 2):
        keys = harness.account.keys(site.user_name)
        active = [key for key, status in keys.items() if status == "Active"]
        last = harness.printed[-1] if harness.printed else None
        if len(keys) == 1 and active == [last]:
            return
        if len(active) == 2:
            # The newer is shown: the site has it. Or it was lost: drop it.
            option = ("--finish",) if active[-1] == last else ("--abort",)
            run = harness.run("rotate-keys", SHOP, *now, *option)
        else:
            run = harness.run("rotate-keys", SHOP, *now)
        _check_clean(harness, run)
        harness.check_settled()
    harness.problems.append(f"an operator cannot settle it: {harness.account.keys(site.user_name)}")


def _difference(found: object, expected: object) -> str:
    """Return what differs between two states, in few words."""
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        parts = [_difference(f, e) for f, e in zip(found, expected, strict=True) if f != e]
        return "; ".join(parts)
    if isinstance(found, dict) and isinstance(expected, dict):
        parts = [
            f"{key}: {_difference(found.get(key), expected.get(key))}"
            for key in sorted(found.keys() | expected.keys())
            if found.get(key) != expected.get(key)
        ]
        return ", ".join(parts)
    return f"{found} instead of {expected}"
