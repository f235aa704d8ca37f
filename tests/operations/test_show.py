"""`show` on the fake IAM: a tenant, and what is wrong with it."""

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.keys import KeyState
from ses_tenant.core.tenant.observed import Attachments
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.operations.show import show
from tests.fakes.example_tenant import (
    ARN,
    NAME,
    PATH,
    SHOP,
    SMTP_POLICY,
    SUSPENDED_POLICY,
    TAGS,
    add_shop,
    run_create,
)
from tests.fakes.iam import EVERYTHING, Clock, FakeIam


def test_a_tenant_as_created_shows_no_drift() -> None:
    clock = Clock()
    iam = FakeIam(clock)
    run_create(iam)
    key_id = iam.issued[0].access_key_id
    iam.last_used[key_id] = clock()
    iam.calls.clear()

    details = show(iam, SHOP)

    assert details.drift == ()
    assert details.summary.user_arn == ARN
    assert details.summary.state is KeyState.STEADY
    assert [(k.access_key_id, k.last_used_at) for k in details.access_keys] == [(key_id, clock())]
    assert details.spec.interface is Interface.API
    assert details.observed.attachments == Attachments()
    assert iam.writes == []
    assert len(iam.calls) == 12


def test_everything_that_should_not_be_there_is_named() -> None:
    iam = FakeIam()
    user = add_shop(iam)
    user.path = "/ses-tenant/moved/"
    user.tags["ses-tenant:version"] = "0"
    user.policies = {"foreign": SUSPENDED_POLICY, "ses-tenant-sending": SMTP_POLICY}
    iam.attach(NAME, EVERYTHING)

    assert show(iam, SHOP).drift == (
        "would move the IAM user ses-shop.example.com to /ses-tenant/shop.example.com/",
        "would set the tags ses-tenant:version",
        "the inline policy ses-tenant-sending is not as ses-tenant writes it",
        "foreign inline policy foreign",
        "attached managed policy arn:aws:iam::aws:policy/ReadOnlyAccess",
        "member of the group developers",
        "member of the group mailers",
        "has a console password",
        "MFA device arn:aws:iam::123456789012:mfa/phone",
        "MFA device GAHT12345678",
        "SSH public key APKAEIVFHP46CEXAMPLE",
        "signing certificate TA7SMP42TDN5Z26OBPJE7EXAMPLE",
        "service-specific credential ACCA0123456789EXAMPLE",
    )


def test_a_missing_policy_is_named() -> None:
    iam = FakeIam()
    add_shop(iam).policies.clear()

    assert show(iam, SHOP).drift == ("the inline policy ses-tenant-sending is missing",)


def test_suspension_is_no_drift() -> None:
    iam = FakeIam()
    add_shop(iam).policies["ses-tenant-suspended"] = SUSPENDED_POLICY

    details = show(iam, SHOP)

    assert details.drift == ()
    assert details.summary.state is KeyState.SUSPENDED


def test_what_does_not_exist_is_not_found() -> None:
    with pytest.raises(SesTenantError) as caught:
        show(FakeIam(), SHOP)

    assert caught.value.code is ErrorCode.NOT_FOUND
    assert caught.value.hint.startswith("There is no tenant yet.")


def test_a_typo_is_answered_with_the_tenant_that_is_meant() -> None:
    iam = FakeIam()
    run_create(iam)
    with pytest.raises(SesTenantError) as caught:
        show(iam, SendingDomain("shop.exmaple.com"))
    assert caught.value.hint == "Did you mean shop.example.com?"


@pytest.mark.parametrize(("path", "tags"), [("/", TAGS), (PATH, {})])
def test_what_is_not_ours_is_not_shown(path: str, tags: dict[str, str]) -> None:
    iam = FakeIam()
    iam.add_user(NAME, path, tags)

    with pytest.raises(SesTenantError) as caught:
        show(iam, SHOP)

    assert caught.value.code is ErrorCode.NOT_OURS
    assert iam.calls == ["iam:GetUser"]
