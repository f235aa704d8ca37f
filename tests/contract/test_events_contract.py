"""The fake of the watch's configuration set, and the gateway on the sandbox, tell the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ses_tenant.aws.event_publishing import EventPublishing as AwsEventPublishing
from ses_tenant.aws.identities import Identities
from ses_tenant.aws.session import open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.events import ConfigurationSet, EventDestination
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.operations.watch_setup import EventPublishing
from ses_tenant.sandbox.server import Options, serve
from tests.fakes.event_publishing import FakeEventPublishing
from tests.fakes.ses import FakeSes, verified

REGION, SHOP, NAME = "eu-central-1", "shop.example.com", "ses-tenant-events"
TYPES = ("BOUNCE", "SEND")
CREATE = steps.CreateConfigurationSet(REGION, NAME, {"ses-tenant:version": "1"})
ADD = steps.CreateConfigurationSetEventDestination(REGION, NAME, "eventbridge", TYPES)
CHANGE = steps.UpdateConfigurationSetEventDestination(REGION, NAME, "eventbridge", ("SEND",))
USE = steps.PutEmailIdentityConfigurationSetAttributes(REGION, SHOP, NAME)
BUS = f"arn:aws:events:{REGION}:123456789012:event-bus/default"


@dataclass
class Ses:
    events: EventPublishing
    default: Callable[[], str | None]


def default_of(identity: EmailIdentity | None) -> str | None:
    assert identity is not None
    return identity.configuration_set


@pytest.fixture(params=["fake", "sandbox"])
def ses(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ses]:
    if request.param == "fake":
        known = FakeSes()
        known.identities[REGION, SHOP] = verified(SHOP)
        yield Ses(FakeEventPublishing(known), lambda: default_of(known.identity(REGION, SHOP)))
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    with serve(Options(region=REGION)) as sandbox:
        session = open_session(None, REGION, sandbox.url)
        identities = Identities(session)
        identities.apply(steps.CreateEmailIdentity(REGION, SHOP, {"ses-tenant:domain": SHOP}))
        yield Ses(AwsEventPublishing(session), lambda: default_of(identities.get(REGION, SHOP)))


def test_a_set_from_its_making_to_its_end(ses: Ses) -> None:
    events = ses.events
    assert events.configuration_set(REGION) is None
    for step in (CREATE, ADD, USE):
        events.apply(step)
    assert ses.default() == NAME
    assert events.configuration_set(REGION) == ConfigurationSet(
        tags={"ses-tenant:version": "1"},
        destinations=(EventDestination("eventbridge", True, frozenset(TYPES), BUS),),
    )
    events.apply(CHANGE)
    changed = events.configuration_set(REGION)
    assert changed is not None
    assert [destination.types for destination in changed.destinations] == [{"SEND"}]
    events.apply(steps.PutEmailIdentityConfigurationSetAttributes(REGION, SHOP, None))
    assert ses.default() is None
    events.apply(steps.DeleteConfigurationSet(REGION, NAME))
    assert events.configuration_set(REGION) is None


def test_what_is_there_twice_and_what_is_not_there(ses: Ses) -> None:
    def refused(step: steps.EventStep) -> ErrorCode:
        with pytest.raises(SesTenantError) as error:
            ses.events.apply(step)
        return error.value.code

    for step in (ADD, CHANGE, USE, steps.DeleteConfigurationSet(REGION, NAME)):
        assert refused(step) is ErrorCode.NOT_FOUND
    ses.events.apply(CREATE)
    assert refused(CHANGE) is ErrorCode.NOT_FOUND
    ses.events.apply(ADD)
    assert refused(CREATE) is refused(ADD) is ErrorCode.ALREADY_EXISTS
    assert ses.default() is None
