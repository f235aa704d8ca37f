"""The configuration set of the watch in memory, beside the identities of a fake SES."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.events import NAME, ConfigurationSet, EventDestination
from ses_tenant.core.identity.state import EmailIdentity
from tests.fakes.ses import FakeSes

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeEventPublishing:
    """Configuration sets by Region; default sets are those of the identities of `ses`.

    `calls` are the requests made, `done` the writes that were carried out. With `fail_at`, the
    write of that number fails: before it is carried out, or, with `after`, after it.
    `when_default` is told of an identity before a set becomes its default.
    """

    def __init__(self, ses: FakeSes) -> None:
        self.ses = ses
        self.sets: dict[str, ConfigurationSet | SesTenantError] = {}
        self.calls: list[str] = []
        self.done: list[str] = []
        self.fail_at: int | None = None
        self.after = False
        self.when_default: Callable[[str], None] = lambda _identity: None
        self._writes = 0

    def configuration_set(self, region: str) -> ConfigurationSet | None:
        self.calls.append("ses:GetConfigurationSet")
        found = self.sets.get(region)
        if isinstance(found, SesTenantError):
            raise found
        if found is not None:
            self.calls.append("ses:GetConfigurationSetEventDestinations")
        return found

    def apply(self, step: steps.EventStep) -> None:
        self.calls.append(step.action)
        number, self._writes = self._writes, self._writes + 1
        failure = SesTenantError(ErrorCode.NETWORK, "The connection broke.", "Try again.")
        if number == self.fail_at and not self.after:
            raise failure
        self._apply(step)
        name = getattr(step, "identity", "")
        self.done.append(" ".join(filter(None, (step.region, type(step).__name__, name))))
        if number == self.fail_at:
            raise failure

    def _apply(self, step: steps.EventStep) -> None:
        found = self.sets.get(step.region)
        match step:
            case steps.CreateConfigurationSet():
                if found is not None:
                    raise SesTenantError(ErrorCode.ALREADY_EXISTS, f"{NAME} already exists.")
                self.sets[step.region] = ConfigurationSet(tags=dict(step.tags))
            case steps.DeleteConfigurationSet():
                self._existing(step.region)
                del self.sets[step.region]
            case steps.PutEmailIdentityConfigurationSetAttributes(configuration_set=name):
                if name is not None:
                    self._existing(step.region)
                    self.when_default(step.identity)
                identity = self.ses.identities.get((step.region, step.identity))
                if not isinstance(identity, EmailIdentity):
                    raise SesTenantError(ErrorCode.NOT_FOUND, f"{step.identity} does not exist.")
                changed = replace(identity, configuration_set=name)
                self.ses.identities[step.region, step.identity] = changed
            case _:
                self._put_destination(step)

    def _put_destination(
        self,
        step: steps.CreateConfigurationSetEventDestination
        | steps.UpdateConfigurationSetEventDestination,
    ) -> None:
        found = self._existing(step.region)
        others = tuple(each for each in found.destinations if each.name != step.name)
        creates = isinstance(step, steps.CreateConfigurationSetEventDestination)
        if creates == (len(others) < len(found.destinations)):
            code = ErrorCode.ALREADY_EXISTS if creates else ErrorCode.NOT_FOUND
            raise SesTenantError(code, f"{step.name}: {code}")
        bus = f"arn:aws:events:{step.region}:123456789012:event-bus/default"
        made = EventDestination(step.name, True, frozenset(step.types), bus)
        self.sets[step.region] = replace(found, destinations=(*others, made))

    def _existing(self, region: str) -> ConfigurationSet:
        found = self.sets.get(region)
        if not isinstance(found, ConfigurationSet):
            raise SesTenantError(ErrorCode.NOT_FOUND, f"{NAME} does not exist.")
        return found
