"""What the verbs of `identity` share: options, and the Regions to work in."""

from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.dns.resolver import DnsResolver

Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="AWS Region of the identity; may be repeated.  [default: the profile's]",
        show_default=False,
    ),
]
DmarcRua = Annotated[
    str | None,
    typer.Option(
        "--dmarc-rua",
        metavar="ADDRESS",
        help="Where receivers send DMARC reports, in the record that is recommended.",
        show_default=False,
    ),
]
Resolver = Annotated[
    list[str] | None,
    typer.Option(
        "--resolver",
        metavar="IP[:PORT]",
        help="Name server to ask; may be repeated.  [default: the system's]",
        show_default=False,
    ),
]


def connect(
    profile: str | None, regions: list[str] | None, endpoint_url: str | None, *, debug: bool
) -> "tuple[AwsSession, tuple[str, ...]]":
    """Return the session and the Regions to work in.

    Raises SesTenantError `no_region` where none is given or configured, or SES is not offered.
    """
    from ses_tenant.core.regions import check_region

    given = tuple(dict.fromkeys(check_region(region) for region in regions or ()))
    session = o.connect(profile, given[0] if given else None, endpoint_url, debug=debug)
    found = given or ((session.region,) if session.region else ())
    if not found:
        raise SesTenantError(
            ErrorCode.NO_REGION,
            "It is not known in which AWS Region the identity is.",
            "Add --region REGION, such as --region eu-central-1, or set AWS_REGION.",
        )
    session.check_regions(found)
    return session, found


def open_dns(servers: list[str] | None) -> "DnsResolver":
    """Return a resolver that answers. Raises SesTenantError `usage` and `dns_unavailable`."""
    from ses_tenant.dns.resolver import DnsResolver, parse_server

    resolver = DnsResolver(tuple(parse_server(text) for text in servers or ()))
    resolver.require_answer()
    return resolver
