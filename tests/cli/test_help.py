"""Help: it leads with an example that works, and costs no import that it does not need."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.main import get_command

from ses_tenant.cli import completion
from ses_tenant.cli.app import app
from ses_tenant.cli.groups import after_the_verb

from .conftest import Run

COMMANDS = [
    *("create", "adopt", "list", "show", "suspend", "resume", "delete"),
    *("rotate-keys", "smtp-password"),
    *("check", "audit", "simulate", "policy", "operator-policy", "stats"),
    *("plan", "apply", "export", "help", "identity", "watch", "sandbox"),
]
SLOW = ["boto3", "botocore", "moto", "rich", "pygments", "markdown_it"]

# Runs each command line in one process, and tells which slow modules are imported after it.
PROBE = f"""
import json, shlex, sys
from ses_tenant.cli import main
for line in sys.argv[1:]:
    sys.argv = ["ses-tenant", *shlex.split(line)]
    try:
        main()
    except SystemExit as end:
        assert not end.code
    print(json.dumps([line, [name for name in {SLOW} if name in sys.modules]]), file=sys.stderr)
"""


def imported(*lines: str, stdin: str = "") -> dict[str, list[str]]:
    """Return which slow modules are imported after each of the command lines."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *lines],
        input=stdin,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout
    return dict(json.loads(line) for line in done.stderr.splitlines())


def command(name: str) -> Any:
    return getattr(get_command(app), "commands", {})[name]


def examples(text: str) -> list[str]:
    """Return the lines of a help text that are indented as examples are."""
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def parse(line: str) -> None:
    """Let Typer parse the `ses-tenant` command in a line of shell, without running it."""
    words = shlex.split(line, comments=True)
    while words:
        part = words[: words.index("|")] if "|" in words else words
        words = words[len(part) + 1 :]
        for redirection in ("<", ">"):
            part = part[: part.index(redirection)] if redirection in part else part
        if part[0] == "ses-tenant":
            _, name, *arguments = part
            with command(name).make_context(name, arguments):
                pass
            if name == "sandbox" and "--" in arguments:
                parse(shlex.join(arguments[arguments.index("--") + 1 :]))


def test_these_are_all_commands() -> None:
    assert list(getattr(get_command(app), "commands", {})) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_leads_with_an_example_that_parses(run: Run, name: str) -> None:
    answer = run(name, "--help", env={"COLUMNS": "80"})
    assert (answer.status, answer.stderr) == (0, "")
    usage, summary, lines = answer.stdout.split("\n\n")[:3]
    assert usage.startswith(f"Usage: ses-tenant {name} ")
    assert summary.startswith("  ")
    found = examples(lines)
    assert f"ses-tenant {name}" in found[0]
    for line in found:
        assert "ses-tenant " in line
        parse(line)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_eighty_columns_and_is_plain(run: Run, name: str) -> None:
    for text in (run("--help").stdout, run(name, "-h").stdout):
        assert max(len(line) for line in text.splitlines()) <= 80
        assert "\x1b" not in text


def test_help_imports_nothing_slow() -> None:
    asked = {name: shlex.join([*filter(None, [name]), "--help"]) for name in ["", *COMMANDS]}
    assert imported(*asked.values()) == {line: [] for line in asked.values()}


def test_offline_commands_import_nothing_slow() -> None:
    lines = [
        "policy shop.example.com",
        "policy shop.example.com --smtp --subdomains -o json",
        "smtp-password --region eu-central-1",
        "--version",
    ]
    secret = "w/alrXUtnFEMI+K7MDENG+bPxRfiCYEXAMPLEKEY"
    assert imported(*lines, stdin=secret) == {line: [] for line in lines}


def test_no_command_shows_the_help(run: Run) -> None:
    answer = run()
    assert "Usage: ses-tenant" in answer.stdout + answer.stderr
    assert answer.status == 2


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(run: Run, option: str) -> None:
    answer = run(option)
    assert (answer.status, answer.stdout) == (0, "ses-tenant 0.1.0\n")


def test_help_lists_the_verbs_in_groups_with_whole_summaries(run: Run) -> None:
    text = run("--help").stdout
    groups = ["A site:", "Its access keys:", "Proof:", "Many sites at once:", "Try it:", "Options:"]
    assert [line for line in text.splitlines() if line in groups] == groups
    assert "..." not in text.replace("[ARGS]...", "")
    assert "  delete           Delete tenants: access keys, policies and the IAM user.\n" in text


def test_the_verb_help_shows_what_the_option_does(run: Run) -> None:
    for verb in (["create"], ["identity", "check"], []):
        assert run("help", *verb).stdout == run(*verb, "--help").stdout
    answer = run("help", "create-tenant")
    assert (answer.status, answer.stdout) == (2, "")
    assert "No such command 'create-tenant'." in answer.stderr


VERBS = {"list": None, "identity": SimpleNamespace(commands={"check": None})}
OPTIONS = {"--output": True, "-o": True, "--quiet": False, "-q": False}


@pytest.mark.parametrize(
    ("line", "moved", "verb"),
    [
        ("list -o json", "list -o json", "list"),
        ("-o json list", "list -o json", "list"),
        ("-ojson -q list x", "list -ojson -q x", "list"),
        ("-qo json list", "list -qo json", "list"),
        ("--output=json --quiet list", "list --output=json --quiet", "list"),
        (
            "-q identity --output json check x",
            "identity check -q --output json x",
            "identity check",
        ),
        ("-o list list", "list -o list", "list"),
        ("--help list", "--help list", ""),
        ("-o json", "-o json", ""),
        ("-o", "-o", ""),
        ("-o json lsit", "-o json lsit", ""),
        ("-x list", "-x list", ""),
        ("- list", "- list", ""),
    ],
)
def test_options_before_the_verb_are_the_verbs(line: str, moved: str, verb: str) -> None:
    assert after_the_verb(line.split(), OPTIONS, VERBS) == (moved.split(), verb)


def test_an_option_before_the_verb_counts_as_after_it(run: Run) -> None:
    answer = run("-o", "json", "policy", "shop.example.com")
    assert answer.json["command"] == "policy"
    failed = run("--output=json", "identity", "check", "nobody@example.com")
    assert failed.json["command"] == "identity check"
    assert failed.json["status"] == "error"
    refused = run("--dry-run", "policy", "shop.example.com")
    assert (refused.status, refused.stdout) == (2, "")
    assert "Usage: ses-tenant policy" in refused.stderr


def test_values_are_completed_without_asking_aws() -> None:
    assert completion.formats("wp-") == ["wp-mail-smtp", "wp-offload-ses"]
    assert completion.regions("eu-n") == ["eu-north-1"]
    assert completion.destinations("s") == ["secretsmanager:", "ssm:"]


def verbs(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, verb in group.commands.items():
        yield " ".join((*path, name)), verb
        if getattr(verb, "commands", {}):
            yield from verbs(verb, (*path, name))


def test_every_verb_that_writes_takes_yes() -> None:
    taken = {
        name: {o for p in verb.params for o in p.opts} for name, verb in verbs(get_command(app))
    }
    writing = {name for name, options in taken.items() if "--dry-run" in options} | {"apply"}
    assert {"create", "suspend", "resume", "identity create"} <= writing
    assert [name for name in writing if not {"--yes", "-y"} <= taken[name]] == []


@pytest.mark.usefixtures("server")
def test_domains_are_completed_from_the_account(run: Run) -> None:
    for domain in ("shop.example.com", "blog.example.org"):
        assert run("create", domain, "--quiet").status == 0
    context = typer.Context(get_command(app))
    assert completion.tenants(context, "") == ["blog.example.org", "shop.example.com"]
    assert completion.tenants(context, "sh") == ["shop.example.com"]
    context.params["endpoint_url"] = "nowhere"
    assert completion.tenants(context, "") == []


def test_completion_completes_a_command_in_bash() -> None:
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        [
            "bash",
            "--noprofile",
            "--norc",
            "-c",
            (
                'eval "$(ses-tenant --show-completion)"; '
                "COMP_WORDS=(ses-tenant smt); COMP_CWORD=1; "
                '_ses_tenant_completion ses-tenant; echo "${COMPREPLY[@]}"'
            ),
        ],
        env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["smtp-password"]
    assert done.stderr == ""
