"""Which commands this machine may run, because somebody here has agreed to exactly them.

A command in a tag is somebody else's text: whoever may tag the IAM user would run programs as the
operator. So it is run only where it was given in this run, or in an earlier one on this machine,
whose user has a list of hashes for that.
"""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ses_tenant.core.domain import SendingDomain

_MAX_SIZE = 1 << 20


class Role(StrEnum):
    """What a command is run for."""

    DELIVER = "deliver"
    READ_BACK = "read back"


class Refused(StrEnum):
    """Why a command is not run."""

    ONLY_READS = "only reads"
    NOT_AGREED = "not agreed"


def digest(domain: SendingDomain, role: Role, command: str) -> str:
    """Return what is remembered: it tells the command of one tenant from that of another."""
    return hashlib.sha256(json.dumps([domain.name, role, command]).encode()).hexdigest()


@dataclass(frozen=True)
class Consent:
    """What may be run: nothing where `runs` is False, else what was agreed to.

    With `unread` a command that is not run counts as one that cannot be read back, for a plan that
    need not know what is held.
    """

    agreed: frozenset[str] = frozenset()
    runs: bool = True
    unread: bool = False

    def refusal(self, domain: SendingDomain, role: Role, command: str) -> Refused | None:
        """Return why the command may not be run, or None."""
        if not self.runs:
            return Refused.ONLY_READS
        if digest(domain, role, command) not in self.agreed:
            return Refused.NOT_AGREED
        return None


def digests(domain: SendingDomain, uri: str | None, read_back: str | None) -> frozenset[str]:
    """Return what is agreed to by whoever gives these, the destination's URI and a read-back."""
    scheme, _, command = (uri or "").partition(":")
    found = [digest(domain, Role.DELIVER, command)] if scheme == "command" else []
    found += [digest(domain, Role.READ_BACK, read_back)] if read_back is not None else []
    return frozenset(found)


NO_COMMANDS = Consent(runs=False)


def agreement_file(environ: Mapping[str, str]) -> Path:
    """Return where the list is kept: https://specifications.freedesktop.org/basedir-spec/ ."""
    given = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(given) if given.startswith("/") else Path("~/.config").expanduser()
    return folder / "ses-tenant" / "agreed-commands"


def read_agreed(file: Path) -> frozenset[str]:
    """Return the hashes in `file`; none if others could have written it, or it cannot be read."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return frozenset()
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(stream.fileno())
        if (
            not stat.S_ISREG(found.st_mode)
            or found.st_uid != os.geteuid()
            or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        ):
            return frozenset()
        return frozenset(stream.read(_MAX_SIZE).decode("ascii", "replace").split())


def remember(file: Path, hashes: Iterable[str]) -> None:
    """Add to the list, mode 0600, in one rename. Raises OSError."""
    before = read_agreed(file)
    wanted = before | set(hashes)
    if wanted == before:
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.writelines(f"{line}\n" for line in sorted(wanted))
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
