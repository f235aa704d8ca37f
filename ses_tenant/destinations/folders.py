"""The folder of a file, reached from the root without following a link; and who may write to it.

Whoever may write to a folder on the way could lead a secret anywhere, and could put a file of their
own in our file's place.
"""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_LINKS = 40  # as Linux: https://man7.org/linux/man-pages/man7/path_resolution.7.html


class LinkError(OSError):
    """A folder on the way is a symbolic link; `filename` says which."""


class SharedError(OSError):
    """Others may write to a folder on the way; `filename` says which."""


@contextmanager
def open_folder(path: str, *, shared: bool) -> Iterator[int]:
    """Yield a descriptor of the folder at the absolute `path`, for `dir_fd`.

    `shared` allows folders that others may write to. Raises LinkError, SharedError or OSError.
    """
    here = os.open("/", _FOLDER)
    try:
        passed = ""
        for name in [part for part in path.split("/") if part]:
            before, here = here, _enter(here, name, f"{passed}/{name}")
            try:
                if not shared and is_shared(os.fstat(before), os.fstat(here)):
                    raise SharedError(0, "", passed or "/")
            finally:
                os.close(before)
            passed += f"/{name}"
        if not shared and is_shared(os.fstat(here), None):
            raise SharedError(0, "", passed or "/")
        yield here
    finally:
        os.close(here)


def _enter(folder: int, name: str, path: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            raise error from None
        if stat.S_ISLNK(found.st_mode):
            raise LinkError(error.errno, error.strerror, path) from error
        raise


def is_shared(folder: os.stat_result, inside: os.stat_result | None) -> bool:
    """Tell whether others than its owner may replace what is in a folder.

    In a folder with the sticky bit, such as /tmp, they cannot replace what is not theirs: what is
    `inside` is safe if it is the owner's, root's or ours. A group of one user is no other.
    """
    writable = folder.st_mode & stat.S_IWOTH or (
        folder.st_mode & stat.S_IWGRP and not _is_own_group(folder.st_uid, folder.st_gid)
    )
    if not writable:
        return False
    safe = inside is not None and inside.st_uid in (0, os.geteuid(), folder.st_uid)
    return not (folder.st_mode & stat.S_ISVTX and safe)


def _is_own_group(user: int, group: int) -> bool:
    """Tell whether a group is its user's own, as many systems make one for each user."""
    try:
        name, found = pwd.getpwuid(user).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and set(found.gr_mem) <= {name}


def resolved(path: str) -> str:
    """Return the absolute `path` with the links in its folders resolved, to be remembered so.

    A link is resolved if nobody but root and we could have made it; another stays, and is refused
    when the folder is opened. So do the folders that are not there, and the last part.
    """
    folder, _, name = path.rpartition("/")
    rest, done, links = folder.split("/"), "", 0
    while rest:
        part, *rest = rest
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        if part in ("", "."):
            continue
        there = f"{done}/{part}"
        if links < _MAX_LINKS and _is_trusted_link(done or "/", there):
            links += 1
            target = os.readlink(there)  # noqa: PTH115 - as it stands
            done = "" if target.startswith("/") else done
            rest = [*target.split("/"), *rest]
        else:
            done = there
    return f"{done}/{name}"


def _is_trusted_link(folder: str, path: str) -> bool:
    ours = (0, os.geteuid())
    try:
        around, found = os.lstat(folder), os.lstat(path)
    except OSError:
        return False
    return (
        stat.S_ISLNK(found.st_mode)
        and found.st_uid in ours
        and around.st_uid in ours
        and not is_shared(around, found)
    )
