"""`ses-tenant stats`."""

import csv
import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output, exit_with, status_of
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.aws.watch_store import WatchTable
    from ses_tenant.operations.stats import TenantStats

_COLUMNS = ("sends", "deliveries", "bounces", "complaints", "rejects")
DEFAULT_TABLE = "ses-tenant-watch"
_PARTS = 14
_LONGEST = timedelta(days=36)
_BARS, _PLAIN_BARS = "▁▂▃▄▅▆▇█", ".:-=+*#@"


class StatsOutput(StrEnum):
    """How `stats` prints its result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def stats(
    domains: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DOMAIN", help="Tenants; without one, all of them.", show_default=False
        ),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="AGE", help="How far back: 12h, 7d, up to 36d.")
    ] = "7d",
    table: Annotated[
        str, typer.Option("--table", metavar="NAME", help="The table that the watch counts in.")
    ] = DEFAULT_TABLE,
    profile: o.Profile = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region",
            metavar="REGION",
            help="AWS Region whose counts to add up; may be repeated.",
            show_default=False,
        ),
    ] = None,
    endpoint_url: o.EndpointUrl = None,
    output: Annotated[
        StatsOutput, typer.Option("--output", "-o", help="How to print the result.")
    ] = StatsOutput.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Show what became of each site's mail, as the watch has counted it.

    \b
      ses-tenant stats
      ses-tenant stats shop.example.com --since 24h
      ses-tenant stats --since 30d -o csv > mail.csv

    Counts events by the full hour; the bars are the sends, from then until now. The watch counts
    where it is set up: docs/watch.md.
    """
    from ses_tenant.cli.render import timestamp
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.operations import stats as operation

    as_json = Output.JSON if output is StatsOutput.JSON else Output.TABLE
    console, until = Console("stats", as_json, quiet), datetime.now(UTC)
    begin = operation.hours_back(until, _age(since))
    named = [SendingDomain.parse(text).name for text in domains or ()]
    session = o.connect(profile, next(iter(region or ()), None), endpoint_url, debug=debug)
    with console.progress("Reading counts ...") as progress:
        found = operation.stats(
            _stores(session, region, table),
            list(dict.fromkeys(named)) or _all_domains(session),
            begin, until, _PARTS, workers=session.workers, progress=progress,
        )  # fmt: skip
    errors = [one.error for one in found if one.error]
    if errors and len(errors) == len(found):
        raise _not_set_up(errors[0])
    status = status_of(errors, len(found))
    data = {
        "since": timestamp(begin),
        "until": timestamp(until),
        "tenants": [tenant_data(one) for one in found if not one.error],
    }
    if not found:
        console.note("There is no tenant yet. To make one: ses-tenant create shop.example.com")
    text = _csv(found) if output is StatsOutput.CSV else _text(found) if found else ""
    console.result(data, text, errors=errors, exit_status=status)
    exit_with(status)


def counted_mail(
    session: "AwsSession", domains: Sequence[str], until: datetime
) -> "list[TenantStats]":
    """Return what became of the mail of seven days; nothing where the watch does not count it."""
    from ses_tenant.operations import stats as operation

    if session.region is None or not domains:
        return []
    begin = operation.hours_back(until, timedelta(days=7))
    found: list[TenantStats] = []
    for some in (domains[:1], domains):  # one tells whether there is a table
        found = operation.stats(
            _stores(session, None, DEFAULT_TABLE),
            some, begin, until, _PARTS, workers=session.workers,
        )  # fmt: skip
        if any(one.error for one in found):
            return []
    return found


def tenant_data(found: "TenantStats") -> dict[str, object]:
    """Return one element of `data.tenants`."""
    return {
        "domain": found.domain,
        **{name: getattr(found.total, name) for name in _COLUMNS},
        "sends_over_time": [part.sends for part in found.parts],
    }


def sparkline(values: Sequence[int], bars: str = _BARS) -> str:
    """Return a bar for each value, in proportion to the largest; a space for nothing."""
    most = max(values, default=0)
    return "".join(
        bars[min((value * len(bars) - 1) // most, len(bars) - 1)] if value > 0 else " "
        for value in values
    )


def _age(text: str) -> timedelta:
    from ses_tenant.core.rotation.decision import duration

    age = duration("--since", text)
    if not timedelta(hours=1) <= age <= _LONGEST:
        raise SesTenantError(
            ErrorCode.USAGE, f"--since: '{text}' is not from 1h to 36d.", "Counts are kept 36 days."
        )
    return age


def _stores(session: "AwsSession", regions: list[str] | None, table: str) -> "list[WatchTable]":
    from ses_tenant.aws.watch_store import WatchTable
    from ses_tenant.core.regions import check_region

    wanted = regions or ([session.region] if session.region else [])
    if not wanted:
        raise SesTenantError(
            ErrorCode.NO_REGION,
            "It is not known in which AWS Region the watch counts.",
            "Add --region REGION, or set AWS_REGION.",
        )
    return [WatchTable(session, check_region(one), table) for one in dict.fromkeys(wanted)]


def _all_domains(session: "AwsSession") -> list[str]:
    from ses_tenant.aws.iam import Iam
    from ses_tenant.operations.observe import observe_all

    return [observed.domain.name for observed in observe_all(Iam(session))[0]]


def _not_set_up(error: SesTenantError) -> SesTenantError:
    if error.code is not ErrorCode.NOT_FOUND:
        return error
    return SesTenantError(
        error.code,
        f"The watch is not set up in this Region: {error.message}",
        "docs/watch.md tells how; --table and --region name another table.",
    )


def _text(found: "Sequence[TenantStats]") -> str:
    from ses_tenant.cli.render import table_text

    bars = _BARS if (sys.stdout.encoding or "").lower().startswith("utf") else _PLAIN_BARS
    return table_text(
        ("Domain", "Sends", "Deliv.", "Bounces", "Compl.", "Rejects", "Over time"),
        [
            (
                one.domain,
                *(str(getattr(one.total, name)) if not one.error else "?" for name in _COLUMNS),
                sparkline([part.sends for part in one.parts], bars),
            )
            for one in found
        ],
    )


def _csv(found: "Sequence[TenantStats]") -> str:
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(("domain", *_COLUMNS))
    rows.writerows(
        (one.domain, *(getattr(one.total, name) for name in _COLUMNS))
        for one in found
        if not one.error
    )
    return stream.getvalue()
