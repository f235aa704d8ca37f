"""The reason of a suspension: written last, kept while it lasts, and gone with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ses_tenant.core.fleet.changes import Change
from ses_tenant.core.fleet.fleet import Account, Fleet, FleetTenant
from ses_tenant.core.rotation.decision import Mode, RotationOptions
from ses_tenant.core.tenant.notes import By, Reason
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.steps import Plan, UntagUser
from ses_tenant.operations.apply import apply
from ses_tenant.operations.fleet import plan as plan_fleet
from ses_tenant.operations.observe import observe
from ses_tenant.operations.rotate import prepare
from ses_tenant.operations.suspend import prepare_resume, prepare_suspend
from tests.fakes.example_tenant import NAME, SHOP, TAGS, prepare_create, run_create
from tests.fakes.iam import FakeIam
from tests.fakes.runtime import fake_runtime

TAG = "ses-tenant:suspended"
WATCH = Reason(datetime(2026, 1, 15, 12, tzinfo=UTC), By.WATCH, "bounce-rate > 10 % of >= 50 in 1h")
PERSON = Reason(datetime(2026, 1, 16, tzinfo=UTC), By.PERSON, "cleaned up, password to be changed")
DENY, OFF, ON, LIFT = (
    *("iam:PutUserPolicy", "iam:UpdateAccessKey", "iam:UpdateAccessKey", "iam:DeleteUserPolicy"),
)


def account() -> FakeIam:
    iam = FakeIam()
    run_create(iam)
    return iam


def actions(plan: Plan) -> list[str]:
    return [step.action for step in plan]


def suspend(iam: FakeIam, reason: Reason | None = None) -> list[str]:
    plan = prepare_suspend(iam, SHOP, None, reason).plan
    apply(fake_runtime(iam), plan)
    return actions(plan)


def test_a_reason_is_written_once_the_site_is_stopped_and_goes_with_the_suspension() -> None:
    iam = account()
    tags = dict(iam.users[NAME].tags)
    assert suspend(iam, WATCH) == [DENY, OFF, "iam:TagUser"]
    assert iam.users[NAME].tags[TAG] == (
        "2026-01-15T12:00:00Z watch: bounce-rate =3E 10 =25 of =3E=3D 50 in 1h"
    )
    planned = prepare_resume(iam, SHOP)
    assert planned.reason == WATCH
    assert actions(planned.plan) == [ON, LIFT, "iam:UntagUser"]
    apply(fake_runtime(iam), planned.plan)
    assert iam.users[NAME].tags == tags
    assert prepare_resume(iam, SHOP).plan == ()


@pytest.mark.parametrize("again", [WATCH, replace(WATCH, text="complaint-rate"), None])
def test_a_rule_does_not_replace_a_reason_and_a_second_run_plans_nothing(
    again: Reason | None,
) -> None:
    iam = account()
    suspend(iam, WATCH)
    before = dict(iam.users[NAME].tags)
    assert suspend(iam, again and replace(again, at=WATCH.at + timedelta(hours=1))) == []
    assert iam.users[NAME].tags == before


def test_a_person_may_say_something_else_and_the_time_stays() -> None:
    iam = account()
    suspend(iam, WATCH)
    assert suspend(iam, PERSON) == ["iam:TagUser"]
    assert prepare_resume(iam, SHOP).reason == replace(PERSON, at=WATCH.at)
    assert suspend(iam, PERSON) == []


@pytest.mark.parametrize("done", [1, 2])
def test_a_suspension_that_broke_off_is_finished_with_its_reason(done: int) -> None:
    iam = account()
    apply(fake_runtime(iam), prepare_suspend(iam, SHOP, None, WATCH).plan[:done])
    assert suspend(iam, WATCH)[-1] == "iam:TagUser"
    assert prepare_resume(iam, SHOP).reason == WATCH
    assert suspend(iam, WATCH) == []


def test_a_reason_that_was_left_behind_is_not_that_of_the_next_suspension() -> None:
    iam = account()
    suspend(iam, WATCH)
    apply(fake_runtime(iam), prepare_resume(iam, SHOP).plan[:-1])
    assert suspend(iam) == [DENY, OFF, "iam:UntagUser"]
    assert prepare_resume(iam, SHOP).reason is None


def test_resume_removes_a_reason_that_was_left_behind() -> None:
    iam = account()
    iam.users[NAME].tags[TAG] = WATCH.to_tag()
    assert actions(prepare_resume(iam, SHOP).plan) == ["iam:UntagUser"]


@pytest.mark.parametrize(
    ("reason", "change", "told"),
    [(WATCH, Change.NONE, True), (PERSON, Change.RESUME, False), (None, Change.RESUME, False)],
)
def test_a_file_does_not_resume_what_the_watch_has_stopped(
    reason: Reason | None, change: Change, told: bool
) -> None:
    iam = account()
    suspend(iam, reason)
    wanted = FleetTenant("default", TenantRequest(SHOP), suspended=False)
    fleet = Fleet({"default": Account("default")}, (wanted,))
    (planned,) = plan_fleet(fleet, {None: fake_runtime(iam)}, prune=False).tenants
    assert planned.change == change
    assert told == any(
        w.code == "suspended" and "ses-tenant resume shop.example.com" in w.message
        for w in planned.warnings
    )


def test_what_the_tag_says_is_no_drift() -> None:
    iam = account()
    suspend(iam, WATCH)
    assert set(iam.users[NAME].tags) - set(TAGS) == {TAG}
    assert prepare_create(iam).plan == ()


def test_a_reason_that_was_left_behind_goes_when_all_keys_are_replaced() -> None:
    iam = account()
    iam.users[NAME].tags[TAG] = WATCH.to_tag()
    runtime = fake_runtime(iam)
    observed = observe(iam, SHOP)
    assert observed is not None
    for mode, gone in ((Mode.NEXT, False), (Mode.COMPROMISED, True)):
        turn = prepare(runtime, observed, RotationOptions(named=True, mode=mode))
        assert (turn.plan[-1:] == (UntagUser(NAME, (TAG,)),)) == gone
