"""From a destination's URI to the destination. To add one: a file of its own, and a line here."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.destinations.formats import get_format

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession

SCHEMES = ("-", "file:PATH", "secretsmanager:NAME", "ssm:/NAME", "command:CMD")


class StdoutDestination:
    """Standard output: what is printed there cannot be read back."""

    readable = False

    def __init__(self, write: Callable[[Credentials], None]) -> None:
        """Keep the function that prints."""
        self._write = write

    def check(self) -> None:
        """Do nothing: printing needs no preparation."""

    def put(self, credentials: Credentials) -> None:
        """Print the credentials. Raises `destination_unavailable` if that fails."""
        try:
            self._write(credentials)
        except OSError as error:
            raise SesTenantError(
                ErrorCode.DESTINATION_UNAVAILABLE,
                f"The credentials of {credentials.domain} could not be printed: "
                f"{error.strerror or type(error).__name__}.",
                "Make room or open the pipe.",
            ) from error

    def held_key(self) -> str | None:
        """Return None: nobody knows."""
        return None


def normalise(uri: str) -> str:
    """Return the URI as it is remembered: a file's path absolute, whatever the working folder.

    Raises SesTenantError `usage` for what is no destination.
    """
    scheme, colon, rest = uri.partition(":")
    if uri == STDOUT:
        return uri
    known = scheme in ("file", "secretsmanager", "ssm", "command")
    if not colon or not known or not rest.strip() or "\0" in rest:
        raise _no_destination(uri, f"Destinations: {', '.join(SCHEMES)}.")
    if scheme != "file":
        return uri
    path = os.path.abspath(os.path.expanduser(rest))  # noqa: PTH100, PTH111 - not resolve()
    if not os.path.basename(path):  # noqa: PTH119
        raise _no_destination(uri, "Name a file, such as file:/srv/shop/mail.env.")
    return f"file:{path}"


def _no_destination(uri: str, hint: str) -> SesTenantError:
    return SesTenantError(ErrorCode.USAGE, f"'{uri}' is not a destination.", hint)


def open_destination(
    spec: TenantSpec,
    session: "AwsSession",
    write: Callable[[Credentials], None],
    *,
    force: bool,
) -> Destination:
    """Return the destination of a tenant; `write` prints credentials where it is stdout.

    Raises SesTenantError `usage` for a format that does not fit.
    """
    scheme, _, rest = spec.destination.partition(":")
    form = get_format(spec.format, spec.interface)
    match scheme:
        case "file":
            from ses_tenant.destinations.file import FileDestination

            return FileDestination(rest, spec.domain, form, force=force)
        case "secretsmanager":
            from ses_tenant.destinations.secretsmanager import secretsmanager

            return secretsmanager(rest, spec.regions[0], spec.domain, session, force=force)
        case "ssm":
            from ses_tenant.destinations.ssm import ssm

            return ssm(rest, spec.regions[0], spec.domain, session, force=force)
        case "command":
            from ses_tenant.destinations.command import CommandDestination

            return CommandDestination(rest, spec.read_back)
        case _:
            return StdoutDestination(write)
