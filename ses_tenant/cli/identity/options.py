"""What the verbs of `identity` share: options, and the Regions to work in."""

from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.cli.console import Console
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.dns.resolver import DnsResolver

WORKERS = 16
Domains = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DOMAIN",
        help="Domains to look at; without one, those of all tenants.",
        show_default=False,
    ),
]
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


def connect_to_places(
    console: "Console",
    domains: list[str] | None,
    regions: list[str] | None,
    profile: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
) -> "tuple[AwsSession, list[tuple[SendingDomain, str]]]":
    """Return the session, and the domains and Regions to look at.

    Without `domains` all that tenants send as, in the Regions that each sends in unless Regions are
    given. Raises SesTenantError `no_region` as `connect` does, and `invalid_domain`.
    """
    from ses_tenant.aws.iam import Iam
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant.tags import known
    from ses_tenant.operations.identity import sending_domains
    from ses_tenant.operations.observe import observe_all

    named = dict.fromkeys(SendingDomain.parse(text) for text in domains or ())
    session, default = connect(profile, regions, endpoint_url, debug=debug)
    if named:
        return session, [(domain, region) for domain in named for region in default]
    with console.progress("Reading tenants ..."):
        tenants, _ = observe_all(Iam(session))
    places = [
        (domain, region)
        for observed in tenants
        for domain in sending_domains(observed)
        for region in (default if regions else known(observed.user.remembered.regions) or default)
    ]
    return session, list(dict.fromkeys(places))


def open_dns(servers: list[str] | None) -> "DnsResolver":
    """Return a resolver that answers. Raises SesTenantError `usage` and `dns_unavailable`."""
    from ses_tenant.dns.resolver import DnsResolver, parse_server

    resolver = DnsResolver(tuple(parse_server(text) for text in servers or ()))
    resolver.require_answer()
    return resolver
