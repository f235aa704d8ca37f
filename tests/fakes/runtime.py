"""What operations need, made of fakes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.destinations.stdout import StdoutDestination
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime
from tests.fakes.iam import Clock
from tests.fakes.identities import FakeIdentities
from tests.fakes.ses import FakeSes
from tests.fakes.ses_tenants import FakeSesTenants

REGION = "eu-central-1"
ME = Process("this-host", 4711)


def fake_runtime(
    iam: Iam,
    destination: Destination | None = None,
    *,
    now: Callable[[], datetime] | None = None,
    **more: Any,
) -> Runtime:
    """Return the fake account; by default credentials are printed to nobody and nothing sleeps."""
    place = destination or StdoutDestination(accept)

    def opened(_spec: TenantSpec) -> Destination:
        return place

    wiring: dict[str, Any] = {
        "ses": FakeSes(),
        "identities": FakeIdentities(),
        "ses_tenants": FakeSesTenants(),
        "open_destination": opened,
        "verify": refuse_to_verify,
        "default_region": REGION,
        "process": ME,
        "sleep": refuse_to_sleep,
        "workers": 1,
    }
    return Runtime(iam=iam, now=now or Clock(), **wiring | more)


def accept(_credentials: Credentials) -> None:
    """Take the credentials."""


def refuse_to_sleep(seconds: float) -> None:
    raise AssertionError(f"nothing was to be waited for, least of all {seconds} s")


def refuse_to_verify(credentials: Credentials) -> str:
    raise AssertionError(f"nobody asked to verify {credentials.access_key_id}")


def no_sleep(_seconds: float) -> None:
    """Do not sleep."""
