"""IAM does not always find at once what it has just made."""

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.observed import KeyStatus
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.destinations.stdout import StdoutDestination
from ses_tenant.operations.apply import Applied, Issue, apply
from tests.fakes.example_tenant import (
    ARN,
    NAME,
    PATH,
    REGION,
    SHOP,
    TAGS,
    add_shop,
    run_create,
    tenant_state,
)
from tests.fakes.iam import FakeIam
from tests.fakes.runtime import fake_runtime


def _printed(delivered: list[Credentials]) -> Issue:
    """Return what a plan needs that issues the shop's key and prints it: into `delivered`."""
    spec = TenantSpec(SHOP, Interface.API, (REGION,))
    return Issue(spec, None, StdoutDestination(delivered.append))


def test_a_new_user_that_is_not_found_yet_is_asked_for_again() -> None:
    iam = FakeIam()
    iam.delay = 3
    slept: list[float] = []

    run_create(iam, sleep=slept.append)

    assert slept == [1.0, 2.0, 4.0]
    assert iam.writes == ["iam:CreateUser", *4 * ["iam:PutUserPolicy"], "iam:CreateAccessKey"]
    assert iam.snapshot() == tenant_state({iam.issued[0].access_key_id: "Active"})


def test_each_step_has_its_own_patience() -> None:
    iam = FakeIam()
    iam.delay = 1
    iam.fail_at(5, "before", SesTenantError(ErrorCode.NOT_FOUND, "NoSuchEntity"))
    slept: list[float] = []

    run_create(iam, sleep=slept.append)

    assert slept == [1.0, 1.0]
    assert iam.writes == [
        "iam:CreateUser",
        *2 * ["iam:PutUserPolicy"],
        *2 * ["iam:CreateAccessKey"],
    ]
    assert len(iam.issued) == 1


def test_after_fifteen_seconds_it_is_given_up_and_the_next_run_goes_on() -> None:
    iam = FakeIam()
    iam.delay = 5
    slept: list[float] = []

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, sleep=slept.append)

    assert slept == [1.0, 2.0, 4.0, 8.0]
    assert caught.value.code is ErrorCode.NOT_FOUND
    assert caught.value.partly_done
    assert "(1 of " in caught.value.message
    assert " steps were done before.)" in caught.value.message
    run_create(iam)
    assert iam.snapshot() == tenant_state({iam.issued[0].access_key_id: "Active"})


def test_the_steps_counted_in_a_failure_are_the_steps_shown_in_a_plan() -> None:
    iam = FakeIam()
    iam.fail_at(3, "before", SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it."))

    with pytest.raises(SesTenantError) as caught:
        run_create(iam)

    assert iam.calls[-1] == "iam:PutUserPolicy"
    assert caught.value.message == "AWS denies it. (1 of 3 steps were done before.)"


def test_a_user_that_was_there_before_is_not_waited_for() -> None:
    iam = FakeIam()
    slept: list[float] = []

    with pytest.raises(SesTenantError) as caught:
        apply(
            fake_runtime(iam, sleep=slept.append), (steps.CreateAccessKey("nobody"),), _printed([])
        )

    assert caught.value.code is ErrorCode.NOT_FOUND
    assert not caught.value.partly_done
    assert slept == []


@pytest.mark.parametrize(
    "code", [ErrorCode.ACCESS_DENIED, ErrorCode.NETWORK, ErrorCode.ACCESS_KEY_LIMIT]
)
def test_other_failures_are_not_repeated(code: ErrorCode) -> None:
    iam = FakeIam()
    iam.fail_at(4, "lost", SesTenantError(code, "No."))

    with pytest.raises(SesTenantError) as caught:
        run_create(iam)

    assert caught.value.code is code
    assert iam.calls.count("iam:CreateAccessKey") == 1


def test_apply_returns_what_was_made_and_delivered() -> None:
    iam = FakeIam()
    plan = (
        steps.CreateUser(NAME, PATH, TAGS),
        steps.CreateAccessKey(NAME),
        steps.Deliver(NAME, "-"),
    )
    delivered: list[Credentials] = []

    applied = apply(fake_runtime(iam), plan, _printed(delivered))

    assert iam.users[NAME].as_user.user_arn == ARN
    assert applied.user_arn == ARN
    assert applied.credentials is not None
    assert delivered == [applied.credentials]
    assert applied.credentials.user_arn == ARN
    assert applied.credentials.access_key_id == iam.issued[0].access_key_id
    assert applied.credentials.secret_access_key == iam.issued[0].secret_access_key


def test_a_plan_that_issues_no_key_needs_nobody_to_issue_it_for() -> None:
    iam = FakeIam()

    applied = apply(fake_runtime(iam), (steps.CreateUser(NAME, PATH, TAGS),))

    assert applied == Applied(ARN, None)


@pytest.mark.parametrize(
    "step", [steps.CreateAccessKey(NAME), steps.Deliver(NAME, "-"), steps.MarkDelivered(NAME)]
)
def test_a_plan_that_issues_a_key_for_nobody_makes_no_call(step: steps.Step) -> None:
    iam = FakeIam()
    add_shop(iam)

    with pytest.raises(AssertionError, match="needs to know whose"):
        apply(fake_runtime(iam), (step,))

    assert iam.calls == []


def test_a_key_can_be_switched_off_and_on() -> None:
    iam = FakeIam()
    add_shop(iam)
    key = iam.add_key(NAME)

    for status in (KeyStatus.INACTIVE, KeyStatus.ACTIVE):
        apply(fake_runtime(iam), (steps.UpdateAccessKey(NAME, key, status),))
        assert iam.snapshot() == tenant_state({key: status.value})


def test_the_error_of_the_first_step_is_raised_as_it_is() -> None:
    iam = FakeIam()
    error = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it.", "Allow it.")
    iam.fail_at(1, "before", error)

    with pytest.raises(SesTenantError) as caught:
        apply(fake_runtime(iam), (steps.CreateAccessKey(NAME),), _printed([]))

    assert caught.value is error
    assert error.__cause__ is None
    assert not error.partly_done


def test_the_error_of_a_later_step_is_the_cause_of_the_one_raised() -> None:
    iam = FakeIam()
    error = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it.", "Allow it.")
    iam.fail_at(2, "before", error)
    plan = (steps.CreateUser(NAME, PATH, TAGS), steps.CreateAccessKey(NAME))

    with pytest.raises(SesTenantError) as caught:
        apply(fake_runtime(iam), plan, _printed([]))

    assert caught.value is not error
    assert caught.value.__cause__ is error
    assert caught.value.code is ErrorCode.ACCESS_DENIED
    assert caught.value.message == "AWS denies it. (1 of 2 steps were done before.)"
    assert caught.value.hint.startswith("Allow it. ")
    assert caught.value.partly_done


def _full_disk(_credentials: Credentials) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("times", [1, 4])
def test_an_undelivered_key_that_is_not_found_yet_is_deleted_all_the_same(times: int) -> None:
    iam = FakeIam()
    for n in range(5, 5 + times):
        iam.fail_at(n, "before", SesTenantError(ErrorCode.NOT_FOUND, "NoSuchEntity"))
    slept: list[float] = []

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, deliver=_full_disk, sleep=slept.append)

    assert iam.calls[4:] == (times + 1) * ["iam:DeleteAccessKey"]
    assert slept == [1.0, 2.0, 4.0, 8.0][:times]
    assert "The new access key was deleted again." in caught.value.message
    assert iam.snapshot() == tenant_state({})


def test_an_undelivered_key_that_is_never_found_is_named_in_the_end() -> None:
    iam = FakeIam()
    for n in range(5, 10):
        iam.fail_at(n, "before", SesTenantError(ErrorCode.NOT_FOUND, "NoSuchEntity"))
    slept: list[float] = []

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, deliver=_full_disk, sleep=slept.append)

    assert iam.calls[4:] == 5 * ["iam:DeleteAccessKey"]
    assert slept == [1.0, 2.0, 4.0, 8.0]
    assert caught.value.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert f"{iam.issued[0].access_key_id} could not be deleted again" in caught.value.message


def test_an_undelivered_key_that_cannot_be_deleted_is_named() -> None:
    iam = FakeIam()
    iam.fail_at(5, "before", SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it."))

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, deliver=_full_disk)

    key_id = iam.issued[0].access_key_id
    assert iam.calls[4:] == ["iam:DeleteAccessKey"]
    assert caught.value.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert caught.value.partly_done
    assert "No space left on device" in caught.value.message
    assert f"{key_id} could not be deleted again (AWS denies it.)" in caught.value.message
    assert (
        f"aws iam delete-access-key --user-name {NAME} --access-key-id {key_id}"
        in caught.value.message
    )
    assert "was deleted again" not in caught.value.message
    assert iam.snapshot() == tenant_state({key_id: "Active"})
