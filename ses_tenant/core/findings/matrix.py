"""Tenants by principals: who gets at which domain, expected or not; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ses_tenant.core.findings.finding import Finding, Severity
from ses_tenant.core.findings.rules import Rule


class Mark(StrEnum):
    """What a principal has to do with a domain, the worst first."""

    LEAK = "leak"
    PERHAPS = "perhaps"
    EXPECTED = "expected"
    OWN = "own"
    NONE = ""


_ORDER = list(Mark)
_MARKS = {
    Severity.ERROR: Mark.LEAK,
    Severity.WARNING: Mark.PERHAPS,
    Severity.INFO: Mark.EXPECTED,
}


@dataclass(frozen=True)
class Row:
    """Domains with the same marks, one for each column."""

    domains: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Matrix:
    """`columns` are principals (ARNs) with the same marks everywhere; the worst rows come first."""

    columns: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]

    def domains(self, *marks: Mark) -> tuple[str, ...]:
        """Return the domains with one of the marks as the worst in their row."""
        return tuple(
            domain
            for row in self.rows
            if min(row.marks, key=_ORDER.index, default=Mark.NONE) in marks
            for domain in row.domains
        )


def reaches(finding: Finding) -> bool:
    """Tell whether the finding is about a principal that gets at domains of others."""
    return bool(finding.domains) and (bool(finding.path) or finding.rule == Rule.UNDECIDED)


def matrix(owners: Iterable[tuple[str, str]], findings: Iterable[Finding]) -> Matrix:
    """Return the matrix of all domains, given with the ARNs of their tenants' users.

    Whoever gets at nobody else's domain has no column. Rows that are alike are one, and so are
    columns, so that thousands of domains and dozens of administrators fit on a page.
    """
    marks: dict[str, dict[str, Mark]] = {}
    for finding in findings:
        if reaches(finding):
            mine = marks.setdefault(finding.principal, {})
            for affected in finding.domains:
                known = mine.get(affected.domain, Mark.NONE)
                mine[affected.domain] = min(_MARKS[finding.severity], known, key=_ORDER.index)
    domains: dict[str, None] = {}
    for domain, owner in owners:
        domains[domain] = None
        if owner in marks:
            marks[owner][domain] = Mark.OWN
    columns = _grouped({p: tuple(marks[p].get(d, Mark.NONE) for d in domains) for p in marks})
    rows = _grouped(
        {domain: tuple(column[n] for column in columns) for n, domain in enumerate(domains)}
    )
    return Matrix(
        tuple(columns.values()),
        tuple(Row(alike, row) for row, alike in rows.items()),
    )


def _grouped(
    lines: Mapping[str, tuple[Mark, ...]],
) -> dict[tuple[Mark, ...], tuple[str, ...]]:
    """Return the names by their line of marks, the worst lines first."""
    found: dict[tuple[Mark, ...], list[str]] = {}
    for name in sorted(lines):
        found.setdefault(lines[name], []).append(name)
    order = sorted(found, key=lambda line: (sorted(map(_ORDER.index, line)), found[line]))
    return {line: tuple(found[line]) for line in order}
