"""`ses-tenant smtp-password`."""

import getpass
import os
import sys
from typing import Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.streams import read_input, why
from ses_tenant.core.errors import ErrorCode, SesTenantError

_MAX_SECRET = 4096


def smtp_password(
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            metavar="REGION",
            help="AWS Region that the password is for.  [default: AWS_REGION]",
            show_default=False,
        ),
    ] = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
) -> None:
    """Derive the SES SMTP password from a secret access key.

    \b
      ses-tenant smtp-password --region eu-central-1 < secret-access-key
      pass show aws/shop | ses-tenant smtp-password --region eu-central-1

    Reads the secret access key on standard input, and works offline. The SMTP user name is the
    access key ID. A password works in one Region only.
    """
    from ses_tenant.core.regions import check_region, smtp_host, smtp_warning
    from ses_tenant.core.smtp import SMTP_PORT, check_secret_access_key, length_warning
    from ses_tenant.core.smtp import smtp_password as derive

    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise SesTenantError(
            ErrorCode.NO_REGION,
            "An SMTP password is for one Region, and none was given.",
            "Add --region REGION, such as --region eu-central-1.",
        )
    check_region(region)
    secret = check_secret_access_key(_read_secret())
    warnings = [w for w in (smtp_warning(region), length_warning(secret)) if w]
    password = derive(secret, region)
    data = {"region": region, "host": smtp_host(region), "port": SMTP_PORT, "password": password}
    console = Console("smtp-password", output, quiet)
    console.result(data, f"{password}\n", warnings)


def _read_secret() -> str:
    """Return standard input; on a terminal, what is typed without being shown."""
    if sys.stdin.isatty():
        return getpass.getpass("Secret access key: ", stream=sys.stderr)
    try:
        return read_input(None, _MAX_SECRET).decode("utf-8", errors="replace")
    except OSError as error:
        raise SesTenantError(
            ErrorCode.USAGE, f"Standard input cannot be read: {why(error)}."
        ) from error
