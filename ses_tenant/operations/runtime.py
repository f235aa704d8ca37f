"""What operations need of AWS and of the machine, besides values."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ses_tenant.core.tenant.credentials import Credentials, LocalSes
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.operations.protocols import Iam, Identities, Ses, SesTenants, Stores


@dataclass(frozen=True)
class Runtime:
    """One AWS account, and the machine that works on it.

    `wiring` makes it of AWS and this machine, tests make it of fakes.
    `verify` waits until AWS accepts a new key, and returns a sentence on it. `process` is what a
    note in a tag names as its author. `local_ses` stands in for SES's endpoints where it is given,
    and `stores` tell what guards secrets and parameters, where that is wanted.
    """

    iam: Iam
    ses: Ses
    identities: Identities
    ses_tenants: SesTenants
    open_destination: Callable[[TenantSpec], Destination]
    verify: Callable[[Credentials], str]
    default_region: str | None
    process: Process
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    workers: int = 8
    local_ses: LocalSes | None = None
    stores: Stores | None = None
