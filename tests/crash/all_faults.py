# ruff: noqa: T201 - a report on stdout is what this is for
"""Run every scenario under every fault: `python -m tests.crash.all_faults`.

Ends with status 1 if a case did not hold; the last line counts the cases.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.crash.fault_cases import (
    Baseline,
    FaultCase,
    baseline,
    crash_cases,
    failure_cases,
    plain_cases,
    run_case,
)
from tests.crash.harness import open_harness
from tests.crash.scenarios import Scenario, all_scenarios

_PLAIN = {"create file", "issue-due file", "issue-due ssm", "suspend-overlap file"}


@dataclass(frozen=True)
class Result:
    """What became of one scenario: its cases, and what did not hold in which."""

    scenario: str
    cases: int
    failed: dict[str, list[str]]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only scenarios with one of these in their name")
    parser.add_argument("--crashes", action="store_true", help="only cases that kill")
    parser.add_argument("--thorough", action="store_true", help="go on from every state each time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    names = [
        scenario.name
        for scenario in all_scenarios()
        if not options.words or any(word in scenario.name for word in options.words)
    ]
    started = time.monotonic()
    run = held = 0
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        ordered = [
            pool.submit(run_scenario, name, crashes=options.crashes, thorough=options.thorough)
            for name in names
        ]
        for future in as_completed(ordered):
            result = future.result()
            run, held = run + result.cases, held + result.cases - len(result.failed)
            print(f"{result.scenario}: {result.cases} cases, {result.seconds:.0f} s", flush=True)
            for case, problems in result.failed.items():
                print(f"  FAILED {case}")
                for problem in problems:
                    print(f"    {' '.join(problem.split())[:400]}", flush=True)
    print(f"cases run {run}, cases held {held} ({time.monotonic() - started:.0f} s)")
    return 0 if run == held else 1


def run_scenario(name: str, *, crashes: bool, thorough: bool) -> Result:
    """Run every case of the scenario of that name."""
    scenario = next(s for s in all_scenarios() if s.name == name)
    started = time.monotonic()
    failed: dict[str, list[str]] = {}
    count = 0
    with tempfile.TemporaryDirectory() as folder, open_harness(Path(folder)) as harness:
        try:
            base = baseline(harness, scenario)
        except AssertionError as error:
            return Result(name, 1, {name: [str(error)]}, time.monotonic() - started)
        for case in _cases(scenario, base, crashes=crashes):
            count += 1
            problems = run_case(harness, case, base, thorough=thorough)
            if problems:
                failed[case.name] = problems
    return Result(name, count, failed, time.monotonic() - started)


def _cases(scenario: Scenario, base: Baseline, *, crashes: bool) -> Iterator[FaultCase]:
    yield from crash_cases(scenario, base)
    if scenario.name in _PLAIN:
        yield from plain_cases(scenario, base)
    if not crashes:
        yield from failure_cases(scenario, base)


if __name__ == "__main__":
    sys.exit(main())
