"""Keep the account in a file between two runs: written in one rename, never over what is damaged.

What is kept is everything that moto and the account hold. The outbox is not.
"""

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.backends import get_backend

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.sandbox.account import Account
from ses_tenant.sandbox.held import held_data, held_from
from ses_tenant.sandbox.objects import NotKeptError, Reader, Writer, put_back

_VERSION = 2
SERVICES = ("iam", "sts", "ses", "sesv2", "secretsmanager", "ssm", "kms")
_SAVE_EVERY_S = 2.0
# All that a reader may come to with a file that it has not written.
_DAMAGE = (ArithmeticError, AttributeError, ImportError, LookupError, RecursionError, TypeError,
           ValueError)  # fmt: skip


@dataclass
class _Saver:
    """Writes the account whenever it has changed, until that fails or `stop` is set."""

    account: Account
    file: Path
    failed: Callable[[SesTenantError], None]
    failure: SesTenantError | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def attempt(self) -> None:
        """Write the account."""
        try:
            save(self.account, self.file)
        except Exception as error:  # noqa: BLE001 - or nobody would hear of it
            self.failure = _not_kept(self.file, error)

    def work(self, every_s: float) -> None:
        """Look for changes every so often."""
        saved = self.account.changes
        while not self.failure and not self.stop.wait(every_s):
            if self.account.changes != saved:
                saved = self.account.changes
                self.attempt()
        if self.failure:
            self.failed(self.failure)


def unheard(_: SesTenantError) -> None:
    """Hear of a failure only when it is raised."""


@contextmanager
def kept(
    account: Account,
    file: Path,
    failed: Callable[[SesTenantError], None] = unheard,
    every_s: float = _SAVE_EVERY_S,
) -> Iterator[None]:
    """Write the account to `file` while the block runs, and when it ends.

    If that fails, `failed` is told at once, nothing more is written, and it is raised when the
    block ends; the file is as it was. Raises SesTenantError `usage` for a file that cannot be
    written from the start.
    """
    try:
        save(account, file)
    except OSError as error:
        raise SesTenantError(
            ErrorCode.USAGE, f"The account cannot be kept in {file}: {error.strerror or error}."
        ) from error
    saver = _Saver(account, file, failed)
    thread = threading.Thread(target=saver.work, args=(every_s,), name="sandbox-state", daemon=True)
    thread.start()
    try:
        yield
    finally:
        saver.stop.set()
        thread.join()
        if not saver.failure:
            saver.attempt()
    if saver.failure:
        raise saver.failure


def _not_kept(file: Path, error: Exception) -> SesTenantError:
    known = isinstance(error, OSError | NotKeptError)
    why = getattr(error, "strerror", None) or (str(error) if known else type(error).__name__)
    return SesTenantError(
        ErrorCode.DESTINATION_UNAVAILABLE if isinstance(error, OSError) else ErrorCode.INTERNAL,
        f"The account can no longer be kept in {file}: {why}. The file is as it was before.",
        "Begin again from the file, or without --state.",
    )


def backends(service: Any) -> Any:
    """Return moto's backends of a service, by account and Region."""
    return get_backend(service)


def load(account: Account, file: Path) -> None:
    """Put what `file` holds into an empty account; nothing if there is no file.

    Raises SesTenantError `usage` for a file that cannot be read or was not written by `save`.
    """
    try:
        if not file.is_file() and file.exists():
            raise _damaged(file, "it is not a regular file")
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(file, type(error).__name__) from error
    try:
        document = json.loads(text)
        if document["version"] != _VERSION:
            raise _damaged(file, "it is of another version")
        _restore(account, document)
    except _DAMAGE as error:
        raise _damaged(file, "it is not what the sandbox writes") from error


def save(account: Account, file: Path) -> None:
    """Write the account to `file`, mode 0600, by one rename. Raises OSError."""
    with account.lock:
        text = json.dumps(_snapshot(account), indent=1)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _damaged(file: Path, why: str) -> SesTenantError:
    return SesTenantError(
        ErrorCode.USAGE,
        f"The account cannot be taken from {file}: {why}. It was left as it is.",
        "Name another file with --state, or move this one away.",
    )


def _snapshot(account: Account) -> dict[str, Any]:
    writer = Writer()
    return {
        "version": _VERSION,
        "ports": list(account.ports),
        "issued": sorted(account.issued),
        "seeded": sorted(account.seeded),
        "details": account.details,
        "held": [[*key, held_data(held)] for key, held in account.held.items()],
        "events": [[*key, found] for key, found in account.event_destinations.items()],
        "ses_tenants": [[*key, found] for key, found in account.ses_tenants.items()],
        "moto": [
            [service, account_id, region, {k: writer.write(v) for k, v in vars(backend).items()}]
            for service in SERVICES
            for account_id, regions in backends(service).items()
            for region, backend in dict(regions).items()
        ],
    }


def _restore(account: Account, document: Mapping[str, Any]) -> None:
    reader = Reader(_backend)
    http, smtp, smtps, https = map(int, document["ports"])
    account.ports = (http, smtp, smtps, https)
    account.issued.update(document["issued"])
    account.seeded.update((region, domain) for region, domain in document["seeded"])
    account.details.update(document["details"])
    for region, name, held in document["held"]:
        account.held[region, name] = held_from(held)
    for region, name, found in document["events"]:
        account.event_destinations[region, name] = found
    for region, name, found in document.get("ses_tenants", ()):
        account.ses_tenants[region, name] = found
    for service, account_id, region, attributes in document["moto"]:
        read = {name: reader.read(value) for name, value in attributes.items()}
        put_back(_backend(service, account_id, region), read)


def _backend(service: str, account_id: str, region: str) -> Any:
    if service not in SERVICES:
        raise ValueError(service)
    return backends(service)[account_id][region]
