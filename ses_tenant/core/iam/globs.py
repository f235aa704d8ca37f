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


def matches_arn(wanted: str, arn: str) -> bool | None:
    """Tell whether the glob matches an ARN, part by part; None where nobody can say.

    Only the last part may hold colons, and a pattern may break off after a `*`. What AWS says of
    the rest is not what its evaluators do: whether a wildcard reaches past a colon, and whether an
    ARN with fewer than six parts is filled up with `*`. Such a match is None.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if wanted and not wanted.strip(ANY):
        return True
    parts, of = wanted.split(":", 5), arn.split(":", 5)
    if len(of) < 6:
        return False
    head = all(matches(p, a, fold=True) for p, a in zip(parts[:5], of[:5], strict=False))
    whole = len(parts) == 6
    if head and (matches(parts[5], of[5]) if whole else parts[-1].endswith(ANY)):
        return True
    return None if (head and not whole) or matches(wanted, arn) else False


def remainders(wanted: str, text: str) -> frozenset[str]:
    """Return the globs that what comes after `text` has to match, so that all of it matches."""
    found = _reached(frozenset({wanted}))
    for character in text:
        found = _reached(
            frozenset(
                rest if rest[0] == ANY else rest[1:]
                for rest in found
                if rest and rest[0] in (ANY, ONE, character)
            )
        )
    return found


def _reached(globs: frozenset[str]) -> frozenset[str]:
    """Return the globs with those behind a leading `*`, which may stand for nothing."""
    return globs | {glob[n:] for glob in globs for n in range(1, _leading(glob) + 1)}


def _leading(glob: str) -> int:
    return len(glob) - len(glob.lstrip(ANY))
