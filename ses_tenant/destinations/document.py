"""A destination that holds one JSON document in a store of AWS's."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.destinations.formats import secret_document
from ses_tenant.destinations.held import is_ours, key_id_in, not_ours, unavailable

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession


class DocumentDestination:
    """Credentials as one JSON document, read and written by two functions.

    `read` returns the document or None if there is none, `write` replaces it by the AWS call
    `call`; both use boto3.
    """

    readable = True

    def __init__(
        self,
        where: str,
        domain: SendingDomain,
        session: "AwsSession",
        read: Callable[[], str | None],
        write: Callable[[str], None],
        *,
        call: str,
        force: bool,
    ) -> None:
        """Keep how to read and write; nothing is called yet."""
        self.call = call
        self._where = where
        self._domain = domain
        self._session = session
        self._read = read
        self._write = write
        self._force = force
        self._read_before = False
        self._text: str | None = None

    def check(self) -> None:
        """Refuse a document that is not ours or cannot be read; one read, unless just read."""
        if not self._read_before:
            self._load()
        if self._text and not is_ours(self._text, self._domain) and not self._force:
            raise not_ours(self._where, self._domain)

    def put(self, credentials: Credentials) -> None:
        """Write the document."""
        text = json.dumps(secret_document(credentials))
        try:
            with self._session.errors():
                self._write(text)
        except SesTenantError as error:
            raise self._failed(error) from error

    def held_key(self) -> str | None:
        """Return the key ID in the document."""
        self._load()
        return key_id_in(self._text, self._where) if self._text else None

    def _load(self) -> None:
        try:
            with self._session.errors():
                self._text = self._read()
        except SesTenantError as error:
            raise self._failed(error) from error
        self._read_before = True

    def _failed(self, error: SesTenantError) -> SesTenantError:
        """Return what AWS refused for reasons of the store's own as `destination_unavailable`."""
        if error.code is not ErrorCode.INTERNAL:
            return error
        return unavailable(self._where, error.message.rstrip("."), error.hint)
