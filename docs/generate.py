#!/usr/bin/env python3
"""Write the generated parts of the documents.

docs/reference.md has the help of every command, docs/destinations.md what each format writes,
docs/audit.md the rules of findings, docs/findings.schema.json what a
finding is, examples/operator-policy.json what `operator-policy` prints for
every command but `adopt`, examples/destination-policy.json what the destinations need,
ses_tenant/cli/tenants.schema.json the schema of a tenants file, docs/share/ the manual page
and what shells complete commands with, which the wheel brings.

python docs/generate.py           writes them
python docs/generate.py --check   exits with status 1 if they are not up to date
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from manual import COMPLETIONS, completion, manual_page
from typer.main import get_command
from typer.testing import CliRunner

from ses_tenant.cli.app import app
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.findings.finding import Severity
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.identity.records import Purpose, RecordType
from ses_tenant.core.tenant.credentials import NewAccessKey, credentials_for
from ses_tenant.core.tenant.identity import IDENTITY
from ses_tenant.core.tenant.operator_actions import ADOPT, VERBS
from ses_tenant.core.tenant.operator_policy import operator_policy
from ses_tenant.core.tenant.spec import SETTINGS, Interface, TenantSpec
from ses_tenant.destinations.formats import FORMATS
from ses_tenant.destinations.registry import SCHEMES, destination_policy, fleet_schema

REFERENCE = Path(__file__).with_name("reference.md")
DESTINATIONS = Path(__file__).with_name("destinations.md")
AUDIT = Path(__file__).with_name("audit.md")
FLEETS = Path(__file__).with_name("fleets.md")
SCHEMA = Path(__file__).parents[1] / "ses_tenant" / "cli" / "tenants.schema.json"
EXAMPLES = Path(__file__).parents[1] / "examples"
SHARE = Path(__file__).with_name("share")
FINDINGS_SCHEMA = Path(__file__).with_name("findings.schema.json")
_GENERATED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end of generated -->\n)", re.DOTALL)
# The key that AWS's own documentation shows.
_KEY = NewAccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def command_names(group: str | None = None) -> list[str]:
    """Return the names of the commands, or of a group's, in the order in which help shows them."""
    commands = getattr(get_command(app), "commands", {})
    return list(getattr(commands[group], "commands", {}) if group else commands)


def help_text(*command: str) -> str:
    """Return what `ses-tenant COMMAND --help` prints on a terminal of 80 columns."""
    result = CliRunner().invoke(
        app,
        [*command, "--help"],
        prog_name="ses-tenant",
        env={"COLUMNS": "80", "TERMINAL_WIDTH": "80", "NO_COLOR": "1"},
    )
    return "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())


def command_help() -> str:
    """Return the section on commands: one heading and one block for each."""
    sections = [("ses-tenant", help_text())]
    for name in command_names():
        sections.append((f"ses-tenant {name}", help_text(name)))
        sections += [
            (f"ses-tenant {name} {part}", help_text(name, part)) for part in command_names(name)
        ]
    return "".join(f"\n### {title}\n\n```text\n{text}```\n" for title, text in sections) + "\n"


def formats() -> str:
    """Return the section on formats: what stands in a file, for each interface."""
    text = ""
    for name, form in FORMATS.items():
        text += f"\n### {name}\n"
        for interface in (Interface.API, Interface.SMTP):
            if interface in form.interfaces:
                domain = SendingDomain("shop.example.com")
                spec = TenantSpec(domain=domain, interface=interface, regions=("eu-central-1",))
                written = form.file(credentials_for(spec, None, _KEY))
                text += f"\n{interface.upper()}:\n\n```{form.language}\n{written}```\n"
    return text + "\n"


def format_table() -> str:
    """Return the table of formats."""
    both = len(Interface)
    rows = ""
    for name, form in FORMATS.items():
        of = "both" if len(form.interfaces) == both else next(iter(form.interfaces)).upper()
        rows += f"| `{name}` | {form.consumer} | {of} |{form.in_use and ' ' + form.in_use} |\n"
    return f"\n| format | for | interface | in use |\n|---|---|---|---|\n{rows}\n"


def destination_table() -> str:
    """Return the table of destinations."""
    rows = "".join(f"| `{s.usage}` | {s.written} | {s.read_by} |\n" for s in SCHEMES.values())
    return f"\n| URI | what is written | read back by |\n|---|---|---|\n{rows}\n"


def tenant_keys() -> str:
    """Return the table of what a tenant may have in a tenants file."""
    options = {s.name: f"`{s.option.replace('/', '`, `')}`" for s in SETTINGS}
    options |= {f"identity.{s.name}": f"`identity create {s.option}`" for s in IDENTITY}
    schema = json.loads(json_files()[SCHEMA])["definitions"]
    keys = schema["tenant"]["properties"] | {
        f"identity.{key}": told for key, told in schema["identity"]["properties"].items()
    }
    rows = "".join(
        f"| `{key}` | {options.get(key, '')} | {told.get('description', 'AWS Regions.')} |\n"
        for key, told in keys.items()
    )
    return f"\n| key | option of `create` | value |\n|---|---|---|\n{rows}\n"


def rules() -> str:
    """Return the table of the rules of `check` and `audit`, by name."""
    rows = "".join(
        f"| `{rule}` | {', '.join(rule.verbs)} | {rule.severity} | {rule.meaning} |\n"
        for rule in sorted(Rule)
    )
    return f"\n| rule | of | usually | meaning |\n|---|---|---|---|\n{rows}\n"


def json_files() -> dict[Path, str]:
    """Return the examples of policies and the schemas, by their file."""
    files: dict[Path, object] = {
        EXAMPLES / "operator-policy.json": operator_policy([v for v in VERBS if v != ADOPT]),
        EXAMPLES / "destination-policy.json": destination_policy(),
        SCHEMA: fleet_schema(),
        FINDINGS_SCHEMA: findings_schema(),
    }
    return {file: json.dumps(content, indent=2) + "\n" for file, content in files.items()}


def shared_files() -> dict[Path, str]:
    """Return what is installed below a prefix's share/: the manual page and the completions."""
    completions = {SHARE / place: completion(shell) for shell, place in COMPLETIONS.items()}
    return {SHARE / "man" / "man1" / "ses-tenant.1": manual_page()} | completions


def findings_schema() -> dict[str, object]:
    """Return docs/findings.schema.json: what JSON tells of a finding."""
    text = {"type": "string"}
    or_none = {"type": ["string", "null"]}
    shape: dict[str, object] = {
        "id": {"type": "string", "pattern": f"^({'|'.join(sorted(Rule))}):"},
        "rule": {"enum": sorted(Rule)},
        "severity": {"enum": [severity.value for severity in Severity]},
        "principal": text,
        "domains": _list_of(domain=text, witness=or_none),
        "domain_count": {"type": "integer", "minimum": 0},
        "message": text,
        "path": _list_of(principal=text, action=text, resource=text, statement=text),
        "remedy": text,
    }
    # With --file it has the account besides, as an accepted one has its reason and last day.
    # What is not verified has the records to add, as `identity records` has them.
    record = _list_of(
        name=text, type={"enum": sorted(RecordType)}, value=text, ttl={"type": "integer"},
        purpose={"enum": sorted(Purpose)}, required={"type": "boolean"}, region=or_none,
    )  # fmt: skip
    more = {"account": text, "reason": text, "until": text, "records": record}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A finding of ses-tenant check and audit",
        **_object(shape),
        "properties": shape | more,
    }


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _list_of(**properties: object) -> dict[str, object]:
    return {"type": "array", "items": _object(properties)}


def updated(document: str) -> str:
    """Return the text of a document with its generated part renewed."""
    parts = {
        "help": command_help, "formats": formats, "format_table": format_table, "rules": rules,
        "destination_table": destination_table, "tenant_keys": tenant_keys,
    }  # fmt: skip
    return _GENERATED.sub(lambda match: f"{match[1]}{parts[match[2]]()}{match[3]}", document)


def main(arguments: list[str]) -> int:
    """Write, or with --check compare; return the exit status."""
    status = 0
    documents = {f: updated(f.read_text("utf-8")) for f in (REFERENCE, DESTINATIONS, AUDIT, FLEETS)}
    for file, wanted in (documents | json_files() | shared_files()).items():
        present = file.read_text("utf-8") if file.exists() else ""
        if "--check" not in arguments:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted, "utf-8")
        elif wanted != present:
            sys.stderr.write(
                f"{file.parent.name}/{file.name} is out of date; run: python docs/generate.py\n"
            )
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
