"""What a command prints: the result on stdout, everything else on stderr."""

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import typer

from ses_tenant.cli.terminal import STATUS, coloured, colours, wrapped
from ses_tenant.core.errors import ErrorCode, ExitStatus, Notice, SesTenantError

_PROGRESS_AFTER_S = 1.0


class Output(StrEnum):
    """How a command prints its result."""

    TABLE = "table"
    JSON = "json"


def write_stdout(text: str) -> None:
    """Write to stdout and flush. Raises OSError where it cannot be written (full, closed)."""
    with STATUS.away():
        sys.stdout.write(text)
        sys.stdout.flush()
        if sys.stdout.isatty():
            STATUS.wrote(text)


def tell(text: str) -> None:
    """Write a line or more for a person to stderr."""
    with STATUS.away():
        typer.echo(text, err=True)


def envelope(
    command: str,
    data: Mapping[str, object] | None,
    warnings: Iterable[Notice] = (),
    errors: Sequence[SesTenantError] = (),
    exit_status: ExitStatus = ExitStatus.OK,
) -> str:
    """Return the one JSON document that a command prints with `-o json`."""
    words = {ExitStatus.OK: "ok", ExitStatus.FINDINGS: "ok", ExitStatus.PARTIAL: "partial"}
    status = words.get(exit_status, "error")
    return (
        json.dumps(
            {
                "schema": 1,
                "command": command,
                "status": status,
                "data": data,
                "warnings": [{"code": w.code, "message": w.message} for w in warnings],
                "errors": [
                    {"code": e.code.value, "message": e.message, "hint": e.hint} for e in errors
                ],
            },
            indent=2,
        )
        + "\n"
    )


# What a terminal may obey or show in another order. Colours, which the command adds, and line
# ends may pass.
_CONTROL = re.compile(
    r"\x1b\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Return text for a terminal: what a control character in it would do is shown instead.

    Everything that a command prints for people passes here. Values from elsewhere, which must not
    hold colours or line ends either, pass `core.text.shown` before they become a part of the text.
    """
    return _CONTROL.sub(lambda m: m[0] if len(m[0]) > 1 else ascii(m[0])[1:-1], text)


def print_error(error: SesTenantError) -> None:
    """Print a failure for people, on stderr."""
    told = printable(error.message)
    if error.code is not ErrorCode.INTERRUPTED:
        told = f"{coloured('Error:', typer.colors.RED, sys.stderr, bold=True)} {told}"
    tell(wrapped(told, sys.stderr))
    if error.hint:
        tell(wrapped(f"Hint: {printable(error.hint)}", sys.stderr))


@dataclass(frozen=True)
class Console:
    """The two channels of one command."""

    command: str
    output: Output = Output.TABLE
    quiet: bool = False

    def note(self, text: str) -> None:
        """Tell a person something, on stderr; not with --quiet, nor beside JSON."""
        if not self.quiet and self.output is Output.TABLE:
            tell(wrapped(printable(text), sys.stderr))

    def warn(self, warning: Notice) -> None:
        """Print a warning for people, also with --quiet; in JSON it stands in the document."""
        if self.output is Output.TABLE:
            tell(wrapped(f"Warning: {printable(warning.message)}", sys.stderr))

    def result(
        self,
        data: Mapping[str, object],
        text: str,
        warnings: Sequence[Notice] = (),
        errors: Sequence[SesTenantError] = (),
        exit_status: ExitStatus = ExitStatus.OK,
    ) -> None:
        """Print the result in the form asked for; warnings and errors with it."""
        if self.output is Output.JSON:
            write_stdout(envelope(self.command, data, warnings, errors, exit_status))
            return
        write_stdout(printable(text))
        for warning in warnings:
            self.warn(warning)
        for error in errors:
            print_error(error)

    def confirm(
        self,
        question: str,
        lines: Iterable[str],
        *,
        yes: bool,
        why: str = "This destroys something",
        otherwise: str = "--dry-run to see the plan",
    ) -> None:
        """Ask before something is destroyed; return if the answer is yes.

        Raises SesTenantError `usage` where nobody can be asked, `interrupted` for a no.
        """
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise SesTenantError(
                ErrorCode.USAGE,
                f"{why}, and there is no terminal to ask.",
                f"Add --yes to go ahead, or {otherwise}.",
            )
        for line in lines:
            tell(printable(line))
        if not typer.confirm(printable(question), err=True):
            raise SesTenantError(ErrorCode.INTERRUPTED, "Nothing was changed.")

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show on stderr that work goes on, once it has taken longer than a second.

        The value is a function to call with (done, total). On a terminal a line is rewritten in
        place; elsewhere one line is written.
        """
        if self.quiet:
            yield _ignore
            return
        state = {"text": what, "shown": False}

        def show() -> None:
            state["shown"] = True
            STATUS.show(str(state["text"]) if sys.stderr.isatty() else what)

        def advance(done: int, total: int) -> None:
            state["text"] = f"{what} {done}/{total}"
            if state["shown"] and sys.stderr.isatty():
                show()

        timer = threading.Timer(_PROGRESS_AFTER_S, show)
        timer.daemon = True
        timer.start()
        try:
            yield advance
        finally:
            timer.cancel()
            timer.join()  # it may be showing the line just now
            STATUS.clear()

    @contextmanager
    def progress_bar(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show a bar with the time left, on a terminal; elsewhere as `progress` does."""
        logging_calls = logging.getLogger("ses_tenant").isEnabledFor(logging.DEBUG)
        if self.quiet or not colours(sys.stderr) or logging_calls:
            with self.progress(what) as advance:
                yield advance
            return
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeLeft())
        # What is written to stdout is the result, and no line above the bar.
        with Progress(
            *columns, console=RichConsole(stderr=True), transient=True, redirect_stdout=False
        ) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


def _ignore(_done: int, _total: int) -> None:
    """Take no notice of progress."""


def counted(number: int, noun: str) -> str:
    """Return `1 tenant`, `2 tenants`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def status_of(errors: Sequence[SesTenantError], of: int) -> ExitStatus:
    """Return the exit status of a command over `of` tenants, some of which failed."""
    if not errors:
        return ExitStatus.OK
    return errors[0].exit_status if of == 1 else ExitStatus.PARTIAL


def exit_with(status: ExitStatus) -> None:
    """End the command with `status`; returns for OK."""
    if status is not ExitStatus.OK:
        raise typer.Exit(status)
