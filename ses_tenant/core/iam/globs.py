"""The patterns of IAM: `*` for any characters, `?` for one.

A glob is a string in which two characters that no policy can hold stand for the wildcards, so that
a `*` that came in through a policy variable stays a plain character.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from functools import lru_cache

ANY = "\ue000"  # IAM takes only characters up to U+00FF in a policy
ONE = "\ue001"

_WILD = str.maketrans({"*": ANY, "?": ONE})


def glob(pattern: str) -> str:
    """Return the glob of a pattern as it is written in a policy."""
    return pattern.translate(_WILD)


def matches(wanted: str, text: str, *, fold: bool = False) -> bool:
    """Tell whether the glob `wanted` matches the whole of `text`; with `fold`, without case."""
    return _compiled(wanted.lower() if fold else wanted)(text.lower() if fold else text) is not None


def readable(wanted: str) -> str:
    """Return the glob as a person writes it."""
    return wanted.replace(ANY, "*").replace(ONE, "?")


@lru_cache(maxsize=1 << 16)
def _compiled(wanted: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a bound method of re
    """Return a matcher that takes time in proportion to the text, whatever the pattern.

    Each stretch between two `*` is found once, at its first place, and never looked for again.
    """
    first, *rest = (
        "".join("." if c == ONE else re.escape(c) for c in part) for part in wanted.split(ANY)
    )
    if not rest:
        return re.compile(first, re.DOTALL).fullmatch
    *middle, last = rest
    found_once = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{found_once}.*{last}", re.DOTALL).fullmatch


def matches_arn(wanted: str, arn: str) -> bool:
    """Tell whether the glob matches an ARN, part by part: no `*` reaches over a colon.

    Only the last part may hold colons, and a pattern may break off after a `*`.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if not wanted.strip(ANY):
        return True
    parts, of = wanted.split(":", 5), arn.split(":", 5)
    if len(of) < 6 or (len(parts) < 6 and not parts[-1].endswith(ANY)):
        return False
    head = all(matches(p, a, fold=True) for p, a in zip(parts[:5], of[:5], strict=False))
    return head and (len(parts) < 6 or matches(parts[5], of[5]))
