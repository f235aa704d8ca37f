"""`python -m benchmarks.watch`: events through the handler of the watch, and what they would cost.

The handler is the one of AWS Lambda. DynamoDB is in memory here, and adds up the units that the
real one would charge, by the size of each item:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
"""

import argparse
import json
import math
import random
import re
import sys
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, cast

from botocore.exceptions import ClientError

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.watch_store import WatchTable
from ses_tenant.core.tenant.notes import Process
from ses_tenant.functions import watch
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.operations.watch import Watch, Watcher

ACCOUNT = "123456789012"
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Dollars, as listed for us-east-1: a unit of DynamoDB written or read, a request of SQS, and of
# Lambda on arm64 a request and a GB-second. EventBridge charges nothing for events of AWS.
WRITE, READ, SQS, INVOKE, GB_S = 0.625e-6, 0.125e-6, 0.4e-6, 0.2e-6, 1.33334e-5
MEMORY_GB = 0.5
# One message sent, and received and deleted in tens.
SQS_REQUESTS = 1.2
_ADDS = re.compile(r"(\w+) (:\w+)")


@dataclass
class Table:
    """What the handler asks of DynamoDB, in memory; `written` and `read` are units."""

    items: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    written: int = 0
    read: int = 0
    calls: int = 0

    def transact_write_items(self, *, TransactItems: list[Any]) -> None:  # noqa: N803
        """Add to a minute and its hour, or to neither."""
        self.calls += 1
        updates = [item["Update"] for item in TransactItems]
        for update in updates:
            values = update["ExpressionAttributeValues"]
            held = self._item(update["Key"])
            marks = {v["B"] for k, v in values.items() if re.fullmatch(r":m\d+", k)}
            if marks & held.get("seen", set()):
                self.written += 2 * len(updates)
                raise _cancelled(held)
        for update in updates:
            item = self._item(update["Key"])
            adds = update["UpdateExpression"].partition(" SET")[0].removeprefix("ADD ")
            for name, value in _ADDS.findall(adds):
                given = update["ExpressionAttributeValues"][value]
                if "BS" in given:
                    item.setdefault(name, set()).update(given["BS"])
                else:
                    item[name] = item.get(name, 0) + int(given["N"])
            self.written += 2 * math.ceil(_size(item) / 1024)

    def query(self, **asked: Any) -> dict[str, Any]:
        """Return items of a partition."""
        self.calls += 1
        values = asked["ExpressionAttributeValues"]
        first, last = values[":first"]["S"], values[":last"]["S"]
        partition = self.items.get(values[":p"]["S"], {})
        found = [item for sk, item in partition.items() if first <= sk <= last]
        self.read += max(1, math.ceil(sum(map(_size, found)) / 4096))
        return {
            "Items": [
                {n: {"N": str(v)} for n, v in item.items() if isinstance(v, int)} for item in found
            ]
        }

    def get_item(self, **asked: Any) -> dict[str, Any]:
        """Return nothing: no tenant was suspended, and the watch begins now."""
        self.calls += 1
        self.read += 1
        del asked
        return {}

    def put_item(self, **asked: Any) -> None:
        """Write a note."""
        self.calls += 1
        self.written += 1
        del asked

    def _item(self, key: Mapping[str, Any]) -> dict[str, Any]:
        return self.items[key["pk"]["S"]].setdefault(key["sk"]["S"], {})


def _size(item: Mapping[str, Any]) -> int:
    """Return the bytes of an item, with 60 for its keys and its time."""
    return 60 + sum(
        len(name) + (3 + 9 * len(value) if isinstance(value, set) else 4)
        for name, value in item.items()
    )


def _cancelled(item: Mapping[str, Any]) -> ClientError:
    reason = {"Code": "ConditionalCheckFailed", "Item": {"seen": {"BS": list(item["seen"])}}}
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [reason, {"Code": "None"}],
    }
    return ClientError(answer, "TransactWriteItems")


class Session:
    """A session whose DynamoDB is the table."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self._table, self.errors = table, open_session(None, "eu-central-1", None).errors

    def dynamodb_client(self, _region: str) -> Table:
        """Return the table."""
        return self._table


class Context:
    """An invocation without an end."""

    aws_request_id = "benchmark"

    def get_remaining_time_in_millis(self) -> int:
        """Return plenty of time."""
        return 900_000


def batches(events: int, tenants: int, size: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield batches as SQS hands them over: sends, deliveries, and a few bounces and repetitions.

    A tenth of the tenants send nine tenths of the mail.
    """
    chance = random.Random(1)  # noqa: S311 - the same each time
    busy = max(1, tenants // 10)
    for begin in range(0, events, size):
        records = []
        for number in range(begin, min(begin + size, events)):
            many = chance.random() < 0.9
            tenant = chance.randrange(busy) if many else chance.randrange(busy, tenants)
            drawn = chance.random()
            name = "Bounce" if drawn < 0.01 else "Delivery" if drawn < 0.5 else "Send"
            at = BEGIN + timedelta(seconds=seconds * number / events)
            message = number - 1 if chance.random() < 0.001 else number
            records.append({"messageId": str(number), "body": _event(name, message, tenant, at)})
        yield {"Records": records}


_TYPES = {"Send": "Email Sent", "Delivery": "Email Delivered", "Bounce": "Email Bounced"}
# Like one of SES, with headers to be as long; made by hand, because a million have to be made.
_EVENT = json.dumps(
    {
        "version": "0", "id": "<id>", "detail-type": "<type>", "source": "aws.ses",
        "account": ACCOUNT, "time": "<time>", "region": "eu-central-1",
        "resources": [f"arn:aws:ses:eu-central-1:{ACCOUNT}:configuration-set/ses-tenant-events"],
        "detail": {
            "eventType": "<name>",
            "mail": {
                "timestamp": "<time>", "source": "info@<domain>", "sendingAccountId": ACCOUNT,
                "messageId": "<id>", "destination": ["someone@example.net"],
                "headers": [{"name": f"X-Header-{n}", "value": "v" * 60} for n in range(12)],
                "tags": {
                    "ses:operation": ["SendSmtpEmail"], "ses:from-domain": ["<domain>"],
                    "ses:caller-identity": ["ses-<domain>"],
                },
            },
            "<part>": {"timestamp": "<time>", "feedbackId": "<id>", "recipients": ["a@b.example"]},
        },
    }
)  # fmt: skip


def _event(name: str, number: int, tenant: int, at: datetime) -> str:
    filled = {
        "<id>": f"0107018f{number:040d}", "<type>": _TYPES[name], "<name>": name,
        "<part>": name.lower(), "<time>": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "<domain>": f"site{tenant}.example.com",
    }  # fmt: skip
    text = _EVENT
    for place, value in filled.items():
        text = text.replace(place, value)
    return text


@dataclass(frozen=True)
class Measured:
    """What a run came to; `peak_mb` is what a batch takes beside what there is already.

    Nothing is kept from one batch to the next but what is in the table.
    """

    events: int
    tenants: int
    batch: int
    seconds: float
    written: int
    read: int
    calls: int
    peak_mb: float

    @property
    def a_million(self) -> dict[str, float]:
        """Return dollars for a million events, by service."""
        scale = 1e6 / self.events
        return {
            "DynamoDB": scale * (self.written * WRITE + self.read * READ),
            "SQS": 1e6 * SQS_REQUESTS * SQS,
            # Of a processor the memory buys its share; a call of DynamoDB takes some 5 ms from
            # Lambda, eight at a time.
            "Lambda": scale
            * (self.seconds * 1.769 / MEMORY_GB + self.calls * 0.005 / 8)
            * (MEMORY_GB * GB_S)
            + 1e6 / self.batch * INVOKE,
        }

    def row(self) -> str:
        """Return a line of the table."""
        cost = self.a_million
        return (
            f"| {self.events:,} | {self.tenants:,} | {self.batch:,} "
            f"| {self.events / self.seconds:,.0f} | {self.written / self.events:.2f} "
            f"| {self.read / self.events:.2f} | {self.peak_mb:.0f} MB "
            f"| {cost['DynamoDB']:.2f} | {cost['SQS']:.2f} | {cost['Lambda']:.2f} "
            f"| {sum(cost.values()):.2f} |"
        )


HEAD = """\
| events | tenants | batch | events a second | write units an event | read units | batch's memory \
| DynamoDB $ a million | SQS $ | Lambda $ | together $ |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def measure(events: int, tenants: int, batch: int, seconds: float) -> Measured:
    """Hand events of `seconds` to the handler; making them is not measured."""
    table, spent = Table(), 0.0
    session = open_session(None, "eu-central-1", None, workers=1)
    clock = [BEGIN]
    watcher = Watcher(
        make_runtime(session, Process("benchmark", 0), now=lambda: clock[0]),
        WatchTable(cast("AwsSession", Session(table)), "eu-central-1"),
        Watch(dry=True), ACCOUNT, tell=lambda *_: None,
    )  # fmt: skip
    number = 0
    for one in batches(events, tenants, batch, seconds):
        number += len(one["Records"])
        clock[0] = BEGIN + timedelta(seconds=seconds * number / events)
        started = time.process_time()
        with redirect_stdout(StringIO()):
            watch.run(one, Context(), (watcher, list))
        spent += time.process_time() - started
    written, read, calls = table.written, table.read, table.calls
    counted = sum(
        item.get("sends", 0) + item.get("deliveries", 0) + item.get("bounces", 0)
        for partition in table.items.values()
        for sk, item in partition.items()
        if sk.startswith("h#")
    )
    if not 0.99 * events < counted <= events:
        raise AssertionError(f"{counted} events were counted of {events}")
    tracemalloc.start()
    (last,) = batches(batch, tenants, batch, seconds)
    with redirect_stdout(StringIO()):
        watch.run(last, Context(), (watcher, list))
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return Measured(events, tenants, batch, spent, written, read, calls, peak)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watch", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=5_000)
    parser.add_argument("--batches", type=int, nargs="+", default=[500])
    parser.add_argument("--seconds", type=float, default=3600, help="in how long they happen")
    given = parser.parse_args()
    sys.stdout.write(f"{HEAD}\n")
    for size in given.batches:
        row = measure(given.events, given.tenants, size, given.seconds).row()
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
