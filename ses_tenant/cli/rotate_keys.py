"""`ses-tenant rotate-keys`."""

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import completion
from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import (
    FileOption,
    load_fleet,
    open_accounts,
    owners_of,
    with_account,
)
from ses_tenant.cli.consent import consent
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of, write_stdout
from ses_tenant.core.errors import ErrorCode, ExitStatus, SesTenantError
from ses_tenant.wiring import make_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.rotation.decision import RotationOptions
    from ses_tenant.core.tenant.credentials import Credentials
    from ses_tenant.core.tenant.spec import TenantSpec
    from ses_tenant.operations.many import Accounts
    from ses_tenant.operations.rotate_all import Planned, Wanted
    from ses_tenant.operations.runtime import Runtime

    # The keys whose secrets are still to be printed, each with what deletes it.
    _Unprinted = list[tuple[Runtime, Credentials]]


def _flag(name: str, text: str) -> typer.models.OptionInfo:
    return typer.Option(name, help=text, show_default=False)  # type: ignore[no-any-return]


def rotate_keys(
    domains: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DOMAIN",
            help="Tenants to rotate at any age; without one, all that are due.",
            show_default=False,
            autocompletion=completion.tenants,
        ),
    ] = None,
    file: FileOption = None,
    max_age: Annotated[
        str, typer.Option(metavar="TIME", help="Without DOMAIN: rotate keys that are older.")
    ] = "90d",
    grace: Annotated[
        str, typer.Option(metavar="TIME", help="How long the old key works beside the new one.")
    ] = "24h",
    quarantine: Annotated[
        str, typer.Option(metavar="TIME", help="How long the old key stays Inactive, undeleted.")
    ] = "7d",
    finish: Annotated[
        bool, _flag("--finish", "The site has the new key: end the grace time now.")
    ] = False,
    abort: Annotated[bool, _flag("--abort", "Delete the new key, which no site has yet.")] = False,
    rollback: Annotated[
        bool, _flag("--rollback", "Make the deactivated key Active again.")
    ] = False,
    compromised: Annotated[
        bool, _flag("--compromised", "New key, and deactivate all older ones at once.")
    ] = False,
    reactivate: Annotated[
        str | None,
        typer.Option("--reactivate", metavar="KEY", help="Make this access key Active."),
    ] = None,
    force: Annotated[
        bool, _flag("--force", "Go on although the old key is in use, or the state is unclear.")
    ] = False,
    verify: o.Verify = True,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="How many tenants at the same time.")
    ] = 8,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Replace access keys in steps: no site holds a dead key.

    \b
      ses-tenant rotate-keys
      ses-tenant rotate-keys shop.example.com
      ses-tenant rotate-keys shop.example.com --finish
      ses-tenant rotate-keys --yes --quiet
      ses-tenant rotate-keys --file tenants.toml

    Each run does the next step that is due: a new key is issued, delivered and verified; after
    the grace time, and once the old key is no longer used, it is deactivated; after the
    quarantine it is deleted. Run it daily from cron with --yes. Times: 0s, 30m, 24h, 7d.
    """
    options = _options(
        max_age, grace, quarantine, finish, abort, rollback, compromised, reactivate, force,
        named=bool(domains),
    )  # fmt: skip
    targets = o.tenants_named(domains or (), profile, region, endpoint_url)
    console = Console("rotate-keys", output, quiet)
    unprinted: _Unprinted = []
    accounts, wanted = _accounts(
        console, file, targets, options, profile, region, endpoint_url, unprinted, debug=debug,
        workers=workers, dry_run=dry_run,
    )  # fmt: skip
    from ses_tenant.operations import rotate_all as operation
    from ses_tenant.operations.many import of_account

    with console.progress("Reading tenants ..."):
        found = operation.look(accounts, wanted)
        planned = operation.plan_all(found.due)
    errors = [of_account(name, error) for name, error in found.errors]
    if errors and not found.settled and not planned:
        raise errors[0]
    if not dry_run:
        _confirm(console, planned, yes=yes)
    with _taken_back_unless_printed(unprinted):
        if not dry_run:
            with console.progress("Rotating keys ...") as progress:
                planned = operation.carry_out_all(planned, progress, verify=verify)
        done = [*found.settled, *planned]
        done.sort(key=lambda one: (one.account or "", one.turn.domain))
        status = _report(console, done, errors, dry_run=dry_run)
    exit_with(status)


@contextmanager
def _taken_back_unless_printed(unprinted: "_Unprinted") -> "Iterator[None]":
    """Delete the keys whose secrets wait for the JSON document, if it is not printed whole.

    The document is the delivery of what goes to stdout: nobody has what stood in it.
    """
    try:
        yield
    except BaseException as error:
        if not unprinted:
            raise
        from ses_tenant.operations.apply import take_back

        outcomes = [
            f"{credentials.domain}: {take_back(runtime, *_key_of(credentials))[1]}"
            for runtime, credentials in unprinted
        ]
        told = " ".join(outcomes)
        if isinstance(error, KeyboardInterrupt):
            raise SesTenantError(
                ErrorCode.INTERRUPTED,
                f"Interrupted before the result was printed. {told}",
                "Run the same command again: it goes on where this run stopped.",
            ) from error
        if isinstance(error, OSError):
            raise SesTenantError(
                ErrorCode.DESTINATION_UNAVAILABLE,
                f"The result could not be written: {error.strerror or type(error).__name__}. "
                f"{told}",
                "Make room, then run the same command again.",
            ) from error
        raise


def _key_of(credentials: "Credentials") -> tuple[str, str]:
    return credentials.user_name, credentials.access_key_id


def _confirm(console: Console, planned: "Sequence[Planned]", *, yes: bool) -> None:
    from ses_tenant.cli.render import plan_text

    destructive = [p.turn for p in planned if any(step.destructive for step in p.turn.plan)]
    if destructive:
        lines = "".join(
            f"{turn.domain}\n{plan_text(turn.plan, sys.stderr)}" for turn in destructive
        )
        console.confirm("Delete these keys?", lines.splitlines(), yes=yes)


def _accounts(
    console: Console,
    file: str | None,
    targets: "list[SendingDomain]",
    options: "RotationOptions",
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    unprinted: "_Unprinted",
    *,
    debug: bool,
    workers: int,
    dry_run: bool,
) -> "tuple[Accounts, Mapping[str | None, Wanted]]":
    """Return the accounts, and what is wanted in each.

    Without a file that is every tenant of the one account; with a file, the tenants that it names,
    at the age that it gives each. `unprinted` is told whose credentials are still to be printed.
    """
    from ses_tenant.operations.rotate_all import Wanted, wanted_of

    fleet = load_fleet(file) if file is not None else None
    requests = [tenant.request for tenant in fleet.tenants] if fleet else []
    allowed = None if dry_run else consent(requests)

    def runtime_of(session: "AwsSession") -> "Runtime":
        def show(spec: "TenantSpec", credentials: "Credentials") -> None:
            # In JSON they stand in the one document at the end.
            if console.output is not Output.TABLE:
                unprinted.append((runtime, credentials))
                return
            from ses_tenant.destinations.formats import get_format

            write_stdout(get_format(spec.format, spec.interface).file(credentials))

        runtime = make_runtime(session, show, consent=allowed)
        return runtime

    if fleet is None or file is None:
        session = o.connect(profile, region, endpoint_url, debug=debug, workers=workers)
        return {None: runtime_of(session)}, {None: Wanted(options, tuple(targets))}
    wanted = wanted_of(fleet, options, owners_of(fleet, file, targets))
    opened = open_accounts(
        fleet, profile, region, endpoint_url, debug=debug, workers=workers, runtime_of=runtime_of
    )
    return opened, wanted


def _options(
    max_age: str,
    grace: str,
    quarantine: str,
    finish: bool,
    abort: bool,
    rollback: bool,
    compromised: bool,
    reactivate: str | None,
    force: bool,
    *,
    named: bool,
) -> "RotationOptions":
    """Return the options as a value. Raises SesTenantError `usage` for what cannot go together."""
    from ses_tenant.core.rotation.decision import Mode, RotationOptions, duration

    given = {
        Mode.FINISH: finish,
        Mode.ABORT: abort,
        Mode.ROLLBACK: rollback,
        Mode.COMPROMISED: compromised,
        Mode.REACTIVATE: reactivate is not None,
    }
    modes = [mode for mode, on in given.items() if on]
    if len(modes) > 1:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"--{modes[0]} and --{modes[1]} contradict each other.",
            "Give one of them.",
        )
    if modes and not named:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"--{modes[0]} needs to know for which tenant.",
            f"ses-tenant rotate-keys DOMAIN --{modes[0]}",
        )
    return RotationOptions(
        named=named,
        max_age=duration("--max-age", max_age),
        grace=duration("--grace", grace),
        quarantine=duration("--quarantine", quarantine),
        mode=modes[0] if modes else Mode.NEXT,
        reactivate=reactivate,
        force=force,
    )


def _report(
    console: Console,
    done: "Sequence[Planned]",
    failed: list[SesTenantError],
    *,
    dry_run: bool,
) -> ExitStatus:
    """Print what was done, and return the status to end with."""
    from ses_tenant.cli.render import plan_text, turn_data, turn_text

    now, turns = datetime.now(UTC), [one.turn for one in done]
    errors = [*failed, *(turn.error for turn in turns if turn.error)]
    status = status_of(errors, len(turns) + len(failed))
    for one in done:
        for line in one.turn.notes:
            console.note(line)
        name = f"{one.account}: " if one.account else ""
        console.note(f"{name}{turn_text(one.turn, now, dry_run=dry_run)}")
    if not dry_run:
        changed = sum(1 for turn in turns if turn.plan and not turn.error)
        console.note(f"{counted(len(turns), 'tenant')}, {changed} changed, {len(errors)} failed")
    plans = [(turn.domain, plan_text(turn.plan, sys.stdout)) for turn in turns if turn.plan]
    console.result(
        {
            "tenants": [
                with_account(one.account, turn_data(one.turn, dry_run=dry_run)) for one in done
            ]
        },
        "".join(f"{domain}\n{text}" for domain, text in plans) if dry_run else "",
        [warning for turn in turns if turn.decision for warning in turn.decision.warnings],
        errors,
        status,
    )
    return status
