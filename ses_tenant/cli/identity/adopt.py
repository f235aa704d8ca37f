"""`ses-tenant identity adopt`."""

import sys

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.identity import options as i


def adopt(
    domain: o.Domain,
    region: i.Regions = None,
    dry_run: o.DryRun = False,
    _yes: o.AsksNothing = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Have ses-tenant look after an email identity that was made by hand.

    \b
      ses-tenant identity adopt shop.example.com --region eu-central-1

    Sets its tags and nothing else: its DKIM keys, its MAIL FROM domain and its policies stay.
    """
    from ses_tenant.aws.identities import Identities
    from ses_tenant.cli.render import plan_data, plan_text
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.operations import identity as operation

    sending_domain = SendingDomain.parse(domain)
    session, regions = i.connect(profile, region, endpoint_url, debug=debug)
    console, identities = Console("identity adopt", output, quiet), Identities(session)
    with console.progress(f"Reading the identity {sending_domain} ..."):
        prepared = operation.prepare_adopt(identities, sending_domain, regions)
        if not dry_run:
            operation.carry_out(identities, prepared.steps)
    for step in () if dry_run else prepared.steps:
        console.note(f"{step.summary}: done")
    if not prepared.steps:
        console.note(f"{sending_domain}: nothing to change")
    console.result(
        {"domain": sending_domain.name, "steps": plan_data(prepared.steps)},
        plan_text(prepared.steps, sys.stdout) if dry_run else "",
    )
