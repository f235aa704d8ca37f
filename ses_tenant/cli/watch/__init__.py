"""`ses-tenant watch`: what becomes of the sites' mail, and what is done about a hacked one."""

import typer

from ses_tenant.cli.groups import VerbGroup
from ses_tenant.cli.verb import Verb
from ses_tenant.cli.watch.remove import watch_remove
from ses_tenant.cli.watch.setup import watch_setup
from ses_tenant.cli.watch.test import watch_test

app = typer.Typer(name="watch", cls=VerbGroup, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def watch() -> None:
    """Watch the sites' mail, and stop a site that was hacked.

    \b
      ses-tenant watch setup --region eu-central-1
      ses-tenant watch test --events events.jsonl
    """


app.command("setup", cls=Verb)(watch_setup)
app.command("remove", cls=Verb)(watch_remove)
app.command("test", cls=Verb)(watch_test)
