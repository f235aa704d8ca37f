"""Counting events and deciding by rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.watch.decide import Counts, Limits, Situation, decide
from ses_tenant.core.watch.events import Kind, MailEvent, Refused, read_event
from ses_tenant.core.watch.rules import DEFAULT_RULES, Metric, Outcome, Rule, parse_rule
from ses_tenant.core.watch.tally import Replay, Watched, replay, watched_by_name
from tests.core.watch.samples import ACCOUNT, NOW, event, notice

HOUR = timedelta(hours=1)
RULE = "bounce-rate > 10 % of >= 50 in 1h -> suspend"


def replayed(
    events: Sequence[object],
    *rules: str,
    limits: Limits | None = None,
    tenants: Mapping[str, Watched] | None = None,
    now: datetime | None = NOW,
) -> Replay:
    parsed = [parse_rule(rule) for rule in rules]
    return replay(events, ACCOUNT, tenants, parsed, limits or Limits(), NOW, now)


def outcomes(events: Sequence[object], *rules: str, limits: Limits | None = None) -> dict[str, str]:
    found = replayed(events, *rules, limits=limits).decisions
    return {tenant.domain: decision.outcome.value for tenant, decision in found}


def counted(events: Sequence[object], rule: str = RULE) -> tuple[int, int, int, int, int]:
    found = replayed(events, rule)
    return found.read, found.counted, found.duplicate, found.late, found.refused


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
    assert counted(events) == (20, 4, 1, 1, 13)
    ((_, decision),) = replayed(events, RULE).decisions
    assert decision.counts == Counts(sends=1, deliveries=1, recipients=1)


def test_two_bounces_of_one_mail_are_two_and_the_same_one_twice_is_one() -> None:
    first = event("bounce", 1)
    second = {**first, "detail": {**first["detail"], "bounce": {"feedbackId": "other"}}}
    assert counted([first, second, {**first, "id": "again"}]) == (3, 2, 1, 0, 0)


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
    total = replayed(mixed, *rules)
    assert (total.read, total.counted) == (len(mixed), len(events))
    assert total.counted + total.duplicate == total.read


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


def test_a_newsletter_to_many_is_measured_by_its_recipients() -> None:
    """Two of fifty recipients bounce of each mail, which is more bounces than sends."""
    many = [f"{n}@example.net" for n in range(50)]
    sends = [event("send", n, destination=many) for n in range(60)]
    one_by_one = [event("bounce", n, part=f"{n} {m}") for n in range(60) for m in (1, 2)]
    at_once = [event("bounce", n, bounced=many[:20]) for n in range(60)]
    assert outcomes([*sends, *one_by_one], RULE) == {"shop.example.com": "nothing"}
    ((_, decision),) = replayed([*sends, *at_once], RULE).decisions
    assert (decision.counts.sends, decision.counts.bounces) == (60, 60)
    assert decision.reason == (
        "60 bounces of 60 sends to 3000 recipients are 40.0 %, more than 10 %"
    )


def test_one_bounce_that_is_told_of_many_recipients_is_one() -> None:
    crowd = [event("bounce", 1, bounced=[f"{n}@example.net" for n in range(30)])]
    assert outcomes([*mails(60, 0), *crowd], RULE) == {"shop.example.com": "nothing"}


def test_the_border_of_a_window_does_not_count() -> None:
    inside, border = (
        [event("bounce", n, before=before) for n in range(10)]
        for before in (HOUR - timedelta(seconds=1), HOUR)
    )
    assert outcomes([*mails(50, 0), *inside], RULE) == {"shop.example.com": "suspend"}
    assert outcomes([*mails(50, 0), *border], RULE) == {"shop.example.com": "nothing"}
    assert counted([*mails(50, 0), *border]) == (60, 50, 0, 10, 0)


def test_a_tenant_whose_events_are_all_late_has_a_decision_of_nothing() -> None:
    assert outcomes([event(before=3 * HOUR)], RULE) == {"shop.example.com": "nothing"}


def test_without_a_time_recorded_events_are_decided_as_of_the_newest() -> None:
    old = [
        {**one, "time": "2025-06-01T10:00:00Z"} for one in mails(60, 30)
    ]  # fmt: skip
    found = replayed(old, RULE, now=None)
    assert [decision.outcome for _, decision in found.decisions] == [Outcome.SUSPEND]
    assert (found.counted, found.late) == (90, 0)
    ahead = {**event("bounce", 99), "time": "9999-12-31T23:59:59Z"}
    assert replayed([*old, ahead], RULE, now=None).refused == 1
    assert replayed([], RULE, now=None).decisions == ()


def test_with_a_file_only_its_tenants_are_decided_and_may_send_as_their_other_domains() -> None:
    shop = Watched(
        "shop.example.com", "ses-shop.example.com", ("shop.example.net",), subdomains=True,
        rules=(parse_rule("sends > 0 in 1h -> alert"), parse_rule("from-domain -> suspend")),
    )  # fmt: skip
    events = [
        event(number=1, sent_as="news.shop.example.net"),
        event(number=2, domain="blog.example.org"),
    ]  # fmt: skip
    found = replayed(events, RULE, tenants={shop.user_name: shop})
    assert [(t.domain, d.outcome) for t, d in found.decisions] == [
        ("shop.example.com", Outcome.ALERT)
    ]
    assert found.strangers == {"ses-blog.example.org": 1}


def test_an_ses_tenant_that_ses_has_stopped_is_an_alert() -> None:
    shop = Watched("shop.example.com", "ses-shop.example.com")
    stopped = notice("Sending Status Disabled", "shop-example-com")
    other = notice("Sending Status Disabled", "somebody-else")
    advice = notice("Advisor Recommendation Status Open", "shop-example-com")
    rules = ("sending-disabled -> alert", RULE)
    found = replayed([stopped, other, advice], *rules, tenants={shop.user_name: shop})
    ((tenant, decision),) = found.decisions
    assert (tenant.domain, decision.outcome) == ("shop.example.com", Outcome.ALERT)
    assert decision.reason == "SES has stopped its SES tenant"
    assert (found.counted, found.refused) == (2, 0)
    twice = Watched("shop-example.com", "ses-shop-example.com")
    both = {t.user_name: t for t in (shop, twice)}
    assert replayed([stopped], *rules, tenants=both).decisions == ()


def test_mail_that_another_account_sent_is_not_the_tenants() -> None:
    foreign = event()
    foreign["detail"]["mail"]["sendingAccountId"] = "999999999999"
    assert read_event(foreign, ACCOUNT) is Refused.FOREIGN


@pytest.mark.parametrize(
    "change",
    [
        {"time": "0001-01-01T00:00:00+05:00"}, {"time": "2026-03-01T12:00:00"}, {"time": 5},
        {"account": None}, {"detail-type": ["Email Sent"]}, {"detail-type": {}}, {"detail": []},
        {"detail": {"mail": {"messageId": 7}}}, {"detail": {"mail": {"messageId": ""}}},
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(change: dict[str, object]) -> None:
    assert read_event({**event(), **change}, None) is Refused.MALFORMED


@pytest.mark.parametrize("tags", [None, [], "x", {}, {"ses:caller-identity": []}, {"a": 1}])
def test_mail_without_the_tags_of_a_user_is_nobodys(tags: object) -> None:
    untagged = event()
    untagged["detail"]["mail"]["tags"] = tags
    found = replayed([untagged], RULE)
    assert (found.read, found.counted, found.refused, found.strangers) == (1, 0, 0, {None: 1})


def test_the_default_rules_are_documented() -> None:
    document = (Path(__file__).parents[3] / "docs" / "watch.md").read_text("utf-8")
    shown = document.partition("<!-- the default rules -->\n```text\n")[2].partition("```")[0]
    assert shown.splitlines() == list(DEFAULT_RULES)
