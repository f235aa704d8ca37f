"""The four steps of Secrets Manager's contract on moto: what they do, refuse, and never do.

Several tests are failures of rotation functions that are in use; each says which in its name.
"""

import json
import uuid
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import Action, Mode
from ses_tenant.core.rotation.secret_versions import RotationEvent, RotationStep
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.functions import secret_rotation
from ses_tenant.functions.boundary import FunctionFailed
from ses_tenant.functions.runtime import make_runtime
from tests.fakes.iam import Crash
from tests.functions.interruptions import (
    THENS,
    WHENS,
    WRITES,
    Interruption,
    baseline,
    run_interrupted,
)
from tests.functions.rotated_account import REGION, SHOP, STEPS, RotatedAccount, open_account

DAY = timedelta(days=1)


def refused(account: RotatedAccount, step: str, token: str) -> SesTenantError:
    with pytest.raises(SesTenantError) as failure:
        account.step(step, token)
    return failure.value


def test_a_rotation_gives_the_site_a_new_key_and_leaves_the_old_one_active(
    account: RotatedAccount,
) -> None:
    old = account.held
    token = account.begin()
    account.step("createSecret", token)
    assert account.held == old
    pending = account.document("AWSPENDING")
    assert pending is not None
    new = pending["access_key_id"]
    assert account.keys == {old: "Active", new: "Active"}
    account.step("setSecret", token)
    account.step("testSecret", token)
    assert [c.access_key_id for c in account.tested] == [new]
    assert account.tested[0].secret_access_key == pending["secret_access_key"]
    assert account.held == old
    account.step("finishSecret", token)
    assert account.held == new
    assert account.keys == {old: "Active", new: "Active"}
    assert account.stages == [["AWSPENDING", "AWSCURRENT"], ["AWSPREVIOUS"]]
    assert account.note.startswith(f"{new}+{old}+")
    assert account.document() == {
        **pending,
        "comment": "written by ses-tenant for shop.example.com",
    }


def test_the_steps_are_known_by_the_names_of_the_documentation_too(account: RotatedAccount) -> None:
    token = account.begin()
    for name in ("create_secret", "set_secret", "test_secret", "finish_secret"):
        account.step(name, token)
    assert account.stages == [["AWSPENDING", "AWSCURRENT"], ["AWSPREVIOUS"]]


def test_every_step_may_be_run_again_and_again(account: RotatedAccount) -> None:
    token = account.begin()
    for name in STEPS:
        for _ in range(3):
            account.step(name, token)
    before = (account.keys, account.stages, account.note, account.document())
    for name in STEPS:
        account.step(name, token)
    assert (account.keys, account.stages, account.note, account.document()) == before
    assert len(account.keys) == 2


def test_an_smtp_tenant_gets_passwords_and_no_secret_access_key() -> None:
    with open_account(Interface.SMTP) as account:
        account.rotate()
        document = account.document()
    assert document is not None
    assert "secret_access_key" not in document
    assert document["smtp_host"] == "email-smtp.eu-central-1.amazonaws.com"
    assert [c.smtp[0].password for c in account.tested] == [document["smtp_password"]]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Step": "createSecret"},
        {"Step": "createSecret", "SecretId": "web/shop", "ClientRequestToken": ""},
        {"Step": "deleteSecret", "SecretId": "web/shop", "ClientRequestToken": "t" * 36},
        {"source": "aws.events", "detail-type": "Scheduled Event"},
    ],
)
def test_what_is_no_event_of_a_rotation_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(SesTenantError) as failure:
        RotationEvent.parse(event)
    assert failure.value.code is ErrorCode.USAGE


def test_an_event_is_read_and_its_rotation_token_shown_nowhere() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web/shop-a1B2c3"
    event = RotationEvent.parse(
        {"Step": "testSecret", "SecretId": arn, "ClientRequestToken": "t" * 64,
         "RotationToken": "rotation-token"}
    )  # fmt: skip
    assert (event.step, event.region) == (RotationStep.TEST, "eu-west-1")
    assert event.rotation_token == "rotation-token"
    assert "rotation-token" not in repr(event)
    assert len(event.process.host) == 64


def test_the_rotation_token_goes_with_the_new_version(account: RotatedAccount) -> None:
    sent: list[object] = []
    account.session.secretsmanager_client(REGION).meta.events.register(
        "provide-client-params.secrets-manager.PutSecretValue",
        lambda params, **_: sent.append(params.get("RotationToken")),
    )
    account.step("createSecret", account.begin(), RotationToken="t" * 36)
    assert sent == ["t" * 36]


def test_nothing_is_done_while_rotation_is_off(account: RotatedAccount) -> None:
    token = account.begin()
    account.secret.rotation_enabled = False
    account.secret.rotation_requested = False
    for step in STEPS:
        assert "not turned on" in refused(account, step, token).message
    assert len(account.keys) == 1


def test_a_version_that_is_not_there_or_not_pending_is_refused(account: RotatedAccount) -> None:
    token = account.begin()
    for step in STEPS:
        assert "has no version" in refused(account, step, str(uuid.uuid4())).message
    account.secret.versions[token]["version_stages"] = ["AWSPREVIOUS"]
    for step in STEPS:
        assert "not AWSPENDING" in refused(account, step, token).message
    assert len(account.keys) == 1


def test_turning_rotation_on_without_rotating_runs_test_alone_on_the_present_key(
    account: RotatedAccount,
) -> None:
    account.step("testSecret", account.begin())
    assert [c.access_key_id for c in account.tested] == [account.held]


def test_finish_without_create_moves_nothing(account: RotatedAccount) -> None:
    old, token = account.held, account.begin()
    assert refused(account, "finishSecret", token).code is ErrorCode.NOT_FOUND
    assert account.held == old


def test_serverless_mail_hides_why_a_login_failed_ours_tells(account: RotatedAccount) -> None:
    old, token = account.held, account.begin()
    account.step("createSecret", token)
    account.refusal = SesTenantError(ErrorCode.PARTIAL_FAILURE, "SMTP refused it: status 535.", "…")
    assert "status 535" in refused(account, "testSecret", token).message
    assert account.held == old
    assert account.keys[old] == "Active"


def test_serverless_mail_issues_a_key_each_time_create_runs_ours_does_not(
    account: RotatedAccount,
) -> None:
    token = account.begin()
    account.step("createSecret", token)
    keys = account.keys
    account.calls.clear()
    account.step("createSecret", token)
    assert account.keys == keys
    assert not {"CreateAccessKey", "PutSecretValue", "DeleteAccessKey"} & set(account.calls)


def test_serverless_mail_is_stuck_at_two_keys_for_ever_ours_goes_on_when_they_retire(
    account: RotatedAccount,
) -> None:
    first = account.held
    second = account.rotate()
    token = account.begin()
    account.calls.clear()
    failure = refused(account, "createSecret", token)
    assert failure.code is ErrorCode.ACCESS_KEY_LIMIT
    assert "CreateAccessKey" not in account.calls
    assert account.keys == {first: "Active", second: "Active"}
    account.clock.advance(1.1 * DAY)
    assert account.rotate_keys().error is None
    assert account.keys == {first: "Inactive", second: "Active"}
    assert refused(account, "createSecret", token).code is ErrorCode.ACCESS_KEY_LIMIT
    account.clock.advance(8 * DAY)
    for step in STEPS:
        account.step(step, token)
    assert account.keys == {second: "Active", account.held: "Active"}
    assert first not in account.keys


def test_rotations_alone_retire_a_key_one_move_at_a_time(account: RotatedAccount) -> None:
    """Without the scheduled function: deactivated by one attempt, deleted by a later one."""
    first, second = account.held, account.rotate()
    account.clock.advance(2 * DAY)
    token = account.begin()
    assert refused(account, "createSecret", token).code is ErrorCode.ACCESS_KEY_LIMIT
    assert account.keys == {first: "Inactive", second: "Active"}
    account.clock.advance(2 * DAY)
    assert refused(account, "createSecret", token).code is ErrorCode.ACCESS_KEY_LIMIT
    assert account.keys == {first: "Inactive", second: "Active"}
    account.clock.advance(8 * DAY)
    account.step("createSecret", token)
    assert first not in account.keys
    assert account.held == second


def test_a_key_that_is_still_used_is_not_deactivated_to_make_room(account: RotatedAccount) -> None:
    first, second = account.held, account.rotate()
    account.clock.advance(30 * DAY)
    account.used(first)
    assert first in refused(account, "createSecret", account.begin()).message
    assert account.keys == {first: "Active", second: "Active"}


def test_thoughtbot_loses_the_secret_when_put_fails_ours_deletes_the_key(
    account: RotatedAccount,
) -> None:
    old, token = account.held, account.begin()
    account.calls.clear()

    def fail(name: str, _n: int) -> None:
        if name == "PutSecretValue":
            raise account.denied(name)

    account.before = fail
    assert refused(account, "createSecret", token).code is ErrorCode.ACCESS_DENIED
    assert "CreateAccessKey" in account.calls
    assert account.keys == {old: "Active"}
    account.well()
    for step in STEPS:
        account.step(step, token)
    assert account.held != old


def test_thoughtbot_deletes_every_key_but_the_current_one_ours_none_with_a_stale_current(
    account: RotatedAccount,
) -> None:
    """AWSCURRENT names a key that is gone, and the site still sends with another."""
    document = account.document()
    assert document is not None
    stale = json.dumps({**document, "access_key_id": "AKIASTALE00000000000"})
    account.secret.versions[account.secret.default_version_id]["secret_string"] = stale
    before = account.keys
    account.used(next(iter(before)))
    assert refused(account, "createSecret", account.begin()).code is ErrorCode.NOT_FOUND
    assert account.keys == before


def test_renovo_loses_a_key_in_a_region_that_its_table_lacks_ours_has_no_table(
    account: RotatedAccount,
) -> None:
    account.tag("ses-tenant:interface", "smtp")
    account.tag("ses-tenant:regions", "eu-central-1+il-central-1")
    account.rotate()
    document = account.document()
    assert document is not None
    assert [login["host"] for login in document["smtp"]] == [
        "email-smtp.eu-central-1.amazonaws.com",
        "email-smtp.il-central-1.amazonaws.com",
    ]


def test_infisical_had_deactivated_before_it_created_ours_deactivates_nothing(
    account: RotatedAccount,
) -> None:
    account.rotate()
    assert "UpdateAccessKey" not in account.calls
    assert "DeleteAccessKey" not in account.calls


def test_a_suspended_tenant_stays_suspended(account: RotatedAccount) -> None:
    account.suspend()
    before = account.keys
    assert refused(account, "createSecret", account.begin()).code is ErrorCode.SUSPENDED
    assert account.keys == before
    assert set(before.values()) == {"Inactive"}


def test_a_tenant_that_is_suspended_between_the_steps_keeps_its_version(
    account: RotatedAccount,
) -> None:
    old, token = account.held, account.begin()
    account.step("createSecret", token)
    account.suspend()
    assert "suspended" in refused(account, "finishSecret", token).message
    assert account.held == old
    assert set(account.keys.values()) == {"Inactive"}
    assert account.stages == [[], ["AWSCURRENT"]]


def test_a_secret_that_is_not_the_tenants_destination_is_refused(account: RotatedAccount) -> None:
    account.create(to="secretsmanager:web/other")
    failure = refused(account, "createSecret", account.begin())
    assert failure.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert "web/other" in failure.message
    assert len(account.keys) == 1


@pytest.mark.parametrize("cut", [0, 7])
def test_a_destination_may_name_the_secret_by_its_arn(account: RotatedAccount, cut: int) -> None:
    account.create(to=f"secretsmanager:{account.arn[: len(account.arn) - cut]}")
    old = account.held
    account.tag("ses-tenant:delivered", f"{old}+2026-01-01T00:00:00Z")
    assert account.rotate() != old


@pytest.mark.parametrize("text", ["", "precious", "[]", "{}", '{"domain": "shop.example.com"}'])
def test_a_secret_that_somebody_else_has_written_is_refused_and_not_quoted(
    account: RotatedAccount, text: str
) -> None:
    account.secret.versions[account.secret.default_version_id]["secret_string"] = text
    failure = refused(account, "createSecret", account.begin())
    assert failure.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert failure.__cause__ is failure.__context__ is None
    assert "precious" not in str(failure)
    assert len(account.keys) == 1


def test_an_orphan_of_another_rotation_is_left_alone_until_its_lease_is_over(
    account: RotatedAccount,
) -> None:
    old, token = account.held, account.begin()
    account.crash_at_call("CreateAccessKey")
    with pytest.raises(Crash):
        account.step("createSecret", token)
    (orphan,) = set(account.keys) - {old}
    other = account.begin()
    assert refused(account, "createSecret", other).code is ErrorCode.PARTIAL_FAILURE
    assert orphan in account.keys
    account.clock.advance(timedelta(minutes=16))
    account.step("createSecret", other)
    assert orphan not in account.keys
    assert old in account.keys


def test_an_orphan_of_this_rotation_is_replaced_at_once(account: RotatedAccount) -> None:
    old, token = account.held, account.begin()
    account.crash_at_call("CreateAccessKey")
    with pytest.raises(Crash):
        account.step("createSecret", token)
    (orphan,) = set(account.keys) - {old}
    account.step("createSecret", token)
    assert orphan not in account.keys
    assert len(account.keys) == 2


def test_a_stale_pending_version_is_given_up_and_blocks_no_later_rotation(
    account: RotatedAccount,
) -> None:
    old, token = account.held, account.begin()
    account.step("createSecret", token)
    account.clock.advance(timedelta(minutes=20))
    failure = refused(account, "createSecret", token)
    assert failure.code is ErrorCode.PARTIAL_FAILURE
    assert account.keys == {old: "Active"}
    assert account.stages == [[], ["AWSCURRENT"]]
    assert account.rotate() != old


def test_a_pending_key_that_another_run_has_deleted_never_becomes_the_sites(
    account: RotatedAccount,
) -> None:
    old, token = account.held, account.begin()
    account.step("createSecret", token)
    account.clock.advance(timedelta(minutes=16))
    assert account.rotate_keys(named=False).decision is not None
    assert account.keys == {old: "Active"}
    account.clock.advance(timedelta(minutes=-10))
    assert "no longer Active" in refused(account, "finishSecret", token).message
    assert account.held == old
    assert account.stages == [[], ["AWSCURRENT"]]


def test_a_pending_version_with_a_key_that_a_site_may_hold_loses_its_label_and_no_key(
    account: RotatedAccount,
) -> None:
    """Somebody has put AWSPREVIOUS back as AWSPENDING by hand."""
    first, second = account.held, account.rotate()
    previous = json.dumps(account.document("AWSPREVIOUS"))
    token = account.begin()
    account.secret.versions[token]["secret_string"] = previous
    for step in ("createSecret", "finishSecret"):
        account.secret.versions[token]["version_stages"] = ["AWSPENDING"]
        assert "given up" in refused(account, step, token).message
    assert account.keys == {first: "Active", second: "Active"}
    assert account.held == second


def test_iam_may_show_a_new_key_late(account: RotatedAccount) -> None:
    token = account.begin()
    account.step("createSecret", token)
    hidden = account.user.access_keys.pop()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            account.user.access_keys.append(hidden)

    event = {"Step": "finishSecret", "SecretId": account.arn, "ClientRequestToken": token}
    secret_rotation.run(
        event, account.session, partial(make_runtime, sleep=sleep, now=account.clock)
    )
    assert slept == [1.0, 2.0]
    assert account.held == hidden.access_key_id


def test_no_secret_in_what_is_logged(
    account: RotatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.rotate()
    out = capsys.readouterr()
    lines = [json.loads(line) for line in out.out.splitlines()]
    assert [line["step"] for line in lines] == list(STEPS)
    document = account.document()
    assert document is not None
    assert document["secret_access_key"] not in out.out + out.err


class TestHandler:
    """As Lambda calls it."""

    def test_it_rotates_with_the_environment_that_lambda_gives(
        self, account: RotatedAccount
    ) -> None:
        old, token = account.held, account.begin()
        for step in STEPS:
            event = {"Step": step, "SecretId": account.arn, "ClientRequestToken": token}
            secret_rotation.handler(event, SimpleNamespace(aws_request_id="1"))
        assert account.held != old

    def test_a_refusal_is_told_with_code_and_hint(self, account: RotatedAccount) -> None:
        event = {"Step": "createSecret", "SecretId": account.arn, "ClientRequestToken": "x" * 36}
        with pytest.raises(FunctionFailed, match=r"usage: The secret web/shop .*rotate-secret"):
            secret_rotation.handler(event, None)

    def test_a_bug_is_told_without_what_it_worked_on(
        self, account: RotatedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = account.document()
        assert document is not None
        secret = document["secret_access_key"]
        monkeypatch.setenv("SES_TENANT_GRACE", "24h")
        broken = {
            "Step": "createSecret",
            "SecretId": account.arn,
            "ClientRequestToken": account.begin(),
        }
        monkeypatch.setattr(
            "moto.iam.models.IAMBackend.create_access_key",
            lambda *_: (_ for _ in ()).throw(RuntimeError(f"quotes {secret}")),
        )
        with pytest.raises(FunctionFailed) as failure:
            secret_rotation.handler(broken, None)
        assert str(failure.value).startswith("internal: RuntimeError at ")
        assert failure.value.__cause__ is failure.value.__context__ is None


@pytest.mark.parametrize(
    ("write", "when"),
    [  # each write once and each way to end at least once; the others are rare
        pytest.param(write, when, marks=[] if (one + two) % 3 == 0 else [pytest.mark.rare])
        for one, write in enumerate(WRITES)
        for two, when in enumerate(WHENS)
    ],
)
def test_whatever_happens_at_a_write_the_site_always_holds_an_active_key(
    write: str, when: str
) -> None:
    """A sample; `python -m tests.functions.interruptions` takes every call."""
    then = THENS[(WRITES.index(write) + WHENS.index(when)) % len(THENS)]
    for number, name in enumerate(baseline(), start=1):
        if name == write:
            run_interrupted(Interruption(number, when, then))


def test_rotate_keys_leaves_a_pending_key_alone(account: RotatedAccount) -> None:
    token = account.begin()
    account.step("createSecret", token)
    for mode in (Mode.NEXT, Mode.ABORT, Mode.COMPROMISED):
        turn = account.rotate_keys(mode, named=True)
        assert turn.error is not None
        assert turn.error.code is ErrorCode.PARTIAL_FAILURE
    for step in STEPS[1:]:
        account.step(step, token)
    assert len(account.keys) == 2
    turn = account.rotate_keys()
    assert turn.decision is not None
    assert turn.decision.action is Action.NONE
    assert SHOP.name == turn.domain


def test_a_rotation_finds_a_key_that_rotate_keys_has_just_issued(account: RotatedAccount) -> None:
    first = account.held
    assert account.rotate_keys(named=True).error is None
    second = account.held
    assert second != first
    assert refused(account, "createSecret", account.begin()).code is ErrorCode.ACCESS_KEY_LIMIT
    assert account.keys == {first: "Active", second: "Active"}
