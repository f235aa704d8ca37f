"""Findings: what `check` and `audit` report, each with what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_tenant.core.identity.records import DnsRecord

# So many domains of a finding are named; all of them only on demand.
MAX_DOMAINS = 100
# Where there are hundreds of findings, all together name about so many, and each at least a few.
MAX_NAMED = 20_000
_FEWEST = 10


class Severity(StrEnum):
    """How bad a finding is: mail can be forged, or something is not as it should be, or a note."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_ORDER = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of the way to a finding: who may do what to what, and the statement that lets it."""

    principal: str
    action: str
    resource: str
    statement: str


@dataclass(frozen=True, slots=True)
class AffectedDomain:
    """A domain that a finding touches; `witness` is an address or a request that proves it."""

    domain: str
    witness: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding for a principal, a rule and a cause, however many domains it touches.

    `rule` is the id of one of `rules.Rule`; `principal` an ARN, or what else a policy names.
    `domains` may hold only the first of `domain_count` domains. `path` are the steps that lead to
    it. `remedy` is a command to run, or what to do. `cause` tells the finding from others of the
    same rule and principal, such as the statement that decides: something that does not change
    from run to run. `records` are those to add to DNS.
    """

    rule: str
    severity: Severity
    principal: str
    message: str
    remedy: str
    domains: tuple[AffectedDomain, ...] = ()
    path: tuple[PathStep, ...] = ()
    cause: str = ""
    domain_count: int = 0
    records: "tuple[DnsRecord, ...]" = ()

    def __post_init__(self) -> None:
        """Count the domains, unless it is told that there are more."""
        if self.domain_count < len(self.domains):
            object.__setattr__(self, "domain_count", len(self.domains))

    @property
    def id(self) -> str:
        """Return what stays the same from run to run: the rule, who, and a digest of the cause."""
        from hashlib import sha256  # OpenSSL takes its time, and --help needs none of it

        parts = self.principal.split(":", 5)
        who = f"{parts[4]}:{parts[5]}" if len(parts) == 6 else self.principal
        cause = sha256(self.cause.encode()).hexdigest()[:8] if self.cause else ""
        return ":".join(part for part in (self.rule, who, cause) if part)


class Gathering:
    """Findings while they are found: those of one rule, principal and cause become one.

    At most `limit` domains of each are kept (None: all), so that memory does not grow with the
    number of principals times the number of domains.
    """

    def __init__(self, limit: int | None = MAX_DOMAINS) -> None:
        """Start without findings."""
        self._limit = limit
        self._groups: dict[tuple[str, str, str], _Group] = {}
        self._whole: list[Finding] = []

    def add(self, finding: Finding) -> None:
        """Add a finding; of alike ones, the worst tells message and path, and all tell domains."""
        key = (finding.rule, finding.principal, finding.cause)
        group = self._groups.setdefault(key, _Group(finding))
        if _rank(finding) < _rank(group.first):
            group.first = finding
        for affected in finding.domains:
            if affected.domain not in group.names:
                group.names.add(affected.domain)
                if self._limit is None or len(group.domains) < self._limit:
                    group.domains.append(affected)

    def put(self, finding: Finding) -> None:
        """Add a finding that is whole: with its domains counted, and no other like it."""
        self._whole.append(finding)

    def update(self, findings: Iterable[Finding]) -> None:
        """Add several."""
        for finding in findings:
            self.add(finding)

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings, the worst first, then by rule and principal."""
        gathered = (
            replace(
                group.first,
                domains=tuple(sorted(group.domains, key=lambda affected: affected.domain)),
                domain_count=len(group.names),
            )
            for group in self._groups.values()
        )
        return sorted_findings((*gathered, *self._whole))


def _rank(finding: Finding) -> tuple[int, str]:
    """Return what decides which of alike findings speaks for all, in whatever order they come."""
    return _ORDER[finding.severity], finding.domains[0].domain if finding.domains else ""


@dataclass(slots=True)
class _Group:
    """What became one finding: the first, the names of all domains, and those that are kept."""

    first: Finding
    names: set[str] = field(default_factory=set)
    domains: list[AffectedDomain] = field(default_factory=list)


def shortened(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings with so many domains each that all of them fit into one report."""
    named = [len(finding.domains) for finding in findings]
    if sum(named) <= MAX_NAMED:
        return tuple(findings)
    each = max(_FEWEST, MAX_NAMED // sum(map(bool, named)))
    return tuple(replace(finding, domains=finding.domains[:each]) for finding in findings)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the worst severity, or None if there is no finding."""
    found = {finding.severity for finding in findings}
    return next((severity for severity in Severity if severity in found), None)


def at_least(findings: Iterable[Finding], severity: Severity) -> bool:
    """Tell whether one of the findings is as bad as `severity`, or worse."""
    return any(_ORDER[finding.severity] <= _ORDER[severity] for finding in findings)


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, the worst first, then by rule, principal and cause."""
    return tuple(sorted(findings, key=lambda f: (_ORDER[f.severity], f.rule, f.principal, f.cause)))
