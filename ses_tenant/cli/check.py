"""`ses-tenant check`."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.cli.findings import (
    FailOn,
    FailOnOption,
    finding_data,
    findings_text,
    status_for,
    summary,
)
from ses_tenant.core.errors import ExitStatus, SesTenantError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check(
    domains: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DOMAIN", help="Tenants to check; without one, all.", show_default=False
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Put right what can be put right.", show_default=False),
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Ask AWS's own policy simulator as well.", show_default=False),
    ] = False,
    fail_on: FailOnOption = FailOn.WARNING,
    max_age: Annotated[
        str, typer.Option(metavar="TIME", help="Report access keys that are older.")
    ] = "90d",
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Check that tenants are as they should be and isolated from each other.

    \b
      ses-tenant check shop.example.com
      ses-tenant check
      ses-tenant check shop.example.com --repair

    Policy, tags, what else hangs on the user, access keys, and what SES says of the domain. Ends
    with status 4 if there are findings.
    """
    from ses_tenant.core.decision import duration
    from ses_tenant.core.domain import SendingDomain

    age = duration("--max-age", max_age)
    named = [SendingDomain.parse(text) for text in domains or ()]
    session = o.connect(profile, region, endpoint_url, debug=debug)
    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.ses import Ses
    from ses_tenant.cli.render import plan_data, plan_text
    from ses_tenant.destinations.registry import open_destination
    from ses_tenant.operations import check as operation

    iam, console = Iam(session), Console("check", output, quiet)
    world = operation.World(
        iam,
        Ses(session),
        lambda spec: open_destination(spec, session, lambda _: None, force=False),
        datetime.now(UTC),
        age,
        live=live,
    )
    with console.progress("Checking tenants ...") as progress:
        people = operation.read_members(iam)
        wanted = tuple(dict.fromkeys(named)) or operation.tenant_domains(people)
        checked = operation.check(world, people, wanted, session.workers, progress)
    if len(checked) == 1 and checked[0].error:
        raise checked[0].error
    plans = {c.domain: c.plan for c in checked}
    mend = [c for c in checked if c.plan and not c.error]
    text = "".join(f"{c.domain}\n{plan_text(c.plan)}" for c in mend)
    done: Mapping[SendingDomain, SesTenantError | None] = {}
    if repair and mend and not dry_run:
        if any(step.destructive for c in mend for step in c.plan):
            question = f"Repair {counted(len(mend), 'tenant')}?"
            console.confirm(question, text.splitlines(), yes=yes)
        done = operation.repair_all(world, mend, time.sleep)
        with console.progress("Checking again ...") as progress:
            # What one tenant may do is a finding of others as well: all are looked at again.
            people = operation.read_members(iam)
            checked = operation.check(world, people, wanted, session.workers, progress)
        for domain, failure in done.items():
            if failure is None:
                console.note(f"{domain}: repaired")
    errors = [error for c in checked if (error := c.error or done.get(c.domain))]
    findings = [finding for c in checked for finding in c.findings]
    findings = list({finding.id + finding.message: finding for finding in findings}.values())
    status = status_of(errors, len(checked))
    if status is ExitStatus.OK:
        status = status_for(findings, fail_on)
    console.note(f"{counted(len(checked), 'tenant')}: {summary(findings)}.")
    console.result(
        {
            "tenants": [
                {
                    "domain": c.domain.name,
                    "repaired": c.domain in done and done[c.domain] is None,
                    "steps": plan_data(plans[c.domain]),
                }
                for c in checked
            ],
            "findings": [finding_data(finding) for finding in findings],
        },
        findings_text(findings) + (text if repair and dry_run else ""),
        list(dict.fromkeys(warning for c in checked for warning in c.warnings)),
        errors,
        status,
    )
    exit_with(status)
