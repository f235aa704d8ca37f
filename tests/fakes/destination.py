"""A destination in memory, which crashes with the fake IAM that it stands beside."""

from typing import TYPE_CHECKING

from ses_tenant.core.tenant.credentials import Credentials
from tests.fakes.iam import FakeIam

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeDestination:
    """Holds one tenant's credentials. Its calls count with those of the fake IAM."""

    call = "Put"

    def __init__(self, iam: FakeIam, *, readable: bool = True) -> None:
        self.readable = readable
        self.held: Credentials | None = None
        self.before: Credentials | None = None
        self.puts: list[str] = []
        self.after_put: Callable[[], None] = lambda: None
        self._iam = iam

    def check(self) -> None:
        self._iam._call("DestinationCheck", lambda: None)

    def put(self, credentials: Credentials) -> None:
        self._iam._call("DestinationPut", lambda: self._put(credentials))

    def held_key(self) -> str | None:
        return self._iam._call("DestinationRead", lambda: self.key)

    @property
    def key(self) -> str | None:
        """Return the key ID that is held, without a call."""
        return self.held.access_key_id if self.held else None

    def _put(self, credentials: Credentials) -> None:
        self.before, self.held = self.held, credentials
        self.puts.append(credentials.access_key_id)
        self.after_put()
