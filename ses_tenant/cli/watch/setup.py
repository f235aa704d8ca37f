"""`ses-tenant watch setup`."""

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.watch import events


def watch_setup(
    region: events.Regions = None,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Have SES tell EventBridge what becomes of the sites' mail; nothing changes at a site.

    \b
      ses-tenant watch setup --region eu-central-1 --dry-run
      ses-tenant watch setup --region eu-central-1

    Makes the configuration set `ses-tenant-events` and lets it be the default set of each email
    identity that ses-tenant looks after; first the policies of tenants with --scope identity allow
    it. An identity of somebody else's, or with another default set, is left alone and named. Run
    it again after `identity create`. What acts on the events is examples/lambda/watch.yaml.
    """
    from ses_tenant.operations import watch_setup as operation
    from ses_tenant.wiring import make_runtime

    session, publishing, regions = events.connect(profile, region, endpoint_url, debug=debug)
    console, runtime = Console("watch setup", output, quiet), make_runtime(session)
    with console.progress("Reading identities ...") as progress:
        prepared = operation.prepare_setup(runtime, publishing, regions, progress)
    events.run(console, runtime, publishing, prepared, dry_run=dry_run, yes=yes)
