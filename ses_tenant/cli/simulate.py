"""`ses-tenant simulate`."""

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import completion
from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted, exit_with
from ses_tenant.cli.streams import read_input, why
from ses_tenant.cli.terminal import wrapped
from ses_tenant.core.errors import ErrorCode, ExitStatus, SesTenantError
from ses_tenant.core.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.proof.simulation import Mail, Result

_MAX_FILE = 64 * 2**20

_STDIN = "-"


def simulate(
    domain: Annotated[
        str | None,
        typer.Argument(
            metavar="DOMAIN",
            help="The tenant that sends.",
            show_default=False,
            autocompletion=completion.tenants,
        ),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ADDRESS", help="The From address of the mail.", show_default=False
        ),
    ] = None,
    action: Annotated[
        str,
        typer.Option("--action", metavar="ACTION", help="How it is sent; this is SMTP as well."),
    ] = "ses:SendRawEmail",
    return_path: Annotated[
        str | None,
        typer.Option(
            "--return-path", metavar="ADDRESS", help="Where bounces go.", show_default=False
        ),
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient", metavar="ADDRESS", help="Who gets it; repeatable.", show_default=False
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="Decide by this policy document alone, offline; - for standard input.",
            show_default=False,
        ),
    ] = None,
    cases: Annotated[
        str | None,
        typer.Option(
            "--cases",
            metavar="FILE",
            help="Decide a JSON list of cases, offline; - for standard input.",
            show_default=False,
        ),
    ] = None,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Tell whether a mail may be sent, and what decides it.

    \b
      ses-tenant simulate shop.example.com --from info@shop.example.com
      ses-tenant simulate shop.example.com --from info@blog.example.org
      ses-tenant policy shop.example.com > policy.json
      ses-tenant simulate shop.example.com --from a@b.example --policy policy.json
      ses-tenant simulate --cases cases.json -o json | jq '.data.results'

    No mail is sent. The answer is "allowed", "denied", or "conditional" where it hangs on what
    nobody knows beforehand, such as an IP address. A case may say which answer to "expect"; with
    another one the command ends with status 4.
    """
    console = Console("simulate", output, quiet)
    if cases is not None:
        if (domain, sender, policy) != (None, None, None):
            _refuse("--cases takes neither DOMAIN nor --from nor --policy.")
        from ses_tenant.core.proof.simulation import parse_cases
        from ses_tenant.core.proof.simulation import simulate as decide

        results = decide(parse_cases(_read(cases)))
        _report(console, results, {})
        return
    if domain is None or sender is None:
        _refuse("A DOMAIN and --from are needed, or --cases.")
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.proof.simulation import Mail

    if policy is not None:  # offline
        named = SendingDomain.parse(domain)
    else:
        (named,) = o.tenants_named([domain], profile, region, endpoint_url)
    mail = Mail(sender, action, return_path, tuple(recipient or ()))
    if policy is not None:
        result = _by_policy(mail, named, policy, region)
    else:
        session = o.connect(profile, region, endpoint_url, debug=debug)
        from ses_tenant.aws.iam import Iam
        from ses_tenant.operations.simulate import simulate as operation

        with console.progress("Reading the account ..."):
            result = operation(Iam(session), named, mail, region)
    asked = {"domain": named.name, "from": mail.sender, "action": mail.action}
    _report(console, [result], asked)


def _by_policy(mail: "Mail", domain: "SendingDomain", file: str, region: str | None) -> "Result":
    from ses_tenant.core.proof.simulation import case_of_policy
    from ses_tenant.core.proof.simulation import simulate as decide
    from ses_tenant.core.regions import check_region, partition_of

    where = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    where = check_region(where or "us-east-1")
    try:
        document = json.loads(_read(file))
    except (ValueError, RecursionError) as error:
        raise SesTenantError(
            ErrorCode.USAGE, f"{file} is no JSON: {error}.", "ses-tenant policy DOMAIN prints one."
        ) from error
    name = "on standard input" if file == _STDIN else file
    case = case_of_policy(mail, document, name, domain, partition_of(where), where)
    (result,) = decide([case])
    return result


def _report(console: Console, results: "Sequence[Result]", asked: "Mapping[str, object]") -> None:
    wrong = [result for result in results if result.unexpected]
    status = ExitStatus.FINDINGS if wrong else ExitStatus.OK
    if any(result.expect for result in results):
        console.note(f"{counted(len(results), 'case')}, {len(wrong)} not as expected.")
    console.result(
        {
            **asked,
            "results": [
                {"name": r.name, "decision": r.decision.value, "reason": r.reason} for r in results
            ],
        },
        "".join(_line(result) for result in results),
        exit_status=status,
    )
    exit_with(status)


def _line(result: "Result") -> str:
    wanted = f" (expected: {result.expect})" if result.unexpected else ""
    return (
        wrapped(
            f"{result.decision}  {shown(result.name)}: {shown(result.reason)}{wanted}",
            sys.stdout,
            2,
        )
        + "\n"
    )


def _read(file: str) -> str:
    try:
        return read_input(None if file == _STDIN else file, _MAX_FILE).decode()
    except (OSError, ValueError) as error:
        raise SesTenantError(ErrorCode.USAGE, f"{file} cannot be read: {why(error)}.") from error


def _refuse(message: str) -> "NoReturn":
    raise SesTenantError(
        ErrorCode.USAGE,
        message,
        "ses-tenant simulate shop.example.com --from info@shop.example.com",
    )
