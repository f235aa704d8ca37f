"""A second evaluator, deliberately naive: one concrete request at a time, brute force over them.

It shares no line with `ses_tenant`. What AWS does not say clearly is a `reading`: whether a
wildcard reaches past a colon of an ARN, and whether a short ARN is filled up.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

ACCOUNT = "123456789012"
ACTIONS = ("ses:SendRawEmail", "ses:SendEmail", "ses:SendTemplatedEmail", "ses:SendBulkEmail")
REGIONS = ("eu-central-1", "us-east-1", "us-west-2")
HOSTS = (
    *("shop.example.com", "SHOP.example.com", "example.com", "x.shop.example.com"),
    *("evilshop.example.com", "other.org"),
)
ADDRESSES = (
    *(f"{local}@{host}" for host in HOSTS for local in ("a", "info")),
    '"a@other.org"@shop.example.com',
)
READINGS = ("parts", "whole", "filled")
# One of each group is what nobody knows beforehand, and what the sender chooses besides.
SOURCES = (["192.0.2.7"], ["198.51.100.7"])
UNKNOWN: dict[str, tuple[list[str] | None, ...]] = {
    "aws:SourceIp": SOURCES,
    "ses:FeedbackAddress": (None, ["a@shop.example.com"]),
    "ses:Recipients": (["r@one.org"], ["r@one.org", "s@two.org"]),
}
ALL_CHOICES: dict[str, tuple[list[str] | None, ...]] = {
    "ses:FeedbackAddress": (*UNKNOWN["ses:FeedbackAddress"], ["b@other.org"], ["c@third.net"]),
    "ses:Recipients": (*UNKNOWN["ses:Recipients"], ["s@two.org"], ["t@three.org"]),
}

Context = dict[str, list[str]]


@dataclass(frozen=True)
class Mail:
    """A request to send, with every key that it carries."""

    action: str
    address: str
    region: str
    identity: str
    context: Context = field(hash=False)

    @property
    def arn(self) -> str:
        return f"arn:aws:ses:{self.region}:{ACCOUNT}:identity/{self.identity}"


def mails(principal: Mapping[str, str], hosts: tuple[str, ...]) -> Iterator[Mail]:
    """Return every mail from the hosts, by each identity, in each Region and circumstance."""
    addresses = [a for a in ADDRESSES if a.rpartition("@")[2].lower() in hosts]
    for action, address, region in itertools.product(ACTIONS, addresses, REGIONS):
        host = address.rpartition("@")[2].lower()
        parents = [
            host[at + 1 :] for at, c in enumerate(host) if c == "." and "." in host[at + 1 :]
        ]
        for identity in (address, host, *parents):
            for values in itertools.product(*UNKNOWN.values()):
                yield _mail(principal, (action, address, region, identity), UNKNOWN, values)


def choices(
    principal: Mapping[str, str], what: tuple[str, str, str, str], source: list[str]
) -> Iterator[Mail]:
    """Return a mail (action, address, Region, identity) with all that a sender can choose of it."""
    keys = {**ALL_CHOICES, "aws:SourceIp": (source,)}
    for values in itertools.product(*keys.values()):
        yield _mail(principal, what, keys, values)


def _mail(
    principal: Mapping[str, str],
    what: tuple[str, str, str, str],
    keys: Iterable[str],
    values: Iterable[list[str] | None],
) -> Mail:
    action, address, region, identity = what
    context = {key: [value] for key, value in principal.items()}
    context["aws:RequestedRegion"] = [region]
    context["aws:SecureTransport"] = ["true"]
    context |= {k: v for k, v in zip(keys, values, strict=True) if v is not None}
    context["ses:FromAddress"] = [address]
    if action == "ses:SendBulkEmail":
        for key in ("ses:FromAddress", "ses:FeedbackAddress", "ses:Recipients"):
            context.pop(key, None)
    return Mail(action, address, region, identity, context)


def allowed(documents: list[dict[str, Any]], boundary: Any, mail: Mail, reading: str) -> bool:
    """Tell whether the mail goes through, in one reading of the ARNs."""
    layers = [documents] + ([[boundary]] if boundary is not None else [])
    every = [s for layer in layers for document in layer for s in document["Statement"]]
    if any(s["Effect"] == "Deny" and _applies(s, mail, reading) for s in every):
        return False
    return all(
        any(
            s["Effect"] == "Allow" and _applies(s, mail, reading)
            for document in layer
            for s in document["Statement"]
        )
        for layer in layers
    )


def _applies(statement: dict[str, Any], mail: Mail, reading: str) -> bool:
    action, resource = statement["Action"], statement.get("Resource")
    if not _like(action.lower(), mail.action.lower()):
        return False
    if resource is None:
        if _arn(_filled(statement["NotResource"], mail), mail.arn, reading):
            return False
    elif not _arn(_filled(resource, mail), mail.arn, reading):
        return False
    return all(
        _holds(operator, key, wanted, mail)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _filled(pattern: str, mail: Mail) -> str:
    if "${" not in pattern:
        return pattern
    return re.sub(r"\$\{([^}]*)\}", lambda found: mail.context.get(found[1], ["\x00"])[0], pattern)


@cache
def _like(pattern: str, text: str) -> bool:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, text, re.DOTALL) is not None


@cache
def _arn(pattern: str, arn: str, reading: str) -> bool:
    if pattern == "*":
        return True
    parts, of = pattern.split(":", 5), arn.split(":", 5)
    if len(parts) < 6 and parts[-1].endswith("*"):
        parts += ["*"] * (6 - len(parts))
    if reading == "whole" and _like(pattern, arn):
        return True
    if reading == "filled":
        parts += ["*"] * (6 - len(parts))
    return len(parts) == 6 and all(map(_like, parts, of))


def _holds(operator: str, key: str, wanted: list[str], mail: Mail) -> bool:
    values = mail.context.get(key)
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name == "Null":
        return (values is None) == (wanted == ["true"])
    negative = "Not" in name
    if values is None:
        return quantifier != "ForAnyValue" and (
            quantifier == "ForAllValues" or if_exists or negative
        )
    filled = [_filled(text, mail) for text in wanted]
    if negative and any("\x00" in text for text in filled):
        return False  # a variable that is absent never lets a statement apply to more
    match: Callable[[str, str], bool] = (
        _in_network if "Ip" in name else _like if "Like" in name else _equal
    )
    each = [any(match(text, value) for text in filled) != negative for value in values]
    return all(each) if quantifier == "ForAllValues" else any(each)


def _equal(wanted: str, value: str) -> bool:
    return wanted == value


def _in_network(wanted: str, value: str) -> bool:
    return value.startswith(wanted.removesuffix("0/24"))
