"""Service control policies limit who may send; what is not known of them never hides anything."""

from typing import Any

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Answer
from ses_tenant.core.proof.members import Member, members
from ses_tenant.core.proof.organization import service_control_policies, within
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import ways_to_send
from ses_tenant.core.proof.witness import find_witness

ACCOUNT = "123456789012"
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SHOP = Target("shop.example.com", False, ("eu-central-1",), ACCOUNT, "aws", "somebody")


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role(path: str = "/") -> Member:
    entry = {
        "RoleName": "app",
        "Arn": f"arn:aws:iam::{ACCOUNT}:role{path}app",
        "Path": path,
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy(ALL)}],
    }
    (member,) = members([{"RoleDetailList": [entry]}])
    return member


def answer(member: Member, *documents: object) -> Answer | None:
    limits = service_control_policies((f"{n}.json", each) for n, each in enumerate(documents))
    ((limited),) = within([member], limits)
    witness = find_witness(limited.principal, ways_to_send(limited.principal), SHOP)
    return None if witness is None else witness.verdict.answer


DENY_MAIL = {"Effect": "Deny", "Action": "ses:Send*", "Resource": "*"}
ELSEWHERE = {
    **DENY_MAIL,
    "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}},
}
OTHERS = {
    **DENY_MAIL,
    "Condition": {"StringNotLike": {"ses:FromAddress": "*@other.example"}},
}


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], Answer.ALLOWED),
        ([policy(ALL)], Answer.ALLOWED),
        ([policy(ALL, DENY_MAIL)], None),
        ([policy(DENY_MAIL)], None),
        ([policy(ALL), policy(DENY_MAIL)], None),
        ([[policy(ALL), policy(DENY_MAIL)]], None),
        ([policy({**ALL, "Action": "s3:*"})], None),
        ([policy({**ALL, "Action": "s3:*"}), policy(ALL)], Answer.ALLOWED),
        ([policy({**DENY_MAIL, "Action": "s3:*"})], Answer.ALLOWED),
        ([policy(OTHERS)], None),
        ([policy(ELSEWHERE)], Answer.CONDITIONAL),
    ],
)
def test_limits(documents: list[object], expected: Answer | None) -> None:
    assert answer(role(), *documents) == expected


def test_a_role_of_aws_itself_is_not_limited() -> None:
    assert answer(role("/aws-service-role/x.amazonaws.com/"), policy(DENY_MAIL)) is Answer.ALLOWED


@pytest.mark.parametrize("document", [{}, [7], "x", {"Policy": {}}])
def test_what_is_no_policy(document: object) -> None:
    with pytest.raises(SesTenantError, match=r"scp\.json holds no service control") as caught:
        service_control_policies([("scp.json", document)])
    assert caught.value.code is ErrorCode.USAGE
