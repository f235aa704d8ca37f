"""`ses-tenant audit`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted, exit_with
from ses_tenant.cli.findings import (
    FailOn,
    FailOnOption,
    finding_data,
    findings_text,
    status_for,
    summary,
)


def audit(
    saved: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Audit a saved output of aws iam get-account-authorization-details, offline.",
            show_default=False,
        ),
    ] = None,
    fail_on: FailOnOption = FailOn.WARNING,
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
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Find every user and role that may send as a tenant's domain and is not that tenant.

    \b
      ses-tenant audit
      ses-tenant audit --fail-on error -o json | jq '.data.findings[].id'
      ses-tenant audit --from account.json

    Ends with status 4 if there are findings. Each names an address as which it may send, the
    statement that lets it, and what to do. Nothing is changed.
    """
    from ses_tenant.core.decision import duration
    from ses_tenant.core.errors import ErrorCode, SesTenantError
    from ses_tenant.operations import audit as operation

    console, now = Console("audit", output, quiet), datetime.now(UTC)
    age = duration("--max-age", max_age)
    if saved is not None:
        try:
            details = json.loads(Path(saved).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"{saved} cannot be read as JSON: {error}.",
                "Make it with: aws iam get-account-authorization-details > account.json",
            ) from error
        if not isinstance(details, dict):
            details = {}
        result, warnings = operation.audit_saved(details, now, age)
    else:
        session = o.connect(profile, region, endpoint_url, debug=debug)
        from ses_tenant.aws.iam import Iam
        from ses_tenant.aws.ses import Ses

        with console.progress("Reading the account ..."):
            result, warnings = operation.audit(
                Iam(session), Ses(session), now, age, identity_policies=identity_policies
            )
    status = status_for(result.findings, fail_on)
    console.note(
        f"{counted(result.principals, 'principal')}, "
        f"{counted(result.tenants, 'tenant')}: {summary(result.findings)}."
    )
    console.result(
        {
            "principals": result.principals,
            "tenants": result.tenants,
            "findings": [finding_data(finding) for finding in result.findings],
        },
        findings_text(result.findings),
        warnings,
        exit_status=status,
    )
    exit_with(status)
