"""What `audit` says of those who can become a tenant."""

from datetime import UTC, datetime, timedelta

from ses_tenant.core.findings.audit import audit
from ses_tenant.core.findings.finding import Finding, PathStep
from ses_tenant.core.findings.folding import Folding
from ses_tenant.core.findings.takeover import Expected, takeover_findings
from ses_tenant.core.proof.takeover import Takeovers
from tests.core.proof.accounts import (
    BLOG,
    IAM,
    ROOT,
    SHOP,
    Json,
    account,
    allow,
    role,
    tenant,
    trusting,
    user,
)

TENANTS = f"{IAM}:user/ses-tenant/*"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def found(
    *entries: Json, operators: tuple[str, ...] = (), limit: int | None = None
) -> tuple[Finding, ...]:
    whole = account(tenant(), tenant(BLOG), *entries)
    days = timedelta(days=90)
    return audit(whole, {}, (), NOW, days, operators=operators, limit=limit).findings


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str, str, int]]:
    return [
        (f.rule, f.severity.value, f.principal.rpartition("/")[2], f.domain_count) for f in findings
    ]


DESK = user("desk", allow("iam:CreateAccessKey", on=TENANTS))


def test_a_user_is_an_error_and_all_tenants_are_one_finding() -> None:
    (finding,) = found(DESK)
    assert told((finding,)) == [("may_take_over", "error", "desk", 2)]
    assert [d.domain for d in finding.domains] == [BLOG, SHOP]
    assert finding.domains[1].witness == f"{IAM}:user/ses-tenant/{SHOP}/ses-{SHOP}"
    assert finding.message == (
        "may make itself an access key of the tenant's user by iam:CreateAccessKey"
    )
    statement = "the statement number 1 of the policy own"
    arn = f"{IAM}:user/ses-tenant/{BLOG}/ses-{BLOG}"
    assert finding.path == (PathStep(f"{IAM}:user/desk", "iam:CreateAccessKey", arn, statement),)
    assert "iam:CreateAccessKey" in finding.remedy
    (short,) = found(DESK, limit=1)
    assert (len(short.domains), short.domain_count) == (1, 2)


def test_an_operator_is_expected_to_do_so() -> None:
    assert told(found(DESK, operators=(f"{IAM}:user/desk",))) == [
        ("may_take_over", "info", "desk", 2)
    ]


def test_a_role_is_a_warning_and_who_may_assume_it_is_told_with_the_way() -> None:
    ops = role("ops", allow("iam:CreateAccessKey", on=TENANTS), trust=[trusting(ROOT)])
    findings = found(user("dev", allow("sts:AssumeRole")), ops)
    assert told(findings) == [
        ("may_take_over", "error", "dev", 2),
        ("may_take_over", "warning", "ops", 2),
    ]
    assert ", acting as role/ops" in findings[0].message
    assert [step.principal for step in findings[0].path] == [f"{IAM}:user/dev", f"{IAM}:role/ops"]
    assert findings[0].id != findings[1].id


def test_a_condition_is_told() -> None:
    mfa: Json = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    (finding,) = found(user("desk", allow("iam:CreateAccessKey", on=TENANTS, **mfa)))
    assert finding.severity.value == "warning"
    assert finding.message.endswith(", if Bool aws:multifactorauthpresent true")


def test_what_the_deny_keeps_void_is_for_information() -> None:
    (finding,) = found(user("desk", allow("iam:AttachUserPolicy", on=TENANTS)))
    assert told((finding,)) == [("may_take_over", "info", "desk", 2)]
    assert "the Deny in the policy of the tenant" in finding.message


def test_who_may_act_as_a_sender_may_send() -> None:
    mailer = role("mailer", allow("ses:SendRawEmail"), trust=[trusting(ROOT)])
    findings = found(user("dev", allow("sts:AssumeRole")), mailer)
    assert told(findings) == [
        ("may_send_as", "error", "dev", 2),
        ("may_send_as", "warning", "mailer", 2),
    ]
    assert [step.action for step in findings[0].path] == ["sts:AssumeRole", "ses:SendRawEmail"]
    assert findings[0].domains[0].witness == f"a@{BLOG}"


def test_an_administrator_is_one_note_whatever_it_may() -> None:
    assert told(found(user("boss", allow("*")))) == [("may_send_as", "info", "boss", 2)]
    assert told(found(user("boss", allow("iam:*")))) == [("may_take_over", "info", "boss", 0)]


def test_a_search_that_was_cut_short_is_told() -> None:
    cut = Takeovers((), {}, {}, (f"{IAM}:user/dev",))
    (finding,) = takeover_findings(cut, Expected(), Folding((), None), None)
    assert told((finding,)) == [("search_cut_short", "warning", "dev", 0)]


MFA: Json = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
MAIL = "arn:aws:ses:eu-central-1:123456789012:identity"


def test_conditional_ways_to_tenants_that_are_taken_over_for_certain_are_counted() -> None:
    delegate = allow("ses:PutIdentityPolicy", on=f"{MAIL}/*", **MFA)
    send = allow("ses:SendRawEmail", **MFA)
    desk = allow("iam:CreateAccessKey", on=TENANTS)
    (alone,) = found(user("desk", desk))
    mailer = role("mailer", send, trust=[trusting(ROOT)])
    findings = found(user("desk", desk, delegate, allow("sts:AssumeRole")), mailer)
    (taking,) = [f for f in findings if f.principal == f"{IAM}:user/desk"]
    assert taking.domain_count == alone.domain_count == 2
    assert taking.id == alone.id
    told_ = "; further ways to the same tenants, each on a condition: 2"
    assert taking.message == f"{alone.message}{told_}"


def test_a_way_to_another_tenant_or_for_certain_stays() -> None:
    shop = allow("iam:CreateAccessKey", on=f"{IAM}:user/ses-tenant/{SHOP}/*")
    both = allow("ses:PutIdentityPolicy", on=f"{MAIL}/*", **MFA)
    assert told(found(user("desk", shop, both))) == [
        ("may_take_over", "error", "desk", 1),
        ("may_delegate", "warning", "desk", 2),
    ]
    sure = allow("ses:PutIdentityPolicy", on=f"{MAIL}/{SHOP}")
    assert told(found(user("desk", shop, sure))) == [
        ("may_delegate", "error", "desk", 1),
        ("may_take_over", "error", "desk", 1),
    ]
    perhaps = allow("iam:CreateAccessKey", on=TENANTS, **MFA)
    assert told(found(user("desk", perhaps, both))) == [
        ("may_delegate", "warning", "desk", 2),
        ("may_take_over", "warning", "desk", 2),
    ]


def test_no_domain_is_lost_by_the_limit_of_those_that_are_named() -> None:
    desk = allow("iam:CreateAccessKey", on=TENANTS)
    other = allow("ses:PutIdentityPolicy", on=f"{MAIL}/{SHOP}", **MFA)
    findings = found(user("desk", desk, other), limit=1)
    assert {d.domain for f in findings for d in f.domains} == {BLOG, SHOP}
    assert told(found(user("desk", desk, other))) == [("may_take_over", "error", "desk", 2)]
