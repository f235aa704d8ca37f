"""Which tenants may be meant by a name that is none of theirs."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 3


def meant(text: str, domains: Iterable[str]) -> tuple[str, ...]:
    """Return the domains that may be meant, three at most; the text is none of them.

    Those in which it is a label, else those of which it is a part, else those that look like it.
    """
    wanted, names = text.strip().lower().strip("."), sorted(domains)
    if not wanted:
        return ()
    labels = [name for name in names if f".{wanted}." in f".{name}."]
    parts = [name for name in names if wanted in name]
    close = get_close_matches(wanted, names, n=_MOST, cutoff=0.75)
    return tuple((labels or parts or close)[:_MOST])


def meant_hint(text: str, domains: Iterable[str]) -> str:
    """Return what to say of a name that is no tenant's, where the domains are those there are."""
    names = tuple(domains)
    if found := meant(text, names):
        *others, last = found
        return f"Did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
    if not names:
        return "There is no tenant yet. To make one: ses-tenant create DOMAIN"
    return "To see all tenants: ses-tenant list"
