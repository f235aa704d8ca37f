#!/usr/bin/env python3
"""Write the generated parts of docs/reference.md: the help of every command.

python docs/generate.py           writes them
python docs/generate.py --check   exits with status 1 if they are not up to date
"""

import re
import sys
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from ses_tenant.cli.app import app

REFERENCE = Path(__file__).with_name("reference.md")
_GENERATED = re.compile(r"(<!-- generated: help -->\n).*?(<!-- end of generated -->\n)", re.DOTALL)


def command_names() -> list[str]:
    """Return the names of the commands, in the order in which `--help` shows them."""
    root = get_command(app)
    return list(getattr(root, "commands", {}))


def help_text(*command: str) -> str:
    """Return what `ses-tenant COMMAND --help` prints on a terminal of 80 columns."""
    result = CliRunner().invoke(
        app,
        [*command, "--help"],
        prog_name="ses-tenant",
        env={"COLUMNS": "80", "TERMINAL_WIDTH": "80", "NO_COLOR": "1"},
    )
    return "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())


def generated() -> str:
    """Return the section: one heading and one block for each command."""
    sections = [("ses-tenant", help_text())]
    sections += [(f"ses-tenant {name}", help_text(name)) for name in command_names()]
    return "".join(f"\n### {title}\n\n```text\n{text}```\n" for title, text in sections) + "\n"


def updated(reference: str) -> str:
    """Return the text of docs/reference.md with its generated part renewed."""
    return _GENERATED.sub(lambda match: f"{match[1]}{generated()}{match[2]}", reference)


def main(arguments: list[str]) -> int:
    """Write, or with --check compare; return the exit status."""
    present = REFERENCE.read_text("utf-8")
    wanted = updated(present)
    if "--check" not in arguments:
        REFERENCE.write_text(wanted, "utf-8")
    elif wanted != present:
        sys.stderr.write("docs/reference.md is out of date; run: python docs/generate.py\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
