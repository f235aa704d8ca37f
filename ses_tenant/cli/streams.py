"""Standard input and output, and files that are given: closed, endless or none at all."""

import errno
import io
import os
import stat
import sys
from collections.abc import Iterator
from typing import BinaryIO

# Of a file with as many lines as it has bytes each would take its time.
_SHORTEST = 500


def open_closed_streams() -> None:
    """Give a process that was started with a closed stream one that behaves as closed.

    Python has None there, and the next file or socket that is opened gets the number, so that a
    result or a secret could end up in it. What is written to a closed stdout has to fail: a key
    that was not printed is deleted again. What is written to a closed stderr is lost.
    """
    null = {0: os.O_RDONLY, 1: os.O_RDONLY, 2: os.O_WRONLY}
    for number, flags in null.items():
        try:
            os.fstat(number)
        except OSError:
            found = os.open(os.devnull, flags)
            if found != number:
                os.dup2(found, number)
                os.close(found)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
            # Nothing is kept back, which would fail once more as the process ends.
            buffer = io.BufferedReader(raw) if number == 0 else raw
            stream = io.TextIOWrapper(buffer, encoding="utf-8", write_through=True)
            setattr(sys, name, stream)


def read_input(file: str | None, limit: int) -> bytes:
    """Return what `file` holds, or standard input for None, `limit` bytes at most.

    A pipe is read to its end, but not waited for where nobody writes. Raises OSError: EFBIG for
    more than `limit`, EISDIR for a folder.
    """
    if file is None:
        return _all(sys.stdin.buffer, limit)
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.set_blocking(descriptor, True)
        return _all(stream, limit)


def read_lines(file: str | None, longest: int, limit: int) -> Iterator[bytes | None]:
    """Yield the lines of `file`, or of standard input for None, without empty ones.

    None stands for a line of more than `longest` bytes, of which no more is kept. Raises OSError:
    EFBIG past `limit` bytes, or a five hundredth of it in lines, EISDIR for a folder.
    """
    if file is None:
        yield from _lines(sys.stdin.buffer, longest, limit)
        return
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.set_blocking(descriptor, True)
        yield from _lines(stream, longest, limit)


def _lines(stream: BinaryIO, longest: int, limit: int) -> Iterator[bytes | None]:
    size, lines = 0, 0
    while line := stream.readline(longest + 1):
        size, lines = size + len(line), lines + 1
        whole = len(line) <= longest
        while not whole and not line.endswith(b"\n") and size <= limit:
            line = stream.readline(longest + 1)
            size += len(line)
            if not line:
                break
        if size > limit:
            raise OSError(errno.EFBIG, f"it is larger than {limit // 2**20} MiB")
        if lines > limit // _SHORTEST:
            raise OSError(errno.EFBIG, f"it has more than {limit // _SHORTEST:,} lines")
        if not whole or line.strip():
            yield line if whole else None


def _all(stream: BinaryIO, limit: int) -> bytes:
    found = stream.read(limit + 1)
    if len(found) > limit:
        most = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit} bytes"
        raise OSError(errno.EFBIG, f"it is larger than {most}")
    return found


def why(error: Exception) -> str:
    """Return what is wrong with an input, without numbers and file names of Python's."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__
