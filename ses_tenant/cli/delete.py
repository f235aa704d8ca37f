"""`ses-tenant delete`."""

import sys
from typing import TextIO

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.wiring import make_runtime


def delete(
    domains: o.Domains,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Delete tenants: access keys, policies and the IAM user.

    \b
      ses-tenant delete shop.example.com
      ses-tenant delete shop.example.com --dry-run

    The site cannot send any more from that moment. SES identities and DNS records stay.
    """
    targets = o.tenants_named(domains, profile, region, endpoint_url)
    session = o.connect(profile, region, endpoint_url, debug=debug)
    from ses_tenant.cli.render import plan_data, plan_text
    from ses_tenant.operations import delete as operation

    runtime, console = make_runtime(session), Console("delete", output, quiet)
    with console.progress("Reading tenants ...") as progress:
        planned = operation.prepare_all(runtime, targets, progress)
    if len(planned) == 1 and planned[0].error:
        raise planned[0].error

    def text(stream: TextIO) -> str:
        return "".join(f"{d.domain}\n{plan_text(d.plan, stream)}" for d in planned if not d.error)

    deletions = planned
    if not dry_run:
        possible = [deletion for deletion in planned if not deletion.error]
        if possible:
            impossible = [d.error.message for d in planned if d.error]
            console.confirm(
                f"Delete {counted(len(possible), 'tenant')}?",
                [*impossible, *text(sys.stderr).splitlines()],
                yes=yes,
            )
        with console.progress("Deleting ...") as progress:
            deletions = operation.delete_all(runtime, planned, progress)
        for deletion in deletions:
            if not deletion.error:
                console.note(f"{deletion.domain}: deleted")
                if deletion.destination:
                    console.note(f"The dead credentials are still in {deletion.destination}.")
    errors = [deletion.error for deletion in deletions if deletion.error]
    status = status_of(errors, len(deletions))
    console.result(
        {
            "tenants": [
                {
                    "domain": deletion.domain.name,
                    "deleted": not dry_run and deletion.error is None,
                    "steps": plan_data(deletion.plan),
                }
                for deletion in deletions
            ]
        },
        text(sys.stdout) if dry_run else "",
        errors=errors,
        exit_status=status,
    )
    exit_with(status)
