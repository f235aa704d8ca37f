"""`ses-tenant list`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import FileOption, accounts, in_each, with_account
from ses_tenant.cli.console import Console, Output, exit_with, status_of

if TYPE_CHECKING:
    from ses_tenant.operations.list_tenants import Listing


def list_tenants(
    file: FileOption = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Read every key, also of more than 100 tenants: two requests each.",
            show_default=False,
        ),
    ] = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """List all tenants, their state and what comes next.

    \b
      ses-tenant list
      ses-tenant list --file tenants.toml
      ses-tenant list -o json | jq -r '.data.tenants[].domain'

    Where an account has more than 100 tenants, their keys are shown as IAM's credential report has
    them: without their IDs, and up to four hours old. --fresh gives the exact answer.
    """
    opened = accounts(file, profile, region, endpoint_url, debug=debug)
    from ses_tenant.cli.render import listing_table, tenant_data, timestamp
    from ses_tenant.operations import list_tenants as operation

    console, now = Console("list", output, quiet), datetime.now(UTC)
    with console.progress("Reading tenants ...") as progress:
        listings, errors = in_each(
            opened, lambda _, runtime: operation.list_tenants(runtime, progress, fresh=fresh)
        )
    tenants = [(name, tenant) for name, listing in listings for tenant in listing.tenants]
    if not tenants:
        console.note("There is no tenant yet. To make one: ses-tenant create shop.example.com")
    _tell_age(console, listings, now)
    status = status_of(errors, len(opened))
    console.result(
        {
            "as_of": timestamp(min(listing.as_of for _, listing in listings)),
            "tenants": [with_account(name, tenant_data(tenant)) for name, tenant in tenants],
        },
        listing_table(tenants, now) if tenants and output is Output.TABLE else "",
        [warning for _, listing in listings for warning in listing.warnings],
        errors,
        status,
    )
    exit_with(status)


def _tell_age(
    console: Console, listings: "list[tuple[str | None, Listing]]", now: datetime
) -> None:
    from ses_tenant.operations.create import age

    for name, listing in listings:
        if listing.reported:
            console.note(
                f"{f'{name}: ' if name else ''}keys as of {age(listing.as_of, now)} ago, from the "
                "credential report; --fresh reads each of them."
            )
