"""What changed code would get past the other tests: colons in names, absent variables, wording."""

from typing import Any

import pytest

from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.iam.conditions import Context, holds, parse_condition
from ses_tenant.core.iam.globs import glob, matches_arn, readable
from ses_tenant.core.iam.principals import Caller, Named, concerns, named
from ses_tenant.core.iam.ses_actions import carries

ACCOUNT = "123456789012"
LOG = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/a:stream:x"


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        (LOG, True),
        (LOG.replace("stream", "s?ream"), True),
        (f"arn:aws:logs:*:{ACCOUNT}:log-group:*:x", True),
        (f"arn:aws:logs:*:{ACCOUNT}:log-group:*:y", False),
        ("arn:aws:logs:*:*:log-group", False),
    ],
)
def test_the_last_part_of_an_arn_holds_colons(pattern: str, matching: bool) -> None:
    assert matches_arn(glob(pattern), LOG) is matching
    condition = parse_condition("ArnLike", "aws:sourcearn", [pattern], variables=True)
    assert holds(condition, Context({"aws:sourcearn": (LOG,)})) is matching


def test_a_pattern_is_shown_as_it_was_written() -> None:
    assert readable(glob("a*b?c")) == "a*b?c"


@pytest.mark.parametrize(
    ("action", "key", "carried"),
    [
        ("ses:sendrawemail", "aws:sourceip", True),
        ("ses:sendrawemail", "saml:sub", True),
        ("ses:sendrawemail", "accounts.google.com:sub", True),
        ("ses:sendrawemail", "lambda:sourcefunctionarn", True),
        ("ses:sendrawemail", "iam:policyarn", False),
        ("ses:sendrawemail", "ses:fromaddress", True),
        ("ses:sendrawemail", "ses:tenantname", False),
        ("ses:sendemail", "ses:tenantname", True),
        ("ses:sendbulkemail", "ses:fromaddress", False),
        ("ses:sendbounce", "ses:recipients", False),
        ("ses:getaccount", "ses:apiversion", True),
        ("ses:getaccount", "ses:fromaddress", False),
        ("s3:getobject", "ses:apiversion", False),
        ("s3:getobject", "s3:prefix", True),
        ("iam:putuserpolicy", "iam:permissionsboundary", True),
        ("iam:deleteuser", "iam:permissionsboundary", False),
        ("iam:attachuserpolicy", "iam:policyarn", True),
    ],
)
def test_which_keys_a_request_carries(action: str, key: str, carried: bool) -> None:
    assert carries(action, key) is carried


def statement(**elements: Any) -> Policy:
    base = {"Sid": "S", "Effect": "Allow", "Action": "s3:*"}
    if "NotResource" not in elements:
        base["Resource"] = "*"
    return Policy("p", {"Version": "2012-10-17", "Statement": base | elements})


def decided(policies: Policies, resource: str, principal: str = "", **context: Any) -> str:
    return decide(policies, Request("s3:GetObject", resource, context, principal)).answer.value


def test_an_absent_variable_never_lets_a_statement_apply_to_more() -> None:
    variable = "arn:aws:s3:::b/${aws:username}*"
    for element, answer in (("Resource", "denied"), ("NotResource", "denied")):
        policies = Policies((statement(**{element: variable}),))
        assert decided(policies, "arn:aws:s3:::b/x") == answer
    assert decided(Policies((statement(NotResource=variable),)), "arn:aws:s3:::c/x") == "allowed"
    told = {"aws:username": ("x",)}
    known = Request("s3:GetObject", "arn:aws:s3:::b/x", told)
    assert decide(Policies((statement(Resource=variable),)), known).answer.value == "allowed"


def test_a_resource_without_an_account_is_in_the_callers() -> None:
    user = f"arn:aws:iam::{ACCOUNT}:user/a"
    for resource in ("arn:aws:s3:::b/k:1:2", "*", "arn:aws:s3"):
        assert decided(Policies((statement(),)), resource, user) == "allowed"
    named_with_colons = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/a:x"
    assert decided(Policies((statement(),)), named_with_colons, user) == "allowed"
    assert decided(Policies((statement(),)), named_with_colons, user.replace("1", "2")) == "denied"


def test_the_reason_where_another_account_does_not_allow() -> None:
    resource = f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"
    asked = Request("s3:GetObject", resource, {}, "arn:aws:iam::999999999999:user/a")
    assert decide(Policies((statement(),)), asked).reason == (
        f"the policy of the resource does not allow s3:GetObject on {resource}"
    )


def test_the_reason_names_every_value() -> None:
    condition = {"ForAnyValue:StringEquals": {"aws:TagKeys": "z"}}
    asked = Request("s3:GetObject", "*", {"aws:TagKeys": ("x", "y")})
    assert decide(Policies((statement(Condition=condition),)), asked).reason.endswith(
        "wants ForAnyValue:StringEquals aws:tagkeys z, and it is x, y"
    )


def test_a_network_may_be_given_by_any_of_its_addresses() -> None:
    condition = parse_condition("IpAddress", "aws:sourceip", ["203.0.113.7/24"], variables=True)
    assert holds(condition, Context({"aws:sourceip": ("203.0.113.9",)})) is True


def naming(caller: str, *listed: str, **context: Any) -> dict[Named, bool | None]:
    (parsed,) = statement(Principal={"AWS": list(listed)}).statements
    return named(parsed, Caller.of(caller, Context(context)))


def test_how_principals_are_named() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/a/b/app"
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/now"
    assert naming(session, role) == {Named.ROLE: True}
    assert naming(role, session) == {Named.SELF: None}
    assert naming(role, session, "*") == {Named.SELF: True}
    assert naming(role, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root") == {Named.ACCOUNT: True}
    assert naming("999999999999", "999999999999") == {Named.SELF: True}
    assert naming("", "999999999999", "") in ({}, {Named.SELF: True})
    assert None not in naming("x.amazonaws.com", "y.amazonaws.com")
    (nobody,) = statement(Principal={"AWS": []}).statements
    assert concerns(nobody, Caller("x", "")) is False


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("aws:KeyOfNextYear", Answer.CONDITIONAL),
        ("aws:KeyOfNextYear/x", Answer.CONDITIONAL),
        ("aws:TagKeys", Answer.DENIED),
        ("aws:RequestTag/x", Answer.DENIED),
        ("aws:PrincipalTag/x", Answer.DENIED),
        ("made:Up", Answer.DENIED),
    ],
)
def test_a_global_key_that_is_new_is_unknown_and_a_documented_one_that_is_not_given_absent(
    key: str, answer: Answer
) -> None:
    document = {
        "Statement": {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {key: "x"}},
        }
    }
    request = Request("ses:SendRawEmail", "*", {})
    assert decide(Policies((Policy("p", document),)), request).answer is answer
