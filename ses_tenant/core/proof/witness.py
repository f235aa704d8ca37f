"""Who may send as whom: a From address under a domain that a principal may use, or none.

The patterns of a principal's ways to send are solved for an address, in each place where it could
go out, and `decide` confirms every one that is found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ses_tenant.core.iam import ses_actions
from ses_tenant.core.iam.authorization import Answer, Request, Verdict, decide
from ses_tenant.core.iam.conditions import Context
from ses_tenant.core.iam.globs import ANY
from ses_tenant.core.proof.addresses import Constraint, TooComplex, find_address, find_quoted
from ses_tenant.core.proof.places import Own, Place, Places, Target, own_constraints
from ses_tenant.core.proof.ways import Principal, Way, sender_constraints

QUOTED = "SES takes an address with a second @, in quotes"


@dataclass(frozen=True)
class Witness:
    """A mail that the principal may send: the proof that it may send as the domain.

    The verdict is conditional where something is in doubt, such as whether the domain is verified
    in the Region.
    """

    address: str
    action: str
    resource: str
    verdict: Verdict

    @property
    def region(self) -> str:
        """Return the Region in which the mail is sent."""
        return self.resource.split(":")[3]


class Search:
    """The search for mails that one principal may send."""

    def __init__(self, principal: Principal) -> None:
        """Keep whose mails they are."""
        self.principal = principal
        self._places = Places(principal)

    def witness(
        self, ways: Sequence[Way], target: Target, among: Sequence[Constraint] = ()
    ) -> Witness | None:
        """Return a mail from the target's domain that goes one of the ways, or None.

        One that certainly may be sent if there is any. Only addresses that `among` lets through
        count. Raises TooComplex if none is found and one cannot be excluded.
        """
        perhaps: Witness | None = None
        undecided = False
        for way, place in self._tries(ways, target):
            if perhaps is not None and place.doubts:
                break
            try:
                found = self.at(place, way, target, among)
            except TooComplex:
                undecided = True
                continue
            if found is not None and found.verdict.answer is Answer.ALLOWED:
                return found
            perhaps = perhaps or found
        if perhaps is None and undecided:
            raise TooComplex
        return perhaps

    def _tries(self, ways: Sequence[Way], target: Target) -> Iterator[tuple[Way, Place]]:
        """Return each way with each place, those without doubt first."""
        for listed in (self._places.known, self._places.doubtful):
            for way in ways:
                for place in listed(way, target):
                    yield way, place

    def at(
        self, place: Place, way: Way, target: Target, among: Sequence[Constraint] = ()
    ) -> Witness | None:
        """Return a mail that goes this way from this place, or None. Raises TooComplex."""
        context = {**self._places.context(target, place.region), **dict(way.rest)}
        known = Context(context, self.principal.unknown)
        senders = self._senders(place, way, target, known)
        if senders is None:
            return None
        asked, doubts = (target.domain, (*senders, *among)), place.doubts
        address = find_address(*asked, subdomains=target.subdomains)
        if address is None:
            address = find_quoted(*asked, subdomains=target.subdomains)
            doubts = (*doubts, QUOTED)
        if address is None:
            return None
        if way.carries_from:
            context[ses_actions.FROM] = (address,)
        arn = _arn(place, target, address)
        request = Request(way.action, arn, context, self.principal.arn, self.principal.unknown)
        verdict = decide(self.principal.policies, request)
        if verdict.answer is Answer.DENIED:
            return None
        return Witness(address, way.action, arn, _in_doubt(verdict, doubts))

    def _senders(
        self, place: Place, way: Way, target: Target, known: Context
    ) -> tuple[Constraint, ...] | None:
        """Return what the way asks of a From address at this place; None if none can be so."""
        senders = way.sender if way.carries_from else ()
        if way.sender_there:
            there = sender_constraints(way.sender_there, known)
            if there is None:
                return None
            senders = (*senders, *there)
        if isinstance(place.identity, Own):
            own = own_constraints(way, place, target, known)
            if own is None:
                return None
            return (*senders, *own)
        arn = _arn(place, target, "")
        if any(s.names_resource(arn, known) not in (w, None) for s, w in way.resources):
            return None
        if place.identity.endswith(f".{target.domain}"):
            return (*senders, *under(place.identity))
        return senders


def find_witness(
    principal: Principal, ways: Sequence[Way], target: Target, among: Sequence[Constraint] = ()
) -> Witness | None:
    """Return a mail from the target's domain that the principal may send, or None.

    See `Search.witness`. Raises TooComplex.
    """
    return Search(principal).witness(ways, target, among)


def under(identity: str) -> tuple[Constraint, ...]:
    """Return what an address is like for which SES can take the identity: of a domain or itself."""
    if "@" in identity:
        return (Constraint((identity,), fold=True),)
    return (Constraint((f"{ANY}@{identity}", f"{ANY}@{ANY}.{identity}"), fold=True),)


def _arn(place: Place, target: Target, address: str) -> str:
    match place.identity:
        case Own.ADDRESS:
            name = address
        case Own.HOST:
            name = address.rpartition("@")[2].lower()
        case template if template.startswith(ses_actions.TEMPLATE_OF_VERIFY):
            return f"arn:{target.partition}:ses:{place.region}:{target.account}:{template}"
        case name:
            pass
    return ses_actions.identity_arn(target.partition, place.region, target.account, name)


def _in_doubt(verdict: Verdict, doubts: tuple[str, ...]) -> Verdict:
    if not doubts:
        return verdict
    conditions = (*verdict.conditions, *doubts)
    told = f"allowed by {verdict.statement} if {' and '.join(conditions)}"
    return replace(verdict, answer=Answer.CONDITIONAL, reason=told, conditions=conditions)
