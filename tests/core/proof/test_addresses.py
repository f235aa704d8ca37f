"""The search for a text that fulfils all patterns: it finds one if there is any."""

import pytest

from ses_tenant.core.iam.globs import glob
from ses_tenant.core.proof import addresses
from ses_tenant.core.proof.addresses import Constraint, TooComplex, find_address, find_text


def like(
    *patterns: str, negated: bool = False, fold: bool = False, host: bool = False
) -> Constraint:
    return Constraint(tuple(map(glob, patterns)), negated=negated, fold=fold, host=host)


def unlike(*patterns: str) -> Constraint:
    return like(*patterns, negated=True)


DOMAIN = "shop.example.com"


@pytest.mark.parametrize(
    ("constraints", "address"),
    [
        ([], "a@shop.example.com"),
        ([like("info@*")], "info@shop.example.com"),
        ([like("*@other.org")], None),
        ([like("*@SHOP.*")], "a@SHOP.EXAMPLE.COM"),
        ([unlike("*@shop.example.com")], "a@Shop.example.com"),
        ([unlike("*@shop.*"), unlike("*@Shop.*")], "a@SHOP.EXAMPLE.COM"),
        ([unlike("*s*", "*S*")], None),
        ([unlike("a*")], "e@shop.example.com"),
        ([like("?@*"), unlike("a*", "e*")], "i@shop.example.com"),
        ([like("?*?@*"), unlike("a*")], "ee@shop.example.com"),
        ([like("*z*", fold=True), unlike("*z*")], "Z@shop.example.com"),
        ([like("INFO@SHOP.EXAMPLE.COM", fold=True)], "INFO@SHOP.EXAMPLE.COM"),
        ([like('"a b"@*')], '"a b"@shop.example.com'),
        ([like("a..b@*")], "a..b@shop.example.com"),
        ([like("@*")], None),
        ([like(f"{'x' * 64}@*")], f"{'x' * 64}@shop.example.com"),
        ([like(f"{'x' * 65}@*")], None),
        ([like("*@sub.shop.example.com")], None),
        ([like("shop.example.com", host=True)], "a@shop.example.com"),
        ([like("shop.example.com", host=True), unlike("a*")], "i@shop.example.com"),
        ([like("Shop.example.com", host=True)], None),
        ([like("other.org", host=True)], None),
    ],
)
def test_an_address_of_the_domain(constraints: list[Constraint], address: str | None) -> None:
    assert find_address(DOMAIN, constraints) == address


@pytest.mark.parametrize(
    ("constraints", "address"),
    [
        ([like("*@sub.shop.example.com")], "a@sub.shop.example.com"),
        ([like("*@*.shop.example.com")], "a@a.shop.example.com"),
        ([like("*@?.?.shop.example.com")], "a@a.a.shop.example.com"),
        ([like("*@-.shop.example.com")], "a@-.shop.example.com"),
        ([like("*@_.shop.example.com")], None),
        ([like("*@..shop.example.com")], None),
        ([like("??.shop.example.com", host=True)], "a@aa.shop.example.com"),
        (
            [like("??.shop.example.com", host=True), unlike("*@a*", "*@*a.*")],
            "i@ii.shop.example.com",
        ),
        ([like("*@shop.example.com"), like("*.shop.example.com", host=True)], None),
    ],
)
def test_an_address_below_the_domain(constraints: list[Constraint], address: str | None) -> None:
    assert find_address(DOMAIN, constraints, subdomains=True) == address
    if address is not None:
        assert find_address(DOMAIN, constraints) is None


@pytest.mark.parametrize(
    ("constraints", "text"),
    [
        ([], "a@example.com"),
        ([like("b*")], "ba"),
        ([like("*"), unlike("*a*")], "e"),
        ([like("a"), unlike("a")], None),
        ([like("x y")], "x y"),
        ([like("")], None),
    ],
)
def test_any_text(constraints: list[Constraint], text: str | None) -> None:
    assert find_text(constraints) == text


def test_what_is_too_intricate_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_MAX_STATES", 3)
    with pytest.raises(TooComplex):
        find_address(DOMAIN, [unlike("*s*", "*S*")])
