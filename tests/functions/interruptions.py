# ruff: noqa: T201 - a report on stdout is what this is for
"""Every place where a rotation can die or lose an answer, and who comes next.

python -m tests.functions.interruptions   runs all of them; the test suite runs a sample
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
from tests.functions.rotated_account import STEPS, RotatedAccount, open_account

WRITES = ("TagUser", "CreateAccessKey", "PutSecretValue", "UpdateSecretVersionStage")
WHENS = ("before", "after", "lost")
THENS = ("again", "again later", "rotate-keys", "rotate-keys later")
_LEASE = timedelta(minutes=16)


@dataclass(frozen=True)
class Interruption:
    """Something happens at the call of that number, counted from 1; then somebody goes on.

    `before` and `after` it the process dies; `lost` is an answer that does not come.
    """

    number: int
    when: str
    then: str


@cache
@cache
def baseline() -> tuple[str, ...]:
    """Return the calls of a rotation to which nothing happens."""
    with open_account() as account:
        account.rotate()
        return tuple(account.calls)


def run_interrupted(interruption: Interruption) -> None:
    """Raise AssertionError if the site is left with a dead key at any time, or a key is left over.

    What the site reads, and what it read before, stays Active until grace and quarantine are over.
    """
    with open_account() as account:
        old, token = account.held, account.begin()
        _watch(account, old)
        account.crash_at(interruption.number, interruption.when)
        done = _drive(account, token)
        assert len(account.calls) >= interruption.number
        account.well()
        if "later" in interruption.then:
            account.clock.advance(_LEASE)
        if "rotate-keys" in interruption.then:
            account.rotate_keys(named=True)
        # Secrets Manager tries the same version again, and once that is over, another.
        for _ in range(3):
            done = done or _drive(account, token)
            if not done and ["AWSPENDING"] not in account.stages:
                token = account.begin()
            if not done:
                account.clock.advance(_LEASE)
        _settle(account)
        assert account.keys == {account.held: "Active"}
        assert account.held != old


def _watch(account: RotatedAccount, old: str) -> None:
    def check(name: str, _n: int) -> None:
        assert account.keys.get(account.held) == "Active", name
        assert account.keys.get(old) == "Active", name
        assert len(account.keys) <= 2, name

    account.watch = check


def _drive(account: RotatedAccount, token: str) -> bool:
    """Run the steps, and tell whether the rotation is over."""
    for step in STEPS:
        try:
            account.step(step, token)
        except (Crash, SesTenantError):
            return False
    return True


def _settle(account: RotatedAccount) -> None:
    """Let `rotate-keys` run until there is nothing left to retire."""
    account.watch = lambda _name, _n: None
    for days in (2, 8, 2, 8):
        account.clock.advance(timedelta(days=days))
        turn = account.rotate_keys()
        assert turn.error is None or turn.error.code is ErrorCode.PARTIAL_FAILURE, turn.error
        assert account.keys[account.held] == "Active"


def main() -> int:
    """Run every interruption, and return the exit status."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    interruptions = [
        Interruption(number, when, then)
        for number in range(1, len(baseline()) + 1)
        for when in WHENS
        for then in THENS
    ]
    failed = 0
    for interruption in interruptions:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                run_interrupted(interruption)
        except AssertionError as error:
            failed += 1
            print(f"FAILED {interruption}: {error}")
    print(
        f"interruptions run {len(interruptions)}, interruptions held {len(interruptions) - failed}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
