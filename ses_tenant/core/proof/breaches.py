"""Every pair of a principal and somebody else's domain, without looking at every pair.

The patterns of a principal tell which domains it can be about at all; only those are solved.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ses_tenant.core.iam.authorization import Answer
from ses_tenant.core.iam.conditions import Context, holds
from ses_tenant.core.iam.globs import ANY, ONE, glob, matches
from ses_tenant.core.iam.ses_actions import FROM, VERIFY, identity_arn
from ses_tenant.core.iam.statements import Statement
from ses_tenant.core.proof.addresses import Constraint, TooComplex, reaches_past_at
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import Principal, Way
from ses_tenant.core.proof.witness import Search, Witness


@dataclass(frozen=True, slots=True)
class Breach:
    """A principal that may send as a domain that is not its own; nothing is found if undecided.

    With `alike`, what was `found` is of another domain, from which nothing tells this one.
    """

    principal: Principal
    target: Target
    found: Witness | None
    alike: bool = False

    @property
    def witness(self) -> Witness | None:
        """Return the mail that proves it; None if undecided."""
        if self.found is None or not self.alike:
            return self.found
        head, identity, _ = self.found.resource.partition(":identity/")
        resource = f"{head}{identity}{self.target.domain}" if identity else head
        return replace(self.found, address=f"a@{self.target.domain}", resource=resource)


class Targets:
    """The domains of all tenants, to be found by the end of a pattern."""

    def __init__(self, targets: Sequence[Target]) -> None:
        """Sort the targets by their domain, read backwards."""
        self.all = tuple(sorted(targets, key=lambda target: target.domain[::-1]))
        self.number = {id(target): number for number, target in enumerate(self.all)}
        self._backwards = [target.domain[::-1] for target in self.all]
        self._by_domain: dict[str, list[Target]] = {}
        self._by_owner: dict[str, list[Target]] = {}
        for target in self.all:
            self._by_domain.setdefault(target.domain, []).append(target)
            self._by_owner.setdefault(target.owner, []).append(target)

    def about(self, way: Way) -> Sequence[Target]:
        """Return the targets that the way's From and Resource patterns can be about, or more."""
        best: Sequence[Target] = self.all
        listed = [c.globs for c in way.sender if not c.negated]
        listed += [_identities(way, s) for s, wanted in way.resources if wanted != s.not_resources]
        for globs in listed:
            found = self._matching(globs)
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

    def _matching(self, globs: Sequence[str]) -> Sequence[Target]:
        found: dict[int, Target] = {}
        for each in globs:
            tail = _tail(each)
            if not tail:
                if not _tells_host(each) or reaches_past_at(each):
                    return self.all
                found.update((id(target), target) for target in self.all if _may_be(each, target))
                continue
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


def _tail(pattern: str) -> str:
    """Return how the texts end that a glob matches; empty if it does not say."""
    return pattern.replace(ONE, ANY).rpartition(ANY)[2].lower()


def _tells_host(pattern: str) -> bool:
    """Tell whether the pattern says something of the domain, though not how it ends."""
    return pattern.count("@") == 1 and pattern.rpartition("@")[2] not in ("", ANY)


def _may_be(pattern: str, target: Target) -> bool:
    """Tell whether the pattern, which has one `@`, can be about an address of the target.

    What stands behind it is the domain, in capitals or not, but for patterns that
    `reaches_past_at` tells of.
    """
    return target.subdomains or matches(pattern.rpartition("@")[2], target.domain, fold=True)


def _identities(way: Way, statement: Statement) -> tuple[str, ...]:
    """Return globs of the identities that the statement's ARNs may be about."""
    return tuple(
        ANY if way.action == VERIFY and ":identity/" not in resource else _identity(resource)
        for resource in statement.resources
    )


def _identity(resource: str) -> str:
    if "$" in resource or resource.count(":") < 5:
        return ANY  # a variable may be anything, and so may what is left out of an ARN
    return glob(resource).rpartition("/")[2]


def _exceptions(way: Way) -> set[str] | None:
    """Return globs of the addresses and identities that the way treats in a way of their own.

    A domain that none of them has to do with goes as every other such domain. None if the way is
    about certain domains only.
    """
    if way.sender_there or not all(constraint.negated for constraint in way.sender):
        return None
    found = {each for constraint in way.sender for each in constraint.globs}
    for statement, _ in way.resources:
        for resource in statement.resources:
            if resource.split(":", 5)[-1] in ("*", "identity/*"):
                continue
            if "$" in resource or not _tail(_identity(resource)):
                return None
            found.add(_identity(resource))
    return found


def _breaches(principal: Principal, ways: Sequence[Way], targets: Targets) -> Iterator[Breach]:
    search = Search(principal)
    apart = {id(way): _exceptions(way) for way in ways}
    wide = [way for way in ways if apart[id(way)] is not None]
    patterns = {each for way in wide for each in apart[id(way)] or ()}
    open_ended = [each for each in patterns if not _tail(each) and _tells_host(each)]
    tails = tuple({_tail(each) for each in patterns.difference(open_ended)})
    special = {id(t): t for way in ways if apart[id(way)] is None for t in targets.about(way)}
    alike: dict[tuple[object, ...], Breach | None] = {}
    looks = _Looks(principal)
    seen: dict[tuple[object, ...], Witness | None] = {}
    for target in targets.all if wide else special.values():
        if target.owner == principal.arn:
            continue
        domain = target.domain
        own_end = domain.endswith(tails) or any(tail.endswith(domain) for tail in tails)
        own_end = own_end or any(_may_be(each, target) for each in open_ended)
        place = (target.regions, target.account, target.partition)
        if id(target) in special or own_end:
            among = targets.spared(principal, target)
            look = None if among else looks.of(target)
            if look is not None and look in seen:
                yield Breach(principal, target, seen[look], alike=True)
                continue
            breach = _breach(search, ways, target, among)
            if look is not None and breach is not None and _is_plain(breach):
                seen[look] = breach.found
        else:
            if place not in alike:
                alike[place] = _breach(search, wide, target, targets.spared(principal, target))
            usual = alike[place]
            breach = usual and Breach(principal, target, usual.found, alike=True)
        if breach is not None:
            yield breach


class _Looks:
    """How domains look to the statements of a principal, by their plainest mail.

    Where that certainly gets through from one, it does from all that look the same.
    """

    def __init__(self, principal: Principal) -> None:
        self._statements = [s for policy in principal.policies.all for s in policy.statements]
        conditions = [c for statement in self._statements for c in statement.conditions]
        self._on_from = [c for c in conditions if c.key == FROM]
        self._telling = all(c.plain is not None for c in conditions) and not any(
            "$" in resource for statement in self._statements for resource in statement.resources
        )

    def of(self, target: Target) -> tuple[object, ...] | None:
        """Return what is the same of all that look the same; None if nobody can tell."""
        if not self._telling:
            return None
        context = Context({FROM: (f"a@{target.domain}",)})
        arns = [
            identity_arn(target.partition, region, target.account, target.domain)
            for region in target.regions
        ]
        return (
            (target.regions, target.account, target.partition),
            *(holds(condition, context) for condition in self._on_from),
            *(s.names_resource(arn, context) for s in self._statements for arn in arns),
        )


def _is_plain(breach: Breach) -> bool:
    """Tell whether it is certain, for the plainest address and by the domain's own identity."""
    found, domain = breach.found, breach.target.domain
    return (
        found is not None
        and found.verdict.answer is Answer.ALLOWED
        and found.address == f"a@{domain}"
        and found.resource.endswith(f":identity/{domain}")
    )


def _breach(
    search: Search, ways: Sequence[Way], target: Target, among: Sequence[Constraint]
) -> Breach | None:
    try:
        witness = search.witness(ways, target, among)
    except TooComplex:
        return Breach(search.principal, target, None)
    return None if witness is None else Breach(search.principal, target, witness)
