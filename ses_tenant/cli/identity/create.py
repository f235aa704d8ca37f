"""`ses-tenant identity create`."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, write_stdout
from ses_tenant.cli.identity import options as i
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.identity import IDENTITY, IdentitySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ses_tenant.aws.identities import Identities
    from ses_tenant.core.identity.plan import RegionView
    from ses_tenant.core.identity.records import DnsRecord
    from ses_tenant.operations.identity import Prepared

    Form = Callable[[Sequence[DnsRecord]], str]


@o.takes_settings(IDENTITY)
def create(
    domain: o.Domain,
    *,
    region: i.Regions = None,
    given: o.Given,
    records: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Print the records as zone, route53, cloudflare, terraform, octodns or csv.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Wait until SES has seen the records, at most so long, such as 15m.",
            show_default=False,
        ),
    ] = None,
    dry_run: o.DryRun = False,
    _yes: o.AsksNothing = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Make the email identity of DOMAIN, and print the DNS records that it needs.

    \b
      ses-tenant identity create shop.example.com --region eu-central-1
      ses-tenant identity create shop.example.com --records zone > shop.zone
      ses-tenant identity create shop.example.com --wait 15m

    Creates the identity with Easy DKIM and a custom MAIL FROM domain. Where a verified identity
    above DOMAIN serves it already, nothing is made without --own. Run again, it changes nothing
    that is right. An identity that ses-tenant has not made is left alone.
    """
    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.identities import Identities
    from ses_tenant.cli.identity.render import records_data, region_data
    from ses_tenant.cli.render import plan_data, plan_text
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.operations import identity as operation

    settings = IdentitySettings.of(SendingDomain.parse(domain), o.parsed(IDENTITY, given))
    form = get_form(records)
    seconds = _seconds(wait)
    session, regions = i.connect(profile, region, endpoint_url, debug=debug)
    console, identities = Console("identity create", output, quiet), Identities(session)
    with console.progress(f"Reading the identity {settings.domain} ..."):
        prepared = operation.prepare(identities, settings, regions)
        unread = operation.check_mail_from(Iam(session), prepared)
    notices = (*(notice for plan in prepared.plans for notice in plan.notices), *unread)
    if dry_run:
        data = {"domain": settings.domain.name, "steps": plan_data(prepared.steps)}
        console.result(data, plan_text(prepared.steps, sys.stdout), notices)
        return
    with console.progress(f"Creating the identity {settings.domain} ..."):
        views = _carry_out(identities, prepared)
    wanted = operation.records_of(views, settings.domain, settings.dmarc_rua)
    _tell(console, prepared, wanted)
    if output is Output.TABLE:
        write_stdout(form(wanted))
    if seconds is not None:
        views = _wait(console, identities, views, settings.domain.name, seconds)
    data = {
        "domain": settings.domain.name,
        "regions": [region_data(view, settings.domain.name) for view in views],
        "steps": plan_data(prepared.steps),
        "records": records_data(wanted),
    }
    console.result(data, "", notices)


def get_form(name: str | None) -> "Form":
    """Return the function that writes records. Raises SesTenantError `usage` for an unknown one."""
    from ses_tenant.cli.identity.render import records_text
    from ses_tenant.core.identity.formats import FORMATS

    if name is None or name == "table":
        return records_text
    if name not in FORMATS:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"Records cannot be printed as '{name}'.",
            f"Formats: table, {', '.join(FORMATS)}, json (-o json).",
        )
    return FORMATS[name]


def _seconds(wait: str | None) -> float | None:
    from ses_tenant.core.rotation.decision import duration

    return duration("--wait", wait).total_seconds() if wait is not None else None


def _carry_out(identities: "Identities", prepared: "Prepared") -> "tuple[RegionView, ...]":
    """Apply the plan, and return what SES has afterwards."""
    from ses_tenant.operations import identity as operation

    operation.carry_out(identities, prepared.steps)
    if not prepared.steps:
        return prepared.views
    domain = prepared.settings.domain
    return tuple(operation.read_view(identities, domain, view.region) for view in prepared.views)


def _tell(console: Console, prepared: "Prepared", records: "tuple[DnsRecord, ...]") -> None:
    domain = prepared.settings.domain
    for step in prepared.steps:
        console.note(f"{step.summary}: done")
    if not prepared.steps:
        console.note(f"{domain}: nothing to change in SES")
    if any(record.required for record in records):
        console.note(
            "Add these records to the DNS of the domain. SES looks for them for up to 72 hours.\n"
            f"To see how far it is: ses-tenant identity check {domain}\n"
        )


def _wait(
    console: Console,
    identities: "Identities",
    views: "tuple[RegionView, ...]",
    domain: str,
    seconds: float,
) -> "tuple[RegionView, ...]":
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.identity.state import Status
    from ses_tenant.operations import identity as operation

    waiting = [view.region for view in views if view.chain.get(domain) is not None]
    with console.progress("Waiting until SES has seen the records ..."):
        states = operation.wait_until_verified(
            identities, domain, waiting, seconds, sleep=time.sleep, clock=time.monotonic
        )
    for region, status in states.items():
        if status is Status.SUCCESS:
            console.note(f"{domain} is verified in {region}.")
        else:
            console.note(f"{domain} is not verified in {region} yet; SES says {status}.")
    return tuple(
        operation.read_view(identities, SendingDomain.parse(domain), view.region) for view in views
    )
