"""Twenty requests a second are enough: what one run leaves, the next one finishes."""

import pytest

from tests.crash.fault_cases import until_quiet
from tests.crash.fault_server import Rate
from tests.crash.fleet import make_fleet
from tests.crash.harness import Harness

# tests/aws/test_pace.py shows the pace without waiting.
pytestmark = pytest.mark.rare

_TWENTY_A_SECOND = Rate(20, burst=4)


def test_a_throttled_fleet_is_rotated(harness: Harness) -> None:
    make_fleet(harness, "file", 4, days=100)
    run = harness.run("rotate-keys", "--yes", "--no-verify", rate=_TWENTY_A_SECOND)
    assert harness.server.throttled
    assert run.status in (0, 3), run.err
    until_quiet(harness, "rotate-keys", "--yes", "--no-verify")
    assert harness.problems == []
    for site in harness.sites:
        assert len(harness.account.active(site.user_name)) == 2
        assert harness.held(site) in harness.account.active(site.user_name)


def test_a_throttled_fleet_is_suspended_at_once(harness: Harness) -> None:
    make_fleet(harness, "file", 4, days=10)
    run = harness.run("suspend", "--all", rate=_TWENTY_A_SECOND)
    assert harness.server.throttled
    assert (run.status, harness.problems) == (0, []), run.err
    for site in harness.sites:
        assert harness.account.suspended(site.user_name)
        assert harness.account.active(site.user_name) == set()
