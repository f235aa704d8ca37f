"""How `check` and `audit` show findings, and with which status they end."""

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from ses_tenant.cli.console import counted, wrapped
from ses_tenant.core.errors import ExitStatus
from ses_tenant.core.findings.finding import Finding, Severity, at_least

_SHOWN_DOMAINS = 3
_COLOURS = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "info": typer.colors.BLUE}


class FailOn(StrEnum):
    """The values of --fail-on."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


FailOnOption = Annotated[
    FailOn,
    typer.Option("--fail-on", help="End with status 4 for findings as bad as this, or worse."),
]


def finding_data(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON-able data."""
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "principal": finding.principal,
        "domain": finding.domain,
        "witness": finding.witness,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def findings_text(findings: Sequence[tuple[str | None, Finding]]) -> str:
    """Return the findings of accounts: alike ones of one principal, about many domains, as one."""
    groups: dict[tuple[str | None, str, str, str, str], list[Finding]] = {}
    for account, finding in findings:
        key = (account, finding.severity, finding.principal, finding.rule, finding.message)
        groups.setdefault(key, []).append(finding)
    return "".join(_group_text(account, group) for (account, *_), group in groups.items())


def _group_text(account: str | None, group: Sequence[Finding]) -> str:
    first = group[0]
    named = f"{account}  " if account else ""
    domains = list(dict.fromkeys(finding.domain for finding in group if finding.domain))
    shown = ", ".join(domains[:_SHOWN_DOMAINS])
    more = f" and {len(domains) - _SHOWN_DOMAINS} more" if len(domains) > _SHOWN_DOMAINS else ""
    lines = [f"{_coloured(first.severity)}  {named}{first.rule}  {first.principal}"]
    if domains:
        witness = f" (such as {first.witness})" if first.witness else ""
        lines.append(f"  {'domain' if len(domains) == 1 else 'domains'}: {shown}{more}{witness}")
    elif first.witness:
        lines.append(f"  proof: {first.witness}")
    lines += [
        wrapped(f"  {first.message}", sys.stdout, 2),
        f"  -> {first.remedy}",
    ]
    return "\n".join(lines) + "\n\n"


def _coloured(severity: Severity) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    return (
        severity.value if plain else typer.style(severity.value, fg=_COLOURS[severity], bold=True)
    )


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each severity."""
    counts = {s: sum(finding.severity is s for finding in findings) for s in Severity}
    told = [
        counted(counts[Severity.ERROR], "error"),
        counted(counts[Severity.WARNING], "warning"),
        f"{counts[Severity.INFO]} for information",
    ]
    return ", ".join(told) if any(counts.values()) else "no findings"


def status_for(findings: Sequence[Finding], fail_on: FailOn) -> ExitStatus:
    """Return status 4 if one of the findings is as bad as `fail_on`, or worse."""
    bad = at_least(findings, Severity(fail_on.value))
    return ExitStatus.FINDINGS if bad else ExitStatus.OK
