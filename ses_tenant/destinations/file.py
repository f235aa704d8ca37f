"""A file: replaced in one rename, readable by whom the one before was, and by nobody else."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.destinations.folders import LinkError, SharedError, open_folder, resolved
from ses_tenant.destinations.formats import Format
from ses_tenant.destinations.held import is_ours, key_id_in, not_ours, unavailable
from ses_tenant.destinations.scheme import Opening, Scheme, Sharing

_MAX_SIZE = 1 << 20
_MOST = 0o640
_ACL = "system.posix_acl_access"
_KEPT = ("user.", _ACL, "security.selinux")


class FileDestination:
    """Credentials in a file; a new one has mode 0600.

    The new contents are written to a second file in the same folder, flushed to the disk and
    renamed over the first, so that a reader sees the old file or the new one, whole. The new one
    has the owner, group, ACL, extended attributes and mode of the old one, less what is more than
    0640. No symbolic link is followed, and no folder used that others may write to.
    """

    readable = True
    call = "Put"

    def __init__(self, path: str, domain: SendingDomain, form: Format, *, force: bool) -> None:
        """Keep where and how to write; nothing is touched yet."""
        self._folder, self._name = os.path.split(path)
        self._where = f"file:{path}"
        self._temporary = f".{self._name}.ses-tenant"
        self._domain = domain
        self._form = form
        self._force = force

    def check(self) -> None:
        """Refuse a folder that cannot be written to, and a file that is not ours."""
        with self._opened() as folder:
            text = self._read(folder)
            if text and not is_ours(text, self._domain) and not self._force:
                raise not_ours(self._where, self._domain)
            self._replace(folder, None)

    def put(self, credentials: Credentials) -> None:
        """Replace the file."""
        with self._opened() as folder:
            self._replace(folder, self._form.file(credentials))

    def held_key(self) -> str | None:
        """Return the key ID in the file; also clears what a killed run may have left beside it."""
        try:
            os.lstat(self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(self._where, error.strerror or type(error).__name__) from error
        with self._opened() as folder:
            self._remove_left_over(folder)
            text = self._read(folder)
        return key_id_in(text, self._where) if text else None

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Yield the folder, and tell of what goes wrong in it as errors of ours."""
        try:
            with open_folder(self._folder, shared=self._force) as folder:
                try:
                    yield folder
                except OSError as error:
                    raise self._failed(folder, error) from error
        except LinkError as error:
            raise unavailable(
                self._where,
                f"{error.filename} is a symbolic link, which is not followed",
                f"Name the folder that it leads to: file:{os.path.realpath(self._folder)}"
                f"/{self._name}",
            ) from error
        except SharedError as error:
            raise unavailable(
                self._where,
                f"others may write to the folder {error.filename}, and could put a file of their "
                "own in its place",
                f"Take that away (chmod go-w {error.filename}); create takes --force.",
            ) from error
        except OSError as error:
            raise unavailable(self._where, error.strerror or type(error).__name__) from error

    def _open(self, folder: int, name: str, flags: int) -> int:
        """Open a file of ours: no symbolic link, nothing that could block, no mode but 0600."""
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags, 0o600, dir_fd=folder)

    def _read(self, folder: int) -> str | None:
        with self._old(folder) as old:
            if old is None:
                return None
            with os.fdopen(os.dup(old), "rb") as file:
                return file.read(_MAX_SIZE).decode("utf-8", errors="replace")

    @contextmanager
    def _old(self, folder: int) -> Iterator[int | None]:
        """Yield the file that stands there, or None."""
        try:
            descriptor = self._open(folder, self._name, os.O_RDONLY)
        except FileNotFoundError:
            yield None
            return
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise unavailable(self._where, "it is not a regular file")
            yield descriptor
        finally:
            os.close(descriptor)

    def _replace(self, folder: int, text: str | None) -> None:
        """Write `text` in place of the file; with None only try whether that would go."""
        self._remove_left_over(folder)
        try:
            descriptor = self._open(folder, self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError as error:
            raise self._busy() from error
        with os.fdopen(descriptor, "wb") as file:
            self._lock(folder, file.fileno())
            try:
                with self._old(folder) as old:
                    if old is not None:
                        _keep(old, file.fileno())
                if text is not None:
                    file.write(text.encode())
                    file.flush()
                    os.fsync(file.fileno())
                    os.rename(self._temporary, self._name, src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                if self._is_second(folder, file.fileno()):
                    os.unlink(self._temporary, dir_fd=folder)
        if text is not None:
            _sync(folder)

    def _remove_left_over(self, folder: int) -> None:
        """Remove the second file of a run that was killed; the lock tells it from one that runs."""
        try:
            descriptor = self._open(folder, self._temporary, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            self._lock(folder, descriptor)
            with suppress(FileNotFoundError):
                os.unlink(self._temporary, dir_fd=folder)
        finally:
            os.close(descriptor)

    def _lock(self, folder: int, descriptor: int) -> None:
        """Lock the second file. Who has the lock, and none else, may rename or remove it.

        Between opening and locking another run may have renamed or removed it, and a third one
        may have made its own under the same name.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._busy() from error
        if not self._is_second(folder, descriptor):
            raise self._busy()

    def _is_second(self, folder: int, descriptor: int) -> bool:
        """Tell whether an open file is the one that stands beside ours now."""
        try:
            there = os.stat(self._temporary, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(descriptor), there)

    def _busy(self) -> SesTenantError:
        return unavailable(self._where, "another run is writing it", "Run the same command again.")

    def _failed(self, folder: int, error: OSError) -> SesTenantError:
        with suppress(OSError):
            found = os.stat(self._name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode):
                return unavailable(
                    self._where,
                    "it is a symbolic link, which is not followed",
                    "Name the file itself: "
                    f"{os.path.realpath(os.path.join(self._folder, self._name))}",  # noqa: PTH118
                )
        return unavailable(self._where, error.strerror or type(error).__name__)


def _keep(old: int, new: int) -> None:
    """Let those read the new file who could read the old one, but others than its group."""
    found = os.fstat(old)
    made = os.fstat(new)
    if (found.st_uid, found.st_gid) != (made.st_uid, made.st_gid):
        os.fchown(new, found.st_uid, found.st_gid)
    if hasattr(os, "listxattr"):
        _keep_attributes(old, new)
    os.fchmod(new, stat.S_IMODE(found.st_mode) & _MOST)  # the mask of an ACL, too


def _keep_attributes(old: int, new: int) -> None:
    try:
        before, given = os.listxattr(old), os.listxattr(new)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return
        raise
    if _ACL in given and _ACL not in before:  # the folder's default
        os.removexattr(new, _ACL)
    for name in before:
        if name.startswith(_KEPT):
            value = os.getxattr(old, name)
            if name not in given or os.getxattr(new, name) != value:
                os.setxattr(new, name, value)


def _sync(folder: int) -> None:
    """Flush the rename; a folder that may be written to but not listed cannot be asked to."""
    try:
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _absolute(path: str) -> str:
    """Return the path as it is remembered: absolute, and without links on its way."""
    there = os.path.join(os.getcwd(), os.path.expanduser(path))  # noqa: PTH109, PTH111, PTH118
    whole = resolved(there)
    if os.path.basename(whole) in ("", ".", ".."):  # noqa: PTH119
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
    written="the format, behind a line that says who wrote it",
    read_by="reading the file",
)
