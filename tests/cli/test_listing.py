"""`list` for people: which columns stay, in what order, and CSV."""

from datetime import UTC, datetime, timedelta

import pytest

from ses_tenant.cli.list_tenants import Order
from ses_tenant.cli.listing import chosen, csv_text, next_text, table
from ses_tenant.cli.render import ahead
from ses_tenant.core.rotation.decision import NextStep
from ses_tenant.core.rotation.keys import KeyState
from ses_tenant.core.rotation.outlook import StateWord
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus
from ses_tenant.operations.list_tenants import TenantSummary

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def tenant(domain: str, state: KeyState, days: int, destination: str = "-") -> TenantSummary:
    made = NOW - days * DAY
    key = AccessKey("AKIAIOSFODNN7EXAMPLE", KeyStatus.ACTIVE, made, made + DAY)
    return TenantSummary(
        domain, f"ses-{domain}", f"arn:aws:iam::123456789012:user/ses-{domain}", "api", state,
        ("eu-central-1",), destination, (key,), None, NextStep.ROTATE, made + 90 * DAY,
    )  # fmt: skip


SHOP = tenant("shop.example.com", KeyState.STEADY, 10)
BLOG = tenant("blog.example.org", KeyState.OVERLAP, 100, "=cmd|' /C calc'!A0")
LISTED = [(None, SHOP), (None, BLOG)]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (30, "Domain State"),
        (40, "Domain State"),
        (80, "Domain State Next Access key Age Used"),
        (120, "Domain State Next Access key Age Used Via"),
    ],
)
def test_the_domain_is_the_last_to_go(
    monkeypatch: pytest.MonkeyPatch, width: int, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = table(LISTED, NOW).splitlines()
    assert " ".join(lines[0].split()) == columns
    assert max(map(len, lines)) <= width
    assert "shop.example.com" in lines[2]
    assert " ok" in lines[2]
    assert " rotating" in lines[3]


def test_the_next_step_has_its_date_or_is_due() -> None:
    assert next_text(SHOP, NOW) == "rotate 2026-08-20"
    assert next_text(BLOG, NOW) == "rotate now"


@pytest.mark.parametrize(
    ("states", "order", "due", "expected"),
    [
        ((), Order.DOMAIN, False, [BLOG, SHOP]),
        ((), Order.NEXT, False, [BLOG, SHOP]),
        ((), Order.AGE, False, [BLOG, SHOP]),
        ((), Order.USED, False, [BLOG, SHOP]),
        ((), Order.STATE, False, [BLOG, SHOP]),
        ((StateWord.OK,), Order.DOMAIN, False, [SHOP]),
        ((), Order.DOMAIN, True, [BLOG]),
        ((StateWord.OK,), Order.DOMAIN, True, []),
    ],
)
def test_tenants_are_chosen_and_sorted(
    states: tuple[StateWord, ...], order: Order, due: bool, expected: list[TenantSummary]
) -> None:
    assert [one for _, one in chosen(LISTED, states, order, NOW, due=due)] == expected


def test_csv_has_a_line_a_tenant_and_no_formula() -> None:
    head, shop, blog = csv_text(LISTED).splitlines()
    assert head.startswith("account,domain,user_name,interface,state,next_step,next_step_at,")
    assert shop == (
        ",shop.example.com,ses-shop.example.com,api,ok,rotate,2026-08-20T00:00:00Z,eu-central-1,"
        "stdout,AKIAIOSFODNN7EXAMPLE,2026-05-22T00:00:00Z,2026-05-23T00:00:00Z"
    )
    assert ",'=cmd|' /C calc'!A0," in blog


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (90 * DAY - timedelta(seconds=5), "90 d"),
        (90 * DAY, "90 d"),
        (DAY, "1 d"),
        (timedelta(hours=5, minutes=20), "5 h"),
        (timedelta(minutes=59, seconds=58), "1 h"),
        (timedelta(seconds=40), "40 s"),
    ],
)
def test_the_time_ahead_is_rounded_to_the_nearest(left: timedelta, expected: str) -> None:
    assert ahead(NOW, NOW + left) == expected
