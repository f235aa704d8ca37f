"""The command line: parse, call one operation, render, exit. The only importer of typer and rich.

Whatever costs time to import (boto3, moto, rich) is imported inside the command that needs it.
"""

from ses_tenant.cli.app import app
from ses_tenant.cli.streams import open_closed_streams


def main() -> None:
    """Run the command line; the entry point `ses-tenant`."""
    open_closed_streams()
    app(prog_name="ses-tenant")
