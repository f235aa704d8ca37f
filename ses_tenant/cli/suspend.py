"""`ses-tenant suspend` and `ses-tenant resume`."""

import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import completion
from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, exit_with, status_of
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.text import shown
from ses_tenant.wiring import make_runtime

if TYPE_CHECKING:
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant.notes import Reason
    from ses_tenant.operations.runtime import Runtime
    from ses_tenant.operations.suspend import Prepare

_Domains = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DOMAIN",
        help="Sending domains.",
        show_default=False,
        autocompletion=completion.tenants,
    ),
]
_All = Annotated[bool, typer.Option("--all", help="Every tenant.", show_default=False)]


def suspend(
    domains: _Domains = None,
    all_: _All = False,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", help="Why, for `show` and `list`.", show_default=False
        ),
    ] = None,
    dry_run: o.DryRun = False,
    _yes: o.AsksNothing = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Stop sites from sending at once: for the day one is hacked.

    \b
      ses-tenant suspend shop.example.com --reason "sends to bought lists"
      ses-tenant suspend --all

    Attaches a policy that denies everything and makes every access key Inactive. It lasts until
    `resume`, whatever other command is run meanwhile. AWS may need some seconds to act on it.
    """
    from ses_tenant.operations.suspend import prepare_suspend

    targets = _targets(domains, profile, region, endpoint_url, everyone=all_)
    why = _reason(reason)
    session = o.connect(profile, region, endpoint_url, debug=debug)
    console = Console("suspend", output, quiet)
    prepare = partial(prepare_suspend, reason=why) if why else prepare_suspend
    _run(console, make_runtime(session), targets, prepare, "suspended", dry_run=dry_run)


def resume(
    domains: _Domains = None,
    all_: _All = False,
    dry_run: o.DryRun = False,
    _yes: o.AsksNothing = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Let suspended sites send again, with the keys they had.

    \b
      ses-tenant resume shop.example.com

    Tells since when and why a site was suspended, if that was noted. After a break-in, next:
    `rotate-keys --compromised`, because somebody else has the keys.
    """
    from ses_tenant.operations.suspend import prepare_resume

    targets = _targets(domains, profile, region, endpoint_url, everyone=all_)
    session = o.connect(profile, region, endpoint_url, debug=debug)
    console = Console("resume", output, quiet)
    _run(console, make_runtime(session), targets, prepare_resume, "resumed", dry_run=dry_run)


def _targets(
    domains: list[str] | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    everyone: bool,
) -> "list[SendingDomain] | None":
    """Return the domains named, or None for every tenant."""
    if bool(domains) == everyone:
        raise SesTenantError(
            ErrorCode.USAGE,
            "Name the tenants, or give --all." if not everyone else "Name tenants or give --all.",
            "ses-tenant list shows all tenants.",
        )
    if everyone:
        return None
    return o.tenants_named(domains or (), profile, region, endpoint_url)


def _reason(text: str | None) -> "Reason | None":
    """Return the reason that was given. Raises SesTenantError `usage` if no tag can hold it."""
    if text is None:
        return None
    from ses_tenant.core.tenant.notes import By, Reason

    reason = Reason(datetime.now(UTC).replace(microsecond=0), By.PERSON, " ".join(text.split()))
    if not reason.text or Reason.parse(reason.to_tag()) != reason:
        raise SesTenantError(
            ErrorCode.USAGE,
            "The reason is empty." if not reason.text else "The reason is too long for a tag.",
            'Give one short sentence: --reason "sends to bought lists"',
        )
    return reason


def _them(domains: list[str]) -> str:
    return "it" if len(domains) == 1 else "them"


def _run(
    console: Console,
    runtime: "Runtime",
    targets: "list[SendingDomain] | None",
    prepare: "Prepare",
    word: str,
    *,
    dry_run: bool,
) -> None:
    from ses_tenant.cli.render import plan_data, plan_text, reason_data
    from ses_tenant.operations import suspend as operation

    with console.progress("Working ...") as progress:
        chosen = operation.targets(runtime.iam, targets)
        work = operation.plan_all if dry_run else operation.carry_out_all
        done = work(runtime, prepare, chosen, progress)
    errors = [s.error for s in done if s.error]
    status = status_of(errors, len(done))
    if len(done) == 1 and errors and not errors[0].partly_done:
        raise errors[0]
    for s in done:
        if not s.error and not dry_run:
            was = f"; it was suspended {s.reason}" if s.reason and word == "resumed" else ""
            told = f"{s.domain}: {word}{was}" if s.plan else f"{s.domain}: nothing to change"
            console.note(shown(told))
    stopped = [s.domain for s in done if not s.error and word == "suspended"]
    if stopped and not dry_run:
        named = " ".join(stopped) if targets is not None else "--all"
        console.note(f"To let {_them(stopped)} send again: ses-tenant resume {named}")
    console.result(
        {
            "tenants": [
                {
                    "domain": s.domain,
                    word: not dry_run and s.error is None,
                    "reason": reason_data(s.reason),
                    "steps": plan_data(s.plan),
                }
                for s in done
            ]
        },
        "".join(f"{s.domain}\n{plan_text(s.plan, sys.stdout)}" for s in done) if dry_run else "",
        errors=errors,
        exit_status=status,
    )
    exit_with(status)
