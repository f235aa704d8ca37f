"""What a destination is: three methods, and two facts."""

from typing import Protocol

from ses_tenant.core.tenant.credentials import Credentials


class Destination(Protocol):
    """A place for one tenant's credentials. Every failure is a SesTenantError."""

    @property
    def readable(self) -> bool:
        """Tell whether `held_key` can know what is held."""

    @property
    def call(self) -> str:
        """Return what `put` does, in the word of the service that does it: `PutSecretValue`.

        `Put` where that is no service of AWS's. It names the step that delivers.
        """

    def check(self) -> None:
        """Refuse, before a key exists, what `put` would refuse."""

    def put(self, credentials: Credentials) -> None:
        """Write the credentials in place of those held before, whole or not at all."""

    def held_key(self) -> str | None:
        """Return the access key ID held, or None if nothing is held yet.

        The ID is no secret; it is the truth about which key a site uses.
        """
