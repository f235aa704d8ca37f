"""`ses-tenant audit`."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import FileOption, accept_of, accounts, in_each, load_fleet
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.cli.findings import (
    AcceptOption,
    AllDomainsOption,
    FailOnOption,
    Judged,
    read_accepted,
)
from ses_tenant.cli.stats import counted_mail, sparkline
from ses_tenant.cli.streams import read_input, why
from ses_tenant.core.errors import ErrorCode, ExitStatus, Notice, SesTenantError
from ses_tenant.core.findings.accepted import set_aside
from ses_tenant.core.findings.finding import MAX_DOMAINS, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ses_tenant.core.findings.audit import Audit
    from ses_tenant.core.iam.authorization import Policy
    from ses_tenant.operations.stats import TenantStats

    Audits = list[tuple[str | None, tuple[Audit, tuple[Notice, ...]]]]

_MAX_FILE = 256 * 2**20


class AuditOutput(StrEnum):
    """How `audit` prints its result."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


OperatorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--operator",
        metavar="ARN",
        help="A user or role that looks after tenants: what it may do is a note.  [repeatable]",
        show_default=False,
    ),
]


def audit(
    file: FileOption = None,
    saved: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Audit a saved output of aws iam get-account-authorization-details, offline.",
            show_default=False,
        ),
    ] = None,
    fail_on: FailOnOption = Severity.WARNING,
    all_domains: AllDomainsOption = False,
    accept: AcceptOption = None,
    operator: OperatorOption = None,
    max_age: Annotated[
        str, typer.Option(metavar="TIME", help="Report access keys that are older.")
    ] = "90d",
    identity_policies: Annotated[
        bool | None,
        typer.Option(
            "--identity-policies/--no-identity-policies",
            help="Read the policies of the email identities, one request each.  "
            "[default: for up to 100]",
            show_default=False,
        ),
    ] = None,
    secret_policies: Annotated[
        bool | None,
        typer.Option(
            "--secret-policies/--no-secret-policies",
            help="Read the policies and keys of the secrets and parameters that hold credentials.  "
            "[default: for up to 100]",
            show_default=False,
        ),
    ] = None,
    scp: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Take a saved service control policy into account; once for each.",
            show_default=False,
        ),
    ] = None,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: Annotated[
        AuditOutput, typer.Option("--output", "-o", help="How to print the result.")
    ] = AuditOutput.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Find who else may send as a tenant, or take it over.

    \b
      ses-tenant audit
      ses-tenant audit --fail-on error -o json | jq '.data.findings[].id'
      ses-tenant audit --file tenants.toml
      ses-tenant audit --from account.json
      ses-tenant audit -o html > audit.html

    Looks at every user and role of the account. Ends with status 4 if there are findings. Each
    shows an address that can be forged, the statement that allows it, and what to do. Nothing is
    changed.
    """
    from ses_tenant.core.proof.organization import service_control_policies
    from ses_tenant.core.rotation.decision import duration
    from ses_tenant.core.tenant.naming import check_operator
    from ses_tenant.operations import audit as operation

    as_json = Output.JSON if output is AuditOutput.JSON else Output.TABLE
    console, now = Console("audit", as_json, quiet), datetime.now(UTC)
    age = duration("--max-age", max_age)
    fleet = load_fleet(file) if file else None
    accepted = read_accepted(accept or accept_of(file, fleet))
    operators = (*map(check_operator, operator or ()), *(fleet.operators if fleet else ()))
    whole = all_domains or output is AuditOutput.HTML or any(e.domains for e in accepted)
    describe = "Save one with: aws organizations describe-policy --policy-id p-..."
    terms: _Terms = {
        "organization": service_control_policies((f, _read_json(f, describe)) for f in scp)
        if scp
        else None,
        "operators": operators,
        "limit": None if whole else MAX_DOMAINS,
    }
    audits: Audits
    errors: list[SesTenantError] = []
    if saved is not None:
        audits = [(None, operation.audit_saved(_read_saved(saved, file), now, age, **terms))]
    else:
        opened = accounts(file, profile, region, endpoint_url, debug=debug)
        with console.progress("Reading the account ..."):
            audits, errors = in_each(
                opened,
                lambda _, runtime: operation.audit(
                    runtime.iam,
                    runtime.ses,
                    now,
                    age,
                    identity_policies=identity_policies,
                    stores=runtime.stores,
                    secret_policies=secret_policies,
                    ses_tenants=runtime.ses_tenants,
                    **terms,
                ),
            )
    judged = Judged(
        tuple(
            (name, set_aside(result.findings, accepted, now.date(), "audit", _ids(result)))
            for name, (result, _) in audits
        )
    )
    html = None
    if output is AuditOutput.HTML:
        mail: Sequence[TenantStats] = ()
        if file is None and saved is None:  # of one account, whose Region is that of the options
            session = o.connect(profile, region, endpoint_url, debug=debug)
            domains = {domain for _, (result, _) in audits for domain, _ in result.owners}
            mail = counted_mail(session, sorted(domains), now)
        html = partial(_html, now=now, saved=bool(saved), mail=mail)
    status = status_of(errors, len(audits) + len(errors))
    if status is ExitStatus.OK:
        status = judged.status(fail_on)
    _tell(console, audits, judged, scp, html, errors, status)
    exit_with(status)


class _Terms(TypedDict):
    """What is asked of every account alike."""

    organization: "tuple[Policy, ...] | None"
    operators: tuple[str, ...]
    limit: int | None


def _tell(
    console: Console,
    audits: "Audits",
    judged: Judged,
    scp: list[str] | None,
    html: "Callable[..., str] | None",
    errors: list[SesTenantError],
    status: ExitStatus,
) -> None:
    """Print what was looked at, and what was found; as the page that `html` makes, if given."""
    results = [result for _, (result, _) in audits]
    warnings = [warning for _, (_, warnings) in audits for warning in warnings]
    principals = sum(result.principals for result in results)
    tenants = sum(result.tenants for result in results)
    limited = (
        f"service control policies of {counted(len(scp), 'file')}"
        if scp
        else "no service control policies given"
    )
    console.note(
        f"{counted(principals, 'principal')}, {counted(tenants, 'tenant')}, "
        f"{limited}: {judged.summary}."
    )
    data = {
        "principals": principals,
        "tenants": tenants,
        "service_control_policies": scp or None,
        **judged.data,
    }
    text = html(results, judged, warnings, limited=bool(scp)) if html else judged.text
    console.result(data, text, [*warnings, *judged.notices], errors, status)


def _ids(audit: "Audit") -> frozenset[str] | None:
    """Return the IDs of the account that was looked at; None if it has no tenant to tell."""
    return frozenset(owner.split(":")[4] for _, owner in audit.owners) or None


def _html(
    audits: "Sequence[Audit]",
    judged: Judged,
    warnings: "Sequence[Notice]",
    *,
    now: datetime,
    saved: bool,
    limited: bool,
    mail: "Sequence[TenantStats]",
) -> str:
    from ses_tenant import __version__
    from ses_tenant.report.audit import AuditedAccount, Mail, audit_html

    return audit_html(
        [
            AuditedAccount(name, audit, known)
            for audit, (name, known) in zip(audits, judged.accounts, strict=True)
        ],
        [warning.message for warning in warnings if warning.code == "not_read"],
        now,
        __version__,
        saved=saved,
        limited=limited,
        mail=[
            Mail(one.domain, one.total, sparkline([part.sends for part in one.parts]))
            for one in mail
        ],
    )


def _read_saved(saved: str, file: str | None) -> dict[str, object]:
    """Return a saved answer; it goes without a tenants file."""
    if file is not None:
        raise SesTenantError(
            ErrorCode.USAGE,
            "--from and --file cannot go together.",
            "Give --from for a saved answer, --file for the accounts of a tenants file.",
        )
    details = _read_json(
        saved, "Make it with: aws iam get-account-authorization-details > account.json"
    )
    return details if isinstance(details, dict) else {}


def _read_json(file: str, hint: str) -> object:
    """Return what a file of JSON holds. Raises SesTenantError `usage` with the hint."""
    try:
        return json.loads(read_input(file, _MAX_FILE))
    except (OSError, ValueError, RecursionError) as error:
        raise SesTenantError(
            ErrorCode.USAGE, f"{file} cannot be read as JSON: {why(error)}.", hint
        ) from error
