"""What installs and runs ses-tenant besides pip: the GitHub Action, the image, the manual page."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ses_tenant import __version__

ROOT = Path(__file__).parents[2]


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", changelog, re.MULTILINE)
    assert len(headings) == len({name for name, _ in headings})
    released = [name for name, day in headings if day]
    if __version__ in released:
        assert released[0] == __version__
    else:
        assert f"becomes {__version__}." in changelog
    assert all(day or name == "Unreleased" for name, day in headings)


def step(name: str) -> dict[str, Any]:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    return next(s for s in action["runs"]["steps"] if s.get("id") == name or s.get("name") == name)


def run_action(tmp_path: Path, status: int = 0, **inputs: str) -> tuple[list[str], str]:
    """Run the action's step with a command that notes its arguments; return both."""
    noted, outputs = tmp_path / "noted", tmp_path / "outputs"
    command = tmp_path / "bin" / "ses-tenant"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\n(IFS='|'; echo \"$*\") >>'{noted}'\nexit {status}\n")
    command.chmod(0o755)
    script = step("run")["run"]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={"PATH": os.environ["PATH"], "PLACE": str(tmp_path), "ARGUMENTS": "", "REPORT": ""}
        | {"GITHUB_OUTPUT": str(outputs)} | inputs,
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    calls = noted.read_text().splitlines() if noted.exists() else []
    return calls, outputs.read_text() if outputs.exists() else f"ended with {done.returncode}"


def test_the_action_passes_arguments_as_a_shell_would_and_expands_nothing(tmp_path: Path) -> None:
    arguments = "--domains 'a b' $(touch pwned) `id` ; x"
    calls, outputs = run_action(tmp_path, COMMAND="check", ARGUMENTS=arguments)
    assert calls == ["check|--domains|a b|$(touch|pwned)|`id`|;|x"]
    assert outputs == "status=0\n"
    assert not (tmp_path / "pwned").exists()


def test_the_action_reports_findings_and_makes_the_report_once(tmp_path: Path) -> None:
    calls, outputs = run_action(tmp_path, 4, COMMAND="audit", REPORT="audit.html")
    assert calls == ["audit|-o|html", "audit"]
    assert outputs == "status=4\n"


@pytest.mark.parametrize(
    ("command", "called"),
    [("rotate-keys", ["rotate-keys|--yes"]), ("plan", ["plan"]), ("delete", [])],
)
def test_the_action_says_yes_where_nobody_can_be_asked_and_knows_its_commands(
    tmp_path: Path, command: str, called: list[str]
) -> None:
    calls, outputs = run_action(tmp_path, COMMAND=command)
    assert calls == called
    assert outputs == ("status=0\n" if called else "ended with 2")


def test_the_action_fails_on_findings_but_not_on_a_plan() -> None:
    script = step("Fail on findings and errors")["run"]
    for command, status, failed in [
        ("plan", 4, 0),
        ("audit", 4, 4),
        ("plan", 1, 1),
        ("plan", 0, 0),
    ]:
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            env={"PATH": os.environ["PATH"], "COMMAND": command, "STATUS": str(status)},
            timeout=30,
            check=False,
        )
        assert done.returncode == failed


def test_the_image_gets_what_its_file_copies_and_has_no_rights() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    ignored = (ROOT / ".dockerignore").read_text("utf-8")
    sent = {line.removeprefix("!") for line in ignored.splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    assert {source for line in copied for source in line.split()} == sent
    assert all((ROOT / source).exists() for source in sent)
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["10001"]


def test_the_manual_page_has_each_command_with_its_options() -> None:
    page = (ROOT / "docs" / "share" / "man" / "man1" / "ses-tenant.1").read_text("utf-8")
    assert '.SS "ses\\-tenant rotate\\-keys ' in page
    assert '.SS "ses\\-tenant identity publish ' in page
    assert "\n\\fB\\-\\-compromised\\fR\n" in page
    assert "{destinations}" not in page
    # Without the escape, roff would take a line that begins with a dot for a macro.
    macros = {line.split()[0] for line in page.splitlines() if line.startswith(".")}
    assert macros <= {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I", ".nf", ".fi", ".ad"}
