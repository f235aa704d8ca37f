"""`ses-tenant watch test`."""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted
from ses_tenant.cli.streams import read_lines, why
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.watch.tally import Replay

_LONGEST_EVENT = 2**20  # EventBridge takes no larger one
_MAX_FILE = 2**30
_PATIENCE_S = 120


def watch_test(
    events: Annotated[
        str,
        typer.Option(
            "--events",
            metavar="FILE",
            help="EventBridge events, a JSON object a line; - for standard input.",
            show_default=False,
        ),
    ],
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="The tenants file with rules and tenants; without it the rules are the default.",
            show_default=False,
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(
            "--account",
            metavar="ID",
            help="The AWS account: events of any other are refused.",
            show_default=False,
        ),
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            metavar="TIME",
            help="Decide as at this time, in ISO 8601; without it at that of the newest event.",
            show_default=False,
        ),
    ] = None,
    deployed: Annotated[
        bool,
        typer.Option(
            "--deployed",
            help="Send the events, marked as a trial, through the rule and the function in AWS.",
            show_default=False,
        ),
    ] = False,
    table: Annotated[
        str, typer.Option("--table", metavar="NAME", help="The table of the deployed watch.")
    ] = "ses-tenant-watch",
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Tell what the rules would do about recorded events, offline.

    \b
      ses-tenant watch test --events events.jsonl
      ses-tenant watch test --events events.jsonl --file tenants.toml --account 123456789012
      ses-tenant watch test --events events.jsonl --deployed

    Each event counts once, for the tenant whose IAM user sent the mail, at the time when it
    happened. Nothing is suspended, and no rule is left out because the watch is dry.
    With --deployed the function in AWS decides, by its own tenants file; the events neither count
    there nor lead to anything.
    """
    from ses_tenant.cli.accounts import load_fleet
    from ses_tenant.core.watch.tally import replay
    from ses_tenant.operations.watch import watch_of

    console = Console("watch test", output, quiet)
    if account is not None and not re.fullmatch(r"[0-9]{12}", account):
        raise SesTenantError(
            ErrorCode.USAGE, f"'{account}' is not the ID of an AWS account, which has 12 digits."
        )
    at = _time(now)
    if deployed:
        if file is not None or account is not None:
            raise SesTenantError(
                ErrorCode.USAGE,
                "--deployed takes neither --file nor --account.",
                "The function in AWS has its own.",
            )
        session = o.connect(profile, region, endpoint_url, debug=debug)
        _try_deployed(console, session, list(_events(events)), at, table)
        return
    watch = watch_of(load_fleet(file) if file else None)
    with console.progress("Reading events ..."):
        done = replay(
            _events(events), account, watch.tenants, watch.rules, watch.limits,
            datetime.now(UTC), at,
        )  # fmt: skip
    console.result(_data(done), _text(done), _warnings(done))


def _try_deployed(
    console: Console, session: "AwsSession", events: list[object], at: datetime | None, table: str
) -> None:
    """Print what the deployed function decides. Raises SesTenantError."""
    import secrets
    import time

    from ses_tenant.aws.bus import EventBus
    from ses_tenant.aws.watch_store import WatchTable
    from ses_tenant.operations.watch_trial import newest, try_deployed

    if session.region is None:
        raise SesTenantError(ErrorCode.NO_REGION, "No AWS Region is configured.", "Add --region.")
    with console.progress("Waiting for the function ..."):
        trial = try_deployed(
            EventBus(session, session.region),
            WatchTable(session, session.region, table),
            events,
            secrets.token_hex(8),
            at or newest(events, datetime.now(UTC)),
            _PATIENCE_S,
            time.sleep,
        )
    warnings = []
    if trial.handled < trial.sent:
        text = (
            f"Of {trial.sent} events the function has handled {trial.handled} in {_PATIENCE_S} s: "
            "is its rule for the source ses-tenant.test there, and what does its log say?"
        )
        warnings.append(Notice("not_handled", text))
    lines = [f"{counted(trial.sent, 'event')} sent, {trial.handled} handled"]
    for decided in trial.decisions:
        lines += [f"{decided['domain']}: {decided['decision']}", f"  {decided['reason']}"]
    console.result(
        {
            "events": {"sent": trial.sent, "handled": trial.handled},
            "decisions": list(trial.decisions),
        },
        "".join(f"{line}\n" for line in lines),
        warnings,
    )


def _events(file: str) -> "Iterator[object]":
    """Yield what each line holds, None for what is no JSON."""
    try:
        for line in read_lines(None if file == "-" else file, _LONGEST_EVENT, _MAX_FILE):
            yield _parsed(line)
    except OSError as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The events in {file} cannot be read: {why(error)}.",
            "A file of events has one EventBridge event a line, as JSON.",
        ) from error


def _parsed(line: bytes | None) -> object:
    if line is None:
        return None
    try:
        found: object = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return found


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"--now: '{text}' is not a time.",
            "It looks like 2026-03-01T12:00:00Z.",
        ) from error


def _data(done: "Replay") -> dict[str, object]:
    from ses_tenant.operations.watch import decision_data

    return {
        "events": {
            name: getattr(done, name)
            for name in ("read", "counted", "duplicate", "late", "refused")
        },
        "decisions": [decision_data(*each) for each in done.decisions],
    }


def _text(done: "Replay") -> str:
    from ses_tenant.core.watch.rules import window_text

    came_to = ("counted", "duplicate", "late", "refused")
    parts = ", ".join(f"{getattr(done, name)} {name}" for name in came_to)
    lines = [f"{counted(done.read, 'event')} read: {parts}"]
    for tenant, decision in done.decisions:
        shown = ("sends", "bounces", "complaints", "rejects")
        counts = ", ".join(f"{getattr(decision.counts, name)} {name}" for name in shown)
        window = f" in {window_text(decision.window)}" if decision.window else ""
        lines += [f"{tenant.domain}: {decision.outcome.value}", f"  {counts}{window}"]
        if decision.rule:
            lines += [f"  rule: {decision.rule}", f"  {decision.reason}"]
    return "".join(f"{line}\n" for line in lines)


def _warnings(done: "Replay") -> list[Notice]:
    if not done.strangers:
        return []
    from ses_tenant.core.text import shown

    named = sorted(shown(name) for name in done.strangers if name is not None)
    names = ", ".join(named[:5]) + (", ..." if len(named) > 5 else "")
    number = sum(done.strangers.values())
    text = f"{counted(number, 'event')} of no tenant"
    text += f", sent by {names}" if names else ""
    if None in done.strangers:
        text += "; some do not say who sent, as those that passed no configuration set"
    return [Notice("no_tenant", f"{text}.")]
