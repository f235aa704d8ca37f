"""What is read of a tenant's keys: a key's own probe is told from the site that uses it."""

from datetime import timedelta

import pytest

from ses_tenant.operations.observe import observe
from ses_tenant.operations.situation import read_situation
from tests.fakes.destination import FakeDestination
from tests.fakes.example_tenant import NAME, SHOP, add_shop
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.runtime import fake_runtime


@pytest.mark.parametrize(
    ("after_s", "service", "probed"),
    [
        (0, "sts", True),
        (120, "sts", True),
        (121, "sts", False),
        (5, "ses", False),
        (5, None, False),
        (None, None, False),
    ],
)
def test_a_use_of_sts_right_after_the_issue_is_the_probe(
    after_s: int | None, service: str | None, probed: bool
) -> None:
    clock = Clock()
    iam = FakeIam(clock)
    add_shop(iam)
    key = iam.create_access_key(NAME)
    if after_s is not None:
        iam.last_used[key.access_key_id] = clock() + timedelta(seconds=after_s)
    if service is not None:
        iam.last_service[key.access_key_id] = service
    found = read_situation(fake_runtime(iam), observe(iam, SHOP), FakeDestination(iam))
    assert [known.probed for known in found.access_keys] == [probed]
