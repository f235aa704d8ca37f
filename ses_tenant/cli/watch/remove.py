"""`ses-tenant watch remove`."""

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.watch import events


def watch_remove(
    region: events.Regions = None,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Undo `watch setup`: the mail goes on, and nobody is told what becomes of it.

    \b
      ses-tenant watch remove --region eu-central-1

    Takes the default configuration set from the identities, then deletes it. A site that names
    `ses-tenant-events` itself could no longer send. The policies may stay as they are.
    """
    from ses_tenant.operations import watch_setup as operation
    from ses_tenant.wiring import make_runtime

    session, publishing, regions = events.connect(profile, region, endpoint_url, debug=debug)
    console, runtime = Console("watch remove", output, quiet), make_runtime(session)
    with console.progress("Reading identities ...") as progress:
        prepared = operation.prepare_remove(runtime, publishing, regions, progress)
    events.run(console, runtime, publishing, prepared, dry_run=dry_run, yes=yes)
