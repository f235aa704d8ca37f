"""`ses-tenant identity delete`."""

import sys

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.identity import options as i


def delete(
    domain: o.Domain,
    region: i.Regions = None,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Delete the email identity of DOMAIN, once no tenant sends by it.

    \b
      ses-tenant identity delete shop.example.com --region eu-central-1

    Nobody can send as DOMAIN in that Region afterwards. An identity that ses-tenant has not made,
    or that a tenant or a replica needs, is refused. DNS records are never deleted.
    """
    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.identities import Identities
    from ses_tenant.cli.render import plan_data, plan_text
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.operations import identity as operation

    sending_domain = SendingDomain.parse(domain)
    session, regions = i.connect(profile, region, endpoint_url, debug=debug)
    console, identities = Console("identity delete", output, quiet), Identities(session)
    with console.progress(f"Reading the identity {sending_domain} ..."):
        needed = operation.tenants_below(Iam(session), sending_domain)
        prepared = operation.prepare_delete(identities, sending_domain, regions, needed)
    if prepared.steps and not dry_run:
        lines = plan_text(prepared.steps, sys.stderr).splitlines()
        console.confirm(f"Delete the identity {sending_domain}?", lines, yes=yes)
        with console.progress("Deleting ..."):
            operation.carry_out(identities, prepared.steps)
        for step in prepared.steps:
            console.note(f"{step.summary}: done")
    if not prepared.steps:
        console.note(f"{sending_domain}: there is no such identity in {', '.join(regions)}")
    console.result(
        {"domain": sending_domain.name, "steps": plan_data(prepared.steps)},
        plan_text(prepared.steps, sys.stdout) if dry_run else "",
    )
