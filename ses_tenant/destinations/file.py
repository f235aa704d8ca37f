"""A file: replaced in one rename, readable by its owner alone."""

import fcntl
import os
import stat
from pathlib import Path

from ses_tenant.core.credentials import Credentials
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.destinations.formats import Format
from ses_tenant.destinations.held import is_ours, key_id_in, not_ours, unavailable

_MAX_SIZE = 1 << 20


class FileDestination:
    """Credentials in a file of mode 0600.

    The new contents are written to a second file in the same folder, flushed to the disk and
    renamed over the first, so that a reader sees the old file or the new one, whole. Symbolic
    links are not followed: whoever may write to the folder could point one anywhere.
    """

    readable = True

    def __init__(self, path: str, domain: SendingDomain, form: Format, *, force: bool) -> None:
        """Keep where and how to write; nothing is touched yet."""
        self._path = Path(path)
        self._where = f"file:{path}"
        self._temporary = self._path.with_name(f".{self._path.name}.ses-tenant")
        self._domain = domain
        self._form = form
        self._force = force

    def check(self) -> None:
        """Refuse a folder that cannot be written to, and a file that is not ours."""
        text = self._read()
        if text is not None and not is_ours(text, self._domain) and not self._force:
            raise not_ours(self._where, self._domain)
        self._replace(None)

    def put(self, credentials: Credentials) -> None:
        """Replace the file."""
        self._replace(self._form.file(credentials))

    def held_key(self) -> str | None:
        """Return the key ID in the file; also clears what a killed run may have left beside it."""
        self._remove_left_over()
        text = self._read()
        return key_id_in(text, self._where) if text else None

    def _read(self) -> str | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise unavailable(self._where, "it is not a regular file")
            return file.read(_MAX_SIZE).decode("utf-8", errors="replace")

    def _replace(self, text: str | None) -> None:
        """Write `text` in place of the file; with None only try whether that would go."""
        self._remove_left_over()
        try:
            descriptor = os.open(
                self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise self._failed(error) from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if text is not None:
                    self._keep_owner(descriptor)
                    file.write(text.encode())
                    file.flush()
                    os.fsync(descriptor)
                    self._temporary.rename(self._path)
        except OSError as error:
            self._temporary.unlink(missing_ok=True)
            raise self._failed(error) from error
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            raise
        if text is None:
            self._temporary.unlink(missing_ok=True)
        else:
            self._sync_folder()

    def _keep_owner(self, descriptor: int) -> None:
        """Give the new file the owner of the old one, so that the site can go on reading it."""
        try:
            old = os.lstat(self._path)
        except FileNotFoundError:
            return
        new = os.fstat(descriptor)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(descriptor, old.st_uid, old.st_gid)

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _remove_left_over(self) -> None:
        """Remove the second file of a run that was killed; the lock tells it from one that runs."""
        try:
            descriptor = os.open(self._temporary, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._temporary.unlink(missing_ok=True)
        except BlockingIOError as error:
            raise unavailable(
                self._where, "another run is writing it", "Run the same command again."
            ) from error
        finally:
            os.close(descriptor)

    def _failed(self, error: OSError) -> SesTenantError:
        if self._path.is_symlink():
            return unavailable(
                self._where,
                "it is a symbolic link, which is not followed",
                f"Name the file itself: {self._path.resolve()}",
            )
        return unavailable(self._where, error.strerror or type(error).__name__)
