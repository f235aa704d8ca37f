# ruff: noqa: T201 - a report on stdout is what this is for
"""Run the whole crash matrix: `python -m tests.crash.matrix`.

Ends with status 1 if a cell did not hold; the last line counts the cells.
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

from tests.crash.cells import (
    Baseline,
    Cell,
    baseline,
    crash_cells,
    failure_cells,
    plain_cells,
    run_cell,
)
from tests.crash.lab import lab
from tests.crash.scenarios import Scenario, all_scenarios

_PLAIN = {"create file", "issue-due file", "issue-due ssm", "suspend-overlap file"}


@dataclass(frozen=True)
class Result:
    """What became of one scenario: its cells, and what did not hold in which."""

    scenario: str
    cells: int
    failed: dict[str, list[str]]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cells; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only scenarios with one of these in their name")
    parser.add_argument("--crashes", action="store_true", help="only cells that kill")
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
            run, held = run + result.cells, held + result.cells - len(result.failed)
            print(f"{result.scenario}: {result.cells} cells, {result.seconds:.0f} s", flush=True)
            for cell, problems in result.failed.items():
                print(f"  FAILED {cell}")
                for problem in problems:
                    print(f"    {' '.join(problem.split())[:400]}", flush=True)
    print(f"cells run {run}, cells held {held} ({time.monotonic() - started:.0f} s)")
    return 0 if run == held else 1


def run_scenario(name: str, *, crashes: bool, thorough: bool) -> Result:
    """Run every cell of the scenario of that name."""
    scenario = next(s for s in all_scenarios() if s.name == name)
    started = time.monotonic()
    failed: dict[str, list[str]] = {}
    count = 0
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as bench:
        try:
            base = baseline(bench, scenario)
        except AssertionError as error:
            return Result(name, 1, {name: [str(error)]}, time.monotonic() - started)
        for cell in _cells(scenario, base, crashes=crashes):
            count += 1
            problems = run_cell(bench, cell, base, thorough=thorough)
            if problems:
                failed[cell.name] = problems
    return Result(name, count, failed, time.monotonic() - started)


def _cells(scenario: Scenario, base: Baseline, *, crashes: bool) -> Iterator[Cell]:
    yield from crash_cells(scenario, base)
    if scenario.name in _PLAIN:
        yield from plain_cells(scenario, base)
    if not crashes:
        yield from failure_cells(scenario, base)


if __name__ == "__main__":
    sys.exit(main())
