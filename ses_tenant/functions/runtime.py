"""The one place where the functions put together what operations need."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from ses_tenant.aws.iam import Iam
from ses_tenant.aws.ses import Ses
from ses_tenant.aws.session import AwsSession
from ses_tenant.aws.verify import verify_credentials
from ses_tenant.core.tenant.credentials import Credentials, LocalSes
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.destinations.registry import open_destination
from ses_tenant.operations.runtime import Runtime


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def make_runtime(
    session: AwsSession,
    process: Process,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = utc_now,
) -> Runtime:
    """Return the account of a session, worked on by this invocation, which is called `process`."""
    local_ses = LocalSes.named_by(os.environ)
    return Runtime(
        iam=Iam(session, sleep),
        ses=Ses(session),
        open_destination=partial(_open, session),
        verify=partial(verify_credentials, session, sleep=sleep, local_ses=local_ses),
        default_region=session.region,
        process=process,
        now=now,
        sleep=sleep,
        workers=session.workers,
        local_ses=local_ses,
    )


def _open(session: AwsSession, spec: TenantSpec) -> Destination:
    return open_destination(spec, session, _never_printed, force=False)


def _never_printed(_credentials: Credentials) -> None:
    raise AssertionError("nothing that goes to stdout is rotated here")
