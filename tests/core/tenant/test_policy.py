"""The sending policy: what it says, letter by letter, and what IAM would answer by it."""

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, TypedDict, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.policy import (
    MAX_INLINE_POLICY_SIZE,
    check_policy_size,
    keys_before_suspension,
    policy_json,
    policy_size,
    sender_patterns,
    sending_policy,
    suspended_policy,
)
from ses_tenant.core.tenant.spec import Interface, Scope, SendingOptions, TenantSpec
from tests.core.samples import SHOP, domains, interfaces, regions, sending_options, steady

NEWS, BOUNCES = SendingDomain("news.example.org"), SendingDomain("bounces.example.net")


class Statement(TypedDict, total=False):
    Sid: str
    Effect: str
    Action: str | list[str]
    NotAction: list[str]
    Resource: str | list[str]
    Condition: dict[str, dict[str, list[str]]]


def policy_of(
    interface: Interface = Interface.API,
    sending: SendingOptions = SendingOptions(),  # noqa: B008 - frozen
    regions: tuple[str, ...] = ("eu-central-1",),
    domain: SendingDomain = SHOP,
) -> dict[str, object]:
    return sending_policy(TenantSpec(domain, interface, regions, sending))


def statements(document: Mapping[str, object]) -> dict[str, Statement]:
    found = cast("list[Statement]", document["Statement"])
    by_sid = {statement["Sid"]: statement for statement in found}
    assert len(by_sid) == len(found)
    return by_sid


# --- letter by letter ---------------------------------------------------------------------------

API = """
{"Version":"2012-10-17","Statement":[
 {"Sid":"SendAsOwnDomain","Effect":"Allow",
  "Action":["ses:SendEmail","ses:SendRawEmail"],"Resource":"*",
  "Condition":{"StringLike":{"ses:FromAddress":["*@shop.example.com"]},
               "StringLikeIfExists":{"ses:FeedbackAddress":["*@shop.example.com"]}}},
 {"Sid":"ReadSendingQuota","Effect":"Allow",
  "Action":["ses:GetSendQuota","ses:GetSendStatistics"],"Resource":"*"},
 {"Sid":"NothingElse","Effect":"Deny",
  "NotAction":["ses:GetSendQuota","ses:GetSendStatistics"],"Resource":"*",
  "Condition":{"StringNotLike":{"ses:FromAddress":["*@shop.example.com"]}}}]}
"""
SMTP = """
{"Version":"2012-10-17","Statement":[
 {"Sid":"SendAsOwnDomain","Effect":"Allow","Action":["ses:SendRawEmail"],"Resource":"*",
  "Condition":{"StringLike":{"ses:FromAddress":["*@shop.example.com"]},
               "StringLikeIfExists":{"ses:FeedbackAddress":["*@shop.example.com"]}}},
 {"Sid":"NothingElse","Effect":"Deny","Action":"*","Resource":"*",
  "Condition":{"StringNotLike":{"ses:FromAddress":["*@shop.example.com"]}}}]}
"""
EVERYTHING = """
{"Version":"2012-10-17","Statement":[
 {"Sid":"SendAsOwnDomain","Effect":"Allow","Action":["ses:SendRawEmail"],
  "Resource":["arn:aws:ses:eu-central-1:*:identity/shop.example.com",
              "arn:aws:ses:eu-central-1:*:identity/*@shop.example.com",
              "arn:aws:ses:eu-central-1:*:identity/*.shop.example.com",
              "arn:aws:ses:eu-central-1:*:identity/*@*.shop.example.com",
              "arn:aws:ses:eu-central-1:*:identity/news.example.org",
              "arn:aws:ses:eu-central-1:*:identity/*@news.example.org",
              "arn:aws:ses:eu-central-1:*:identity/*.news.example.org",
              "arn:aws:ses:eu-central-1:*:identity/*@*.news.example.org",
              "arn:aws:ses:eu-central-1:*:configuration-set/shop",
              "arn:aws:ses:eu-central-1:*:configuration-set/ses-tenant-events"],
  "Condition":{"StringLike":{"ses:FromAddress":[
                 "*@shop.example.com","*@*.shop.example.com",
                 "*@news.example.org","*@*.news.example.org"]},
               "StringLikeIfExists":{"ses:FeedbackAddress":[
                 "*@shop.example.com","*@*.shop.example.com",
                 "*@news.example.org","*@*.news.example.org","*@bounces.example.net"]}}},
 {"Sid":"NothingElse","Effect":"Deny","Action":"*","Resource":"*",
  "Condition":{"StringNotLike":{"ses:FromAddress":[
                 "*@shop.example.com","*@*.shop.example.com",
                 "*@news.example.org","*@*.news.example.org"]}}}]}
"""


def test_api_policy() -> None:
    assert policy_of(Interface.API) == json.loads(API)


def test_smtp_policy() -> None:
    assert policy_of(Interface.SMTP) == json.loads(SMTP)


def test_policy_with_every_option() -> None:
    options = SendingOptions(
        subdomains=True,
        also=(NEWS,),
        return_path=BOUNCES,
        scope=Scope.IDENTITY,
        configuration_sets=("shop",),
    )
    assert policy_of(Interface.SMTP, options) == json.loads(EVERYTHING)


KEY_1, KEY_2 = "AKIAEXAMPLE000000001", "AKIAEXAMPLE000000002"


@pytest.mark.parametrize("keys", [(), (KEY_1,), (KEY_1, KEY_2)])
def test_suspension_remembers_the_keys_that_were_active(keys: tuple[str, ...]) -> None:
    document = json.loads(policy_json(suspended_policy(keys)))
    assert keys_before_suspension(document) == keys


@pytest.mark.parametrize("document", [{}, {"Statement": []}, {"Statement": [{"Sid": "Other"}]}])
def test_a_foreign_suspension_remembers_nothing(document: dict[str, object]) -> None:
    assert keys_before_suspension(document) == ()


def test_suspension_policy() -> None:
    assert json.loads(policy_json(suspended_policy([KEY_1, KEY_2]))) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SuspendedActiveWereAKIAEXAMPLE000000001andAKIAEXAMPLE000000002",
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
            }
        ],
    }


@pytest.mark.parametrize(
    ("options", "from_patterns", "feedback_patterns"),
    [
        (
            SendingOptions(subdomains=True),
            ["*@shop.example.com", "*@*.shop.example.com"],
            ["*@shop.example.com", "*@*.shop.example.com"],
        ),
        (
            SendingOptions(also=(NEWS,)),
            ["*@shop.example.com", "*@news.example.org"],
            ["*@shop.example.com", "*@news.example.org"],
        ),
        (
            SendingOptions(return_path=BOUNCES),
            ["*@shop.example.com"],
            ["*@shop.example.com", "*@bounces.example.net"],
        ),
        (SendingOptions(return_path=SHOP), ["*@shop.example.com"], ["*@shop.example.com"]),
    ],
    ids=["subdomains", "also", "return-path", "own return-path"],
)
@pytest.mark.parametrize("interface", Interface)
def test_options_in_both_statements(
    interface: Interface,
    options: SendingOptions,
    from_patterns: list[str],
    feedback_patterns: list[str],
) -> None:
    found = statements(policy_of(interface, options))
    assert found["SendAsOwnDomain"]["Condition"] == {
        "StringLike": {"ses:FromAddress": from_patterns},
        "StringLikeIfExists": {"ses:FeedbackAddress": feedback_patterns},
    }
    assert found["NothingElse"]["Condition"] == {
        "StringNotLike": {"ses:FromAddress": from_patterns}
    }
    assert found["SendAsOwnDomain"]["Resource"] == "*"
    assert sender_patterns(TenantSpec(SHOP, interface, (), options)) == from_patterns


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-gov-east-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_scope_identity_names_the_partition_of_the_region(region: str, partition: str) -> None:
    document = policy_of(sending=SendingOptions(scope=Scope.IDENTITY), regions=(region,))
    assert statements(document)["SendAsOwnDomain"]["Resource"] == [
        f"arn:{partition}:ses:{region}:*:identity/shop.example.com",
        f"arn:{partition}:ses:{region}:*:identity/*@shop.example.com",
        f"arn:{partition}:ses:{region}:*:configuration-set/ses-tenant-events",
    ]


def test_scope_identity_names_each_region() -> None:
    options = SendingOptions(scope=Scope.IDENTITY, configuration_sets=("a", "b"))
    document = policy_of(sending=options, regions=("eu-west-1", "us-east-1"))
    assert statements(document)["SendAsOwnDomain"]["Resource"] == [
        "arn:aws:ses:eu-west-1:*:identity/shop.example.com",
        "arn:aws:ses:eu-west-1:*:identity/*@shop.example.com",
        "arn:aws:ses:eu-west-1:*:configuration-set/a",
        "arn:aws:ses:eu-west-1:*:configuration-set/b",
        "arn:aws:ses:eu-west-1:*:configuration-set/ses-tenant-events",
        "arn:aws:ses:us-east-1:*:identity/shop.example.com",
        "arn:aws:ses:us-east-1:*:identity/*@shop.example.com",
        "arn:aws:ses:us-east-1:*:configuration-set/a",
        "arn:aws:ses:us-east-1:*:configuration-set/b",
        "arn:aws:ses:us-east-1:*:configuration-set/ses-tenant-events",
    ]


def test_changing_one_document_leaves_the_next_alone() -> None:
    first = policy_of(Interface.API)
    before = json.dumps(policy_of(Interface.API))
    actions = cast("list[str]", statements(first)["ReadSendingQuota"]["Action"])
    actions.append("ses:DeleteIdentity")
    try:
        assert json.dumps(policy_of(Interface.API)) == before
    finally:
        actions.remove("ses:DeleteIdentity")


# --- whatever the options are -------------------------------------------------------------------

specs = st.builds(TenantSpec, domains(), interfaces(), regions(), sending_options())


def condition_uses(document: Mapping[str, object]) -> list[tuple[str, str, str]]:
    return [
        (statement["Effect"], operator, key)
        for statement in statements(document).values()
        for operator, keys in statement.get("Condition", {}).items()
        for key in keys
    ]


@steady
@given(specs)
def test_every_from_pattern_names_one_of_the_tenants_domains(spec: TenantSpec) -> None:
    own = {spec.domain.name, *(domain.name for domain in spec.sending.also)}
    for statement in statements(sending_policy(spec)).values():
        for keys in statement.get("Condition", {}).values():
            for pattern in keys.get("ses:FromAddress", []):
                assert pattern.startswith("*@")
                rest = pattern.removeprefix("*@")
                assert spec.sending.subdomains or not rest.startswith("*.")
                assert rest.removeprefix("*.") in own
                assert re.fullmatch(r"[a-z0-9.-]+", rest.removeprefix("*."))


@steady
@given(specs)
def test_operators_are_the_ones_that_fail_closed(spec: TenantSpec) -> None:
    assert sorted(condition_uses(sending_policy(spec))) == [
        ("Allow", "StringLike", "ses:FromAddress"),
        ("Allow", "StringLikeIfExists", "ses:FeedbackAddress"),
        ("Deny", "StringNotLike", "ses:FromAddress"),
    ]


@steady
@given(specs)
def test_feedback_goes_to_own_domains_or_the_return_path(spec: TenantSpec) -> None:
    allow = statements(sending_policy(spec))["SendAsOwnDomain"]["Condition"]
    feedback = allow["StringLikeIfExists"]["ses:FeedbackAddress"]
    elsewhere = set(feedback) - set(allow["StringLike"]["ses:FromAddress"])
    assert elsewhere <= {f"*@{spec.sending.return_path}"}
    assert len(set(feedback)) == len(feedback)
    if spec.sending.return_path:
        assert f"*@{spec.sending.return_path}" in feedback


READS = {
    "quota": {"ses:GetSendQuota", "ses:GetSendStatistics"},
    "account": {"ses:GetAccount"},
    "identities": {"ses:ListIdentities", "ses:ListEmailIdentities"},
}


@steady
@given(specs)
def test_only_these_actions_are_ever_granted(spec: TenantSpec) -> None:
    granted = set[str]()
    for statement in statements(sending_policy(spec)).values():
        if statement["Effect"] == "Allow":
            assert "NotAction" not in statement
            assert isinstance(statement["Action"], list)
            granted |= set(statement["Action"])
    reads = {"ses:GetSendQuota", "ses:GetSendStatistics"}
    for name in spec.sending.allow_read:
        reads |= READS[name]
    assert (
        granted
        == {
            Interface.API: {"ses:SendEmail", "ses:SendRawEmail"} | reads,
            Interface.SMTP: {"ses:SendRawEmail"},
        }[spec.interface]
    )
    assert not any("*" in action for action in granted)


@steady
@given(specs)
def test_the_deny_is_there_and_covers_all_but_what_may_be_read(spec: TenantSpec) -> None:
    document = statements(sending_policy(spec))
    deny = document["NothingElse"]
    assert deny["Effect"] == "Deny"
    assert deny["Resource"] == "*"
    from_patterns = document["SendAsOwnDomain"]["Condition"]["StringLike"]["ses:FromAddress"]
    assert deny["Condition"] == {"StringNotLike": {"ses:FromAddress": from_patterns}}
    match spec.interface:
        case Interface.API:
            reads = {"ses:GetSendQuota", "ses:GetSendStatistics"}
            assert set(deny["NotAction"]) == reads.union(
                *(READS[r] for r in spec.sending.allow_read)
            )
            assert "Action" not in deny
        case Interface.SMTP:
            assert deny["Action"] == "*"
            assert "NotAction" not in deny


@steady
@given(specs)
def test_scope_limits_resources(spec: TenantSpec) -> None:
    resource = statements(sending_policy(spec))["SendAsOwnDomain"]["Resource"]
    if spec.sending.scope is Scope.ANY:
        assert resource == "*"
        return
    assert isinstance(resource, list)
    own = {spec.domain.name, *(domain.name for domain in spec.sending.also)}
    for arn in resource:
        head, partition, service, region, account, name = arn.split(":")
        assert (head, service, account) == ("arn", "ses", "*")
        assert region in spec.regions
        assert partition in {"aws", "aws-us-gov", "aws-eusc"}
        kind, _, rest = name.partition("/")
        if kind == "identity":
            assert rest.removeprefix("*@").removeprefix("*.") in own
        else:
            assert kind == "configuration-set"
            assert rest in (*spec.sending.configuration_sets, "ses-tenant-events")


@steady
@given(specs)
def test_policy_is_text_that_iam_takes(spec: TenantSpec) -> None:
    document = sending_policy(spec)
    text = policy_json(document)
    assert json.loads(text) == document
    assert re.fullmatch(r"[\x20-\x7e]+", text)
    assert "${" not in text
    assert policy_size(document) == len(re.sub(r"\s", "", json.dumps(document, indent=2)))
    assert sending_policy(spec) == document


# --- size ---------------------------------------------------------------------------------------

SUSPENDED = (
    '{"Version":"2012-10-17","Statement":'
    f'[{{"Sid":"SuspendedActiveWere{32 * "A"}and{32 * "A"}",'
    '"Effect":"Deny","Action":"*","Resource":"*"}]}'
)


def sized(size: int) -> dict[str, object]:
    return {"Version": "x" * (size - len('{"Version":""}'))}


def test_sizes_count_what_is_not_white_space() -> None:
    assert policy_size({"a b": "c  d\t"}) == len('{"ab":"cd\\t"}')
    assert policy_size(suspended_policy([32 * "A", 32 * "A"])) == len(SUSPENDED)
    assert policy_size(policy_of(Interface.API)) == len(re.sub(r"\s", "", API))
    assert policy_size(policy_of(Interface.SMTP)) == len(re.sub(r"\s", "", SMTP))


def test_size_is_checked_to_the_character() -> None:
    assert MAX_INLINE_POLICY_SIZE == 2048
    limit = 2048 - len(SUSPENDED)
    assert policy_size(sized(limit)) == limit
    check_policy_size(sized(limit))
    with pytest.raises(SesTenantError) as caught:
        check_policy_size(sized(limit + 1))
    assert caught.value.code is ErrorCode.POLICY_TOO_LARGE
    assert f"has {limit + 1} characters" in caught.value.message
    assert "2048" in caught.value.message
    assert f"{limit} leave room to suspend it" in caught.value.message
    assert "other domains (also)" in caught.value.hint


@pytest.mark.parametrize("interface", Interface)
def test_the_longest_domain_fits_with_subdomains_off(interface: Interface) -> None:
    check_policy_size(policy_of(interface, domain=SendingDomain("a." * 125 + "com")))


# --- what IAM would answer ----------------------------------------------------------------------
# A small evaluator of its own for the elements that these policies use; anything else is an error.


def glob(pattern: str, text: str, *, case: bool) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return bool(re.fullmatch("".join(parts), text, re.DOTALL | (0 if case else re.IGNORECASE)))


def listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(cast("Iterable[str]", value))


def holds(operator: str, patterns: list[str], value: str | None) -> bool:
    match operator:
        case "StringLike":
            return value is not None and any(glob(p, value, case=True) for p in patterns)
        case "StringNotLike":
            return value is None or not any(glob(p, value, case=True) for p in patterns)
        case "StringLikeIfExists":
            return value is None or any(glob(p, value, case=True) for p in patterns)
        case _:
            raise NotImplementedError(operator)


def applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    unknown = statement.keys() - Statement.__annotations__.keys()
    assert not unknown, unknown
    if "Action" in statement:
        if not any(glob(p, action, case=False) for p in listed(statement["Action"])):
            return False
    elif any(glob(p, action, case=False) for p in listed(statement["NotAction"])):
        return False
    if not any(glob(p, resource, case=True) for p in listed(statement["Resource"])):
        return False
    return all(
        holds(operator, listed(patterns), context.get(key))
        for operator, keys in statement.get("Condition", {}).items()
        for key, patterns in keys.items()
    )


def allowed(
    policies: Iterable[Mapping[str, Any]],
    action: str,
    *,
    resource: str = "arn:aws:ses:eu-central-1:123456789012:identity/shop.example.com",
    sender: str | None = None,
    feedback: str | None = None,
) -> bool:
    context = {"ses:FromAddress": sender, "ses:FeedbackAddress": feedback}
    present = {key: value for key, value in context.items() if value is not None}
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in policy["Statement"]
        if applies(statement, action, resource, present)
    }
    return effects == {"Allow"}


ADMINISTRATOR: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
OWN = "info@shop.example.com"
SENDS = [
    (Interface.API, "ses:SendEmail"),
    (Interface.API, "ses:SendRawEmail"),
    (Interface.SMTP, "ses:SendRawEmail"),
]
FOREIGN = [
    "info@other.example.com",
    "info@evilshop.example.com",
    "info@shop.example.com.evil.example",
    "info@example.com",
    "info@mail.shop.example.com",
    "info@shop-example.com",
    "shop.example.com",
    "info@Shop.example.com",
    "INFO@SHOP.EXAMPLE.COM",
    "info@shop.example.com>",
    " @shop.example.co",
    "",
    None,
]


@pytest.mark.parametrize(("interface", "action"), SENDS)
@pytest.mark.parametrize("sender", [OWN, "Info+tag@shop.example.com", "a.b-c@shop.example.com"])
@pytest.mark.parametrize("feedback", [None, "bounce@shop.example.com"])
def test_own_from_is_allowed(
    interface: Interface, action: str, sender: str, feedback: str | None
) -> None:
    assert allowed([policy_of(interface)], action, sender=sender, feedback=feedback)


@pytest.mark.parametrize("others", [[], [ADMINISTRATOR]], ids=["alone", "administrator"])
@pytest.mark.parametrize(("interface", "action"), SENDS)
def test_any_other_from_is_denied(
    interface: Interface, action: str, others: list[Mapping[str, Any]]
) -> None:
    policies = [policy_of(interface), *others]
    assert [sender for sender in FOREIGN if allowed(policies, action, sender=sender)] == []


@pytest.mark.parametrize(("interface", "action"), SENDS)
@pytest.mark.parametrize("feedback", ["bounce@other.example.com", "x@evilshop.example.com", ""])
def test_foreign_return_path_is_denied(interface: Interface, action: str, feedback: str) -> None:
    assert not allowed([policy_of(interface)], action, sender=OWN, feedback=feedback)


def test_quota_is_read_with_the_api_alone() -> None:
    for action in ("ses:GetSendQuota", "ses:GetSendStatistics"):
        assert allowed([policy_of(Interface.API)], action, resource="*")
        assert not allowed([policy_of(Interface.SMTP)], action, resource="*")
        assert not allowed([policy_of(Interface.SMTP), ADMINISTRATOR], action, resource="*")


@pytest.mark.parametrize("others", [[], [ADMINISTRATOR]], ids=["alone", "administrator"])
@pytest.mark.parametrize("name", ["account", "identities"])
def test_what_may_be_read_and_nothing_else(name: str, others: list[Mapping[str, Any]]) -> None:
    spec = TenantSpec(SHOP, regions=("eu-central-1",), sending=SendingOptions(allow_read=(name,)))
    policies = [sending_policy(spec), *others]
    reads = {action for actions in READS.values() for action in actions}
    may = {action for action in reads if allowed(policies, action, resource="*")}
    assert may == READS["quota"] | READS[name]
    assert not allowed(policies, "ses:GetEmailIdentity", resource="*")
    assert not allowed(policies, "ses:SendEmail", sender="info@other.example.com")


@pytest.mark.parametrize("others", [[], [ADMINISTRATOR]], ids=["alone", "administrator"])
@pytest.mark.parametrize("interface", Interface)
@pytest.mark.parametrize(
    "action",
    [
        "ses:SendBulkEmail",
        "ses:SendCustomVerificationEmail",
        "ses:ListIdentities",
        "ses:GetAccount",
        "ses:CreateEmailIdentity",
        "ses:PutIdentityPolicy",
        "iam:CreateAccessKey",
        "iam:PutUserPolicy",
        "iam:DeleteUserPolicy",
        "s3:GetObject",
        "sts:AssumeRole",
    ],
)
def test_nothing_else_whatever_is_attached(
    interface: Interface, action: str, others: list[Mapping[str, Any]]
) -> None:
    """None of these requests carries ses:FromAddress, so the Deny holds for each."""
    assert not allowed([policy_of(interface), *others], action, resource="*")


@pytest.mark.parametrize("interface", Interface)
@pytest.mark.parametrize(
    "action", ["ses:SendTemplatedEmail", "ses:SendBulkTemplatedEmail", "ses:SendBounce"]
)
def test_other_ways_to_send_are_not_granted(interface: Interface, action: str) -> None:
    """They carry a From address: the policy grants none; attached elsewhere, From stays pinned."""
    policy = policy_of(interface)
    assert not allowed([policy], action, sender=OWN)
    assert not allowed([policy, ADMINISTRATOR], action, sender="info@other.example.com")
    assert not allowed([policy, ADMINISTRATOR], action)


def test_smtp_tenant_cannot_use_send_email() -> None:
    assert not allowed([policy_of(Interface.SMTP)], "ses:SendEmail", sender=OWN)


@pytest.mark.parametrize(("interface", "action"), SENDS)
def test_suspension_stops_everything(interface: Interface, action: str) -> None:
    policies = [policy_of(interface), suspended_policy([KEY_1]), ADMINISTRATOR]
    assert not allowed(policies, action, sender=OWN)
    assert not allowed(policies, "ses:GetSendQuota", resource="*")


@pytest.mark.parametrize(
    ("options", "sender", "yes"),
    [
        (SendingOptions(subdomains=True), "a@mail.shop.example.com", True),
        (SendingOptions(subdomains=True), "a@x.mail.shop.example.com", True),
        (SendingOptions(subdomains=True), "a@shop.example.com", True),
        (SendingOptions(subdomains=True), "a@evilshop.example.com", False),
        (SendingOptions(subdomains=True), "a@shop.example.com.evil.example", False),
        (SendingOptions(also=(NEWS,)), "a@news.example.org", True),
        (SendingOptions(also=(NEWS,)), "a@mail.news.example.org", False),
        (SendingOptions(also=(NEWS,)), "a@example.org", False),
        (SendingOptions(return_path=BOUNCES), "a@bounces.example.net", False),
    ],
)
@pytest.mark.parametrize("interface", Interface)
def test_options_widen_from_by_what_they_say(
    interface: Interface, options: SendingOptions, sender: str, yes: bool
) -> None:
    assert allowed([policy_of(interface, options)], "ses:SendRawEmail", sender=sender) is yes


def test_return_path_option_lets_bounces_go_there() -> None:
    policy = policy_of(sending=SendingOptions(return_path=BOUNCES))
    for feedback, yes in (
        ("x@bounces.example.net", True),
        ("x@shop.example.com", True),
        ("x@y.example", False),
    ):
        assert allowed([policy], "ses:SendEmail", sender=OWN, feedback=feedback) is yes


@pytest.mark.parametrize(
    ("name", "yes"),
    [
        ("eu-central-1:123456789012:identity/shop.example.com", True),
        ("eu-central-1:123456789012:identity/info@shop.example.com", True),
        ("eu-central-1:123456789012:configuration-set/shop", True),
        ("eu-central-1:123456789012:configuration-set/ses-tenant-events", True),
        ("eu-central-1:123456789012:configuration-set/other", False),
        ("eu-central-1:123456789012:identity/other.example.com", False),
        ("eu-central-1:123456789012:identity/evilshop.example.com", False),
        ("eu-central-1:123456789012:identity/example.com", False),
        ("us-east-1:123456789012:identity/shop.example.com", False),
    ],
)
def test_scope_identity(name: str, yes: bool) -> None:
    policy = policy_of(sending=SendingOptions(scope=Scope.IDENTITY, configuration_sets=("shop",)))
    assert allowed([policy], "ses:SendEmail", resource=f"arn:aws:ses:{name}", sender=OWN) is yes


@steady
@given(specs, domains(), st.sampled_from(("a", "evil", "a@b", "x.")))
def test_no_options_let_a_strangers_domain_send(
    spec: TenantSpec, stranger: SendingDomain, local: str
) -> None:
    own = [spec.domain, *spec.sending.also]
    sender = f"{local}@{stranger}"
    mine = stranger in own or (
        spec.sending.subdomains and any(stranger.name.endswith(f".{d}") for d in own)
    )
    region = spec.regions[0]
    partition = {"us-go": "aws-us-gov", "eusc-": "aws-eusc"}.get(region[:5], "aws")
    identity = f"arn:{partition}:ses:{region}:123456789012:identity/{stranger}"
    answer = allowed([sending_policy(spec)], "ses:SendRawEmail", resource=identity, sender=sender)
    assert answer is mine
    assert mine or not allowed(
        [sending_policy(spec), ADMINISTRATOR], "ses:SendRawEmail", resource=identity, sender=sender
    )


# --- parliament, a linter for IAM policies ------------------------------------------------------


@pytest.fixture(scope="module")
def parliament() -> ModuleType:
    with warnings.catch_warnings():
        # It leaves files open when it is imported and uses pkg_resources, which is deprecated.
        warnings.simplefilter("ignore")
        import parliament

    return parliament


QUOTA_FINDINGS = [
    (
        "UNKNOWN_CONDITION_FOR_ACTION",
        "Unknown condition ses:FromAddress for action ses:GetSendQuota",
    ),
    (
        "UNKNOWN_CONDITION_FOR_ACTION",
        "Unknown condition ses:FromAddress for action ses:GetSendStatistics",
    ),
]
EXPECTED_FINDINGS: dict[tuple[Interface, Scope], list[tuple[str, object]]] = {
    # parliament reads the Deny's NotAction as if its actions were the ones named
    (Interface.API, Scope.ANY): [
        ("RESOURCE_STAR", ["ses:SendEmail", "ses:SendRawEmail"]),
        *QUOTA_FINDINGS,
    ],
    (Interface.SMTP, Scope.ANY): [("RESOURCE_STAR", ["ses:SendRawEmail"])],
    (Interface.API, Scope.IDENTITY): [*QUOTA_FINDINGS],
    (Interface.SMTP, Scope.IDENTITY): [],
}


def findings(parliament: ModuleType, document: Mapping[str, object]) -> list[tuple[str, object]]:
    return [
        (found.issue, found.detail)
        for found in parliament.analyze_policy_string(policy_json(document)).findings
    ]


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1"])
@pytest.mark.parametrize("subdomains", [False, True])
@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("interface", Interface)
def test_parliament_finds_nothing_else(
    parliament: ModuleType, interface: Interface, scope: Scope, subdomains: bool, region: str
) -> None:
    sets = ("news",) if scope is Scope.IDENTITY else ()
    options = SendingOptions(subdomains, (NEWS,), BOUNCES, scope, sets)
    found = findings(parliament, policy_of(interface, options, (region,)))
    assert found == EXPECTED_FINDINGS[interface, scope]


def test_parliament_does_not_know_the_newest_partition(parliament: ModuleType) -> None:
    options = SendingOptions(scope=Scope.IDENTITY)
    found = findings(parliament, policy_of(Interface.SMTP, options, ("eusc-de-east-1",)))
    assert found == [("INVALID_ARN", "Unexpected partition")] * 3


def test_parliament_finds_nothing_in_the_suspension_policy(parliament: ModuleType) -> None:
    assert findings(parliament, suspended_policy([KEY_1])) == []


def test_parliament_can_find_something(parliament: ModuleType) -> None:
    document = policy_of(Interface.SMTP)
    statements(document)["SendAsOwnDomain"]["Action"] = ["ses:SendRawEmial"]
    assert [issue for issue, _ in findings(parliament, document)] == ["UNKNOWN_ACTION"]
