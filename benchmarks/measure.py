"""Run a command against an account of its own, and measure: seconds, requests, peak memory."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

THROTTLED = "(throttled)"
RATE = 20  # requests a second, where the server throttles


class FailedError(Exception):
    """A command ended with a status that was not expected; the text says what it printed."""


@dataclass(frozen=True)
class Measured:
    """What a command cost. `peak_mb` is that of its largest process."""

    seconds: float
    requests: int
    throttled: int
    peak_mb: float


@dataclass(frozen=True)
class Account:
    """A running server, the environment that leads to it, and a folder for the tool's files."""

    url: str
    folder: Path
    environ: Mapping[str, str]

    def count(self) -> dict[str, int]:
        """Return how often each action was asked for."""
        with urlopen(f"{self.url}/-/count", timeout=60) as answer:  # noqa: S310 - our own server
            return dict(json.load(answer))

    def run(self, command: Sequence[str], expected: tuple[int, ...] = (0,)) -> Measured:
        """Run `command` in the folder. Raises FailedError for a status that is not expected."""
        before = self.count()
        output = self.folder / "output"
        with output.open("wb") as out:
            started = time.monotonic()
            process = subprocess.Popen(  # noqa: S603 - commands of tools.py
                command,
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in expected:
            tail = output.read_text(errors="replace")[-2000:]
            raise FailedError(f"{' '.join(command)}: status {process.returncode}\n{tail}")
        after = self.count()
        throttled = after.pop(THROTTLED, 0) - before.pop(THROTTLED, 0)
        requests = sum(after.values()) - sum(before.values())
        return Measured(seconds, requests, throttled, usage.ru_maxrss / 1024)


@contextmanager
def account(folder: Path, latency_s: float, rate: int = 0) -> Iterator[Account]:
    """Serve an empty AWS account from a process of its own while the block runs; make `folder`."""
    folder.mkdir()
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "benchmarks.server", str(latency_s), str(rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        url = server.stdout.readline().strip() if server.stdout else ""
        yield Account(url, folder, _environment(url))
        server.kill()


def _environment(url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "CHECKPOINT_DISABLE": "1",  # Terraform asks its maker for news otherwise
    }
