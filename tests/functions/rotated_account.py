"""An account on moto with one tenant whose secret is rotated, as Secrets Manager would do it."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws
from moto.iam.models import AccessKeyLastUsed, iam_backends
from moto.secretsmanager.models import secretsmanager_backends

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.rotation.decision import Mode, RotationOptions
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.notes import Note, Process
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.functions import secret_rotation
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.operations import create, rotate, rotate_all, suspend
from ses_tenant.operations.runtime import Runtime
from tests.fakes.iam import Crash

ACCOUNT, REGION = "123456789012", "eu-central-1"
SHOP = SendingDomain.parse("shop.example.com")
USER, SECRET = "ses-shop.example.com", "web/shop"
LAPTOP = Process("a-laptop", 1)
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Clock:
    """The time; moto has its own, which is the real one."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class RotatedAccount:
    """One tenant with its secret. `calls` are the API calls made since it was cleared."""

    session: AwsSession
    clock: Clock = field(default_factory=Clock)
    calls: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    tested: list[Credentials] = field(default_factory=list)
    refusal: SesTenantError | None = None
    before: Callable[[str, int], None] = lambda _name, _n: None
    after: Callable[[str, int], None] = lambda _name, _n: None
    watch: Callable[[str, int], None] = lambda _name, _n: None

    def __post_init__(self) -> None:
        events = self.session.boto.events
        events.register("before-call", self._before)
        events.register("after-call", self._after)

    def _before(self, model: Any, **_: object) -> None:
        self.calls.append(model.name)
        self.before(model.name, len(self.calls))

    def _after(self, model: Any, **_: object) -> None:
        self.watch(model.name, len(self.calls))
        self.after(model.name, len(self.calls))

    # The tenant, as the command line makes and rotates it.

    def runtime(self, process: Process = LAPTOP) -> Runtime:
        runtime = make_runtime(self.session, process, self.slept.append, self.clock)
        return replace(runtime, default_region=REGION, verify=self._verify)

    def create(self, to: str = f"secretsmanager:{SECRET}", **options: Any) -> None:
        request = TenantRequest(SHOP, destination=to, **options)
        runtime = self.runtime()
        create.carry_out(runtime, create.prepare(runtime, request))

    def rotate_keys(self, mode: Mode = Mode.NEXT, *, named: bool = False) -> rotate.Turn:
        """Run `rotate-keys` on another machine; what it refuses is part of the turn."""
        wanted = rotate_all.Wanted(RotationOptions(named=named, mode=mode), (SHOP,))
        found = rotate_all.look({None: self.runtime()}, {None: wanted})
        (done,) = rotate_all.carry_out_all(rotate_all.plan_all(found.due), verify=False)
        return done.turn

    def suspend(self) -> None:
        (done,) = suspend.carry_out_all(self.runtime(), suspend.prepare_suspend, [(SHOP, None)])
        assert done.error is None

    def orphan(self) -> None:
        """Leave a key behind that reached nobody, as a run that was ended does."""
        note = Note((self.held,), self.clock(), Process("lambda-1", 0)).to_tag()
        self.tag("ses-tenant:delivered", note)
        iam_backends[ACCOUNT]["aws"].create_access_key(USER)

    # Secrets Manager, which moto plays only with Docker.

    @property
    def secret(self) -> Any:
        return secretsmanager_backends[ACCOUNT][REGION].secrets[SECRET]

    @property
    def arn(self) -> str:
        return str(self.secret.arn)

    def begin(self) -> str:
        """Begin a rotation as RotateSecret does: a version without a value is AWSPENDING."""
        token = str(uuid.uuid4())
        self.secret.remove_version_stages_from_old_versions(["AWSPENDING"])
        self.secret.versions[token] = {
            "createdate": 0, "version_id": token, "version_stages": ["AWSPENDING"],
        }  # fmt: skip
        self.secret.rotation_enabled = True
        self.secret.rotation_requested = True
        return token

    def step(self, name: str, token: str, **more: str) -> None:
        """Invoke the function for one step. Its failure is raised."""
        event = {"Step": name, "SecretId": self.arn, "ClientRequestToken": token, **more}
        secret_rotation.run(event, self.session, lambda _, process: self.runtime(process))

    def rotate(self) -> str:
        """Run a whole rotation, and return the key that the site reads then."""
        token = self.begin()
        for name in STEPS:
            self.step(name, token)
        return self.held

    def _verify(self, credentials: Credentials) -> str:
        self.tested.append(credentials)
        if self.refusal:
            raise self.refusal
        return "accepted"

    # What is account, read past the API.

    def document(self, label: str = "AWSCURRENT") -> dict[str, Any] | None:
        for version in self.secret.versions.values():
            if label in version["version_stages"] and "secret_string" in version:
                loaded: dict[str, Any] = json.loads(version["secret_string"])
                return loaded
        return None

    @property
    def held(self) -> str:
        document = self.document()
        assert document is not None
        return str(document["access_key_id"])

    @property
    def user(self) -> Any:
        return iam_backends[ACCOUNT]["aws"].users[USER]

    @property
    def keys(self) -> dict[str, str]:
        return {key.access_key_id: key.status for key in self.user.access_keys}

    @property
    def stages(self) -> list[list[str]]:
        return sorted(v["version_stages"] for v in self.secret.versions.values())

    @property
    def note(self) -> str:
        tags = iam_backends[ACCOUNT]["aws"].tagger.list_tags_for_resource(self.user.arn)
        return next(t["Value"] for t in tags["Tags"] if t["Key"] == "ses-tenant:delivered")

    def tag(self, key: str, value: str) -> None:
        """Set a tag of the IAM user, as somebody else would."""
        iam_backends[ACCOUNT]["aws"].tag_user(USER, [{"Key": key, "Value": value}])

    def used(self, key: str) -> None:
        """Let IAM record a use of a key now."""
        found = next(k for k in self.user.access_keys if k.access_key_id == key)
        found.last_used = AccessKeyLastUsed(self.clock(), "ses", REGION)

    # Faults.

    def crash_at(self, n: int, when: str) -> None:
        """Let the n-th call from now on be the last: its process dies, or its answer is lost."""
        self.calls.clear()

        def fault(name: str, number: int) -> None:
            if number == n:
                self.well()
                if when == "lost":
                    raise ReadTimeoutError(endpoint_url=f"https://{name}")
                raise Crash

        if when == "before":
            self.before = fault
        else:
            self.after = fault

    def crash_at_call(self, name: str) -> None:
        """Let the process die right after the next call of that name."""

        def fault(called: str, _n: int) -> None:
            if called == name:
                self.well()
                raise Crash

        self.after = fault

    @staticmethod
    def denied(name: str) -> ClientError:
        """Return AWS's answer to a call that a policy does not allow."""
        said = f"User is not authorized to perform: {name}"
        return ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, name)

    def well(self) -> None:
        self.before = self.after = lambda _name, _n: None


@contextmanager
def open_account(interface: Interface = Interface.API) -> Iterator[RotatedAccount]:
    """Make the account with its tenant; `_no_real_aws` has removed all other credentials."""
    with mock_aws():
        made = RotatedAccount(open_session(None, REGION, None))
        made.create(interface=interface)
        made.calls.clear()
        yield made
