"""Closed streams, endless inputs, and what asks before a site's mail stops."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

SHOP = "shop.example.com"

SECRET = "w/alrXUtnFEMI+K7MDENG+bPxRfiCYEXAMPLEKEY"


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which `st` is ses-tenant."""
    return subprocess.run(
        ["/bin/sh", "-c", f'st() {{ "{sys.executable}" -m ses_tenant "$@"; }}; {script}'],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("st policy shop.example.com >&-", 1),
        ("st policy shop.example.com -o json >&- 2>&-", 1),
        ("st policy shop.example.com 2>&- >/dev/null", 0),
    ],
)
def test_streams_that_are_closed_or_endless(script: str, status: int) -> None:
    done = shell(script)
    assert done.returncode == status, done.stderr
    for word in ("Traceback", "Exception ignored", "in a way it should not"):
        assert word not in done.stderr


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("bad", ["/dev/zero", "folder", "nothing", "binary", "nested"])
@pytest.mark.parametrize(
    "verb",
    [
        ["plan"],
        ["apply"],
        ["check", "--file"],
        ["check", "--accept"],
        ["audit", "--accept"],
        ["audit", "--from"],
        ["audit", "--scp"],
        ["simulate", "--cases"],
        ["identity", "check", "--from"],
    ],
)
def test_what_is_no_file_of_ours_is_told(
    verb: list[str], bad: str, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    (tmp_path / "nested").write_bytes(b"[" * 100_000)
    answer = run(*verb, str(tmp_path / bad), "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "usage")
    assert "Errno" not in answer.stdout


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "verb",
    [
        "plan", "apply", "check --file", "check --accept", "audit --accept", "audit --from",
        "audit --scp", "simulate --cases", "identity check --from",
    ],
)  # fmt: skip
def test_a_pipe_that_nobody_writes_to_is_an_empty_file(verb: str, tmp_path: Path, run: Run) -> None:
    os.mkfifo(tmp_path / "pipe")
    toml = verb in ("plan", "apply", "check --file", "check --accept", "audit --accept")
    assert run(*verb.split(), str(tmp_path / "pipe")).status == (0 if toml else 2)


# With a folder as standard input Python itself does not start.
@pytest.mark.parametrize(
    ("verb", "stdin"),
    [  # each verb and each kind once; the others are rare
        pytest.param(verb, stdin, marks=[] if one == two else [pytest.mark.rare])
        for one, verb in enumerate(
            ("smtp-password", "identity check --from -", "simulate --cases -")
        )
        for two, stdin in enumerate(("</dev/zero", "<&-", "<pipe"))
    ],
)
def test_what_standard_input_can_be(verb: str, stdin: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = "(: >pipe) &" if "pipe" in stdin else ""
    done = shell(f"cd {tmp_path}; {writer} AWS_REGION=eu-central-1 st {verb} {stdin}")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "in a way it should not" not in done.stderr


@pytest.mark.usefixtures("server")
def test_a_key_that_could_not_be_printed_is_deleted_again() -> None:
    done = shell(f"st create {SHOP} >&-")
    assert done.returncode == 3
    assert "deleted again" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("secret", ["hel lo", "hello!", "\x00" * 40, "pässword"])
def test_what_cannot_be_a_secret_is_refused(secret: str, run: Run) -> None:
    answer = run("smtp-password", "--region", "eu-central-1", stdin=secret)
    assert (answer.status, answer.stdout) == (2, "")
    assert secret not in answer.stderr


def test_a_secret_of_another_length_is_warned_of(run: Run) -> None:
    short = run("smtp-password", "--region", "eu-central-1", "-o", "json", stdin="hello")
    assert [w["code"] for w in short.json["warnings"]] == ["secret_length"]
    whole = run("smtp-password", "--region", "eu-central-1", "-o", "json", stdin=SECRET)
    assert whole.json["warnings"] == []


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("before", "after", "stops"),
    [
        ([], ["--smtp"], "sending by what was delivered for api"),
        (["--smtp"], ["--api"], "sending by what was delivered for smtp"),
        (["--subdomains"], ["--no-subdomains"], "mail from subdomains of shop.example.com"),
        (["--also", "a.example.net"], ["--also", "b.example.net"], "mail from a.example.net"),
        (["--return-path", "a.example.net"], ["--return-path", SHOP], "Return-Path"),
    ],
)
def test_what_stops_mail_asks(before: list[str], after: list[str], stops: str, run: Run) -> None:
    assert run("create", SHOP, *before).status == 0
    refused = run("create", SHOP, *after)
    assert refused.status == 2
    assert "--yes" in refused.stderr
    shown = run("create", SHOP, *after, "--dry-run")
    assert (shown.status, stops in shown.stdout) == (0, True)
    assert run("create", SHOP, *after, "--yes").status == 0
    assert run("create", SHOP).status == 0
