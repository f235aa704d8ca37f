"""Events are put in requests that EventBridge takes, and again if it could not take them."""

from typing import Any, cast

import pytest

from ses_tenant.aws.bus import EventBus
from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError


class Bus:
    """EventBridge, which refuses the first entry of each of so many requests."""

    def __init__(self, refusals: int = 0) -> None:
        self.requests: list[list[str]] = []
        self.refusals = refusals

    def put_events(self, *, Entries: list[dict[str, str]]) -> Any:  # noqa: N803
        self.requests.append([entry["Detail"] for entry in Entries])
        told: list[dict[str, str]] = [{"EventId": "1"} for _ in Entries]
        if self.refusals:
            self.refusals -= 1
            told[0] = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slowly"}
        return {"FailedEntryCount": 0, "Entries": told}


class Session:
    def __init__(self, bus: Bus) -> None:
        self._bus, self.errors = bus, open_session(None, None, None).errors

    def events_client(self, _region: str) -> Bus:
        return self._bus


def put(bus: Bus, details: list[str]) -> None:
    session = cast("AwsSession", Session(bus))
    EventBus(session, "eu-central-1", lambda _: None).put("ses-tenant.test", "trial", details)


def test_ten_at_once_and_not_more_than_a_request_holds() -> None:
    bus = Bus()
    put(bus, [str(number) for number in range(21)])
    assert [len(request) for request in bus.requests] == [10, 10, 1]
    large = Bus()
    put(large, ["x" * 200_000, "y" * 100_000, "z"])
    assert [len(request) for request in large.requests] == [1, 2]


def test_what_was_not_taken_is_sent_again_and_given_up_after_some_time() -> None:
    bus = Bus(refusals=2)
    put(bus, ["a", "b"])
    assert bus.requests == [["a", "b"], ["a"], ["a"]]
    with pytest.raises(SesTenantError) as given_up:
        put(Bus(refusals=99), ["a"])
    assert given_up.value.code is ErrorCode.THROTTLED
