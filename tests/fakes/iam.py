"""An IAM in memory that is as strict as the real one, with crashes and delays on demand.

It implements the operations' `Iam` protocol and answers as `ses_tenant.aws.iam.Iam` does: the
same values, the same error codes. tests/contract holds both to it. Names are looked up exactly
and are unique without regard to case.
"""

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, TypeVar

from ses_tenant.core.errors import ErrorCode
from ses_tenant.core.iam.authorization import Request
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.credentials import NewAccessKey
from ses_tenant.core.tenant.observed import (
    AccessKey,
    Attachments,
    CredentialReport,
    KeyStatus,
    Observed,
    ReportedKey,
    User,
)
from tests.fakes import iam_rules as rules
from tests.fakes.account_page import Document, account_page
from tests.fakes.iam_user import BOUNDARY, EVERYTHING, MANAGED_POLICY, FakeUser

__all__ = ["BOUNDARY", "EVERYTHING", "MANAGED_POLICY", "Clock", "Crash", "FakeIam", "FakeUser"]

When = Literal["before", "lost"]
_T = TypeVar("_T")


class Crash(BaseException):
    """The process died here: nothing of ours may catch it and go on."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass(frozen=True)
class _Fault:
    when: When
    error: BaseException


class FakeIam:
    """IAM in memory. `calls` is every action it was asked for, in order, as `iam:CreateUser`.

    While `dead` is true every call is a Crash: the process that makes it died before. `turn` is
    called before each call, for tests that decide which of several runs goes on.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.users: dict[str, FakeUser] = {}
        self.virtual_mfa_devices: set[str] = set()
        self.known_policies = {BOUNDARY, MANAGED_POLICY}
        self.last_used: dict[str, datetime] = {}
        self.last_service: dict[str, str] = {}
        self.groups: dict[str, Mapping[str, Document]] = {}
        self.managed: dict[str, Document] = {}
        self.roles: list[Mapping[str, object]] = []
        self.simulator: Callable[[Request], bool] = lambda _request: False
        self.issued: list[NewAccessKey] = []
        self.calls: list[str] = []
        self.delay = 0
        self.dead = False
        self.turn: Callable[[], None] = lambda: None
        self._clock = clock or Clock()
        self._faults: dict[int, _Fault] = {}
        self._unseen: dict[str, int] = {}
        self._lock = threading.RLock()

    # What a test sets up.

    def fail_at(self, n: int, when: When, error: BaseException | None = None) -> None:
        """Let the n-th call from now on (the first is 1) end in `error`, a Crash if not given.

        `before`: the call has no effect. `lost`: it has its effect and the answer is lost.
        """
        self._faults[len(self.calls) + n] = _Fault(when, error or Crash())

    def add_user(
        self, name: str, path: str = "/", tags: Mapping[str, str] | None = None
    ) -> FakeUser:
        """Put a user there without a call; raises as CreateUser does."""
        self._check_new_user("CreateUser", name, path, tags or {})
        user = FakeUser(name, path, self._clock(), dict(tags or {}))
        self.users[name] = user
        return user

    def attach(self, user_name: str, attachments: Attachments = EVERYTHING) -> None:
        """Hang things on a user that no step of ours makes; virtual MFA devices get registered."""
        self.users[user_name].attachments = attachments
        self.virtual_mfa_devices |= {d for d in attachments.mfa_devices if ":mfa/" in d}

    def add_key(self, user_name: str, status: KeyStatus = KeyStatus.ACTIVE) -> str:
        """Give a user a key without a call, and return its ID."""
        key_id = self._issue(user_name).access_key_id
        self.users[user_name].keys[key_id] = replace(
            self.users[user_name].keys[key_id], status=status
        )
        return key_id

    def snapshot(self) -> dict[str, dict[str, object]]:
        """Return the whole account as plain values, to compare with a literal."""
        return {
            user.name: {
                "path": user.path,
                "tags": dict(user.tags),
                "boundary": user.permissions_boundary,
                "policies": dict(user.policies),
                "keys": {key.access_key_id: key.status.value for key in user.keys.values()},
                "attachments": user.attachments,
            }
            for user in self.users.values()
        }

    @property
    def writes(self) -> list[str]:
        """Return the actions asked for that change something."""
        return [call for call in self.calls if not call.startswith(("iam:Get", "iam:List"))]

    # Reads.

    def get_user(self, user_name: str) -> User | None:
        def read() -> User | None:
            user = self.users.get(user_name)
            return user.as_user if user and self._seen(user_name) else None

        return self._call("GetUser", read)

    def list_user_policies(self, user_name: str) -> tuple[str, ...]:
        action = "ListUserPolicies"
        return self._call(action, lambda: tuple(self._user(action, user_name).policies))

    def get_user_policy(self, user_name: str, policy_name: str) -> Mapping[str, object]:
        def read() -> Mapping[str, object]:
            policies = self._user("GetUserPolicy", user_name).policies
            if policy_name not in policies:
                raise rules.no_such_entity("GetUserPolicy", f"The policy {policy_name}")
            return policies[policy_name]

        return self._call("GetUserPolicy", read)

    def list_access_keys(self, user_name: str) -> tuple[AccessKey, ...]:
        def read() -> tuple[AccessKey, ...]:
            keys = self._user("ListAccessKeys", user_name).keys.values()
            return tuple(sorted(keys, key=lambda k: (k.created_at, k.access_key_id)))

        return self._call("ListAccessKeys", read)

    def access_key_last_used(self, access_key_id: str) -> datetime | None:
        def read() -> datetime | None:
            if not any(access_key_id in user.keys for user in self.users.values()):
                raise rules.no_such_entity("GetAccessKeyLastUsed", f"The key {access_key_id}")
            return self.last_used.get(access_key_id)

        return self._call("GetAccessKeyLastUsed", read)

    def access_key_last_service(self, access_key_id: str) -> str | None:
        return self._call("GetAccessKeyLastUsed", lambda: self.last_service.get(access_key_id))

    def list_attachments(self, user_name: str) -> Attachments:
        def read(action: str, value: Callable[[Attachments], _T]) -> _T:
            return self._call(action, lambda: value(self._user(action, user_name).attachments))

        return Attachments(
            managed_policies=read("ListAttachedUserPolicies", lambda a: a.managed_policies),
            groups=read("ListGroupsForUser", lambda a: a.groups),
            login_profile=read("GetLoginProfile", lambda a: a.login_profile),
            mfa_devices=read("ListMFADevices", lambda a: a.mfa_devices),
            ssh_keys=read("ListSSHPublicKeys", lambda a: a.ssh_keys),
            certificates=read("ListSigningCertificates", lambda a: a.certificates),
            service_credentials=read(
                "ListServiceSpecificCredentials", lambda a: a.service_credentials
            ),
        )

    def list_tenants(self) -> tuple[Observed, ...]:
        """Return the users under our path: one call for each 1,000 users of the account."""
        found: list[Observed] = []
        users = list(self.users.values())
        for start in range(0, max(len(users), 1), 1000):
            page = users[start : start + 1000]
            found += self._call("GetAccountAuthorizationDetails", partial(_details, page))
        return tuple(found)

    def account_details(self) -> Iterable[Mapping[str, object]]:
        """Return everybody: one call for each 1,000 users."""
        users = list(self.users.values())
        for start in range(0, max(len(users), 1), 1000):
            more = (self.groups, self.managed, self.roles) if start == 0 else ({}, {}, [])
            page = partial(account_page, users[start : start + 1000], *more)
            yield self._call("GetAccountAuthorizationDetails", page)

    def simulate(self, request: Request) -> bool:
        return self._call("SimulatePrincipalPolicy", lambda: self.simulator(request))

    def credential_report(self) -> CredentialReport:
        """Return what the report shows: of an Inactive key it does not tell the time."""
        self._call("GenerateCredentialReport", lambda: None)
        return self._call(
            "GetCredentialReport",
            lambda: CredentialReport(
                self._clock(),
                {
                    user.as_user.user_arn: tuple(
                        ReportedKey(
                            key.active, key.created_at, self.last_used.get(key.access_key_id)
                        )
                        for key in user.keys.values()
                        if key.active
                    )
                    for user in self.users.values()
                },
            ),
        )

    # Writes.

    def create_user(self, step: steps.CreateUser) -> User:
        def write() -> User:
            self._check_new_user("CreateUser", step.user_name, step.path, step.tags)
            self._check_boundary("CreateUser", step.permissions_boundary)
            user = FakeUser(
                step.user_name,
                step.path,
                self._clock(),
                dict(step.tags),
                step.permissions_boundary,
            )
            self.users[user.name] = user
            self._unseen[user.name] = self.delay
            return user.as_user

        return self._call("CreateUser", write)

    def create_access_key(self, user_name: str) -> NewAccessKey:
        def write() -> NewAccessKey:
            user = self._user("CreateAccessKey", user_name)
            if len(user.keys) >= rules.MAX_ACCESS_KEYS:
                raise rules.refuse(
                    ErrorCode.ACCESS_KEY_LIMIT,
                    "CreateAccessKey",
                    "LimitExceeded",
                    "Cannot exceed quota for AccessKeysPerUser: 2",
                )
            return self._issue(user_name)

        return self._call("CreateAccessKey", write)

    def apply(self, step: steps.Write) -> None:
        self._call(step.action.removeprefix("iam:"), lambda: self._write(step))

    def _write(self, step: steps.Write) -> None:
        action = step.action.removeprefix("iam:")
        match step:
            case steps.DeleteVirtualMFADevice():  # the one call that names no user
                self._delete_virtual_mfa_device(action, step.serial_number)
                return
            case steps.PutUserPermissionsBoundary():
                self._check_boundary(action, step.permissions_boundary)
        user = self._user(action, step.user_name)
        if isinstance(step, steps.UpdateUser) and step.new_user_name:
            others = (name for name in self.users if name != step.user_name)
            rules.check_new_name(action, step.new_user_name, others)
        user.write(step)
        match step:
            case steps.DeleteUser():
                del self.users[user.name]
            case steps.UpdateUser(new_user_name=str()):
                del self.users[step.user_name]
                self.users[user.name] = user
                self._unseen[user.name] = self.delay

    def _delete_virtual_mfa_device(self, action: str, serial: str) -> None:
        rules.require(action, self.virtual_mfa_devices, serial)
        if any(serial in user.attachments.mfa_devices for user in self.users.values()):
            raise rules.conflict(action, "The device is still assigned to a user")
        self.virtual_mfa_devices.remove(serial)

    # Inside.

    def _call(self, action: str, effect: Callable[[], _T]) -> _T:
        """Record the call, let it take effect, and fail where a test wants it to."""
        self.turn()
        with self._lock:
            if self.dead:
                raise Crash
            self.calls.append(f"iam:{action}")
            fault = self._faults.pop(len(self.calls), None)
            if fault and isinstance(fault.error, Crash) and action == "DestinationPut":
                self.dead = True  # what catches everything there must not get any further
            if fault and fault.when == "before":
                raise fault.error
            try:
                return effect()
            finally:
                if fault:
                    raise fault.error

    def _seen(self, user_name: str) -> bool:
        """Tell whether the user is to be seen yet: `delay` calls after its making it is not."""
        left = self._unseen.get(user_name, 0)
        self._unseen[user_name] = max(left - 1, 0)
        return not left

    def _user(self, action: str, user_name: str) -> FakeUser:
        rules.check_name(action, user_name, 128)
        if user_name not in self.users or not self._seen(user_name):
            raise rules.no_such_entity(action, f"The user with name {user_name}")
        return self.users[user_name]

    def _check_new_user(self, action: str, name: str, path: str, tags: Mapping[str, str]) -> None:
        rules.check_path(action, path)
        rules.check_tags(action, tags)
        rules.check_new_name(action, name, self.users)

    def _check_boundary(self, action: str, arn: str | None) -> None:
        if arn is not None:
            rules.require(action, self.known_policies, arn)

    def _issue(self, user_name: str) -> NewAccessKey:
        digest = hashlib.sha256(f"key {len(self.issued)}".encode()).digest()
        text = base64.b64encode(digest).decode()
        new = NewAccessKey(
            access_key_id=f"AKIA{base64.b32encode(digest).decode()[:16]}",
            secret_access_key=f"{text[:19]}+{text[19:38]}/",
        )
        self.issued.append(new)
        self.users[user_name].keys[new.access_key_id] = AccessKey(
            new.access_key_id, KeyStatus.ACTIVE, self._clock()
        )
        return new


def _details(users: Iterable[FakeUser]) -> list[Observed]:
    return [
        Observed(
            user=user.as_user,
            inline_policies=tuple(user.policies),
            sending_policy=user.policies.get(naming.SENDING_POLICY),
            access_keys=(),
        )
        for user in users
        if naming.may_be_tenant(user.name, user.path)
    ]
