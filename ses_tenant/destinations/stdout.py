"""Standard output, the destination of whoever names none."""

from collections.abc import Callable

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.spec import STDOUT
from ses_tenant.destinations.scheme import Scheme


class StdoutDestination:
    """Standard output: what is printed there cannot be read back."""

    readable = False
    call = "Put"

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


SCHEME = Scheme(
    STDOUT,
    STDOUT,
    lambda opening: StdoutDestination(opening.write),
    told=" (stdout)",
    written="the format, on standard output",
    read_by="nothing",
)
