"""A trial of the deployed watch: the same handler, and nothing that counts."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.operations.watch_trial import newest, try_deployed
from tests.core.watch.samples import NOW, event
from tests.core.watch.test_watch import mails
from tests.fakes.watch import HACKED, Watched


@dataclass
class Cloud:
    """The rule, the queue and the function; they take `delay` looks until they are done."""

    account: Watched = field(default_factory=Watched)
    delay: int = 2
    events: list[object] = field(default_factory=list)

    def put(self, source: str, detail_type: str, details: list[str]) -> None:
        self.events += [
            {"source": source, "detail-type": detail_type, "detail": json.loads(detail)}
            for detail in details
        ]

    def trial(self, run: str) -> tuple[int, list[str]]:
        self.delay -= 1
        if self.delay == 0:
            self.account.handle(self.events)
        read, decided = self.account.memory.trials[run]
        return read, [json.dumps({"domain": domain}) for domain in decided]


def test_what_the_function_decides_is_waited_for() -> None:
    cloud, slept = Cloud(), list[float]()
    found = try_deployed(cloud, cloud, mails(60, 30), "r", NOW, 60, slept.append)
    assert (found.sent, found.handled, found.decisions) == (90, 90, ({"domain": HACKED},))
    assert len(slept) == 1
    assert not cloud.account.suspended()


def test_a_function_that_is_not_there_is_not_waited_for_without_end() -> None:
    cloud, slept = Cloud(delay=-1), list[float]()
    found = try_deployed(cloud, cloud, mails(1, 0), "r", NOW, 60, slept.append)
    assert (found.sent, found.handled, sum(slept)) == (1, 0, 60)


def test_too_many_or_too_large_events_are_not_sent() -> None:
    cloud = Cloud()
    for events in ([None] * 10_001, [{"padding": "x" * 250_000}]):
        with pytest.raises(SesTenantError) as refused:
            try_deployed(cloud, cloud, events, "r", NOW, 60, lambda _: None)
        assert refused.value.code is ErrorCode.USAGE
    assert cloud.events == []


def test_a_trial_is_decided_as_of_its_newest_event() -> None:
    events = [event(before=timedelta(hours=h)) for h in (3, -1, 2)] + [None]
    assert newest(events, NOW) == NOW - timedelta(hours=2)
    assert newest([], NOW) == NOW
