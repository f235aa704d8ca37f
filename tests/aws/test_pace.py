"""The pace against a server that lets 20 requests through a second; no time passes for real."""

from collections.abc import Mapping

from ses_tenant.aws.pace import Pace
from ses_tenant.sandbox.faults import Faults

_OK: tuple[object, Mapping[str, Mapping[str, object]]] = (None, {})
_THROTTLED: tuple[object, Mapping[str, Mapping[str, object]]] = (
    None,
    {"Error": {"Code": "Throttling"}},
)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_nothing_waits_until_a_request_is_throttled() -> None:
    time = Time()
    pace = Pace(10, lambda: time.now, time.sleep)
    for _ in range(1000):
        pace.take_turn()
        assert pace.note(_OK, 1) is None
    assert time.now == 0


def test_a_throttled_server_is_kept_busy() -> None:
    time = Time()
    pace = Pace(10, lambda: time.now, time.sleep)
    server = Faults(lambda: time.now, throttle=20)
    sent = 0
    for _ in range(400):
        for attempt in range(1, 11):
            pace.take_turn()
            time.now += 0.005  # eight workers together, 40 ms each
            sent += 1
            pause = pace.note(_THROTTLED if server.next() else _OK, attempt)
            if pause is None:
                break
            time.now += pause
        else:
            raise AssertionError("a request was given up")
    assert time.now < 400 / 20 * 1.25
    assert sent < 400 * 1.25


def test_the_rate_grows_again_when_more_is_allowed() -> None:
    time = Time()
    pace = Pace(10, lambda: time.now, time.sleep)
    assert pace.note(_THROTTLED, 1) == 0  # one a second from here
    for _ in range(600):
        pace.take_turn()
        pace.note(_OK, 1)
    assert time.now < 60
    started = time.now
    for _ in range(100):
        pace.take_turn()
        pace.note(_OK, 1)
    assert time.now - started < 4


def test_a_request_is_given_up_after_the_last_attempt_and_waits_longer_before() -> None:
    pace = Pace(10, lambda: 0.0, lambda _: None)
    pauses = [pace.note(_THROTTLED, attempt) for attempt in range(1, 11)]
    assert pauses[:3] == [0, 0, 0]
    assert all(pause is not None and 0 <= pause <= 20 for pause in pauses[3:9])
    assert pauses[9] is None


def test_what_is_no_answer_or_another_error_is_left_to_botocore() -> None:
    pace = Pace(10, lambda: 0.0, lambda _: None)
    assert pace.note(None, 1) is None
    assert pace.note((None, {"Error": {"Code": "ServiceUnavailable"}}), 1) is None
