"""Findings that are accepted until a day: quiet until then, and never more than was decided."""

from datetime import date

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.findings.accepted import Accepted, Known, parse_accepted, set_aside
from ses_tenant.core.findings.finding import AffectedDomain, Finding
from ses_tenant.core.findings.rules import Rule

TODAY = date(2026, 6, 15)
DEPLOY = "arn:aws:iam::123456789012:role/deploy"
OTHER = "arn:aws:iam::999999999999:role/deploy"


def sends(principal: str = DEPLOY, *domains: str) -> Finding:
    return Rule.MAY_SEND_AS.found(principal, "may", "", domains=map(AffectedDomain, domains))


def entry(
    until: str = "2026-06-15", domains: tuple[str, ...] | None = None, of: str = ""
) -> Accepted:
    id_ = of or "may_send_as:123456789012:role/deploy"
    return Accepted(id_, "builds", date.fromisoformat(until), domains)


def known(finding: Finding | None, *entries: Accepted, **options: object) -> Known:
    found = [finding] if finding else []
    return set_aside(found, entries, TODAY, "audit", **options)  # type: ignore[arg-type]


def test_an_accepted_finding_does_not_count_up_to_and_including_its_day() -> None:
    for until in ("2026-06-15", "2026-06-16", "2030-01-01"):
        result = known(sends(), entry(until))
        assert result.remaining == ()
        assert [e.until for _, e in result.accepted] == [date.fromisoformat(until)]


def test_after_its_day_a_finding_counts_again() -> None:
    result = known(sends(), entry("2026-06-14"))
    assert (result.remaining, result.accepted) == ((sends(),), ())
    assert result.expired == (entry("2026-06-14"),)


def test_an_entry_that_nothing_is_found_for_is_stale_even_past_its_day() -> None:
    assert known(None, entry()).stale == (entry(),)
    assert known(None, entry("2020-01-01")).stale == (entry("2020-01-01"),)


def test_an_entry_of_another_verb_or_account_is_not_stale() -> None:
    drift = entry(of="policy_drift:123456789012:user/x")
    assert known(None, drift).stale == ()
    assert set_aside([], [drift], TODAY, "check").stale == (drift,)
    assert known(None, entry(), accounts={"999999999999"}).stale == ()
    assert known(None, entry(), accounts={"123456789012"}).stale == (entry(),)
    assert known(None, entry(), accounts=()).stale == ()
    anybody = entry(of="identity_policy:*")
    assert known(None, anybody, accounts={"123456789012"}).stale == (anybody,)


def test_the_same_name_in_another_account_is_not_accepted() -> None:
    result = known(sends(OTHER), entry())
    assert len(result.remaining) == 1
    assert result.stale == (entry(),)


@pytest.mark.parametrize(
    ("found", "allowed", "quiet"),
    [
        (("a.example",), None, True),
        (("a.example",), ("a.example",), True),
        (("a.example",), ("a.example", "b.example"), True),
        (("a.example", "b.example"), ("a.example",), False),
        (("c.example",), ("a.example",), False),
        (("a.example",), (), False),
    ],
)
def test_a_finding_that_touches_more_domains_than_were_accepted_counts(
    found: tuple[str, ...], allowed: tuple[str, ...] | None, quiet: bool
) -> None:
    result = known(sends(DEPLOY, *found), entry(domains=allowed))
    assert (len(result.accepted), len(result.exceeded)) == ((1, 0) if quiet else (0, 1))
    assert len(result.remaining) == (0 if quiet else 1)


def test_domains_that_are_not_named_are_not_taken_for_accepted() -> None:
    many = Finding(
        "may_send_as", Rule.MAY_SEND_AS.severity, DEPLOY, "", "", (AffectedDomain("a.example"),),
        domain_count=2,
    )  # fmt: skip
    assert known(many, entry(domains=("a.example",))).exceeded != ()


GOOD = """
[[accepted]]
id = "may_send_as:123456789012:role/deploy:5b1f0c2e"
reason = "Sends the mails of builds."
until = 2026-10-31
domains = ["shop.example.com"]

[[accepted]]
id = "policy_drift:123456789012:user/x"
reason = "Being moved."
until = 2026-07-01
"""


def test_a_file() -> None:
    assert parse_accepted(GOOD, "known.toml") == (
        Accepted(
            "may_send_as:123456789012:role/deploy:5b1f0c2e",
            "Sends the mails of builds.",
            date(2026, 10, 31),
            ("shop.example.com",),
        ),
        Accepted("policy_drift:123456789012:user/x", "Being moved.", date(2026, 7, 1)),
    )
    assert parse_accepted("", "known.toml") == ()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("until = 2026-10-31", "", "entry 1: 'until' must be a day"),
        ("2026-10-31", '"2026-10-31"', "entry 1: 'until' must be a day"),
        ("2026-10-31", "2026-10-31T10:00:00Z", "entry 1: 'until' must be a day"),
        ('"Sends the mails of builds."', '" "', "entry 1: 'reason' must say why"),
        ('"may_send_as:', '"may_sned_as:', "entry 1: 'id' must be the id of a finding"),
        ('["shop.example.com"]', '"shop.example.com"', "entry 1: 'domains' must be a list"),
        ('reason = "Being', 'raeson = "Being', "entry 2: 'raeson' is not known there"),
        (
            "policy_drift:123456789012:user/x",
            "may_send_as:123456789012:role/deploy:5b1f0c2e",
            "twice",
        ),
        ("[[accepted]]\nid", "[accepted]\nid", "Cannot"),
        ("[[accepted]]", "[[accepts]]", "'accepts' is not known there"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(old: str, new: str, told: str) -> None:
    with pytest.raises(SesTenantError) as raised:
        parse_accepted(GOOD.replace(old, new), "known.toml")
    assert raised.value.code is ErrorCode.USAGE
    assert "known.toml" in raised.value.message
    assert told in raised.value.message


def test_what_stands_behind_an_accepted_finding_counts() -> None:
    other = sends(OTHER)
    result = set_aside([sends(), other], [entry()], TODAY, "audit")
    assert result.remaining == (other,)
    assert [finding for finding, _ in result.accepted] == [sends()]
