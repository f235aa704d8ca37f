"""The function that counts SES's events: `ses_tenant.functions.watch.handler`.

SQS invokes it with batches of EventBridge events, and a schedule without any, to look for keys that
AWS has quarantined. docs/watch.md and examples/lambda/watch.yaml set it up.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ses_tenant.aws.quarantine import quarantined_users
from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.text import read_text
from ses_tenant.aws.topic import teller
from ses_tenant.aws.watch_store import DEFAULT_TABLE, WatchTable
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.tenants_file import parse_fleet
from ses_tenant.core.rotation.decision import duration
from ses_tenant.core.tenant.notes import Process
from ses_tenant.destinations.registry import file_checks
from ses_tenant.functions.boundary import guarded, log
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.functions.scheduled import TENANTS_FILE, Context
from ses_tenant.operations.runtime import Runtime
from ses_tenant.operations.watch import (
    Act,
    Did,
    Watch,
    Watcher,
    act_on_quarantined,
    decision_data,
    watch_of,
)
from ses_tenant.operations.watch_events import Message, handle

# Read again after so long, so that a new tenants file needs no new deployment.
_KEEP_FILE_S = 300
_LEFT_MS = 10_000
_QUIET = (Did.NOTHING, Did.TOLD_BEFORE, Did.SUSPENDED_BEFORE, Did.TRIAL)


def handler(event: Mapping[str, object], context: Context) -> Mapping[str, object]:
    """Count a batch, act, and return the messages that have to come again.

    What cannot be read comes again until SQS moves it to the dead-letter queue.
    """
    return guarded(lambda: run(event, context, _deployed(int(time.time() // _KEEP_FILE_S))))


def run(
    event: Mapping[str, object],
    context: Context,
    deployed: tuple[Watcher, Callable[[], Sequence[tuple[str, str]]]],
) -> Mapping[str, object]:
    """Do what one invocation is for, and log it. Raises SesTenantError."""
    watcher, quarantined = deployed
    records = event.get("Records")
    if not isinstance(records, list):
        acts = act_on_quarantined(watcher, quarantined())
        for act in acts:
            _log(act)
        log({"quarantined": len(acts)})
        failed = [act.error for act in acts if act.error]
        if failed:
            raise failed[0]
        return {"quarantined": len(acts)}
    done = handle(
        watcher,
        [_message(record) for record in records],
        lambda: context.get_remaining_time_in_millis() > _LEFT_MS,
    )
    for act in done.acts:
        _log(act)
    log({"watch": done.to_json()})
    return {"batchItemFailures": [{"itemIdentifier": failed} for failed in done.failed]}


def _message(record: Mapping[str, object]) -> Message:
    try:
        event: object = json.loads(str(record.get("body", "")))
    except (ValueError, RecursionError):
        event = None
    return Message(str(record["messageId"]), event)


@lru_cache(maxsize=1)
def _deployed(
    _period: int,
) -> tuple[Watcher, Callable[[], Sequence[tuple[str, str]]]]:
    """Return what the environment asks for; made anew in each period."""
    return deployed(os.environ, open_session(None, None, None))


def deployed(
    environ: Mapping[str, str],
    session: AwsSession,
    runtime_of: Callable[[AwsSession, Process], Runtime] = make_runtime,
) -> tuple[Watcher, Callable[[], Sequence[tuple[str, str]]]]:
    """Return who watches, as the environment says, and how to ask for quarantined keys.

    Raises SesTenantError `usage` for what is missing or malformed there, or in the tenants file.
    """
    topic = environ.get("SES_TENANT_WATCH_TOPIC", "")
    if session.region is None or topic.count(":") < 5:
        raise SesTenantError(
            ErrorCode.USAGE,
            "AWS_REGION or SES_TENANT_WATCH_TOPIC is not set.",
            "examples/lambda/watch.yaml sets both.",
        )
    where = environ.get(TENANTS_FILE)
    watch = Watch()
    if where:
        watch = watch_of(parse_fleet(read_text(session, where), where, file_checks()))
    watcher = Watcher(
        runtime=runtime_of(session, Process("lambda-watch", 0)),
        store=WatchTable(
            session, session.region, environ.get("SES_TENANT_WATCH_TABLE") or DEFAULT_TABLE
        ),
        watch=watch,
        account=topic.split(":")[4],
        tell=teller(session, topic),
    )
    first = environ.get("SES_TENANT_WATCH_DRY")
    if first:
        watcher = replace(watcher, dry_at_first=duration("SES_TENANT_WATCH_DRY", first))
    return watcher, lambda: quarantined_users(session)


def _log(act: Act) -> None:
    if act.error:
        log(
            {
                "tenant": act.tenant.domain,
                "did": "failed",
                "code": act.error.code,
                "error": act.error.message,
                "hint": act.error.hint,
            }
        )
    if act.decision is None or act.did in _QUIET:
        return
    decided = decision_data(act.tenant, act.decision)
    log({"tenant": decided.pop("domain"), "did": act.did, **decided, "events": list(act.events)})
