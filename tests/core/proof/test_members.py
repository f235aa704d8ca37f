"""What an answer of GetAccountAuthorizationDetails becomes, damaged ones included."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.proof.delegation import Coverage
from ses_tenant.core.proof.members import members
from ses_tenant.core.proof.places import Target

ACCOUNT = "123456789012"
POLICY: dict[str, Any] = {"Statement": []}


def user(document: object = None, **entry: Any) -> dict[str, Any]:
    base = {
        "UserName": "ses-shop.example.com",
        "Arn": f"arn:aws:iam::{ACCOUNT}:user/ses-tenant/shop.example.com/ses-shop.example.com",
        "Path": "/ses-tenant/shop.example.com/",
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": document or POLICY}],
        "Tags": [{"Key": "ses-tenant:domain", "Value": "shop.example.com"}],
    }
    return {"UserDetailList": [base | entry]}


@pytest.mark.parametrize("document", [POLICY, json.dumps(POLICY), quote(json.dumps(POLICY))])
def test_a_policy_is_read_however_it_is_written(document: object) -> None:
    (member,) = members([user(document)])
    (policy,) = member.principal.policies.identity
    assert policy.document == POLICY


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (user("{"), "a PolicyDocument is no JSON"),
        (user("7"), "a PolicyDocument is no JSON object"),
        (user(Arn="x"), "'x' is no ARN"),
        (user(UserName=None), "an entry has no UserName"),
    ],
)
def test_what_is_no_answer(answer: dict[str, Any], told: str) -> None:
    with pytest.raises(SesTenantError, match=told) as caught:
        members([answer])
    assert caught.value.code is ErrorCode.USAGE


def test_a_tenant_whose_options_nobody_can_read_has_the_most_to_protect() -> None:
    tags = [*user()["UserDetailList"][0]["Tags"], {"Key": "ses-tenant:sending", "Value": "?"}]
    (member,) = members([user(Tags=tags)])
    assert [(t.domain, t.subdomains) for t in member.targets()] == [("shop.example.com", True)]
    (usual,) = members([user()])
    assert [(t.domain, t.subdomains) for t in usual.targets()] == [("shop.example.com", False)]


@pytest.mark.parametrize(
    ("identity", "covered"),
    [
        ("shop.example.com", ["shop.example.com"]),
        ("SHOP.example.com", ["shop.example.com"]),
        ("info@shop.example.com", ["shop.example.com"]),
        ("example.com", ["shop.example.com"]),
        ("info@example.com", []),
        ("www.shop.example.com", []),
        ("a.b.example.net", ["example.net"]),
        ("info@b.example.net", ["example.net"]),
        ("net", ["example.net"]),
        ("evilshop.example.com", []),
    ],
)
def test_which_targets_an_identity_covers(identity: str, covered: list[str]) -> None:
    targets = [
        Target("shop.example.com", False, (), ACCOUNT, "aws", "a"),
        Target("example.net", True, (), ACCOUNT, "aws", "b"),
    ]
    assert [target.domain for target in Coverage(targets).of(identity)] == covered
