"""`ses-tenant identity records`."""

from typing import Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, exit_with, status_of
from ses_tenant.cli.identity import options as i
from ses_tenant.cli.identity.create import get_form
from ses_tenant.core.errors import SesTenantError


def records(
    domains: i.Domains = None,
    region: i.Regions = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, zone, route53, cloudflare, terraform, octodns, csv or json.",
        ),
    ] = "table",
    dmarc_rua: i.DmarcRua = None,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Print the DNS records that domains need, in the form that their DNS takes.

    \b
      ses-tenant identity records shop.example.com
      ses-tenant identity records shop.example.com --format zone
      ses-tenant identity records --format zone > all-tenants.zone
      ses-tenant identity records shop.example.com -o json > records.json

    What is printed as zone can be included into any zone file. No record is for the domain itself:
    SES needs no SPF record there.
    """
    from ses_tenant.aws.identities import Identities
    from ses_tenant.cli.identity.render import records_data
    from ses_tenant.core.identity.records import unique
    from ses_tenant.core.tenant.identity import check_rua
    from ses_tenant.operations.identity import read_records

    chosen = Output.JSON if format_ == "json" else output
    form = get_form(None if format_ == "json" else format_)
    rua = check_rua(dmarc_rua) if dmarc_rua else None
    console = Console("identity records", chosen, quiet)
    session, places = i.connect_to_places(
        console, domains, region, profile, endpoint_url, debug=debug
    )
    with console.progress("Reading identities ...") as progress:
        outcomes = read_records(Identities(session), places, rua, i.WORKERS, progress)
    errors = [outcome for outcome in outcomes.values() if isinstance(outcome, SesTenantError)]
    if errors and len(errors) == len(outcomes):
        raise errors[0]
    found = unique(
        tuple(r for o in outcomes.values() if not isinstance(o, SesTenantError) for r in o)
    )
    status = status_of(errors, len(outcomes))
    console.result(
        {
            "domain": next(iter(outcomes)).name if len(outcomes) == 1 else None,
            "records": records_data(found),
        },
        form(found),
        errors=errors,
        exit_status=status,
    )
    exit_with(status)
