"""`stats`: the counts of each tenant, in all and over time."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.watch.decide import Counts
from ses_tenant.core.watch.events import MailEvent, read_event
from ses_tenant.core.watch.memory import MemoryStore
from ses_tenant.operations.stats import hours_back, stats
from tests.core.watch.samples import NOW, event

HOUR = timedelta(hours=1)
SHOP, BLOG = "shop.example.com", "blog.example.org"


def filled(*events: object) -> MemoryStore:
    store = MemoryStore()
    for one in events:
        told = read_event(one, None)
        assert isinstance(told, MailEvent)
        store.count(SHOP, [told])
    return store


def test_the_counts_of_all_regions_are_added_up_over_time() -> None:
    first = filled(event(number=1, before=23 * HOUR), event("bounce", 2, before=HOUR))
    second = filled(event(number=3, before=HOUR), event(number=4, before=25 * HOUR))
    since = hours_back(NOW, 24 * HOUR)
    shop, blog = stats([first, second], [SHOP, BLOG], since, NOW, 4)
    assert shop.total == Counts(sends=2, bounces=1, recipients=2, bounced=1)
    assert [part.sends for part in shop.parts] == [1, 0, 0, 1]
    assert (blog.total, blog.error) == (Counts(), None)


def test_only_whole_hours_count() -> None:
    now = NOW + timedelta(minutes=30)
    assert hours_back(now, 24 * HOUR) == NOW - 23 * HOUR
    assert hours_back(NOW, 24 * HOUR) == NOW - 24 * HOUR


def test_a_tenant_whose_counts_cannot_be_read_stops_no_other() -> None:
    class Broken(MemoryStore):
        def hours(self, tenant: str, since: datetime) -> Mapping[datetime, Counts]:
            if tenant == BLOG:
                raise SesTenantError(ErrorCode.THROTTLED, "slowly")
            return super().hours(tenant, since)

    found = stats([Broken()], [SHOP, BLOG], NOW - HOUR, NOW, 2)
    assert [one.error.code if one.error else None for one in found] == [None, ErrorCode.THROTTLED]
