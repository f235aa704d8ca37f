"""A name that is no tenant's: which tenants it may mean."""

import pytest

from ses_tenant.core.tenant.similar import meant, meant_hint

DOMAINS = ("blog.example.org", "shop.example.com", "shop.example.org", "workshop.example.com")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blog", ("blog.example.org",)),
        ("shop", ("shop.example.com", "shop.example.org")),
        ("SHOP.example.com.", ("shop.example.com",)),
        ("works", ("workshop.example.com",)),
        ("shop.exmaple.com", ("shop.example.com",)),
        ("example", DOMAINS[:3]),
        ("nope.test", ()),
        ("", ()),
        (".", ()),
    ],
)
def test_a_part_of_a_name_or_a_typo_is_recognised(text: str, expected: tuple[str, ...]) -> None:
    found = meant(text, DOMAINS)
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blog", "Did you mean blog.example.org?"),
        ("shop", "Did you mean shop.example.com or shop.example.org?"),
        ("example", "Did you mean blog.example.org, shop.example.com or shop.example.org?"),
        ("nope.test", "To see all tenants: ses-tenant list"),
    ],
)
def test_the_hint_offers_tenants_and_never_the_typo(text: str, expected: str) -> None:
    assert meant_hint(text, DOMAINS) == expected


def test_an_account_without_tenants_has_nothing_to_offer() -> None:
    assert meant_hint("shop", ()) == (
        "There is no tenant yet. To make one: ses-tenant create DOMAIN"
    )
