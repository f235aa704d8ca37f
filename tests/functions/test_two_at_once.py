"""Two invocations at once, one that is ended in the middle, and the one that comes after it."""

from contextlib import suppress
from datetime import timedelta

import pytest

from ses_tenant.core.errors import SesTenantError
from ses_tenant.functions import scheduled
from ses_tenant.functions.settings import rotation_options
from tests.fakes.iam import Crash
from tests.functions.rotated_account import RotatedAccount, open_account
from tests.functions.test_scheduled import Context

_LEASE = timedelta(minutes=16)
# Requests of a run that issues a key; that it is so many stands in a test.
CALLS = 9
STAGES = {"issue": (0,), "deactivate": (0, 2), "delete": (0, 2, 9)}


def invoke(account: RotatedAccount, request_id: str = "one") -> None:
    """Run what the schedule runs; what it refuses because another is at work is no matter."""
    with suppress(SesTenantError):
        scheduled.run(
            None, rotation_options({}, named=False), Context(request_id),
            lambda _, process: account.runtime(process),
        )  # fmt: skip


def at_stage(account: RotatedAccount, stage: str) -> None:
    """Make the key due, and let time pass until the next run does what the stage tells."""
    for key in account.user.access_keys:
        key.create_date -= timedelta(days=91)
    *before, last = STAGES[stage]
    for days in before:
        account.clock.advance(timedelta(days=days))
        invoke(account)
    account.clock.advance(timedelta(days=last))

    def check(name: str, _n: int) -> None:
        assert account.keys.get(account.held) == "Active", name
        assert len(account.keys) <= 2, name

    account.watch = check
    account.calls.clear()


def settle(account: RotatedAccount) -> None:
    """Run on, and see that nothing was lost and nothing is left over."""
    account.well()
    for _ in range(3):
        invoke(account, "later")
        account.clock.advance(_LEASE)
    for days in (2, 9, 2, 9):
        account.clock.advance(timedelta(days=days))
        invoke(account, "later")
    assert account.keys == {account.held: "Active"}
    document = account.document()
    assert document is not None
    assert document["secret_access_key"] in {
        key.secret_access_key for key in account.user.access_keys
    }


# A run that issues a key reads with its first five calls, and whoever meets or ends it before it
# writes has a fresh start. So each time the others are run, its writes; what is rare is every call
# of every stage, and every way to end.
_ALL = range(1, CALLS + 1)
_WRITES = range(6, CALLS + 1)


@pytest.mark.parametrize(
    ("stage", "calls", "meetings"),
    [
        ("issue", _WRITES, 2),
        *(pytest.param(stage, _ALL, 4, marks=pytest.mark.rare) for stage in STAGES),
    ],
    ids=str,
)
def test_two_invocations_that_meet_at_any_call(stage: str, calls: range, meetings: int) -> None:
    met = 0
    for number in calls:
        with open_account() as account:
            at_stage(account, stage)

            def second(
                _name: str, n: int, account: RotatedAccount = account, at: int = number
            ) -> None:
                if n == at:
                    account.well()
                    invoke(account, "two")

            account.before = second
            invoke(account)
            met += len(account.calls) > number
            settle(account)
    assert met >= meetings


@pytest.mark.parametrize(
    ("when", "then", "calls"),
    [
        ("after", "after the lease", _WRITES),
        ("lost", "at once", _WRITES),
        *(
            pytest.param(when, then, _ALL, marks=pytest.mark.rare)
            for when in ("before", "after", "lost")
            for then in ("at once", "after the lease")
        ),
    ],
    ids=str,
)
def test_an_invocation_that_is_ended_at_any_call_and_tried_again(
    when: str, then: str, calls: range
) -> None:
    for number in calls:
        with open_account() as account:
            at_stage(account, "issue")
            account.crash_at(number, when)
            with suppress(Crash):
                invoke(account)
            account.well()
            if then == "after the lease":
                account.clock.advance(_LEASE)
            invoke(account)  # Lambda tries the same request again, under the same ID
            settle(account)


def test_a_run_that_issues_a_key_takes_so_many_calls(account: RotatedAccount) -> None:
    at_stage(account, "issue")
    invoke(account)
    assert len(account.calls) == CALLS
