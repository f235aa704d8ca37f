"""Is there a text that fulfils all these patterns at once? A search that is complete.

Each constraint is run as an automaton over the candidate text, all of them in step, shortest texts
first; so the answer is a text, or that there is none. It reasons about patterns, not samples.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ses_tenant.core.iam.globs import ANY, ONE, matches

# RFC 5321, section 4.5.3.1.1
_MAX_LOCAL_PART = 64
_MAX_STATES = 50_000

# RFC 5322, section 3.2.3: what an address's local part holds besides dots, likeliest first
_ATEXT = "aeionrtslcudpmhgbfywkvxzjqABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+!#$%&'*/=?^`{|}~"
_QUOTED = ("quoted", "more", "closed")
_BEFORE_THE_DOMAIN = ("local", *_QUOTED)
_LABEL = "aeionrtslcudpmhgbfywkvxzjqABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"


class TooComplex(Exception):  # noqa: N818 - an answer, not an error
    """The patterns are too many or too intricate to decide."""


@dataclass(frozen=True)
class Constraint:
    """The text is one of the globs, or with `negated` none of them.

    With `host` that is said of the domain of an address, in lower case, instead of the whole.
    """

    globs: tuple[str, ...]
    negated: bool = False
    fold: bool = False
    host: bool = False

    def allows(self, text: str) -> bool:
        """Tell whether the text fulfils the constraint."""
        said_of = text.rpartition("@")[2].lower() if self.host else text
        return any(matches(glob, said_of, fold=self.fold) for glob in self.globs) != self.negated


def find_address(
    domain: str, constraints: Sequence[Constraint], *, subdomains: bool = False
) -> str | None:
    """Return a From address under the domain that fulfils all, or None if there is none.

    The domain counts in any case, because SES compares it so; with `subdomains`, those below it
    count as well. The address has one `@`. Raises TooComplex.
    """
    if not subdomains and any(_of_other_domains(each, domain) for each in constraints):
        return None
    for candidate in _candidates(domain, constraints):
        if _under(candidate, domain, subdomains=subdomains) and all(
            constraint.allows(candidate) for constraint in constraints
        ):
            return candidate
    return _search(_Address(domain.lower(), subdomains=subdomains), constraints)


def find_quoted(
    domain: str, constraints: Sequence[Constraint], *, subdomains: bool = False
) -> str | None:
    """Return such an address with another `@`, in quotes, or None: `"a@other.org"@example.com`.

    None also where an address with one `@` would do as well. RFC 5321, section 4.1.2, knows such
    addresses; whether SES takes them, AWS does not say. Raises TooComplex.
    """
    reaching = [g for c in constraints if not c.negated for g in c.globs if reaches_past_at(g)]
    if not reaching:
        return None
    for each in reaching:
        inner = f"a{each[1:]}".replace(ANY, "").replace(ONE, "a")
        candidate = f'"{inner}"@{domain}'
        fitting = '"' not in inner and len(candidate) <= _MAX_LOCAL_PART + len(domain) + 1
        if fitting and all(constraint.allows(candidate) for constraint in constraints):
            return candidate
    return _search(_Address(domain.lower(), subdomains=subdomains, quoted=True), constraints)


def reaches_past_at(wanted: str) -> bool:
    """Tell whether the glob can match an address of which it names an `@` within the quotes."""
    local, _, rest = wanted.partition("@")
    return local[:1] in (ANY, ONE, '"') and any(c in (ANY, ONE, "@") for c in rest)


def find_text(constraints: Sequence[Constraint]) -> str | None:
    """Return any text, not empty, that fulfils all, or None. Raises TooComplex."""
    for candidate in ("a@example.com", *_instances(constraints)):
        if candidate and all(constraint.allows(candidate) for constraint in constraints):
            return candidate
    return _search(_Text(), constraints)


def _of_other_domains(constraint: Constraint, domain: str) -> bool:
    """Tell whether it wants the one `@` of the address to stand before other domains."""
    if constraint.negated or constraint.host:
        return False
    return all(
        each.count("@") == 1 and not matches(each.rpartition("@")[2], domain, fold=True)
        for each in constraint.globs
    )


def _candidates(domain: str, constraints: Sequence[Constraint]) -> Iterable[str]:
    """Return addresses that are likely to fulfil the constraints, to spare the search."""
    yield f"a@{domain}"
    yield from _instances(constraints)
    # A Deny whose pattern is in lower case does not see these.
    yield f"a@{domain[:1].upper()}{domain[1:]}"
    yield f"a@{domain.upper()}"


def _instances(constraints: Iterable[Constraint]) -> Iterable[str]:
    for constraint in constraints:
        if not constraint.negated:
            for glob in constraint.globs:
                text = glob.replace(ANY, "a").replace(ONE, "a")
                yield f"a@{text}" if constraint.host else text


def _under(address: str, domain: str, *, subdomains: bool) -> bool:
    local, at, host = address.rpartition("@")
    if not at or "@" in local or not 0 < len(local) <= _MAX_LOCAL_PART:
        return False
    folded = host.lower()
    if subdomains and folded.endswith(f".{domain}"):
        labels = folded.removesuffix(f".{domain}").split(".")
        return all(label and set(label) <= set(_LABEL) for label in labels)
    return folded == domain


@dataclass(frozen=True)
class _Address:
    """The addresses under a domain, as an automaton: a state is (phase, position).

    Phases: `local` with the number of characters so far, `label` of a subdomain (1 within a label,
    0 at its start), `domain` with the characters of it so far. A local part in quotes may hold
    anything (RFC 5321, section 4.1.2), so whatever a pattern names counts. With `quoted` there is
    an `@` in it: the phase is `quoted` up to that, and `more` behind it.
    """

    domain: str
    subdomains: bool
    quoted: bool = False

    @property
    def start(self) -> tuple[str, int]:
        return ("quoted" if self.quoted else "local", 0)

    def accepts(self, state: tuple[str, int]) -> bool:
        return state == ("domain", len(self.domain))

    def steps(
        self, state: tuple[str, int], relevant: frozenset[str]
    ) -> Iterable[tuple[str, tuple[str, int]]]:
        phase, at = state
        if phase == "local":
            yield from self._local(at, relevant)
        elif phase in _QUOTED:
            yield from self._quoted(phase, at, relevant)
        elif phase == "label":
            for c in _representatives(_LABEL, relevant):
                yield c, ("label", 1)
            if at:
                yield ".", ("label", 0)
                yield ".", ("domain", 0)
        elif at < len(self.domain):
            c = self.domain[at]
            for either in dict.fromkeys((c, c.upper())):
                yield either, ("domain", at + 1)

    def _local(
        self, length: int, relevant: frozenset[str]
    ) -> Iterable[tuple[str, tuple[str, int]]]:
        if length < _MAX_LOCAL_PART:
            others = sorted(relevant - {*_ATEXT, "@"})
            for c in (*_representatives(_ATEXT, relevant), *others):
                yield c, ("local", length + 1)
        if length:
            yield from self._at_sign()

    def _at_sign(self) -> Iterable[tuple[str, tuple[str, int]]]:
        yield "@", ("domain", 0)
        if self.subdomains:
            yield "@", ("label", 0)

    def _quoted(
        self, phase: str, length: int, relevant: frozenset[str]
    ) -> Iterable[tuple[str, tuple[str, int]]]:
        if phase == "closed":
            yield from self._at_sign()
        elif not length:
            yield '"', (phase, 1)
        elif length < _MAX_LOCAL_PART:
            others = sorted(relevant - {*_ATEXT, "@", '"'})
            for c in (*_representatives(_ATEXT, relevant), *others):
                yield c, (phase, length + 1)
            yield "@", ("more", length + 1)
            if phase == "more":
                yield '"', ("closed", length + 1)


@dataclass(frozen=True)
class _Text:
    """All texts but the empty one."""

    start = ("text", 0)

    def accepts(self, state: tuple[str, int]) -> bool:
        return state[1] > 0

    def steps(
        self, _: tuple[str, int], relevant: frozenset[str]
    ) -> Iterable[tuple[str, tuple[str, int]]]:
        for c in dict.fromkeys((*_representatives(_ATEXT, relevant), *sorted(relevant))):
            yield c, ("text", 1)


def _representatives(alphabet: str, relevant: frozenset[str]) -> list[str]:
    """Return the characters that patterns tell apart, and one that stands for all others."""
    other = next((c for c in alphabet if c not in relevant), None)
    return [*([other] if other else []), *(c for c in alphabet if c in relevant)]


def _search(base: _Address | _Text, constraints: Sequence[Constraint]) -> str | None:
    """Return the shortest text of the base that fulfils all constraints."""
    relevant = frozenset(
        either
        for constraint in constraints
        for glob in constraint.globs
        for c in glob
        if c not in (ANY, ONE)
        for either in ((c.lower(), c.upper()) if constraint.fold else (c,))
        if len(either) == 1
    )
    begin = tuple(_start(constraint) for constraint in constraints)
    todo = deque([(base.start, begin, "")])
    # In the local part only the count of characters differs between many states: the first to
    # reach a state is the shortest, and a longer one can do nothing that it cannot.
    seen = {(_shape(base.start), begin)}
    while todo:
        state, masks, text = todo.popleft()
        if base.accepts(state) and all(map(_fulfilled, constraints, masks)):
            return text
        for c, after in base.steps(state, relevant):
            # A constraint on the domain begins behind the `@`.
            before = state[0] in _BEFORE_THE_DOMAIN
            stepped = tuple(
                mask if constraint.host and before else _step(constraint, mask, c)
                for constraint, mask in zip(constraints, masks, strict=True)
            )
            if any(map(_hopeless, constraints, stepped)):
                continue
            key = (_shape(after), stepped)
            if key not in seen:
                if len(seen) >= _MAX_STATES:
                    raise TooComplex
                seen.add(key)
                todo.append((after, stepped, text + c))
    return None


def _shape(state: tuple[str, int]) -> tuple[str, int]:
    """Return the state without the length of the local part."""
    phase, at = state
    return (phase, min(at, 1)) if phase in _BEFORE_THE_DOMAIN else state


def _start(constraint: Constraint) -> tuple[int, ...]:
    return tuple(_closed(glob, 1) for glob in constraint.globs)


def _step(constraint: Constraint, masks: tuple[int, ...], c: str) -> tuple[int, ...]:
    """Return the places in each glob, as bits, that reading `c` leads to."""
    fold = constraint.fold
    char = c.lower() if fold or constraint.host else c
    stepped = []
    for glob, mask in zip(constraint.globs, masks, strict=True):
        after = 0
        for place, wanted in enumerate(glob):
            if mask >> place & 1:
                if wanted == ANY:
                    after |= 1 << place
                elif wanted == ONE or (wanted.lower() if fold else wanted) == char:
                    after |= 1 << place + 1
        stepped.append(_closed(glob, after))
    return tuple(stepped)


def _closed(glob: str, mask: int) -> int:
    """Return the places with those behind a `*` that may stand for nothing."""
    for place, wanted in enumerate(glob):
        if wanted == ANY and mask >> place & 1:
            mask |= 1 << place + 1
    return mask


def _fulfilled(constraint: Constraint, masks: tuple[int, ...]) -> bool:
    found = any(mask >> len(glob) & 1 for glob, mask in zip(constraint.globs, masks, strict=True))
    return found != constraint.negated


def _hopeless(constraint: Constraint, masks: tuple[int, ...]) -> bool:
    """Tell whether no further text can fulfil the constraint."""
    return not constraint.negated and not any(masks)
