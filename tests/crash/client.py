"""Client processes: the command line, run in a process of its own that can be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.crash.fault_server import Target
from tests.crash.fork_server import Order

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """A run that has ended. `status` is negative if a signal ended it.

    `events` is what it did on this machine, see `fork_server.Order`.
    """

    argv: Sequence[str]
    status: int
    out: str
    err: str
    events: tuple[str, ...] = ()


class Clients(Protocol):
    """What starts clients."""

    def run(self, order: Order, target: Target) -> Run:
        """Run one client to its end; `target` learns which process it is."""


class ForkServer:
    """Clients forked from a process that has everything imported."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, order: Order, target: Target) -> Run:
        self._say(order.to_json())
        target.is_process(int(self._hear()))
        status = int(self._hear())
        target.has_ended()
        self._say("")
        self._hear()
        events = Path(order.trace).read_text().split()
        return Run(order.argv, status, _read(order.stdout), _read(order.stderr), tuple(events))

    def _say(self, line: str) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the fork server has no stdin")
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        if self._process.stdout is None:
            raise RuntimeError("the fork server has no stdout")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the fork server has died")
        return line.strip()


class Interpreters:
    """Clients as anybody starts them: `python -m ses_tenant`."""

    def run(self, order: Order, target: Target) -> Run:
        with (
            Path(order.stdout).open("w", encoding="utf-8") as out,
            Path(order.stderr).open("w", encoding="utf-8") as err,
            subprocess.Popen(
                [sys.executable, "-m", "ses_tenant", *order.argv],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=order.env, cwd=_ROOT,
            ) as process,
        ):  # fmt: skip
            target.is_process(process.pid)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            target.has_ended()
            status = process.wait()
        return Run(order.argv, status, _read(order.stdout), _read(order.stderr))


@contextmanager
def start_fork_server(environ: Mapping[str, str]) -> Iterator[ForkServer]:
    """Start a fork server; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.fork_server"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=_ROOT, env=environ,
    ) as process:  # fmt: skip
        started = ForkServer(process)
        if started._hear() != "ready":
            raise RuntimeError("the fork server did not start")
        yield started
        if process.stdin is not None:
            process.stdin.close()


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")
