"""The Typer app: its verbs in the order in which `--help` shows them."""

from typing import Annotated

import typer

from ses_tenant import __version__
from ses_tenant.cli.adopt import adopt
from ses_tenant.cli.apply import apply
from ses_tenant.cli.audit import audit
from ses_tenant.cli.boundary import ErrorBoundary
from ses_tenant.cli.check import check
from ses_tenant.cli.create import create
from ses_tenant.cli.delete import delete
from ses_tenant.cli.export import export
from ses_tenant.cli.identity import app as identity
from ses_tenant.cli.list_tenants import list_tenants
from ses_tenant.cli.operator_policy import operator_policy
from ses_tenant.cli.plan import plan
from ses_tenant.cli.policy import policy
from ses_tenant.cli.rotate_keys import rotate_keys
from ses_tenant.cli.sandbox import app as sandbox
from ses_tenant.cli.show import show
from ses_tenant.cli.simulate import simulate
from ses_tenant.cli.smtp_password import smtp_password
from ses_tenant.cli.suspend import resume, suspend
from ses_tenant.cli.verb import Verb
from ses_tenant.cli.watch import app as watch

app = typer.Typer(
    name="ses-tenant",
    cls=ErrorBoundary,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"ses-tenant {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Try it without an AWS account: ses-tenant sandbox -- ses-tenant create shop.example.com"
)
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Give every site on one Amazon SES account credentials that send only as its own domain.

    \b
      ses-tenant create shop.example.com --region eu-central-1
      ses-tenant list
    """


app.command(cls=Verb)(create)
app.command(cls=Verb)(adopt)
app.command("list", cls=Verb)(list_tenants)
app.command(cls=Verb)(show)
app.command("rotate-keys", cls=Verb)(rotate_keys)
app.command(cls=Verb)(suspend)
app.command(cls=Verb)(resume)
app.command(cls=Verb)(delete)
app.command(cls=Verb)(simulate)
app.command(cls=Verb)(check)
app.command(cls=Verb)(audit)
app.command(cls=Verb)(plan)
app.command(cls=Verb)(apply)
app.command(cls=Verb)(export)
app.command(cls=Verb)(policy)
app.command("operator-policy", cls=Verb)(operator_policy)
app.command("smtp-password", cls=Verb)(smtp_password)
app.add_typer(identity)
app.add_typer(watch)
app.add_typer(sandbox)
