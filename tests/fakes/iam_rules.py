"""What IAM refuses, as far as ses-tenant can come near it; moto lets most of it pass.

Each function raises the SesTenantError that `ses_tenant.aws` makes of IAM's answer.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping

from ses_tenant.core.errors import ErrorCode, SesTenantError

MAX_TAGS = 50
MAX_INLINE_POLICIES = 2048
MAX_ACCESS_KEYS = 2

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|/[!-~]+/")


def refuse(code: ErrorCode, action: str, aws_code: str, said: str) -> SesTenantError:
    """Return the error for a call that IAM refuses."""
    return SesTenantError(code, f"AWS refused {action} ({aws_code}): {said}")


def no_such_entity(action: str, what: str) -> SesTenantError:
    return refuse(ErrorCode.NOT_FOUND, action, "NoSuchEntity", f"{what} cannot be found.")


def invalid(action: str, said: str) -> SesTenantError:
    return refuse(ErrorCode.INTERNAL, action, "ValidationError", said)


def conflict(action: str, said: str) -> SesTenantError:
    return refuse(ErrorCode.PARTIAL_FAILURE, action, "DeleteConflict", said)


def require(action: str, present: Iterable[str], wanted: str) -> None:
    if wanted not in present:
        raise no_such_entity(action, wanted)


def check_name(action: str, name: str, longest: int = 64) -> None:
    if len(name) > longest or not _NAME.fullmatch(name):
        raise invalid(action, f"the name {name!r} has a form that is not allowed")


def check_new_name(action: str, name: str, others: Iterable[str]) -> None:
    """Check the name that a user is to have; IAM compares names without regard to case."""
    check_name(action, name)
    if name.lower() in (other.lower() for other in others):
        raise refuse(
            ErrorCode.ALREADY_EXISTS,
            action,
            "EntityAlreadyExists",
            f"User with name {name} already exists.",
        )


def check_path(action: str, path: str) -> None:
    if len(path) > 512 or not _PATH.fullmatch(path):
        raise invalid(action, f"the path {path!r} has a form that is not allowed")


def check_tags(action: str, tags: Mapping[str, str]) -> None:
    """Check one request's tags; the sum with those already there is `merge_tags`."""
    if len(tags) > MAX_TAGS:
        raise invalid(action, f"{len(tags)} tags in one request")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise invalid(action, f"the tag {key!r} is too long")
        if not all(map(_tag_character, key + value)):
            raise invalid(action, f"the tag {key!r} holds a character that is not allowed")
        if key.lower().startswith("aws:"):
            raise refuse(ErrorCode.INTERNAL, action, "InvalidInput", "aws: is reserved")
    if len({key.lower() for key in tags}) < len(tags):
        raise refuse(ErrorCode.INTERNAL, action, "InvalidInput", "Duplicate tag keys")


def _tag_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LZN" or character in "_.:/=+-@"


def merge_tags(action: str, old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return the tags after TagUser: a key that differs only in case is replaced."""
    merged = without_tags(old, new) | dict(new)
    if len(merged) > MAX_TAGS:
        raise refuse(ErrorCode.QUOTA_EXCEEDED, action, "LimitExceeded", f"{len(merged)} tags")
    return merged


def without_tags(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    gone = {key.lower() for key in keys}
    return {key: value for key, value in tags.items() if key.lower() not in gone}


def check_policy(action: str, policy_name: str, document: Mapping[str, object]) -> None:
    """Check the form of a policy: what IAM answers with MalformedPolicyDocument, in short."""
    check_name(action, policy_name, 128)
    statements = document.get("Statement")
    problem = ""
    if document.get("Version") != "2012-10-17":
        problem = "the Version is not 2012-10-17"
    elif not isinstance(statements, list) or not statements:
        problem = "there is no Statement"
    else:
        sids = [s["Sid"] for s in statements if "Sid" in s]
        for statement in statements:
            if statement.get("Effect") not in ("Allow", "Deny"):
                problem = "the Effect is neither Allow nor Deny"
            elif ("Action" in statement) == ("NotAction" in statement):
                problem = "one of Action and NotAction is needed"
            elif ("Resource" in statement) == ("NotResource" in statement):
                problem = "one of Resource and NotResource is needed"
            elif "Principal" in statement or "NotPrincipal" in statement:
                problem = "an identity's policy names no principal"
        if len(set(sids)) < len(sids) or not all(re.fullmatch("[A-Za-z0-9]*", s) for s in sids):
            problem = "Sids are letters and digits, each used once"
    if problem:
        raise refuse(ErrorCode.INTERNAL, action, "MalformedPolicyDocument", problem)


def check_policies_fit(action: str, documents: Iterable[Mapping[str, object]]) -> None:
    """Check the sum over a user's inline policies, white space not counted."""
    texts = (json.dumps(document, separators=(",", ":")) for document in documents)
    size = sum(not c.isspace() for text in texts for c in text)
    if size > MAX_INLINE_POLICIES:
        raise refuse(
            ErrorCode.POLICY_TOO_LARGE,
            action,
            "LimitExceeded",
            f"{size} characters of inline policy, and {MAX_INLINE_POLICIES} are allowed",
        )
