"""Every operator of conditions, by how many values the key has and by how it is quantified.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from itertools import product

import pytest

from ses_tenant.core.iam.conditions import Context, holds, parse_condition

ONE_VALUE, SEVERAL = "aws:principaltag/x", "aws:tagkeys"
ARN = "arn:aws:iam::123456789012:user/alice"
# operator: what it wants, two values that are so, and one that is not
POSITIVE = {
    "StringEquals": ("a", "a", "a", "A"),
    "StringEqualsIgnoreCase": ("aB", "Ab", "AB", "b"),
    "StringLike": ("a*c?", "abcd", "ac*", "ac"),
    "NumericEquals": ("10", "10.0", "+10", "11"),
    "NumericLessThan": ("10", "9", "-1", "10"),
    "NumericLessThanEquals": ("10", "10", "9.99", "10.01"),
    "NumericGreaterThan": ("10", "11", "10.5", "10"),
    "NumericGreaterThanEquals": ("10", "10", "11", "9"),
    "DateEquals": ("2026-01-01T00:00:00Z", "2026-01-01", "1767225600", "2026-01-02"),
    "DateLessThan": ("2026-01-01", "2025-12-31T23:59:59Z", "2025", "2026-01-01T00:00:00Z"),
    "DateLessThanEquals": ("2026-01", "2026-01-01T01:00:00+01:00", "2025-01", "2026-02"),
    "DateGreaterThan": ("2026-01-01", "2026-01-02", "2027", "2026"),
    "DateGreaterThanEquals": ("2026", "2026-01-01", "2026-02", "2025-12-31"),
    "Bool": ("true", "true", "TRUE", "false"),
    "BinaryEquals": ("QmluYXJ5", "QmluYXJ5", "QmluYXJ5", "qmluYXJ5"),
    "IpAddress": ("203.0.113.0/24", "203.0.113.7", "203.0.113.0/25", "203.0.114.1"),
    "ArnEquals": ("arn:aws:iam::*:user/a*", ARN, ARN.replace("alice", "a:b"), f"{ARN}:x"[1:]),
    "ArnLike": (ARN, ARN, ARN, ARN.replace("1234", "4321")),
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotLike": "ArnLike",
}
# quantifier and suffix, which of the values the key has (y: as wanted, n: not), what holds then
# of an operator, and of its negation
TABLE = [
    ("", "", None, False, True),
    ("", "", "y", True, False),
    ("", "", "n", False, True),
    ("", "IfExists", None, True, True),
    ("", "IfExists", "y", True, False),
    ("", "IfExists", "n", False, True),
    ("ForAllValues:", "", None, True, True),
    ("ForAllValues:", "", "y", True, False),
    ("ForAllValues:", "", "n", False, True),
    ("ForAllValues:", "", "yy", True, False),
    ("ForAllValues:", "", "yn", False, False),
    ("ForAllValues:", "", "nn", False, True),
    ("ForAllValues:", "IfExists", None, True, True),
    ("ForAllValues:", "IfExists", "yn", False, False),
    ("ForAnyValue:", "", None, False, False),
    ("ForAnyValue:", "", "y", True, False),
    ("ForAnyValue:", "", "n", False, True),
    ("ForAnyValue:", "", "yy", True, False),
    ("ForAnyValue:", "", "yn", True, True),
    ("ForAnyValue:", "", "nn", False, True),
    ("ForAnyValue:", "IfExists", None, False, False),
    ("ForAnyValue:", "IfExists", "yn", True, True),
]


def answer(operator: str, key: str, wanted: str, values: tuple[str, ...] | None) -> bool | None:
    condition = parse_condition(operator, key, [wanted], variables=True)
    return holds(condition, Context({} if values is None else {key: values}))


def sample(positive: str, pattern: str | None) -> tuple[str, ...] | None:
    _, first, second, other = POSITIVE[positive]
    wanted = iter((first, second))
    return None if pattern is None else tuple(next(wanted) if c == "y" else other for c in pattern)


@pytest.mark.parametrize("operator", [*POSITIVE, *NEGATED])
def test_an_operator(operator: str) -> None:
    positive = NEGATED.get(operator, operator)
    wanted = POSITIVE[positive][0]
    for quantifier, suffix, pattern, plain, negation in TABLE:
        if operator == "ArnEquals" and "n" in (pattern or ""):
            # What is no ARN fulfils neither operator; the table is about ARNs.
            continue
        key = SEVERAL if quantifier else ONE_VALUE
        name = f"{quantifier}{operator}{suffix}"
        found = answer(name, key, wanted, sample(positive, pattern))
        assert found is (negation if operator in NEGATED else plain), (name, pattern)


@pytest.mark.parametrize("operator", [*POSITIVE, *NEGATED])
def test_a_plain_operator_on_a_key_of_several_values_is_not_known(operator: str) -> None:
    positive = NEGATED.get(operator, operator)
    wanted = POSITIVE[positive][0]
    for suffix, pattern in product(("", "IfExists"), ("y", "n", "yy", "yn")):
        found = answer(f"{operator}{suffix}", SEVERAL, wanted, sample(positive, pattern))
        assert found is None, (suffix, pattern)


@pytest.mark.parametrize(
    ("wanted", "values", "holding"),
    [
        ("true", None, True),
        ("false", None, False),
        ("true", ("a",), False),
        ("false", ("a",), True),
        ("false", ("a", "b"), True),
        ("TRUE", None, True),
    ],
)
@pytest.mark.parametrize("quantifier", ["", "ForAllValues:", "ForAnyValue:"])
def test_null(quantifier: str, wanted: str, values: tuple[str, ...] | None, holding: bool) -> None:
    assert answer(f"{quantifier}Null", SEVERAL, wanted, values) is holding


@pytest.mark.parametrize(
    ("operator", "wanted", "value"),
    [
        ("ArnEquals", "arn:aws:iam::*:user/a", "x"),
        ("ArnNotEquals", "arn:aws:iam::*:user/a", "x"),
        ("ArnNotLike", "x", ARN),
        ("NumericEquals", "ten", "10"),
        ("NumericNotEquals", "10", "ten"),
        ("DateNotEquals", "2026-01-01", "soon"),
        ("DateNotEquals", "2026-13", "2026-01-01"),
        ("DateLessThan", "99999999999999999999", "2026-01-01"),
        ("NotIpAddress", "203.0.113.0/24", "here"),
        ("NotIpAddress", "203.0.113.0/33", "203.0.113.1"),
        ("IpAddress", "0.0.0.0/0", "::1"),
        ("IpAddress", "::/0", "203.0.113.1"),
        ("Bool", "true", "yes"),
        ("Bool", "yes", "yes"),
    ],
)
def test_what_is_not_of_the_operators_kind_never_fulfils_it(
    operator: str, wanted: str, value: str
) -> None:
    assert answer(operator, ONE_VALUE, wanted, (value,)) is False


def test_ip_addresses_of_the_newer_kind() -> None:
    assert answer("IpAddress", ONE_VALUE, "2001:db8::/32", ("2001:db8::7",)) is True
    assert answer("IpAddress", ONE_VALUE, "2001:db8::/32", ("2001:db9::7",)) is False


def test_of_several_wanted_values_one_is_enough_and_of_a_negation_all_count() -> None:
    for operator, fulfilled in (("StringEquals", True), ("StringNotEquals", False)):
        condition = parse_condition(operator, ONE_VALUE, ["a", "b"], variables=True)
        assert holds(condition, Context({ONE_VALUE: ("b",)})) is fulfilled


def test_an_operator_that_iam_does_not_have_is_not_known() -> None:
    assert answer("StringMatches", ONE_VALUE, "a", ("a",)) is None
    assert answer("StringMatches", ONE_VALUE, "a", None) is None


def test_a_condition_is_told_as_it_is_written() -> None:
    condition = parse_condition(
        "forallvalues:stringlikeifexists", "SES:Recipients", ["a", "b"], variables=True
    )
    assert str(condition) == "ForAllValues:StringLikeIfExists ses:recipients a or b"
    assert str(parse_condition("Bool", "aws:X", ["true"], variables=True)) == "Bool aws:x true"
    assert str(parse_condition("Odd", "k", ["v"], variables=True)) == "odd k v"


@pytest.mark.parametrize(
    ("key", "unknown", "is_unknown"),
    [
        ("aws:principaltag/site", {"aws:principaltag/*"}, True),
        ("aws:principaltag/site", {"aws:principaltag/site"}, True),
        ("aws:principaltag/site", {"aws:resourcetag/*"}, False),
        ("aws:userid", {"aws:userid"}, True),
        ("saml:sub", {"federation:*"}, True),
        ("accounts.google.com:sub", {"federation:*"}, True),
        ("oidc.eks.eu-west-1.amazonaws.com/id/abc:sub", {"federation:*"}, True),
        ("aws:principaltag/a.b:c", {"federation:*"}, False),
        ("ses:fromaddress", {"federation:*"}, False),
    ],
)
def test_families_of_keys(key: str, unknown: set[str], is_unknown: bool) -> None:
    assert Context({}, frozenset(unknown)).is_unknown(key) is is_unknown
    assert Context({key: ("v",)}, frozenset(unknown)).is_unknown(key) is False
