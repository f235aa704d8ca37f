"""The life of a key under everything that can happen, on the real code: the site never holds a
dead key."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import Mode
from tests.examples import examples
from tests.fakes.iam import When
from tests.operations.simulated_tenant import SimulatedTenant

GRACE = timedelta(hours=24)
# A site loads its secret again at least this often. The grace time has to be longer.
RELOADS_WITHIN = timedelta(hours=20)

whens: st.SearchStrategy[When] = st.sampled_from(("before", "lost"))
runs = st.sampled_from(("create", "rotate", "suspend", "resume"))
indices = st.integers(min_value=1, max_value=14)


class Rotation(RuleBasedStateMachine):
    """Operators run commands, some die, time goes by, the site loads its secret late."""

    def __init__(self) -> None:
        super().__init__()
        self.tenant = SimulatedTenant()
        self.loaded: str | None = None
        self.loaded_at = self.tenant.clock()
        self.deserved_to_die: set[str] = set()
        # Not only between the runs: at every single call.
        self.tenant.iam.turn = self.look

    @initialize(n=st.integers(min_value=0, max_value=9), when=whens)
    def made(self, n: int, when: When) -> None:
        """The tenant is made, at the second try if the first one dies at its n-th call."""
        if n:
            self.tenant.crash("create", n, when)
        self.tenant.create()
        assert self.tenant.never_delivered() == []
        assert self.tenant.keys == {self.tenant.destination.key: "Active"}
        self.load()

    # The site.

    @rule()
    def load(self) -> None:
        """The site reads the destination."""
        self.loaded = self.tenant.destination.key
        self.loaded_at = self.tenant.clock()

    @rule()
    def send(self) -> None:
        """The site sends with the key that it has loaded."""
        if self.loaded and not self.tenant.suspended and self.loaded not in self.deserved_to_die:
            assert self.tenant.keys[self.loaded] == "Active"
            self.tenant.iam.last_used[self.loaded] = self.tenant.clock()

    @rule(hours=st.integers(min_value=1, max_value=400))
    def wait(self, hours: int) -> None:
        """Time goes by; the site goes on loading its secret meanwhile."""
        if timedelta(hours=hours) + (self.tenant.clock() - self.loaded_at) > RELOADS_WITHIN:
            self.load()
        self.tenant.clock.advance(timedelta(hours=hours))

    @rule()
    def restore(self) -> None:
        """Somebody puts the backup of the destination back, whose key still works."""
        backup = self.tenant.destination.before
        if backup and self.tenant.keys.get(backup.access_key_id) == "Active":
            self.tenant.destination.held = backup
            self.load()

    # Operators.

    @rule(named=st.booleans())
    def rotate(self, named: bool) -> None:
        self._try(lambda: self.tenant.rotate(named=named))

    @rule(mode=st.sampled_from((Mode.ABORT, Mode.ROLLBACK)))
    def change_of_mind(self, mode: Mode) -> None:
        self._try(lambda: self.tenant.rotate(mode))

    @rule()
    def finish(self) -> None:
        """The operator has seen to it that the site has the new key."""
        self.load()
        self._try(lambda: self.tenant.rotate(Mode.FINISH))

    @rule()
    def compromised(self) -> None:
        """Every older key has to die, whoever holds it; the site is told at once."""
        self.deserved_to_die |= set(self.tenant.keys)
        self._try(lambda: self.tenant.rotate(Mode.COMPROMISED))
        if self.tenant.destination.key not in self.deserved_to_die:
            self.load()
        else:
            self.deserved_to_die.clear()

    @rule()
    def create(self) -> None:
        self._try(self.tenant.create)

    @rule()
    def suspend(self) -> None:
        self._try(self.tenant.suspend)

    @rule()
    def resume(self) -> None:
        self._try(self.tenant.resume)

    @rule(run=runs, n=indices, when=whens)
    def die(self, run: str, n: int, when: When) -> None:
        """A run is killed at one of its calls, and is started again some time."""
        self.tenant.crash(run, n, when)

    @rule(run=runs, n=indices, when=whens)
    def die_and_run_again(self, run: str, n: int, when: When) -> None:
        """The next run after a crash leaves no key behind that reached nobody."""
        if self.tenant.crash(run, n, when) and run in ("create", "rotate"):
            self._try(getattr(self.tenant, run))
            if not self.tenant.suspended:
                assert self.tenant.never_delivered() == []

    def _try(self, run: object) -> None:
        """Run a command; it may refuse, with a reason, but never fail in a way it should not."""
        assert callable(run)
        try:
            run()
        except SesTenantError as error:
            assert error.code is not ErrorCode.INTERNAL
            assert error.message
            assert error.hint

    # What must hold whatever happens.

    @invariant()
    def at_most_two_keys(self) -> None:
        assert len(self.tenant.keys) <= 2

    @invariant()
    def look(self) -> None:
        """What is held is Active."""
        if self.tenant.suspended:
            return
        held = self.tenant.destination.key
        if held is not None and held not in self.deserved_to_die:
            assert self.tenant.keys[held] == "Active"

    @precondition(lambda self: not self.tenant.suspended)
    @invariant()
    def the_site_never_holds_a_dead_key(self) -> None:
        if self.loaded is not None and self.loaded not in self.deserved_to_die:
            assert self.tenant.keys[self.loaded] == "Active"

    def teardown(self) -> None:
        """Left alone, with cron once a day, everything settles."""
        tenant = self.tenant
        if tenant.suspended:
            tenant.resume()
        settled = False
        for _ in range(12):
            self.load()
            tenant.clock.advance(timedelta(days=2))
            try:
                tenant.rotate(named=False)
            except SesTenantError:
                return  # only a person can decide; the refusals have tests of their own
            settled = settled or tenant.keys == {tenant.destination.key: "Active"}
        assert settled
        super().teardown()


Rotation.TestCase.settings = examples(2, stateful_step_count=30)
TestRotation = Rotation.TestCase
