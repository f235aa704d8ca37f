"""The options that several verbs share, defined once."""

import logging
import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli.console import Output

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant.credentials import LocalSes
    from ses_tenant.core.tenant.request import TenantRequest

NONE = "none"


class ScopeChoice(StrEnum):
    """The values of --scope."""

    ANY = "any"
    IDENTITY = "identity"


Domain = Annotated[
    str, typer.Argument(metavar="DOMAIN", help="The sending domain.", show_default=False)
]
Domains = Annotated[
    list[str], typer.Argument(metavar="DOMAIN", help="Sending domains.", show_default=False)
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="AWS profile to use.")
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="REGION", help="AWS Region to call, for the partition."),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="AWS Region that the site sends in; may be repeated.  [default: the profile's]",
        show_default=False,
    ),
]
EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="Send every AWS request to this URL."),
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="How to print the result.", show_default=True)
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan and change nothing.", show_default=False)
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before destroying.", show_default=False)
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", help="No notes and no progress on stderr.", show_default=False),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="Log each AWS call on stderr, without its contents.",
        show_default=False,
    ),
]
Smtp = Annotated[
    bool | None,
    typer.Option(
        "--smtp/--api",
        help="Credentials for the SMTP interface, or for the SES API.  [default: api]",
        show_default=False,
    ),
]
Subdomains = Annotated[
    bool | None,
    typer.Option(
        "--subdomains/--no-subdomains",
        help="Let it send as every domain below DOMAIN, too.",
        show_default=False,
    ),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="DOMAIN",
        help="Another domain that it may send as; may be repeated, 'none' clears.",
        show_default=False,
    ),
]
ReturnPath = Annotated[
    str | None,
    typer.Option(
        "--return-path",
        metavar="DOMAIN",
        help="Let bounces go to this domain, too; 'none' clears.",
        show_default=False,
    ),
]
ScopeOption = Annotated[
    ScopeChoice | None,
    typer.Option(
        "--scope",
        help="'identity' also limits the policy to the domain's identities and configuration "
        "sets. Not while the account is in the SES sandbox.  [default: any]",
        show_default=False,
    ),
]
ConfigurationSets = Annotated[
    list[str] | None,
    typer.Option(
        "--configuration-set",
        metavar="NAME",
        help="With --scope identity: a configuration set that it may use, the identity's "
        "default one included; may be repeated, 'none' clears.",
        show_default=False,
    ),
]
PermissionsBoundary = Annotated[
    str | None,
    typer.Option(
        "--permissions-boundary", metavar="ARN", help="Permissions boundary of the IAM user."
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="DESTINATION",
        help="Where credentials go: {destinations}. Remembered.  [default: -]",
        show_default=False,
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="How they are written on stdout or in a file: {formats}. Remembered.  [default: env]",
        show_default=False,
    ),
]
ReadBack = Annotated[
    str | None,
    typer.Option(
        "--read-back",
        metavar="CMD",
        help="With --to command:CMD: a command that prints what is held now, or nothing. "
        "Remembered.",
        show_default=False,
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify",
        help="Wait until AWS accepts the new key: STS for the API, a login for SMTP.",
        show_default=True,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Overwrite a destination that ses-tenant has not written.",
        show_default=False,
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="KEY=VALUE",
        help="Tag of your own on the IAM user; may be repeated.",
        show_default=False,
    ),
]


def tenant_request(
    domain: str,
    smtp: bool | None,
    regions: list[str] | None,
    subdomains: bool | None,
    also: list[str] | None,
    return_path: str | None,
    scope: ScopeChoice | None,
    configuration_sets: list[str] | None,
    permissions_boundary: str | None,
    tags: list[str] | None,
    destination: str | None = None,
    form: str | None = None,
    read_back: str | None = None,
) -> "TenantRequest":
    """Return the request that the options of `create` and `policy` stand for.

    Raises SesTenantError `invalid_domain` and `usage`.
    """
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.regions import check_region
    from ses_tenant.core.tenant.request import TenantRequest
    from ses_tenant.core.tenant.spec import Interface, Scope
    from ses_tenant.destinations.formats import get_format
    from ses_tenant.destinations.registry import normalise

    if form is not None and smtp is not None:
        get_format(form, Interface.SMTP if smtp else Interface.API)

    def domains(given: list[str] | None) -> "tuple[SendingDomain, ...] | None":
        return None if not given else tuple(SendingDomain.parse(text) for text in _cleared(given))

    return TenantRequest(
        domain=SendingDomain.parse(domain),
        interface=None if smtp is None else Interface.SMTP if smtp else Interface.API,
        regions=tuple(check_region(region) for region in regions) if regions else None,
        subdomains=subdomains,
        also=domains(also),
        return_path=domains([return_path] if return_path is not None else None),
        scope=Scope(scope.value) if scope else None,
        configuration_sets=tuple(_cleared(configuration_sets)) if configuration_sets else None,
        destination=normalise(destination) if destination is not None else None,
        format=form,
        read_back=read_back,
        permissions_boundary=permissions_boundary,
        user_tags=dict(_tag(tag) for tag in tags or ()),
    )


def fill_help(text: str) -> str:
    """Return the help of an option with the destinations and formats that there are.

    They are looked up for the command that is run alone, because that takes its time.
    """
    if "{destinations}" in text:
        from ses_tenant.destinations.registry import told

        return text.replace("{destinations}", _or(told()))
    if "{formats}" in text:
        from ses_tenant.destinations.formats import FORMATS

        return text.replace("{formats}", _or(list(FORMATS)))
    return text


def _or(words: list[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1]))


def local_ses(environ: Mapping[str, str] = os.environ) -> "LocalSes | None":
    """Return the sandbox that the environment names in place of SES's endpoints, if any.

    Raises SesTenantError `usage` for a port that is none.
    """
    host = environ.get("SES_TENANT_SMTP_HOST")
    if not host:
        return None
    from ses_tenant.core.errors import ErrorCode, SesTenantError
    from ses_tenant.core.smtp import SMTP_PORT
    from ses_tenant.core.tenant.credentials import LocalSes

    port = environ.get("SES_TENANT_SMTP_PORT") or str(SMTP_PORT)
    if not port.isdecimal():
        raise SesTenantError(ErrorCode.USAGE, "SES_TENANT_SMTP_PORT is not a port number.")
    ca_file, endpoint_url = environ.get("SES_TENANT_CA_FILE"), environ.get("AWS_ENDPOINT_URL")
    return LocalSes(host, int(port), ca_file, endpoint_url)


def connect(
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    workers: int = 8,
    role_arn: str | None = None,
) -> "AwsSession":
    """Return the AWS session that the options ask for; imports boto3."""
    if debug:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger = logging.getLogger("ses_tenant")
        logger.handlers = [handler]
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    from ses_tenant.aws.session import open_session

    return open_session(profile, region, endpoint_url, workers, role_arn)


def _cleared(values: list[str]) -> list[str]:
    return [] if values == [NONE] else values


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"'{text}' is not KEY=VALUE.", param_hint="--tag")
    return key, value
