"""AWS, the destinations and this machine, put together as what operations need.

The command line, the functions and the library each say here what differs between them.
"""

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.tenant.credentials import Credentials
    from ses_tenant.core.tenant.destination import Destination
    from ses_tenant.core.tenant.notes import Process
    from ses_tenant.core.tenant.spec import TenantSpec
    from ses_tenant.destinations.agreement import Consent
    from ses_tenant.operations.runtime import Runtime

    Show = Callable[[TenantSpec, Credentials], None]


def show_nothing(_spec: "TenantSpec", _credentials: "Credentials") -> None:
    """Print no credentials: they are returned, or no key is issued."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def make_runtime(
    session: "AwsSession",
    show: "Show" = show_nothing,
    *,
    force: bool = False,
    consent: "Consent | None" = None,
    process: "Process | None" = None,
    sleep: "Callable[[float], None] | None" = None,
    now: "Callable[[], datetime]" = utc_now,
) -> "Runtime":
    """Return the account of a session, and this machine.

    `show` prints credentials whose destination is stdout; with `force` a destination is
    overwritten that ses-tenant has not written; without `consent` no command is run; `process`
    is who writes notes, this one if left out, and `sleep` how it waits, really if left out.
    Raises SesTenantError `usage` for a malformed SES_TENANT_SMTP_PORT.
    """
    import socket

    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.identities import Identities
    from ses_tenant.aws.ses import Ses
    from ses_tenant.aws.ses_tenants import SesTenants
    from ses_tenant.aws.stores import Stores
    from ses_tenant.core.tenant.credentials import LocalSes
    from ses_tenant.core.tenant.notes import Process
    from ses_tenant.destinations.agreement import NO_COMMANDS
    from ses_tenant.destinations.registry import open_destination
    from ses_tenant.operations.runtime import Runtime

    local_ses = LocalSes.named_by(os.environ)
    wait = sleep or time.sleep

    def opened(spec: "TenantSpec") -> "Destination":
        return open_destination(
            spec,
            session,
            lambda credentials: show(spec, credentials),
            force=force,
            consent=consent or NO_COMMANDS,
        )

    def verify(credentials: "Credentials") -> str:
        from ses_tenant.aws.verify import verify_credentials

        return verify_credentials(session, credentials, wait, local_ses)

    return Runtime(
        iam=Iam(session, wait),
        ses=Ses(session),
        identities=Identities(session),
        ses_tenants=SesTenants(session),
        open_destination=opened,
        verify=verify,
        default_region=session.region,
        process=process or Process(socket.gethostname(), os.getpid()),
        now=now,
        sleep=wait,
        workers=session.workers,
        local_ses=local_ses,
        stores=Stores(session),
    )
