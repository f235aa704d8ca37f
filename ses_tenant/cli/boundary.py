"""The one place where a failure becomes a message, a JSON document and an exit status."""

import errno
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

from ses_tenant.cli.console import envelope, print_error, write_stdout
from ses_tenant.cli.groups import VerbGroup, after_the_verb, names_of_options
from ses_tenant.cli.options import fill_help
from ses_tenant.cli.verb import keeping
from ses_tenant.core.errors import ErrorCode, SesTenantError

# -o among short options that take no value.
_SHORT_OUTPUT = re.compile(r"-[a-zA-Z]*o")
_SHORT_JSON = re.compile(r"-[a-zA-Z]*o=?json")
_ARGS = "ses_tenant.args"
_VERB = "ses_tenant.verb"


class ErrorBoundary(VerbGroup):
    """The root command; it stands inside the app, so that tests see what a user sees."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """Return what may stand before the verb."""
        return keeping(super().get_params(ctx))

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse the arguments, those options that precede the verb as the verb's own."""
        args, verb = after_the_verb(args, names_of_options(self.params), self.commands)
        ctx.meta[_ARGS], ctx.meta[_VERB] = list(args), verb
        with _boundary(list(args), verb):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - Typer's own Click
        """Return the verb that is run, its help complete."""
        found = super().resolve_command(ctx, args)
        for parameter in found[1].params if found[1] else ():
            if text := getattr(parameter, "help", None):
                vars(parameter)["help"] = fill_help(text)
        return found

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run the verb and end with the status of what went wrong."""
        with _boundary(ctx.meta[_ARGS], ctx.meta[_VERB]):
            return super().invoke(ctx)


@contextmanager
def _boundary(args: Sequence[str], verb: str) -> Iterator[None]:
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except SesTenantError as error:
        failure = error
    except TyperException as error:
        if not _wants_json(args):
            raise
        failure = SesTenantError(
            ErrorCode.USAGE,
            error.format_message(),
            f"{_command_path(error)} --help shows the options.",
        )
    except (KeyboardInterrupt, typer.Abort):
        failure = SesTenantError(
            ErrorCode.INTERRUPTED,
            "Interrupted.",
            "Run the same command again: it goes on where this run stopped.",
        )
    except OSError as error:
        closed = error.errno == errno.EBADF
        why = "standard output is closed" if closed else error.strerror or type(error).__name__
        failure = SesTenantError(
            ErrorCode.DESTINATION_UNAVAILABLE,
            f"The result could not be written: {why}.",
            f"{'Open it' if closed else 'Make room'}, then run the same command again.",
        )
    except Exception as error:  # noqa: BLE001 - the boundary: no traceback for a user, ever
        failure = _internal(error, debug="--debug" in args)
    else:
        return
    _report(failure, args, verb)
    raise typer.Exit(failure.exit_status)


def _command_path(error: TyperException) -> str:
    """Return the command that a usage error was made in, such as `ses-tenant create`."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "ses-tenant"


def _report(failure: SesTenantError, args: Sequence[str], verb: str) -> None:
    if _wants_json(args):
        document = envelope(verb, None, errors=[failure], exit_status=failure.exit_status)
        try:
            write_stdout(document)
        except OSError:  # stdout is full or closed; stderr may not be
            print_error(failure)
    else:
        print_error(failure)


def _internal(error: Exception, *, debug: bool) -> SesTenantError:
    """Return the failure for a bug, without the exception's own text, which might hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    if debug:
        sys.stderr.write("".join(traceback.format_list(frames)))
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return SesTenantError(
        ErrorCode.INTERNAL,
        f"ses-tenant failed in a way it should not: {type(error).__name__} at {where}.",
        "" if debug else "Run it again with --debug, and report what it prints.",
    )


def _wants_json(args: Sequence[str]) -> bool:
    own = args[: args.index("--")] if "--" in args else args
    return any(
        word == "--output=json"
        or _SHORT_JSON.fullmatch(word)
        or (following == "json" and (word == "--output" or _SHORT_OUTPUT.fullmatch(word)))
        for word, following in pairwise([*own, ""])
    )
