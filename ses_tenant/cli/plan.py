"""`ses-tenant plan`."""

import sys
from typing import Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import DEFAULT_FILE, FileArgument, load_fleet
from ses_tenant.cli.console import Console, Output, exit_with, status_of, write_stdout
from ses_tenant.cli.fleet import Prune, Workers, errors_of, open_fleet, read_plan, warnings_of
from ses_tenant.core.errors import ExitStatus


def plan(
    file: FileArgument = DEFAULT_FILE,
    prune: Prune = False,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            help="Print the JSON Schema of the file, for editors, and stop.",
            show_default=False,
        ),
    ] = False,
    workers: Workers = 24,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Show what `apply` would change to match the tenants file.

    \b
      ses-tenant plan
      ses-tenant plan sites/tenants.toml -o json
      ses-tenant plan --schema > tenants.schema.json

    Ends with status 4 if anything would change, 0 if nothing. It writes nothing.
    """
    if schema:
        write_stdout(_schema())
        return
    fleet, console = load_fleet(file), Console("plan", output, quiet)
    accounts = open_fleet(fleet, profile, region, endpoint_url, debug=debug, workers=workers)
    from ses_tenant.cli.render_fleet import fleet_data, fleet_text, summary_line

    planned = read_plan(console, fleet, accounts, prune=prune)
    errors = errors_of(planned, planned.tenants)
    status = status_of(errors, max(len(planned.tenants), len(fleet.accounts)))
    if status is ExitStatus.OK and planned.changes:
        status = ExitStatus.FINDINGS
    console.result(
        fleet_data(planned, planned.tenants),
        fleet_text(planned, sys.stdout) + summary_line(planned, planned.tenants) + "\n",
        warnings_of(planned),
        errors,
        status,
    )
    exit_with(status)


def _schema() -> str:
    import json

    from ses_tenant.destinations.registry import fleet_schema

    return json.dumps(fleet_schema(), indent=2) + "\n"
