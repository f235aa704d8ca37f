"""`ses-tenant apply`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import DEFAULT_FILE, FileArgument, load_fleet
from ses_tenant.cli.consent import agree, consent
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.cli.fleet import Prune, Workers, errors_of, open_fleet, read_plan, warnings_of
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.operations.fleet import FleetPlan


def apply(
    file: FileArgument = DEFAULT_FILE,
    prune: Prune = False,
    workers: Workers = 24,
    force: o.Force = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)
    ] = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Make all tenants match the tenants file.

    \b
      ses-tenant apply
      ses-tenant apply --yes --quiet

    Creates, repairs, suspends and resumes tenants, and with --prune deletes those that the file
    does not name. Shows the plan and asks first. A tenant that fails does not stop the others: the
    status is 3 then, and the next run goes on where this one stopped.
    """
    fleet, console = load_fleet(file), Console("apply", output, quiet)
    requests = [tenant.request for tenant in fleet.tenants]  # the operator's own words
    accounts = open_fleet(
        fleet, profile, region, endpoint_url, debug=debug, workers=workers, force=force,
        allowed=consent(requests),
    )  # fmt: skip
    from ses_tenant.cli.render_fleet import fleet_data, fleet_text, summary_line
    from ses_tenant.core.fleet.changes import Change
    from ses_tenant.operations.fleet import carry_out

    planned = read_plan(console, fleet, accounts, prune=prune)
    _refuse_mistakes(planned)
    if planned.changes:
        text = fleet_text(planned, sys.stderr) + summary_line(planned, planned.tenants)
        if yes:
            console.note(text)
        console.confirm(
            f"Apply this to {counted(len(planned.changes), 'tenant')}?",
            text.splitlines(),
            yes=yes,
            why=f"This changes {counted(len(planned.changes), 'tenant')}",
            otherwise="see what it would do: ses-tenant plan",
        )
    agree(console, requests)
    with console.progress_bar("Applying ...") as progress:
        outcomes = carry_out(planned.changes, accounts, progress)
    done = {(t.account, t.domain): t for t in (*planned.tenants, *outcomes)}
    tenants = tuple(done.values())
    errors = errors_of(planned, tenants)
    status = status_of(errors, max(len(tenants), len(fleet.accounts)))
    failed = sum(t.error is not None for t in tenants)
    changed = sum(t.error is None and t.change is not Change.NONE for t in tenants)
    console.note(f"{counted(len(tenants), 'tenant')}, {changed} changed, {failed} failed")
    if any(t.records for t in outcomes if t.error is None):
        console.note("For the DNS records to add: ses-tenant identity records --format zone")
    console.result(fleet_data(planned, tenants), "", warnings_of(planned), errors, status)
    exit_with(status)


def _refuse_mistakes(planned: "FleetPlan") -> None:
    """Raise `usage`, before anything is written, if the file asks for what cannot be done."""
    mistaken = [t.error for t in planned.tenants if t.error and t.mistaken]
    if mistaken:
        raise SesTenantError(
            ErrorCode.USAGE,
            "\n".join(["Nothing was changed.", *(error.message for error in mistaken)]),
            mistaken[0].hint,
        )
