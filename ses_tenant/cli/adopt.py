"""`ses-tenant adopt`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.core.tenant.spec import SETTINGS
from ses_tenant.wiring import make_runtime

if TYPE_CHECKING:
    from ses_tenant.operations.adopt import Adoption


@o.takes_settings([s for s in SETTINGS if s.field != "ses_tenant"])
def adopt(
    domain: o.Domain,
    user_name: Annotated[
        str,
        typer.Option(
            "--user-name", metavar="NAME", help="The IAM user to take over.", show_default=False
        ),
    ],
    *,
    given: o.Given,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Turn an IAM user that was made by hand into a tenant.

    \b
      ses-tenant adopt shop.example.com --user-name wordpress-shop --dry-run
      ses-tenant adopt shop.example.com --user-name ses-smtp-user.20240131 --smtp

    Its access keys stay, so its site goes on sending. Attaches the policy that `ses-tenant policy
    DOMAIN` prints, sets the tags, renames the user to ses-DOMAIN under /ses-tenant/DOMAIN/, and
    then asks before it removes what else the user may do: other policies, groups, console password,
    MFA devices, SSH keys, certificates, service-specific credentials. With --to, keys that are
    issued later go there; the present ones are not moved.
    """
    request = o.tenant_request(domain, given)
    session = o.connect(profile, o.first_region(request), endpoint_url, debug=debug)
    if request.regions:
        session.check_regions(request.regions)
    from ses_tenant.cli.render import plan_lines, plan_text
    from ses_tenant.operations import adopt as operation

    runtime, console = make_runtime(session), Console("adopt", output, quiet)
    with console.progress(f"Reading {user_name} ..."):
        adoption = operation.prepare(runtime, request, user_name, session.access_key_id())
    name = adoption.spec.domain
    if not dry_run:
        removals = [step for step in adoption.plan if step.destructive]
        if removals:
            warned = [f"Warning: {warning.message}" for warning in adoption.warnings]
            console.confirm(
                f"Adopt {adoption.user_name} as {name}?",
                [*plan_text(adoption.plan, sys.stderr).splitlines(), *warned],
                yes=yes,
            )
        with console.progress(f"Adopting {adoption.user_name} ..."):
            operation.carry_out(runtime, adoption)
        for line in plan_lines(adoption.plan):
            console.note(f"{name}: {line}: done")
    if not adoption.plan:
        console.note(f"{name}: nothing to change, {adoption.user_name} is its tenant")
    text = plan_text(adoption.plan, sys.stdout) if dry_run else ""
    console.result(_data(adoption, dry_run=dry_run), text, adoption.warnings)


def _data(adoption: "Adoption", *, dry_run: bool) -> dict[str, object]:
    from ses_tenant.cli.render import create_data

    data = create_data(adoption.spec, adoption.plan, adoption.user_arn, None)
    del data["credentials"]
    return {
        **data,
        "former_user_arn": adoption.former_user_arn,
        "adopted": not dry_run,
    }
