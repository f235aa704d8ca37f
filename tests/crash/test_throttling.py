"""Throttling in the middle of a fleet: no request is sent so often that it fails."""

import pytest

from tests.crash.fault_server import Throttle
from tests.crash.fleet import make_fleet
from tests.crash.harness import Harness

# tests/aws/test_pace.py shows the pace without waiting.
pytestmark = pytest.mark.rare

# Fewer refusals than a request has attempts, so that even one that gets them all gets through.
_THROTTLE = Throttle(after=4, refusals=9)


def test_a_throttled_fleet_is_rotated(harness: Harness) -> None:
    make_fleet(harness, "file", 4, days=100)
    run = harness.run("rotate-keys", "--yes", "--no-verify", throttle=_THROTTLE)
    assert len(harness.server.throttled) == 9
    assert (run.status, harness.problems) == (0, []), run.err
    for site in harness.sites:
        assert len(harness.account.active(site.user_name)) == 2
        assert harness.held(site) in harness.account.active(site.user_name)


def test_a_throttled_fleet_is_suspended_at_once(harness: Harness) -> None:
    make_fleet(harness, "file", 4, days=10)
    run = harness.run("suspend", "--all", throttle=_THROTTLE)
    assert len(harness.server.throttled) == 9
    assert (run.status, harness.problems) == (0, []), run.err
    for site in harness.sites:
        assert harness.account.suspended(site.user_name)
        assert harness.account.active(site.user_name) == set()
