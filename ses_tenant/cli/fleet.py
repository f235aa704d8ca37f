"""What `plan` and `apply` share: how the accounts are opened, read and reported on."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli.accounts import open_accounts
from ses_tenant.cli.console import Console
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.fleet.changes import TenantPlan
    from ses_tenant.core.fleet.fleet import Fleet
    from ses_tenant.core.tenant.credentials import Credentials
    from ses_tenant.operations.fleet import AccountAccess, FleetPlan, World

Prune = Annotated[
    bool,
    typer.Option(
        "--prune", help="Delete the tenants that the file does not name.", show_default=False
    ),
]
Workers = Annotated[int, typer.Option(min=1, max=64, help="How many tenants at the same time.")]


def open_world(
    fleet: "Fleet",
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    workers: int,
    force: bool = False,
) -> "World":
    """Return the accounts of the file, opened, and what else the operations need."""
    from ses_tenant.operations.fleet import World
    from ses_tenant.operations.situation import this_process

    opened = open_accounts(fleet, profile, region, endpoint_url, debug=debug, workers=workers)
    return World(
        accounts={
            name: session if isinstance(session, SesTenantError) else _access(session, force=force)
            for name, session in opened.items()
        },
        sleep=time.sleep,
        now=lambda: datetime.now(UTC),
        me=this_process(),
    )


def read_plan(
    console: Console, fleet: "Fleet", world: "World", *, prune: bool, workers: int
) -> "FleetPlan":
    """Return the plan; raises the error of the account if there is only one."""
    from ses_tenant.operations import fleet as operation

    with console.progress("Reading tenants ..."):
        planned = operation.plan(fleet, world, prune=prune, workers=workers)
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


def _access(session: "AwsSession", *, force: bool) -> "AccountAccess":
    from ses_tenant.aws.iam import Iam
    from ses_tenant.destinations.registry import open_destination
    from ses_tenant.operations.fleet import AccountAccess

    def refuse(credentials: "Credentials") -> None:
        raise SesTenantError(ErrorCode.USAGE, f"{credentials.domain}: apply prints no credentials.")

    return AccountAccess(
        Iam(session),
        lambda spec: open_destination(spec, session, refuse, force=force),
        session.region,
    )
