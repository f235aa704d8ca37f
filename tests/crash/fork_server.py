"""A process that has everything imported, and forks a client for each run.

A client is a real process that can be killed; it only starts faster than a new interpreter. It is
started for each line of JSON on stdin (see `Order`), and answers on stdout in three steps: the
process ID at once, the status when the client has ended, and an empty line once it is reaped
together with the commands that it ran, which happens when the caller sends an empty line. Until
then the process ID stays taken.
"""

import errno
import gc
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ses_tenant.sandbox.run import aws_variables


@dataclass(frozen=True)
class Disk:
    """A disk that fails: the `number`-th `call` of the run (`open`, `rename`, `fsync`, `unlink`)

    in the folder `watched` ends with the error of that name, such as `EDQUOT`. With `done` it has
    been carried out nevertheless, as on NFS whose answer was lost. `lasts`: so do all after it.
    """

    call: str
    error: str
    number: int = 1
    done: bool = False
    lasts: bool = False


@dataclass(frozen=True)
class Order:
    """One run of the command line.

    What it does in the folder `watched` and every command that it runs is written to `trace`, a
    line an event; with `die_at` it kills itself before that event, counted from 1. With `hurry`, it
    does not wait between attempts.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    stdout: str
    stderr: str
    trace: str
    watched: str
    die_at: int = 0
    hurry: bool = False
    disk: Mapping[str, Any] | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass
class _Watch:
    """Counts what a client does on this machine."""

    order: Order
    trace: int
    count: int = 0
    events: Mapping[str, int] = field(
        default_factory=lambda: {
            "open": 0,
            "os.rename": 1,
            "os.remove": 0,
            "subprocess.Popen": -1,
        }
    )

    def audit(self, event: str, args: Sequence[object]) -> None:
        index = self.events.get(event)
        if index is None or (index >= 0 and not self._is_watched(args[index])):
            return
        if event == "open" and isinstance(args[2], int) and args[2] & os.O_DIRECTORY:
            return  # a step on the way
        self.happens(event)

    def _is_watched(self, path: object) -> bool:
        """Only destinations give paths that are relative to an open folder."""
        text = os.fsdecode(_path(path))
        return text.startswith(self.order.watched) or not text.startswith("/")

    def happens(self, event: str) -> None:
        self.count += 1
        if self.count == self.order.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(self.trace, f"{event}\n".encode())


def _path(value: object) -> str | bytes:
    return value if isinstance(value, str | bytes) else str(value)


def _client(order: Order) -> NoReturn:
    """Be the client: the command line, with its own environment and streams."""
    os.setpgid(0, 0)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for target, path in ((1, order.stdout), (2, order.stderr)):
        descriptor = os.open(path, flags, 0o600)
        os.dup2(descriptor, target)
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    watch = _Watch(order, os.open(order.trace, flags | os.O_APPEND, 0o600))
    sync: Callable[[int], None] = os.fsync

    def fsync(descriptor: int) -> None:
        watch.happens("fsync")
        sync(descriptor)

    setattr(os, "fsync", fsync)  # noqa: B010 - its type is wider than what is called here
    if order.disk:
        _break_disk(Disk(**order.disk), watch)
    os.environ.clear()
    os.environ.update(order.env)
    sys.argv = ["ses-tenant", *order.argv]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order.hurry:
        time.sleep = lambda _: None
    sys.addaudithook(watch.audit)
    from ses_tenant.cli import main

    status: object = 1
    try:
        main()
    except SystemExit as end:
        status = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def _break_disk(disk: Disk, watch: _Watch) -> None:
    """Let the call of the operating system fail in this process, from which nobody returns."""
    carry_out: Callable[..., Any] = getattr(os, disk.call)
    calls = 0

    def call(*args: Any, **options: Any) -> Any:
        nonlocal calls
        ours = disk.call == "fsync" or watch._is_watched(args[0])
        if ours and disk.call == "open" and args[1] & os.O_DIRECTORY:
            ours = False  # a step on the way
        calls += ours
        hit = calls == disk.number or (disk.lasts and calls > disk.number)
        if not (ours and hit):
            return carry_out(*args, **options)
        if disk.done:
            carry_out(*args, **options)
        raise OSError(getattr(errno, disk.error), os.strerror(getattr(errno, disk.error)))

    setattr(os, disk.call, call)


def _warm_up() -> None:
    """Import and load what every run needs."""
    import boto3
    import pytest

    import ses_tenant.aws.iam
    import ses_tenant.aws.verify
    import ses_tenant.cli.render
    import ses_tenant.core.fleet.tenants_file
    import ses_tenant.destinations.command
    import ses_tenant.destinations.file
    import ses_tenant.destinations.secretsmanager
    import ses_tenant.destinations.ssm
    import ses_tenant.operations.create
    import ses_tenant.operations.delete
    import ses_tenant.operations.fleet
    import ses_tenant.operations.list_tenants
    import ses_tenant.operations.rotate
    import ses_tenant.operations.show
    import ses_tenant.operations.suspend  # noqa: F401
    from tests.worked_out_once import work_out_once

    work_out_once(pytest.MonkeyPatch())
    session = boto3.session.Session(
        aws_access_key_id="warm", aws_secret_access_key="up", region_name="eu-central-1"
    )
    session.get_available_regions("sesv2")
    for service in ("iam", "sts", "sesv2", "secretsmanager", "ssm"):
        client = session.client(service, endpoint_url="http://127.0.0.1:1")
        client.close()
    _run_in_vain()
    gc.collect()
    gc.freeze()


def _run_in_vain() -> None:
    """Run each verb up to its first request, which nobody answers: it imports what it needs."""
    import pytest

    from ses_tenant.cli.app import app

    nobody = {**aws_variables("http://127.0.0.1:1", "eu-central-1", {}), "AWS_MAX_ATTEMPTS": "1"}
    with (
        Path(os.devnull).open("w", encoding="utf-8") as null,
        redirect_stdout(null),
        redirect_stderr(null),
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in nobody.items():
            patch.setenv(name, value)
        app(["policy", "warm.example.com"], standalone_mode=False)
        for verb in ("create", "rotate-keys", "suspend", "resume", "delete --yes"):
            with suppress(SystemExit):
                app([*verb.split(), "warm.example.com"], prog_name="ses-tenant")


def _wait_for_group(group: int) -> None:
    """Wait until the commands have ended that a killed client had started."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.002)
    raise TimeoutError("a command of a killed client does not end")


def serve() -> None:
    """Fork a client for each order until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    _warm_up()
    if threading.active_count() != 1:
        raise RuntimeError("a process with threads must not be forked")
    print("ready", file=answers, flush=True)
    while line := sys.stdin.readline():
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _client(order)
        print(pid, file=answers, flush=True)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        if ended is None:
            raise RuntimeError("waitid answers None only with WNOHANG")
        killed = ended.si_code != os.CLD_EXITED
        print(-ended.si_status if killed else ended.si_status, file=answers, flush=True)
        sys.stdin.readline()
        os.waitpid(pid, 0)
        _wait_for_group(pid)
        print(file=answers, flush=True)


if __name__ == "__main__":
    serve()
