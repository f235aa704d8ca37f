"""What a destination declares of itself; `registry.SCHEMES` has one line for each."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.destinations.agreement import Consent
from ses_tenant.destinations.formats import Format

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession


@dataclass(frozen=True)
class Opening:
    """What a destination is opened with: `rest` is what its URI has after the scheme.

    `write` prints credentials; `force` overwrites what ses-tenant has not written. `consent` tells
    which commands may be run.
    """

    rest: str
    spec: TenantSpec
    form: Format
    session: "AwsSession"
    write: Callable[[Credentials], None]
    force: bool
    consent: Consent


class Sharing(StrEnum):
    """Where one place is that two tenants would overwrite each other's credentials in."""

    NOWHERE = "nowhere"
    ON_THE_MACHINE = "on the machine"
    IN_THE_REGION = "in the Region"


def _as_given(rest: str) -> str:
    return rest


@dataclass(frozen=True)
class Scheme:
    """A destination: how it is named, opened and reached, and what it needs to be allowed.

    `usage` is how its URI is written; help tells `told` after it, and documents what
    is `written` there and what it is `read_by`. `parse` returns what is
    remembered of the part after the scheme, and raises SesTenantError `usage`. `relative` tells
    whether that part depends on where the command is run; `pattern` is what it looks like in a
    tenants file. `read` and `write` are the IAM actions, on `resource`, an ARN's
    `service:*:*:what`; empty where no AWS service is asked.
    """

    name: str
    usage: str
    open: Callable[[Opening], Destination]
    written: str
    read_by: str
    told: str = ""
    parse: Callable[[str], str] = _as_given
    relative: Callable[[str], bool] = lambda _: False
    sharing: Sharing = Sharing.NOWHERE
    in_lambda: bool = False
    pattern: str = ".+"
    sid: str = ""
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    resource: str = ""
