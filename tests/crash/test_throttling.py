"""Twenty requests a second are enough: what one run leaves, the next one finishes."""

from tests.crash.cells import until_quiet
from tests.crash.fault_server import Rate
from tests.crash.fleet import make_fleet
from tests.crash.lab import Lab

_TWENTY_A_SECOND = Rate(20, burst=4)


def test_a_throttled_fleet_is_rotated(lab: Lab) -> None:
    make_fleet(lab, "file", 4, days=100)
    run = lab.run("rotate-keys", "--yes", "--no-verify", rate=_TWENTY_A_SECOND)
    assert lab.server.throttled
    assert run.status in (0, 3), run.err
    until_quiet(lab, "rotate-keys", "--yes", "--no-verify")
    assert lab.problems == []
    for site in lab.sites:
        assert len(lab.account.active(site.user_name)) == 2
        assert lab.held(site) in lab.account.active(site.user_name)


def test_a_throttled_fleet_is_suspended_at_once(lab: Lab) -> None:
    make_fleet(lab, "file", 4, days=10)
    run = lab.run("suspend", "--all", rate=_TWENTY_A_SECOND)
    assert lab.server.throttled
    assert (run.status, lab.problems) == (0, []), run.err
    for site in lab.sites:
        assert lab.account.suspended(site.user_name)
        assert lab.account.active(site.user_name) == set()
