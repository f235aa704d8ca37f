"""A cell of the matrix: a scenario under one fault, and whether everything held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.crash.client import Interpreters, Run
from tests.crash.fault_server import Fault, Mode
from tests.crash.lab import Lab, Moment
from tests.crash.scenarios import SHOP, WALK, After, Scenario

_RUNS = 4
_ONE_ATTEMPT = {"AWS_MAX_ATTEMPTS": "1"}
_QUIET = ("nothing to change", ", 0 changed, 0 failed")
_CLEAN = (0, 1, 3)
CRASHES = (Mode.BEFORE, Mode.LOST, Mode.AFTER)
# What a second attempt puts right, and what may have been carried out already.
_REFUSED = (Mode.ERROR, Mode.RESET)
_UNKNOWN = (Mode.ERROR_AFTER, Mode.RESET_AFTER)
_READS = ("Get", "List", "Generate")


@dataclass(frozen=True)
class Cell:
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


def baseline(lab: Lab, scenario: Scenario) -> Baseline:
    """Prepare a scenario and run it undisturbed to its end."""
    lab.reset(scenario.kind, *scenario.names)
    scenario.prepare(lab)
    start = lab.moment()
    lab.return_to(start)
    lab.watch = scenario.watch
    run = lab.run(*_argv(lab, scenario))
    if run.status != 0:
        lab.problems.append(f"undisturbed, {run.argv} ends with {run.status}: {run.err}")
    requests, once = list(lab.server.requests), lab.state()
    lab.check_settled()
    _settle(lab, scenario)
    if lab.problems:
        raise AssertionError(f"{scenario.name}, undisturbed: {'; '.join(lab.problems)}")
    return Baseline(start, requests, run.events, once, lab.state())


def crash_cells(scenario: Scenario, base: Baseline) -> Iterator[Cell]:
    """Return a cell for every moment at which the client can be killed."""
    for number, action in enumerate(base.requests, start=1):
        for mode in CRASHES:
            yield Cell(scenario, action, number, mode)
    if len(scenario.names) == 1:
        for number, event in enumerate(base.events, start=1):
            yield Cell(scenario, event, number)


def failure_cells(scenario: Scenario, base: Baseline) -> Iterator[Cell]:
    """Return a cell for every way in which a request can fail.

    With the default number of attempts, and with one; a read carried out is as one that is not.
    """
    for number, action in enumerate(base.requests, start=1):
        yield Cell(scenario, action, number, Mode.OUTAGE)
        for mode in _REFUSED:
            yield Cell(scenario, action, number, mode, retried=True)
        if not action.partition(":")[2].startswith(_READS):
            for mode in _UNKNOWN:
                yield Cell(scenario, action, number, mode, retried=True)
            yield Cell(scenario, action, number, Mode.ERROR)
            yield Cell(scenario, action, number, Mode.RESET_AFTER)


def plain_cells(scenario: Scenario, base: Baseline) -> Iterator[Cell]:
    """Return crash cells in which each client is a new interpreter."""
    for number, action in enumerate(base.requests, start=1):
        yield Cell(scenario, action, number, Mode.LOST, plain=True)


def run_cell(lab: Lab, cell: Cell, base: Baseline, *, thorough: bool = True) -> list[str]:
    """Run a cell; return what did not hold.

    Unless `thorough`, a state that another cell has left before is not gone on from again.
    """
    scenario = cell.scenario
    lab.return_to(base.start)
    lab.watch = scenario.watch
    lab.clients = Interpreters() if cell.plain else None
    argv = _argv(lab, scenario)
    crash = cell.mode is None or cell.mode.kills
    fault = Fault(cell.mode, cell.number) if cell.mode else None
    lab.hurry = not crash
    try:
        run = lab.run(
            *argv,
            fault=fault,
            die_at=0 if cell.mode else cell.number,
            environ=None if crash or cell.retried else _ONE_ATTEMPT,
        )
        _check_end(lab, cell, run, crash=crash)
        left = f"{cell.plain} {lab.fingerprint()}"
        before = list(lab.problems)
        if not thorough and left in base.seen:
            lab.problems += base.seen[left]
        else:
            _go_on(lab, scenario, base)
            base.seen[left] = lab.problems[len(before) :]
    finally:
        lab.clients, lab.hurry = None, False
    return list(dict.fromkeys(lab.problems))


def _go_on(lab: Lab, scenario: Scenario, base: Baseline) -> None:
    """Run the command again, and on until nothing is to do."""
    repeated = lab.run(*_argv(lab, scenario))
    _check_clean(lab, repeated)
    lab.check_settled()
    if scenario.stable and lab.state() != base.once:
        lab.problems.append(f"run again, it leaves {_difference(lab.state(), base.once)}")
    _settle(lab, scenario)
    if lab.state() != base.settled:
        lab.problems.append(f"in the end there is {_difference(lab.state(), base.settled)}")


def _argv(lab: Lab, scenario: Scenario) -> list[str]:
    given: list[str] = []
    for arg in scenario.argv:
        given += lab.sites[0].to if arg == "{to}" else [arg]
    return given


def _check_end(lab: Lab, cell: Cell, run: Run, *, crash: bool) -> None:
    """Check how the disturbed run ended."""
    if crash:
        if run.status != -9 and not (cell.mode is Mode.AFTER and run.status == 0):
            lab.problems.append(f"it was to be killed, and ended with {run.status}: {run.err}")
        return
    _check_clean(lab, run)
    hit = lab.server.requests[cell.number - 1 : cell.number]  # workers come in any order
    again = cell.retried and cell.mode in _REFUSED and hit != ["iam:CreateAccessKey"]
    if again and run.status != 0:
        lab.problems.append(f"in spite of attempts, it ended with {run.status}: {run.err}")


def _check_clean(lab: Lab, run: Run) -> None:
    if run.status not in _CLEAN or (run.status != 0 and "Error:" not in run.err):
        lab.problems.append(f"{' '.join(run.argv)} ended with {run.status}: {run.err[-300:]}")


def _settle(lab: Lab, scenario: Scenario) -> None:
    """Go on until nothing is to do; the first runs of the scenario have been."""
    match scenario.after:
        case After.SHOWN:
            _operate(lab)
        case After.WALK:
            until_quiet(lab, *WALK)
        case After.REPEAT:
            until_quiet(lab, *_argv(lab, scenario))


def until_quiet(lab: Lab, *argv: str) -> None:
    """Run a command until it says that nothing is to do."""
    run = None
    for _ in range(_RUNS):
        run = lab.run(*argv)
        _check_clean(lab, run)
        lab.check_settled()
        gone = argv[0] == "delete" and "Error: There is no tenant" in run.err
        if gone or any(words in run.err for words in _QUIET):
            return
    lab.problems.append(f"{argv} does not come to rest: {run.err[-300:] if run else ''}")


def _operate(lab: Lab) -> None:
    """Do what an operator does who knows which keys stdout has shown."""
    site = lab.sites[0]
    now = ("--yes", "--no-verify", "--grace", "0s", "--quarantine", "0s")
    for _ in range(_RUNS + 2):
        keys = lab.account.keys(site.user_name)
        active = [key for key, status in keys.items() if status == "Active"]
        last = lab.printed[-1] if lab.printed else None
        if len(keys) == 1 and active == [last]:
            return
        if len(active) == 2:
            # The newer is shown: the site has it. Or it was lost: drop it.
            option = ("--finish",) if active[-1] == last else ("--abort",)
            run = lab.run("rotate-keys", SHOP, *now, *option)
        else:
            run = lab.run("rotate-keys", SHOP, *now)
        _check_clean(lab, run)
        lab.check_settled()
    lab.problems.append(f"an operator cannot settle it: {lab.account.keys(site.user_name)}")


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
