"""A run that dies at any call is finished by running the command again."""

from collections.abc import Callable

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.observed import Attachments, KeyStatus
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.operations import delete
from tests.fakes.example_tenant import (
    API_POLICY,
    NAME,
    SHOP,
    SMTP_POLICY,
    SUSPENDED_POLICY,
    TAGS,
    add_shop,
    prepare_create,
    run_create,
    run_delete,
    tenant_state,
)
from tests.fakes.iam import BOUNDARY, EVERYTHING, Crash, FakeIam, When

_WHENS: tuple[When, ...] = ("before", "lost")


def _lost_then_repeated() -> SesTenantError:
    """Return what a call answers that took effect, lost its answer and was repeated by boto3."""
    return SesTenantError(ErrorCode.NOT_FOUND, "AWS refused it (NoSuchEntity)")


def _from_nothing(_iam: FakeIam) -> None:
    """Leave the account empty."""


def _without_policy(iam: FakeIam) -> None:
    add_shop(iam).policies.clear()
    iam.add_key(NAME)


def _with_another_policy(iam: FakeIam) -> None:
    add_shop(iam).policies["ses-tenant-sending"] = SMTP_POLICY
    iam.add_key(NAME)


def _elsewhere(iam: FakeIam) -> None:
    add_shop(iam).path = "/ses-tenant/moved/"
    iam.add_key(NAME)


def _with_only_the_domain_tag(iam: FakeIam) -> None:
    add_shop(iam).tags = {"ses-tenant:domain": "shop.example.com"}
    iam.add_key(NAME)


def _with_stale_tags(iam: FakeIam) -> None:
    add_shop(iam).tags |= {"ses-tenant:version": "0", "ses-tenant:regions.3": "left over"}
    iam.add_key(NAME)


def _without_key(iam: FakeIam) -> None:
    add_shop(iam)


def _with_all_of_it(iam: FakeIam) -> None:
    user = add_shop(iam)
    user.path = "/ses-tenant/moved/"
    user.tags |= {"ses-tenant:version": "0", "ses-tenant:regions.3": "left over"}
    user.policies.clear()


def _suspended(iam: FakeIam) -> None:
    add_shop(iam).policies = {"ses-tenant-suspended": SUSPENDED_POLICY}


def _with_an_inactive_key(iam: FakeIam) -> None:
    add_shop(iam).path = "/ses-tenant/moved/"
    iam.add_key(NAME, KeyStatus.INACTIVE)


def _key(iam: FakeIam, status: str = "Active") -> dict[str, str]:
    return {iam.issued[0].access_key_id: status}


def _as_created(iam: FakeIam) -> dict[str, dict[str, object]]:
    return tenant_state(_key(iam))


def _as_suspended(_iam: FakeIam) -> dict[str, dict[str, object]]:
    policies = {"ses-tenant-suspended": SUSPENDED_POLICY, "ses-tenant-sending": API_POLICY}
    return tenant_state({}, policies=policies)


def _as_locked_out(iam: FakeIam) -> dict[str, dict[str, object]]:
    return tenant_state(_key(iam, "Inactive"))


_State = Callable[[FakeIam], dict[str, dict[str, object]]]
_STARTS: list[tuple[Callable[[FakeIam], None], _State]] = [
    (_from_nothing, _as_created),
    (_without_policy, _as_created),
    (_with_another_policy, _as_created),
    (_elsewhere, _as_created),
    (_with_only_the_domain_tag, _as_created),
    (_with_stale_tags, _as_created),
    (_without_key, _as_created),
    (_with_all_of_it, _as_created),
    (_suspended, _as_suspended),
    (_with_an_inactive_key, _as_locked_out),
]
_IDS = [start.__name__.strip("_") for start, _ in _STARTS]


def _settled(iam: FakeIam, request: TenantRequest) -> bool:
    return prepare_create(iam, request).plan == ()


@pytest.mark.parametrize("when", _WHENS)
@pytest.mark.parametrize(("start", "end"), _STARTS, ids=_IDS)
def test_create_is_finished_by_running_it_again(
    start: Callable[[FakeIam], None], end: _State, when: When
) -> None:
    whole = FakeIam()
    start(whole)
    run_create(whole)
    assert whole.snapshot() == end(whole)

    for n in range(1, len(whole.calls) + 1):
        iam = FakeIam()
        start(iam)
        iam.fail_at(n, when)
        with pytest.raises(Crash):
            run_create(iam)
        assert len(iam.issued) <= 1, f"crash at call {n}"
        run_create(iam)
        assert iam.snapshot() == end(iam), f"crash at call {n}"
        assert len(iam.issued) <= 1, f"a second key after a crash at call {n}"
        assert _settled(iam, TenantRequest(SHOP)), f"crash at call {n}"


@pytest.mark.parametrize("when", _WHENS)
def test_create_that_dies_twice_is_finished_by_the_third_run(when: When) -> None:
    request = TenantRequest(SHOP, permissions_boundary=BOUNDARY, user_tags={"client": "ACME"})
    end = {"boundary": BOUNDARY, "tags": TAGS | {"client": "ACME"}}

    for first in range(1, 5):
        for second in range(1, 8):
            iam = FakeIam()
            for n in (first, second):
                iam.fail_at(n, when)
                try:
                    run_create(iam, request)
                except Crash:
                    pass
                else:
                    break
            _run_until_quiet(iam, request)
            assert iam.snapshot() == tenant_state(_key(iam), **end), (first, second)
            assert len(iam.issued) == 1, (first, second)


def _run_until_quiet(iam: FakeIam, request: TenantRequest) -> None:
    for _ in range(3):
        try:
            run_create(iam, request)
        except Crash:
            continue
        return
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize("when", _WHENS)
def test_a_key_whose_answer_was_lost_is_shown_and_not_replaced(when: When) -> None:
    iam = FakeIam()
    iam.fail_at(4, when)
    with pytest.raises(Crash):
        run_create(iam)

    again = run_create(iam)

    assert iam.calls[3] == "iam:CreateAccessKey"
    assert len(iam.issued) == 1
    if when == "lost":
        assert again.credentials is None
        assert [w.code for w in again.prepared.warnings] == ["access_key_exists"]
        assert iam.issued[0].access_key_id in again.prepared.warnings[0].message
    else:
        assert again.credentials is not None
        assert again.prepared.warnings == ()


_MANY = tuple(SendingDomain.parse(f"brand-{n:02}.example.net") for n in range(11))
_FEW = (SendingDomain.parse("news.example.org"),)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(_FEW, id="same command"),
        pytest.param(None, id="without options"),
    ],
)
@pytest.mark.parametrize("when", _WHENS)
def test_options_that_got_shorter_survive_a_crash_between_their_tags(
    when: When, again: tuple[SendingDomain, ...] | None
) -> None:
    iam = FakeIam()
    run_create(iam, TenantRequest(SHOP, also=_MANY))
    assert "ses-tenant:sending.2" in iam.users[NAME].tags
    iam.calls.clear()
    long = dict(iam.users[NAME].tags)
    run_create(iam, TenantRequest(SHOP, also=_FEW))
    end = iam.snapshot()
    untag = iam.calls.index("iam:UntagUser") + 1

    iam.users[NAME].tags = long
    iam.fail_at(untag if when == "before" else untag - 1, when)
    with pytest.raises(Crash):
        run_create(iam, TenantRequest(SHOP, also=_FEW))
    run_create(iam, TenantRequest(SHOP, also=again))

    assert iam.snapshot() == end


def _fully_loaded() -> FakeIam:
    iam = FakeIam()
    user = add_shop(iam)
    user.permissions_boundary = BOUNDARY
    user.policies |= {"a-foreign-one": SUSPENDED_POLICY, "ses-tenant-suspended": SUSPENDED_POLICY}
    iam.add_key(NAME)
    iam.add_key(NAME, KeyStatus.INACTIVE)
    iam.attach(NAME, EVERYTHING)
    iam.add_user("bystander", "/web/", {"client": "ACME"})
    iam.add_key("bystander")
    return iam


def _delete_until_gone(iam: FakeIam) -> None:
    """Run `delete` again until it says that there is nothing left."""
    for _ in range(3):
        deletion = run_delete(iam)
        if deletion.error is not None and deletion.plan == ():
            assert deletion.error.code is ErrorCode.NOT_FOUND
            return
    raise AssertionError("it does not come to an end")


def _only_the_bystander(iam: FakeIam) -> bool:
    (user,) = iam.users.values()
    return (user.name, user.path, user.tags, len(user.keys), user.policies) == (
        "bystander",
        "/web/",
        {"client": "ACME"},
        1,
        {},
    )


@pytest.mark.parametrize("when", _WHENS)
def test_delete_is_finished_by_running_it_again(when: When) -> None:
    whole = _fully_loaded()
    assert run_delete(whole).error is None
    assert _only_the_bystander(whole)
    assert whole.virtual_mfa_devices == set()

    for n in range(1, len(whole.calls) + 1):
        iam = _fully_loaded()
        iam.fail_at(n, when)
        with pytest.raises(Crash):
            run_delete(iam)
        _delete_until_gone(iam)
        assert _only_the_bystander(iam), f"crash at call {n}"


def test_a_delete_that_boto3_repeated_after_a_lost_answer_is_finished_by_the_next_run() -> None:
    whole = _fully_loaded()
    run_delete(whole)
    first_write = whole.calls.index("iam:DeleteAccessKey") + 1

    for n in range(first_write, len(whole.calls) + 1):
        iam = _fully_loaded()
        iam.fail_at(n, "lost", _lost_then_repeated())
        deletion = run_delete(iam)
        # The repetition finds nothing, which is what was wanted.
        assert deletion.error is None
        assert _only_the_bystander(iam), f"lost answer at call {n}"


@pytest.mark.parametrize("when", _WHENS)
def test_a_crash_between_the_mfa_steps_leaves_an_unassigned_device_and_nothing_else(
    when: When,
) -> None:
    # Once deactivated, a virtual device is on no user's list, so no later run can know of it.
    whole = _fully_loaded()
    run_delete(whole)
    between = whole.calls.index("iam:DeleteVirtualMFADevice") + (1 if when == "before" else 0)

    iam = _fully_loaded()
    iam.fail_at(between, when)
    with pytest.raises(Crash):
        run_delete(iam)
    assert iam.users[NAME].attachments.mfa_devices == ("GAHT12345678",)
    _delete_until_gone(iam)

    assert _only_the_bystander(iam)
    assert iam.users["bystander"].attachments == Attachments()
    assert iam.virtual_mfa_devices == {"arn:aws:iam::123456789012:mfa/phone"}


def test_a_failure_in_the_middle_tells_how_far_it_came() -> None:
    iam = _fully_loaded()
    plan = delete.prepare(_fully_loaded(), SHOP).plan
    first_write = 11 + 1
    iam.fail_at(first_write + 2, "before", SesTenantError(ErrorCode.THROTTLED, "Slow.", "Wait."))

    deletion = run_delete(iam)

    assert deletion.error is not None
    assert deletion.error.code is ErrorCode.THROTTLED
    assert deletion.error.partly_done
    assert deletion.error.message == f"Slow. (2 of {len(plan)} steps were done before.)"
    assert deletion.error.hint == (
        "Wait. Run the same command again: it goes on where this run stopped."
    )
