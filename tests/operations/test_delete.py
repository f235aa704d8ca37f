"""`delete` on the fake IAM: everything goes, in an order in which nothing is refused."""

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.observed import Attachments
from ses_tenant.operations import delete
from tests.fakes.example_tenant import (
    NAME,
    PATH,
    SHOP,
    SUSPENDED_POLICY,
    TAGS,
    add_shop,
    run_create,
    run_delete,
)
from tests.fakes.iam import EVERYTHING, FakeIam
from tests.fakes.runtime import fake_runtime


def test_a_tenant_as_created_costs_three_writes_and_is_gone() -> None:
    iam = FakeIam()
    run_create(iam)
    iam.calls.clear()

    deletion = run_delete(iam)

    assert deletion.error is None
    assert iam.users == {}
    assert iam.writes == ["iam:DeleteAccessKey", "iam:DeleteUserPolicy", "iam:DeleteUser"]


def test_the_plan_shown_is_the_plan_carried_out() -> None:
    iam = FakeIam()
    user = add_shop(iam)
    user.policies |= {"zzz": SUSPENDED_POLICY, "aaa": SUSPENDED_POLICY}
    first, second = iam.add_key(NAME), iam.add_key(NAME)
    iam.attach(NAME, EVERYTHING)

    prepared = delete.prepare(iam, SHOP)

    assert iam.writes == []
    assert all(step.destructive for step in prepared.plan)
    delete.delete_all(fake_runtime(iam), [prepared])
    assert [step.action for step in prepared.plan] == iam.writes
    assert [step.summary for step in prepared.plan] == [
        *(f"delete the access key {key}" for key in sorted([first, second])),
        "delete the console password",
        "delete the service-specific credential ACCA0123456789EXAMPLE",
        "delete the SSH public key APKAEIVFHP46CEXAMPLE",
        "delete the signing certificate TA7SMP42TDN5Z26OBPJE7EXAMPLE",
        "deactivate the MFA device arn:aws:iam::123456789012:mfa/phone",
        "delete the virtual MFA device arn:aws:iam::123456789012:mfa/phone",
        "deactivate the MFA device GAHT12345678",
        "remove the user from the group developers",
        "remove the user from the group mailers",
        "detach the managed policy arn:aws:iam::aws:policy/ReadOnlyAccess",
        "delete the inline policy aaa",
        "delete the inline policy zzz",
        "delete the inline policy ses-tenant-sending",
        "delete the IAM user ses-shop.example.com",
    ]


@pytest.mark.parametrize(
    "kind",
    [
        Attachments(managed_policies=EVERYTHING.managed_policies),
        Attachments(groups=EVERYTHING.groups),
        Attachments(login_profile=True),
        Attachments(mfa_devices=EVERYTHING.mfa_devices),
        Attachments(ssh_keys=EVERYTHING.ssh_keys),
        Attachments(certificates=EVERYTHING.certificates),
        Attachments(service_credentials=EVERYTHING.service_credentials),
    ],
)
def test_each_kind_of_thing_that_hangs_on_a_user_goes_first(kind: Attachments) -> None:
    iam = FakeIam()
    add_shop(iam)
    iam.attach(NAME, kind)

    assert run_delete(iam).error is None

    assert iam.users == {}
    assert iam.virtual_mfa_devices == set()


def test_a_suspended_tenant_can_be_deleted() -> None:
    iam = FakeIam()
    user = add_shop(iam)
    user.policies["ses-tenant-suspended"] = SUSPENDED_POLICY
    iam.add_key(NAME)

    assert run_delete(iam).error is None

    assert iam.users == {}


def test_what_does_not_exist_is_not_found() -> None:
    iam = FakeIam()

    deletion = run_delete(iam)

    assert deletion.plan == ()
    assert deletion.error is not None
    assert deletion.error.code is ErrorCode.NOT_FOUND
    assert "There is no tenant yet." in deletion.error.hint
    assert iam.calls == ["iam:GetUser", "iam:GetAccountAuthorizationDetails"]


@pytest.mark.parametrize(
    ("path", "tags"),
    [("/", TAGS), ("/web/", TAGS), (PATH, {}), (PATH, {"ses-tenant:domain": "other.example.com"})],
)
def test_what_is_not_ours_is_not_touched(path: str, tags: dict[str, str]) -> None:
    iam = FakeIam()
    iam.add_user(NAME, path, tags)
    iam.add_key(NAME)
    before = iam.snapshot()

    deletion = run_delete(iam)

    assert deletion.error is not None
    assert deletion.error.code is ErrorCode.NOT_OURS
    assert iam.calls == ["iam:GetUser"]
    assert iam.snapshot() == before


def test_a_tenant_that_has_drifted_under_our_path_is_deleted() -> None:
    iam = FakeIam()
    add_shop(iam).path = "/ses-tenant/moved/"

    assert run_delete(iam).error is None

    assert iam.users == {}


def test_something_hung_on_the_user_meanwhile_is_refused_and_met_by_the_next_run() -> None:
    iam = FakeIam()
    add_shop(iam)
    prepared = delete.prepare(iam, SHOP)
    iam.add_key(NAME)

    (deletion,) = delete.delete_all(fake_runtime(iam), [prepared])

    assert deletion.error is not None
    assert deletion.error.code is ErrorCode.PARTIAL_FAILURE
    assert deletion.error.partly_done
    assert run_delete(iam).error is None
    assert iam.users == {}


def test_the_account_refusing_a_read_ends_the_plan_with_that_reason() -> None:
    iam = FakeIam()
    add_shop(iam)
    iam.fail_at(2, "before", SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it."))

    deletion = run_delete(iam)

    assert deletion.plan == ()
    assert deletion.error is not None
    assert deletion.error.code is ErrorCode.ACCESS_DENIED
    assert iam.writes == []
