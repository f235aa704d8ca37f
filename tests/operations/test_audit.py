"""`audit`: every planted fault is found, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.findings.finding import Finding, Severity
from ses_tenant.core.tenant.observed import Attachments
from ses_tenant.core.tenant.policy import sending_policy
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.operations.audit import audit, audit_saved
from tests.fakes.example_tenant import ARN, NAME, REGION, SHOP, run_create
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.ses import FakeSes, verified

BLOG = SendingDomain.parse("blog.example.org")
OWN_ROOT = "arn:aws:iam::123456789012:root"
CONSOLE_GROUP = "AWSSESSendingGroupDoNotRename"
SEND = ["ses:SendEmail", "ses:SendRawEmail"]


def allow(
    action: object = "ses:SendRawEmail", resource: object = "*", **conditions: Mapping[str, object]
) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    if conditions:
        statement["Condition"] = conditions
    return {"Version": "2012-10-17", "Statement": [statement]}


def sender(*patterns: str) -> dict[str, object]:
    return {"ses:FromAddress": list(patterns)}


def account() -> FakeIam:
    """Return an account with two tenants."""
    iam = FakeIam()
    for domain in (SHOP, BLOG):
        run_create(iam, TenantRequest(domain, Interface.SMTP))
    return iam


def found(iam: FakeIam, ses: FakeSes | None = None, **options: Any) -> tuple[Finding, ...]:
    result, _ = audit(iam, ses or FakeSes(), Clock()(), timedelta(days=90), **options)
    return result.findings


Told = list[tuple[str, str, list[str]]]


def short(findings: Iterable[Finding]) -> Told:
    return [(f.rule, f.severity.value, [d.domain for d in f.domains]) for f in findings]


def told(iam: FakeIam, ses: FakeSes | None = None) -> Told:
    return short(found(iam, ses))


def hand_made(policy: Mapping[str, object]) -> Told:
    iam = account()
    iam.add_user("wordpress").policies["send"] = policy
    return told(iam)


BOTH = ["blog.example.org", "shop.example.com"]
EVERYBODY = ("may_send_as", "error", BOTH)
CANDIDATE: tuple[str, str, list[str]] = ("hand_made_user", "info", [])


def test_tenants_alone_are_quiet() -> None:
    assert told(account()) == []


def test_an_account_without_tenants_is_quiet_about_who_may_send() -> None:
    iam = FakeIam()
    iam.add_user("wordpress").policies["send"] = allow()
    assert told(iam) == [CANDIDATE]


def test_users_that_do_not_send_are_no_finding() -> None:
    assert hand_made(allow("s3:*")) == []
    assert hand_made(allow(["ses:GetSendQuota", "ses:ListIdentities"])) == []


def test_a_user_that_sends_as_a_domain_that_is_no_tenants() -> None:
    assert hand_made(allow(SEND, StringLike=sender("*@example.net"))) == [
        ("hand_made_user", "info", ["example.net"])
    ]


def test_a_user_that_may_send_as_everybody() -> None:
    assert hand_made(allow()) == [EVERYBODY, CANDIDATE]


def test_the_witness_the_statement_and_the_command_are_told() -> None:
    iam = account()
    policy = allow(SEND, StringLike=sender("*shop.example.com"))
    policy["Statement"][0]["Sid"] = "Wordpress"
    iam.add_user("wordpress").policies["send"] = policy
    (finding,) = [f for f in found(iam) if f.rule == "may_send_as"]
    (touched,) = finding.domains
    assert touched.witness is not None
    assert touched.witness.endswith("@shop.example.com")
    assert "Wordpress" in finding.message
    (step,) = finding.path
    assert (step.principal, step.action) == (finding.principal, "ses:SendRawEmail")
    assert "Wordpress" in step.statement
    assert finding.id.startswith("may_send_as:123456789012:user/wordpress:")
    # The domain has its tenant, so there is nobody to adopt.
    assert "the tenant shop.example.com" in finding.remedy


def test_the_command_that_adopts_is_named() -> None:
    iam = account()
    iam.add_user("wordpress").policies["send"] = allow(SEND, StringLike=sender("*@new.example"))
    (finding,) = found(iam)
    assert finding.remedy == "ses-tenant adopt new.example --user-name wordpress"


@pytest.mark.parametrize(
    ("policy", "rule", "severity"),
    [
        (allow(SEND, StringLike=sender("*example.net")), "missing_at", "error"),
        (
            allow([*SEND, "ses:GetSendQuota"], StringLike=sender("*@example.net")),
            "quota_denied",
            "info",
        ),
        (
            allow(SEND, StringLikeIfExists=sender("*@example.net")),
            "absent_from_allowed",
            "error",
        ),
        (
            allow(SEND, **{"ForAllValues:StringLike": sender("*@example.net")}),
            "absent_from_allowed",
            "error",
        ),
        (allow("ses:*", StringLike=sender("*@example.net")), "every_action", "info"),
        (
            allow(SEND, StringEqualsIfExists={"ses:FromDomain": "example.net"}),
            "unknown_key",
            "warning",
        ),
        (
            allow([*SEND, "ses:SendBulkEmail"], StringLike=sender("*@example.net")),
            "unlimited_action",
            "warning",
        ),
        (allow(SEND, StringEquals=sender("*@example.net")), "literal_wildcard", "warning"),
    ],
)
def test_what_is_wrong_with_policies_of_the_blogs_kind(
    policy: dict[str, Any], rule: str, severity: str
) -> None:
    rules = {(name, how_bad) for name, how_bad, _ in hand_made(policy)}
    assert (rule, severity) in rules
    # ses:* has the quota actions in it, and missing the @ lets some tenants be impersonated.
    usual = {("may_send_as", "error"), ("hand_made_user", "info"), ("quota_denied", "info")}
    assert rules - {(rule, severity)} <= usual


def test_every_ses_action_without_a_condition_is_worse() -> None:
    rules = hand_made(allow("ses:*"))
    assert ("every_action", "warning", []) in rules
    assert EVERYBODY in rules


def test_the_consoles_group() -> None:
    iam = account()
    iam.groups = {CONSOLE_GROUP: {"AmazonSesSendingAccess": allow()}}
    user = iam.add_user("ses-smtp-user.20240101")
    user.attachments = type(user.attachments)(groups=(CONSOLE_GROUP,))
    assert told(iam) == [EVERYBODY, ("console_group", "warning", []), CANDIDATE]
    (witness, *_) = found(iam)
    assert f"group {CONSOLE_GROUP}" in witness.message


def role(policy: Mapping[str, object]) -> dict[str, object]:
    return {
        "RoleName": "deploy",
        "Arn": "arn:aws:iam::123456789012:role/deploy",
        "Path": "/",
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy}],
        "AttachedManagedPolicies": [],
        "Tags": [],
    }


@pytest.mark.parametrize(
    ("action", "severity"), [(SEND, "warning"), ("*", "info"), (["iam:*", *SEND], "info")]
)
def test_a_role_is_a_warning_and_an_administrator_for_information(
    action: object, severity: str
) -> None:
    iam = account()
    iam.roles = [role(allow(action))]
    assert told(iam) == [("may_send_as", severity, BOTH)]


@pytest.mark.parametrize(
    "actions",
    [["iam:PutUserPolicy", "ses:*"], ["iam:*AccessKey", "ses:*"], ["ses:*", "iam:Create*"]],
)
def test_who_may_do_much_but_not_everything_is_no_administrator(actions: list[str]) -> None:
    iam = account()
    iam.add_user("wordpress").policies["work"] = allow(actions)
    assert EVERYBODY in told(iam)


def test_a_boundary_that_can_be_read_limits_and_one_that_cannot_does_not() -> None:
    iam = account()
    user = iam.add_user("wordpress")
    user.policies["send"] = allow()
    user.permissions_boundary = "arn:aws:iam::123456789012:policy/limit"
    iam.managed = {"arn:aws:iam::123456789012:policy/limit": allow("s3:*")}
    assert told(iam) == []
    iam.managed = {}
    rules = told(iam)
    assert EVERYBODY in rules
    assert ("unread_policy", "warning", []) in rules


def test_a_tenant_whose_policy_was_widened() -> None:
    iam = account()
    iam.users[NAME].policies["ses-tenant-sending"] = allow()
    assert told(iam) == [("may_send_as", "error", ["blog.example.org"])]
    assert found(iam)[0].remedy == "ses-tenant check shop.example.com --repair"


def test_two_tenants_that_share_a_domain_by_their_options() -> None:
    iam = account()
    run_create(iam, TenantRequest(SendingDomain.parse("all.example"), also=(SHOP,)))
    rules = told(iam)
    assert ("shared_domain", "warning", ["shop.example.com"]) in rules
    assert {severity for _, severity, _ in rules} == {"warning"}


def test_a_tenant_below_the_domain_of_another_with_subdomains() -> None:
    iam = FakeIam()
    for request in (
        TenantRequest(SendingDomain.parse("example.com"), subdomains=True),
        TenantRequest(SHOP),
    ):
        run_create(iam, request)
    assert told(iam) == [("shared_domain", "warning", ["shop.example.com"])]
    iam.users[NAME].policies["ses-tenant-sending"] = allow(
        SEND, StringLike=sender("*@shop.example.com", "*@example.com")
    )
    assert ("may_send_as", "error", ["example.com"]) in told(iam)


def test_old_and_never_used_keys_of_whoever_sends() -> None:
    clock = Clock()
    iam = FakeIam(clock)
    run_create(iam, TenantRequest(SHOP))
    iam.add_user("reader").policies["read"] = allow("s3:*")
    iam.add_key("reader")
    clock.advance(timedelta(days=91))
    result, _ = audit(iam, FakeSes(), clock(), timedelta(days=90))
    assert [(f.rule, f.severity, f.principal.rpartition("/")[2]) for f in result.findings] == [
        ("key_too_old", Severity.WARNING, NAME),
        ("key_never_used", Severity.INFO, NAME),
    ]


def test_a_sending_policy_of_an_identity() -> None:
    iam, ses = account(), FakeSes()
    iam.add_user("partner")
    partner = "arn:aws:iam::123456789012:user/partner"
    stranger = "arn:aws:iam::999999999999:root"
    document = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [partner, stranger, ARN, OWN_ROOT, "123456789012"]},
                "Action": "ses:SendRawEmail",
                "Resource": f"arn:aws:ses:{REGION}:123456789012:identity/shop.example.com",
            }
        ]
    }
    ses.identities[REGION, SHOP.name] = replace(verified(SHOP.name), policies={"shared": document})
    assert told(iam, ses) == [("identity_policy", "warning", ["shop.example.com"])] * 2
    assert {f.principal for f in found(iam, ses)} == {partner, stranger}


def test_identities_are_read_for_up_to_a_hundred_unless_asked() -> None:
    iam, ses = FakeIam(), FakeSes()
    for n in range(101):
        domain = SendingDomain.parse(f"site{n}.example.com")
        spec = TenantSpec(domain, Interface.SMTP, (REGION,))
        user = iam.add_user(spec.user_name, f"/ses-tenant/{domain}/", spec.tags)
        user.policies["ses-tenant-sending"] = sending_policy(spec)
        ses.identities[REGION, domain.name] = verified(domain.name)
    ses.identities["us-east-1", "elsewhere.example"] = None
    cases: list[tuple[bool | None, int, list[str]]]
    cases = [(None, 0, ["not_read"]), (True, 101, []), (False, 0, [])]
    for wanted, read, told in cases:
        ses.calls.clear()
        _, warnings = audit(iam, ses, Clock()(), timedelta(days=90), identity_policies=wanted)
        assert ses.calls.count("ses:GetEmailIdentity") == read
        assert [w.code for w in warnings] == told


def test_requests_are_one_for_a_thousand_users_and_a_few() -> None:
    iam = FakeIam()
    for n in range(2001):
        iam.add_user(f"user{n}")
    found(iam)
    assert len(iam.calls) <= 3 + 10
    assert iam.calls.count("iam:GetAccountAuthorizationDetails") == 3


def test_a_report_or_identities_that_may_not_be_read_are_told() -> None:
    iam, ses = account(), FakeSes()
    denied = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it.")
    ses.identities[REGION, SHOP.name] = denied
    iam.calls.clear()
    iam.fail_at(2, "before", denied)
    result, warnings = audit(iam, ses, Clock()(), timedelta(days=90))
    assert result.findings == ()
    assert [w.code for w in warnings] == ["not_read", "not_read"]


def test_a_saved_answer_is_audited_alike_but_for_keys() -> None:
    iam = account()
    iam.add_user("wordpress").policies["send"] = allow()
    (page,) = iam.account_details()
    result, _ = audit_saved(page, Clock()(), timedelta(days=90))
    assert short(result.findings) == told(iam)
    assert (result.principals, result.tenants) == (3, 2)


def test_what_is_no_answer_of_iam_is_refused() -> None:
    with pytest.raises(SesTenantError, match="get-account-authorization-details"):
        audit_saved({"UserDetailList": [{"UserName": "x"}]}, Clock()(), timedelta(days=90))


def test_a_tenant_whose_key_aws_has_found_in_public() -> None:
    arn = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"
    deny = {"Statement": [{"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}]}
    iam = account()
    iam.add_user("else")
    for name in (NAME, "else"):
        iam.attach(name, Attachments(managed_policies=(arn,)))
    iam.managed = {arn: deny}
    (finding,) = found(iam)
    assert (finding.rule, finding.severity, finding.principal) == ("key_quarantined", "error", ARN)
    assert [each.domain for each in finding.domains] == ["shop.example.com"]
    assert finding.remedy == "ses-tenant rotate-keys shop.example.com --compromised"
