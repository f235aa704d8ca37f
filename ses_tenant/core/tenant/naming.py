"""How a tenant is written down in IAM: user name, path, policy names and tags.

IAM is the only database. These names are the schema, so nothing here may change without a
new `ses-tenant:version`.
"""

import re
import string
import unicodedata
from collections.abc import Iterable, Mapping

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError

PATH_PREFIX = "/ses-tenant/"
_USER_NAME_PREFIX = "ses-"
SENDING_POLICY = "ses-tenant-sending"
SUSPENDED_POLICY = "ses-tenant-suspended"
# Through it SES tells what becomes of mail, once `watch setup` has made it.
EVENTS_CONFIGURATION_SET = "ses-tenant-events"

TAG_PREFIX = "ses-tenant:"
TAG_DOMAIN = "ses-tenant:domain"
TAG_INTERFACE = "ses-tenant:interface"
TAG_REGIONS = "ses-tenant:regions"
TAG_SENDING = "ses-tenant:sending"
TAG_DESTINATION = "ses-tenant:destination"
TAG_FORMAT = "ses-tenant:format"
TAG_READ_BACK = "ses-tenant:read-back"
TAG_DELIVERED = "ses-tenant:delivered"
TAG_RETIRED = "ses-tenant:retired"
TAG_SUSPENDED = "ses-tenant:suspended"
TAG_VERSION = "ses-tenant:version"
SCHEMA_VERSION = "1"

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_MAX_USER_NAME = 64
_MAX_SES_TENANT = 64
_MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
MAX_TAGS = 50
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}_.:/+-")
_PRINCIPAL = re.compile(r"arn:aws[\w-]*:iam::\d{12}:(user|role)/[\x21-\x7e]{1,576}")
_CONTINUED = "@"  # ends every chunk but the last, and stands nowhere else
_SEPARATOR = "+"  # a tag value holds neither commas nor semicolons


def user_name(domain: SendingDomain) -> str:
    """Return the IAM user name of a tenant: `ses-<domain>`, at most 64 characters.

    A longer one is cut and ends in `+` and 100 bits of the domain's SHA-256. No domain holds a
    `+`, so a cut name never equals another domain's whole name, whoever crafts it.
    """
    name = f"{_USER_NAME_PREFIX}{domain.name}"
    if len(name) <= _MAX_USER_NAME:
        return name
    import base64
    import hashlib

    digest = base64.b32encode(hashlib.sha256(domain.name.encode()).digest()).decode().lower()[:20]
    return f"{name[: _MAX_USER_NAME - len(digest) - 1]}+{digest}"


def ses_tenant_name(domain: str) -> str:
    """Return the name of a domain's SES tenant: the domain with `-` for each dot.

    SES takes up to 64 letters, digits, hyphens and underscores. A longer one is cut and ends in
    `_` and 80 bits of the domain's SHA-256.
    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateTenant.html
    """
    name = domain.replace(".", "-")
    if len(name) <= _MAX_SES_TENANT:
        return name
    import hashlib

    digest = hashlib.sha256(domain.encode()).hexdigest()[:20]
    return f"{name[: _MAX_SES_TENANT - len(digest) - 1]}_{digest}"


def may_be_tenant(user_name: str, path: str) -> bool:
    """Tell whether an IAM user is under our path, or elsewhere with a name that a tenant needs."""
    return path.startswith(PATH_PREFIX) or user_name.lower().startswith(_USER_NAME_PREFIX)


def user_path(domain: SendingDomain) -> str:
    """Return the IAM path of a tenant, which holds the whole domain."""
    return f"{PATH_PREFIX}{domain.name}/"


def domain_of_path(path: str) -> SendingDomain | None:
    """Return the domain in a tenant's IAM path, or None if it is no tenant's path."""
    match = re.fullmatch(re.escape(PATH_PREFIX) + r"([^/]+)/", path)
    if match is None:
        return None
    try:
        domain = SendingDomain.parse(match[1])
    except SesTenantError:
        return None
    return domain if domain.name == match[1] else None


def tag_list(key: str, items: Iterable[str]) -> dict[str, str]:
    """Return `items` as tags: under `key`, and past 256 characters under `key.2` and so on."""
    return _spread(key, _SEPARATOR.join(items))


def untag_list(key: str, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the items that `tag_list` wrote into `tags` under `key`; empty if it wrote none.

    Raises ValueError where a part is missing.
    """
    text = _gather(key, tags)
    return tuple(text.split(_SEPARATOR)) if text else ()


def tag_text(key: str, text: str) -> dict[str, str]:
    """Return any text as tags: what a tag value may not hold is written as `=` and hex digits."""
    return _spread(key, "".join(c if c in _PLAIN else _encoded(c) for c in text))


def untag_text(key: str, tags: Mapping[str, str]) -> str | None:
    """Return the text that `tag_text` wrote into `tags` under `key`, or None if it wrote none.

    Raises ValueError where a part is missing, or is not what `tag_text` writes.
    """
    return _decoded(_gather(key, tags)) if key in tags else None


def tag_sentence(text: str, size: int) -> str:
    """Return a sentence as part of a tag value, readable in the console as far as IAM lets it.

    What a tag may not hold is written as in `tag_text`; white space becomes single spaces. What
    does not fit in `size` characters is cut off, between two characters of the text.
    """
    found = ""
    for c in " ".join(text.split()):
        whole = c != "=" and _fits_a_tag(c)
        encoded = c if whole else _encoded(c)
        if len(found) + len(encoded) > size:
            break
        found += encoded
    return found.rstrip()


def untag_sentence(value: str) -> str:
    """Return the sentence that `tag_sentence` wrote. Raises ValueError for what it never writes."""
    return _decoded(value)


def _encoded(c: str) -> str:
    return "".join(f"={byte:02X}" for byte in c.encode())


def _decoded(text: str) -> str:
    return re.sub(
        r"(?:=[0-9A-F]{2})+",
        lambda found: bytes.fromhex(found[0].replace("=", "")).decode(),
        text,
    )


def _spread(key: str, text: str) -> dict[str, str]:
    """Return `text` in chunks that fit a tag each.

    Each chunk tells whether another follows, so that chunks left over from a longer text, which
    take a second call to remove, are not read on after the new ones.
    """
    size = MAX_TAG_VALUE - len(_CONTINUED)
    chunks = [text[i : i + size] for i in range(0, len(text), size)]
    return {
        key if n == 1 else f"{key}.{n}": chunk + (_CONTINUED if n < len(chunks) else "")
        for n, chunk in enumerate(chunks, start=1)
    }


def _gather(key: str, tags: Mapping[str, str]) -> str:
    text = tags.get(key, "")
    number = 2
    while text.endswith(_CONTINUED):
        if f"{key}.{number}" not in tags:
            raise ValueError(f"{key}.{number} is missing")
        text = text.removesuffix(_CONTINUED) + tags[f"{key}.{number}"]
        number += 1
    return text


def _fits_a_tag(c: str) -> bool:
    r"""Tell whether IAM takes the character in a tag: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`."""
    return unicodedata.category(c)[0] in "LZN" or c in "_.:/=+-@"


def check_user_tags(tags: Mapping[str, str]) -> None:
    """Check tags that the operator asked for against IAM's rules.

    Raises SesTenantError `usage`. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    for key, value in tags.items():
        problem = ""
        if not key or len(key) > _MAX_TAG_KEY or len(value) > MAX_TAG_VALUE:
            problem = f"a key has 1 to {_MAX_TAG_KEY} characters, a value up to {MAX_TAG_VALUE}"
        elif not all(map(_fits_a_tag, key + value)):
            problem = "IAM allows letters, digits, spaces and _ . : / = + - @"
        elif key.lower().startswith(("aws:", TAG_PREFIX)):
            problem = "keys that begin with aws: or ses-tenant: are reserved"
        if problem:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"The tag '{key}' is not possible: {problem}.",
                "Change the tags.",
                settings=("tags",),
            )
    folded = [key.lower() for key in tags]
    if len(set(folded)) < len(folded):
        raise SesTenantError(
            ErrorCode.USAGE,
            "Two tags have the same key (IAM ignores case there).",
            "Change the tags.",
            settings=("tags",),
        )
    if len(tags) > MAX_TAGS - 20:  # ours: six, and what tag_list may need to go on
        raise SesTenantError(
            ErrorCode.USAGE,
            "Too many tags: IAM allows 50 a user, 20 of them for ses-tenant.",
            settings=("tags",),
        )


def check_operator(arn: str) -> str:
    """Return the ARN of a user or role. Raises SesTenantError `usage` for anything else."""
    if not _PRINCIPAL.fullmatch(arn):
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'{arn}' is not the ARN of an IAM user or role.",
            "It looks like arn:aws:iam::123456789012:role/mail-admin.",
        )
    return arn
