"""Findings: what `check` and `audit` report, each with what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: mail can be forged, or something is not as it should be, or a note."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `rule` is from a closed, documented set; `principal` is an ARN.

    `domain` is the domain it is about and `witness` an address or a request that proves it, where
    there are such. `remedy` is a command to run, or what to do.
    """

    rule: str
    severity: Severity
    principal: str
    message: str
    remedy: str
    domain: str | None = None
    witness: str | None = None

    @property
    def id(self) -> str:
        """Return what stays the same from run to run: the rule, who, and about which domain."""
        who = self.principal.split(":", 5)[-1]
        return ":".join(part for part in (self.rule, who, self.domain) if part)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the worst severity, or None if there is no finding."""
    found = {finding.severity for finding in findings}
    return next((severity for severity in Severity if severity in found), None)


def at_least(findings: Iterable[Finding], severity: Severity) -> bool:
    """Tell whether one of the findings is as bad as `severity`, or worse."""
    order = list(Severity)
    found = worst(findings)
    return found is not None and order.index(found) <= order.index(severity)


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, the worst first, then by principal and domain."""
    order = {severity: place for place, severity in enumerate(Severity)}
    # One key after the other, the last first: a tuple for each of a million takes 100 MB.
    found = sorted(findings, key=lambda f: f.domain or "")
    found.sort(key=lambda f: f.rule)
    found.sort(key=lambda f: f.principal)
    found.sort(key=lambda f: order[f.severity])
    return tuple(found)
