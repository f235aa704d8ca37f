"""`ses-tenant export`."""

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted


def export(
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Print a tenants file with all tenants of the account.

    \b
      ses-tenant export > tenants.toml
      ses-tenant export --profile agency > tenants.toml

    `plan` finds nothing to change in it. It holds no secrets. Email identities stand in it where
    `identity` has made or adopted them; of the address for DMARC reports SES knows nothing.
    """
    session = o.connect(profile, region, endpoint_url, debug=debug)
    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.identities import Identities
    from ses_tenant.core.fleet.fleet import DEFAULT_ACCOUNT, Account
    from ses_tenant.operations import export as operation

    console = Console("export", output, quiet)
    account = Account(DEFAULT_ACCOUNT, profile) if profile else None
    with console.progress("Reading tenants ...") as progress:
        exported = operation.export(Iam(session), account, Identities(session), progress)
    console.note(f"{counted(exported.tenants, 'tenant')} written")
    console.result({"toml": exported.toml}, exported.toml, exported.warnings)
