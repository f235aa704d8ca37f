"""Two operators at once, or cron beside a person: every order of their calls that can be drawn."""

import os
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import Mode
from ses_tenant.core.tenant.notes import Process
from tests.examples import examples
from tests.operations.simulated_tenant import DEAD, SimulatedTenant

DAY = timedelta(days=1)
ALIVE = Process("this-host", os.getpid())


class Turns:
    """Lets threads make one call at a time, in an order that is given: True is the second's turn.

    When the order is used up, they take turns as they come.
    """

    def __init__(self, order: Sequence[bool]) -> None:
        self._order = list(order)
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._finished: set[int] = set()
        self._goes: int | None = None
        self._names = threading.local()

    def wait(self) -> None:
        """Called before each call of a run; returns when it is this run's turn."""
        name = getattr(self._names, "name", None)
        if name is None:
            return
        with self._changed:
            self._waiting.add(name)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._goes == name)
            self._goes = None

    def run(self, first: Callable[[], object], second: Callable[[], object]) -> None:
        """Run both to their end."""
        threads = [
            threading.Thread(target=self._body, args=(name, run), daemon=True)
            for name, run in enumerate((first, second))
        ]
        for thread in threads:
            thread.start()
        while len(self._finished) < len(threads):
            with self._changed:
                self._changed.wait_for(self._all_wait, timeout=20)
                assert self._all_wait(), "a run hangs"
                if self._waiting:
                    wanted = int(self._order.pop(0)) if self._order else min(self._waiting)
                    name = wanted if wanted in self._waiting else min(self._waiting)
                    self._waiting.discard(name)
                    self._goes = name
                    self._changed.notify_all()

    def _all_wait(self) -> bool:
        return self._goes is None and len(self._waiting | self._finished) == 2

    def _body(self, name: int, run: Callable[[], object]) -> None:
        self._names.name = name
        try:
            run()
        finally:
            with self._changed:
                self._finished.add(name)
                self._changed.notify_all()


def fresh() -> SimulatedTenant:
    return SimulatedTenant()


def steady() -> SimulatedTenant:
    tenant = SimulatedTenant()
    tenant.create()
    tenant.clock.advance(100 * DAY)
    return tenant


def steady_to_somewhere_else() -> SimulatedTenant:
    """A tenant whose key went elsewhere, and whose new destination is still empty."""
    tenant = steady()
    tenant.destination.held = None
    tag = "ses-tenant:delivered"
    tags = next(iter(tenant.iam.users.values())).tags
    tags[tag] = f"{tags[tag]}+elsewhere"
    return tenant


def without_key() -> SimulatedTenant:
    tenant = steady()
    next(iter(tenant.iam.users.values())).keys.clear()
    tenant.destination.held = None
    return tenant


def orphaned() -> SimulatedTenant:
    """A run was killed between issuing a key and delivering it."""
    tenant = steady()
    tenant.me = DEAD
    # GetAccountAuthorizationDetails, ListAccessKeys, read, check, note, CreateAccessKey.
    assert tenant.crash("rotate", 6, "lost")
    assert len(tenant.never_delivered()) == 1
    return tenant


def overlapping() -> SimulatedTenant:
    tenant = steady()
    tenant.rotate()
    tenant.clock.advance(2 * DAY)
    return tenant


def retiring() -> SimulatedTenant:
    tenant = overlapping()
    tenant.rotate()
    tenant.clock.advance(8 * DAY)
    assert sorted(tenant.keys.values()) == ["Active", "Inactive"]
    return tenant


STATES = (
    *(fresh, steady, steady_to_somewhere_else, without_key),
    *(orphaned, overlapping, retiring),
)
RUNS: dict[str, Callable[[SimulatedTenant], object]] = {
    "create": SimulatedTenant.create,
    "rotate": SimulatedTenant.rotate,
    "cron": lambda tenant: tenant.rotate(named=False),
    "abort": lambda tenant: tenant.rotate(Mode.ABORT),
    "rollback": lambda tenant: tenant.rotate(Mode.ROLLBACK),
    "suspend": SimulatedTenant.suspend,
}


def may_refuse(run: Callable[[SimulatedTenant], object], tenant: SimulatedTenant) -> None:
    try:
        run(tenant)
    except SesTenantError as error:
        assert error.code is not ErrorCode.INTERNAL


@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
@examples()
@given(
    first=st.sampled_from(sorted(RUNS)),
    second=st.sampled_from(sorted(RUNS)),
    order=st.lists(st.booleans(), max_size=30),
)
def test_nothing_is_lost(
    state: Callable[[], SimulatedTenant], first: str, second: str, order: list[bool]
) -> None:
    tenant = state()
    tenant.me = ALIVE
    turns = Turns(order)
    broken: list[str] = []

    def look() -> None:
        turns.wait()
        held = tenant.destination.key
        if held and not tenant.suspended and tenant.keys.get(held) != "Active":
            broken.append(f"{held} is held and {tenant.keys.get(held)}")
        if len(tenant.keys) > 2:
            broken.append(f"{len(tenant.keys)} keys")

    tenant.iam.turn = look
    turns.run(lambda: may_refuse(RUNS[first], tenant), lambda: may_refuse(RUNS[second], tenant))
    tenant.iam.turn = lambda: None
    assert broken == []
    suspended = tenant.suspended
    assert suspended == ("suspend" in (first, second)) or state is fresh
    if not tenant.exists:
        return
    # Afterwards, with nobody else about, cron brings all to rest.
    if suspended:
        tenant.resume()
    held = tenant.destination.key
    assert held is None or tenant.keys[held] == "Active"
    for _ in range(14):
        tenant.clock.advance(2 * DAY)
        may_refuse(RUNS["cron"], tenant)
        if tenant.keys == {tenant.destination.key: "Active"}:
            return
    raise AssertionError(f"{tenant.keys}, held: {tenant.destination.key}")


def test_turns_really_interleave() -> None:
    """Of two runs that both see one key, one gets the second key and the other is refused."""
    tenant = steady()
    tenant.me = ALIVE
    turns = Turns([False, True] * 20)
    tenant.iam.turn = turns.wait
    outcomes: list[str] = []

    def rotate() -> None:
        try:
            tenant.rotate()
            outcomes.append("issued")
        except SesTenantError as error:
            outcomes.append(error.code.value)

    turns.run(rotate, rotate)
    assert sorted(outcomes) == ["access_key_limit", "issued"]
    assert list(tenant.keys.values()) == ["Active", "Active"]
