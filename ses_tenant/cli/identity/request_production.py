"""`ses-tenant identity request-production`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.identity import options as i
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.production import MAX_USE_CASE, MailType

if TYPE_CHECKING:
    from ses_tenant.core.identity.production import AccountStatus


def request_production(
    website: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The web site that sends the mail.", show_default=False),
    ] = None,
    use_case: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Text for AWS: who gets mail, how they signed up, what happens with bounces.",
            show_default=False,
        ),
    ] = None,
    mail_type: Annotated[
        MailType, typer.Option(help="What most of the mail is.", case_sensitive=False)
    ] = MailType.TRANSACTIONAL,
    contact: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS", help="Whom AWS may ask as well; may be repeated.", show_default=False
        ),
    ] = None,
    language: Annotated[str, typer.Option(metavar="EN|JA", help="Language of the answer.")] = "EN",
    region: i.Regions = None,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Ask AWS for production access, so that mail goes to everybody; or see how far that is.

    \b
      ses-tenant identity request-production
      ses-tenant identity request-production --website https://example.com --use-case why.txt

    A new account is in SES's sandbox: it sends to verified addresses only, 200 mails a day. Without
    options the state of the request is shown. The request is shown before it is sent; people at
    AWS read it and answer within a day.
    """
    from ses_tenant.aws.production import account_status
    from ses_tenant.aws.production import request_production as send
    from ses_tenant.core.identity.production import ProductionRequest

    if (website is None) != (use_case is None):
        raise SesTenantError(
            ErrorCode.USAGE,
            "A request needs a web site and a use case.",
            "--website https://example.com --use-case FILE",
        )
    session, regions = i.connect(profile, region, endpoint_url, debug=debug)
    console, place = Console("identity request-production", output, quiet), regions[0]
    before = account_status(session, place)
    request = None
    if website is not None and use_case is not None:
        text = _read(use_case)
        request = ProductionRequest(website, text, mail_type, language, tuple(contact or ()))
    sent = False
    if request is not None and not before.production:
        if dry_run:
            for line in request.lines:
                console.note(line)
        else:
            console.confirm(
                f"Send this request to AWS for {place}?", request.lines, yes=yes,
                why="This sends a request to people at AWS",
            )  # fmt: skip
            if yes:
                for line in request.lines:
                    console.note(line)
            send(session, place, request)
            sent = True
    after = account_status(session, place) if sent else before
    console.note(_told(after, place, sent=sent))
    console.result(
        {
            "region": place,
            "production": after.production,
            "review": after.review,
            "case_id": after.case_id,
            "sent": sent,
        },
        "",
    )


def _told(status: "AccountStatus", region: str, *, sent: bool) -> str:
    if status.production:
        return f"The account has production access in {region}: it may send to everybody."
    case = f" (case {status.case_id})" if status.case_id else ""
    if sent:
        return f"The request was sent{case}. AWS answers within a day; run this again to see."
    if status.review is None:
        return f"The account is in SES's sandbox in {region}, and nothing has been requested yet."
    return f"The account is in SES's sandbox in {region}; the request is {status.review}{case}."


def _read(file: str) -> str:
    limit = 4 * MAX_USE_CASE + 1  # UTF-8 takes at most four octets a character
    try:
        if file == "-":
            octets = sys.stdin.buffer.read(limit)
        else:
            with Path(file).open("rb") as opened:
                octets = opened.read(limit)
        return octets.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The use case cannot be read from {file}: {error}.",
            "Name a text file, or - for stdin.",
        ) from error
