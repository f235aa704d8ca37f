"""What `watch setup` and `watch remove` share: their options, and the way from plan to result."""

from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli.console import Console, exit_with, status_of
from ses_tenant.core.text import shown

if TYPE_CHECKING:
    from ses_tenant.aws.event_publishing import EventPublishing
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.operations.runtime import Runtime
    from ses_tenant.operations.watch_setup import Prepared

Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="AWS Region that sites send in; may be repeated.  [default: the profile's]",
        show_default=False,
    ),
]


def connect(
    profile: str | None, region: list[str] | None, endpoint_url: str | None, *, debug: bool
) -> "tuple[AwsSession, EventPublishing, tuple[str, ...]]":
    """Return the session, the calls on configuration sets, and the Regions to work in."""
    from ses_tenant.aws.event_publishing import EventPublishing
    from ses_tenant.cli.identity import options as i

    session, regions = i.connect(profile, region, endpoint_url, debug=debug)
    return session, EventPublishing(session), regions


def run(
    console: Console,
    runtime: "Runtime",
    publishing: "EventPublishing",
    prepared: "Prepared",
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Carry out what was prepared, after a question if it destroys something, and tell of it."""
    from ses_tenant.core.identity.events import NAME
    from ses_tenant.operations import watch_setup as operation

    steps = _steps(prepared)
    lines = [
        f"{'-' if step['destructive'] else '+'} {step['action']}: {shown(str(step['summary']))}\n"
        for step in steps
    ]
    if not dry_run and any(step["destructive"] for step in steps):
        question = f"Delete the configuration set {NAME}?"
        console.confirm(question, [line.rstrip() for line in lines], yes=yes)
    if not dry_run and steps:
        with console.progress("Working ..."):
            prepared = operation.carry_out(runtime, publishing, prepared)
    _tell(console, prepared, steps, dry_run=dry_run)
    errors = prepared.failures
    if len(prepared.regions) == len(errors) == 1 and not errors[0].partly_done:
        raise errors[0]
    status = status_of(errors, len(prepared.regions))
    console.result(
        {
            "configuration_set": NAME,
            "regions": [
                {"region": plan.region, "watched": list(plan.watched)} for plan in prepared.plans
            ],
            "steps": steps,
        },
        "".join(lines) if dry_run else "",
        [notice for plan in prepared.plans for notice in plan.notices],
        errors,
        status,
    )
    exit_with(status)


def _steps(prepared: "Prepared") -> list[dict[str, object]]:
    """Return all steps as JSON-able data, in order, each saying whose it is."""
    found: list[dict[str, object]] = [
        {
            "action": step.action,
            "summary": f"{sender.spec.domain}: {step.summary}",
            "destructive": step.destructive,
        }
        for sender in prepared.senders
        for step in sender.plan
    ]
    return found + [
        {"action": step.action, "summary": step.summary, "destructive": step.destructive}
        for plan in prepared.plans
        for step in plan.steps
    ]


def _tell(
    console: Console, prepared: "Prepared", steps: list[dict[str, object]], *, dry_run: bool
) -> None:
    if not dry_run and not prepared.failures:
        for step in steps:
            console.note(f"{shown(str(step['summary']))}: done")
    if not steps and not prepared.failures:
        console.note("nothing to change")
