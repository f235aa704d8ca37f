"""How `check` and `audit` show findings, and with which status they end."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ses_tenant.cli.accounts import with_account
from ses_tenant.cli.console import counted
from ses_tenant.cli.streams import read_input, why
from ses_tenant.cli.terminal import coloured, wrapped
from ses_tenant.core.errors import ErrorCode, ExitStatus, Notice, SesTenantError
from ses_tenant.core.findings.accepted import Accepted, Known, parse_accepted
from ses_tenant.core.findings.finding import Finding, PathStep, Severity, at_least
from ses_tenant.core.text import shown

_MAX_FILE = 16 * 2**20
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
AcceptOption = Annotated[
    str | None,
    typer.Option(
        "--accept",
        metavar="FILE",
        help="Leave out the findings that this file accepts, each until a day.",
        show_default=False,
    ),
]


def read_accepted(file: str | None) -> tuple[Accepted, ...]:
    """Return the entries of the file of --accept; none without one.

    Raises SesTenantError `usage` for a file that cannot be read or has mistakes.
    """
    if file is None:
        return ()
    try:
        text = read_input(file, _MAX_FILE).decode()
    except (OSError, ValueError) as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The file of accepted findings {file} cannot be read: {why(error)}.",
            "docs/audit.md shows one, under Known findings.",
        ) from error
    return parse_accepted(text, Path(file).name)


@dataclass(frozen=True)
class Judged:
    """The findings of accounts by name, without those that are accepted."""

    accounts: tuple[tuple[str | None, Known], ...]

    @property
    def found(self) -> list[tuple[str | None, Finding]]:
        """Return the findings that count, the worst first, whichever account they are of."""
        order = list(Severity)
        pairs = [(name, finding) for name, known in self.accounts for finding in known.remaining]
        return sorted(pairs, key=lambda pair: order.index(pair[1].severity))

    @property
    def data(self) -> dict[str, object]:
        """Return them as JSON-able data, and the accepted ones, with why and until when."""
        return {
            "findings": [with_account(name, finding_data(finding)) for name, finding in self.found],
            "accepted": [
                with_account(
                    name,
                    {
                        **finding_data(finding),
                        "reason": entry.reason,
                        "until": entry.until.isoformat(),
                    },
                )
                for name, known in self.accounts
                for finding, entry in known.accepted
            ],
        }

    @property
    def text(self) -> str:
        """Return the findings for people to read."""
        return "".join(_finding_text(account, finding) for account, finding in self.found)

    @property
    def summary(self) -> str:
        """Return how many findings there are of each severity, and how many are accepted."""
        counts = Counter(finding.severity for _, finding in self.found)
        told = [
            counted(counts[Severity.ERROR], "error"),
            counted(counts[Severity.WARNING], "warning"),
            f"{counts[Severity.INFO]} for information",
        ]
        text = ", ".join(told) if counts else "no findings"
        left_out = sum(len(known.accepted) for _, known in self.accounts)
        return f"{text}, {left_out} accepted" if left_out else text

    @property
    def notices(self) -> list[Notice]:
        """Return what has to be said of entries that do not do what they were made for."""
        return [notice for _, known in self.accounts for notice in _notices(known)]

    def status(self, fail_on: Severity) -> ExitStatus:
        """Return status 4 if one of the findings is as bad as `fail_on`, or worse."""
        bad = at_least((finding for _, finding in self.found), fail_on)
        return ExitStatus.FINDINGS if bad else ExitStatus.OK


def _notices(known: Known) -> Iterator[Notice]:
    for entry in known.expired:
        told = f"{entry.id} was accepted until {entry.until} and counts again."
        yield Notice("accepted_expired", told)
    for entry in known.exceeded:
        told = f"{entry.id} touches other domains than the accepted ones, and counts again."
        yield Notice("accepted_exceeded", told)
    for entry in known.stale:
        yield Notice("accepted_stale", f"{entry.id} is accepted, but no longer found: take it out.")


def finding_data(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON-able data."""
    from ses_tenant.core.identity.saved import record_data

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
        **({"records": [record_data(r) for r in finding.records]} if finding.records else {}),
    }


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
    lines += [f"  + {r.name} {r.type} {r.value}" for r in finding.records]
    lines.append(wrapped(f"  -> {shown(finding.remedy)}", sys.stdout, 5))
    return "\n".join(lines) + "\n\n"


def _step_text(number: int, step: PathStep) -> str:
    told = f"{step.principal}: {step.action} on {step.resource}, by {step.statement}"
    return wrapped(f"  {number}. {shown(told)}", sys.stdout, 5)


def _coloured(severity: Severity) -> str:
    return coloured(severity.value, _COLOURS[severity], sys.stdout, bold=True)
