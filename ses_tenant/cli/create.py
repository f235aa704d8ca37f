"""`ses-tenant create`."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, envelope, write_stdout

if TYPE_CHECKING:
    from ses_tenant.operations.create import Created, Prepared


def create(
    domain: o.Domain,
    smtp: o.Smtp = None,
    region: o.Regions = None,
    subdomains: o.Subdomains = None,
    also: o.Also = None,
    return_path: o.ReturnPath = None,
    scope: o.ScopeOption = None,
    configuration_set: o.ConfigurationSets = None,
    permissions_boundary: o.PermissionsBoundary = None,
    tag: o.Tags = None,
    dry_run: o.DryRun = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Make a tenant: an IAM user whose credentials send only as DOMAIN.

    \b
      ses-tenant create shop.example.com
      ses-tenant create shop.example.com --smtp --region eu-central-1
      ses-tenant create shop.example.com --dry-run

    Creates the IAM user ses-DOMAIN under the path /ses-tenant/DOMAIN/, attaches the inline policy
    that `ses-tenant policy DOMAIN` prints, issues one access key and prints it. Run again, it puts
    right what has drifted, keeps the options it was made with, and issues no second key.
    """
    request = o.tenant_request(
        domain, smtp, region, subdomains, also, return_path, scope, configuration_set,
        permissions_boundary, tag,
    )  # fmt: skip
    session = o.connect(profile, region[0] if region else None, endpoint_url, debug=debug)
    if request.regions:
        session.check_regions(request.regions)
    from ses_tenant.aws.iam import Iam
    from ses_tenant.operations import create as operation

    iam, console = Iam(session), Console("create", output, quiet)
    with console.progress(f"Creating {request.domain} ..."):
        prepared = operation.prepare(iam, request, session.region, datetime.now(UTC))
        if not dry_run:
            operation.carry_out(iam, prepared, lambda made: _deliver(console, made), time.sleep)
    if dry_run:
        _show_plan(console, prepared)


def _deliver(console: Console, made: "Created") -> None:
    """Print the result: where the destination is stdout, this is the delivery."""
    from ses_tenant.cli.render import create_data
    from ses_tenant.core.policy import sender_patterns
    from ses_tenant.destinations.formats import env

    if console.output is Output.JSON:
        write_stdout(envelope(console.command, create_data(made), made.warnings))
        return
    domain = made.spec.domain
    for step in made.plan:
        console.note(f"{domain}: {step.summary}: done")
    if not made.plan:
        console.note(f"{domain}: nothing to change, everything is as it should be")
    if made.credentials is not None:
        write_stdout(env(made.credentials))
        console.note(
            f"These credentials send only as {', '.join(sender_patterns(made.spec))}.\n"
            "They are shown this once. IAM may need some seconds until they work."
        )
    for warning in made.warnings:
        console.note(f"Warning: {warning.message}")


def _show_plan(console: Console, prepared: "Prepared") -> None:
    from ses_tenant.cli.render import create_data, plan_text

    if not prepared.plan:
        console.note(f"{prepared.spec.domain}: nothing to change")
    console.result(create_data(prepared), plan_text(prepared.plan), prepared.warnings)
