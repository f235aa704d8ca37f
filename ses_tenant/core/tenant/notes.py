"""What a tenant's tags note: which keys were delivered or retired, and why it was suspended."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from ses_tenant.core.tenant.naming import MAX_TAG_VALUE, tag_sentence, untag_sentence

_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Process:
    """Which process wrote a note: host name and process ID."""

    host: str
    pid: int


@dataclass(frozen=True)
class Note:
    """A note in a tag: key IDs and a time; with `issuer`, an issue of a key that is under way.

    As `ses-tenant:delivered`: the first key was delivered at that time, and the others are older
    ones that sites may still use; while a key is being issued, all that were out before. As
    `ses-tenant:retired`: this key was deactivated then. `elsewhere` says that the destination was
    changed then, so that the new one need not hold any of the keys.
    """

    access_key_ids: tuple[str, ...]
    at: datetime
    issuer: Process | None = None
    elsewhere: bool = False

    @property
    def open(self) -> bool:
        """Tell whether something is to be done about the keys.

        One is being issued, an older one is about, or the destination was changed.
        """
        return self.issuer is not None or self.elsewhere or len(self.access_key_ids) > 1

    def to_tag(self) -> str:
        """Return the tag value: the parts, joined by `+`."""
        parts = [*self.access_key_ids, self.at.astimezone(UTC).strftime(_TIME)]
        if self.issuer is not None:
            host = re.sub(r"[^A-Za-z0-9.-]", "-", self.issuer.host)[:64]
            parts += ["issuing", host, str(self.issuer.pid)]
        elif self.elsewhere:
            parts.append("elsewhere")
        return "+".join(parts)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the note that `to_tag` wrote, or None for any other text."""
        parts = text.split("+")
        ids = tuple(part for part in parts if _KEY_ID.fullmatch(part))
        issuer, elsewhere = None, False
        match parts[len(ids) :]:
            case [time]:
                pass
            case [time, "elsewhere"]:
                elsewhere = True
            case [time, "issuing", host, pid] if pid.isdigit():
                issuer = Process(host, int(pid))
            case _:
                return None
        try:
            at = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(ids, at, issuer, elsewhere)


class By(StrEnum):
    """Who suspended a tenant."""

    PERSON = "person"
    WATCH = "watch"


@dataclass(frozen=True)
class Reason:
    """Why a tenant was suspended, when, and by whom, as in the tag `ses-tenant:suspended`."""

    at: datetime
    by: By
    text: str

    def __str__(self) -> str:
        """Return it in words that follow after "suspended"."""
        who = "by hand" if self.by is By.PERSON else "by the watch"
        return f"since {self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC {who}: {self.text}"

    def to_tag(self) -> str:
        """Return the tag value; a long text is cut to what a tag holds."""
        head = f"{self.at.astimezone(UTC).strftime(_TIME)} {self.by}: "
        return head + tag_sentence(self.text, MAX_TAG_VALUE - len(head))

    @classmethod
    def parse(cls, value: str) -> Self:
        """Return the reason that `to_tag` wrote. Raises ValueError for any other text."""
        head, colon, text = value.partition(": ")
        time, space, by = head.partition(" ")
        if not (colon and space):
            raise ValueError(value)
        at = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
        return cls(at, By(by), untag_sentence(text))
