"""The sending domain: the one value that everything else is derived from."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import NoReturn, Self

from ses_tenant.core.errors import ErrorCode, SesTenantError

_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_MAX_DOMAIN = 253  # RFC 1035 §2.3.4: 255 octets on the wire, two of which are lengths
_MAX_LABEL = 63


@dataclass(frozen=True, order=True)
class SendingDomain:
    """A domain that mail may be sent from, in its one canonical spelling.

    `name` is lower-case, made of A-labels (RFC 5890), without the trailing dot. SES wants domains
    in ASCII and IAM compares policy patterns case-sensitively, so this spelling is used in
    policies, names, paths and tags alike. Build it with `parse`.
    """

    name: str

    def __str__(self) -> str:
        """Return the A-label form."""
        return self.name

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the sending domain that `text` means.

        Raises SesTenantError `invalid_domain`, with the reason and what was probably meant, for
        everything that is not one registrable DNS name: wildcards, policy variables, addresses,
        URLs, IP literals, single labels, public suffixes (ICANN part of publicsuffix.org).
        """
        candidate = text.strip()
        _refuse_what_is_not_a_name(text, candidate)
        name = _to_a_labels(text, candidate).removesuffix(".")
        _refuse_bad_labels(text, name)
        if _public_suffixes().is_public(name):
            _refuse(
                text,
                f"{name} is a public suffix, under which anybody can register",
                f"Give the site's own domain, such as yoursite.{name}.",
            )
        return cls(name)

    @property
    def registrable(self) -> str:
        """Return the domain that was registered: itself, or one above it (publicsuffix.org)."""
        return _public_suffixes().registrable(self.name)


def _refuse(text: str, reason: str, hint: str = "") -> NoReturn:
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if len(shown) > 80:
        shown = f"{shown[:77]}..."
    raise SesTenantError(
        ErrorCode.INVALID_DOMAIN,
        f"'{shown}' is not a sending domain: {reason}.",
        hint or "Give one domain name, such as shop.example.com.",
    )


def _refuse_what_is_not_a_name(text: str, candidate: str) -> None:
    """Refuse what people paste instead of a domain, each with its own reason."""
    if not candidate:
        _refuse(text, "it is empty")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in candidate):
        _refuse(text, "it holds a control character")
    if "://" in candidate:
        host = re.split(r"[/?#]", candidate.split("://", 1)[1])[0].rpartition("@")[2]
        _refuse(text, "it is a URL", f"Did you mean {host.split(':')[0] or 'its host name'}?")
    if "${" in candidate:
        _refuse(text, "IAM would read ${...} as a policy variable")
    if "*" in candidate or "?" in candidate:
        _refuse(
            text,
            "IAM would read * and ? as wildcards",
            "Give the domain alone; the setting subdomains adds every domain below it.",
        )
    _refuse_other_addresses(text, candidate)
    if re.search(r"[\s,;]", candidate):
        _refuse(text, "it holds a space or a separator", "Give one domain at a time.")


def _refuse_other_addresses(text: str, candidate: str) -> None:
    """Refuse e-mail addresses, IP addresses, paths and ports."""
    if "@" in candidate:
        after = candidate.rpartition("@")[2].strip("<> ")
        _refuse(text, "it is an e-mail address", f"Did you mean {after or 'the part after the @'}?")
    try:
        ipaddress.ip_address(candidate.strip("[]").split("%")[0])
    except ValueError:
        pass
    else:
        _refuse(text, "it is an IP address, and mail is sent from a domain name")
    if "/" in candidate or "\\" in candidate:
        host = re.split(r"[/\\]", candidate)[0]
        _refuse(text, "it holds a path", f"Did you mean {host}?" if host else "")
    if ":" in candidate:
        _refuse(text, "it holds a port", f"Did you mean {candidate.split(':', maxsplit=1)[0]}?")


def _to_a_labels(text: str, candidate: str) -> str:
    lowered = candidate.lower()
    if _HOST_NAME.fullmatch(lowered.removesuffix(".")) and "xn--" not in lowered:
        return lowered
    import idna

    try:
        return idna.encode(candidate, uts46=True, std3_rules=True, transitional=False).decode()
    except idna.IDNAError as error:
        if ".." in candidate or candidate.startswith("."):
            _refuse_empty_label(text, candidate)
        if "_" in candidate:
            _refuse(text, "a domain that sends mail has no underscore")
        _refuse(text, f"it is not a valid domain name (IDNA 2008: {error})")


def _refuse_empty_label(text: str, name: str) -> NoReturn:
    meant = re.sub(r"\.+", ".", name).strip(".")
    _refuse(text, "it has an empty label", f"Did you mean {meant}?" if meant else "")


def _refuse_bad_labels(text: str, name: str) -> None:
    labels = name.split(".")
    if "" in labels:
        _refuse_empty_label(text, name)
    if len(name) > _MAX_DOMAIN:
        _refuse(text, f"it has {len(name)} characters, and DNS allows {_MAX_DOMAIN}")
    for label in labels:
        if len(label) > _MAX_LABEL:
            _refuse(text, f"a label has {len(label)} characters, and DNS allows {_MAX_LABEL}")
        if label.startswith("-") or label.endswith("-"):
            _refuse(text, f"the label '{label}' starts or ends with a hyphen")
    if len(labels) == 1:
        _refuse(text, "it has only one label", "Give the whole name, such as shop.example.com.")
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        _refuse(text, "its last label is a number, as in an IP address")


class _Suffixes:
    """The ICANN part of the public suffix list, typed.

    The list is written in U-labels. To encode its thousands of rules takes ten times as long as to
    read them, so the one name that is asked for is decoded instead.
    """

    def __init__(self) -> None:
        from publicsuffixlist import PublicSuffixList

        self._list = PublicSuffixList(only_icann=True, accept_encoded_idn=False)

    def is_public(self, name: str) -> bool:
        """Tell whether a name of A-labels is a public suffix."""
        if "xn--" in name:
            import idna

            name = idna.decode(name)
        return bool(self._list.is_public(name))

    def registrable(self, name: str) -> str:
        return str(self._list.privatesuffix(name) or name)


@cache
def _public_suffixes() -> _Suffixes:
    return _Suffixes()
