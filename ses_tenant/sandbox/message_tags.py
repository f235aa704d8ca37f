"""The tags of a message, by which SES's events can be told apart: from a request or a header.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

MessageTags = tuple[tuple[str, str], ...]

_MAX_LENGTH = 256
_ALLOWED = re.compile(r"[A-Za-z0-9_-]+")
# https://docs.aws.amazon.com/ses/latest/dg/monitor-using-event-publishing.html
_SPECIAL = ("ses:feedback-id-a", "ses:feedback-id-b")


def in_header(value: str) -> MessageTags:
    """Return the tags of `X-SES-MESSAGE-TAGS: name1=value1, name2=value2`."""
    pairs = (part.partition("=") for part in value.split(",") if part.strip())
    return tuple((name.strip(), text.strip()) for name, _, text in pairs)


def in_document(given: Iterable[Mapping[str, Any]] | None) -> MessageTags:
    """Return the tags of a list of the second SES API."""
    return tuple((str(tag["Name"]), str(tag["Value"])) for tag in given or ())


def in_form(form: Mapping[str, Any], prefix: str) -> MessageTags:
    """Return the tags of a list of the first SES API, such as `Tags.member.1.Name`."""
    found: list[tuple[str, str]] = []
    while (name := form.get(f"{prefix}.member.{len(found) + 1}.Name")) is not None:
        value = form.get(f"{prefix}.member.{len(found) + 1}.Value", "")
        found.append((str(name), str(value)))
    return tuple(found)


def fault_of(tags: MessageTags) -> tuple[str, str] | None:
    """Return SES's code and words for the first tag that it does not take, or None."""
    for pair in tags:
        for what, text in zip(("name", "value"), pair, strict=True):
            if text in _SPECIAL and what == "name":
                continue
            if not text:
                return "InvalidParameterValue", f"The tag {what} must be specified."
            if len(text) > _MAX_LENGTH:
                told = f"Tag {what} cannot exceed {_MAX_LENGTH} characters."
                return "InvalidParameterValue", told
            if not _ALLOWED.fullmatch(text):
                told = (
                    f"Invalid tag {what} <{text}>: only alphanumeric ASCII characters, '_', and "
                    "'-' are allowed."
                )
                return "InvalidParameterValue", told
    return None
