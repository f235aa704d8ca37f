"""How `check` and `audit` show findings, and with which status they end."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from ses_tenant.cli.console import counted, shown, wrapped
from ses_tenant.core.errors import ExitStatus
from ses_tenant.core.findings.finding import Finding, PathStep, Severity, at_least

_SHOWN_DOMAINS = 3
_COLOURS = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "info": typer.colors.BLUE}


FailOnOption = Annotated[
    Severity,
    typer.Option("--fail-on", help="End with status 4 for findings as bad as this, or worse."),
]
AllDomainsOption = Annotated[
    bool,
    typer.Option(
        "--all-domains",
        help="Name all domains that a finding touches, not 100 at most.",
        show_default=False,
    ),
]


def finding_data(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON-able data."""
    return {
        "id": finding.id,
        "rule": finding.rule,
        "severity": finding.severity.value,
        "principal": finding.principal,
        "domains": [{"domain": d.domain, "witness": d.witness} for d in finding.domains],
        "domain_count": finding.domain_count,
        "message": finding.message,
        "path": [asdict(step) for step in finding.path],
        "remedy": finding.remedy,
    }


def worst_first(
    found: Iterable[tuple[str | None, Iterable[Finding]]],
) -> list[tuple[str | None, Finding]]:
    """Return the findings of accounts, the worst first, whichever account they are of."""
    order = list(Severity)
    pairs = [(account, finding) for account, findings in found for finding in findings]
    return sorted(pairs, key=lambda pair: order.index(pair[1].severity))


def findings_text(findings: Sequence[tuple[str | None, Finding]]) -> str:
    """Return the findings of accounts for people to read."""
    return "".join(_finding_text(account, finding) for account, finding in findings)


def _finding_text(account: str | None, finding: Finding) -> str:
    named = f"{account}  " if account else ""
    head = f"{_coloured(finding.severity)}  {named}{finding.rule}  {shown(finding.principal)}"
    if not finding.remedy:  # nothing to do: a note, which takes one line
        return f"{head}  {shown(finding.message)}\n"
    lines = [head]
    if finding.domains:
        first = ", ".join(affected.domain for affected in finding.domains[:_SHOWN_DOMAINS])
        rest = finding.domain_count - _SHOWN_DOMAINS
        more = f" and {rest} more" if rest > 0 else ""
        witness = finding.domains[0].witness
        proof = f" (such as {shown(witness)})" if witness else ""
        noun = "domain" if finding.domain_count == 1 else "domains"
        lines.append(f"  {noun}: {shown(first)}{more}{proof}")
    lines.append(wrapped(f"  {shown(finding.message)}", sys.stdout, 2))
    if len(finding.path) > 1:
        lines += [_step_text(number, step) for number, step in enumerate(finding.path, 1)]
    lines.append(f"  -> {shown(finding.remedy)}")
    return "\n".join(lines) + "\n\n"


def _step_text(number: int, step: PathStep) -> str:
    told = f"{step.principal}: {step.action} on {step.resource}, by {step.statement}"
    return wrapped(f"  {number}. {shown(told)}", sys.stdout, 5)


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


def status_for(findings: Sequence[Finding], fail_on: Severity) -> ExitStatus:
    """Return status 4 if one of the findings is as bad as `fail_on`, or worse."""
    bad = at_least(findings, fail_on)
    return ExitStatus.FINDINGS if bad else ExitStatus.OK
