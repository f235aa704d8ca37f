"""`adopt`: a hand-made user becomes a tenant, and its site can send at every moment."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.iam.ses_actions import mail_context
from ses_tenant.core.tenant.observed import Attachments, KeyStatus
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.operations import adopt
from ses_tenant.operations.adopt import Adoption
from tests.fakes.example_tenant import (
    API_POLICY,
    ARN,
    NAME,
    PATH,
    SHOP,
    SMTP_POLICY,
    SUSPENDED_POLICY,
    TAGS,
    add_shop,
    prepare_create,
    tenant_state,
)
from tests.fakes.iam import BOUNDARY, EVERYTHING, Crash, FakeIam, When
from tests.fakes.runtime import fake_runtime, refuse_to_sleep

OLD = "wordpress-shop"
HANDMADE: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": "*",
            "Condition": {"StringLike": {"ses:FromAddress": "*@shop.example.com"}},
        }
    ],
}
ANYTHING: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "ses:*", "Resource": "*"},
}
SMTP_ONLY: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}],
}


def add_handmade(
    iam: FakeIam,
    *,
    name: str = OLD,
    policies: Mapping[str, Mapping[str, object]] | None = None,
    attachments: Attachments = EVERYTHING,
) -> str:
    """Put a hand-made user there; return its access key ID."""
    user = iam.add_user(name, "/", {"client": "ACME"})
    user.policies = dict({"send": HANDMADE} if policies is None else policies)
    iam.attach(name, attachments)
    return iam.add_key(name)


def prepare(
    iam: FakeIam, request: TenantRequest | None = None, name: str = OLD, key: str | None = None
) -> Adoption:
    return adopt.prepare(fake_runtime(iam), request or TenantRequest(SHOP), name, key)


def run(
    iam: FakeIam,
    request: TenantRequest | None = None,
    name: str = OLD,
    sleep: Callable[[float], None] = refuse_to_sleep,
) -> Adoption:
    adoption = prepare(iam, request, name)
    adopt.carry_out(fake_runtime(iam, sleep=sleep), adoption)
    return adoption


def _failure(iam: FakeIam, name: str = OLD, key: str | None = None) -> SesTenantError:
    before = iam.snapshot()
    with pytest.raises(SesTenantError) as caught:
        prepare(iam, name=name, key=key)
    assert iam.snapshot() == before
    return caught.value


def _codes(adoption: Adoption) -> list[str]:
    return [warning.code for warning in adoption.warnings]


def _may_send(iam: FakeIam, sender: str, groups: Mapping[str, Mapping[str, object]]) -> bool:
    """Tell whether the one user can send, by the policies that it has at this moment."""
    (user,) = iam.users.values()
    attached = [groups[name] for name in user.attachments.groups if name in groups]
    policies = Policies(
        tuple(Policy(str(n), d) for n, d in enumerate([*user.policies.values(), *attached]))
    )
    request = Request("ses:SendRawEmail", "*", mail_context(sender))
    return decide(policies, request).answer is Answer.ALLOWED


def test_the_plan_puts_our_policy_first_and_takes_the_rest_away_last() -> None:
    iam = FakeIam()
    add_handmade(iam)

    plan = prepare(iam).plan

    assert [step.action for step in plan] == [
        "iam:PutUserPolicy",
        "iam:TagUser",
        "iam:UpdateUser",
        "iam:DeleteLoginProfile",
        "iam:DeleteServiceSpecificCredential",
        "iam:DeleteSSHPublicKey",
        "iam:DeleteSigningCertificate",
        "iam:DeactivateMFADevice",
        "iam:DeleteVirtualMFADevice",
        "iam:DeactivateMFADevice",
        "iam:RemoveUserFromGroup",
        "iam:RemoveUserFromGroup",
        "iam:DetachUserPolicy",
        "iam:DeleteUserPolicy",
    ]
    assert [step.destructive for step in plan] == [False] * 3 + [True] * 11
    assert [step.user_name for step in plan] == [OLD] * 3 + [NAME] * 11


def test_the_user_becomes_the_tenant_and_keeps_its_key() -> None:
    iam = FakeIam()
    key = add_handmade(iam)

    adoption = run(iam)

    assert iam.snapshot() == tenant_state({key: "Active"}, tags={"client": "ACME", **TAGS})
    assert (adoption.user_arn, adoption.user_name) == (ARN, OLD)
    assert adoption.former_user_arn == f"arn:aws:iam::123456789012:user/{OLD}"
    assert not {"iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey"} & set(
        iam.calls
    )
    assert prepare_create(iam).plan == ()
    assert prepare(iam).plan == ()
    assert prepare(iam, name=NAME).plan == ()


def test_a_user_that_has_the_name_already_is_only_moved() -> None:
    iam = FakeIam()
    key = add_handmade(iam, name=NAME, attachments=Attachments())
    run(iam, name=NAME)
    assert iam.writes == [
        "iam:PutUserPolicy",
        "iam:TagUser",
        "iam:UpdateUser",
        "iam:DeleteUserPolicy",
    ]
    assert iam.snapshot() == tenant_state({key: "Active"}, tags={"client": "ACME", **TAGS})


@pytest.mark.parametrize("start", ["policy", "group"])
def test_the_site_can_send_before_and_after_every_call(start: str) -> None:
    groups = {"mailers": ANYTHING}
    iam = FakeIam()
    add_handmade(
        iam,
        policies={"send": HANDMADE} if start == "policy" else {},
        attachments=Attachments(groups=("mailers",)) if start == "group" else Attachments(),
    )
    foreign: list[bool] = []

    def look() -> None:
        assert _may_send(iam, "info@shop.example.com", groups)
        foreign.append(_may_send(iam, "info@other.example.com", groups))

    iam.turn = look
    run(iam)
    look()

    assert foreign[0] is (start == "group")
    assert foreign[-1] is False


@pytest.mark.parametrize("when", ["before", "lost"])
@pytest.mark.parametrize("name", [OLD, NAME])
def test_a_run_that_died_anywhere_is_finished_by_running_it_again(when: When, name: str) -> None:
    request = TenantRequest(
        SHOP, Interface.SMTP, destination="file:/shop.env", permissions_boundary=BOUNDARY
    )

    def start() -> FakeIam:
        iam = FakeIam()
        add_handmade(iam, name=name)
        iam.users[name].tags["ses-tenant:regions.2"] = "left over"
        iam.add_user("bystander", "/web/")
        return iam

    whole = start()
    run(whole, request, name)
    key = whole.issued[0].access_key_id
    assert whole.users[NAME].tags == {
        "client": "ACME",
        **TAGS,
        "ses-tenant:interface": "smtp",
        "ses-tenant:destination": "file:/shop.env",
        "ses-tenant:delivered": f"{key}+2026-01-15T12:00:00Z+elsewhere",
    }
    assert whole.users[NAME].policies == {"ses-tenant-sending": SMTP_POLICY}
    assert whole.users[NAME].permissions_boundary == BOUNDARY
    assert whole.users[NAME].path == PATH

    for n in range(1, len(whole.calls) + 1):
        iam = start()
        iam.fail_at(n, when)
        with pytest.raises(Crash):
            run(iam, request, name)
        run(iam, request, name)
        assert iam.snapshot() == whole.snapshot(), f"crash at call {n}"
        assert prepare(iam, request, name).plan == ()


def test_a_rename_whose_answer_was_lost_and_that_boto3_repeated_is_finished_by_the_next_run() -> (
    None
):
    whole = FakeIam()
    key = add_handmade(whole)
    run(whole)
    rename = whole.calls.index("iam:UpdateUser") + 1

    iam = FakeIam()
    add_handmade(iam)
    iam.fail_at(rename, "lost", SesTenantError(ErrorCode.NOT_FOUND, "NoSuchEntity"))
    with pytest.raises(SesTenantError) as caught:
        run(iam)
    assert caught.value.partly_done
    run(iam)

    assert iam.snapshot() == tenant_state({key: "Active"}, tags={"client": "ACME", **TAGS})


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_what_iam_does_not_find_right_after_the_rename_is_not_taken_for_removed(delay: int) -> None:
    iam = FakeIam()
    key = add_handmade(iam)
    pauses: list[float] = []
    iam.delay = delay

    run(iam, sleep=pauses.append)

    assert (len(pauses) > 0) is (delay > 1)
    assert iam.snapshot() == tenant_state({key: "Active"}, tags={"client": "ACME", **TAGS})


def test_what_another_run_has_removed_is_no_failure() -> None:
    iam = FakeIam()
    key = add_handmade(iam)
    adoption = prepare(iam)
    iam.users[OLD].attachments = replace(EVERYTHING, groups=("developers",), ssh_keys=())

    adopt.carry_out(fake_runtime(iam), adoption)

    assert iam.snapshot() == tenant_state({key: "Active"}, tags={"client": "ACME", **TAGS})


class TestRefusals:
    def test_no_such_user(self) -> None:
        error = _failure(FakeIam())
        assert error.code is ErrorCode.NOT_FOUND
        assert error.message == f"There is no IAM user {OLD}."
        assert "aws iam list-users" in error.hint

    @pytest.mark.parametrize("name", ["", "a/b", "arn:aws:iam::123456789012:user/x", "x" * 65])
    def test_what_is_no_name(self, name: str) -> None:
        iam = FakeIam()
        assert _failure(iam, name).code is ErrorCode.USAGE
        assert iam.calls == []

    @pytest.mark.parametrize("path", ["/", "/ses-tenant/other.example.com/"])
    def test_the_tenant_of_another_domain(self, path: str) -> None:
        iam = FakeIam()
        iam.add_user("ses-other.example.com", path, {"ses-tenant:domain": "other.example.com"})
        error = _failure(iam, "ses-other.example.com")
        assert error.code is ErrorCode.NOT_OURS
        assert "belongs to other.example.com" in error.message

    def test_a_user_on_the_path_of_another_domain(self) -> None:
        iam = FakeIam()
        iam.add_user("ses-other.example.com", "/ses-tenant/other.example.com/")
        assert _failure(iam, "ses-other.example.com").code is ErrorCode.NOT_OURS

    def test_the_tenant_is_there_as_another_user(self) -> None:
        iam = FakeIam()
        add_shop(iam)
        add_handmade(iam)
        error = _failure(iam)
        assert error.code is ErrorCode.ALREADY_EXISTS
        assert error.hint == (
            "If no site uses it: ses-tenant delete shop.example.com, then run this again."
        )

    def test_the_name_is_taken_by_a_user_that_is_no_tenant(self) -> None:
        iam = FakeIam()
        add_handmade(iam)
        iam.add_user(NAME, "/")
        error = _failure(iam)
        assert error.code is ErrorCode.ALREADY_EXISTS
        assert error.hint.endswith(f"ses-tenant adopt shop.example.com --user-name {NAME}")

    def test_a_name_that_is_not_there_beside_a_user_that_is_no_tenant(self) -> None:
        iam = FakeIam()
        iam.add_user(NAME, "/")
        assert _failure(iam).code is ErrorCode.NOT_OURS

    def test_more_than_two_keys(self) -> None:
        iam = FakeIam()
        add_handmade(iam)
        iam.add_key(OLD, KeyStatus.INACTIVE)
        iam.add_key(OLD)
        assert _failure(iam).code is ErrorCode.ACCESS_KEY_LIMIT

    def test_policies_that_leave_no_room_for_ours(self) -> None:
        iam = FakeIam()
        big = {**HANDMADE, "Id": "x" * 1500}
        add_handmade(iam, policies={"send": big})
        error = _failure(iam)
        assert error.code is ErrorCode.POLICY_TOO_LARGE
        assert "Attach what send allow as a managed policy" in error.hint

    def test_the_user_whose_key_makes_the_run(self) -> None:
        iam = FakeIam()
        key = add_handmade(iam)
        error = _failure(iam, key=key)
        assert error.code is ErrorCode.USAGE
        assert f"uses an access key of {OLD}" in error.message


class TestWarnings:
    def test_nothing_but_the_arn(self) -> None:
        iam = FakeIam()
        key = add_handmade(iam, attachments=Attachments())
        iam.last_service[key] = "ses"
        assert _codes(prepare(iam)) == ["arn_changed"]

    @pytest.mark.parametrize(
        ("policies", "groups", "tags", "sign"),
        [
            ({"send": SMTP_ONLY}, (), {}, "ses:SendRawEmail and no other way"),
            ({}, ("AWSSESSendingGroupDoNotRename",), {}, "AWSSESSendingGroupDoNotRename"),
            ({"send": HANDMADE}, (), {"InvokedBy": "SESConsole"}, "SES console made it"),
        ],
    )
    def test_a_user_that_looks_like_one_for_smtp(
        self,
        policies: dict[str, Mapping[str, object]],
        groups: tuple[str, ...],
        tags: dict[str, str],
        sign: str,
    ) -> None:
        iam = FakeIam()
        add_handmade(iam, policies=policies, attachments=Attachments(groups=groups))
        iam.users[OLD].tags |= tags
        (warning,) = [w for w in prepare(iam).warnings if w.code == "interface_guessed"]
        assert sign in warning.message
        for interface in Interface:
            given = prepare(iam, TenantRequest(SHOP, interface))
            assert given.spec.interface is interface
            assert "interface_guessed" not in _codes(given)

    def test_what_the_user_will_not_be_able_to_do_any_more(self) -> None:
        iam = FakeIam()
        more = {"Action": ["s3:GetObject", "ses:SendRawEmail"], "Effect": "Allow", "Resource": "*"}
        key = add_handmade(iam, policies={"a": ANYTHING, "b": {**HANDMADE, "Statement": more}})
        iam.last_service[key] = "s3"
        (warning,) = [w for w in prepare(iam).warnings if w.code == "permissions_lost"]
        assert "send as *@shop.example.com and to do nothing else" in warning.message
        assert "inline policies also allow s3:GetObject, ses:*;" in warning.message
        assert "managed policies and groups may allow more" in warning.message
        assert f"its key {key} was last used for s3" in warning.message

    def test_no_key_and_a_destination_that_got_none(self) -> None:
        iam = FakeIam()
        add_handmade(iam, attachments=Attachments())
        request = TenantRequest(SHOP, destination="file:/shop.env")
        assert _codes(prepare(iam, request)) == ["arn_changed", "destination_empty"]
        iam.users[OLD].keys.clear()
        assert _codes(prepare(iam)) == ["arn_changed", "no_access_key"]

    def test_a_name_that_is_gone_since_an_earlier_run(self) -> None:
        iam = FakeIam()
        add_shop(iam)
        iam.add_key(NAME)
        assert _codes(prepare(iam)) == ["already_adopted"]
        assert _codes(prepare(iam, name=NAME)) == []


def test_a_suspended_user_stays_suspended() -> None:
    iam = FakeIam()
    key = add_handmade(
        iam,
        policies={"send": HANDMADE, "ses-tenant-suspended": SUSPENDED_POLICY},
        attachments=Attachments(),
    )
    run(iam)
    assert iam.users[NAME].policies == {
        "ses-tenant-suspended": SUSPENDED_POLICY,
        "ses-tenant-sending": API_POLICY,
    }
    assert iam.users[NAME].keys[key].active
