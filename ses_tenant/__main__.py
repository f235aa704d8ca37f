"""Run the command line as `python -m ses_tenant`."""

from ses_tenant.cli import main

main()
