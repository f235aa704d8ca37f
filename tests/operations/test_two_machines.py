"""Two operators on different machines, whose clocks differ as much as AWS lets them.

A request is refused that was signed more than five minutes ago or ahead, so two machines that can
both work are ten minutes apart at most: less than the fifteen of the lease.
https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.tenant.notes import Process
from tests.fakes.iam import Clock
from tests.operations.simulated_tenant import SimulatedTenant

DAY = timedelta(days=1)
LAPTOP, SERVER = Process("laptop", 1), Process("server", 1)
_CALLS = 12


@dataclass
class Skewed(Clock):
    """The clock of another machine, which is `by` ahead."""

    true: Clock | None = None
    by: timedelta = timedelta()

    def __call__(self) -> datetime:
        assert self.true is not None
        return self.true() + self.by


def due() -> SimulatedTenant:
    tenant = SimulatedTenant()
    tenant.create()
    tenant.clock.advance(100 * DAY)
    return tenant


def overlapping() -> SimulatedTenant:
    tenant = due()
    tenant.rotate()
    tenant.clock.advance(2 * DAY)
    return tenant


@pytest.mark.parametrize("minutes", [-10, 0, 10])
@pytest.mark.parametrize("state", [due, overlapping], ids=lambda s: s.__name__)
def test_a_run_on_another_machine_at_any_call_loses_nothing(
    state: Callable[[], SimulatedTenant], minutes: int
) -> None:
    met = 0
    for at in range(1, _CALLS + 1):
        tenant = state()
        tenant.me = LAPTOP
        other = SimulatedTenant(Skewed(true=tenant.clock, by=timedelta(minutes=minutes)), SERVER)
        other.iam, other.destination = tenant.iam, tenant.destination
        broken: list[str] = []
        calls = [0]

        def look(
            tenant: SimulatedTenant = tenant,
            other: SimulatedTenant = other,
            at: int = at,
            broken: list[str] = broken,
            calls: list[int] = calls,
        ) -> None:
            calls[0] += 1
            held = tenant.destination.key
            if tenant.keys.get(held or "") != "Active" or len(tenant.keys) > 2:
                broken.append(f"{held} is held of {tenant.keys}")
            if calls[0] == at:
                with suppress(SesTenantError):
                    other.rotate()

        tenant.iam.turn = look
        with suppress(SesTenantError):
            tenant.rotate()
        tenant.iam.turn = lambda: None
        met += calls[0] > at
        assert broken == []
        for _ in range(14):
            with suppress(SesTenantError):
                tenant.rotate(named=False)
            if tenant.keys == {tenant.destination.key: "Active"}:
                break
            tenant.clock.advance(2 * DAY)
        assert tenant.keys == {tenant.destination.key: "Active"}
    assert met >= 5
