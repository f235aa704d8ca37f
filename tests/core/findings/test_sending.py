"""Who may send by a cause is said once, whoever's domains they are and whoever it is said of."""

from datetime import UTC, datetime, timedelta

from ses_tenant.core.findings.audit import audit
from ses_tenant.core.findings.finding import (
    MAX_NAMED,
    AffectedDomain,
    Finding,
    Severity,
    shortened,
)
from tests.core.proof.accounts import IAM, Json, account, allow, deny, role, tenant, trusting, user

NAMES = ("a.example.com", "b.example.com", "c.example.org")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def sends_as(*patterns: str) -> Json:
    return allow("ses:SendRawEmail", StringLike={"ses:FromAddress": list(patterns)})


def found(*entries: Json, limit: int | None = None) -> list[Finding]:
    whole = account(*map(tenant, NAMES), *entries)
    findings = audit(whole, {}, (), NOW, timedelta(days=90), limit=limit).findings
    return [f for f in findings if f.rule in ("may_send_as", "undecided")]


def told(findings: list[Finding]) -> list[tuple[str, str, str, list[str]]]:
    return [
        (f.rule, f.severity.value, f.principal.rpartition("/")[2], [d.domain for d in f.domains])
        for f in findings
    ]


BECOMES = allow("sts:AssumeRole")
OPEN = trusting(f"{IAM}:root")


def test_of_several_ways_to_a_domain_the_best_is_said() -> None:
    direct = role("direct", sends_as("*.com"), trust=[OPEN])
    perhaps = role(
        "perhaps",
        sends_as("*"),
        trust=[trusting(f"{IAM}:root", Bool={"aws:MultiFactorAuthPresent": ["true"]})],
    )
    again = role("same", sends_as("*.com"), trust=[OPEN])
    of_desk = [
        f for f in found(user("desk", BECOMES), direct, perhaps, again) if "desk" in f.principal
    ]
    assert told(of_desk) == [
        ("may_send_as", "error", "desk", ["a.example.com", "b.example.com"]),
        ("may_send_as", "warning", "desk", ["c.example.org"]),
    ]
    certain, open_ = of_desk
    assert [step.principal.rpartition("/")[2] for step in certain.path] == ["desk", "direct"]
    assert certain.path[1].resource.endswith(":identity/a.example.com")
    assert certain.domains[0].witness == "a@a.example.com"
    assert open_.path[-1].resource.endswith(":identity/c.example.org")
    assert "multifactorauthpresent" in open_.message


def test_what_somebody_certainly_may_by_itself_is_not_said_of_others_again() -> None:
    sender = role("sender", sends_as("*"), trust=[OPEN])
    both = found(user("desk", BECOMES, sends_as("*.com")), sender)
    of_desk = sorted((f for f in both if "desk" in f.principal), key=lambda f: len(f.path))
    assert told(of_desk) == [
        ("may_send_as", "error", "desk", ["a.example.com", "b.example.com"]),
        ("may_send_as", "error", "desk", ["c.example.org"]),
    ]


def test_a_tenant_that_acts_as_somebody_is_not_told_of_its_own_domain() -> None:
    sender = role("sender", sends_as("*"), trust=[OPEN])
    other = tenant("d.example.com", BECOMES)
    (finding,) = [f for f in found(sender, other) if "/ses-d" in f.principal]
    assert [d.domain for d in finding.domains] == list(NAMES)


def test_whoever_may_act_as_one_of_whom_nobody_can_tell_is_under_a_finding() -> None:
    intricate = role("intricate", sends_as("${ses:FeedbackAddress}"), trust=[OPEN])
    of_desk = [f for f in found(user("desk", BECOMES), intricate) if "desk" in f.principal]
    assert told(of_desk) == [("undecided", "warning", "desk", list(NAMES))]
    assert of_desk[0].path[0].action == "sts:AssumeRole"
    assert "acting as" not in of_desk[0].message
    assert "role/intricate" in of_desk[0].path[0].resource


def test_domains_are_counted_once_and_named_up_to_a_limit_in_their_order() -> None:
    again = tenant("d.example.com", **{"ses-tenant:also": "b.example.com"})
    (finding,) = found(user("x", sends_as("*")), again, limit=2)
    assert [d.domain for d in finding.domains] == ["a.example.com", "b.example.com"]
    assert finding.domain_count == 4


def test_what_looks_the_same_to_a_policy_is_still_told_by_its_own_address() -> None:
    but_b = deny("ses:*", StringLike={"ses:FromAddress": ["*@b.example.com"]})
    (finding,) = found(user("x", sends_as("*.com", "*.org"), but_b))
    assert [d.witness for d in finding.domains] == [
        "a@a.example.com",
        "a@B.example.com",  # SES takes it for the same domain, and the Deny does not see it
        "a@c.example.org",
    ]
    (pinned,) = found(
        user("x", allow("ses:SendRawEmail", on="arn:aws:ses:*:*:identity/?.example.com"))
    )
    assert [d.domain for d in pinned.domains] == ["a.example.com", "b.example.com"]


def test_hundreds_of_findings_name_fewer_domains_each() -> None:
    domains = tuple(AffectedDomain(f"d{n}.example") for n in range(100))
    many = [
        Finding("may_send_as", Severity.ERROR, f"p{n}", "", "", domains, domain_count=5000)
        for n in range(400)
    ]
    note = Finding("hand_made_user", Severity.INFO, "x", "", "")
    short = shortened([*many, note])
    assert {len(f.domains) for f in short} == {MAX_NAMED // 400, 0}
    assert {f.domain_count for f in short} == {5000, 0}
    assert short[0].domains == domains[:50]
    assert shortened(many[:200]) == tuple(many[:200])
    assert {len(f.domains) for f in shortened(many * 10)} == {10}
