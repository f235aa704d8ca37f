"""`ses-tenant identity publish`."""

from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.identity import options as i
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.core.identity.publish import PublishPlan


def publish(
    domain: o.Domain,
    route53: Annotated[
        bool,
        typer.Option("--route53", help="In the hosted zone of Route 53.", show_default=False),
    ] = False,
    region: i.Regions = None,
    dmarc_rua: i.DmarcRua = None,
    resolver: i.Resolver = None,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Add the DNS records that are missing to the hosted zone of Route 53.

    \b
      ses-tenant identity publish shop.example.com --route53 --dry-run
      ses-tenant identity publish shop.example.com --route53

    Shows what it adds, and asks. A record that exists is never changed or deleted: where something
    else stands, nothing at all is added. For other providers: identity records --format.
    """
    from ses_tenant.aws.identities import Identities
    from ses_tenant.aws.route53 import Route53
    from ses_tenant.cli.identity.render import records_data
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant.identity import check_rua
    from ses_tenant.operations import identity as operation
    from ses_tenant.operations.publish import prepare_publish

    if not route53:
        raise SesTenantError(
            ErrorCode.USAGE,
            "It is not said where to publish.",
            "Add --route53; for another provider: ses-tenant identity records DOMAIN --format zone",
        )
    sending_domain = SendingDomain.parse(domain)
    rua = check_rua(dmarc_rua) if dmarc_rua else None
    session, regions = i.connect(profile, region, endpoint_url, debug=debug)
    console, identities, zones = (
        Console("identity publish", output, quiet), Identities(session), Route53(session)
    )  # fmt: skip
    with console.progress(f"Reading {sending_domain} ..."):
        views = tuple(operation.read_view(identities, sending_domain, r) for r in regions)
        wanted = operation.records_of(views, sending_domain, rua)
        plan = prepare_publish(zones, i.open_dns(resolver), sending_domain, wanted)
    if plan.records and not dry_run:
        console.confirm(
            f"Add these records to the hosted zone {plan.zone.name}?", plan.lines, yes=yes,
            why="This adds records to the DNS of the domain",
        )  # fmt: skip
        with console.progress("Adding records ..."):
            zones.add(plan)
    _tell(console, plan, dry_run=dry_run)
    console.result(
        {
            "domain": sending_domain.name,
            "zone": {"id": plan.zone.zone_id, "name": plan.zone.name},
            "records": records_data(plan.records),
        },
        "".join(f"+ {line}\n" for line in plan.lines) if dry_run else "",
    )


def _tell(console: Console, plan: "PublishPlan", *, dry_run: bool) -> None:
    if not plan.records:
        console.note(f"{plan.zone.name}: every record is there already")
    elif not dry_run:
        for line in plan.lines:
            console.note(f"{plan.zone.name}: added {line}")
