"""Findings: one for a principal, a rule and a cause; an id that stays; the worst first."""

import random

from ses_tenant.core.findings.finding import (
    AffectedDomain,
    Finding,
    Gathering,
    Severity,
    at_least,
    worst,
)
from ses_tenant.core.findings.rules import Rule

ALICE = "arn:aws:iam::123456789012:user/alice"
BOB = "arn:aws:iam::123456789012:user/bob"


def sends(
    principal: str, domain: str, cause: str = "All", severity: Severity | None = None
) -> Finding:
    return Rule.MAY_SEND_AS.found(
        principal, f"may send by {cause}", "Stop it.",
        domains=(AffectedDomain(domain, f"a@{domain}"),), cause=cause, severity=severity,
    )  # fmt: skip


def test_a_principal_with_one_cause_is_one_finding_however_many_domains_it_touches() -> None:
    gathering = Gathering()
    for number in range(5000):
        gathering.add(sends(ALICE, f"site{number:04}.example"))
    (finding,) = gathering.findings()
    assert finding.domain_count == 5000
    assert len(finding.domains) == 100
    assert finding.domains[0] == AffectedDomain("site0000.example", "a@site0000.example")


def test_without_a_limit_all_domains_are_named() -> None:
    gathering = Gathering(limit=None)
    gathering.update(sends(ALICE, f"site{number}.example") for number in range(300))
    (finding,) = gathering.findings()
    assert (finding.domain_count, len(finding.domains)) == (300, 300)


def test_the_same_domain_twice_counts_once_beyond_the_limit_too() -> None:
    gathering = Gathering(limit=1)
    for domain in ("a.example", "b.example", "b.example", "a.example"):
        gathering.add(sends(ALICE, domain))
    (finding,) = gathering.findings()
    assert (finding.domain_count, len(finding.domains)) == (2, 1)


def test_another_cause_or_principal_is_another_finding() -> None:
    gathering = Gathering()
    for finding in (sends(ALICE, "a.example"), sends(ALICE, "a.example", "Other")):
        gathering.add(finding)
    gathering.add(sends(BOB, "a.example"))
    assert len({finding.id for finding in gathering.findings()}) == 3


def test_the_id_stays_when_domains_come_and_go_and_whatever_the_order() -> None:
    domains = [f"site{number}.example" for number in range(20)]
    orders = [domains, domains[::-1], domains[:3]]
    ids = set()
    for order in orders:
        gathering = Gathering()
        gathering.update(sends(ALICE, domain) for domain in order)
        ids |= {finding.id for finding in gathering.findings()}
    # The literal: people keep ids in files.
    assert ids == {"may_send_as:123456789012:user/alice:a52ace42"}


def test_the_account_is_part_of_the_id_and_what_is_no_arn_stands_as_it_is() -> None:
    other = ALICE.replace("123456789012", "999999999999")
    assert Rule.UNDECIDED.found(ALICE, "", "").id == "undecided:123456789012:user/alice"
    assert Rule.UNDECIDED.found(other, "", "").id == "undecided:999999999999:user/alice"
    assert Rule.IDENTITY_POLICY.found("*", "", "").id == "identity_policy:*"


def test_the_worst_come_first_and_the_order_does_not_hang_on_when_they_were_found() -> None:
    found = [
        Rule.HAND_MADE_USER.found(BOB, "", ""),
        sends(BOB, "a.example"),
        Rule.SHARED_DOMAIN.found(ALICE, "", ""),
        sends(ALICE, "a.example"),
        sends(ALICE, "a.example", "Other"),
    ]
    expected = ["may_send_as"] * 3 + ["shared_domain", "hand_made_user"]
    seen = set()
    for seed in range(10):
        random.Random(seed).shuffle(found)
        gathering = Gathering()
        gathering.update(found)
        assert [finding.rule for finding in gathering.findings()] == expected
        seen.add(tuple(finding.id for finding in gathering.findings()))
    assert len(seen) == 1


def test_of_alike_findings_the_worst_severity_counts() -> None:
    gathering = Gathering()
    for severity in (Severity.INFO, Severity.ERROR, Severity.WARNING):
        gathering.add(sends(ALICE, f"{severity}.example", severity=severity))
    (finding,) = gathering.findings()
    assert (finding.severity, finding.domain_count) == (Severity.ERROR, 3)


def test_how_bad_findings_are_taken_together() -> None:
    notes = [Rule.HAND_MADE_USER.found(BOB, "", "")]
    both = [*notes, Rule.SHARED_DOMAIN.found(BOB, "", "")]
    assert (worst([]), worst(notes), worst(both)) == (None, Severity.INFO, Severity.WARNING)
    assert at_least(notes, Severity.INFO)
    assert not at_least(notes, Severity.WARNING)
    assert at_least(both, Severity.WARNING)
    assert not at_least(both, Severity.ERROR)
    assert not at_least([], Severity.INFO)


def test_a_rule_is_declared_whole() -> None:
    for rule in Rule:
        assert rule.found(ALICE, "", "").severity is rule.severity
        assert set(rule.verbs) <= {"audit", "check"}
        assert rule.verbs
        assert rule.meaning[0].islower() or rule.meaning[0] in "`AS"
        assert not rule.meaning.endswith(".")
        assert "|" not in rule.meaning
