"""From the operations' results to JSON-able data and to tables."""

import io
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ses_tenant.cli.terminal import coloured, colours, wrapped
from ses_tenant.core.rotation.outlook import WORDS
from ses_tenant.core.tenant.naming import SENDING_POLICY
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus, ReportedKey
from ses_tenant.core.tenant.policy import sender_patterns
from ses_tenant.core.tenant.spec import SENDING, STDOUT
from ses_tenant.core.tenant.steps import Deliver
from ses_tenant.core.text import shown
from ses_tenant.operations.create import age

if TYPE_CHECKING:
    from typing import TextIO

    from ses_tenant.core.tenant.credentials import Credentials
    from ses_tenant.core.tenant.notes import Reason
    from ses_tenant.core.tenant.spec import TenantSpec
    from ses_tenant.core.tenant.steps import BaseStep, Plan
    from ses_tenant.operations.list_tenants import TenantSummary
    from ses_tenant.operations.rotate import Turn
    from ses_tenant.operations.ses_tenants import Seen
    from ses_tenant.operations.show import TenantDetails


def timestamp(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plan_data(plan: "Iterable[BaseStep]") -> list[dict[str, object]]:
    """Return the steps as JSON-able data; printing the result is no step."""
    return [
        {"action": step.action, "summary": step.summary, "destructive": step.destructive}
        for step in _calls(plan)
    ]


def plan_lines(plan: "Iterable[BaseStep]") -> list[str]:
    """Return the steps' summaries."""
    return [step.summary for step in _calls(plan)]


def plan_text(plan: "Iterable[BaseStep]", stream: "TextIO") -> str:
    """Return the steps for people, a line each, the destructive ones marked, in red as well."""
    return "".join(f"{step_text(step, stream)}\n" for step in _calls(plan))


def step_text(step: "BaseStep", stream: "TextIO") -> str:
    """Return a step as a line."""
    told = f"{step.action}: {shown(step.summary)}"
    return coloured(f"- {told}", "red", stream) if step.destructive else f"+ {told}"


def create_data(
    spec: "TenantSpec", plan: "Plan", user_arn: str | None, credentials: "Credentials | None"
) -> dict[str, object]:
    """Return `data` of `create`."""
    return {
        "domain": spec.domain.name,
        "user_name": spec.user_name,
        "user_arn": user_arn,
        "interface": spec.interface.value,
        "policy_name": SENDING_POLICY,
        "regions": list(spec.regions),
        "destination": spec.destination,
        "credentials": credentials_data(credentials, spec.destination) if credentials else None,
        "steps": plan_data(plan),
    }


def tenant_data(tenant: "TenantSummary") -> dict[str, object]:
    """Return one element of `data.tenants` of `list`."""
    return {
        "domain": tenant.domain,
        "user_name": tenant.user_name,
        "user_arn": tenant.user_arn,
        "interface": tenant.interface,
        "state": tenant.state.value if tenant.state else None,
        "regions": list(tenant.regions),
        "destination": tenant.destination,
        "access_keys": (
            None if tenant.access_keys is None else [_key_data(key) for key in tenant.access_keys]
        ),
        "reason": reason_data(tenant.reason),
    }


def reason_data(reason: "Reason | None") -> dict[str, object] | None:
    """Return why a tenant is suspended, or was, as JSON-able data."""
    if reason is None:
        return None
    return {"at": timestamp(reason.at), "by": reason.by.value, "text": reason.text}


def details_data(details: "TenantDetails") -> dict[str, object]:
    """Return `data` of `show`."""
    observed = details.observed
    extra = observed.attachments
    return {
        **tenant_data(details.summary),
        "path": observed.user.path,
        "created_at": timestamp(observed.user.created_at),
        "permissions_boundary": observed.user.permissions_boundary,
        "tags": dict(observed.user.tags),
        **{s.field: s.data(details.spec.value(s)) for s in SENDING},
        "policy": observed.sending_policy,
        "inline_policies": list(observed.inline_policies),
        "attached_policies": list(extra.managed_policies) if extra else [],
        "groups": list(extra.groups) if extra else [],
        "ses_tenants": [
            {
                "region": seen.region,
                "name": seen.name,
                "status": seen.found.status if seen.found else None,
                "error": seen.error.code.value if seen.error else None,
            }
            for seen in details.ses_tenants
        ],
        "drift": list(details.drift),
    }


def turn_data(turn: "Turn", *, dry_run: bool) -> dict[str, object]:
    """Return one element of `data.tenants` of `rotate-keys`.

    `state` is the one that the tenant comes to, or with a dry run the one it is found in.
    """
    decision, credentials = turn.decision, turn.credentials
    if decision is None or turn.error:
        return {
            "domain": turn.domain,
            "state": decision.found.value if decision else None,
            "action": "failed",
            "access_key_id": credentials.access_key_id if credentials else None,
            "next_step": "resolve",
            "next_step_at": None,
            **_printed(turn),
        }
    return {
        "domain": turn.domain,
        "state": (decision.found if dry_run else decision.state).value,
        "action": decision.action.value,
        "access_key_id": credentials.access_key_id if credentials else decision.access_key_id,
        "next_step": decision.next_step.value if decision.next_step else None,
        "next_step_at": timestamp(decision.next_step_at) if decision.next_step_at else None,
        **_printed(turn),
        **({"steps": plan_data(decision.plan)} if dry_run else {}),
    }


def _printed(turn: "Turn") -> dict[str, object]:
    """Return the credentials of a turn whose destination is stdout, as one more key."""
    if turn.credentials is None or turn.spec is None or turn.spec.destination != STDOUT:
        return {}
    return {"credentials": credentials_data(turn.credentials, STDOUT)}


def turn_text(turn: "Turn", now: datetime, *, dry_run: bool) -> str:
    """Return one line on a tenant's turn in `rotate-keys`."""
    decision = turn.decision
    if decision is None or turn.error:
        return f"{turn.domain}: failed"
    state = decision.found if dry_run else decision.state
    did = "" if decision.action == "none" else f", {decision.action.value}"
    key = turn.credentials.access_key_id if turn.credentials else decision.access_key_id
    at = decision.next_step_at
    when = "" if at is None else " now" if at <= now else f" in {ahead(now, at)}"
    then = f"; next: {decision.next_step.value}{when}" if decision.next_step else ""
    return f"{turn.domain}: {state.value}{did}{f' {key}' if key else ''}{then}"


def details_text(details: "TenantDetails", now: datetime) -> str:
    """Return `show` for people."""
    observed, summary, sending = details.observed, details.summary, details.spec.sending
    keys = [
        f"{key.access_key_id}  {key.status}, created {age(key.created_at, now)} ago, "
        f"{'last used ' + _used(key, now) + ' ago' if key.last_used_at else 'never used'}"
        for key in details.access_keys
    ]
    scope = [
        *([f"bounces also to *@{sending.return_path}"] if sending.return_path else []),
        *(["only through its own identities"] if sending.scope == "identity" else []),
        *(f"only with configuration set {name}" for name in sending.configuration_sets),
        *(f"may read {name}" for name in sending.allow_read),
    ]
    tags = [f"{key} = {value}" for key, value in sorted(observed.user.tags.items())]
    sections: dict[str, list[str]] = {
        "Domain": [summary.domain],
        "State": [
            *state_lines(summary, now),
            *([str(summary.reason)] if summary.reason else []),
        ],
        "IAM user": [summary.user_name],
        "Created": [timestamp(observed.user.created_at)],
        "Interface": [summary.interface or "?"],
        "Regions": [" ".join(summary.regions) or "?"],
        "Delivered": ["to stdout" if summary.destination == "-" else summary.destination],
        "Boundary": [observed.user.permissions_boundary or "none"],
        **(
            {"SES tenant": list(map(_of_ses_tenant, seen))} if (seen := details.ses_tenants) else {}
        ),
        "Sends as": [*sender_patterns(details.spec), *scope],
        "Keys": keys or ["none"],
        "Tags": tags,
        "Drift": list(details.drift) or ["none"],
    }
    return "".join(
        wrapped(f"{name if number == 0 else '':<11}{shown(line)}", sys.stdout, indent=11) + "\n"
        for name, lines in sections.items()
        for number, line in enumerate(lines)
    )


def _of_ses_tenant(seen: "Seen") -> str:
    if seen.error:
        return f"{seen.name} in {seen.region}: not read. {seen.error.message}"
    return f"{seen.name}, {seen.found.status if seen.found else 'not there'} in {seen.region}"


def state_lines(tenant: "TenantSummary", now: datetime) -> list[str]:
    """Return the state of a tenant's keys in words, and what comes next, for `show`."""
    if tenant.state is None or tenant.next_step is None:
        return ["?"]
    at = tenant.next_step_at
    when = "" if at is None else " now" if at <= now else f" in {ahead(now, at)}, on {at:%Y-%m-%d}"
    word = WORDS[tenant.state].replace("-", " ")
    return [f"{word} ({tenant.state.value})", f"next: {tenant.next_step.value}{when}"]


def ahead(now: datetime, then: datetime) -> str:
    """Return the time until a moment, rounded to the nearest: `90 d` a second after it began."""
    seconds = (then - now).total_seconds()
    size = next((s for s in (86400, 3600, 60) if seconds >= s - s / 48), 1)
    return age(now, now + timedelta(seconds=max(1, round(seconds / size)) * size))


def _calls(plan: "Iterable[BaseStep]") -> list["BaseStep"]:
    return [s for s in plan if not (isinstance(s, Deliver) and s.destination == STDOUT)]


def _used(key: AccessKey | ReportedKey, now: datetime) -> str:
    return age(key.last_used_at, now) if key.last_used_at else "never"


def _key_data(key: AccessKey | ReportedKey) -> dict[str, object]:
    """Return a key; the credential report does not tell its ID."""
    created_at = _created_at(key)
    status = KeyStatus.ACTIVE if key.active else KeyStatus.INACTIVE
    return {
        "access_key_id": key.access_key_id if isinstance(key, AccessKey) else None,
        "status": (key.status if isinstance(key, AccessKey) else status).value,
        "created_at": timestamp(created_at) if created_at else None,
        "last_used_at": timestamp(key.last_used_at) if key.last_used_at else None,
    }


def _created_at(key: AccessKey | ReportedKey) -> datetime | None:
    """Return when the key was made; the report has the last change of its status instead."""
    return key.created_at if isinstance(key, AccessKey) else key.changed_at


def credentials_data(credentials: "Credentials", destination: str) -> dict[str, object]:
    """Return credentials as JSON-able data; with secrets only if stdout is the destination."""
    shown = destination == STDOUT
    secret = credentials.secret_access_key
    return {
        "access_key_id": credentials.access_key_id,
        **({"secret_access_key": secret} if shown and secret is not None else {}),
        "smtp": [
            {
                "region": smtp.region,
                "host": smtp.host,
                "port": smtp.port,
                "user_name": smtp.user_name,
                **({"password": smtp.password} if shown else {}),
            }
            for smtp in credentials.smtp
        ],
    }


def table_width() -> int:
    """Return how wide a table may be: as the terminal, else 80 columns."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return shutil.get_terminal_size().columns
    return 80


def table_text(
    columns: Iterable[str],
    rows: Sequence[Sequence[str]],
    styles: "Mapping[int, Sequence[str]] | None" = None,
) -> str:
    """Return a table of rows under columns; it fits the terminal, or 80 columns.

    `styles` has for a column the colour of each row.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    rows = [["\n".join(shown(line) for line in cell.split("\n")) for cell in row] for row in rows]
    first, *others = columns
    table.add_column(first, overflow="fold")
    for number, column in enumerate(others, start=1):
        # Given, because measuring thousands of cells takes as long as printing them.
        width = max(len(line) for row in rows for line in (column, *row[number].split("\n")))
        table.add_column(column, no_wrap=True, width=width)
    styles = styles or {}
    for number, row in enumerate(rows):
        cells = enumerate(row)
        table.add_row(
            *(Text(cell, styles[place][number] if place in styles else "") for place, cell in cells)
        )
    terminal = sys.stdout.isatty()
    buffer = io.StringIO()
    Console(
        file=buffer,
        width=table_width(),
        force_terminal=terminal,
        no_color=not colours(sys.stdout),
        color_system="standard" if colours(sys.stdout) else None,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
