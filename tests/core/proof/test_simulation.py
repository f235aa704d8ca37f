"""`simulate`: cases from a file, and the mail of a tenant, decided as IAM does."""

import json
from typing import Any

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Answer
from ses_tenant.core.proof.simulation import (
    Mail,
    case_of_policy,
    case_of_tenant,
    parse_cases,
    simulate,
)
from tests.core.proof.accounts import ACCOUNT, account, allow, deny, tenant

SHOP = SendingDomain.parse("shop.example.com")
SEND: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Send",
            "Effect": "Allow",
            "Action": "ses:SendRawEmail",
            "Resource": "*",
            "Condition": {"StringLike": {"ses:FromAddress": "*@shop.example.com"}},
        }
    ],
}
ALL = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
CASE: dict[str, Any] = {
    "name": "own",
    "policies": [SEND],
    "action": "ses:SendRawEmail",
    "resource": "*",
    "context": {"ses:FromAddress": "info@shop.example.com"},
}


def decided(**changes: Any) -> str:
    (result,) = simulate(parse_cases(json.dumps([CASE | changes])))
    return result.decision.value


def test_a_case_is_decided_and_explained() -> None:
    (result,) = simulate(parse_cases(json.dumps([CASE])))
    assert (result.name, result.decision) == ("own", Answer.ALLOWED)
    assert result.reason == "allowed by the statement Send of the policy policies[0]"


def test_results_come_in_the_order_of_the_cases() -> None:
    cases = [CASE | {"name": str(n), "policies": [SEND] * (n % 2)} for n in range(6)]
    results = simulate(parse_cases(json.dumps(cases)))
    assert [r.name for r in results] == ["0", "1", "2", "3", "4", "5"]
    assert [r.decision.value for r in results] == ["denied", "allowed"] * 3


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        ({"context": {"ses:FromAddress": ["info@shop.example.com"]}}, "allowed"),
        ({"context": {"SES:fromaddress": "info@shop.example.com"}}, "allowed"),
        ({"context": {"ses:FromAddress": "info@blog.example.org"}}, "denied"),
        ({"context": {}}, "denied"),
        ({"context": None}, "denied"),
        ({"action": "SES:sendrawemail"}, "allowed"),
        ({"action": "ses:SendBulkEmail", "policies": [ALL, SEND]}, "allowed"),
        ({"policies": []}, "denied"),
        ({"policies": SEND}, "allowed"),
        ({"policies": [SEND, ALL], "boundary": []}, "allowed"),
        ({"boundary": None}, "allowed"),
        ({"boundary": [ALL]}, "allowed"),
        ({"boundary": [{"Statement": []}]}, "denied"),
        ({"boundary": {"Statement": []}}, "denied"),
        ({"session_policies": [{"Statement": []}]}, "denied"),
        ({"session_policies": [ALL]}, "allowed"),
    ],
)
def test_elements_of_a_case(changes: dict[str, Any], decision: str) -> None:
    assert decided(**changes) == decision


def test_a_resource_policy_allows_who_is_named() -> None:
    user = "arn:aws:iam::123456789012:user/partner"
    statement = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "*", "Resource": "*"}
    named = {"policies": [], "resource_policies": [{"Statement": statement}]}
    assert decided(**named, principal=user) == "allowed"
    assert decided(**named, principal=f"{user}2") == "denied"
    assert decided(**named) == "denied"


def test_what_nobody_knows_makes_it_conditional_and_what_is_given_does_not() -> None:
    policy = json.loads(json.dumps(SEND))
    policy["Statement"][0]["Condition"]["IpAddress"] = {"aws:SourceIp": "192.0.2.0/24"}
    assert decided(policies=[policy]) == "conditional"
    for address, decision in (("192.0.2.7", "allowed"), ("198.51.100.7", "denied")):
        context = CASE["context"] | {"aws:SourceIp": address}
        assert decided(policies=[policy], context=context) == decision


def test_numbers_and_booleans_are_texts_as_iam_writes_them() -> None:
    policy = {
        "Statement": {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "Bool": {"aws:SecureTransport": "true"},
                "NumericEquals": {"aws:MultiFactorAuthAge": "7"},
            },
        }
    }
    context = {"aws:SecureTransport": True, "aws:MultiFactorAuthAge": 7}
    assert decided(policies=[policy], context=context) == "allowed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON"),
        ("{}", "no JSON list"),
        ("[" * 100_000, "no JSON"),
        ('["x"]', "Case 1 is no JSON object"),
        ('[{"name": 7}]', "'name' is no text"),
        ('[{"name": "x", "action": "ses:SendEmail"}]', r"Case 1 \('x'\) has no 'policies'"),
        ('[{"policies": []}]', "has no 'action'"),
        ('[{"policies": ["x"], "action": "a"}]', "'policies' holds what is no policy"),
        ('[{"policies": [], "action": "a", "boundry": []}]', "is 'boundary' meant"),
        ('[{"policies": [], "action": "a", "context": []}]', "'context' is no JSON object"),
        ('[{"policies": [], "action": "a", "context": {"k": {}}}]', "the value of 'k'"),
        ('[{"policies": [], "action": "a", "context": {"k": [[1]]}}]', "the value of 'k'"),
        ('[{"policies": [], "action": "a", "expect": "maybe"}]', "'expect' is none of"),
        ('[{"policies": [], "action": "a", "resource": 1}]', "'resource' is no text"),
        ('[{"policies": [{"Statement": [{}]}], "action": "a"}]', "Case 'case 1': "),
    ],
)
def test_what_is_wrong_with_cases_is_told(text: str, told: str) -> None:
    with pytest.raises(SesTenantError, match=told) as caught:
        simulate(parse_cases(text))
    assert caught.value.code is ErrorCode.USAGE


def test_other_elements_are_remarks() -> None:
    assert decided(comment="why", id=7, expected_by="nobody") == "allowed"


@pytest.mark.parametrize(
    ("expect", "unexpected"),
    [(None, False), ("allowed", False), ("denied", True), ("conditional", True)],
)
def test_an_answer_that_was_not_expected(expect: str | None, unexpected: bool) -> None:
    (result,) = simulate(parse_cases(json.dumps([CASE | {"expect": expect}])))
    assert result.unexpected is unexpected


@pytest.mark.parametrize(
    ("mail", "decision"),
    [
        (Mail("info@shop.example.com"), "allowed"),
        (Mail("info@SHOP.example.com"), "denied"),
        (Mail("info@shop.example.com", "ses:SendEmail"), "denied"),
        (Mail("info@shop.example.com", "ses:sendrawemail"), "allowed"),
        (Mail("info@evilshop.example.com"), "denied"),
        (Mail("info@shop.example.com", recipients=("a@b.example", "c@d.example")), "allowed"),
    ],
)
def test_a_mail_by_a_policy(mail: Mail, decision: str) -> None:
    case = case_of_policy(mail, SEND, "policy.json", SHOP, "aws", "eu-central-1")
    (result,) = simulate([case])
    assert result.decision.value == decision
    assert case.request.resource.endswith(f":identity/{mail.domain}")


@pytest.mark.parametrize(
    "values",
    [
        ("info",),
        ("@shop.example.com",),
        ("info@",),
        ("Shop <info@shop.example.com>",),
        ("a@b.c, d@e.f",),
        ("a@b.c", "ses:GetSendQuota"),
        ("a@b.c", "ses:SendEmail", "x"),
        ("a@b.c", "ses:SendEmail", None, ("x@y.z", "q")),
    ],
)
def test_what_is_no_mail(values: tuple[Any, ...]) -> None:
    with pytest.raises(SesTenantError) as caught:
        Mail(*values)
    assert caught.value.code is ErrorCode.USAGE


def test_what_is_no_policy() -> None:
    with pytest.raises(SesTenantError):
        case_of_policy(Mail("a@b.c"), [SEND], "policy.json", SHOP, "aws", "eu-central-1")


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        (("info",), "--from 'info' is no e-mail address.", "info@shop.example.com"),
        (("a@b.c", "ses:SendEmail", "x"), "--return-path 'x' is no e-mail address.", "angle"),
        (
            ("a@b.c", "ses:SendEmail", None, ("x@y.z", "q")),
            "--recipient 'q' is no e-mail address.",
            "without a name",
        ),
        (
            ("a@b.c", "ses:GetSendQuota"),
            "'ses:GetSendQuota' is no action that sends mail.",
            "Actions: ses:SendRawEmail, ses:SendEmail, ",
        ),
    ],
)
def test_what_is_wrong_with_a_mail_is_told(
    values: tuple[Any, ...], message: str, hint: str
) -> None:
    with pytest.raises(SesTenantError) as caught:
        Mail(*values)
    assert caught.value.message == message
    assert hint in str(caught.value.hint)


def test_a_mail_of_a_tenant_is_asked_about_with_all_that_is_known_of_its_user() -> None:
    (member,) = account(tenant()).people
    mail = Mail(
        "Info@shop.example.com",
        "ses:sendemail",
        "b@shop.example.com",
        ("a@b.example", "c@d.example"),
    )
    case = case_of_tenant(mail, member, "us-east-1")
    assert (case.name, case.expect) == ("Info@shop.example.com", None)
    request = case.request
    assert (request.action, request.principal, request.resource) == (
        "ses:SendEmail",
        member.arn,
        f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/shop.example.com",
    )
    assert request.unknown == member.principal.unknown
    context = {key.lower(): values for key, values in request.context.items()}
    assert context["ses:fromaddress"] == ("Info@shop.example.com",)
    assert context["ses:feedbackaddress"] == ("b@shop.example.com",)
    assert context["ses:recipients"] == ("a@b.example", "c@d.example")
    assert context["aws:requestedregion"] == ("us-east-1",)
    assert context["aws:username"] == ("ses-shop.example.com",)
    assert context["aws:principaltag/ses-tenant:domain"] == ("shop.example.com",)
    (result,) = simulate([case])
    assert result.decision is Answer.DENIED  # an SMTP tenant sends raw mail


@pytest.mark.parametrize(
    ("sender", "region", "decision"),
    [
        ("info@shop.example.com", "eu-central-1", Answer.ALLOWED),
        ("info@shop.example.com", "eu-west-1", Answer.CONDITIONAL),
        ("info@shop.example.com", "us-east-1", Answer.DENIED),
        ("info@blog.example.org", "eu-central-1", Answer.DENIED),
    ],
)
def test_the_region_and_the_tenants_own_tags_decide(
    sender: str, region: str, decision: Answer
) -> None:
    more = allow(
        "ses:SendRawEmail",
        StringLike={"ses:FromAddress": "*@${aws:PrincipalTag/ses-tenant:domain}"},
    )
    elsewhere = deny("*", StringEquals={"aws:RequestedRegion": "us-east-1"})
    office = deny(
        "*",
        StringEquals={"aws:RequestedRegion": "eu-west-1"},
        IpAddress={"aws:SourceIp": "192.0.2.0/24"},
    )
    (member,) = account(tenant(SHOP.name, more, elsewhere, office)).people
    (result,) = simulate([case_of_tenant(Mail(sender), member, region)])
    assert result.decision is decision


def test_a_policy_offline_is_asked_about_as_its_tenants_user() -> None:
    case = case_of_policy(Mail("a@b.example"), SEND, "p.json", SHOP, "aws-cn", "cn-north-1")
    user = "arn:aws-cn:iam::123456789012:user/ses-tenant/shop.example.com/ses-shop.example.com"
    assert (case.name, case.request.principal) == ("a@b.example", user)
    assert case.request.resource == "arn:aws-cn:ses:cn-north-1:123456789012:identity/b.example"
    with pytest.raises(SesTenantError, match=r"^p\.json holds no policy document\.$"):
        case_of_policy(Mail("a@b.c"), "x", "p.json", SHOP, "aws", "eu-central-1")
