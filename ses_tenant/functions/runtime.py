"""The account that a function works on."""

import time
from collections.abc import Callable
from datetime import datetime

from ses_tenant import wiring
from ses_tenant.aws.session import AwsSession
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.operations.runtime import Runtime


def make_runtime(
    session: AwsSession,
    process: Process,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = wiring.utc_now,
) -> Runtime:
    """Return the account of a session, worked on by this invocation, which is called `process`."""
    return wiring.make_runtime(session, _never_printed, process=process, sleep=sleep, now=now)


def _never_printed(_spec: TenantSpec, _credentials: Credentials) -> None:
    raise AssertionError("nothing that goes to stdout is rotated here")
