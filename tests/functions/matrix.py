# ruff: noqa: T201 - a report on stdout is what this is for
"""Every place where a rotation can die or lose an answer, and who comes next.

python -m tests.functions.matrix   runs all cells; the test suite runs a sample
"""

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from ses_tenant.core.errors import ErrorCode, SesTenantError
from tests.fakes.iam import Crash
from tests.functions.lab import STEPS, Lab, lab

WRITES = ("TagUser", "CreateAccessKey", "PutSecretValue", "UpdateSecretVersionStage")
WHENS = ("before", "after", "lost")
THENS = ("again", "again later", "rotate-keys", "rotate-keys later")
_LEASE = timedelta(minutes=16)


@dataclass(frozen=True)
class Cell:
    """Something happens at the call of that number, counted from 1; then somebody goes on.

    `before` and `after` it the process dies; `lost` is an answer that does not come.
    """

    number: int
    when: str
    then: str


@cache
def baseline() -> tuple[str, ...]:
    """Return the calls of a rotation to which nothing happens."""
    with lab() as there:
        there.rotate()
        return tuple(there.calls)


def run_cell(cell: Cell) -> None:
    """Raise AssertionError if the site is left with a dead key at any time, or a key is left over.

    What the site reads, and what it read before, stays Active until grace and quarantine are over.
    """
    with lab() as there:
        old, token = there.held, there.begin()
        _watch(there, old)
        there.crash_at(cell.number, cell.when)
        done = _drive(there, token)
        assert len(there.calls) >= cell.number
        there.well()
        if "later" in cell.then:
            there.clock.advance(_LEASE)
        if "rotate-keys" in cell.then:
            there.rotate_keys(named=True)
        # Secrets Manager tries the same version again, and once that is over, another.
        for _ in range(3):
            done = done or _drive(there, token)
            if not done and ["AWSPENDING"] not in there.stages:
                token = there.begin()
            if not done:
                there.clock.advance(_LEASE)
        _settle(there)
        assert there.keys == {there.held: "Active"}
        assert there.held != old


def _watch(there: Lab, old: str) -> None:
    def check(name: str, _n: int) -> None:
        assert there.keys.get(there.held) == "Active", name
        assert there.keys.get(old) == "Active", name
        assert len(there.keys) <= 2, name

    there.watch = check


def _drive(there: Lab, token: str) -> bool:
    """Run the steps, and tell whether the rotation is over."""
    for step in STEPS:
        try:
            there.step(step, token)
        except (Crash, SesTenantError):
            return False
    return True


def _settle(there: Lab) -> None:
    """Let `rotate-keys` run until there is nothing left to retire."""
    there.watch = lambda _name, _n: None
    for days in (2, 8, 2, 8):
        there.clock.advance(timedelta(days=days))
        turn = there.rotate_keys()
        assert turn.error is None or turn.error.code is ErrorCode.PARTIAL_FAILURE, turn.error
        assert there.keys[there.held] == "Active"


def main() -> int:
    """Run every cell, and return the exit status."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    cells = [
        Cell(number, when, then)
        for number in range(1, len(baseline()) + 1)
        for when in WHENS
        for then in THENS
    ]
    failed = 0
    for cell in cells:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                run_cell(cell)
        except AssertionError as error:
            failed += 1
            print(f"FAILED {cell}: {error}")
    print(f"cells run {len(cells)}, cells held {len(cells) - failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
