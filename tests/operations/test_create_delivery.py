"""`create` with a destination that can be read back: what it costs, and runs that die."""

from datetime import timedelta

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.keys import LEASE
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.notes import Note
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.operations import create
from tests.fakes.destination import FakeDestination
from tests.fakes.example_tenant import (
    ME,
    NAME,
    SHOP,
    TAGS,
    add_shop,
    finish_create,
    prepare_create,
    run_create,
    tenant_state,
)
from tests.fakes.iam import Clock, Crash, FakeIam, When
from tests.fakes.runtime import fake_runtime

_PLACE = "file:/srv/shop.env"
_REQUEST = TenantRequest(SHOP, destination=_PLACE)
_TAGS = TAGS | {"ses-tenant:destination": "file:/srv/shop.env"}
_DELIVERED = "ses-tenant:delivered"


def _delivered(key_id: str) -> dict[str, str]:
    """Return the tags of a tenant to whose destination the key was delivered."""
    at = Clock()()
    return _TAGS | {_DELIVERED: f"{key_id}+{at:%Y-%m-%dT%H:%M:%SZ}"}


def test_a_new_tenant_is_announced_delivered_and_noted() -> None:
    iam = FakeIam()
    place = FakeDestination(iam)

    prepared = prepare_create(iam, _REQUEST, destination=place)

    assert iam.calls == ["iam:GetUser", "iam:DestinationCheck"]
    assert [step.action for step in prepared.plan] == [
        "iam:CreateUser",
        "iam:PutUserPolicy",
        "iam:CreateAccessKey",
        "file:Put",
        "iam:TagUser",
    ]
    announced = Note.parse(getattr(prepared.plan[0], "tags", {})[naming.TAG_DELIVERED])
    assert announced is not None
    assert (announced.access_key_ids, announced.issuer) == ((), ME)
    iam.calls.clear()
    created = finish_create(iam, prepared)

    assert iam.calls == [
        "iam:CreateUser",
        "iam:PutUserPolicy",
        "iam:CreateAccessKey",
        "iam:DestinationPut",
        "iam:TagUser",
    ]
    assert created.credentials is not None
    assert place.held == created.credentials
    key_id = iam.issued[0].access_key_id
    assert iam.snapshot() == tenant_state({key_id: "Active"}, tags=_delivered(key_id))


def test_the_second_create_reads_the_destination_and_says_nothing() -> None:
    iam = FakeIam()
    place = FakeDestination(iam)
    run_create(iam, _REQUEST, destination=place)
    before = iam.snapshot()
    iam.calls.clear()

    again = run_create(iam, destination=place)

    assert iam.calls == [
        "iam:GetUser",
        "iam:ListUserPolicies",
        "iam:GetUserPolicy",
        "iam:ListAccessKeys",
        "iam:DestinationRead",
    ]
    assert (again.prepared.plan, again.prepared.warnings, again.credentials) == ((), (), None)
    assert iam.snapshot() == before


def test_a_destination_that_refuses_costs_no_write() -> None:
    iam = FakeIam()
    refusal = SesTenantError(ErrorCode.DESTINATION_UNAVAILABLE, "It is not writable.")
    iam.fail_at(2, "before", refusal)

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, _REQUEST, destination=FakeDestination(iam))

    assert caught.value is refusal
    assert iam.calls == ["iam:GetUser", "iam:DestinationCheck"]
    assert iam.users == {}


def test_a_key_that_the_destination_did_not_take_is_deleted() -> None:
    iam = FakeIam()
    place = FakeDestination(iam)
    iam.fail_at(6, "before", SesTenantError(ErrorCode.DESTINATION_UNAVAILABLE, "It is full."))

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, _REQUEST, destination=place)

    assert iam.calls[5:] == ["iam:DestinationPut", "iam:DestinationRead", "iam:DeleteAccessKey"]
    assert caught.value.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert caught.value.message == (
        "It is full. The new access key was deleted again. (3 of 5 steps were done before.)"
    )
    assert iam.users[NAME].keys == {}
    again = run_create(iam, destination=place)
    assert again.credentials == place.held
    assert [*iam.users[NAME].keys] == [place.key]


def test_a_key_that_the_destination_took_although_it_failed_stays() -> None:
    iam = FakeIam()
    place = FakeDestination(iam)
    iam.fail_at(6, "lost", SesTenantError(ErrorCode.NETWORK, "No answer."))

    created = run_create(iam, _REQUEST, destination=place)

    assert iam.calls[5:] == ["iam:DestinationPut", "iam:DestinationRead", "iam:TagUser"]
    assert created.credentials == place.held
    key_id = iam.issued[0].access_key_id
    assert iam.snapshot() == tenant_state({key_id: "Active"}, tags=_delivered(key_id))


def test_a_key_is_left_alone_where_nobody_can_tell_whether_it_arrived() -> None:
    iam = FakeIam()
    iam.fail_at(6, "before", SesTenantError(ErrorCode.NETWORK, "No answer."))
    iam.fail_at(7, "before", SesTenantError(ErrorCode.NETWORK, "No answer to that either."))

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, _REQUEST, destination=FakeDestination(iam))

    assert iam.calls[5:] == ["iam:DestinationPut", "iam:DestinationRead"]
    assert "No answer to that either." in caught.value.message
    assert [*iam.users[NAME].keys] == [iam.issued[0].access_key_id]


def test_a_second_key_of_a_run_at_the_same_moment_is_taken_back() -> None:
    iam = FakeIam()
    add_shop(iam)
    prepared = prepare_create(iam)
    other = iam.add_key(NAME)
    iam.calls.clear()

    with pytest.raises(SesTenantError, match="another run issued a key at the same moment"):
        finish_create(iam, prepared)

    assert iam.calls == ["iam:CreateAccessKey", "iam:ListAccessKeys", "iam:DeleteAccessKey"]
    assert iam.snapshot() == tenant_state({other: "Active"})


def test_a_run_that_slept_too_long_does_not_deliver() -> None:
    clock = Clock()
    iam = FakeIam(clock)
    place = FakeDestination(iam)
    prepared = prepare_create(iam, _REQUEST, now=clock(), destination=place)
    iam.turn = lambda: clock.advance(LEASE / 2)

    with pytest.raises(SesTenantError) as caught:
        create.carry_out(fake_runtime(iam, now=clock), prepared)

    assert caught.value.code is ErrorCode.PARTIAL_FAILURE
    assert "took longer than 0:15:00" in caught.value.message
    assert place.puts == []
    assert iam.users[NAME].keys == {}


@pytest.mark.parametrize("when", ["before", "lost"])
def test_create_that_dies_is_finished_by_running_it_again(when: When) -> None:
    whole = FakeIam()
    run_create(whole, _REQUEST, destination=FakeDestination(whole))

    for n in range(1, len(whole.calls) + 1):
        clock = Clock()
        iam = FakeIam(clock)
        place = FakeDestination(iam)
        iam.fail_at(n, when)
        with pytest.raises(Crash):
            run_create(iam, _REQUEST, destination=place)
        iam.dead = False
        clock.advance(LEASE + timedelta(seconds=1))
        prepared = prepare_create(iam, _REQUEST, now=clock(), destination=place)
        create.carry_out(fake_runtime(iam, now=clock), prepared)

        (key_id,) = iam.users[NAME].keys
        assert place.key == key_id, f"crash at call {n}"
        assert iam.users[NAME].tags.keys() == {*_TAGS, _DELIVERED}
        noted = Note.parse(iam.users[NAME].tags.get(naming.TAG_DELIVERED, ""))
        assert noted is not None
        assert (noted.access_key_ids, noted.issuer) == ((key_id,), None), f"crash at call {n}"
        settled = prepare_create(iam, _REQUEST, now=clock(), destination=place)
        assert settled.plan == (), f"crash at call {n}"


def test_a_key_that_another_run_may_be_delivering_is_not_touched() -> None:
    iam = FakeIam()
    place = FakeDestination(iam)
    iam.fail_at(6, "before")
    with pytest.raises(Crash):
        run_create(iam, _REQUEST, destination=place)
    iam.dead = False
    # Of a process on another host nothing is known, so it counts as running.
    iam.users[NAME].tags[_DELIVERED] = (
        iam.users[NAME].tags[_DELIVERED].replace(ME.host, "another-host")
    )
    before = iam.snapshot()
    iam.calls.clear()

    with pytest.raises(SesTenantError) as caught:
        run_create(iam, destination=place)

    assert caught.value.code is ErrorCode.PARTIAL_FAILURE
    assert "in 15 minutes" in caught.value.hint
    assert iam.calls == [
        "iam:GetUser",
        "iam:ListUserPolicies",
        "iam:GetUserPolicy",
        "iam:ListAccessKeys",
        "iam:DestinationRead",
        "iam:GetAccessKeyLastUsed",
        "iam:GetUser",
    ]
    assert iam.snapshot() == before


def test_a_key_that_was_deleted_again_is_not_delivered() -> None:
    iam = FakeIam()
    place = FakeDestination(iam)
    iam.fail_at(6, "before", SesTenantError(ErrorCode.NOT_FOUND, "There is no such place."))

    with pytest.raises(SesTenantError, match="The new access key was deleted again"):
        run_create(iam, _REQUEST, sleep=lambda _: None, destination=place)

    assert place.key is None


def test_a_second_key_that_cannot_be_taken_back_is_named() -> None:
    iam = FakeIam()
    add_shop(iam)
    prepared = prepare_create(iam)
    iam.add_key(NAME)
    iam.fail_at(3, "before", SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it."))

    with pytest.raises(SesTenantError) as caught:
        finish_create(iam, prepared)

    assert iam.calls[-1] == "iam:DeleteAccessKey"
    assert iam.issued[1].access_key_id in caught.value.message + caught.value.hint
