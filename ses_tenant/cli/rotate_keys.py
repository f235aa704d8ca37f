"""`ses-tenant rotate-keys`."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import FileOption, of_account
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of, write_stdout
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.rotation.decision import RotationOptions
    from ses_tenant.core.tenant.credentials import Credentials
    from ses_tenant.core.tenant.observed import Observed
    from ses_tenant.core.tenant.spec import TenantSpec
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
      ses-tenant rotate-keys --file tenants.toml

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
    console = Console("rotate-keys", output, quiet)
    works, errors = _works(
        console, file, targets, options, profile, region, endpoint_url, debug=debug,
        workers=workers, verify=verify, force=force,
    )  # fmt: skip
    from ses_tenant.cli.render import plan_text
    from ses_tenant.core.tenant.spec import STDOUT
    from ses_tenant.operations import rotate as operation

    turns: list[tuple[Work, Turn]] = []
    planned: list[tuple[Work, Turn]] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        with console.progress("Reading tenants ..."):
            for work in works:
                try:
                    close, quiet_turns = operation.choose(
                        work.iam, work.targets, work.options_of, work.world.now()
                    )
                except SesTenantError as error:
                    errors.append(of_account(work.account, error))
                    continue
                turns += [(work, turn) for turn in quiet_turns]
                planned += [(work, turn) for turn in pool.map(work.prepare, close)]
        if errors and not turns and not planned:
            raise errors[0]
        destructive = [t for _, t in planned if any(step.destructive for step in t.plan)]
        if destructive and not dry_run:
            lines = "".join(f"{t.domain}\n{plan_text(t.plan)}" for t in destructive)
            console.confirm("Delete these keys?", lines.splitlines(), yes=yes)
        if dry_run:
            turns += planned
        else:
            with console.progress("Rotating keys ...") as progress:
                done = pool.map(lambda pair: pair[0].carry_out(pair[1]), planned)
                for number, ((work, _), turn) in enumerate(zip(planned, done, strict=True), 1):
                    turns.append((work, turn))
                    progress(number, len(planned))
    turns.sort(key=lambda pair: (pair[0].account or "", pair[1].domain))
    try:
        _report(console, turns, errors, dry_run=dry_run)
    except OSError:
        # The JSON document is the delivery of what goes to stdout, and nobody has it.
        for work, turn in turns:
            if output is Output.JSON and turn.spec and turn.spec.destination == STDOUT:
                operation.take_back(work.iam, turn)
        raise


@dataclass(frozen=True)
class Work:
    """One account's part of a run; `account` is None without a tenants file."""

    account: str | None
    iam: "Iam"
    world: "World"
    targets: "list[SendingDomain]"
    options_of: "Callable[[str], RotationOptions | None]"

    def prepare(self, observed: "Observed") -> "Turn":
        """Plan a tenant's turn."""
        from ses_tenant.operations.rotate import prepare

        options = self.options_of(observed.domain.name)
        if options is None:
            raise AssertionError("only tenants with options are chosen")
        return prepare(self.iam, observed, options, self.world)

    def carry_out(self, turn: "Turn") -> "Turn":
        """Carry out a tenant's turn."""
        from ses_tenant.operations.rotate import carry_out

        return carry_out(self.iam, turn, self.world)


def _works(
    console: Console,
    file: str | None,
    targets: "list[SendingDomain]",
    options: "RotationOptions",
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    workers: int,
    verify: bool,
    force: bool,
) -> tuple[list[Work], list[SesTenantError]]:
    """Return the work of each account, and why some have none.

    Without a file that is every tenant of the one account; with a file, the tenants that it names,
    at the age that it gives each.
    """
    from ses_tenant.cli.accounts import load_fleet, open_accounts, owners_of

    if file is None:
        session = o.connect(profile, region, endpoint_url, debug=debug, workers=workers)
        work = _work(console, None, session, targets, lambda _: options, verify, force)
        return [work], []
    fleet = load_fleet(file)
    owners = owners_of(fleet, file, targets)
    works, errors = [], []
    opened = open_accounts(fleet, profile, region, endpoint_url, debug=debug, workers=workers)
    for name, reached in opened.items():
        of = {t.domain.name: t.max_age or options.max_age for t in fleet.of(name)}
        mine = [target for target, owner in owners.items() if owner == name]
        if (targets and not mine) or not of:
            continue
        if isinstance(reached, SesTenantError):
            errors.append(of_account(name, reached))
            continue
        own = {domain: replace(options, max_age=max_age) for domain, max_age in of.items()}
        works.append(_work(console, name, reached, mine, own.get, verify, force))
    return works, errors


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


def _work(
    console: Console,
    account: str | None,
    session: "AwsSession",
    targets: "list[SendingDomain]",
    options_of: "Callable[[str], RotationOptions | None]",
    verify: bool,
    force: bool,
) -> Work:
    from ses_tenant.aws.iam import Iam

    world = _world(console, session, verify=verify, force=force)
    return Work(account, Iam(session), world, targets, options_of)


def _world(console: Console, session: "AwsSession", *, verify: bool, force: bool) -> "World":
    from ses_tenant.aws.verify import verify_credentials
    from ses_tenant.core.tenant.destination import Destination
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
        local=o.local_ses(),
    )


def _report(
    console: Console,
    turns: list[tuple[Work, "Turn"]],
    failed: list[SesTenantError],
    *,
    dry_run: bool,
) -> None:
    from ses_tenant.cli.render import plan_text, turn_data, turn_text

    now = datetime.now(UTC)
    warnings = [w for _, t in turns if t.decision for w in t.decision.warnings]
    errors = [*failed, *(t.error for _, t in turns if t.error)]
    status = status_of(errors, len(turns) + len(failed))
    for work, turn in turns:
        for line in turn.notes:
            console.note(line)
        name = f"{work.account}: " if work.account else ""
        console.note(f"{name}{turn_text(turn, now, dry_run=dry_run)}")
    done = sum(1 for _, t in turns if t.plan and not t.error)
    if not dry_run:
        console.note(f"{counted(len(turns), 'tenant')}, {done} changed, {len(errors)} failed")
    console.result(
        {
            "tenants": [
                ({"account": work.account} if work.account else {})
                | turn_data(turn, dry_run=dry_run)
                for work, turn in turns
            ]
        },
        "".join(f"{t.domain}\n{plan_text(t.plan)}" for _, t in turns if t.plan) if dry_run else "",
        warnings,
        errors,
        status,
    )
    exit_with(status)
