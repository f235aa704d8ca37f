"""Reading an SPF record (RFC 7208): whether it lets SES send, and stays within the limits."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ses_tenant.core.identity.answers import Answers, answer_to
from ses_tenant.core.identity.records import host_name, txt_text

AMAZON_SES = "amazonses.com"
# RFC 7208 §4.6.4
MAX_LOOKUPS = 10
_TERM = re.compile(r"([+\-~?]?)([A-Za-z][A-Za-z0-9_.-]*)(?:([:=])([^/\s]*))?((?:/\d+)?(?://\d+)?)")
_ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_KNOWN = _ASKING | {"all", "ip4", "ip6", "exp"}


@dataclass(frozen=True)
class Term:
    """A mechanism or modifier: its qualifier, name in lower case, and what it names."""

    qualifier: str
    name: str
    value: str
    modifier: bool = False


@dataclass(frozen=True)
class SpfReading:
    """What an SPF record comes to.

    `problem` tells that it does not serve, `unread` names what could not be looked up, and
    `lookups` is how many DNS questions a receiver has to ask for it, as far as is known.
    """

    lookups: int = 0
    problem: str = ""
    unread: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Return it in a sentence for people; empty if there is nothing to say."""
        if self.problem:
            return self.problem
        return f"{', '.join(self.unread)} could not be looked up" if self.unread else ""


def spf_records(values: Iterable[str]) -> tuple[str, ...]:
    """Return the texts among TXT values that are SPF records (RFC 7208 §4.5)."""
    found = (txt_text(value) for value in values)
    return tuple(text for text in found if re.match(r"v=spf1(?: |$)", text, re.IGNORECASE))


def terms_of(text: str) -> tuple[Term, ...] | None:
    """Return the terms of an SPF record, None if it is malformed."""
    found = []
    for word in text.split()[1:]:
        match = _TERM.fullmatch(word)
        if match is None:
            return None
        qualifier, name, sign, value, _ = match.groups()
        known = name.lower() in _KNOWN
        if sign != "=" and not known:
            return None  # an unknown modifier is ignored, an unknown mechanism is an error (§6)
        found.append(Term(qualifier or "+", name.lower(), value or "", modifier=sign == "="))
    return tuple(found)


def included_names(text: str) -> tuple[str, ...]:
    """Return the names whose SPF records have to be read as well.

    Not SES's own, which counts as one look-up, nor one that a macro makes up.
    """
    terms = terms_of(text) or ()
    named = (host_name(t.value) for t in terms if t.name in ("include", "redirect") and t.value)
    return tuple(dict.fromkeys(name for name in named if "%" not in name and name != AMAZON_SES))


def read_spf(text: str, answers: Answers) -> SpfReading:
    """Return what the SPF record of a MAIL FROM domain comes to.

    `answers` holds the TXT records of the names that it includes, as far as they were asked.
    """
    terms = terms_of(text)
    if terms is None:
        return SpfReading(problem="it is no valid SPF record")
    lookups, unread, broken = _count(text, answers, frozenset())
    reached = _before_all(terms)
    amazon = [t for t in reached if t.name == "include" and host_name(t.value) == AMAZON_SES]
    if not any(term.qualifier == "+" for term in amazon):
        later = any(t.name == "include" and host_name(t.value) == AMAZON_SES for t in terms)
        why = "'all' stands before it" if later and not amazon else "it does not let SES send"
        return SpfReading(lookups, f"{why}: it has to be {merged(text)}", unread)
    if broken:
        return SpfReading(lookups, broken, unread)
    if lookups > MAX_LOOKUPS:
        told = f"it takes {lookups} DNS look-ups, and receivers give up after {MAX_LOOKUPS}"
        return SpfReading(lookups, told, unread)
    return SpfReading(lookups, unread=unread)


def merged(text: str) -> str:
    """Return an SPF record with SES let in, and all else as it was.

    `include:amazonses.com` goes before `all` and `redirect`; how strict the end is stays.
    """
    words = [
        word for word in text.split() if word.lower().lstrip("+-~?") != f"include:{AMAZON_SES}"
    ]
    ends = [
        number
        for number, word in enumerate(words)
        if re.fullmatch(r"[+\-~?]?all|redirect=.*", word, re.IGNORECASE)
    ]
    at = ends[0] if ends else len(words)
    return " ".join([*words[:at], f"include:{AMAZON_SES}", *words[at:]])


def _before_all(terms: Iterable[Term]) -> list[Term]:
    found = []
    for term in terms:
        if term.name == "all":
            break
        found.append(term)
    return found


def _count(text: str, answers: Answers, above: frozenset[str]) -> tuple[int, tuple[str, ...], str]:
    """Return how many look-ups a record takes, what was not read of it, and what is broken.

    SES's own record, which AWS looks after, counts as one.
    """
    terms = _before_all_or_redirect(terms_of(text) or ())
    count, broken = 0, ""
    unread: list[str] = []
    for term in terms:
        if term.name not in _ASKING:
            continue
        count += 1
        name = host_name(term.value)
        if term.name not in ("include", "redirect") or "%" in name or name == AMAZON_SES:
            continue
        if name in above:
            return count, tuple(unread), f"{name} includes itself"
        answer = answer_to(answers, name, "TXT")
        if answer.failed:
            unread.append(name)
            continue
        records = spf_records(answer.values)
        if len(records) != 1:
            broken = broken or f"{name}, which it includes, has {len(records) or 'no'} SPF records"
            continue
        more, inner, fault = _count(records[0], answers, above | {name})
        count += more
        unread += inner
        broken = broken or fault
    return count, tuple(unread), broken


def _before_all_or_redirect(terms: Iterable[Term]) -> list[Term]:
    """Return the terms that a receiver may come to: `redirect` counts only without `all`."""
    listed = list(terms)
    if any(term.name == "all" for term in listed):
        return _before_all(listed)
    return listed
