"""An audit as one HTML page, for a client or an auditor: no script, nothing loaded, prints well."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from ses_tenant.core.findings.accepted import Known
from ses_tenant.core.findings.audit import Audit
from ses_tenant.core.findings.finding import Finding, Severity
from ses_tenant.core.findings.matrix import Mark, Matrix, matrix, reaches
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.text import shown
from ses_tenant.core.watch.decide import Counts

_ORGANIZATION = (
    "Service control and resource control policies of an organization, which can forbid more."
)
_LIMITED = (
    "Resource control policies of an organization, which can forbid more. Its service control "
    "policies were given as files, and are taken into account."
)
_NEVER_LOOKED_AT = (
    "Session policies, which can limit a role's session further.",
    "The time, the IP address and the like of a request: what hangs on them is a 'perhaps'.",
    "The sites themselves: a site that is broken into can send as its own domain.",
)
_NOT_SAVED = (
    "Access keys and the policies of email identities: this report was made from a saved answer of "
    "AWS, which does not hold them."
)
# So many columns of a matrix fit on a page of paper.
_COLUMNS = 14
# So many domains of a finding are named; the matrix has them all.
_DOMAINS = 10
# So many names are shown at once; the others are in what unfolds, and on paper.
_NAMES = 3


@dataclass(frozen=True)
class Mail:
    """What became of a tenant's mail; `bars` are its sends over time."""

    domain: str
    counts: Counts
    bars: str


@dataclass(frozen=True)
class AuditedAccount:
    """What an audit found in one account; `name` is what the tenants file calls it."""

    name: str | None
    audit: Audit
    known: Known


def audit_html(
    accounts: Sequence[AuditedAccount],
    unread: Sequence[str],
    at: datetime,
    version: str,
    *,
    saved: bool = False,
    limited: bool = False,
    mail: Sequence[Mail] = (),
) -> str:
    """Return the report, made at the moment `at`, as an HTML document.

    `unread` are sentences on what the operator might not read; `saved` tells that the audit was
    made offline, `limited` that the organization's service control policies were given. `mail` is
    what became of the mail of seven days, where that is counted. The
    findings must name all of their domains. Everything that came from the account is escaped and
    printable.
    """
    general = [_LIMITED if limited else _ORGANIZATION, *_NEVER_LOOKED_AT]
    if saved:
        general.insert(0, _NOT_SAVED)
    environment = Environment(
        loader=PackageLoader("ses_tenant.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    parts = [_part(account) for account in accounts]
    findings = [finding for part in parts for finding in part.findings]
    return environment.get_template("audit.html").render(
        parts=parts,
        findings=findings,
        leaked=sum(len(part.leaked) for part in parts),
        mail=sorted(mail, key=lambda one: -one.counts.sends),
        perhaps=sum(len(part.perhaps) for part in parts),
        domains=sum(len({domain for domain, _ in part.audit.owners}) for part in parts),
        principals=sum(part.audit.principals for part in parts),
        counts={s.value: sum(f.severity is s for f in findings) for s in Severity},
        rules=[rule for rule in Rule if rule.value in {finding.rule for finding in findings}],
        not_looked_at=[*unread, *general],
        day=f"{at.astimezone(UTC):%-d %B %Y}",
        time=f"{at.astimezone(UTC):%H:%M} UTC",
        iso=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=version,
        names=_NAMES,
        shown=_DOMAINS,
        Mark=Mark,
    )


@dataclass(frozen=True)
class _Part:
    """What the template shows of an account."""

    name: str | None
    audit: Audit
    known: Known
    matrix: Matrix

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.known.remaining

    @property
    def expected(self) -> list[Finding]:
        """Return the notes on which there is nothing to do."""
        return [finding for finding in self.findings if not finding.remedy]

    @property
    def leaked(self) -> tuple[str, ...]:
        return self.matrix.domains(Mark.LEAK)

    @property
    def perhaps(self) -> tuple[str, ...]:
        return self.matrix.domains(Mark.PERHAPS)

    def labels(self, column: int) -> list[str]:
        """Return what the column's users and roles are called: tenants by their domain."""
        owners = {owner: domain for domain, owner in reversed(self.audit.owners)}
        heads = {owner.rpartition(":")[0] for owner in owners}
        return [_label(arn, owners, heads) for arn in self.matrix.columns[column]]

    @property
    def tables(self) -> list[range]:
        """Return the numbers of the matrix's columns, in tables that fit on paper."""
        columns = range(len(self.matrix.columns))
        return [columns[start : start + _COLUMNS] for start in columns[::_COLUMNS]]


def _label(arn: str, owners: Mapping[str, str], heads: Collection[str]) -> str:
    head, _, name = arn.rpartition(":")
    if arn in owners:
        return f"tenant {owners[arn]}"
    return name if head in heads else arn


def _part(account: AuditedAccount) -> _Part:
    known = account.known
    reaching = [
        f for f in (*known.remaining, *(finding for finding, _ in known.accepted)) if reaches(f)
    ]
    return _Part(account.name, account.audit, known, matrix(account.audit.owners, reaching))


def _printable(value: object) -> object:
    return shown(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
