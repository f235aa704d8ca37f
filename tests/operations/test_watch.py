"""Events of SES, counted and acted upon, whatever comes in between."""

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.watch.buckets import Grain, spans
from ses_tenant.core.watch.decide import Counts, Limits
from ses_tenant.core.watch.rules import DEFAULT_RULES, parse_rule
from ses_tenant.core.watch.tally import Watched as Named
from ses_tenant.operations.watch import Did, Watch, act_on_quarantined
from tests.core.watch.samples import NOW, event, notice
from tests.core.watch.test_watch import mails
from tests.fakes.example_tenant import run_create
from tests.fakes.iam import Crash
from tests.fakes.watch import HACKED, RULE, Watched

HOUR = timedelta(hours=1)
BLOG = "blog.example.org"


def shifted(events: list[dict[str, Any]], by: timedelta, name: str) -> list[dict[str, Any]]:
    """Return other events of the same kinds, later."""
    at = (NOW + by).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        {
            **one,
            "time": at,
            "detail": {
                **one["detail"],
                "mail": {**one["detail"]["mail"], "messageId": f"{name} {number}"},
            },
        }
        for number, one in enumerate(events)
    ]


def test_a_hacked_site_is_suspended_with_the_reason_and_its_neighbours_go_on() -> None:
    account = Watched()
    done = account.handle([*mails(60, 30), *mails(60, 1, BLOG)])
    assert [(act.tenant.domain, act.did) for act in done.acts] == [
        (HACKED, Did.SUSPENDED), (BLOG, Did.NOTHING),
    ]  # fmt: skip
    assert (account.suspended(), account.suspended(BLOG)) == (True, False)
    assert done.to_json() == {
        "read": 151, "counted": 151, "duplicate": 0, "late": 0, "refused": 0, "strangers": 0,
        "failed": 0,
    }  # fmt: skip
    tag = account.iam.users[f"ses-{HACKED}"].tags["ses-tenant:suspended"]
    assert tag.startswith("2026-03-01T12:00:00Z watch: 30 bounces of 60 sends are 50.0 ")
    (told,) = account.told
    assert told.startswith(f"{HACKED}: was suspended\n")
    assert f"ses-tenant resume {HACKED}" in told
    hacked = done.acts[0]
    assert len(hacked.events) == 20
    assert all(key.startswith("Bounce:") for key in hacked.events)


def test_a_batch_that_comes_again_changes_nothing() -> None:
    account = Watched()
    account.handle(mails(60, 30))
    writes = list(account.iam.writes)
    again = account.handle(mails(60, 30))
    assert (again.counted, again.duplicate, again.acts[0].did) == (0, 90, Did.SUSPENDED_BEFORE)
    assert account.iam.writes == writes
    assert len(account.told) == 1


def test_what_is_left_open_by_a_death_at_any_call_is_finished_by_the_next_run() -> None:
    watch = Watch((parse_rule("bounce-rate > 10 % of >= 9 in 1h -> suspend"),), dry=False)
    events = [*mails(9, 3), *mails(1, 0, BLOG)]
    number, died = 0, True
    while died:
        account, number = Watched(watch=watch), number + 1
        account.calls.clear()
        account.stop_at = number
        try:
            account.handle(events)
            died = False
        except Crash:
            account.stop_at = None
            account.handle(events)
        account.stop_at = None
        assert account.suspended(), number
        assert 1 <= len(account.told) <= 2, number
        whole = spans(NOW - HOUR, NOW)
        assert account.memory.counts(HACKED, whole).events == 12
        assert account.memory.slots == {HACKED: NOW}
        assert account.act(events).did is Did.SUSPENDED_BEFORE
    assert number > 20


def test_the_first_week_is_dry_and_tells_once() -> None:
    account = Watched(watch=Watch((parse_rule(RULE),)))
    account.handle([])
    assert account.act(mails(60, 30)).did is Did.TOLD
    assert account.act(mails(60, 30)).did is Did.TOLD_BEFORE
    assert not account.suspended()
    (told,) = account.told
    assert told.startswith(f"{HACKED}: would be suspended (dry)\n")
    account.later(timedelta(days=7))
    assert account.act(shifted(mails(60, 30), timedelta(days=7), "x")).did is Did.SUSPENDED


def test_no_more_than_so_many_are_suspended_an_hour_and_the_others_are_told_of() -> None:
    domains = [f"site{n}.example.com" for n in range(4)]
    account = Watched(domains)
    account.only(most_an_hour=2)
    events = [e for domain in domains for e in mails(60, 30, domain)]
    acts = account.handle(events).acts
    assert [act.did for act in acts] == [Did.SUSPENDED, Did.SUSPENDED, Did.TOLD, Did.TOLD]
    assert "; not suspended: 2 in the last hour are as many as may be" in account.told[3]
    account.later(HOUR)
    fresh = [e for d in domains[2:] for e in shifted(mails(60, 30, d), HOUR, d)]
    assert [act.did for act in account.handle(fresh).acts] == [Did.SUSPENDED, Did.SUSPENDED]
    account.only(most_an_hour=0)
    account.resume(domains[0])
    account.memory.states.clear()
    again = shifted(mails(60, 30, domains[0]), HOUR, "again")
    assert account.act(again, domains[0]).did is Did.TOLD


def test_only_a_person_resumes_and_what_was_before_does_not_suspend_again() -> None:
    account = Watched()
    account.handle(mails(60, 30))
    account.later(timedelta(minutes=10))
    account.resume()
    late = shifted(mails(0, 3), timedelta(minutes=10), "late")
    assert account.act(late).did is Did.RESUMED_SINCE
    assert account.act(late).did is Did.NOTHING
    assert not account.suspended()
    account.later(timedelta(minutes=5))
    assert account.act(shifted(mails(60, 30), timedelta(minutes=15), "x")).did is Did.SUSPENDED
    assert account.suspended()


def test_what_nobody_can_read_comes_again_and_what_is_nobodys_does_not() -> None:
    account = Watched()
    stranger = event(caller="somebody", domain="elsewhere.example")
    events = [
        None, {}, {**event(), "source": "my.app"},
        {**event(), "account": "999999999999"}, event(before=-HOUR), stranger,
        event(number=7, before=timedelta(days=8)), event(number=8),
    ]  # fmt: skip
    done = account.handle(events)
    assert done.failed == ["0", "1", "2", "3", "4"]
    assert done.to_json() == {
        "read": 8, "counted": 1, "duplicate": 0, "late": 1, "refused": 5, "strangers": 1,
        "failed": 5,
    }  # fmt: skip


def test_what_could_not_be_done_comes_again_and_is_told_of() -> None:
    account = Watched()
    refusal = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies iam:PutUserPolicy")
    account.iam.fail_at(3, "before", refusal)
    done = account.handle([*mails(60, 30), event("send", 1, BLOG)])
    assert done.failed == [str(n) for n in range(90)]
    assert done.acts[0].error is refusal
    (told,) = account.told
    assert told.startswith(f"{HACKED}: could not be suspended\n")
    assert "AWS denies iam:PutUserPolicy" in told
    assert account.act(mails(60, 30)).did is Did.SUSPENDED


def test_without_time_left_all_comes_again() -> None:
    account = Watched()
    done = account.handle(mails(2, 0), time_is_left=lambda: False)
    assert done.failed == ["0", "1"]
    assert account.memory.buckets == {}


def test_a_user_of_that_name_that_is_no_tenant_is_left_alone() -> None:
    account = Watched([])
    account.iam.add_user(f"ses-{HACKED}", "/")
    assert account.act(mails(60, 30)).did is Did.NOT_OURS
    assert account.iam.writes == []
    assert Watched([]).act(mails(60, 30)).did is Did.NOT_OURS


def test_a_foreign_from_is_told_of_unless_the_tags_allow_it() -> None:
    account = Watched([], watch=Watch((parse_rule("from-domain -> alert"),), dry=False))
    also = (SendingDomain("shop.example.net"),)
    run_create(account.iam, TenantRequest(SendingDomain(HACKED), also=also))
    assert account.act([event(number=1, sent_as="shop.example.net")]).did is Did.NOTHING
    assert account.act([event(number=2, sent_as="bank.example")]).did is Did.TOLD
    assert "it sent as bank.example, which is not its domain" in account.told[0]
    assert account.act([event(number=3, sent_as="bank.example")]).did is Did.TOLD_BEFORE
    account.later(timedelta(days=1))
    assert account.act([event(number=4, sent_as="bank.example")]).did is Did.TOLD


def test_an_ses_tenant_that_was_stopped_is_told_of() -> None:
    rules = tuple(parse_rule(rule) for rule in DEFAULT_RULES)
    named = {f"ses-{HACKED}": Named(HACKED, f"ses-{HACKED}")}
    account = Watched(watch=Watch(rules, named, dry=False))
    assert account.act([notice("Sending Status Disabled", "shop-example-com")]).did is Did.TOLD
    assert "SES has stopped its SES tenant" in account.told[0]


def test_a_key_that_aws_has_quarantined_suspends_its_tenant() -> None:
    rules = tuple(parse_rule(rule) for rule in DEFAULT_RULES)
    account = Watched(watch=Watch(rules, dry=False))
    account.iam.add_user("ses-else", "/ses-tenant/else/")
    found = [(f"ses-{HACKED}", "AWSCompromisedKeyQuarantineV3"), ("ses-else", "x"), ("gone", "x")]
    acts = act_on_quarantined(account.watcher, found)
    assert [(act.tenant.domain, act.did) for act in acts] == [(HACKED, Did.SUSPENDED)]
    assert account.suspended()
    assert act_on_quarantined(account.watcher, found)[0].did is Did.SUSPENDED_BEFORE
    account.resume()
    assert act_on_quarantined(account.watcher, found)[0].did is Did.RESUMED_SINCE


def test_a_trial_neither_counts_nor_leads_to_anything() -> None:
    account = Watched()
    trial = [
        {
            "source": "ses-tenant.test", "detail-type": "ses-tenant trial",
            "detail": {"run": "r1", "now": NOW.isoformat(), "event": one},
        }
        for one in mails(60, 30)
    ]  # fmt: skip
    done = account.handle(trial)
    assert [act.did for act in done.acts] == [Did.TRIAL]
    assert (done.read, done.counted, done.failed, account.told) == (0, 0, [], [])
    assert not account.suspended()
    assert account.memory.counts(HACKED, spans(NOW - HOUR, NOW)) == Counts()
    assert account.memory.trials["trial r1"] == (90, {HACKED: 90})
    broken = {**trial[0], "detail": {"run": "r1", "now": "noon", "event": 1}}
    long = {**trial[0], "detail": {"run": "r" * 65, "now": NOW.isoformat(), "event": 1}}
    assert account.handle([broken, long]).failed == ["0", "1"]


@given(
    sends=st.integers(0, 25), bounces=st.integers(0, 25), least=st.integers(1, 20),
    seed=st.integers(0, 1000), size=st.integers(3, 40),
)  # fmt: skip
def test_batches_order_and_repetition_change_nothing(
    sends: int, bounces: int, least: int, seed: int, size: int
) -> None:
    rule = parse_rule(f"bounce-rate > 10 % of >= {least} in 1h -> suspend")
    shop = Named(HACKED, f"ses-{HACKED}")
    account = Watched([HACKED], watch=Watch((rule,), {shop.user_name: shop}, dry=False))
    events = mails(sends, bounces)
    mixed = [*events, *events[:10]]
    Random(seed).shuffle(mixed)
    for begin in range(0, len(mixed), size):
        account.handle(mixed[begin : begin + size])
    counts = account.memory.counts(HACKED, spans(NOW - HOUR, NOW))
    assert (counts.sends, counts.bounces) == (sends, bounces)
    if sends < least:
        assert not account.suspended()
    elif events and bounces * 10 > sends:
        assert account.suspended()


@given(
    window=st.integers(1, 7 * 24 * 60), minute=st.integers(0, 10_000), ago=st.integers(0, 11_000)
)
def test_the_spans_of_a_window_hold_each_minute_in_it_once(
    window: int, minute: int, ago: int
) -> None:
    now = NOW + timedelta(minutes=minute, seconds=30)
    since, at = now - timedelta(minutes=window), now - timedelta(minutes=ago)
    found = spans(since, now)
    assert sum(span.grain is Grain.MINUTE for span in found) <= 1
    held = sum(span.first <= span.grain.of(at) <= span.last for span in found)
    assert held == (Grain.MINUTE.of(at) > since)
    assert all((s.last - s.first) / s.grain.value < (60 if s.grain is Grain.MINUTE else 170)
               for s in found)  # fmt: skip


def test_more_than_one_window_is_decided_by_its_own_counts() -> None:
    rules = tuple(parse_rule(r) for r in (RULE, "complaints > 2 in 1d -> suspend"))
    account = Watched(watch=Watch(rules, limits=Limits(), dry=False))
    old = [event("complaint", n, before=timedelta(hours=20)) for n in range(3)]
    act = account.act(old)
    assert act.did is Did.SUSPENDED
    assert act.decision is not None
    assert act.decision.reason == "3 complaints are more than 2"
