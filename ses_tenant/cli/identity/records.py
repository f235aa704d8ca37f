"""`ses-tenant identity records`."""

from typing import Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.identity import options as i
from ses_tenant.cli.identity.create import get_form


def records(
    domain: o.Domain,
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
    """Print the DNS records that DOMAIN needs, in the form that its DNS takes.

    \b
      ses-tenant identity records shop.example.com
      ses-tenant identity records shop.example.com --format zone
      ses-tenant identity records shop.example.com -o json > records.json

    What is printed as zone can be included into any zone file. No record is for the domain itself:
    SES needs no SPF record there.
    """
    from ses_tenant.aws.identities import Identities
    from ses_tenant.cli.identity.render import records_data
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant.identity import check_rua
    from ses_tenant.operations import identity as operation

    chosen = Output.JSON if format_ == "json" else output
    form = get_form(None if format_ == "json" else format_)
    sending_domain = SendingDomain.parse(domain)
    rua = check_rua(dmarc_rua) if dmarc_rua else None
    session, regions = i.connect(profile, region, endpoint_url, debug=debug)
    console, identities = Console("identity records", chosen, quiet), Identities(session)
    with console.progress(f"Reading the identity {sending_domain} ..."):
        views = tuple(operation.read_view(identities, sending_domain, r) for r in regions)
    found = operation.records_of(views, sending_domain, rua)
    console.result({"domain": sending_domain.name, "records": records_data(found)}, form(found))
