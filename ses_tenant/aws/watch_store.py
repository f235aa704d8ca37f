"""The counts of the watch in one table of DynamoDB.

A partition is a tenant, by its domain. Its sort keys are `m#TIME#SHARD` and `h#TIME#SHARD`, the
counts of a minute and of an hour, `state`, and `alert#WHAT`. What is the account's is in the
partition `#account`, which is no domain. `expires` is when DynamoDB deletes an item by itself.

The item of a minute holds a fingerprint of each event in it, and is changed only if it does not
hold the event yet; the hour is changed in the same transaction. So an event that comes again, and
an answer that is lost, change nothing.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from ses_tenant.aws.clients import DynamoDbClient, Item
from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.watch.buckets import KEEP_HOURS, KEEP_MINUTES, Grain, Span
from ses_tenant.core.watch.decide import COUNTED, Counts
from ses_tenant.core.watch.events import MailEvent
from ses_tenant.core.watch.state import State
from ses_tenant.core.watch.tally import counts_of

DEFAULT_TABLE = "ses-tenant-watch"
# So many items share a minute, and an hour, of one tenant: those that write at once meet less
# often, and an item stays below DynamoDB's 400 KB up to 170,000 events a minute.
SHARDS = 4
# An expression may have 4 KB.
_AT_ONCE = 80
_ATTEMPTS = 10
_ACCOUNT = "#account"
_HOUR = timedelta(hours=1)
_KEEP_TRIALS = timedelta(days=1)
_LETTER = {Grain.MINUTE: "m", Grain.HOUR: "h"}
_KEEP = {Grain.MINUTE: KEEP_MINUTES, Grain.HOUR: KEEP_HOURS}
_TIME = "%Y-%m-%dT%H:%M"
_Reason = Mapping[str, object]
# The events are there already, or somebody else was at the item at the same moment.
_PASSING = {
    "ConditionalCheckFailed",
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}


class WatchTable:
    """The operations' `WatchStore` protocol on DynamoDB."""

    def __init__(
        self,
        session: AwsSession,
        region: str,
        table: str = DEFAULT_TABLE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep the session; the client is made when it is first needed."""
        self._session = session
        self._region = region
        self._table = table
        self._sleep = sleep

    @property
    def _client(self) -> DynamoDbClient:
        return self._session.dynamodb_client(self._region)

    def count(self, tenant: str, events: Sequence[MailEvent]) -> int:
        """Count each event that was not counted before, and return how many."""
        by_item: dict[tuple[datetime, int], dict[bytes, MailEvent]] = defaultdict(dict)
        for event in events:
            mark = hashlib.sha256(event.key.encode("utf-8", "surrogatepass")).digest()[:8]
            by_item[Grain.MINUTE.of(event.at), mark[0] % SHARDS][mark] = event
        return sum(
            self._count_in(tenant, minute, shard, dict(part))
            for (minute, shard), marked in by_item.items()
            for part in _parts(list(marked.items()), _AT_ONCE)
        )

    def _count_in(
        self, tenant: str, minute: datetime, shard: int, new: dict[bytes, MailEvent]
    ) -> int:
        """Count events in one item; those that it holds already are left out."""
        for attempt in range(_ATTEMPTS):
            if not new:
                return 0
            reasons = self._write_counts(tenant, minute, shard, new)
            if reasons is None:
                return len(new)
            known = _marks(reasons)
            if known & new.keys():
                new = {mark: event for mark, event in new.items() if mark not in known}
            else:
                self._sleep(random.uniform(0, min(0.05 * 2**attempt, 2.0)))  # noqa: S311
        raise _throttled()

    def _write_counts(
        self, tenant: str, minute: datetime, shard: int, new: Mapping[bytes, MailEvent]
    ) -> Sequence[_Reason] | None:
        """Add events to a minute and its hour; return None, or why nothing was changed."""
        total = Counts()
        for event in new.values():
            total = total.plus(counts_of(event))
        marks = {f":m{number}": {"B": mark} for number, mark in enumerate(new)}
        absent = " AND ".join(f"NOT contains(seen, {name})" for name in marks)
        items = []
        for grain in Grain:
            begins = grain.of(minute)
            added = {name: getattr(total, name) for name in COUNTED if getattr(total, name)}
            values: dict[str, object] = {
                ":e": _number(_epoch(begins + _KEEP[grain])),
                **{f":{name}": _number(value) for name, value in added.items()},
            }
            adds = [f"{name} :{name}" for name in added]
            update: dict[str, object] = {
                "TableName": self._table,
                "Key": _key(tenant, f"{_sort_key(grain, begins)}#{shard}"),
                "ExpressionAttributeValues": values,
            }
            if grain is Grain.MINUTE:
                adds.append("seen :seen")
                values |= {":seen": {"BS": list(new)}, **marks}
                update["ConditionExpression"] = absent
                update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            add = f"ADD {', '.join(adds)} " if adds else ""
            update["UpdateExpression"] = f"{add}SET expires = :e"
            items.append({"Update": update})
        with self._session.errors():
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                reasons = _reasons(error)
                if not any(reason.get("Code") in _PASSING for reason in reasons):
                    raise
                return reasons
        return None

    def counts(self, tenant: str, spans: Iterable[Span]) -> Counts:
        """Return what the buckets of all spans hold together, as of now."""
        total = Counts()
        for span in spans:
            letter = _sort_key(span.grain, span.first), f"{_sort_key(span.grain, span.last)}#~"
            for item in self._query(tenant, *letter):
                total = total.plus(_counts(item))
        return total

    def hours(self, tenant: str, since: datetime) -> Mapping[datetime, Counts]:
        """Return the counts of the hours that begin at `since` or later."""
        found: dict[datetime, Counts] = defaultdict(Counts)
        for item in self._query(tenant, _sort_key(Grain.HOUR, since), "h#~"):
            _, at, _ = _text(item, "sk").split("#")
            begins = datetime.strptime(at, _TIME).replace(tzinfo=UTC)
            found[begins] = found[begins].plus(_counts(item))
        return found

    def state(self, tenant: str) -> State:
        """Return what is known of a tenant."""
        item = self._get(tenant, "state")
        return State(_moment(item, "suspended_at"), _moment(item, "since"))

    def note_suspended(self, tenant: str, at: datetime) -> None:
        """Note that the tenant was suspended."""
        self._put(tenant, "state", {"suspended_at": _time(at)})

    def note_resumed(self, tenant: str, at: datetime) -> None:
        """Note that the tenant was resumed: nothing before that counts any more."""
        self._put(tenant, "state", {"since": _time(at)})

    def claim(self, tenant: str, now: datetime, most_an_hour: int) -> bool:
        """Take one of the suspensions of this hour, or keep the one taken; False if none is left.

        Of two that ask at once for the last one, one gets it.
        """
        for attempt in range(_ATTEMPTS):
            item = self._get(_ACCOUNT, "suspensions")
            taken = {name: at for name, at in _slots(item).items() if at > _epoch(now - _HOUR)}
            if tenant in taken:
                return True
            if len(taken) >= most_an_hour:
                return False
            taken[tenant] = _epoch(now)
            version = int(str(item.get("version", {}).get("N", 0)))
            held: dict[str, object] = {
                "slots": {"M": {name: _number(at) for name, at in taken.items()}},
                "version": _number(version + 1),
            }
            if self._put_if(_ACCOUNT, "suspensions", held, version):
                return True
            self._sleep(random.uniform(0, min(0.05 * 2**attempt, 2.0)))  # noqa: S311
        raise _throttled()

    def alerted_at(self, tenant: str, what: str) -> datetime | None:
        """Return when it was last told of this, None if never."""
        return _moment(self._get(tenant, f"alert#{what}"), "at")

    def note_alert(self, tenant: str, what: str, at: datetime) -> None:
        """Note that it was told of this."""
        expires = _number(_epoch(at + KEEP_MINUTES))
        self._put(tenant, f"alert#{what}", {"at": _time(at), "expires": expires})

    def watched_since(self, now: datetime) -> datetime:
        """Return when the watch began, which is now if this is the first question."""
        found = _moment(self._get(_ACCOUNT, "watched"), "since")
        if found is None and self._put_if(_ACCOUNT, "watched", {"since": _time(now)}, 0):
            return now
        return found or self.watched_since(now)

    def note_trial(self, run: str, tenant: str, events: int, decided: str) -> None:
        """Note what a trial came to, unless that was by the counts of more events."""
        self._put_where(
            run,
            f"decided#{tenant}",
            {
                "events": _number(events),
                "decided": {"S": decided},
                "expires": self._trial_expires(),
            },
            "attribute_not_exists(pk) OR events <= :value",
            events,
        )

    def note_trial_read(self, run: str, messages: int) -> None:
        """Note that so many messages of a trial were read."""
        with self._session.errors():
            self._client.update_item(
                TableName=self._table,
                Key=_key(run, "read"),
                UpdateExpression="ADD messages :n SET expires = :e",
                ExpressionAttributeValues={":n": _number(messages), ":e": self._trial_expires()},
            )

    def trial(self, run: str) -> tuple[int, list[str]]:
        """Return how many messages of a trial were read, and what was decided."""
        read, decided = 0, []
        for item in self._query(run, "a", "z"):
            if _text(item, "sk") == "read":
                read = int(_text(item, "messages"))
            else:
                decided.append(_text(item, "decided"))
        return read, decided

    @staticmethod
    def _trial_expires() -> Mapping[str, object]:
        return _number(int(time.time() + _KEEP_TRIALS.total_seconds()))

    def _query(self, partition: str, first: str, last: str) -> Iterator[Item]:
        parameters: dict[str, object] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :p AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":p": {"S": partition},
                ":first": {"S": first},
                ":last": {"S": last},
            },
        }
        while True:
            with self._session.errors():
                answer = self._client.query(**parameters)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _get(self, partition: str, sort_key: str) -> Item:
        with self._session.errors():
            answer = self._client.get_item(
                TableName=self._table, Key=_key(partition, sort_key), ConsistentRead=True
            )
        return answer.get("Item", {})

    def _put(self, partition: str, sort_key: str, values: Mapping[str, object]) -> None:
        with self._session.errors():
            self._client.put_item(
                TableName=self._table, Item={**_key(partition, sort_key), **values}
            )

    def _put_if(
        self, partition: str, sort_key: str, values: Mapping[str, object], version: int
    ) -> bool:
        """Write an item if it is still of that version, 0 if it is not there; tell whether."""
        condition = "version = :value" if version else "attribute_not_exists(pk)"
        return self._put_where(partition, sort_key, values, condition, version)

    def _put_where(
        self,
        partition: str,
        sort_key: str,
        values: Mapping[str, object],
        condition: str,
        value: int,
    ) -> bool:
        """Write an item if the condition holds, with `value` for :value; tell whether it did."""
        parameters: dict[str, object] = {
            "TableName": self._table,
            "Item": {**_key(partition, sort_key), **values},
            "ConditionExpression": condition,
        }
        if ":value" in condition:
            parameters["ExpressionAttributeValues"] = {":value": _number(value)}
        with self._session.errors():
            try:
                self._client.put_item(**parameters)
            except ClientError as error:
                if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
                    raise
                return False
        return True


def _parts(
    items: Sequence[tuple[bytes, MailEvent]], size: int
) -> Iterator[Sequence[tuple[bytes, MailEvent]]]:
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def _sort_key(grain: Grain, at: datetime) -> str:
    return f"{_LETTER[grain]}#{at.astimezone(UTC).strftime(_TIME)}"


def _key(partition: str, sort_key: str) -> dict[str, Mapping[str, object]]:
    return {"pk": {"S": partition}, "sk": {"S": sort_key}}


def _number(value: int) -> Mapping[str, object]:
    return {"N": str(value)}


def _time(at: datetime) -> Mapping[str, object]:
    return {"S": at.astimezone(UTC).isoformat()}


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


def _moment(item: Item, name: str) -> datetime | None:
    text = item.get(name, {}).get("S")
    return datetime.fromisoformat(str(text)) if text else None


def _text(item: Item, name: str) -> str:
    return str(next(iter(item[name].values())))


def _counts(item: Item) -> Counts:
    return Counts(*(int(_text(item, name)) if name in item else 0 for name in COUNTED))


def _slots(item: Item) -> dict[str, int]:
    held = item.get("slots", {}).get("M")
    return {n: int(str(v["N"])) for n, v in held.items()} if isinstance(held, Mapping) else {}


def _reasons(error: ClientError) -> Sequence[_Reason]:
    """Return why each part of a transaction was refused."""
    found: object = error.response.get("CancellationReasons", [])
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _marks(reasons: Iterable[_Reason]) -> set[bytes]:
    """Return the fingerprints that an item holds which was therefore left as it is."""
    found: set[bytes] = set()
    for reason in reasons:
        match reason:
            case {"Code": "ConditionalCheckFailed", "Item": {"seen": {"BS": list(marks)}}}:
                found.update(bytes(mark) for mark in marks)
            case _:
                pass
    return found


def _throttled() -> SesTenantError:
    return SesTenantError(
        ErrorCode.THROTTLED,
        "The counts of the watch were being changed by others all the time.",
        "It is tried again by itself.",
    )
