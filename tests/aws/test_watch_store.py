"""The counts of the watch: the same in DynamoDB and in memory, and never more than events."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.watch_store import DEFAULT_TABLE, SHARDS, WatchTable
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.watch.buckets import spans
from ses_tenant.core.watch.decide import Counts
from ses_tenant.core.watch.events import MailEvent, read_event
from ses_tenant.core.watch.memory import MemoryStore
from tests.core.watch.samples import ACCOUNT, NOW, event
from tests.fakes.iam import Crash

REGION = "eu-central-1"
SHOP, BLOG = "shop.example.com", "blog.example.org"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Store = WatchTable | MemoryStore


def make_table() -> None:
    """Make the table as examples/lambda/watch.yaml does; a test compares the two."""
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName=DEFAULT_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsSession]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        make_table()
        yield open_session(None, REGION, None)


@pytest.fixture
def table(session: AwsSession) -> WatchTable:
    return WatchTable(session, REGION, sleep=lambda _: None)


@pytest.fixture(params=["table", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    found: WatchTable = request.getfixturevalue("table")
    return found


def read(*events: dict[str, Any]) -> list[MailEvent]:
    found = [read_event(one, ACCOUNT) for one in events]
    assert all(isinstance(one, MailEvent) for one in found)
    return [one for one in found if isinstance(one, MailEvent)]


def in_window(store: Store, window: timedelta = HOUR, tenant: str = SHOP) -> Counts:
    return store.counts(tenant, spans(NOW - window, NOW))


def test_each_event_counts_once_in_its_minute_and_its_hour(store: Store) -> None:
    events = read(
        *(event("send", n, before=n * MINUTE, destination=("a@b.example", "c@d.example"))
          for n in range(5)),
        event("bounce", 1), event("complaint", 1), event("reject", 1), event("delivery", 1),
        event("delay", 1), event("send", 9, before=timedelta(hours=30)),
    )  # fmt: skip
    assert store.count(SHOP, [*events, events[0]]) == 11
    assert store.count(SHOP, events[:7]) == 0
    assert store.count(BLOG, events[:1]) == 1
    expected = Counts(5, 1, 1, 1, 1, recipients=10, bounced=1, complained=1)
    assert in_window(store) == expected
    assert in_window(store, timedelta(minutes=3)) == Counts(
        3, 1, 1, 1, 1, recipients=6, bounced=1, complained=1
    )
    assert in_window(store, timedelta(days=2)).sends == 6
    assert in_window(store, tenant=BLOG).sends == 1
    assert dict(store.hours(SHOP, NOW - 3 * HOUR)) == {
        NOW - HOUR: Counts(4, 1, 1, 1, 1, recipients=8, bounced=1, complained=1),
        NOW: Counts(1, recipients=2),
    }


def test_what_is_remembered_of_a_tenant(store: Store) -> None:
    assert store.watched_since(NOW) == NOW
    assert store.watched_since(NOW + HOUR) == NOW
    assert store.state(SHOP).suspended_at is None
    store.note_suspended(SHOP, NOW)
    assert store.state(SHOP).suspended_at == NOW
    store.note_resumed(SHOP, NOW + HOUR)
    assert (store.state(SHOP).suspended_at, store.state(SHOP).since) == (None, NOW + HOUR)
    assert store.alerted_at(SHOP, "alert: a rule") is None
    store.note_alert(SHOP, "alert: a rule", NOW)
    assert store.alerted_at(SHOP, "alert: a rule") == NOW
    assert store.alerted_at(BLOG, "alert: a rule") is None


def test_suspensions_are_so_many_an_hour(store: Store) -> None:
    assert [store.claim(f"{n}.example.com", NOW, 2) for n in range(3)] == [True, True, False]
    assert store.claim("1.example.com", NOW + MINUTE, 2)
    assert not store.claim("3.example.com", NOW + MINUTE, 0)
    assert store.claim("3.example.com", NOW + HOUR, 2)


def hook(
    session: AwsSession, name: str, act: Callable[[int], object], when: str = "before"
) -> None:
    """Do something before or after each call of that name."""
    number = [0]

    def called(model: Any, **_: object) -> None:
        if model.name == name:
            number[0] += 1
            act(number[0])

    session.boto.events.register(f"{when}-call", called)


def test_of_two_that_count_the_same_at_once_each_event_counts_once(
    session: AwsSession, table: WatchTable
) -> None:
    events = read(*(event("send", n) for n in range(12)))
    other = WatchTable(open_session(None, REGION, None), REGION)
    hook(session, "TransactWriteItems", lambda n: n <= 4 and other.count(SHOP, events[n : n + 6]))
    counted = table.count(SHOP, events)
    assert in_window(table).sends == 12
    assert counted < 12


def test_of_two_that_ask_at_once_for_the_last_suspension_one_gets_it(
    session: AwsSession, table: WatchTable
) -> None:
    other = WatchTable(open_session(None, REGION, None), REGION)
    first: list[bool] = []

    def meanwhile(number: int) -> None:
        if number == 1:
            first.append(other.claim(BLOG, NOW, 1))

    hook(session, "PutItem", meanwhile)
    assert (table.claim(SHOP, NOW, 1), first) == (False, [True])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_a_call_never_lets_an_event_count_twice(
    session: AwsSession, table: WatchTable, when: str
) -> None:
    events = read(*(event("send", n) for n in range(6)))
    died = [False]

    def die(number: int) -> None:
        if number == 2:
            died[0] = True
            raise Crash

    hook(session, "TransactWriteItems", die, when)
    with pytest.raises(Crash):
        table.count(SHOP, events)
    assert in_window(table).sends <= 6
    table.count(SHOP, events)
    assert (died, in_window(table).sends, in_window(table, 24 * HOUR).sends) == ([True], 6, 6)


def test_an_answer_that_is_lost_does_not_count_twice(
    session: AwsSession, table: WatchTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def lose(number: int) -> None:
        if number == 1:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    hook(session, "TransactWriteItems", lose, "after")
    with pytest.raises(SesTenantError) as lost:
        table.count(SHOP, read(event()))
    assert lost.value.code is ErrorCode.NETWORK
    assert table.count(SHOP, read(event())) == 0
    assert in_window(table).sends == 1


def cancelled(code: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": [{"Code": "None"}, {"Code": code}],
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(answer, "TransactWriteItems")


def test_conflicts_are_waited_for_and_given_up_after_some_time(session: AwsSession) -> None:
    slept: list[float] = []
    table = WatchTable(session, REGION, sleep=slept.append)
    times = [3]

    def conflict(_number: int) -> None:
        if times[0]:
            times[0] -= 1
            raise cancelled("TransactionConflict")

    hook(session, "TransactWriteItems", conflict)
    assert table.count(SHOP, read(event())) == 1
    assert len(slept) == 3
    times[0] = -1
    with pytest.raises(SesTenantError) as given_up:
        table.count(SHOP, read(event(number=2)))
    assert given_up.value.code is ErrorCode.THROTTLED
    assert in_window(table).sends == 1


def test_what_dynamodb_refuses_otherwise_is_an_error(
    session: AwsSession, table: WatchTable
) -> None:
    def refuse(_number: int) -> None:
        raise cancelled("ValidationError")

    hook(session, "TransactWriteItems", refuse)
    with pytest.raises(SesTenantError) as refused:
        table.count(SHOP, read(event()))
    assert refused.value.code is ErrorCode.INTERNAL
    with pytest.raises(SesTenantError) as missing:
        WatchTable(session, REGION, "no-such-table").state(SHOP)
    assert missing.value.code is ErrorCode.NOT_FOUND


def test_items_are_few_and_expire(table: WatchTable) -> None:
    table.count(SHOP, read(*(event("send", n) for n in range(300))))
    found = boto3.client("dynamodb", region_name=REGION).scan(TableName=DEFAULT_TABLE)["Items"]
    assert len(found) == 2 * SHARDS
    at = (NOW - MINUTE).timestamp()
    for item in found:
        days = (int(item["expires"]["N"]) - at) / 86_400
        assert 7 < days < 9 if str(item["sk"]["S"]).startswith("m#") else 35 < days < 37


def test_of_a_trial_the_decision_by_most_events_stays(table: WatchTable) -> None:
    table.note_trial("trial r", SHOP, 5, "late")
    table.note_trial("trial r", SHOP, 3, "early")
    table.note_trial("trial r", BLOG, 1, "blog")
    table.note_trial_read("trial r", 4)
    table.note_trial_read("trial r", 5)
    assert table.trial("trial r") == (9, ["blog", "late"])
    assert table.trial("trial s") == (0, [])
