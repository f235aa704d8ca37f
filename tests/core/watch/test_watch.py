"""Counting events and deciding by rules."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.watch.decide import Counts, Limits, Situation, decide
from ses_tenant.core.watch.events import Kind, MailEvent, Refused, read_event
from ses_tenant.core.watch.rules import DEFAULT_RULES, Metric, Outcome, Rule, parse_rule
from ses_tenant.core.watch.tally import Tally, Watched, decisions, longest, watched_by_name
from tests.core.watch.samples import ACCOUNT, NOW, event

HOUR = timedelta(hours=1)
RULE = "bounce-rate > 10 % of >= 50 in 1h -> suspend"


def tally(events: Sequence[object], rules: Sequence[Rule]) -> Tally:
    found = Tally()
    for one in events:
        found.add(
            one,
            ACCOUNT,
            lambda mail: watched_by_name(mail.user_name or "", mail.from_domain),
            NOW - longest(rules, {}),
            NOW,
        )
    return found


def outcomes(events: Sequence[object], *rules: str, limits: Limits | None = None) -> dict[str, str]:
    parsed = [parse_rule(rule) for rule in rules]
    found = decisions(tally(events, parsed), parsed, limits or Limits(), NOW)
    return {tenant.domain: decision.outcome.value for tenant, decision in found}


def mails(sends: int, bounces: int, domain: str = "shop.example.com") -> list[dict[str, Any]]:
    return [event("send", n, domain) for n in range(sends)] + [
        event("bounce", n, domain) for n in range(bounces)
    ]


@pytest.mark.parametrize(
    ("sends", "bounces", "outcome"),
    [(50, 5, "nothing"), (50, 6, "suspend"), (49, 49, "nothing"), (1000, 100, "nothing"),
     (1000, 101, "suspend"), (0, 60, "nothing")],
)  # fmt: skip
def test_a_rate_counts_from_its_least_volume_on_and_above_its_limit(
    sends: int, bounces: int, outcome: str
) -> None:
    assert outcomes(mails(sends, bounces), RULE) == {"shop.example.com": outcome}


def test_one_hacked_site_does_not_touch_its_neighbours() -> None:
    events = mails(60, 30) + mails(60, 1, "blog.example.org") + mails(1, 1, "news.example.net")
    assert outcomes(events, RULE) == {
        "shop.example.com": "suspend",
        "blog.example.org": "nothing",
        "news.example.net": "nothing",
    }


def test_what_comes_twice_late_or_from_elsewhere_does_not_count() -> None:
    forged = {**event("bounce", 900), "source": "my.app"}
    other_account = {**event("bounce", 901), "account": "999999999999"}
    ahead = event("bounce", 902, before=-timedelta(hours=1))
    stranger = event("send", 903, caller="somebody-else", domain="elsewhere.example")
    broken: list[object] = [
        None, 7, "x", [], {}, {"source": "aws.ses"},
        {**event(), "time": "yesterday"}, {**event(), "detail": "x"},
        {**event(), "detail": {"eventType": "Send", "mail": {}}},
        {**event("bounce"), "detail-type": "Email Sent"},
    ]  # fmt: skip
    events = [
        event("send", 1), event("send", 1), event("send", 2, before=2 * HOUR), stranger,
        event("delay", 3), event("bounce", 4, bounce_type="Transient"), event("delivery", 5),
        forged, other_account, ahead, *broken,
    ]  # fmt: skip
    found = tally(events, [parse_rule(RULE)])
    assert (found.read, found.counted, found.duplicate, found.late, found.refused) == (
        20, 4, 1, 1, 13,
    )  # fmt: skip
    total = Counts()
    for counts in found.times.values():
        total = total.plus(counts)
    assert total == Counts(sends=1, deliveries=1)


def test_two_bounces_of_one_mail_are_two_and_the_same_one_twice_is_one() -> None:
    first = event("bounce", 1)
    second = {**first, "detail": {**first["detail"], "bounce": {"feedbackId": "other"}}}
    found = tally([first, second, {**first, "id": "again"}], [parse_rule(RULE)])
    assert (found.counted, found.duplicate) == (2, 1)


def test_a_from_domain_that_is_not_the_tenants_is_an_alert_at_once() -> None:
    rules = ("from-domain -> alert", RULE)
    assert outcomes([event(sent_as="bank.example")], *rules) == {"shop.example.com": "alert"}
    assert outcomes([event()], *rules) == {"shop.example.com": "nothing"}
    events = [*mails(60, 30), event("send", 999, sent_as="bank.example")]
    assert outcomes(events, *rules) == {"shop.example.com": "suspend"}


def test_no_more_than_so_many_are_suspended_an_hour() -> None:
    events = [e for n in range(4) for e in mails(60, 30, f"site{n}.example.com")]
    found = outcomes(events, RULE, limits=Limits(most_an_hour=3, suspended_in_the_last_hour=1))
    assert list(found.values()) == ["suspend", "suspend", "alert", "alert"]


@given(
    sends=st.integers(0, 80), bounces=st.integers(0, 80), complaints=st.integers(0, 80),
    least=st.integers(1, 60), seed=st.integers(0, 1000), again=st.integers(0, 20),
)  # fmt: skip
def test_order_and_repetition_change_nothing_and_few_mails_suspend_nobody(
    sends: int, bounces: int, complaints: int, least: int, seed: int, again: int
) -> None:
    events = mails(sends, bounces) + [event("complaint", n) for n in range(complaints)]
    rules = (
        f"bounce-rate > 10 % of >= {least} in 1h -> suspend",
        f"complaint-rate > 0.1 % of >= {least} in 1d -> suspend",
    )
    mixed = [*events, *events[:again]]
    Random(seed).shuffle(mixed)
    found = outcomes(events, *rules)
    assert found == outcomes(mixed, *rules)
    if sends < least:
        assert "suspend" not in found.values()
    counted = tally(mixed, [parse_rule(r) for r in rules])
    assert counted.counted == len(events)
    assert counted.counted + counted.duplicate == counted.read


@pytest.mark.parametrize("text", [*DEFAULT_RULES, RULE, "sends > 1000 in 90m -> alert"])
def test_a_rule_reads_as_it_is_written(text: str) -> None:
    assert str(parse_rule(text)) == text
    assert parse_rule(f"  {text.replace(' > ', '>').replace(' -> ', '->')} ") == parse_rule(text)


def test_the_parts_of_a_rule() -> None:
    assert parse_rule("complaint-rate > 0.5 % of >= 200 in 2d -> alert") == Rule(
        Metric.COMPLAINT_RATE, Outcome.ALERT, Decimal("0.5"), 200, timedelta(days=2)
    )


@pytest.mark.parametrize(
    "text",
    ["", "bounce-rate", "bounce-rate > 10 in 1h -> suspend", "sends > 5 % of >= 3 in 1h -> alert",
     "opens > 3 in 1h -> alert", "sends > 3 in 1h -> delete", "sends > 3 in 0m -> alert",
     "sends > 3 in 8d -> alert", "sends > -3 in 1h -> alert", "from-domain > 3 in 1h -> alert",
     "bounce-rate > 101 % of >= 50 in 1h -> suspend", "bounce-rate > 10 % of >= 0 in 1h -> alert",
     "sends -> alert", "sends > 3 in 1h -> nothing"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(SesTenantError) as refused:
        parse_rule(text)
    assert refused.value.code is ErrorCode.USAGE


def test_a_key_that_aws_has_quarantined_is_told_by_name() -> None:
    rules = [parse_rule(rule) for rule in DEFAULT_RULES]
    decision = decide(Situation({}, quarantined="AWSCompromisedKeyQuarantineV3"), rules, Limits())
    assert decision.outcome is Outcome.SUSPEND
    assert "AWSCompromisedKeyQuarantineV3" in decision.reason
    assert decide(Situation({}, disabled=True), rules, Limits()).outcome is Outcome.ALERT
    assert decide(Situation({}), rules, Limits()).outcome is Outcome.NOTHING


def test_a_name_that_was_cut_is_known_by_the_from_domain() -> None:
    long = ".".join(["a" * 50, "b" * 50, "example", "com"])
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant import naming

    name = naming.user_name(SendingDomain(long))
    assert len(name) == 64
    assert watched_by_name(name, long) == Watched(long, name)
    assert watched_by_name(name, "other.example") is None
    assert watched_by_name("ses-smtp-user.20240101-120000", "shop.example.com") is None


def test_an_event_over_the_api_reads_like_one_over_smtp() -> None:
    api, smtp = (read_event(event(smtp=flag), ACCOUNT) for flag in (False, True))
    assert api == smtp
    assert isinstance(api, MailEvent)
    assert (api.kind, api.user_name) == (Kind.SEND, "ses-shop.example.com")
    assert read_event(event(), "999999999999") is Refused.FOREIGN
    assert isinstance(read_event(event(), None), MailEvent)
