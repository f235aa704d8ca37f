"""Fixtures: an account in memory, and two ways to run the command line against it."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from ses_tenant.cli.app import app

from .aws_server import Script, Server, counting_moto, environment, scripted


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one document on stdout; fails if there is anything else."""
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        """The only element of `errors`."""
        (error,) = self.json["errors"]
        return error


Run = Callable[..., Answer]


def without_progress(stderr: str) -> str:
    """Return stderr without what a run prints that took longer than a second."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not re.fullmatch(r"[CDR]\w+ing .*\.\.\.\n", line))


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    with counting_moto() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_debug_left() -> Iterator[None]:
    """Take back what --debug sets up for the rest of a process."""
    yield
    logger = logging.getLogger("ses_tenant")
    logger.handlers = []
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def _point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in environment(url, {}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """An empty account; the environment points at it."""
    _server.reset()
    _point_at(_server.url, monkeypatch)
    return _server


@pytest.fixture(scope="session")
def _stub() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def stub(_stub: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A server that answers what the test tells it; the environment points at it, no retries."""
    _stub.reset()
    _point_at(_stub.url, monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield _stub
    _stub.released.set()


@pytest.fixture
def run() -> Run:
    """Run a command in this process: `run("create", "shop.example.com", stdin="")`."""

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Answer:
        result = CliRunner().invoke(
            app, list(arguments), input=stdin, env=env, prog_name="ses-tenant"
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return Answer(result.exit_code, result.stdout, without_progress(result.stderr))

    return run


@pytest.fixture
def spawn() -> Run:
    """Run a command as a process: `spawn("create", "shop.example.com", env={...})`.

    The environment is the test's own, with `env` on top.
    """

    def spawn(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "ses_tenant", *arguments],
            input=stdin,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Answer(done.returncode, done.stdout, without_progress(done.stderr))

    return spawn
