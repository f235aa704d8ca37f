"""`ses-tenant sandbox`."""

from typing import Annotated

import typer

from ses_tenant.cli.console import print_error, write_stdout
from ses_tenant.core.errors import ErrorCode, SesTenantError

_NOT_FOUND = 127  # as shells end when there is no such command


def sandbox(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="What to run; without it the sandbox serves until Ctrl-C.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run COMMAND against a local imitation of AWS, in memory, without an account.

    \b
      ses-tenant sandbox -- ses-tenant create shop.example.com
      ses-tenant sandbox -- sh

    The AWS variables of COMMAND point at it, this installation's ses-tenant comes first on its
    PATH, and its exit status is passed on. All is forgotten at the end. The sandbox imitates the
    calls only: it does not enforce policies yet, so it cannot show that a site is isolated.
    """
    try:
        from ses_tenant.sandbox.server import serve
    except ImportError as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The sandbox needs the package '{error.name}', which is not installed.",
            "Install the extra: pip install 'ses-tenant[sandbox]'",
        ) from error
    from ses_tenant.sandbox.run import exports, interruption, run

    with serve() as endpoint_url:
        if not command:
            stop = interruption()
            write_stdout(exports(endpoint_url))
            typer.echo(f"The sandbox serves at {endpoint_url} until Ctrl-C.", err=True)
            stop.wait()
            return
        try:
            status = run(command, endpoint_url)
        except OSError as error:
            print_error(
                SesTenantError(
                    ErrorCode.USAGE,
                    f"'{command[0]}' cannot be run: {error.strerror}.",
                    "After -- comes the command: ses-tenant sandbox -- ses-tenant list",
                )
            )
            status = _NOT_FOUND
    raise typer.Exit(status)
