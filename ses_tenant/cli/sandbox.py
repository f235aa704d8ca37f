"""`ses-tenant sandbox` and `ses-tenant sandbox outbox`."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli.console import Console, print_error, tell, write_stdout
from ses_tenant.cli.groups import VerbGroup
from ses_tenant.cli.outbox import outbox
from ses_tenant.cli.streams import read_input, why
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.cli.sandbox_watch import LocalWatch
    from ses_tenant.sandbox.identities import Ask
    from ses_tenant.sandbox.model import Model
    from ses_tenant.sandbox.server import Sandbox

_NOT_FOUND = 127  # as shells end when there is no such command
_COMMAND = "ses_tenant.command"
_LONGEST_REPORT = 4 * 2**20


class _CommandAfterDashes(VerbGroup):
    """A group whose arguments after `--` are a command of the user's."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        own, command = args, []
        if "--" in args:
            place = args.index("--")
            own, command = args[:place], args[place + 1 :]
        ctx.meta[_COMMAND] = command
        return super().parse_args(ctx, own)


app = typer.Typer(
    name="sandbox",
    cls=_CommandAfterDashes,
    invoke_without_command=True,
    subcommand_metavar="[-- COMMAND]",
    rich_markup_mode=None,
)


@app.callback()
def sandbox(
    ctx: typer.Context,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="Keep the account in FILE, secrets included, and go on from there next time.",
            show_default=False,
        ),
    ] = None,
    unverified: Annotated[
        bool,
        typer.Option(
            "--unverified",
            help="No identity is verified until it is created through the SES API.",
            show_default=False,
        ),
    ] = False,
    resolver: Annotated[
        list[str] | None,
        typer.Option(
            "--resolver",
            metavar="IP[:PORT]",
            help="Verify identities as SES does: once this name server has their records.",
            show_default=False,
        ),
    ] = None,
    ses_sandbox: Annotated[
        bool,
        typer.Option(
            "--ses-sandbox",
            help="Play an account without production access: recipients have to be verified too.",
            show_default=False,
        ),
    ] = False,
    watch: Annotated[
        str | None,
        typer.Option(
            "--watch",
            metavar="FILE",
            help="Watch the mail by the rules of this tenants file, and suspend at once.",
            show_default=False,
        ),
    ] = None,
    latency: Annotated[
        int,
        typer.Option("--latency", metavar="MS", min=0, help="Wait before every answer."),
    ] = 0,
    throttle: Annotated[
        int,
        typer.Option(
            "--throttle", metavar="N", min=0, help="Throttle past N requests a second; 0: never."
        ),
    ] = 0,
    fail: Annotated[
        int,
        typer.Option(
            "--fail", metavar="PERCENT", min=0, max=100, help="Let this share of requests fail."
        ),
    ] = 0,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            metavar="FILE",
            help="Answer what AWS does not document as an account did: a report of the live suite.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Where to listen. Other than the loopback, only the key that is printed is the "
            "operator's.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="N", min=0, max=65535, help="Port of the AWS endpoint; 0: any."
        ),
    ] = 0,
    smtp_port: Annotated[
        int,
        typer.Option(
            "--smtp-port", metavar="N", min=0, max=65535, help="Port of SMTP with STARTTLS; 0: any."
        ),
    ] = 0,
    smtps_port: Annotated[
        int,
        typer.Option(
            "--smtps-port", metavar="N", min=0, max=65535, help="Port of SMTP over TLS; 0: any."
        ),
    ] = 0,
    https_port: Annotated[
        int,
        typer.Option("--https-port", metavar="N", min=0, max=65535, help="Port of HTTPS; 0: any."),
    ] = 0,
) -> None:
    """Try it on a local AWS account that enforces the policies.

    \b
      ses-tenant sandbox -- ses-tenant create shop.example.com
      ses-tenant sandbox -- sh
      ses-tenant sandbox
      ses-tenant sandbox outbox

    The AWS variables of COMMAND point at it, this installation's ses-tenant comes first on its
    PATH, and its exit status is passed on. Without COMMAND the sandbox serves until Ctrl-C. It
    takes mail as SES does, by its API and over SMTP, from who may send it; a web page shows what
    was accepted and refused, and why. Nothing leaves the machine. Without --state all is forgotten
    at the end; with it the ports are the same again, unless others are given. Mail to the mailbox
    simulator (bounce@simulator.amazonses.com) bounces, for --watch.
    """
    if ctx.invoked_subcommand is not None:
        return
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):  # moto looks it up as it is imported
        os.environ.pop(name, None)
    try:
        from ses_tenant.sandbox.server import DEFAULT_REGION, Options, serve
    except ImportError as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The sandbox needs the package '{error.name}', which is not installed.",
            "Install the extra: pip install 'ses-tenant[sandbox]'",
        ) from error
    from ses_tenant.core.regions import check_region
    from ses_tenant.sandbox.door import is_loopback
    from ses_tenant.sandbox.run import interruption, region

    stop = None if ctx.meta[_COMMAND] else interruption()

    def not_kept(error: SesTenantError) -> None:
        if stop:
            stop.set()
        else:
            Console("sandbox").warn(Notice("state_not_kept", error.message))

    local = _local_watch(watch)
    options = Options(
        region=check_region(region(os.environ, DEFAULT_REGION)),
        host=host,
        unverified=unverified,
        ask=_ask(resolver),
        ses_sandbox=ses_sandbox,
        latency_s=latency / 1000,
        throttle=throttle,
        fail_percent=fail,
        model=_model(model),
        state=state,
        port=port,
        smtp_port=smtp_port,
        smtps_port=smtps_port,
        https_port=https_port,
        emit=local.emit if local else None,
        not_kept=not_kept,
    )
    with serve(options) as running, local.running(running) if local else nullcontext():
        if not is_loopback(host):
            text = (
                f"The sandbox listens on {host}: whoever reaches it and has the access key "
                f"{running.operator.access_key_id} with its secret, as set for COMMAND or printed, "
                "is the operator of its account. It is plain HTTP, which others can read."
            )
            Console("sandbox").warn(Notice("not_loopback", text))
        status = _run(ctx.meta[_COMMAND], running) if stop is None else 0
        if stop:
            _announce(running)
            stop.wait()
    if status:
        raise typer.Exit(status)


app.command()(outbox)


def _local_watch(file: str | None) -> "LocalWatch | None":
    """Return the watch by the rules of a tenants file, None without one."""
    if file is None:
        return None
    from ses_tenant.cli.accounts import load_fleet
    from ses_tenant.cli.sandbox_watch import LocalWatch
    from ses_tenant.operations.watch import watch_of

    return LocalWatch(watch_of(load_fleet(file)))


def _ask(resolver: list[str] | None) -> "Ask | None":
    """Return how to ask DNS. Raises SesTenantError `usage` for what is no name server."""
    if not resolver:
        return None
    from ses_tenant.dns.resolver import DnsResolver, parse_server

    return DnsResolver(tuple(parse_server(text) for text in resolver), lifetime=2.0).ask


def _model(file: Path | None) -> "Model":
    """Return what is played; raises SesTenantError `usage` for a file that is no report."""
    from ses_tenant.sandbox.model import Model, parse_model

    if file is None:
        return Model()
    try:
        text = read_input(str(file), _LONGEST_REPORT).decode("utf-8", "replace")
    except OSError as error:
        raise SesTenantError(ErrorCode.USAGE, f"{file} cannot be read: {why(error)}.") from error
    return parse_model(text)


def _announce(running: "Sandbox") -> None:
    from ses_tenant.sandbox.run import exports

    write_stdout(exports(running))
    tell(
        f"The sandbox serves at {running.url} until Ctrl-C.\n"
        f"SMTP: {running.host}:{running.smtp_port} (STARTTLS), {running.smtps_port} (TLS); "
        f"CA file {running.ca_file}\n"
        f"Outbox: {running.url}/_ses-tenant/"
    )


def _run(command: list[str], running: "Sandbox") -> int:
    from ses_tenant.sandbox.run import run

    try:
        return run(command, running)
    except OSError as error:
        print_error(
            SesTenantError(
                ErrorCode.USAGE,
                f"'{command[0]}' cannot be run: {error.strerror}.",
                "After -- comes the command: ses-tenant sandbox -- ses-tenant list",
            )
        )
        return _NOT_FOUND
