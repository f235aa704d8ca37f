"""`ses-tenant identity check`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.cli.identity import options as i
from ses_tenant.cli.streams import read_input, why
from ses_tenant.core.errors import ErrorCode, ExitStatus, SesTenantError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ses_tenant.dns.resolver import DnsResolver
    from ses_tenant.operations.identity_check import IdentityCheck

    Outcome = IdentityCheck | SesTenantError

_MAX_SAVED = 64 * 2**20


def check(
    domains: i.Domains = None,
    region: i.Regions = None,
    resolver: i.Resolver = None,
    authoritative: Annotated[
        bool,
        typer.Option(
            "--authoritative",
            help="Ask the domain's own name servers, and no cache.",
            show_default=False,
        ),
    ] = False,
    saved: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Check the records of a saved `identity records -o json`; SES is not asked.",
            show_default=False,
        ),
    ] = None,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Look at live DNS, and say of each record whether it is right.

    \b
      ses-tenant identity check shop.example.com
      ses-tenant identity check
      ses-tenant identity check shop.example.com --resolver 9.9.9.9
      ses-tenant identity check --from records.json

    Shows what DNS says, record by record, beside what SES has seen and when. Ends with status 4
    if a required record is not right.
    """
    from ses_tenant.cli.identity.render import check_data, check_text

    console = Console("identity check", output, quiet)
    dns = i.open_dns(resolver)
    if saved is not None:
        if domains:
            raise SesTenantError(
                ErrorCode.USAGE,
                "--from and DOMAIN cannot go together.",
                "The file tells which domains to check.",
            )
        outcomes = _check_saved(console, dns, saved, authoritative=authoritative)
    else:
        outcomes = _check_live(
            console, dns, domains, region, profile, endpoint_url,
            debug=debug, authoritative=authoritative,
        )  # fmt: skip
    checks = [outcome for outcome in outcomes if not isinstance(outcome, SesTenantError)]
    errors = [outcome for outcome in outcomes if isinstance(outcome, SesTenantError)]
    if errors and not checks:
        raise errors[0]
    wrong = sum(not _all_right(check) for check in checks)
    status = status_of(errors, len(outcomes))
    if status is ExitStatus.OK and wrong:
        status = ExitStatus.FINDINGS
    console.note(
        f"{counted(len(checks), 'domain')} checked, {wrong} with records that are not right"
    )
    console.result(
        {"domains": [check_data(check) for check in checks]},
        "\n".join(check_text(check) for check in checks),
        errors=errors,
        exit_status=status,
    )
    exit_with(status)


def _all_right(check: "IdentityCheck") -> bool:
    from ses_tenant.core.identity.verdicts import Verdict

    required = [judged.verdict for judged in check.records if judged.record.required]
    return bool(check.records) and all(verdict is Verdict.OK for verdict in required)


def _check_saved(
    console: Console, dns: "DnsResolver", file: str, *, authoritative: bool
) -> "Sequence[Outcome]":
    from ses_tenant.core.identity.saved import by_domain, parse_saved
    from ses_tenant.operations.identity_check import check_saved

    groups = list(by_domain(parse_saved(_read(file))).items())
    return _each(
        console,
        [lambda g=group: check_saved(dns, *g, authoritative=authoritative) for group in groups],  # type: ignore[misc]
    )


def _check_live(
    console: Console,
    dns: "DnsResolver",
    domains: list[str] | None,
    regions: list[str] | None,
    profile: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    authoritative: bool,
) -> "Sequence[Outcome]":
    from ses_tenant.aws.identities import Identities
    from ses_tenant.operations.identity_check import check_domain

    session, places = i.connect_to_places(
        console, domains, regions, profile, endpoint_url, debug=debug
    )
    identities = Identities(session)
    return _each(
        console,
        [
            lambda d=domain, p=place: check_domain(  # type: ignore[misc]
                identities, dns, d, p, authoritative=authoritative
            )
            for domain, place in places
        ],
    )


def _each(console: Console, checks: "Sequence[Callable[[], IdentityCheck]]") -> "Sequence[Outcome]":
    """Return what comes of each check, several at a time; a failure stops no other."""
    from ses_tenant.operations.many import each_tenant

    with console.progress("Looking at DNS ...") as progress:
        return each_tenant(
            checks,
            lambda check: check(),
            failed=lambda _, error: error,
            workers=i.WORKERS,
            progress=progress,
        )


def _read(file: str) -> object:
    """Return a JSON document from a file, `-` for stdin."""
    try:
        document: object = json.loads(read_input(None if file == "-" else file, _MAX_SAVED))
    except (OSError, ValueError, RecursionError) as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"{file} cannot be read as JSON: {why(error)}.",
            "Make it with: ses-tenant identity records DOMAIN -o json > records.json",
        ) from error
    return document
