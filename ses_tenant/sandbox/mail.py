"""A message as SES sees it before it decides: who sends, as whom, to whom, by which action.

Which action each API needs: https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
"""

import email.message
import email.utils
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.policy import compat32

from ses_tenant.sandbox.message_tags import MessageTags, in_header

# Only what IAM can compare without doubt: no quoting, no comments, 7-bit ASCII.
_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_ESCAPED = re.compile(r"\\.")
_LINE_BREAK = re.compile(r"[\r\n]+")
_ONCE = (
    "From", "Sender", "Resent-From", "Resent-Sender", "Return-Path", "X-SES-Configuration-Set",
    "X-SES-Source-ARN", "X-SES-Message-Tags", "X-SES-From-ARN", "X-SES-Return-Path-ARN",
)  # fmt: skip
_SENDERS = ("sender", "resent-from", "resent-sender")
# What one server takes for the end of a line is part of it for another.
_LINE_ENDS = (rb"\r\n", rb"\r?\n", rb"\r\n|\r(?!\n)|\n")
_SENDER_FIELD = re.compile(
    rb"((?:resent-)?(?:from|sender)|return-path|x-ses-[a-z-]+)\s*:([^\r\n]*)", re.IGNORECASE
)


class InvalidMailError(Exception):
    """A message that SES cannot take, in SES's words."""


@dataclass(frozen=True)
class Mail:
    """A message and what its sender asks for.

    `senders` are all addresses that the message says it is from: `written`, those of its From
    header, `others`, those of a Sender header and the like, and what the request or the SMTP
    envelope names. AWS does not document which of them is ses:FromAddress where they differ.
    `fault` is SES's code and words for what is wrong with it, said only to who may send it;
    `unrendered` is why its template cannot be filled in: SES takes such a message and sends none.
    """

    interface: str
    operation: str
    actions: tuple[str, ...]
    api_version: str
    senders: tuple[str, ...]
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)
    written: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    display_name: str | None = None
    return_path: str | None = None
    configuration_set: str | None = None
    template: str | None = None
    identity_arn: str | None = None
    subject: str = ""
    tags: MessageTags = ()
    fault: tuple[str, str] | None = None
    unrendered: str | None = None


@dataclass(frozen=True)
class Headers:
    """What the header of a raw message says of its sender; `others` are not in From."""

    written: tuple[str, ...]
    others: tuple[str, ...]
    display_name: str | None
    recipients: tuple[str, ...]
    return_path: str | None
    configuration_set: str | None
    source_arn: str | None
    subject: str
    tags: MessageTags


def read_headers(raw: bytes, *, sender: str | None = None) -> Headers:
    """Return what the header of `raw` says; `sender` stands for the From header if given.

    Raises InvalidMailError where there is not exactly one From header, or an address is none.
    """
    check_readings(raw)
    message = BytesHeaderParser(policy=compat32).parsebytes(raw)

    def values(name: str) -> list[str]:
        return [_text(v) for k, v in message.items() if k.lower() == name]

    # A line that is none of a header would end it, for us but not for all. Of "From :" in the
    # first line the parser makes the envelope of a mailbox file, to others it is From.
    if message.defects or message.get_unixfrom():
        raise InvalidMailError("The header has a line that is not a header field.")
    for name in _ONCE:
        if len(values(name.lower())) > 1:
            raise InvalidMailError(f"Duplicate header '{name}'.")
    named = [sender] if sender is not None else values("from")
    if not named:
        raise InvalidMailError("Missing required header 'From'.")
    written = [found for value in named for found in parse_addresses(value)]
    others = [
        address
        for name in _SENDERS
        for value in values(name)
        for _, address in parse_addresses(value)
    ]
    return_path = [address_of(v) for v in values("return-path") if v.strip() not in ("", "<>")]
    recipients = [
        address
        for name in ("to", "cc", "bcc")
        for value in values(name)
        for _, address in parse_addresses(value)
    ]
    return Headers(
        written=_unique(address for _, address in written),
        others=_unique(others),
        display_name=written[0][0] or None,
        recipients=_unique(recipients),
        return_path=return_path[0] if return_path else None,
        configuration_set=next(iter(values("x-ses-configuration-set")), "").strip() or None,
        source_arn=next(iter(values("x-ses-source-arn")), "").strip() or None,
        subject=subject_of(raw),
        tags=in_header(next(iter(values("x-ses-message-tags")), "")),
    )


def check_readings(raw: bytes) -> None:
    """Raise InvalidMailError where servers disagree on which fields of a sender `raw` has."""
    *others, ours = (set(_sender_fields(raw, ends)) for ends in _LINE_ENDS)
    if any(not found <= ours for found in others):
        raise InvalidMailError("The lines of the header do not all end with CRLF.")


def _sender_fields(raw: bytes, ends: bytes) -> Iterable[tuple[bytes, bytes]]:
    header = re.split(rb"(?:%b){2}" % (rb"(?:%b)" % ends), raw, maxsplit=1)[0]
    for line in re.split(ends, header):
        if found := _SENDER_FIELD.match(line):
            yield found[1].lower(), found[2]


def is_address(text: str) -> bool:
    """Tell whether `text` is one plain address, which IAM can compare."""
    return bool(_ADDRESS.fullmatch(text)) and ".." not in text


def parse_addresses(value: str) -> list[tuple[str, str]]:
    """Return display names and addresses of a header's value.

    Raises InvalidMailError unless every one of them is a plain address.
    """
    if _ESCAPED.sub("", value).count('"') % 2:
        raise InvalidMailError("A quoted string does not end.")
    found = email.utils.getaddresses([_LINE_BREAK.sub("", value)])
    for _, address in found:
        if not is_address(address):
            raise InvalidMailError(
                "Missing final '@domain'"
                if "@" not in address
                else f"Invalid address: {address[:100]!a}"
            )
    if not found:
        raise InvalidMailError("Missing final '@domain'")
    return found


def address_of(value: str) -> str:
    """Return the one address in `value`. Raises InvalidMailError."""
    found = parse_addresses(value)
    if len(found) != 1:
        raise InvalidMailError("Only one address is expected.")
    return found[0][1]


def subject_of(raw: bytes) -> str:
    """Return the subject in readable form; any text, as the sender wrote it."""
    message = BytesHeaderParser(policy=compat32).parsebytes(raw)
    value = _LINE_BREAK.sub("", _text(message.get("subject", "")))
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, email.errors.HeaderParseError):
        return value


def replace_from(raw: bytes, sender: str) -> bytes:
    """Return the message with `sender` in its From header, as API v2 does with FromEmailAddress.

    Raises InvalidMailError where servers disagree on which From headers it has.
    """
    check_readings(raw)
    message = email.message_from_bytes(raw)
    del message["From"]
    message["From"] = sender
    return message.as_bytes()


def merged(*groups: Iterable[str | None]) -> tuple[str, ...]:
    """Return the addresses of all groups, each once, without those that are not given."""
    return _unique(address for group in groups for address in group if address)


def _unique(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(addresses))


def _text(value: object) -> str:
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
