"""What a terminal needs: colours where it has them, lines broken between words, one status line."""

import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import typer

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# A command to copy stands at the end of a line or of a sentence.
_COMMAND = re.compile(
    r"(?:(?<=: )|(?<=-> ))(?:ses-tenant|aws|wp|pip|swaks|curl|php|python3?|node) .*?"
    r"(?=\. [A-Z]|\.?$)"
)
_WORD = re.compile(r"(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|\S)+")
_CONTINUED = " \\"
_SHORT = 4  # no more than `  ->` stands there


def colours(stream: TextIO) -> bool:
    """Tell whether colours may be written: to a terminal that has them, unless NO_COLOR is set."""
    return _obeys(stream) and not os.environ.get("NO_COLOR")


def _obeys(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, stream: TextIO, *, bold: bool = False) -> str:
    """Return the text in a colour, or as it is for a stream that takes none."""
    return typer.style(text, fg=colour, bold=bold) if colours(stream) else text


def wrapped(text: str, stream: TextIO, indent: int = 0) -> str:
    """Return `text` with its lines broken between words, if `stream` is a terminal.

    The second and further lines begin with `indent` spaces.
    """
    if not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(broken(line, width, indent) for line in text.split("\n"))


def broken(line: str, width: int, indent: int = 0) -> str:
    """Return a line as lines of at most `width`, as far as its words allow.

    A command that does not fit begins a line of its own. One that is longer than a line is broken
    as shells allow it, so that it can still be copied.
    """
    if _length(line) <= width:
        return line
    start = len(line) - len(line.lstrip(" "))
    lines = [line[:start]]
    place = start
    for command in _COMMAND.finditer(line, start):
        _fill(lines, line[place : command.start()], width, indent)
        words = _WORD.findall(command[0])
        if len(lines[-1]) > _SHORT and not _fits(lines[-1], command[0], width):
            indent = min(max(indent, 2), width // 4)
            lines.append(" " * indent)
        _fill_command(lines, words, width, indent)
        place = command.end()
    _fill(lines, line[place:], width, indent)
    return "\n".join(one.rstrip() for one in lines)


def _fill(lines: list[str], text: str, width: int, indent: int) -> None:
    """Add prose to the last of the lines, and begin others as they are full."""
    glued = not text.startswith(" ")
    for word in text.split():
        gap = "" if glued or not lines[-1].strip() else " "
        glued = False
        if gap and _length(lines[-1] + gap + word) > width:
            lines.append(" " * indent)
            gap = ""
        lines[-1] += gap + word


def _fill_command(lines: list[str], words: list[str], width: int, indent: int) -> None:
    for number, word in enumerate(words):
        gap = " " if lines[-1].strip() else ""
        last = number == len(words) - 1
        room = width if last else width - len(_CONTINUED)
        if number and _length(lines[-1] + gap + word) > room:
            lines[-1] += _CONTINUED
            lines.append(" " * (indent + 2))
            gap = ""
        lines[-1] += gap + word


def _fits(line: str, text: str, width: int) -> bool:
    return _length(line) + 1 + _length(text) <= width


def _length(text: str) -> int:
    return len(_COLOUR.sub("", text))


class StatusLine:
    """The line on a terminal that says what goes on, and gives way to all else that is written."""

    def __init__(self) -> None:
        """Begin without a line; the cursor is where a line begins."""
        self._lock = threading.RLock()
        self._shown = False
        self._line_ended = True

    def show(self, text: str) -> None:
        """Show the text on a line of its own, in place of the one before.

        Elsewhere than on a terminal that can take it back, it is written once and for all.
        """
        with self._lock:
            if not self._line_ended:
                return
            if not _obeys(sys.stderr):
                if not self._shown:
                    typer.echo(text, err=True)
                self._shown = True
                return
            most = shutil.get_terminal_size().columns - 1
            typer.echo(f"\r\x1b[K{text[:most]}", err=True, nl=False)
            self._shown = True

    @contextmanager
    def away(self) -> Iterator[None]:
        """Take the line away and keep it away while something else is written."""
        with self._lock:
            self.clear()
            yield

    def clear(self) -> None:
        """Take the line away."""
        with self._lock:
            if self._shown and _obeys(sys.stderr):
                typer.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False

    def wrote(self, text: str) -> None:
        """Note what was written to the terminal last: no line is begun within another one."""
        with self._lock:
            self._line_ended = not text or text.endswith("\n")


STATUS = StatusLine()
