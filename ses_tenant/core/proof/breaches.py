"""Every pair of a principal and somebody else's domain, without looking at every pair.

The patterns of a principal tell which domains it can be about at all; only those are solved.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ses_tenant.core.iam.globs import ANY, ONE
from ses_tenant.core.proof.addresses import Constraint, TooComplex
from ses_tenant.core.proof.ways import Principal, Way
from ses_tenant.core.proof.witness import Target, Witness, find_witness


@dataclass(frozen=True, slots=True)
class Breach:
    """A principal that may send as a domain that is not its own; no witness if undecided."""

    principal: Principal
    target: Target
    witness: Witness | None


class Targets:
    """The domains of all tenants, to be found by the end of a pattern."""

    def __init__(self, targets: Sequence[Target]) -> None:
        """Sort the targets by their domain, read backwards."""
        self.all = tuple(sorted(targets, key=lambda target: target.domain[::-1]))
        self._backwards = [target.domain[::-1] for target in self.all]
        self._by_domain: dict[str, list[Target]] = {}
        self._by_owner: dict[str, list[Target]] = {}
        for target in self.all:
            self._by_domain.setdefault(target.domain, []).append(target)
            self._by_owner.setdefault(target.owner, []).append(target)

    def about(self, way: Way) -> Sequence[Target]:
        """Return the targets that the way's From patterns can be about, or more."""
        best: Sequence[Target] = self.all
        for constraint in way.sender:
            if not constraint.negated:
                found = self._matching(constraint)
                if len(found) < len(best):
                    best = found
        return best

    def spared(self, principal: Principal, target: Target) -> tuple[Constraint, ...]:
        """Return what keeps the principal's own domains out of the subdomains of another's."""
        below = f".{target.domain}"
        own = tuple(
            pattern
            for mine in self._by_owner.get(principal.arn, ())
            if target.subdomains and mine.domain.endswith(below)
            for pattern in (
                f"{ANY}@{mine.domain}",
                *((f"{ANY}@{ANY}.{mine.domain}",) if mine.subdomains else ()),
            )
        )
        return (Constraint(own, negated=True, fold=True),) if own else ()

    def _matching(self, constraint: Constraint) -> Sequence[Target]:
        found: dict[int, Target] = {}
        for glob in constraint.globs:
            tail = glob.replace(ONE, ANY).rpartition(ANY)[2].lower()
            if not tail:
                return self.all
            _, at, host = tail.rpartition("@")
            exact = self._by_domain.get(host, ())
            # A target that counts with its subdomains is met by anything below it, too.
            above = (
                target
                for number in range(1, host.count(".") + 1)
                for target in self._by_domain.get(host.split(".", number)[number], ())
                if target.subdomains
            )
            for target in (*(exact if at else self._ending(tail)), *above):
                found[id(target)] = target
        return tuple(found.values())

    def _ending(self, tail: str) -> Iterator[Target]:
        """Return the targets whose domain ends so."""
        backwards = tail[::-1]
        at = bisect_left(self._backwards, backwards)
        while at < len(self.all) and self._backwards[at].startswith(backwards):
            yield self.all[at]
            at += 1


def breaches(
    senders: Iterable[tuple[Principal, Sequence[Way] | None]], targets: Targets
) -> Iterator[Breach]:
    """Return every principal with every domain that it may send as and that is not its own.

    Each principal comes with its ways to send, or None where they are too many to tell.
    """
    for principal, ways in senders:
        if ways is None:
            yield from (
                Breach(principal, target, None)
                for target in targets.all
                if target.owner != principal.arn
            )
        elif ways:
            yield from _breaches(principal, ways, targets)


def _excluded(way: Way) -> tuple[str, ...] | None:
    """Return how the addresses end that the way excludes; None if it asks for anything else.

    A domain that none of these ends has to do with is treated as every other such domain.
    """
    if way.resources or not all(constraint.negated for constraint in way.sender):
        return None
    globs = {glob for constraint in way.sender for glob in constraint.globs}
    return tuple({glob.replace(ONE, ANY).rpartition(ANY)[2].lower() for glob in globs})


def _breaches(principal: Principal, ways: Sequence[Way], targets: Targets) -> Iterator[Breach]:
    about: dict[int, Target] = {id(t): t for way in ways for t in targets.about(way)}
    tails = _excluded(ways[0])
    alike: dict[tuple[object, ...], Witness] = {}
    for target in about.values():
        if target.owner == principal.arn:
            continue
        domain = target.domain
        blind = tails is not None and not (
            domain.endswith(tails) or any(tail.endswith(domain) for tail in tails)
        )
        place = (target.regions, target.account, target.partition)
        witness = alike.get(place) if blind else None
        if witness is None:
            try:
                witness = find_witness(principal, ways, target, targets.spared(principal, target))
            except TooComplex:
                yield Breach(principal, target, None)
                continue
            if blind and witness is not None and witness.action == ways[0].action:
                alike[place] = witness
        else:
            head, _, _ = witness.resource.rpartition("/")
            witness = Witness(
                f"a@{target.domain}",
                witness.action,
                f"{head}/{target.domain}",
                witness.verdict,
            )
        if witness is not None:
            yield Breach(principal, target, witness)
