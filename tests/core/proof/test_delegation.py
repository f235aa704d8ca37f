"""Whom the policies of an email identity let send as which tenant."""

from collections.abc import Mapping
from typing import Any

import pytest

from ses_tenant.core.iam.authorization import Answer, Policies, Policy
from ses_tenant.core.proof.delegation import (
    Coverage,
    Delegation,
    IdentityPolicies,
    delegations,
)
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import Principal

ACCOUNT, OTHER = "123456789012", "999999999999"
REGION = "eu-central-1"
HEAD = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity"
OWNER = f"arn:aws:iam::{ACCOUNT}:user/ses-tenant/shop.example.com/ses-shop.example.com"
SHOP = Target("shop.example.com", False, (REGION,), ACCOUNT, "aws", OWNER)
BELOW = Target("shop.example.com", True, (REGION,), ACCOUNT, "aws", OWNER)
BLOG = Target("blog.example.org", False, (REGION,), ACCOUNT, "aws", "somebody else")
PARTNER = f"arn:aws:iam::{OTHER}:root"


def statement(who: object = PARTNER, name: str = "*", **elements: Any) -> dict[str, Any]:
    principal = who if who == "*" else {"AWS": who}
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "ses:SendRawEmail",
        "Resource": f"{HEAD}/{name}",
        **elements,
    }


def identity(name: str, *statements: dict[str, Any]) -> IdentityPolicies:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return IdentityPolicies(name, REGION, (Policy(f"partner of {name}", document),))


def found(
    given: IdentityPolicies,
    *targets: Target,
    principals: Mapping[str, Principal] | None = None,
) -> list[Delegation]:
    return list(delegations(given, Coverage(targets or (SHOP,)), principals or {}))


def told(given: list[Delegation]) -> list[tuple[str, str, str, Answer]]:
    """Return of each whom, which domain, from which address, and how sure it is."""
    return [
        (each.principal, each.target.domain, each.witness.address, each.witness.verdict.answer)
        for each in given
        if each.witness is not None
    ]


@pytest.mark.parametrize(
    ("name", "target", "covered"),
    [
        ("shop.example.com", SHOP, True),
        ("example.com", SHOP, True),
        ("com", SHOP, True),
        ("SHOP.example.com", SHOP, True),
        ("hop.example.com", SHOP, False),
        ("example.org", SHOP, False),
        ("info@shop.example.com", SHOP, True),
        ("Info@SHOP.example.com", SHOP, True),
        ("info@example.com", SHOP, False),
        ("x.shop.example.com", SHOP, False),
        ("x.shop.example.com", BELOW, True),
        ("info@x.shop.example.com", BELOW, True),
        ("info@x.shop.example.com", SHOP, False),
        ("example.com", BELOW, True),
    ],
)
def test_for_whose_mail_ses_can_take_an_identity(name: str, target: Target, covered: bool) -> None:
    assert Coverage([target]).of(name) == ([target] if covered else [])


def test_a_parent_covers_every_domain_below_it() -> None:
    other = Target("other.example.com", False, (), ACCOUNT, "aws", "x")
    assert Coverage([SHOP, BLOG, other]).of("example.com") == [SHOP, other]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("shop.example.com", "a@shop.example.com"),
        ("example.com", "a@shop.example.com"),
        ("info@shop.example.com", "info@shop.example.com"),
    ],
)
def test_a_partner_may_send_by_an_identity(name: str, address: str) -> None:
    (only,) = found(identity(name, statement()))
    assert told([only]) == [(PARTNER, "shop.example.com", address, Answer.ALLOWED)]
    assert only.identity.name == name
    assert only.witness is not None
    assert (only.witness.action, only.witness.resource, only.witness.region) == (
        "ses:SendRawEmail",
        f"{HEAD}/{name}",
        REGION,
    )
    assert only.witness.verdict.statement == (
        f"the statement number 1 of the policy partner of {name}"
    )


def test_an_identity_below_the_domain_counts_for_a_tenant_with_subdomains() -> None:
    (only,) = found(identity("x.shop.example.com", statement()), BELOW)
    assert only.witness is not None
    assert only.witness.address.endswith("@x.shop.example.com")


@pytest.mark.parametrize(
    "given",
    [
        identity("example.org", statement()),
        identity("shop.example.com"),
        identity("shop.example.com", statement(Effect="Deny")),
        identity("shop.example.com", statement(Action="ses:GetEmailIdentity")),
        identity("shop.example.com", statement(Resource=f"{HEAD}/other.example.com")),
        identity("shop.example.com", statement(ACCOUNT)),
        identity("shop.example.com", statement(f"arn:aws:iam::{ACCOUNT}:root")),
        identity("shop.example.com", statement(OWNER)),
        identity(
            "shop.example.com",
            statement(Condition={"StringLike": {"ses:FromAddress": "*@example.com"}}),
        ),
        identity(
            "info@shop.example.com",
            statement(Condition={"StringLike": {"ses:FromAddress": "sales@*"}}),
        ),
        identity("shop.example.com", statement(), statement("*", Effect="Deny", Action="ses:*")),
    ],
)
def test_nobody(given: IdentityPolicies) -> None:
    assert found(given) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        {"StringEquals": {"aws:PrincipalAccount": OTHER}},
        {"StringEquals": {"aws:username": "mailer"}},
        {"StringEquals": {"aws:PrincipalTag/site": "shop"}},
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"StringEquals": {"aws:ResourceTag/site": "shop"}},
    ],
)
@pytest.mark.parametrize("who", [PARTNER, "*", f"arn:aws:iam::{OTHER}:user/mailer", OTHER])
def test_what_nobody_knows_of_others_makes_it_conditional(who: str, condition: object) -> None:
    ((principal, _, _, answer),) = told(
        found(identity("shop.example.com", statement(who, Condition=condition)))
    )
    assert (principal, answer) == (who, Answer.CONDITIONAL)


def test_of_a_user_elsewhere_the_arn_is_known() -> None:
    who = f"arn:aws:iam::{OTHER}:user/mailer"
    for pattern, expected in (("*:user/mailer", [Answer.ALLOWED]), ("*:user/x", [])):
        condition = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}{pattern[1:]}"}}
        given = identity("shop.example.com", statement(who, Condition=condition))
        assert [answer for *_, answer in told(found(given))] == expected
    role = f"arn:aws:iam::{OTHER}:role/mailer"
    condition = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/x"}}
    assert found(identity("shop.example.com", statement(role, Condition=condition))) == []
    condition = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:user/x"}}
    (root,) = told(found(identity("shop.example.com", statement(Condition=condition))))
    assert root[3] is Answer.CONDITIONAL  # one of whose people it is, is not known


def test_everybody_but_some_is_everybody() -> None:
    given = statement(NotPrincipal={"AWS": f"arn:aws:iam::{OTHER}:user/x"})
    del given["Principal"]
    ((principal, *_),) = told(found(identity("shop.example.com", given)))
    assert principal == "*"


def test_somebody_of_the_account_is_held_by_its_own_policies() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/x"
    given = identity("shop.example.com", statement(arn))
    nothing = Principal(arn, Policies(()), {"aws:principalarn": (arn,)})
    deny = Policy("d", {"Statement": {"Effect": "Deny", "Action": "ses:*", "Resource": "*"}})
    held = Principal(arn, Policies((deny,)), {"aws:principalarn": (arn,)})
    assert [a for *_, a in told(found(given, principals={arn: nothing}))] == [Answer.ALLOWED]
    assert found(given, principals={arn: held}) == []
    ((stranger, *_),) = told(found(given))  # no user or role of the account that was told
    assert stranger == arn


def test_each_partner_and_each_domain_is_one_and_a_tenants_own_is_none() -> None:
    given = identity("example.com", statement([PARTNER, OWNER]))
    other = Target("other.example.com", False, (REGION,), ACCOUNT, "aws", "x")
    assert [(who, domain) for who, domain, *_ in told(found(given, SHOP, other))] == [
        (OWNER, "other.example.com"),
        (PARTNER, "shop.example.com"),
        (PARTNER, "other.example.com"),
    ]


def test_what_is_too_intricate_is_undecided() -> None:
    condition = {"StringLike": {"ses:FromAddress": "${ses:FeedbackAddress}"}}
    (only,) = found(identity("shop.example.com", statement(Condition=condition)))
    assert (only.principal, only.witness) == (PARTNER, None)
