"""`ses-tenant list`."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import FileOption, accounts, in_each, with_account
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.core.rotation.outlook import StateWord

if TYPE_CHECKING:
    from ses_tenant.operations.list_tenants import Listing

# Each tenant costs two requests, which take AWS's time, not ours.
_WORKERS = 32


class Order(StrEnum):
    """By what `list` can be sorted."""

    DOMAIN = "domain"
    STATE = "state"
    NEXT = "next"
    AGE = "age"
    USED = "used"


class ListOutput(StrEnum):
    """How `list` prints its result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


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
    state: Annotated[
        list[StateWord] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only tenants in this state, such as suspended; may be repeated.",
            show_default=False,
            autocompletion=lambda: list(StateWord),
        ),
    ] = None,
    due: Annotated[
        bool,
        typer.Option("--due", help="Only tenants whose next step is due.", show_default=False),
    ] = False,
    sort: Annotated[Order, typer.Option("--sort", help="By what to sort.")] = Order.DOMAIN,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: Annotated[
        ListOutput, typer.Option("--output", "-o", help="How to print the result.")
    ] = ListOutput.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """List all tenants, their state and what comes next.

    \b
      ses-tenant list
      ses-tenant list --due --sort next
      ses-tenant list --file tenants.toml
      ses-tenant list -o json | jq -r '.data.tenants[].domain'

    States: ok; rotating, while a site takes over its new key; old-key-off, until the old one is
    deleted; suspended; docs/rotation.md explains all. The date of the next step is by the default
    times of `rotate-keys`.

    Where an account has more than 100 tenants, their keys are shown as IAM's credential report has
    them: without their IDs, and up to four hours old. --fresh gives the exact answer.
    """
    opened = accounts(file, profile, region, endpoint_url, debug=debug, workers=_WORKERS)
    from ses_tenant.cli.listing import chosen, csv_text, table
    from ses_tenant.cli.render import tenant_data, timestamp
    from ses_tenant.operations import list_tenants as operation

    form = Output.JSON if output is ListOutput.JSON else Output.TABLE
    console, now = Console("list", form, quiet), datetime.now(UTC)
    with console.progress("Reading tenants ...") as progress:
        listings, errors = in_each(
            opened, lambda _, runtime: operation.list_tenants(runtime, progress, fresh=fresh)
        )
    tenants = [(name, tenant) for name, listing in listings for tenant in listing.tenants]
    if not tenants:
        console.note("There is no tenant yet. To make one: ses-tenant create shop.example.com")
    everything, tenants = tenants, chosen(tenants, state or (), sort, now, due=due)
    if everything and not tenants:
        console.note(f"None of {counted(len(everything), 'tenant')} is meant by these options.")
    text = ""
    if output is ListOutput.CSV:
        text = csv_text(tenants)
    elif output is ListOutput.TABLE and tenants:
        text = table(tenants, now)
    _tell_age(console, listings, now)
    status = status_of(errors, len(opened))
    console.result(
        {
            "as_of": timestamp(min(listing.as_of for _, listing in listings)),
            "tenants": [with_account(name, tenant_data(tenant)) for name, tenant in tenants],
        },
        text,
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
