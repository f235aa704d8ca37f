"""`ses-tenant show`."""

from datetime import UTC, datetime

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output


def show(
    domain: o.Domain,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Show everything about one tenant, and what has drifted.

    \b
      ses-tenant show shop.example.com
    """
    (sending_domain,) = o.tenants_named([domain], profile, region, endpoint_url)
    session = o.connect(profile, region, endpoint_url, debug=debug)
    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.ses_tenants import SesTenants
    from ses_tenant.cli.render import details_data, details_text
    from ses_tenant.operations import show as operation

    console = Console("show", output, quiet)
    with console.progress(f"Reading {sending_domain} ..."):
        details = operation.show(Iam(session), sending_domain, SesTenants(session))
    console.result(details_data(details), details_text(details, datetime.now(UTC)))
    if details.drift:
        console.note(f"To repair what create sets: ses-tenant create {sending_domain}")
