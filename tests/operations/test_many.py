"""Many tenants and accounts: in order, some at a time, and a failure stops no other."""

import threading
from collections.abc import Callable

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.operations.many import Accounts, each_account, each_tenant, of_account
from tests.fakes.iam import FakeIam
from tests.fakes.runtime import fake_runtime

ERROR = SesTenantError(ErrorCode.NETWORK, "No way.", "Try again.")


def run(
    names: str, work: Callable[[str], str], workers: int = 2
) -> tuple[list[str], list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    results = each_tenant(
        names.split(),
        work,
        failed=lambda name, error: f"{name}: {error.code}",
        workers=workers,
        progress=lambda done, total: told.append((done, total)),
    )
    return results, told


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_results_stand_in_the_order_of_the_tenants(workers: int) -> None:
    """The first one ends last, where there is a second worker to overtake it."""
    first_may_end = threading.Event()

    def work(name: str) -> str:
        if name == "a" and workers > 1:
            assert first_may_end.wait(10)
        if name == "c":
            first_may_end.set()
        return name.upper()

    assert run("a b c", work, workers) == (["A", "B", "C"], [(1, 3), (2, 3), (3, 3)])


def test_no_more_are_worked_on_at_a_time_than_there_are_workers() -> None:
    lock, both = threading.Lock(), threading.Barrier(2)
    now: set[str] = set()
    most = 0

    def work(name: str) -> str:
        nonlocal most
        with lock:
            now.add(name)
            most = max(most, len(now))
        both.wait(10)
        with lock:
            now.remove(name)
        return name

    results, _ = run("a b c d e f", work, workers=2)
    assert results == ["a", "b", "c", "d", "e", "f"]
    assert most == 2


def test_a_failure_stops_only_its_own_tenant() -> None:
    def work(name: str) -> str:
        if name in "ac":
            raise ERROR
        return name

    results, told = run("a b c d", work)
    assert results == ["a: network", "b", "c: network", "d"]
    assert told[-1] == (4, 4)


def test_what_failed_may_decide_that_nothing_is_to_be_shown() -> None:
    def give_up(_name: str, error: SesTenantError) -> str:
        raise error

    def work(name: str) -> str:
        raise ERROR if name == "b" else KeyError(name)

    with pytest.raises(SesTenantError) as caught:
        each_tenant(["b"], work, failed=give_up, workers=1)
    assert caught.value is ERROR


def test_ctrl_c_begins_nothing_more_and_lets_what_has_begun_end() -> None:
    begun, ended = [], []
    may_end = threading.Event()

    def work(name: str) -> str:
        begun.append(name)
        if name != "first":
            assert may_end.wait(10)
        ended.append(name)
        return name

    def progress(_done: int, _total: int) -> None:
        threading.Timer(0.2, may_end.set).start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each_tenant(
            ["first", *(f"tenant {n}" for n in range(100))],
            work,
            failed=lambda name, _: name,
            workers=2,
            progress=progress,
        )
    assert sorted(begun) == sorted(ended)
    assert 2 <= len(begun) <= 3


def test_one_tenant_alone_is_worked_on_in_this_thread() -> None:
    """So that Ctrl-C reaches it, and waits for nobody."""
    results, _ = run("a", lambda _: threading.current_thread().name, workers=8)
    assert results == [threading.current_thread().name]


def test_no_tenants() -> None:
    assert run("", str.upper) == ([], [])


def test_an_account_that_fails_or_is_closed_stops_no_other() -> None:
    closed = SesTenantError(ErrorCode.NO_CREDENTIALS, "No profile.")
    iam = FakeIam()
    accounts: Accounts = {"a": fake_runtime(iam), "b": closed, "c": fake_runtime(iam)}

    def work(name: str | None, _runtime: object) -> str:
        if name == "c":
            raise ERROR
        return f"done in {name}"

    assert each_account(accounts, work) == ([("a", "done in a")], [("b", closed), ("c", ERROR)])


def test_a_failure_says_in_which_account_it_was_where_there_are_several() -> None:
    half = ERROR.after_steps(1, 2)
    named = of_account("agency", half)
    assert named.message == "Account agency: No way. (1 of 2 steps were done before.)"
    assert named.exit_status == 3
    assert of_account(None, half) is half
