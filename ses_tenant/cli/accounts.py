"""The accounts that a command works on: those of a tenants file, or the one of the options.

A verb that takes --file opens them and hands them to its operation:

    opened = accounts(file, profile, region, endpoint_url, debug=debug)
    results, errors = in_each(opened, lambda name, runtime: ...)

`name` is None without --file: then there is one account, and no account column.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.streams import read_input
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.wiring import make_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.fleet.fleet import Fleet
    from ses_tenant.operations.many import Accounts
    from ses_tenant.operations.runtime import Runtime

_MAX_FILE = 8 * 2**20

T = TypeVar("T")

DEFAULT_FILE = "tenants.toml"

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="The tenants file.", show_default=True)
]
FileOption = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Work on all accounts of this tenants file.",
        show_default=False,
    ),
]


def load_fleet(file: str) -> "Fleet":
    """Return what a tenants file says.

    Raises SesTenantError `usage` for a file that cannot be read, and for all mistakes in it.
    """
    from ses_tenant.core.fleet.tenants_file import parse_fleet
    from ses_tenant.destinations.registry import file_checks

    try:
        text = read_input(file, _MAX_FILE).decode()
    except OSError as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The tenants file {file} cannot be read: {error.strerror or type(error).__name__}.",
            "Name it, or begin one with the tenants there are: ses-tenant export > tenants.toml",
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SesTenantError(
            ErrorCode.USAGE,
            f"{file}:{line}: not UTF-8, as TOML has to be.",
            "Save the file as UTF-8.",
        ) from error
    return parse_fleet(text, Path(file).name, file_checks())


def accept_of(file: str | None, fleet: "Fleet | None") -> str | None:
    """Return the path of the file of accepted findings that a tenants file names, beside it."""
    if file is None or fleet is None or fleet.accept is None:
        return None
    return str(Path(file).parent / fleet.accept)


def open_accounts(
    fleet: "Fleet",
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    workers: int = 8,
    runtime_of: "Callable[[AwsSession], Runtime]" = make_runtime,
) -> "dict[str | None, Runtime | SesTenantError]":
    """Return each account of the file, or why it cannot be opened, by name.

    An account without a profile of its own takes that of the options, so does one whose role is
    to be assumed. A profile with an MFA device asks for its code here, one after the other.
    """
    opened: dict[str | None, Runtime | SesTenantError] = {}
    for name, account in fleet.accounts.items():
        try:
            session = o.connect(
                account.profile or profile,
                region or next(iter(account.regions), None),
                endpoint_url,
                debug=debug,
                workers=workers,
                role_arn=account.role_arn,
            )
            session.check_regions(tuple(_regions_of(fleet, name)))
            session.load_credentials()
            opened[name] = runtime_of(session)
        except SesTenantError as error:
            opened[name] = error
    return opened


def _regions_of(fleet: "Fleet", account: str) -> dict[str, None]:
    regions = dict.fromkeys(fleet.accounts[account].regions)
    for tenant in fleet.of(account):
        regions |= dict.fromkeys(tenant.request.regions or ())
    return regions


def accounts(
    file: str | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    workers: int = 8,
) -> "Accounts":
    """Return the accounts to work on by name, or the error that kept one closed.

    Without a file that is one account without a name, and an error is raised.
    """
    if file is None:
        session = o.connect(profile, region, endpoint_url, debug=debug, workers=workers)
        return {None: make_runtime(session)}
    fleet = load_fleet(file)
    return open_accounts(fleet, profile, region, endpoint_url, debug=debug, workers=workers)


def owners_of(
    fleet: "Fleet", file: str, domains: "Sequence[SendingDomain]"
) -> "dict[SendingDomain, str | None]":
    """Return in which account the file has each of these tenants.

    Raises SesTenantError `not_found` for one that it does not name.
    """
    from ses_tenant.core.tenant.similar import meant

    known: dict[SendingDomain, str | None] = {t.domain: t.account for t in fleet.tenants}
    for domain in domains:
        if domain not in known:
            raise SesTenantError(
                ErrorCode.NOT_FOUND,
                f"{file} names no tenant {domain}.",
                (
                    f"Did you mean {' or '.join(found)}?"
                    if (found := meant(domain.name, (d.name for d in known)))
                    else "Add it to the file, or leave --file out."
                ),
            )
    return {domain: known[domain] for domain in domains}


def in_each(
    accounts: "Accounts", work: "Callable[[str | None, Runtime], T]"
) -> tuple[list[tuple[str | None, T]], list[SesTenantError]]:
    """Return what `work` gives for each account, by name, and the failures of the others.

    Raises the first failure if no account is left.
    """
    from ses_tenant.operations.many import each_account, of_account

    results, failed = each_account(accounts, work)
    errors = [of_account(name, error) for name, error in failed]
    if errors and not results:
        raise errors[0]
    return results, errors


def with_account(name: str | None, data: dict[str, object]) -> dict[str, object]:
    """Return JSON-able data with the account's name first, where there are several."""
    return ({"account": name} if name else {}) | data
