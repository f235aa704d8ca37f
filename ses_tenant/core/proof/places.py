"""Where a mail could be sent from: in which Region, and by which identity SES authorizes it.

SES authorizes a mail on the identity of the address, of its domain or of a domain above, and any of
them may be verified in any Region. What is not known of that is a doubt: what it finds is
conditional. https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ses_tenant.core.iam.conditions import Context, holds, wanted_globs
from ses_tenant.core.iam.globs import ANY, matches, remainders
from ses_tenant.core.iam.ses_actions import TEMPLATE_OF_VERIFY, VERIFY
from ses_tenant.core.iam.statements import Statement
from ses_tenant.core.proof.addresses import Constraint
from ses_tenant.core.proof.ways import ACCOUNT, REGION, TLS, Principal, Way
from ses_tenant.core.regions import is_region, partition_of, ses_regions


@dataclass(frozen=True)
class Target:
    """A sending domain, in lower case, and the tenant whose it is.

    `regions` are those that the tenant is known to send in; none if that is not known.
    """

    domain: str
    subdomains: bool
    regions: tuple[str, ...]
    account: str
    partition: str
    owner: str


class Own(Enum):
    """An identity that each mail has of its own: its From address, or that address's domain."""

    ADDRESS = "the From address is an identity of its own"
    HOST = "the subdomain is an identity of its own"


@dataclass(frozen=True)
class Place:
    """A Region and the identity that a mail is authorized by there, if the doubts are none.

    In place of an identity, it may be a template, as the ARN names it.
    """

    region: str
    identity: str | Own
    doubts: tuple[str, ...] = ()


PARENT = "SES checks the identity of a parent domain"
OF_A_TEMPLATE = "a template of verification mails has such a From address"


_Known = tuple[str, ...]
_Others = tuple[str, ...]


class Places:
    """The places from which a principal's mail could go out, Regions that it cannot tell as one."""

    def __init__(self, principal: Principal) -> None:
        """Keep whose places they are."""
        self._principal = principal
        self._cache: dict[tuple[object, ...], tuple[Way, _Known, _Others]] = {}

    def known(self, way: Way, target: Target) -> Iterator[Place]:
        """Return those where the domain is known to be used: in its own Regions, by itself."""
        if way.action != VERIFY:
            for region in self._regions(way, target)[0]:
                yield Place(region, target.domain)

    def doubtful(self, way: Way, target: Target) -> Iterator[Place]:
        """Return the others: other identities, where the way tells them apart, other Regions."""
        known, others = self._regions(way, target)
        given = (OF_A_TEMPLATE,) if way.action == VERIFY else ()
        for region in known:
            if given:
                yield from _of_templates(way, target, region, given)
            yield from _others(way, target, region, given)
        for region in others:
            doubt = (*given, f"the domain is verified in {region}")
            if given:
                yield from _of_templates(way, target, region, doubt)
            else:
                yield Place(region, target.domain, doubt)
            yield from _others(way, target, region, doubt)

    def context(self, target: Target, region: str) -> dict[str, tuple[str, ...]]:
        """Return what is known of the principal's requests in the Region."""
        return {
            **self._principal.context,
            TLS: ("true",),
            REGION: (region,),
            ACCOUNT: (target.account,),
        }

    def _regions(self, way: Way, target: Target) -> tuple[_Known, _Others]:
        """Return the target's Regions and others, one of those that the way cannot tell apart."""
        key = (id(way), target.regions, target.account, target.partition)
        if key not in self._cache:
            found: dict[object, str] = {}
            for region in (*target.regions, *ses_regions(target.partition), *_named(way, target)):
                look = self._look(way, target, region)
                if look is not None:
                    found.setdefault(look, region)
            known = tuple(region for region in found.values() if region in target.regions)
            others = tuple(region for region in found.values() if region not in target.regions)
            self._cache[key] = (way, known, others)  # with the way, so that its id stays its own
        return self._cache[key][1:]

    def _look(self, way: Way, target: Target, region: str) -> object:
        """Return how the Region looks to the way's statements; None if nothing goes from it."""
        context = Context(self.context(target, region), self._principal.unknown)
        held = tuple((holds(condition, context), wanted) for condition, wanted in way.place)
        if any(answer not in (wanted, None) for answer, wanted in held):
            return None
        head = f"arn:{target.partition}:ses:{region}:"
        senders = tuple(wanted_globs(condition, context) for condition, _ in way.sender_there)
        return (
            held,
            senders,
            tuple(
                glob if glob is None else _rest(glob, head)
                for statement, _ in way.resources
                for glob in statement.resource_globs(context)
            ),
        )


def own_constraints(
    way: Way, place: Place, target: Target, context: Context
) -> tuple[Constraint, ...] | None:
    """Return what the way asks of an address whose own identity is the one of the place.

    None if no identity can be as the way wants it.
    """
    head = f"arn:{target.partition}:ses:{place.region}:{target.account}:identity/"
    found = []
    for statement, wanted in way.resources:
        match = wanted != statement.not_resources
        globs = _readings(statement, head, context, possible=match)
        if globs is None:
            continue
        if match and not globs:
            return None
        found.append(Constraint(tuple(globs), negated=not match, host=place.identity is Own.HOST))
    return tuple(found)


def _readings(
    statement: Statement, head: str, context: Context, *, possible: bool
) -> list[str] | None:
    """Return globs of what follows `head` in the ARNs that the element lists.

    Those that it may list with `possible`, otherwise those that it certainly does. None if the
    value of a variable makes it possible that it lists any.
    """
    of = head.split(":", 5)
    found: dict[str, None] = {}
    for glob in statement.resource_globs(context):
        if glob is None:
            if possible:
                return None
            continue
        listed = glob.split(":", 5)
        readings = [glob] if possible else []
        if all(matches(p, a, fold=True) for p, a in zip(listed[:5], of[:5], strict=False)):
            if len(listed) == 6:
                readings.append(":".join([*of[:5], listed[5]]))
            elif possible or glob.endswith(ANY):
                readings.append(ANY)
        for reading in readings:
            # No identity holds a colon.
            rests = (rest for rest in remainders(reading, head) if ":" not in rest)
            found.update(dict.fromkeys(sorted(rests)))
    return list(found)


def _others(way: Way, target: Target, region: str, doubt: tuple[str, ...]) -> Iterator[Place]:
    """Return identities besides the domain itself; a way about no identity takes them as one."""
    if not way.resources:
        return
    labels = target.domain.split(".")
    for number in range(1, len(labels) - 1):
        yield Place(region, ".".join(labels[number:]), (*doubt, PARENT))
    yield Place(region, Own.ADDRESS, (*doubt, Own.ADDRESS.value))
    if target.subdomains:
        yield Place(region, Own.HOST, (*doubt, Own.HOST.value))
        for name in dict.fromkeys(_identities(way)):
            if name.endswith(f".{target.domain}"):
                yield Place(region, name, (*doubt, Own.HOST.value))


def _of_templates(way: Way, target: Target, region: str, doubt: tuple[str, ...]) -> Iterator[Place]:
    """Return the domain and the templates, of which some may be told apart: either may be asked."""
    yield Place(region, target.domain, doubt)
    names = {
        resource.rpartition(TEMPLATE_OF_VERIFY)[2].replace("*", "x").replace("?", "x")
        for statement, _ in way.resources
        for resource in statement.resources
        if TEMPLATE_OF_VERIFY in resource
    }
    for name in ("a", *sorted(names)):
        yield Place(region, f"{TEMPLATE_OF_VERIFY}{name}", doubt)


def _identities(way: Way) -> Iterator[str]:
    """Return the identities that the way's statements name in full."""
    for statement, _ in way.resources:
        for resource in statement.resources:
            name = resource.rpartition("identity/")[2].lower()
            if not set(name) & set("*?$@"):
                yield name


def _named(way: Way, target: Target) -> Iterator[str]:
    """Return the Regions that the way names in full: there may be some of which we do not know."""
    texts = [value for condition, _ in way.place for value in condition.values]
    texts += [
        resource.split(":")[3]
        for statement, _ in way.resources
        for resource in statement.resources
        if resource.count(":") > 3
    ]
    for text in texts:
        if is_region(text.lower()) and partition_of(text.lower()) == target.partition:
            yield text.lower()


def _rest(glob: str, head: str) -> tuple[object, ...]:
    """Return all of the glob that counts behind `head`, part by part and as a whole."""
    listed = glob.split(":", 5)
    pairs = zip(listed[:4], head.split(":"), strict=False)
    fitting = all(matches(part, of, fold=True) for part, of in pairs)
    return fitting, tuple(listed[4:]), remainders(glob, head)
