"""The ways to send that are read off policies, in their corners."""

from typing import Any

import pytest

from ses_tenant.core.iam.authorization import Answer, Policies, Policy
from ses_tenant.core.proof.addresses import TooComplex
from ses_tenant.core.proof.breaches import Targets, breaches
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import Principal, ways_to_send
from ses_tenant.core.proof.witness import Witness, find_witness

ACCOUNT = "123456789012"
SHOP = Target("shop.example.com", False, ("eu-central-1",), ACCOUNT, "aws", "somebody")
BELOW = Target("shop.example.com", True, ("eu-central-1",), ACCOUNT, "aws", "somebody")
IP = {"aws:SourceIp": "192.0.2.0/24"}


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"Effect": effect, "Action": "ses:SendRawEmail"}
    if not {"Resource", "NotResource"} & elements.keys():
        base["Resource"] = "*"
    return base | elements


def allow(operator: str, key: str, *values: str) -> dict[str, Any]:
    return statement(Condition={operator: {key: list(values)}})


def deny(operator: str, key: str, *values: str) -> dict[str, Any]:
    return statement("Deny", Condition={operator: {key: list(values)}})


def principal(*statements: dict[str, Any], **options: Any) -> Principal:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    arn = f"arn:aws:iam::{ACCOUNT}:user/x"
    return Principal(arn, Policies((Policy("p", document),)), {}, **options)


def witness(*statements: dict[str, Any], target: Target = SHOP) -> Witness | None:
    who = principal(*statements)
    return find_witness(who, ways_to_send(who), target)


def answer(*statements: dict[str, Any]) -> Answer | None:
    found = witness(*statements)
    return None if found is None else found.verdict.answer


ALL = statement()
OWN = "*@shop.example.com"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([ALL], Answer.ALLOWED),
        ([statement(NotResource="*")], None),
        ([ALL, statement("Deny", NotResource="*")], Answer.ALLOWED),
        ([ALL, statement("Deny")], None),
        # nobody knows, but it cannot both be and not be
        ([allow("IpAddress", *IP, "192.0.2.0/24"), deny("IpAddress", *IP, "192.0.2.0/24")], None),
        (
            [allow("NotIpAddress", *IP, "192.0.2.0/24"), deny("NotIpAddress", *IP, "192.0.2.0/24")],
            None,
        ),
        (
            [allow("IpAddress", *IP, "192.0.2.0/24"), deny("NotIpAddress", *IP, "192.0.2.0/24")],
            Answer.CONDITIONAL,
        ),
        # these two can hold both, where the key is absent or has several values
        (
            [
                allow("StringEqualsIfExists", "aws:SourceVpc", "a"),
                deny("StringEquals", "aws:SourceVpc", "a"),
            ],
            Answer.CONDITIONAL,
        ),
        (
            [
                statement(
                    Condition={
                        "ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "a"},
                        "ForAnyValue:StringNotEquals": {"aws:PrincipalOrgPaths": "a"},
                    }
                )
            ],
            Answer.CONDITIONAL,
        ),
        ([allow("StringLike", "ses:FromAddress", "*@*")], Answer.ALLOWED),
        ([allow("StringNotLike", "ses:FromAddress", "*@*")], None),
        ([ALL, deny("StringLike", "ses:FromAddress", "*")], None),
        ([allow("Null", "ses:FromAddress", "false")], Answer.ALLOWED),
        ([allow("Null", "ses:FromAddress", "true")], None),
        ([allow("NumericEquals", "ses:FromAddress", "7")], None),
        (
            [allow("StringEqualsIgnoreCase", "ses:FromAddress", "A@SHOP.example.com")],
            Answer.ALLOWED,
        ),
        (
            [
                statement(
                    Condition={
                        "StringLike": {"ses:FeedbackAddress": "a@b"},
                        "StringNotLike": {"ses:FeedbackAddress": "a@*"},
                    }
                )
            ],
            None,
        ),
        ([allow("StringLike", "ses:FeedbackAddress", "x@y.org")], Answer.ALLOWED),
        ([allow("StringLikeIfExists", "ses:FeedbackAddress", "x@y.org")], Answer.ALLOWED),
        ([allow("StringEquals", "ses:ApiVersion", "1")], Answer.ALLOWED),
        ([allow("StringEquals", "ses:ApiVersion", "3")], None),
        ([allow("ForAllValues:StringLike", "ses:Recipients", "*@y.org")], Answer.ALLOWED),
        ([allow("ForAllValues:StringLike", "ses:Recipients", "")], None),
        (
            [
                statement(
                    Condition={
                        "ForAnyValue:StringLike": {"ses:Recipients": "*@y.org"},
                        "ForAllValues:StringNotLike": {"ses:Recipients": "a*"},
                    }
                )
            ],
            Answer.ALLOWED,
        ),
        (
            [
                statement(
                    Condition={
                        "ForAnyValue:StringLike": {"ses:Recipients": "a*"},
                        "ForAllValues:StringNotLike": {"ses:Recipients": "a*"},
                    }
                )
            ],
            None,
        ),
        (
            [
                ALL,
                deny("ForAnyValue:StringLike", "ses:Recipients", "a*"),
                deny("ForAllValues:StringLike", "ses:Recipients", "e*"),
            ],
            Answer.ALLOWED,
        ),
        ([allow("StringLike", "ses:Recipients", "a*")], Answer.CONDITIONAL),
        ([allow("StringEquals", "aws:ResourceAccount", ACCOUNT)], Answer.ALLOWED),
        ([allow("StringEquals", "aws:ResourceAccount", "999999999999")], None),
        ([allow("StringEquals", "aws:ResourceTag/site", "x")], Answer.CONDITIONAL),
        ([allow("StringEquals", "aws:SecureTransport", "true")], Answer.ALLOWED),
        ([allow("StringNotLike", "ses:FromAddress", "${aws:username}@*")], None),
    ],
)
def test_ways(statements: list[dict[str, Any]], expected: Answer | None) -> None:
    assert answer(*statements) == expected


@pytest.mark.parametrize(
    "intricate",
    [
        allow("StringEquals", "ses:FromAddress", "${ses:FeedbackAddress}"),
        allow("StringLike", "ses:FeedbackAddress", "*@${aws:RequestedRegion}.example.com"),
        allow("NumericEquals", "ses:FromDisplayName", "7"),
    ],
)
def test_a_part_of_the_mail_that_hangs_on_another_is_too_intricate(
    intricate: dict[str, Any],
) -> None:
    with pytest.raises(TooComplex):
        ways_to_send(principal(intricate))


@pytest.mark.parametrize("variable", ["${aws:RequestedRegion}", "${ aws:requestedregion, 'x'}"])
def test_a_from_address_may_hang_on_the_region(variable: str) -> None:
    sends = allow("StringLike", "ses:FromAddress", f"*@{variable}.example.com")
    here, there = (
        Target(f"{name}.example.com", False, ("eu-central-1",), ACCOUNT, "aws", name)
        for name in ("eu-central-1", "us-east-1")
    )
    found = {
        target.domain: (each.region, each.verdict.answer)
        for target in (here, there, SHOP)
        if (each := witness(sends, target=target)) is not None
    }
    assert found == {
        "eu-central-1.example.com": ("eu-central-1", Answer.ALLOWED),
        "us-east-1.example.com": ("us-east-1", Answer.CONDITIONAL),  # if it is verified there
    }
    who = principal(sends)
    all_at_once = breaches([(who, ways_to_send(who))], Targets([here, there, SHOP]))
    assert {breach.target.domain for breach in all_at_once} == set(found)


def test_a_from_address_may_hang_on_the_account_and_on_a_tag_besides() -> None:
    of_account = allow("StringLike", "ses:FromAddress", "*@shop-${aws:ResourceAccount}.org")
    shop = Target(f"shop-{ACCOUNT}.org", False, ("eu-central-1",), ACCOUNT, "aws", "somebody")
    found = witness(of_account, target=shop)
    assert found is not None
    assert found.verdict.answer is Answer.ALLOWED
    assert witness(of_account) is None
    unlike = deny("StringNotLike", "ses:FromAddress", "*@${aws:RequestedRegion}.example.com")
    assert witness(ALL, unlike) is None
    tagged = allow(
        "StringLike", "ses:FromAddress", "*@${aws:PrincipalTag/x}.${aws:RequestedRegion}.org"
    )
    somebody = principal(tagged, unknown=frozenset({"aws:principaltag/*", "aws:requestedregion"}))
    perhaps = find_witness(somebody, ways_to_send(somebody), SHOP)
    assert perhaps is not None
    assert perhaps.verdict.answer is Answer.CONDITIONAL


@pytest.mark.parametrize(
    ("patterns", "address"),
    [
        (["*@other.org*"], '"a@other.org"@shop.example.com'),
        (['"info@*"@shop.*'], '"info@"@shop.example.com'),
        (["*@other.org*", "a*"], "a@shop.example.com"),
        (["info@other.org*"], None),
        (["*@other.org"], None),
        (["*@shop.example.com@*"], '"a@shop.example.com@"@shop.example.com'),
    ],
)
def test_a_second_at_in_quotes_is_a_condition(patterns: list[str], address: str | None) -> None:
    found = witness(allow("StringLike", "ses:FromAddress", *patterns))
    assert (found and found.address) == address
    if found is not None:
        doubtful = address != "a@shop.example.com"
        assert (found.verdict.answer is Answer.CONDITIONAL) is doubtful
        assert ("SES takes an address with a second @, in quotes" in found.verdict.conditions) is (
            doubtful
        )


def test_a_second_at_in_quotes_counts_in_an_identity_as_well() -> None:
    arn = f"arn:aws:ses:*:{ACCOUNT}:identity/*@other.org*"
    found = witness(statement(Resource=arn))
    assert found is not None
    assert found.address == '"a@other.org"@shop.example.com'
    assert found.verdict.answer is Answer.CONDITIONAL


def test_too_many_combinations_are_too_intricate_and_count_for_every_domain() -> None:
    denials = [
        statement(
            "Deny",
            Condition={
                "StringLike": {"ses:FromAddress": f"{n}@*"},
                "StringEquals": {"aws:SourceVpc": f"vpc-{n}"},
            },
        )
        for n in range(12)
    ]
    who = principal(ALL, *denials)
    with pytest.raises(TooComplex):
        ways_to_send(who)
    found = list(breaches([(who, None)], Targets([SHOP])))
    assert [(b.target, b.witness) for b in found] == [(SHOP, None)]
    mine = Target(SHOP.domain, False, SHOP.regions, ACCOUNT, "aws", who.arn)
    assert list(breaches([(who, None)], Targets([mine]))) == []


IDENTITY = f"arn:aws:ses:eu-central-1:{ACCOUNT}:identity/"


@pytest.mark.parametrize(
    ("resource", "target", "identity"),
    [
        ("shop.example.com", SHOP, "shop.example.com"),
        ("example.com", SHOP, "example.com"),
        ("info@shop.example.com", SHOP, "info@shop.example.com"),
        ("*@SHOP.example.com", SHOP, "a@SHOP.example.com"),
        ("*@shop.example.com", SHOP, "a@shop.example.com"),
        ("www.shop.example.com", SHOP, None),
        ("www.shop.example.com", BELOW, "www.shop.example.com"),
        ("a.www.shop.example.com", BELOW, "a.www.shop.example.com"),
        ("?.shop.example.com", BELOW, "a.shop.example.com"),
        ("com", SHOP, None),
        ("other.org", BELOW, None),
    ],
)
def test_identities(resource: str, target: Target, identity: str | None) -> None:
    found = witness(statement(Resource=IDENTITY + resource), target=target)
    assert (found and found.resource) == (identity and IDENTITY + identity)
    if found is not None and identity != target.domain:
        assert found.verdict.answer is Answer.CONDITIONAL
        assert found.verdict.conditions[-1] in found.verdict.reason


def test_a_deny_of_the_domains_identity_leaves_the_addresses_own() -> None:
    for denied, identity in (
        ("shop.example.com", "example.com"),
        ("*example.com", "a@SHOP.EXAMPLE.COM"),
    ):
        found = witness(ALL, statement("Deny", Resource=IDENTITY + denied))
        assert found is not None
        assert found.verdict.answer is Answer.CONDITIONAL
        if found.region == "eu-central-1":
            assert found.resource == IDENTITY + identity


def test_an_intermediate_identity_takes_mail_from_below_it_only() -> None:
    named = statement(
        Resource=f"{IDENTITY}www.shop.example.com",
        Condition={"StringLike": {"ses:FromAddress": "*@*.www.shop.example.com"}},
    )
    found = witness(named, target=BELOW)
    assert found is not None
    assert found.address == "a@a.www.shop.example.com"
    other = statement(
        Resource=f"{IDENTITY}www.shop.example.com",
        Condition={"StringLike": {"ses:FromAddress": "*@mail.shop.example.com"}},
    )
    assert witness(other, target=BELOW) is None


def test_identities_by_a_variable() -> None:
    variable = statement(Resource=IDENTITY + "${aws:SourceVpc}")
    assert answer(variable) is Answer.CONDITIONAL
    assert answer(statement(NotResource=IDENTITY + "${aws:SourceVpc}")) is Answer.CONDITIONAL
    denied = statement("Deny", Resource=[IDENTITY + "${aws:SourceVpc}", f"{IDENTITY}shop*"])
    assert answer(ALL, denied) is Answer.CONDITIONAL


def test_a_certain_way_is_told_before_one_in_doubt() -> None:
    doubtful = allow("IpAddress", *IP, "192.0.2.0/24")
    assert answer(doubtful, {**ALL, "Action": "ses:SendEmail"}) is Answer.ALLOWED
    assert answer(doubtful) is Answer.CONDITIONAL


def test_what_is_undecided_in_one_place_is_undecided_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ses_tenant.core.proof import addresses

    monkeypatch.setattr(addresses, "_MAX_STATES", 3)
    who = principal(ALL, deny("StringLike", "ses:FromAddress", "*s*", "*S*", "x*"))
    ways = ways_to_send(who)
    with pytest.raises(TooComplex):
        find_witness(who, ways, SHOP)
    other = Target("shop.example.net", False, SHOP.regions, ACCOUNT, "aws", "somebody")
    found = list(breaches([(who, ways)], Targets([SHOP, other])))
    assert [b.witness for b in found] == [None, None]


@pytest.mark.parametrize(
    "extra",
    [
        statement("Deny", Resource="arn:aws:ses:us-east-1:*:*"),
        statement("Deny", Resource="arn:aws:ses:*:*:identity/other.org"),
        statement(Resource="arn:aws:ses:us-east-1:*:identity/*"),
        statement("Deny", Resource="arn:aws:ses:*:*:identity/*.org"),
    ],
)
def test_domains_that_make_no_difference_go_as_one(extra: dict[str, Any]) -> None:
    names = ("shop.example.com", "a.example.net", "b.example.net")
    targets = [Target(n, False, ("eu-central-1",), ACCOUNT, "aws", n) for n in names]
    who = principal(ALL, extra)
    found = list(breaches([(who, ways_to_send(who))], Targets(targets)))
    assert {b.target.domain for b in found} == set(names)
    for breach in found:
        alone = find_witness(who, ways_to_send(who), breach.target)
        assert breach.witness is not None
        assert alone is not None
        assert breach.witness.verdict.answer is alone.verdict.answer
        assert breach.witness.resource.endswith(f"/{breach.target.domain}")


@pytest.mark.parametrize(
    ("resource", "denied", "found_by"),
    [
        # what is left when the identities of the domain and of its parents are out
        ("${aws:SourceVpc}", ["shop.example.com", "example.com"], "a@shop.example.com"),
        ("*", ["shop.example.com", "example.com", "${aws:SourceVpc}"], "a@shop.example.com"),
        ("*", ["shop.example.com", "example.com", "a@*"], "i@shop.example.com"),
        ("shop*", ["shop.example.com"], None),
    ],
)
def test_what_denies_leave(resource: str, denied: list[str], found_by: str | None) -> None:
    everywhere = f"arn:aws:ses:*:{ACCOUNT}:identity/"
    found = witness(
        statement(Resource=everywhere + resource),
        statement("Deny", Resource=[everywhere + name for name in denied]),
    )
    identity = None if found is None else found.resource.partition("identity/")[2]
    if found_by is None:
        assert identity is not None
        assert identity.startswith("shop")
    else:
        assert identity == found_by


def test_a_short_arn_is_the_least_that_an_allow_may_and_a_deny_must_cover() -> None:
    short = f"arn:aws:ses:eu-central-1:{ACCOUNT}"
    assert answer(statement(Resource=short)) is Answer.CONDITIONAL
    assert answer(ALL, statement("Deny", Resource=short)) is Answer.CONDITIONAL
    no_domain = statement("Deny", Resource=[f"arn:aws:ses:*:*:identity/{n}" for n in ("s*", "e*")])
    assert answer(statement(Resource=short), no_domain) is Answer.CONDITIONAL
    whole = statement("Deny", Resource="arn:aws:ses:*")
    assert answer(statement(Resource=short), whole) is None


def test_a_statement_about_nothing_and_recipients_that_cannot_be() -> None:
    impossible = {"ForAllValues:StringLike": {"ses:Recipients": "a"}}
    other = {"ForAllValues:StringNotLike": {"ses:Recipients": "a"}}
    assert answer(statement(Condition={**impossible, **other})) is None


VERIFY = "ses:SendCustomVerificationEmail"
TEMPLATES = "arn:aws:ses:*:*:custom-verification-email-template"
OF_SHOP = {"StringLike": {"ses:FromAddress": [OWN]}}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, f"identity/{SHOP.domain}"),
        ({"Resource": f"{TEMPLATES}/*"}, "custom-verification-email-template/a"),
        ({"Resource": f"{TEMPLATES}/hi-?*"}, "custom-verification-email-template/hi-xx"),
        ({"Resource": "arn:aws:ses:*:*:identity/shop.example.com"}, f"identity/{SHOP.domain}"),
        ({"Resource": "arn:aws:ses:*:*:identity/example.com"}, "identity/example.com"),
        ({"Resource": "arn:aws:ses:*:*:identity/other.org"}, None),
        # Whether policies see the From address of the template is not known.
        ({"Condition": OF_SHOP}, f"identity/{SHOP.domain}"),
        ({"Condition": {"Null": {"ses:FromAddress": "true"}}}, f"identity/{SHOP.domain}"),
        ({"Condition": {"StringLike": {"ses:FromAddress": ["*@other.org"]}}}, None),
        (
            {"Condition": {"StringLikeIfExists": {"ses:FromAddress": ["*@other.org"]}}},
            f"identity/{SHOP.domain}",
        ),
    ],
)
def test_a_mail_that_asks_for_a_verification_is_from_whom_its_template_says(
    elements: dict[str, Any], expected: str | None
) -> None:
    who = principal(statement(Action=VERIFY, **elements))
    found = list(breaches([(who, ways_to_send(who))], Targets([SHOP])))
    assert [b.witness.resource.split(":", 5)[5] for b in found if b.witness] == (
        [expected] if expected else []
    )
    for breach in found:
        assert breach.witness is not None
        assert breach.witness.verdict.answer is Answer.CONDITIONAL
        assert breach.witness.verdict.conditions == (
            *("a template of verification mails has such a From address",),
            *(("SES checks the identity of a parent domain",) * ("/example.com" in str(expected))),
        )


def test_a_template_is_shown_for_every_domain_alike() -> None:
    who = principal(statement(Action=VERIFY, Resource=f"{TEMPLATES}/hi"))
    others = [
        Target(f"{n}.example", False, ("eu-central-1",), ACCOUNT, "aws", str(n)) for n in range(3)
    ]
    found = list(breaches([(who, ways_to_send(who))], Targets(others)))
    assert len(found) == 3
    assert {b.witness.resource.split(":", 5)[5] for b in found if b.witness} == {
        "custom-verification-email-template/hi"
    }


def test_a_tenants_own_policy_lets_it_ask_for_no_verification() -> None:
    own = [allow("StringLike", "ses:FromAddress", OWN)]
    only = statement(
        "Deny",
        Action="*",
        Condition={"StringNotLike": {"ses:FromAddress": [OWN]}},
    )
    assert {way.action for way in ways_to_send(principal(*own, only))} == {"ses:SendRawEmail"}
