"""Who may send as whom: a From address under a domain that a principal may use, or none.

The patterns of a principal's ways to send are solved for an address, and `decide` confirms every
one that is found.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ses_tenant.core.iam import ses_actions
from ses_tenant.core.iam.authorization import Answer, Request, Statement, Verdict, decide
from ses_tenant.core.iam.conditions import Context
from ses_tenant.core.iam.globs import ANY, matches_arn
from ses_tenant.core.proof.addresses import Constraint, find_address
from ses_tenant.core.proof.ways import TLS, Principal, Way


@dataclass(frozen=True)
class Target:
    """A sending domain, in lower case, where it may be verified, and the tenant whose it is."""

    domain: str
    subdomains: bool
    regions: tuple[str, ...]
    account: str
    partition: str
    owner: str


@dataclass(frozen=True)
class Witness:
    """A mail that the principal may send: the proof that it may send as the domain."""

    address: str
    action: str
    resource: str
    verdict: Verdict


def find_witness(
    principal: Principal, ways: Iterable[Way], target: Target, among: Sequence[Constraint] = ()
) -> Witness | None:
    """Return a mail from the target's domain that the principal may send, or None.

    Only addresses that `among` lets through count. The way's patterns may hang on what nobody
    knows beforehand; the verdict is conditional then. Raises TooComplex.
    """
    for way in ways:
        for of in (target, *_subdomain_identities(way, target)):
            for region in _regions(way, of):
                witness = _try(principal, way, of, region, among)
                if witness is not None:
                    return witness
    return None


def _subdomain_identities(way: Way, target: Target) -> Iterator[Target]:
    """Return the domains below the target's that are identities of their own for a statement."""
    names = (
        resource.rpartition("identity/")[2]
        for statement, _ in (way.resources if target.subdomains else ())
        for resource in statement.resources
    )
    for name in dict.fromkeys(names):
        if name.lower().endswith(f".{target.domain}") and not set(name) & set("*?$@"):
            yield replace(target, domain=name.lower())


def _regions(way: Way, target: Target) -> tuple[str, ...]:
    """Return the Regions to try: the target's, and those that the way's statements name."""
    named = (
        resource.split(":")[3]
        for statement, _ in way.resources
        for resource in statement.resources
        if resource.count(":") >= 5
    )
    plain = (region for region in named if region and not set(region) & set("*?$"))
    return tuple(dict.fromkeys((*target.regions, *plain)))


def _try(
    principal: Principal, way: Way, target: Target, region: str, among: Sequence[Constraint]
) -> Witness | None:
    context = {
        **principal.context,
        **dict(way.rest),
        TLS: ("true",),
        "aws:requestedregion": (region,),
        "aws:resourceaccount": (target.account,),
    }
    arn = ses_actions.identity_arn(target.partition, region, target.account, target.domain)
    unknown = principal.unknown
    known = Context(context, unknown)
    senders = (*(way.sender if way.carries_from else ()), *among)
    if all(s.names_resource(arn, known) in (wanted, None) for s, wanted in way.resources):
        address = find_address(target.domain, senders, subdomains=target.subdomains)
    else:
        # SES checks an address that is an identity of its own before the domain.
        own = tuple(
            constraint
            for statement, wanted in way.resources
            for constraint in _resource_constraints(statement, wanted, arn, target, known)
        )
        address = find_address(target.domain, (*senders, *own), subdomains=target.subdomains)
        arn = ses_actions.identity_arn(target.partition, region, target.account, address or "")
    if address is None:
        return None
    if way.carries_from:
        context[ses_actions.FROM] = (address,)
    request = Request(way.action, arn, context, principal.arn, unknown)
    verdict = decide(principal.policies, request)
    return None if verdict.answer is Answer.DENIED else Witness(address, way.action, arn, verdict)


def _resource_constraints(
    statement: Statement, wanted: bool, arn: str, target: Target, context: Context
) -> Iterator[Constraint]:
    """Return what it asks of an address that its identity is (not) a resource of the statement."""
    head = arn.removesuffix(target.domain)
    kind = head.split(":", 5)[5]
    globs = []
    for glob in statement.resource_globs(context):
        if glob is None:
            return  # a variable is not known: it may be so
        listed = glob.split(":", 5)
        if len(listed) < 6 and matches_arn(glob, arn):
            globs.append(ANY)
        elif len(listed) == 6 and matches_arn(":".join([*listed[:5], ANY]), arn):
            globs.append(listed[5])
    yield Constraint(tuple(globs), negated=wanted == statement.not_resources, prefix=kind)
