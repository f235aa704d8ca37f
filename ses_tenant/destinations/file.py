"""A file: replaced in one rename, readable by its owner alone."""

import fcntl
import os
import stat
from pathlib import Path

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.destinations.formats import Format
from ses_tenant.destinations.held import is_ours, key_id_in, not_ours, unavailable
from ses_tenant.destinations.scheme import Opening, Scheme, Sharing

_MAX_SIZE = 1 << 20


class FileDestination:
    """Credentials in a file of mode 0600.

    The new contents are written to a second file in the same folder, flushed to the disk and
    renamed over the first, so that a reader sees the old file or the new one, whole. Symbolic
    links are not followed: whoever may write to the folder could point one anywhere.
    """

    readable = True
    call = "Put"

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
            with open(self._path, "rb", opener=_without_following) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise unavailable(self._where, "it is not a regular file")
                return file.read(_MAX_SIZE).decode("utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error

    def _replace(self, text: str | None) -> None:
        """Write `text` in place of the file; with None only try whether that would go."""
        self._remove_left_over()
        try:
            with open(self._temporary, "xb", opener=_without_following) as file:
                self._lock(file.fileno())
                try:
                    self._keep_owner(file.fileno())
                    if text is not None:
                        file.write(text.encode())
                        file.flush()
                        os.fsync(file.fileno())
                        self._temporary.rename(self._path)
                finally:
                    if self._is_second(file.fileno()):
                        self._temporary.unlink()
            if text is not None:
                self._sync_folder()
        except FileExistsError as error:
            raise self._busy() from error
        except OSError as error:
            raise self._failed(error) from error

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
        """Flush the rename; a folder that may be written to but not listed cannot be asked to."""
        try:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        except PermissionError:
            return
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _remove_left_over(self) -> None:
        """Remove the second file of a run that was killed; the lock tells it from one that runs."""
        try:
            descriptor = _without_following(self._temporary, os.O_RDONLY)
            try:
                self._lock(descriptor)
                self._temporary.unlink()
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed(error) from error

    def _lock(self, descriptor: int) -> None:
        """Lock the second file. Who has the lock, and none else, may rename or remove it.

        Between opening and locking another run may have renamed or removed it, and a third one
        may have made its own under the same name.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._busy() from error
        if not self._is_second(descriptor):
            raise self._busy()

    def _is_second(self, descriptor: int) -> bool:
        """Tell whether an open file is the one that stands beside ours now."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._temporary))
        except FileNotFoundError:
            return False

    def _busy(self) -> SesTenantError:
        return unavailable(self._where, "another run is writing it", "Run the same command again.")

    def _failed(self, error: OSError) -> SesTenantError:
        if os.path.islink(self._path):  # noqa: PTH114 - Path's raises where it may not look
            return unavailable(
                self._where,
                "it is a symbolic link, which is not followed",
                f"Name the file itself: {os.path.realpath(self._path)}",
            )
        return unavailable(self._where, error.strerror or type(error).__name__)


def _without_following(path: str | Path, flags: int) -> int:
    """Open a file of ours: no symbolic link, nothing that could block, no mode but 0600."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)


def _absolute(path: str) -> str:
    """Return the path as it is remembered, whatever the working folder."""
    whole = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - not resolve()
    if not os.path.basename(whole):  # noqa: PTH119
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'file:{path}' is not a destination.",
            "Name a file, such as file:/srv/shop/mail.env.",
        )
    return whole


def _open(opening: Opening) -> FileDestination:
    return FileDestination(opening.rest, opening.spec.domain, opening.form, force=opening.force)


SCHEME = Scheme(
    "file",
    "file:PATH",
    _open,
    parse=_absolute,
    relative=lambda path: not path.startswith("/"),
    sharing=Sharing.ON_THE_MACHINE,
    pattern="/.+",
)
