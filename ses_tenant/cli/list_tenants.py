"""`ses-tenant list`."""

from datetime import UTC, datetime

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output


def list_tenants(
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """List all tenants with the age and the last use of their access keys.

    \b
      ses-tenant list
      ses-tenant list -o json | jq -r '.data.tenants[].domain'
    """
    session = o.connect(profile, region, endpoint_url, debug=debug)
    from ses_tenant.aws.iam import Iam
    from ses_tenant.cli.render import listing_table, tenant_data, timestamp
    from ses_tenant.operations import list_tenants as operation

    console, now = Console("list", output, quiet), datetime.now(UTC)
    with console.progress("Reading tenants ...") as progress:
        listing = operation.list_tenants(Iam(session), now, session.workers, progress)
    if not listing.tenants:
        console.note("There is no tenant yet. To make one: ses-tenant create shop.example.com")
    console.result(
        {
            "as_of": timestamp(listing.as_of),
            "tenants": [tenant_data(tenant) for tenant in listing.tenants],
        },
        listing_table(listing.tenants, now) if listing.tenants else "",
        listing.warnings,
    )
