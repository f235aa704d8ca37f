"""A watched account in memory that can stop at each of its calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.watch.memory import MemoryStore
from ses_tenant.core.watch.rules import parse_rule
from ses_tenant.operations.suspend import carry_out_all, prepare_resume
from ses_tenant.operations.watch import Act, Watch, Watcher
from ses_tenant.operations.watch_events import Handled, Message, handle
from tests.core.watch.samples import ACCOUNT, NOW
from tests.fakes.example_tenant import run_create
from tests.fakes.iam import Clock, Crash, FakeIam
from tests.fakes.runtime import fake_runtime

if TYPE_CHECKING:
    from ses_tenant.operations.protocols import WatchStore

HACKED = "shop.example.com"
RULE = "bounce-rate > 10 % of >= 50 in 1h -> suspend"


@dataclass
class Watched:
    """The tenants of an account, what is counted of them, and what people were told."""

    domains: Sequence[str] = (HACKED, "blog.example.org")
    watch: Watch = field(default_factory=lambda: Watch((parse_rule(RULE),), dry=False))
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    memory: MemoryStore = field(default_factory=MemoryStore)
    told: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    stop_at: int | None = None

    def __post_init__(self) -> None:
        self.iam = FakeIam(self.clock)
        for domain in self.domains:
            run_create(self.iam, TenantRequest(SendingDomain(domain)))
        self.iam.turn = lambda: self._call("iam")

    @property
    def watcher(self) -> Watcher:
        return Watcher(
            fake_runtime(self.iam, now=self.clock),
            cast("WatchStore", _Stopping(self.memory, self._call)),
            self.watch, ACCOUNT, self._tell,
        )  # fmt: skip

    def handle(self, events: Sequence[object], **more: Any) -> Handled:
        """Hand a batch of events over."""
        messages = [Message(str(number), event) for number, event in enumerate(events)]
        return handle(self.watcher, messages, **more)

    def act(self, events: Sequence[object], domain: str = HACKED) -> Act:
        """Hand events over, and return what was done about one tenant."""
        return next(a for a in self.handle(events).acts if a.tenant.domain == domain)

    def suspended(self, domain: str = HACKED) -> bool:
        """Tell whether a tenant is suspended in IAM."""
        user = self.iam.users[f"ses-{domain}"]
        return naming.SUSPENDED_POLICY in user.policies

    def resume(self, domain: str = HACKED) -> None:
        """Resume a tenant, as a person does."""
        runtime = fake_runtime(self.iam, now=self.clock)
        (done,) = carry_out_all(runtime, prepare_resume, [(SendingDomain(domain), None)])
        assert done.error is None

    def later(self, by: timedelta) -> None:
        """Let time pass."""
        self.clock.advance(by)

    def only(self, **limits: Any) -> None:
        """Change the limits of the watch."""
        self.watch = replace(self.watch, limits=replace(self.watch.limits, **limits))

    def _tell(self, subject: str, text: str) -> None:
        self._call("tell")
        self.told.append(f"{subject}\n{text}")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) == self.stop_at:
            raise Crash


class _Stopping:
    """A store that dies before or after each of its calls."""

    def __init__(self, store: object, call: Callable[[str], None]) -> None:
        self._store, self._called = store, call

    def __getattr__(self, name: str) -> Callable[..., object]:
        def stopping(*arguments: Any) -> object:
            self._called(name)
            result: object = getattr(self._store, name)(*arguments)
            self._called(f"{name} done")
            return result

        return stopping
