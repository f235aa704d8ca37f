"""A key that was issued is either held by its destination or deleted, whatever fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.credentials import Credentials, NewAccessKey
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.observed import (
    AccessKey,
    Attachments,
    CredentialReport,
    KeyStatus,
    Observed,
    User,
)
from ses_tenant.destinations.command import CommandDestination
from ses_tenant.destinations.file import FileDestination
from ses_tenant.destinations.formats import FORMATS
from ses_tenant.operations.apply import Applied, Issue, apply
from tests.fakes.runtime import fake_runtime

from .destination_samples import (
    KEY_ID,
    NEXT_KEY_ID,
    NEXT_SECRET,
    SECRET,
    SHOP,
    assert_no_secret,
    everything_said,
    refused,
    spec,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
USER = "ses-shop.example.com"
UNAVAILABLE = ErrorCode.DESTINATION_UNAVAILABLE
FULL = SesTenantError(UNAVAILABLE, "file:/x cannot be used: No space left.", "Make room.")
LOST = SesTenantError(ErrorCode.NETWORK, "The answer was lost.", "Try again.")
UNREADABLE = SesTenantError(UNAVAILABLE, "It cannot be read.", "Try again.")
DENIED = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies iam:DeleteAccessKey", "Allow it.")
PLAN: steps.Plan = (
    steps.CreateAccessKey(USER),
    steps.Deliver(USER, "file:/x"),
    steps.MarkDelivered(USER),
)


@dataclass
class KeysOfOneUser:
    """As much of IAM as delivery needs: one user's keys, each call noted."""

    calls: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    rival: str | None = None
    failing: SesTenantError | None = None

    def create_access_key(self, user_name: str) -> NewAccessKey:
        assert user_name == USER
        self.calls.append("CreateAccessKey")
        self.keys += [KEY_ID, self.rival] if self.rival else [KEY_ID]
        return NewAccessKey(KEY_ID, SECRET)

    def list_access_keys(self, user_name: str) -> tuple[AccessKey, ...]:
        assert user_name == USER
        self.calls.append("ListAccessKeys")
        return tuple(AccessKey(key, KeyStatus.ACTIVE, NOW) for key in self.keys)

    def apply(self, step: steps.Write) -> None:
        self.calls.append(type(step).__name__)
        match step:
            case steps.DeleteAccessKey(user_name=user, access_key_id=key):
                assert user == USER
                if self.failing:
                    raise self.failing
                self.keys.remove(key)
            case steps.TagUser(user_name=user, tags=tags):
                assert user == USER
                self.tags |= tags
            case _:
                raise AssertionError(step)

    def get_user(self, user_name: str) -> User | None:
        raise AssertionError(user_name)

    def list_user_policies(self, user_name: str) -> tuple[str, ...]:
        raise AssertionError(user_name)

    def get_user_policy(self, user_name: str, policy_name: str) -> Mapping[str, object]:
        raise AssertionError(user_name, policy_name)

    def access_key_last_used(self, access_key_id: str) -> datetime | None:
        raise AssertionError(access_key_id)

    def access_key_last_service(self, access_key_id: str) -> str | None:
        raise AssertionError(access_key_id)

    def list_attachments(self, user_name: str) -> Attachments:
        raise AssertionError(user_name)

    def list_tenants(self) -> tuple[Observed, ...]:
        raise AssertionError

    def account_details(self) -> NoReturn:
        raise AssertionError

    def simulate(self, request: object) -> NoReturn:
        raise AssertionError(request)

    def credential_report(self) -> CredentialReport:
        raise AssertionError

    def create_user(self, step: steps.CreateUser) -> User:
        raise AssertionError(step)


@dataclass
class Box:
    """A destination that fails where it is told to, before or after it has taken the key."""

    held: str | None = None
    readable: bool = True
    call: str = "Put"
    before: BaseException | None = None
    after: BaseException | None = None
    unreadable: SesTenantError | None = None

    def check(self) -> None:
        raise AssertionError("checked before, not while a key waits")

    def put(self, credentials: Credentials) -> None:
        assert credentials.secret_access_key == SECRET
        if self.before:
            raise self.before
        self.held = credentials.access_key_id
        if self.after:
            raise self.after

    def held_key(self) -> str | None:
        assert self.readable, "asked what cannot be read"
        if self.unreadable:
            raise self.unreadable
        return self.held


def deliver(
    iam: KeysOfOneUser,
    destination: Destination,
    *,
    now: Callable[[], datetime] = lambda: NOW,
    first: bool = False,
) -> Applied:
    return apply(
        fake_runtime(iam, now=now),
        PLAN,
        Issue(spec("file:/x"), "arn:aws:iam::1:user/x", destination, first),
    )


def test_delivered_and_noted() -> None:
    iam, box = KeysOfOneUser(), Box()
    applied = deliver(iam, box)
    assert applied.credentials is not None
    assert applied.credentials.access_key_id == box.held == KEY_ID
    assert iam.calls == ["CreateAccessKey", "TagUser"]
    assert iam.tags == {"ses-tenant:delivered": f"{KEY_ID}+2026-03-01T12:00:00Z"}
    assert_no_secret(repr(applied) + str(applied))


@pytest.mark.parametrize("held", [None, NEXT_KEY_ID])
def test_put_fails_and_the_key_is_deleted(held: str | None) -> None:
    iam, box = KeysOfOneUser(keys=[NEXT_KEY_ID]), Box(held, before=FULL)
    with refused(UNAVAILABLE, FULL.message, "deleted again", "Make room.", "1 of 3 steps"):
        deliver(iam, box)
    assert iam.calls == ["CreateAccessKey", "DeleteAccessKey"]
    assert (iam.keys, box.held, iam.tags) == ([NEXT_KEY_ID], held, {})


@pytest.mark.parametrize("readable", [True, False])
def test_what_cannot_be_read_back_is_not_asked(readable: bool) -> None:
    iam = KeysOfOneUser()
    with refused(UNAVAILABLE, "deleted again"):
        deliver(iam, Box(readable=readable, before=FULL))
    assert iam.keys == []


def test_put_s_answer_is_lost_but_the_key_is_held() -> None:
    iam, box = KeysOfOneUser(), Box(NEXT_KEY_ID, after=LOST)
    applied = deliver(iam, box)
    assert applied.credentials is not None
    assert (iam.keys, box.held) == ([KEY_ID], KEY_ID)
    assert iam.calls == ["CreateAccessKey", "TagUser"]


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt(), SystemExit(1), MemoryError()])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_key_whose_destination_cannot_be_asked_is_not_deleted(
    error: BaseException, when: str
) -> None:
    iam = KeysOfOneUser()
    box = Box(unreadable=UNREADABLE, **{when: error})  # type: ignore[arg-type]
    with refused(UNAVAILABLE, "It cannot be read."):
        deliver(iam, box)
    assert iam.calls == ["CreateAccessKey"]
    assert iam.keys == [KEY_ID]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_an_interrupt_in_put_goes_on_after_the_key_is_deleted(error: BaseException) -> None:
    iam = KeysOfOneUser()
    with pytest.raises(type(error)) as caught:
        deliver(iam, Box(before=error))
    assert iam.calls == ["CreateAccessKey", "DeleteAccessKey"]
    assert iam.keys == []
    assert_no_secret(everything_said(caught.value))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_an_interrupt_after_put_keeps_the_key_that_is_held(error: BaseException) -> None:
    iam, box = KeysOfOneUser(), Box(after=error)
    with pytest.raises(type(error)):
        deliver(iam, box)
    assert iam.calls == ["CreateAccessKey"]
    assert (iam.keys, box.held) == ([KEY_ID], KEY_ID)


def test_a_key_that_cannot_be_deleted_is_told() -> None:
    iam = KeysOfOneUser(failing=DENIED)
    by_hand = f"aws iam delete-access-key --user-name {USER} --access-key-id {KEY_ID}"
    with refused(UNAVAILABLE, FULL.message, "iam:DeleteAccessKey", by_hand, "1 of 3 steps"):
        deliver(iam, Box(before=FULL))
    assert iam.keys == [KEY_ID]


@pytest.mark.parametrize(("minutes", "late"), [(14, False), (15, True), (60, True)])
def test_a_key_is_not_delivered_after_its_lease(minutes: int, late: bool) -> None:
    iam, box, times = KeysOfOneUser(), Box(), [NOW]

    def now() -> datetime:
        return times.pop() if times else NOW + timedelta(minutes=minutes)

    if late:
        with refused(ErrorCode.PARTIAL_FAILURE, "longer than 0:15:00"):
            deliver(iam, box, now=now)
    else:
        deliver(iam, box, now=now)
    assert (iam.keys, box.held) == (([], None) if late else ([KEY_ID], KEY_ID))


def test_two_first_keys_at_once_are_too_many() -> None:
    iam, box = KeysOfOneUser(rival=NEXT_KEY_ID), Box()
    with refused(ErrorCode.PARTIAL_FAILURE, "another run issued a key"):
        deliver(iam, box, first=True)
    assert iam.calls == ["CreateAccessKey", "ListAccessKeys", "DeleteAccessKey"]
    assert (iam.keys, box.held) == ([NEXT_KEY_ID], None)


def test_a_first_key_that_is_alone_is_delivered() -> None:
    iam, box = KeysOfOneUser(), Box()
    deliver(iam, box, first=True)
    assert iam.calls == ["CreateAccessKey", "ListAccessKeys", "TagUser"]
    assert box.held == KEY_ID


# --- with destinations as they are -----------------------------------------------------------


def test_a_file_whose_folder_is_gone(tmp_path: Path) -> None:
    iam = KeysOfOneUser()
    here = FileDestination(str(tmp_path / "gone" / "mail.env"), SHOP, FORMATS["env"], force=False)
    with refused(UNAVAILABLE, "No such file or directory", "deleted again"):
        deliver(iam, here)
    assert iam.keys == []


def test_ctrl_c_while_a_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = KeysOfOneUser(keys=[NEXT_KEY_ID])
    file = tmp_path / "mail.env"
    file.write_text(f"AWS_ACCESS_KEY_ID={NEXT_KEY_ID}\nAWS_SECRET_ACCESS_KEY={NEXT_SECRET}\n")
    here = FileDestination(str(file), SHOP, FORMATS["env"], force=False)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        deliver(iam, here)
    assert iam.keys == [NEXT_KEY_ID] == [here.held_key()]
    assert [path.name for path in tmp_path.iterdir()] == ["mail.env"]
    assert_no_secret(everything_said(caught.value))


def test_a_command_that_fails_after_it_delivered(tmp_path: Path) -> None:
    iam, file = KeysOfOneUser(), tmp_path / "file"
    deliver(iam, CommandDestination(f"cat > {file}; exit 1", f"cat {file}"))
    assert iam.calls == ["CreateAccessKey", "TagUser"]
    assert iam.keys == [KEY_ID]


def test_a_command_that_fails_and_delivers_nothing(tmp_path: Path) -> None:
    iam, file = KeysOfOneUser(), tmp_path / "file"
    file.write_text(NEXT_KEY_ID)
    with refused(UNAVAILABLE, "status 1", "deleted again"):
        deliver(iam, CommandDestination("cat; exit 1", f"cat {file}"))
    assert iam.keys == []
