"""`ses-tenant operator-policy`."""

import json
import os
import re
from typing import Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.core.errors import ErrorCode, SesTenantError

# No wildcard, no policy variable, and nothing that a shell reads.
_BOUNDARY = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):policy/[A-Za-z0-9_+=,.@/-]{1,512}")


def operator_policy(
    commands: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="The commands that the operator runs; without one, all.",
            show_default=False,
        ),
    ] = None,
    boundary: Annotated[
        str | None,
        typer.Option(
            "--boundary",
            metavar="ARN",
            help="Let the operator make users only under this permissions boundary.",
            show_default=False,
        ),
    ] = None,
    bootstrap: Annotated[
        bool,
        typer.Option(
            "--bootstrap",
            help="Print a shell script that makes a boundary and the operator's policy.",
            show_default=False,
        ),
    ] = False,
    region: o.Region = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
) -> None:
    """Print the IAM policy that whoever runs ses-tenant needs.

    \b
      ses-tenant operator-policy
      ses-tenant operator-policy list show rotate-keys
      ses-tenant operator-policy identity publish request-production
      ses-tenant operator-policy --bootstrap > bootstrap.sh
      ses-tenant operator-policy --boundary arn:aws:iam::123456789012:policy/mail

    Works offline. Whoever may write policies and issue keys can give themselves everything, unless
    IAM demands a permissions boundary. With --boundary or --bootstrap it does: such an operator can
    make no user that does more than send, cannot change the boundary, and cannot `adopt`.
    `identity` is all below `identity` but `publish` and `request-production`, which are asked for
    by these names. What a destination needs is in examples/destination-policy.json.
    """
    from ses_tenant.core.regions import check_region, partition_of
    from ses_tenant.core.tenant import operator_policy as core
    from ses_tenant.core.tenant.operator_actions import ADOPT

    configured = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    partition = partition_of(check_region(configured)) if configured else "aws"
    if boundary is not None:
        match = _BOUNDARY.fullmatch(boundary)
        if match is None:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"'{boundary}' is not the ARN of a managed policy of an account.",
                "It looks like arn:aws:iam::123456789012:policy/name. --bootstrap makes one.",
            )
        partition = match[1]
    arn = boundary
    if bootstrap and arn is None:
        arn = f"arn:{partition}:iam::$account:policy/{core.BOUNDARY_NAME}"
    verbs = core.verbs_of(commands or (), bound=arn is not None)
    document = core.operator_policy(verbs, partition=partition, boundary=arn)
    console = Console("operator-policy", output, quiet)
    data: dict[str, object] = {"commands": list(verbs), "boundary": arn, "policy": document}
    text = json.dumps(document, indent=2) + "\n"
    if bootstrap and arn is not None:
        script = core.bootstrap_script(arn, document, partition)
        data |= {"boundary_policy": core.boundary_policy(), "script": script}
        text = script
    console.result(data, text)
    if ADOPT in verbs:
        console.note(
            "AdoptUsers lets the operator take over any user of the account. Whoever need not "
            "adopt hand-made users does without: name the other commands, or use --bootstrap."
        )
