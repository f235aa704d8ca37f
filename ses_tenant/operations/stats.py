"""`stats`: what became of each tenant's mail, from the counts of the watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.watch.decide import Counts
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.protocols import WatchStore

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class TenantStats:
    """What became of a tenant's mail: in all, and in parts of equal length, the oldest first."""

    domain: str
    total: Counts
    parts: tuple[Counts, ...] = ()
    error: SesTenantError | None = None


def stats(
    stores: Sequence[WatchStore],
    domains: Sequence[str],
    since: datetime,
    until: datetime,
    parts: int,
    *,
    workers: int = 8,
    progress: Progress = unwatched,
) -> list[TenantStats]:
    """Return the counts of each domain in all stores together, one of which is a Region's.

    Counts are by the hour; an hour that began before `since` is left out.
    """

    def look(domain: str) -> TenantStats:
        total, found = Counts(), [Counts()] * parts
        for store in stores:
            for at, counts in store.hours(domain, since).items():
                if since <= at <= until:
                    number = min(int((at - since) / (until - since) * parts), parts - 1)
                    found[number] = found[number].plus(counts)
                    total = total.plus(counts)
        return TenantStats(domain, total, tuple(found))

    return each_tenant(
        list(domains),
        look,
        failed=lambda domain, error: TenantStats(domain, Counts(), error=error),
        workers=workers,
        progress=progress,
    )


def hours_back(until: datetime, age: timedelta) -> datetime:
    """Return the full hour at or after `age` ago, from which on counts by the hour are whole."""
    since = until - age
    whole = since.replace(minute=0, second=0, microsecond=0)
    return whole if whole == since else whole + _HOUR
