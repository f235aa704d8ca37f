"""`ses-tenant rotate-keys`."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of, write_stdout
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.credentials import Credentials
    from ses_tenant.core.decision import RotationOptions
    from ses_tenant.core.tenant import TenantSpec
    from ses_tenant.operations.rotate import Turn, World


def _flag(name: str, text: str) -> typer.models.OptionInfo:
    return typer.Option(name, help=text, show_default=False)  # type: ignore[no-any-return]


def rotate_keys(
    domains: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DOMAIN",
            help="Tenants to rotate at any age; without one, all that are due.",
            show_default=False,
        ),
    ] = None,
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
    abort: Annotated[bool, _flag("--abort", "Drop the new key, which reached nobody.")] = False,
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
        bool, _flag("--force", "Go on although the old key is in use or the state unclear.")
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
    """Replace access keys, one step a run, so that no site ever holds a dead key.

    \b
      ses-tenant rotate-keys
      ses-tenant rotate-keys shop.example.com
      ses-tenant rotate-keys shop.example.com --finish
      ses-tenant rotate-keys --yes --quiet

    Each run does the next step that is due: a new key is issued, delivered and verified; after
    the grace time, and once the old key is no longer used, it is deactivated; after the
    quarantine it is deleted. Run it daily from cron with --yes. Times: 0s, 30m, 24h, 7d.
    """
    from ses_tenant.core.domain import SendingDomain

    options = _options(
        max_age, grace, quarantine, finish, abort, rollback, compromised, reactivate, force,
        named=bool(domains),
    )  # fmt: skip
    targets = list(dict.fromkeys(SendingDomain.parse(text) for text in domains or ()))
    session = o.connect(profile, region, endpoint_url, debug=debug, workers=workers)
    from ses_tenant.aws.iam import Iam
    from ses_tenant.cli.render import plan_text
    from ses_tenant.core.tenant import STDOUT
    from ses_tenant.operations import rotate as operation

    iam, console = Iam(session), Console("rotate-keys", output, quiet)
    world = _world(console, session, verify=verify, force=force)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        with console.progress("Reading tenants ..."):
            close, turns = operation.choose(iam, targets, options, world.now())
            planned = list(pool.map(lambda t: operation.prepare(iam, t, options, world), close))
        destructive = [t for t in planned if any(step.destructive for step in t.plan)]
        if destructive and not dry_run:
            lines = "".join(f"{t.domain}\n{plan_text(t.plan)}" for t in destructive)
            console.confirm("Delete these keys?", lines.splitlines(), yes=yes)
        if dry_run:
            turns += planned
        else:
            with console.progress("Rotating keys ...") as progress:
                for turn in pool.map(lambda t: operation.carry_out(iam, t, world), planned):
                    turns.append(turn)
                    progress(len(turns), len(planned))
    turns.sort(key=lambda turn: turn.domain)
    try:
        _report(console, turns, world.now(), dry_run=dry_run)
    except OSError:
        # The JSON document is the delivery of what goes to stdout, and nobody has it.
        for turn in turns:
            if output is Output.JSON and turn.spec and turn.spec.destination == STDOUT:
                operation.take_back(iam, turn)
        raise


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
    from ses_tenant.core.decision import Mode, RotationOptions, duration

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


def _world(console: Console, session: "AwsSession", *, verify: bool, force: bool) -> "World":
    from ses_tenant.aws.verify import verify_credentials
    from ses_tenant.core.destination import Destination
    from ses_tenant.destinations.registry import open_destination
    from ses_tenant.operations.rotate import World
    from ses_tenant.operations.situation import this_process

    def opened(spec: "TenantSpec") -> Destination:
        def printed(credentials: "Credentials") -> None:
            # In JSON they stand in the one document at the end.
            if console.output is Output.TABLE:
                from ses_tenant.destinations.formats import get_format

                write_stdout(get_format(spec.format, spec.interface).file(credentials))

        return open_destination(spec, session, printed, force=force)

    return World(
        open_destination=opened,
        verify=(lambda c: verify_credentials(session, c, time.sleep)) if verify else None,
        sleep=time.sleep,
        now=lambda: datetime.now(UTC),
        me=this_process(),
        default_region=session.region,
    )


def _report(console: Console, turns: list["Turn"], now: datetime, *, dry_run: bool) -> None:
    from ses_tenant.cli.render import plan_text, turn_data, turn_text

    warnings = [w for t in turns if t.decision for w in t.decision.warnings]
    errors = [t.error for t in turns if t.error]
    status = status_of(errors, len(turns))
    for turn in turns:
        for line in turn.notes:
            console.note(line)
        console.note(turn_text(turn, now, dry_run=dry_run))
    done = sum(1 for t in turns if t.plan and not t.error)
    if not dry_run:
        console.note(f"{counted(len(turns), 'tenant')}, {done} changed, {len(errors)} failed")
    console.result(
        {"tenants": [turn_data(turn, dry_run=dry_run) for turn in turns]},
        "".join(f"{t.domain}\n{plan_text(t.plan)}" for t in turns if t.plan) if dry_run else "",
        warnings,
        errors,
        status,
    )
    exit_with(status)
