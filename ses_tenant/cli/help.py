"""`ses-tenant help`."""

from typing import Annotated

import typer


def help_(
    ctx: typer.Context,
    verb: Annotated[
        list[str] | None,
        typer.Argument(metavar="VERB", help="The command, such as rotate-keys or identity check."),
    ] = None,
) -> None:
    """Show the help of a command.

    \b
      ses-tenant help create
      ses-tenant help identity check
    """
    root = ctx.find_root()
    root.command.main([*(verb or ()), "--help"], prog_name=root.info_name, standalone_mode=False)
