"""`ses-tenant identity`: email identities, their DNS records, and whether they are right."""

import typer

from ses_tenant.cli.groups import VerbGroup
from ses_tenant.cli.identity.adopt import adopt
from ses_tenant.cli.identity.check import check
from ses_tenant.cli.identity.create import create
from ses_tenant.cli.identity.delete import delete
from ses_tenant.cli.identity.publish import publish
from ses_tenant.cli.identity.records import records
from ses_tenant.cli.identity.request_production import request_production
from ses_tenant.cli.verb import Verb

app = typer.Typer(name="identity", cls=VerbGroup, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def identity() -> None:
    """Verify a domain in SES; print and check its DNS records.

    \b
      ses-tenant identity create shop.example.com --region eu-central-1
      ses-tenant identity check shop.example.com
    """


app.command(cls=Verb)(create)
app.command(cls=Verb)(records)
app.command(cls=Verb)(publish)
app.command(cls=Verb)(check)
app.command(cls=Verb)(adopt)
app.command(cls=Verb)(delete)
app.command("request-production", cls=Verb)(request_production)
