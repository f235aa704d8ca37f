"""What the tags of an IAM user say of a tenant. Nothing else reads tags.

A tag that is missing, one that is damaged, and a value are three things: what nobody can read is
never taken for a default, because a default may allow what the tenant may not, or hide it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.regions import check_region
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.notes import Note, Reason
from ses_tenant.core.tenant.spec import TAGGED, Interface, SendingOptions

_T = TypeVar("_T")


@dataclass(frozen=True)
class Damaged:
    """A tag that is there and cannot be read; `text` is what it holds, `error` what is wrong."""

    tag: str
    text: str
    error: SesTenantError

    def __str__(self) -> str:
        """Return what the tag holds."""
        return self.text


@dataclass(frozen=True)
class Remembered:
    """What is remembered of a tenant in the tags of its user; None where the tag is missing.

    `sending` is missing for a tenant with the default options: those are not written. `texts` are
    the settings with a tag of their own that is there, by their field in `spec.TenantSpec`.
    """

    domain: SendingDomain | Damaged | None
    interface: Interface | Damaged | None
    regions: tuple[str, ...] | Damaged | None
    sending: SendingOptions | Damaged | None
    texts: Mapping[str, str | Damaged]
    delivered: Note | Damaged | None
    retired: Note | Damaged | None
    suspended: Reason | Damaged | None
    version: str | None
    others: Mapping[str, str]
    """Tags that are neither ours nor AWS's own."""

    @classmethod
    def read(cls, tags: Mapping[str, str]) -> "Remembered":
        """Return what the tags of a user say. Total: what cannot be read is `Damaged`."""
        return cls(
            domain=_parsed(tags, naming.TAG_DOMAIN, _domain),
            interface=_parsed(tags, naming.TAG_INTERFACE, Interface),
            regions=_parsed(tags, naming.TAG_REGIONS, lambda _: _regions(tags)),
            sending=_parsed(tags, naming.TAG_SENDING, lambda _: SendingOptions.from_tags(tags)),
            texts={s.field: text for s in TAGGED if (text := _text(tags, s.tag)) is not None},
            delivered=_parsed(tags, naming.TAG_DELIVERED, _note),
            retired=_parsed(tags, naming.TAG_RETIRED, _note),
            suspended=_parsed(tags, naming.TAG_SUSPENDED, Reason.parse),
            version=tags.get(naming.TAG_VERSION),
            others={
                key: value
                for key, value in sorted(tags.items())
                if not key.lower().startswith((naming.TAG_PREFIX, "aws:"))
            },
        )

    @property
    def destination(self) -> str | Damaged | None:
        """Return where its credentials go."""
        return self.texts.get("destination")


def known(value: _T | Damaged | None) -> _T | None:
    """Return the value, or None where there is none that can be read.

    For what is shown, or where the caller treats both alike for a reason of its own.
    """
    return None if isinstance(value, Damaged) else value


def required(value: _T | Damaged | None) -> _T | None:
    """Return the value, or None where the tag is missing; raise what is wrong with a damaged one.

    SesTenantError `internal`, or `usage` and `invalid_domain` for values that are impossible.
    """
    if isinstance(value, Damaged):
        raise value.error
    return value


def tenant_of(user_name: str, path: str, remembered: Remembered) -> SendingDomain | None:
    """Return the domain whose tenant an IAM user is, or None: by its path, its tag and its name.

    This is the one answer to "is it a tenant?". A path elsewhere under /ses-tenant/ is a tenant's
    that has drifted.
    """
    domain = remembered.domain
    if not isinstance(domain, SendingDomain) or not path.startswith(naming.PATH_PREFIX):
        return None
    return domain if naming.user_name(domain) == user_name else None


def meant_for(path: str, remembered: Remembered) -> tuple[SendingDomain, ...]:
    """Return the domains that a user under our path was meant for, if it is a tenant or not.

    What its path and its tag say, however it is spelled: a tag that was lost or damaged leaves a
    domain as worth protecting as it was.
    """
    if not path.startswith(naming.PATH_PREFIX):
        return ()
    tag = remembered.domain
    found: dict[SendingDomain, None] = {}
    for text in (path.removeprefix(naming.PATH_PREFIX).strip("/"), str(tag or "")):
        with suppress(SesTenantError):
            found[SendingDomain.parse(text)] = None
    return tuple(found)


def _parsed(tags: Mapping[str, str], tag: str, parse: Callable[[str], _T]) -> _T | Damaged | None:
    """Return what `parse` makes of a tag that is there; what it refuses is damaged."""
    text = tags.get(tag)
    if text is None:
        return None
    try:
        return parse(text)
    except SesTenantError as error:
        return Damaged(tag, text, error)
    except ValueError:
        problem = f"The tag {tag} holds '{text}', which this version cannot read."
        hint = "Upgrade ses-tenant, or correct the tag."
        return Damaged(tag, text, SesTenantError(ErrorCode.INTERNAL, problem, hint))


def _domain(text: str) -> SendingDomain:
    """Return the domain of a tag, which must be spelled as `create` spells it."""
    domain = SendingDomain.parse(text)
    if domain.name != text:
        raise ValueError(text)
    return domain


def _regions(tags: Mapping[str, str]) -> tuple[str, ...]:
    try:
        regions = tuple(map(check_region, naming.untag_list(naming.TAG_REGIONS, tags)))
    except SesTenantError as error:
        raise ValueError(error.message) from error
    if not regions:
        raise ValueError(naming.TAG_REGIONS)
    return regions


def _note(text: str) -> Note:
    note = Note.parse(text)
    if note is None:
        raise ValueError(text)
    return note


def _text(tags: Mapping[str, str], tag: str) -> str | Damaged | None:
    def whole(_: str) -> str:
        text = naming.untag_text(tag, tags)
        if not text:
            raise ValueError(tag)
        return text

    return _parsed(tags, tag, whole)
