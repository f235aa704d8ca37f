"""The fleet's examples: the tenants file, and three ways to run the rotation every day."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from typer.main import get_command
from typer.testing import CliRunner

from ses_tenant.cli.accounts import load_fleet
from ses_tenant.cli.app import app

from .test_documents import marked, shape
from .test_examples import EXAMPLES, OPERATOR, ROOT, empty_account

FLEETS = (ROOT / "docs" / "fleets.md").read_text("utf-8")
SCHEMA = json.loads((ROOT / "ses_tenant" / "cli" / "tenants.schema.json").read_text("utf-8"))


def parses(line: str) -> str:
    """Let Typer parse a `ses-tenant` command without running it; return the verb."""
    program, verb, *arguments = shlex.split(line, comments=True)
    assert program.rpartition("/")[2] == "ses-tenant"
    with getattr(get_command(app), "commands", {})[verb].make_context(verb, arguments):
        return verb


def test_the_tenants_file_is_what_the_parser_and_the_schema_take() -> None:
    file = EXAMPLES / "tenants.toml"
    fleet = load_fleet(str(file))
    assert list(fleet.accounts) == ["agency", "client"]
    assert len(fleet.tenants) == 5
    Draft7Validator(SCHEMA).validate(tomllib.loads(file.read_text()))
    schema = re.match(r"#:schema (\S+)\n", file.read_text())
    assert schema is not None
    assert json.loads((EXAMPLES / schema[1]).read_text()) == SCHEMA
    for line in re.findall(r"# .*: +(ses-tenant .*)", file.read_text()):
        assert parses(line) in ("plan", "apply")


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", FLEETS, re.DOTALL))
def test_the_pieces_in_the_document_are_valid(text: str) -> None:
    Draft7Validator(SCHEMA).validate(tomllib.loads(text))


def test_every_key_is_documented() -> None:
    table = FLEETS.split("## The file", 1)[1].split("\n\n|", 1)[1].split("\n\n", 1)[0]
    first = "".join(row.split("|")[1] for row in table.splitlines()[1:])
    defined = SCHEMA["definitions"]
    inner = [f"identity.{key}" for key in defined["identity"]["properties"]]
    keys = [*defined["tenant"]["properties"], *inner]
    assert sorted(re.findall(r"`([\w.-]+)`", first)) == sorted(keys)


def test_the_mistakes_in_the_document_are_what_is_printed(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```text\n(Error: .*?)```", FLEETS, re.DOTALL)
    file = tmp_path / "tenants.toml"
    file.write_text(
        '[accounts.agency]\nprofile = "agency"\n\n[defaults]\naccount = "agency"\n'
        'max_age = "90d"\n\n[tenants."shop.example.com"]\nalso = ["co.uk"]\n'
    )
    result = CliRunner().invoke(app, ["plan", str(file)])
    assert result.exit_code == 2
    assert result.stderr.startswith(shown)


def test_the_data_of_plan_and_apply_is_documented(tmp_path: Path) -> None:
    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    documented = json.loads(marked(reference, "fleet")["plan"])
    file = tmp_path / "tenants.toml"
    file.write_text(f'[tenants."shop.example.com"]\ndestination = "file:{tmp_path}/x.env"\n')
    with empty_account() as url:
        env = {**OPERATOR, "AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-central-1"}
        for command in (["plan"], ["apply", "--yes"]):
            arguments = [*command, str(file), "-o", "json"]
            result = CliRunner().invoke(app, arguments, env=env)
            data = json.loads(result.stdout)["data"]
            assert json.dumps(shape(documented)) == json.dumps(shape(data))


def test_the_line_for_cron_parses_and_stands_in_the_document() -> None:
    line = (EXAMPLES / "rotate-fleet.cron").read_text()
    assert f"```text\n{line}```" in FLEETS
    assert parses(line.split(maxsplit=5)[5]) == "rotate-keys"


def units() -> dict[str, configparser.ConfigParser]:
    found = {}
    for name in ("ses-tenant-rotate.service", "ses-tenant-rotate.timer"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string((EXAMPLES / name).read_text())
        found[name] = parser
    return found


def test_the_systemd_units_fit_together_and_their_command_parses() -> None:
    service, timer = units().values()
    assert parses(service["Service"]["ExecStart"]) == "rotate-keys"
    assert service["Service"]["ExecStart"].startswith("/")
    assert service["Service"]["Type"] == "oneshot"
    assert timer["Timer"]["OnCalendar"] == "*-*-* 04:17:00"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_in_the_units(tmp_path: Path) -> None:
    for name in units():
        text = (EXAMPLES / name).read_text()
        # It looks for the program and the user, too, which are not on this machine.
        text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", text)
        (tmp_path / name).write_text(text.replace("User=ses-tenant", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    about_ours = [line for line in done.stderr.splitlines() if "ses-tenant" in line]
    assert (about_ours, done.returncode) == ([], 0), done.stderr


def test_the_workflow_is_one_and_its_commands_parse() -> None:
    workflow: dict[Any, Any] = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text())
    triggers = workflow[True]  # YAML 1.1 reads `on` as true
    assert set(triggers) == {"pull_request", "push", "schedule"}
    assert re.fullmatch(r"\d+ \d+ \* \* \*", triggers["schedule"][0]["cron"])
    (job,) = workflow["jobs"].values()
    assert set(job) <= {"runs-on", "env", "steps"}
    verbs = {}
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert set(step) <= {"name", "uses", "with", "run", "if"}
        if step.get("run", "").startswith("ses-tenant"):
            event = re.fullmatch(r"github.event_name == '(\w+)'", step["if"])
            assert event is not None
            verbs[event[1]] = parses(step["run"].split(" || ")[0])
    assert verbs == {"pull_request": "plan", "push": "apply", "schedule": "rotate-keys"}
    assert "$? -eq 4" in str(job["steps"])
