"""The Typer app: its verbs in the groups and the order in which `--help` shows them."""

from typing import Annotated

import typer

from ses_tenant import __version__
from ses_tenant.cli import options as o
from ses_tenant.cli.adopt import adopt
from ses_tenant.cli.apply import apply
from ses_tenant.cli.audit import audit
from ses_tenant.cli.boundary import ErrorBoundary
from ses_tenant.cli.check import check
from ses_tenant.cli.create import create
from ses_tenant.cli.delete import delete
from ses_tenant.cli.export import export
from ses_tenant.cli.help import help_
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
from ses_tenant.cli.stats import stats
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
    epilog="Without an AWS account:\n\n"
    "\b\n  ses-tenant sandbox -- ses-tenant create shop.example.com"
)
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.AnyOutput = None,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Give every site on one Amazon SES account credentials that send only as its own domain.

    \b
      ses-tenant create shop.example.com --region eu-central-1
      ses-tenant list
      ses-tenant help create

    The options below may stand before or after the command, if it takes them.
    """


_SITES = "A site"
_KEYS = "Its access keys"
_PROOF = "Proof"
_FLEET = "Many sites at once"
_TRY = "Try it"

app.command(cls=Verb, rich_help_panel=_SITES)(create)
app.command(cls=Verb, rich_help_panel=_SITES)(adopt)
app.command("list", cls=Verb, rich_help_panel=_SITES)(list_tenants)
app.command(cls=Verb, rich_help_panel=_SITES)(show)
app.command(cls=Verb, rich_help_panel=_SITES)(suspend)
app.command(cls=Verb, rich_help_panel=_SITES)(resume)
app.command(cls=Verb, rich_help_panel=_SITES)(delete)
app.add_typer(identity, rich_help_panel=_SITES)
app.command("rotate-keys", cls=Verb, rich_help_panel=_KEYS)(rotate_keys)
app.command("smtp-password", cls=Verb, rich_help_panel=_KEYS)(smtp_password)
app.command(cls=Verb, rich_help_panel=_PROOF)(check)
app.command(cls=Verb, rich_help_panel=_PROOF)(audit)
app.command(cls=Verb, rich_help_panel=_PROOF)(simulate)
app.command(cls=Verb, rich_help_panel=_PROOF)(policy)
app.command("operator-policy", cls=Verb, rich_help_panel=_PROOF)(operator_policy)
app.add_typer(watch, rich_help_panel=_PROOF)
app.command(cls=Verb, rich_help_panel=_PROOF)(stats)
app.command(cls=Verb, rich_help_panel=_FLEET)(plan)
app.command(cls=Verb, rich_help_panel=_FLEET)(apply)
app.command(cls=Verb, rich_help_panel=_FLEET)(export)
app.add_typer(sandbox, rich_help_panel=_TRY)
app.command("help", cls=Verb, rich_help_panel=_TRY)(help_)
