"""The four steps of Secrets Manager's contract on moto: what they do, refuse, and never do.

Several tests are failures of rotation functions that are in use; each says which in its name.
"""

import json
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import Action, Mode
from ses_tenant.core.rotation.secret_versions import RotationEvent, RotationStep
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.functions import secret_rotation
from ses_tenant.functions.boundary import FunctionFailed
from tests.fakes.iam import Crash
from tests.functions.lab import REGION, SHOP, STEPS, Lab
from tests.functions.lab import lab as make_lab
from tests.functions.matrix import THENS, WHENS, WRITES, Cell, baseline, run_cell

DAY = timedelta(days=1)


def refused(lab: Lab, step: str, token: str) -> SesTenantError:
    with pytest.raises(SesTenantError) as failure:
        lab.step(step, token)
    return failure.value


def test_a_rotation_gives_the_site_a_new_key_and_leaves_the_old_one_active(lab: Lab) -> None:
    old = lab.held
    token = lab.begin()
    lab.step("createSecret", token)
    assert lab.held == old
    pending = lab.document("AWSPENDING")
    assert pending is not None
    new = pending["access_key_id"]
    assert lab.keys == {old: "Active", new: "Active"}
    lab.step("setSecret", token)
    lab.step("testSecret", token)
    assert [c.access_key_id for c in lab.tested] == [new]
    assert lab.tested[0].secret_access_key == pending["secret_access_key"]
    assert lab.held == old
    lab.step("finishSecret", token)
    assert lab.held == new
    assert lab.keys == {old: "Active", new: "Active"}
    assert lab.stages == [["AWSPENDING", "AWSCURRENT"], ["AWSPREVIOUS"]]
    assert lab.note.startswith(f"{new}+{old}+")
    assert lab.document() == {**pending, "comment": "written by ses-tenant for shop.example.com"}


def test_the_steps_are_known_by_the_names_of_the_documentation_too(lab: Lab) -> None:
    token = lab.begin()
    for name in ("create_secret", "set_secret", "test_secret", "finish_secret"):
        lab.step(name, token)
    assert lab.stages == [["AWSPENDING", "AWSCURRENT"], ["AWSPREVIOUS"]]


def test_every_step_may_be_run_again_and_again(lab: Lab) -> None:
    token = lab.begin()
    for name in STEPS:
        for _ in range(3):
            lab.step(name, token)
    before = (lab.keys, lab.stages, lab.note, lab.document())
    for name in STEPS:
        lab.step(name, token)
    assert (lab.keys, lab.stages, lab.note, lab.document()) == before
    assert len(lab.keys) == 2


def test_an_smtp_tenant_gets_passwords_and_no_secret_access_key() -> None:
    with make_lab(Interface.SMTP) as lab:
        lab.rotate()
        document = lab.document()
    assert document is not None
    assert "secret_access_key" not in document
    assert document["smtp_host"] == "email-smtp.eu-central-1.amazonaws.com"
    assert [c.smtp[0].password for c in lab.tested] == [document["smtp_password"]]


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


def test_the_rotation_token_goes_with_the_new_version(lab: Lab) -> None:
    sent: list[object] = []
    lab.session.secretsmanager_client(REGION).meta.events.register(
        "provide-client-params.secrets-manager.PutSecretValue",
        lambda params, **_: sent.append(params.get("RotationToken")),
    )
    lab.step("createSecret", lab.begin(), RotationToken="t" * 36)
    assert sent == ["t" * 36]


def test_nothing_is_done_while_rotation_is_off(lab: Lab) -> None:
    token = lab.begin()
    lab.secret.rotation_enabled = False
    lab.secret.rotation_requested = False
    for step in STEPS:
        assert "not turned on" in refused(lab, step, token).message
    assert len(lab.keys) == 1


def test_a_version_that_is_not_there_or_not_pending_is_refused(lab: Lab) -> None:
    token = lab.begin()
    for step in STEPS:
        assert "has no version" in refused(lab, step, str(uuid.uuid4())).message
    lab.secret.versions[token]["version_stages"] = ["AWSPREVIOUS"]
    for step in STEPS:
        assert "not AWSPENDING" in refused(lab, step, token).message
    assert len(lab.keys) == 1


def test_turning_rotation_on_without_rotating_runs_test_alone_on_the_present_key(lab: Lab) -> None:
    lab.step("testSecret", lab.begin())
    assert [c.access_key_id for c in lab.tested] == [lab.held]


def test_finish_without_create_moves_nothing(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    assert refused(lab, "finishSecret", token).code is ErrorCode.NOT_FOUND
    assert lab.held == old


def test_serverless_mail_hides_why_a_login_failed_ours_tells(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    lab.step("createSecret", token)
    lab.refusal = SesTenantError(ErrorCode.PARTIAL_FAILURE, "SMTP refused it: status 535.", "…")
    assert "status 535" in refused(lab, "testSecret", token).message
    assert lab.held == old
    assert lab.keys[old] == "Active"


def test_serverless_mail_issues_a_key_each_time_create_runs_ours_does_not(lab: Lab) -> None:
    token = lab.begin()
    lab.step("createSecret", token)
    keys = lab.keys
    lab.calls.clear()
    lab.step("createSecret", token)
    assert lab.keys == keys
    assert not {"CreateAccessKey", "PutSecretValue", "DeleteAccessKey"} & set(lab.calls)


def test_serverless_mail_is_stuck_at_two_keys_for_ever_ours_goes_on_when_they_retire(
    lab: Lab,
) -> None:
    first = lab.held
    second = lab.rotate()
    token = lab.begin()
    lab.calls.clear()
    failure = refused(lab, "createSecret", token)
    assert failure.code is ErrorCode.ACCESS_KEY_LIMIT
    assert "CreateAccessKey" not in lab.calls
    assert lab.keys == {first: "Active", second: "Active"}
    lab.clock.advance(1.1 * DAY)
    assert lab.rotate_keys().error is None
    assert lab.keys == {first: "Inactive", second: "Active"}
    assert refused(lab, "createSecret", token).code is ErrorCode.ACCESS_KEY_LIMIT
    lab.clock.advance(8 * DAY)
    for step in STEPS:
        lab.step(step, token)
    assert lab.keys == {second: "Active", lab.held: "Active"}
    assert first not in lab.keys


def test_rotations_alone_retire_a_key_one_move_at_a_time(lab: Lab) -> None:
    """Without the scheduled function: deactivated by one attempt, deleted by a later one."""
    first, second = lab.held, lab.rotate()
    lab.clock.advance(2 * DAY)
    token = lab.begin()
    assert refused(lab, "createSecret", token).code is ErrorCode.ACCESS_KEY_LIMIT
    assert lab.keys == {first: "Inactive", second: "Active"}
    lab.clock.advance(2 * DAY)
    assert refused(lab, "createSecret", token).code is ErrorCode.ACCESS_KEY_LIMIT
    assert lab.keys == {first: "Inactive", second: "Active"}
    lab.clock.advance(8 * DAY)
    lab.step("createSecret", token)
    assert first not in lab.keys
    assert lab.held == second


def test_a_key_that_is_still_used_is_not_deactivated_to_make_room(lab: Lab) -> None:
    first, second = lab.held, lab.rotate()
    lab.clock.advance(30 * DAY)
    lab.used(first)
    assert first in refused(lab, "createSecret", lab.begin()).message
    assert lab.keys == {first: "Active", second: "Active"}


def test_thoughtbot_loses_the_secret_when_put_fails_ours_deletes_the_key(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    lab.calls.clear()

    def fail(name: str, _n: int) -> None:
        if name == "PutSecretValue":
            raise lab.denied(name)

    lab.before = fail
    assert refused(lab, "createSecret", token).code is ErrorCode.ACCESS_DENIED
    assert "CreateAccessKey" in lab.calls
    assert lab.keys == {old: "Active"}
    lab.well()
    for step in STEPS:
        lab.step(step, token)
    assert lab.held != old


def test_thoughtbot_deletes_every_key_but_the_current_one_ours_none_with_a_stale_current(
    lab: Lab,
) -> None:
    """AWSCURRENT names a key that is gone, and the site still sends with another."""
    document = lab.document()
    assert document is not None
    stale = json.dumps({**document, "access_key_id": "AKIASTALE00000000000"})
    lab.secret.versions[lab.secret.default_version_id]["secret_string"] = stale
    before = lab.keys
    lab.used(next(iter(before)))
    assert refused(lab, "createSecret", lab.begin()).code is ErrorCode.NOT_FOUND
    assert lab.keys == before


def test_renovo_loses_a_key_in_a_region_that_its_table_lacks_ours_has_no_table(
    lab: Lab,
) -> None:
    lab.tag("ses-tenant:interface", "smtp")
    lab.tag("ses-tenant:regions", "eu-central-1+il-central-1")
    lab.rotate()
    document = lab.document()
    assert document is not None
    assert [login["host"] for login in document["smtp"]] == [
        "email-smtp.eu-central-1.amazonaws.com",
        "email-smtp.il-central-1.amazonaws.com",
    ]


def test_infisical_had_deactivated_before_it_created_ours_deactivates_nothing(lab: Lab) -> None:
    lab.rotate()
    assert "UpdateAccessKey" not in lab.calls
    assert "DeleteAccessKey" not in lab.calls


def test_a_suspended_tenant_stays_suspended(lab: Lab) -> None:
    lab.suspend()
    before = lab.keys
    assert refused(lab, "createSecret", lab.begin()).code is ErrorCode.SUSPENDED
    assert lab.keys == before
    assert set(before.values()) == {"Inactive"}


def test_a_tenant_that_is_suspended_between_the_steps_keeps_its_version(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    lab.step("createSecret", token)
    lab.suspend()
    assert "suspended" in refused(lab, "finishSecret", token).message
    assert lab.held == old
    assert set(lab.keys.values()) == {"Inactive"}
    assert lab.stages == [[], ["AWSCURRENT"]]


def test_a_secret_that_is_not_the_tenants_destination_is_refused(lab: Lab) -> None:
    lab.create(to="secretsmanager:web/other")
    failure = refused(lab, "createSecret", lab.begin())
    assert failure.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert "web/other" in failure.message
    assert len(lab.keys) == 1


@pytest.mark.parametrize("cut", [0, 7])
def test_a_destination_may_name_the_secret_by_its_arn(lab: Lab, cut: int) -> None:
    lab.create(to=f"secretsmanager:{lab.arn[: len(lab.arn) - cut]}")
    old = lab.held
    lab.tag("ses-tenant:delivered", f"{old}+2026-01-01T00:00:00Z")
    assert lab.rotate() != old


@pytest.mark.parametrize("text", ["", "precious", "[]", "{}", '{"domain": "shop.example.com"}'])
def test_a_secret_that_somebody_else_has_written_is_refused_and_not_quoted(
    lab: Lab, text: str
) -> None:
    lab.secret.versions[lab.secret.default_version_id]["secret_string"] = text
    failure = refused(lab, "createSecret", lab.begin())
    assert failure.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert failure.__cause__ is failure.__context__ is None
    assert "precious" not in str(failure)
    assert len(lab.keys) == 1


def test_an_orphan_of_another_rotation_is_left_alone_until_its_lease_is_over(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    lab.crash_at_call("CreateAccessKey")
    with pytest.raises(Crash):
        lab.step("createSecret", token)
    (orphan,) = set(lab.keys) - {old}
    other = lab.begin()
    assert refused(lab, "createSecret", other).code is ErrorCode.PARTIAL_FAILURE
    assert orphan in lab.keys
    lab.clock.advance(timedelta(minutes=16))
    lab.step("createSecret", other)
    assert orphan not in lab.keys
    assert old in lab.keys


def test_an_orphan_of_this_rotation_is_replaced_at_once(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    lab.crash_at_call("CreateAccessKey")
    with pytest.raises(Crash):
        lab.step("createSecret", token)
    (orphan,) = set(lab.keys) - {old}
    lab.step("createSecret", token)
    assert orphan not in lab.keys
    assert len(lab.keys) == 2


def test_a_stale_pending_version_is_given_up_and_blocks_no_later_rotation(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    lab.step("createSecret", token)
    lab.clock.advance(timedelta(minutes=20))
    failure = refused(lab, "createSecret", token)
    assert failure.code is ErrorCode.PARTIAL_FAILURE
    assert lab.keys == {old: "Active"}
    assert lab.stages == [[], ["AWSCURRENT"]]
    assert lab.rotate() != old


def test_a_pending_key_that_another_run_has_deleted_never_becomes_the_sites(lab: Lab) -> None:
    old, token = lab.held, lab.begin()
    lab.step("createSecret", token)
    lab.clock.advance(timedelta(minutes=16))
    assert lab.rotate_keys(named=False).decision is not None
    assert lab.keys == {old: "Active"}
    lab.clock.advance(timedelta(minutes=-10))
    assert "no longer Active" in refused(lab, "finishSecret", token).message
    assert lab.held == old
    assert lab.stages == [[], ["AWSCURRENT"]]


def test_a_pending_version_with_a_key_that_a_site_may_hold_loses_its_label_and_no_key(
    lab: Lab,
) -> None:
    """Somebody has put AWSPREVIOUS back as AWSPENDING by hand."""
    first, second = lab.held, lab.rotate()
    previous = json.dumps(lab.document("AWSPREVIOUS"))
    token = lab.begin()
    lab.secret.versions[token]["secret_string"] = previous
    for step in ("createSecret", "finishSecret"):
        lab.secret.versions[token]["version_stages"] = ["AWSPENDING"]
        assert "given up" in refused(lab, step, token).message
    assert lab.keys == {first: "Active", second: "Active"}
    assert lab.held == second


def test_iam_may_show_a_new_key_late(lab: Lab) -> None:
    token = lab.begin()
    lab.step("createSecret", token)
    hidden = lab.user.access_keys.pop()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            lab.user.access_keys.append(hidden)

    event = {"Step": "finishSecret", "SecretId": lab.arn, "ClientRequestToken": token}
    secret_rotation.run(event, lab.session, lambda _: "", sleep, lab.clock)
    assert slept == [1.0, 2.0]
    assert lab.held == hidden.access_key_id


def test_no_secret_in_what_is_logged(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.rotate()
    out = capsys.readouterr()
    lines = [json.loads(line) for line in out.out.splitlines()]
    assert [line["step"] for line in lines] == list(STEPS)
    document = lab.document()
    assert document is not None
    assert document["secret_access_key"] not in out.out + out.err


class TestHandler:
    """As Lambda calls it."""

    def test_it_rotates_with_the_environment_that_lambda_gives(self, lab: Lab) -> None:
        old, token = lab.held, lab.begin()
        for step in STEPS:
            event = {"Step": step, "SecretId": lab.arn, "ClientRequestToken": token}
            secret_rotation.handler(event, SimpleNamespace(aws_request_id="1"))
        assert lab.held != old

    def test_a_refusal_is_told_with_code_and_hint(self, lab: Lab) -> None:
        event = {"Step": "createSecret", "SecretId": lab.arn, "ClientRequestToken": "x" * 36}
        with pytest.raises(FunctionFailed, match=r"usage: The secret web/shop .*rotate-secret"):
            secret_rotation.handler(event, None)

    def test_a_bug_is_told_without_what_it_worked_on(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = lab.document()
        assert document is not None
        secret = document["secret_access_key"]
        monkeypatch.setenv("SES_TENANT_GRACE", "24h")
        broken = {"Step": "createSecret", "SecretId": lab.arn, "ClientRequestToken": lab.begin()}
        monkeypatch.setattr(
            "moto.iam.models.IAMBackend.create_access_key",
            lambda *_: (_ for _ in ()).throw(RuntimeError(f"quotes {secret}")),
        )
        with pytest.raises(FunctionFailed) as failure:
            secret_rotation.handler(broken, None)
        assert str(failure.value).startswith("internal: RuntimeError at ")
        assert failure.value.__cause__ is failure.value.__context__ is None


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("when", WHENS)
def test_whatever_happens_at_a_write_the_site_always_holds_an_active_key(
    write: str, when: str
) -> None:
    """A sample; `python -m tests.functions.matrix` takes every call."""
    then = THENS[(WRITES.index(write) + WHENS.index(when)) % len(THENS)]
    for number, name in enumerate(baseline(), start=1):
        if name == write:
            run_cell(Cell(number, when, then))


def test_rotate_keys_leaves_a_pending_key_alone(lab: Lab) -> None:
    token = lab.begin()
    lab.step("createSecret", token)
    for mode in (Mode.NEXT, Mode.ABORT, Mode.COMPROMISED):
        turn = lab.rotate_keys(mode, named=True)
        assert turn.error is not None
        assert turn.error.code is ErrorCode.PARTIAL_FAILURE
    for step in STEPS[1:]:
        lab.step(step, token)
    assert len(lab.keys) == 2
    turn = lab.rotate_keys()
    assert turn.decision is not None
    assert turn.decision.action is Action.NONE
    assert SHOP.name == turn.domain


def test_a_rotation_finds_a_key_that_rotate_keys_has_just_issued(lab: Lab) -> None:
    first = lab.held
    assert lab.rotate_keys(named=True).error is None
    second = lab.held
    assert second != first
    assert refused(lab, "createSecret", lab.begin()).code is ErrorCode.ACCESS_KEY_LIMIT
    assert lab.keys == {first: "Active", second: "Active"}
