"""Who may send as whom, as findings: by itself, and by acting as somebody who may."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from ses_tenant.core.findings.finding import AffectedDomain, Finding, PathStep, Severity
from ses_tenant.core.findings.folding import Folding
from ses_tenant.core.findings.lint import named_domains
from ses_tenant.core.findings.remedy import command, option
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.findings.takeover import (
    Expected,
    path_of,
    remedy_of_way,
    severity_of_way,
    told_of,
)
from ses_tenant.core.iam.authorization import Answer
from ses_tenant.core.proof.breaches import Breach, Targets
from ses_tenant.core.proof.members import Member
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.powers import Effect
from ses_tenant.core.proof.roles import Hop
from ses_tenant.core.proof.standing import Step
from ses_tenant.core.proof.witness import Witness


@dataclass(slots=True)
class _Group:
    """Breaches of one principal that are one finding.

    `mask` are the targets as bits, by their numbers. Of breaches that are alike one stands for all
    in the same place, so that thousands of domains take little memory.
    """

    mask: int = 0
    own: dict[int, Breach] = field(default_factory=dict)
    alike: dict[tuple[object, ...], Breach] = field(default_factory=dict)

    def add(self, number: int, breach: Breach) -> None:
        self.mask |= 1 << number
        if breach.alike:
            self.alike.setdefault(_place(breach.target), breach)
        else:
            self.own[number] = breach

    @property
    def any(self) -> Breach:
        """Return one of them."""
        return next(chain(self.own.values(), self.alike.values()))

    def of(self, number: int, target: Target) -> Breach:
        """Return the breach of one of its targets."""
        if number in self.own:
            return self.own[number]
        return replace(self.alike[_place(target)], target=target)


def _place(target: Target) -> tuple[object, ...]:
    return target.regions, target.account, target.partition


class Sending:
    """What there is to say of all who may send as somebody else's domain."""

    def __init__(self, targets: Targets, limit: int | None) -> None:
        """Name at most `limit` domains in a finding; None: all."""
        self.targets = targets
        self._limit = limit
        self._sure: dict[str, int] = {}
        self._over: dict[str, list[tuple[Hop, _Group]]] = {}
        self._order = sorted(targets.all, key=lambda target: (target.domain, target.owner))
        self._number = {id(target): number for number, target in enumerate(self._order)}
        self._owned: dict[str, int] = {}
        of_domain: dict[str, int] = {}
        for number, target in enumerate(self._order):
            self._owned[target.owner] = self._owned.get(target.owner, 0) | 1 << number
            of_domain[target.domain] = of_domain.get(target.domain, 0) | 1 << number
        self._same = [mask for mask in of_domain.values() if mask.bit_count() > 1]

    def found(
        self,
        member: Member,
        breaches: Iterable[Breach],
        remedy: str,
        becoming: Sequence[tuple[str, Hop]],
        *,
        admin: bool,
    ) -> Iterator[Finding]:
        """Return one finding for each cause; `becoming` are those who may act as the member."""
        groups: dict[object, _Group] = {}
        for breach in breaches:
            key = _cause(member, breach, admin=admin)
            groups.setdefault(key, _Group()).add(self._number[id(breach.target)], breach)
        for group in groups.values():
            shown, first, count = self._shown(group, group.mask)
            if first.found is not None and first.found.verdict.answer is Answer.ALLOWED:
                self._sure[member.arn] = self._sure.get(member.arn, 0) | group.mask
            for principal, hop in becoming:
                self._over.setdefault(principal, []).append((hop, group))
            finding = of_breach(member, first, remedy, admin=admin)
            yield replace(finding, domains=shown, domain_count=count)

    def through(self, expected: Expected, folding: Folding) -> Iterator[Finding]:
        """Return who may send as what by acting as somebody else, each domain by the best way."""
        for principal, ways in self._over.items():
            taken = self._owned.get(principal, 0) | self._sure.get(principal, 0)
            for hop, group in sorted(ways, key=lambda way: _whole(way[0], way[1].any).cost):
                new = group.mask & ~taken
                taken |= new
                if new:
                    yield from self._through(principal, hop, group, new, expected, folding)

    def _through(
        self,
        principal: str,
        hop: Hop,
        group: _Group,
        new: int,
        expected: Expected,
        folding: Folding,
    ) -> Iterator[Finding]:
        shown, first, count = self._shown(group, new)
        if first.witness is None:
            yield Rule.UNDECIDED.found(
                principal,
                told_of(
                    "may act as one whose policies are too intricate to tell whether it may "
                    "send as these domains",
                    hop,
                ),
                "Simplify its policies.",
                domains=shown,
                path=path_of(hop),
                cause=hop.cause,
            )
            return
        whole = _whole(hop, first)
        if folding.folds_domains(principal, whole, [each.domain for each in shown]):
            return
        finding = Rule.MAY_SEND_AS.found(
            principal,
            told_of("may send mail as these domains", whole),
            remedy_of_way(whole),
            severity=expected.severity(principal, severity_of_way(principal, whole, Effect.SENDS)),
            domains=shown,
            path=path_of(whole),
            cause=whole.cause,
        )
        yield replace(finding, domain_count=count)

    def _shown(self, group: _Group, mask: int) -> tuple[tuple[AffectedDomain, ...], Breach, int]:
        """Return the domains that are named, the breach of the first of them, and their number."""
        mask = self._once(mask)
        found = [group.of(n, self._order[n]) for n in islice(_bits(mask), self._limit)]
        shown = (
            AffectedDomain(b.target.domain, b.witness.address if b.witness else None) for b in found
        )
        return tuple(shown), found[0], mask.bit_count()

    def _once(self, mask: int) -> int:
        """Return the targets, of those with the same domain the first."""
        for same in self._same:
            both = mask & same
            mask &= ~both | (both & -both)
        return mask


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _cause(member: Member, breach: Breach, *, admin: bool) -> object:
    """Return what tells the breaches of one finding from those of others."""
    if breach.found is None:
        return Rule.UNDECIDED
    if member.tenant is not None and _owns(member, breach.target):
        return Rule.SHARED_DOMAIN
    return None if admin else (breach.found.verdict.statement, breach.found.verdict.answer)


def _whole(hop: Hop, breach: Breach) -> Hop:
    """Return the way of acting as the principal of the breach, and of sending then."""
    found = breach.witness
    if found is None:
        return hop
    verdict = found.verdict
    step = Step(breach.principal.arn, found.action, found.resource, verdict.statement)
    return hop.then(Hop((step,), verdict.conditions, verdict.answer is Answer.ALLOWED))


def of_breach(member: Member, breach: Breach, remedy: str, *, admin: bool) -> Finding:
    """Return that the member may send as one domain, or that it is not known."""
    domain, witness = breach.target.domain, breach.witness
    if witness is None:
        return Rule.UNDECIDED.found(
            member.arn,
            "its policies are too intricate to tell whether it may send as these domains",
            "Simplify its policies.",
            domains=(AffectedDomain(domain),),
        )
    if member.tenant is not None and _owns(member, breach.target):
        return Rule.SHARED_DOMAIN.found(
            member.arn,
            f"the tenant of {member.tenant} may send as a domain of another tenant, by its "
            "options --also or --subdomains",
            command(
                "ses-tenant", "create", f"{member.tenant}", "--also", "none", "--no-subdomains"
            ),
            domains=(AffectedDomain(domain, witness.address),),
        )
    verdict = witness.verdict
    told = f"may send mail as these domains by {witness.action}: {verdict.reason}"
    return Rule.MAY_SEND_AS.found(
        member.arn,
        "is an administrator of the account and may do everything" if admin else told,
        remedy,
        severity=_severity_of(member, witness, admin=admin),
        domains=(AffectedDomain(domain, witness.address),),
        path=(PathStep(member.arn, witness.action, witness.resource, verdict.statement),),
        cause="" if admin else f"{verdict.statement} {verdict.answer.value}",
    )


def _severity_of(member: Member, witness: Witness, *, admin: bool) -> Severity:
    if admin:
        return Severity.INFO
    sure = member.is_user and witness.verdict.answer is Answer.ALLOWED
    return Severity.ERROR if sure else Severity.WARNING


def _owns(member: Member, target: Target) -> bool:
    """Tell whether the tenant's own options let it send as the domain of another."""
    return any(
        own.domain == target.domain or (own.subdomains and target.domain.endswith(f".{own.domain}"))
        for own in member.targets()
    )


def remedy_of(member: Member, taken: Collection[str], *, admin: bool) -> str:
    """Return what to do about a member that may send; `taken` are the domains of tenants."""
    if member.tenant is not None:
        return command("ses-tenant", "check", f"{member.tenant}", "--repair")
    if admin:
        return ""
    if not member.is_user:
        return "Limit its ses: actions to a From address, as examples/role-policy.json does."
    return adopt_command(member, taken)


def adopt_command(member: Member, taken: Collection[str]) -> str:
    """Return how a user that sends becomes a tenant, or makes room for the tenant there is."""
    named = named_domains(member)
    if named and all(domain in taken for domain in named):
        return f"Give its site the credentials of the tenant {named[0]}, then delete this user."
    domain = named[0] if len(named) == 1 else "DOMAIN"
    return command("ses-tenant", "adopt", domain, *option("--user-name", member.name))
