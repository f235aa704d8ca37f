"""What `plan` and `apply` share: how the accounts are opened, read and reported on."""

from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli.accounts import open_accounts
from ses_tenant.cli.consent import unread
from ses_tenant.cli.console import Console
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.wiring import make_runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_tenant.core.fleet.changes import TenantPlan
    from ses_tenant.core.fleet.fleet import Fleet
    from ses_tenant.core.tenant.credentials import Credentials
    from ses_tenant.core.tenant.spec import TenantSpec
    from ses_tenant.destinations.agreement import Consent
    from ses_tenant.operations.fleet import FleetPlan
    from ses_tenant.operations.many import Accounts

Prune = Annotated[
    bool,
    typer.Option(
        "--prune", help="Delete the tenants that the file does not name.", show_default=False
    ),
]
Workers = Annotated[int, typer.Option(min=1, max=64, help="How many tenants at the same time.")]


def open_fleet(
    fleet: "Fleet",
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    workers: int,
    force: bool = False,
    allowed: "Consent | None" = None,
) -> "Accounts":
    """Return the accounts of the file, opened; in none of them credentials are printed.

    Without `allowed` no command is run, and a destination that is one counts as unreadable.
    """
    return open_accounts(
        fleet, profile, region, endpoint_url, debug=debug, workers=workers,
        runtime_of=lambda session: make_runtime(
            session, _refuse_to_print, force=force, consent=allowed or unread()
        ),
    )  # fmt: skip


def read_plan(
    console: Console, fleet: "Fleet", accounts: "Accounts", *, prune: bool
) -> "FleetPlan":
    """Return the plan; raises the error of the account if there is only one."""
    from ses_tenant.operations import fleet as operation

    with console.progress("Reading tenants ...") as progress:
        planned = operation.plan(fleet, accounts, progress, prune=prune)
    if len(fleet.accounts) == 1 and planned.errors:
        raise planned.errors[0]
    return planned


def errors_of(plan: "FleetPlan", tenants: "Sequence[TenantPlan]") -> list[SesTenantError]:
    """Return all that failed: accounts, then tenants."""
    return [*plan.errors, *(tenant.error for tenant in tenants if tenant.error)]


def warnings_of(plan: "FleetPlan") -> list[Notice]:
    """Return the plan's warnings, and one that names the tenants which are not in the file."""
    unlisted = ", ".join(domain for _, domain in plan.unlisted)
    return [
        *plan.warnings,
        *(
            [Notice("not_in_file", f"Not in the file, and left as they are: {unlisted}.")]
            if unlisted
            else []
        ),
    ]


def _refuse_to_print(_spec: "TenantSpec", credentials: "Credentials") -> None:
    raise SesTenantError(ErrorCode.USAGE, f"{credentials.domain}: apply prints no credentials.")
