"""One tenant, its destination, its site and time: what the tests of rotation share."""

from dataclasses import dataclass, field
from datetime import timedelta

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.rotation.decision import Mode, RotationOptions
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.operations import create as creation
from ses_tenant.operations import rotate as rotation
from ses_tenant.operations import suspend as suspension
from ses_tenant.operations.runtime import Runtime
from tests.fakes.destination import FakeDestination
from tests.fakes.example_tenant import NAME, SHOP
from tests.fakes.iam import Clock, Crash, FakeIam, When
from tests.fakes.runtime import fake_runtime

# No process has this number, so a run of it that left a note is known to be dead.
DEAD = Process("this-host", 4_999_999)
FILE = "file:/srv/shop/.env"


@dataclass
class SimulatedTenant:
    """Runs the real operations as the command line does, on the fake IAM and destination."""

    clock: Clock = field(default_factory=Clock)
    me: Process = DEAD
    destination_uri: str = FILE
    readable: bool = True

    def __post_init__(self) -> None:
        self.iam = FakeIam(self.clock)
        self.destination = FakeDestination(self.iam, readable=self.readable)

    @property
    def runtime(self) -> Runtime:
        return fake_runtime(self.iam, self.destination, now=self.clock, process=self.me)

    def create(self) -> creation.Created:
        request = TenantRequest(SHOP, destination=self.destination_uri)
        return creation.carry_out(self.runtime, creation.prepare(self.runtime, request))

    def rotate(
        self,
        mode: Mode = Mode.NEXT,
        *,
        named: bool = True,
        grace: timedelta = timedelta(hours=24),
        quarantine: timedelta = timedelta(days=7),
        key: str | None = None,
        force: bool = False,
    ) -> rotation.Turn:
        """Run `rotate-keys`; a refusal is raised, as for a single tenant."""
        options = RotationOptions(
            named, grace=grace, quarantine=quarantine, mode=mode, reactivate=key, force=force
        )
        close, quiet = rotation.choose(
            self.iam, [SHOP] if named else [], lambda _: options, self.clock()
        )
        if not close:
            return self._checked(quiet[0] if quiet else rotation.Turn("no tenant"))
        turn = rotation.prepare(self.runtime, close[0][0], options)
        return self._checked(rotation.carry_out(self.runtime, turn, verify=False))

    def suspend(self) -> suspension.Suspension:
        return self._toggle(suspension.prepare_suspend)

    def resume(self) -> suspension.Suspension:
        return self._toggle(suspension.prepare_resume)

    def _toggle(self, prepare: suspension.Prepare) -> suspension.Suspension:
        (done,) = suspension.carry_out_all(self.runtime, prepare, [(SHOP, None)])
        return self._done(done)

    def crash(self, run: str, n: int, when: When) -> bool:
        """Let a run die at its n-th call; tell whether it came that far."""
        self.iam.fail_at(n, when)
        try:
            getattr(self, run)()
        except Crash:
            return True
        except SesTenantError:
            return False
        finally:
            self.iam.dead = False
            self.iam._faults.clear()
        return False

    @property
    def exists(self) -> bool:
        return NAME in self.iam.users

    @property
    def keys(self) -> dict[str, str]:
        """Return the status of each key."""
        user = self.iam.users.get(NAME)
        return {k.access_key_id: k.status.value for k in user.keys.values()} if user else {}

    @property
    def suspended(self) -> bool:
        return self.exists and "ses-tenant-suspended" in self.iam.users[NAME].policies

    def never_delivered(self) -> list[str]:
        """Return the Active keys that no destination has ever held."""
        put = set(self.destination.puts)
        return [key for key, status in self.keys.items() if status == "Active" and key not in put]

    @staticmethod
    def _checked(turn: rotation.Turn) -> rotation.Turn:
        if turn.error:
            raise turn.error
        return turn

    @staticmethod
    def _done(done: suspension.Suspension) -> suspension.Suspension:
        if done.error:
            raise done.error
        return done
