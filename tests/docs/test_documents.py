"""The documents agree with the code: commands, help, codes, JSON, policy, links."""

import json
import re
import runpy
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ses_tenant import __version__
from ses_tenant.cli.app import app
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, ExitStatus
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.rotation.decision import Action, Mode, NextStep
from ses_tenant.core.rotation.keys import KeyState
from ses_tenant.core.tenant.credentials import NewAccessKey, credentials_for
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.destinations.formats import FORMATS, secret_document
from ses_tenant.destinations.registry import usages

from .test_examples import OPERATOR, empty_account

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
]
README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")
DESTINATIONS = (ROOT / "docs" / "destinations.md").read_text("utf-8")
ROTATION = (ROOT / "docs" / "rotation.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def marked(text: str, mark: str) -> dict[str, str]:
    """Return the code blocks that stand behind `<!-- MARK: name -->`, by name."""
    return dict(re.findall(rf"<!-- {mark}: ([^\n]*) -->\n```\w+\n(.*?)```", text, re.DOTALL))


def table(text: str, heading: str) -> list[str]:
    """Return the first column of the table under a heading, or behind a line of text."""
    return [row.strip("`") for row in table_rows(text, heading)]


def table_rows(text: str, heading: str) -> list[str]:
    rows = text.split(heading, 1)[1].split("\n\n|", 1)[1].split("\n\n", 1)[0].splitlines()
    return [row.split("|")[1 if number else 0].strip() for number, row in enumerate(rows)][2:]


def test_the_two_commands_of_the_readme_stand_alone() -> None:
    commands = marked(README, "command")
    assert list(commands) == ["try", "test"]
    for command in commands.values():
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv --without-pip .venv && ")
        assert " -c constraints.txt " in command
    assert commands["try"].endswith(
        " && .venv/bin/ses-tenant sandbox -- python examples/impersonate.py\n"
    )
    assert commands["test"].endswith(" && .venv/bin/pytest\n")


def test_ci_finds_the_two_commands_in_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    function = script[script.index("readme_command() {") : script.index("\nrun() {")]
    for name, command in marked(README, "command").items():
        done = subprocess.run(
            ["bash", "-euc", f"{function}\nreadme_command {name}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert done.stdout == command


def commands_shown() -> Iterator[str]:
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        for block in blocks(text, "sh"):
            yield from (line for line in block.splitlines() if "ses-tenant " in line)
        for code in re.findall(r"`(ses-tenant [^`]+)`", text):
            if "--" in code or "example." in code:
                yield code


@pytest.mark.parametrize("line", sorted(set(commands_shown())))
def test_every_command_in_the_documents_parses(line: str) -> None:
    verbs = getattr(get_command(app), "commands", {})
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands = split_at(list(lexer), lambda word: not set(word) - set("&|<>;()"))
    for words in commands:
        for place, word in enumerate(words):
            if word.endswith("ses-tenant") and words[place + 1 :]:
                name, *arguments = words[place + 1 :]
                with verbs[name].make_context(name, arguments):
                    pass


def split_at(words: list[str], ends: Callable[[str], bool]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if ends(word):
            found.append([])
        else:
            found[-1].append(word)
    return found


def test_the_generated_help_is_up_to_date() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    assert generate["updated"](REFERENCE) == REFERENCE, "run: python docs/generate.py"
    assert generate["updated"](DESTINATIONS) == DESTINATIONS, "run: python docs/generate.py"
    assert generate["main"](["--check"]) == 0
    for name in generate["command_names"]():
        assert f"\n### ses-tenant {name}\n" in REFERENCE


def test_the_generated_help_would_be_noticed_if_it_were_old() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    old = REFERENCE.replace("Create a tenant", "Create a lodger")
    assert old != REFERENCE
    assert generate["updated"](old) == REFERENCE
    old = DESTINATIONS.replace("WPMS_MAILER", "WPMS_POSTMAN")
    assert old != DESTINATIONS
    assert generate["updated"](old) == DESTINATIONS


def test_each_format_is_documented_with_what_it_writes() -> None:
    assert table(DESTINATIONS, "## Formats") == list(FORMATS)
    for name, form in FORMATS.items():
        section = DESTINATIONS.split(f"\n### {name}\n", 1)[1].split("\n###", 1)[0]
        for interface in Interface:
            assert (f"\n{interface.upper()}:\n" in section) is (interface in form.interfaces)
        row = next(r for r in DESTINATIONS.splitlines() if r.startswith(f"| `{name}` | "))
        word = "both" if len(form.interfaces) == 2 else next(iter(form.interfaces)).upper()
        assert row.split("|")[3].strip() == word


def test_the_document_for_secret_stores_is_documented() -> None:
    keys = re.findall(r"`(\w+)`", " ".join(table_rows(DESTINATIONS, "## The JSON document")))
    written: set[str] = set()
    for interface in Interface:
        spec = TenantSpec(SendingDomain("shop.example.com"), interface, ("eu-central-1",))
        key = NewAccessKey("AKIAIOSFODNN7EXAMPLE", "made+up+secret")
        written |= secret_document(credentials_for(spec, None, key)).keys()
    assert set(keys) == written


def test_each_destination_is_documented() -> None:
    assert table(DESTINATIONS, "## Destinations") == usages()


def test_each_state_is_documented_with_its_next_step() -> None:
    states = [row.split("`")[1] for row in table_rows(ROTATION, "## States")]
    assert states == list(KeyState)


def test_each_option_that_decides_is_documented() -> None:
    options = [f"--{mode}" for mode in Mode if mode is not Mode.NEXT]
    documented = [o.split()[0] for o in table(ROTATION, "## When the next step")]
    assert sorted(documented) == sorted([*options, "--force"])


def test_the_closed_sets_are_documented() -> None:
    assert table(REFERENCE, "## Error codes") == [code.value for code in ErrorCode]
    statuses = [str(status.value) for status in ExitStatus]
    assert table(REFERENCE, "## Exit statuses") == statuses
    assert sorted(table(REFERENCE, "`state` is what")) == sorted(KeyState)


def test_the_words_of_rotate_keys_are_documented() -> None:
    assert table(REFERENCE, "`tenants` has all tenants.") == list(Action)
    assert table(REFERENCE, "| `failed` | see `errors` |") == list(NextStep)


def test_the_environment_variables_of_our_own_are_documented() -> None:
    code = "".join(path.read_text() for path in (ROOT / "ses_tenant").rglob("*.py"))
    used = set(re.findall(r'"(SES_TENANT_\w+)"', code))
    assert used
    assert set(re.findall(r"SES_TENANT_\w+", REFERENCE)) == used


def test_the_line_for_cron_is_the_same_everywhere_and_parses() -> None:
    line = (ROOT / "examples" / "rotate.cron").read_text()
    assert f"```text\n{line}```" in README
    assert f"```text\n{line}```" in ROTATION
    *times, program, verb = line.split()[:7]
    assert len(times) == 5
    assert program == "ses-tenant"
    result = CliRunner().invoke(app, [verb, *line.split()[7:], "--help"])
    assert result.exit_code == 0, result.stderr


def test_the_warning_codes_are_documented() -> None:
    code = "".join(path.read_text() for path in (ROOT / "ses_tenant").rglob("*.py"))
    used = set(re.findall(r'Notice\(\s*"(\w+)"', code))
    assert set(table(REFERENCE, "## Warning codes")) == used


def test_the_rules_of_findings_are_documented() -> None:
    documented = table((ROOT / "docs" / "audit.md").read_text(), "## Findings")
    assert documented == sorted(rule.value for rule in Rule)


def test_the_schema_of_a_finding_takes_what_the_commands_print(answers: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "docs" / "findings.schema.json").read_text())
    assert schema["properties"]["rule"]["enum"] == sorted(rule.value for rule in Rule)
    found = [
        finding
        for command in ("audit", "check shop.example.com")
        for finding in answers[command]["data"]["findings"]
    ]
    assert found
    for finding in found:
        jsonschema.validate(finding, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(finding | {"rule": "invented"}, schema)


def test_every_rule_is_reported_by_something() -> None:
    code = "".join(path.read_text() for path in (ROOT / "ses_tenant").rglob("*.py"))
    assert {rule.name for rule in Rule} <= set(re.findall(r"Rule\.([A-Z_]+)", code))


def shape(value: Any) -> Any:
    """Return the keys of a JSON value, in their order; lists by their first element."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """`data` of every command that docs/reference.md shows, run in its order."""
    found = {}
    with empty_account() as url:
        env = {**OPERATOR, "AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-central-1"}
        # `delete` comes after `list` and `show` in the document, too.
        for command in [*marked(REFERENCE, "data"), *marked(REFERENCE, "credentials")]:
            result = CliRunner().invoke(
                app, [*command.split(), "-o", "json"], input="some+secret+key", env=env
            )
            assert result.exit_code == 0, result.stdout
            found[command] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("command", list(marked(REFERENCE, "data")))
def test_the_data_of_each_command_is_documented(answers: dict[str, Any], command: str) -> None:
    documented = json.loads(marked(REFERENCE, "data")[command])
    real = answers[command]["data"]
    for free in ("policy", "tags"):  # shown empty; what stands in them is described elsewhere
        if free in documented:
            real = {**real, free: {}}
    assert json.dumps(shape(documented)) == json.dumps(shape(real))


@pytest.mark.parametrize("command", list(marked(REFERENCE, "credentials")))
def test_the_credentials_of_smtp_are_documented(answers: dict[str, Any], command: str) -> None:
    documented = json.loads(marked(REFERENCE, "credentials")[command])
    assert json.dumps(shape(documented)) == json.dumps(
        shape(answers[command]["data"]["credentials"])
    )


def test_the_envelope_is_documented(answers: dict[str, Any]) -> None:
    (envelope,) = re.findall(r"<!-- envelope -->\n```json\n(.*?)```", REFERENCE, re.DOTALL)
    for answer in answers.values():
        assert list(answer) == list(json.loads(envelope))


def test_the_policy_and_its_size_are_documented() -> None:
    for command, documented in marked((ROOT / "docs/policy.md").read_text(), "policy").items():
        assert CliRunner().invoke(app, ["policy", command]).stdout == documented
    size = json.loads(marked(REFERENCE, "data")["policy shop.example.com"])["size"]
    answer = CliRunner().invoke(app, ["policy", "shop.example.com", "-o", "json"])
    assert json.loads(answer.stdout)["data"]["size"] == size


def anchors(text: str) -> set[str]:
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_inside_the_project_lead_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), target


def test_every_decision_is_in_the_index_under_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    index = re.findall(
        r"^\| \[(\d+)\]\((\S+)\) \| (.+) \|$", (folder / "README.md").read_text(), re.MULTILINE
    )
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    assert [name for _, name, _ in index] == [path.name for path in records]
    for (number, name, title), path in zip(index, records, strict=True):
        assert name.startswith(f"{int(number):04}-")
        assert path.read_text().startswith(f"# {number}. {title}\n")
        words = re.findall(r"^\*\*(\w+)\.\*\*", path.read_text(), re.MULTILINE)
        assert words == ["Context", "Choice", "Cost"]


def test_the_constraints_pin_what_is_installed() -> None:
    for file in ("constraints.txt", "constraints-lowest.txt"):
        assert all(re.fullmatch(r"[0-9][A-Za-z0-9.]*", version) for version in pins(file).values())
        for requirement in requires("ses-tenant") or ():
            name = re.split(r"[\[<>=; ]", requirement)[0]
            if name != "ses-tenant" and "mutation" not in requirement:
                assert folded(name) in pins(file)
                assert re.fullmatch(r"[0-9a-z.]+", version(name))


def pins(file: str) -> dict[str, str]:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line[0] != "#"]
    return {folded(name): version for name, version in (line.split("==") for line in lines)}


def folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lowest_versions_that_are_allowed_are_those_that_are_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = pins("constraints-lowest.txt")
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["sandbox"]]:
        name, bound = re.sub(r"\[.*\]", "", requirement).split(">=")
        assert re.sub(r"(\.0)+$", "", lowest[folded(name)]) == bound, requirement


def test_the_changelog_has_each_version_once_and_the_present_one() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", h) for h in headings[1:]]
    versions = [match[1] for match in released if match]
    assert len(versions) == len(headings) - 1 == len(set(versions))
    assert versions[:1] == [__version__] or f"becomes {__version__}." in changelog
