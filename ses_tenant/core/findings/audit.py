"""Everything that is wrong with who may send as whom in an account; pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from ses_tenant.core.findings.finding import (
    MAX_DOMAINS,
    AffectedDomain,
    Finding,
    Gathering,
    PathStep,
    Severity,
    shortened,
    sorted_findings,
)
from ses_tenant.core.findings.folding import Folding
from ses_tenant.core.findings.lint import lint, named_domains
from ses_tenant.core.findings.matrix import reaches
from ses_tenant.core.findings.quarantined import replace_keys, told_of_quarantine
from ses_tenant.core.findings.remedy import command, option
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.findings.sending import Sending, adopt_command, of_breach, remedy_of
from ses_tenant.core.findings.shared_identities import shared_identities
from ses_tenant.core.findings.takeover import Expected, takeover_findings
from ses_tenant.core.identity.ses_tenants import SharedIdentity
from ses_tenant.core.proof.addresses import TooComplex
from ses_tenant.core.proof.breaches import Targets, breaches
from ses_tenant.core.proof.delegation import Coverage, Delegation, IdentityPolicies, delegations
from ses_tenant.core.proof.members import Account, Member, targets_of
from ses_tenant.core.proof.stores import is_lost
from ses_tenant.core.proof.takeover import takeovers
from ses_tenant.core.proof.ways import Way, ways_to_send
from ses_tenant.core.tenant.naming import TAG_DESTINATION
from ses_tenant.core.tenant.observed import ReportedKey
from ses_tenant.core.tenant.quarantine import quarantine_policy

# Some rules wait until a key has had the time to be used at all.
NEVER_USED_AFTER = timedelta(days=30)


@dataclass(frozen=True)
class Audit:
    """What an audit found, the worst first; of how many users and roles, and how many tenants.

    `owners` are the tenants' domains, each with the ARN of the user whose it is.
    """

    principals: int
    tenants: int
    findings: tuple[Finding, ...]
    owners: tuple[tuple[str, str], ...] = ()


def audit(
    account: Account,
    keys: Mapping[str, tuple[ReportedKey, ...]],
    identities: Iterable[IdentityPolicies],
    now: datetime,
    max_age: timedelta,
    *,
    operators: Collection[str] = (),
    shared: Iterable[SharedIdentity] = (),
    limit: int | None = MAX_DOMAINS,
) -> Audit:
    """Return every finding. `keys` are the access keys by user ARN, where they are known.

    `shared` are the identities that are associated with several SES tenants.

    What the users and roles of `operators` (ARNs) may do with tenants is expected, and no more than
    a note. Each finding names at most `limit` of the domains that it touches, fewer where there are
    hundreds of findings; None: all.

    Raises SesTenantError `usage` for a policy that IAM would not take.
    """
    people = account.people
    expected, powers = Expected(operators), takeovers(account)
    folding = Folding(powers.routes, limit)
    by_arn = {member.arn: member for member in people}
    targets = targets_of(people)
    taken = frozenset(target.domain for target in targets)
    found = Gathering(limit)
    ways = {member.arn: _ways(member) for member in people}
    admins = powers.administrators
    senders = ((member.principal, ways[member.arn]) for member in people)
    sending = Sending(Targets(targets), limit)
    for arn, theirs in groupby(
        breaches(senders, sending.targets), key=lambda breach: breach.principal.arn
    ):
        member, admin = by_arn[arn], arn in admins
        through = () if admin or member.tenant else powers.becoming.get(arn, ())
        remedy = remedy_of(member, taken, admin=admin)
        for finding in sending.found(member, theirs, remedy, through, admin=admin):
            found.put(finding)
    for finding in (
        *sending.through(expected, folding),
        *takeover_findings(powers, expected, folding, limit),
    ):
        found.put(finding)
    for member in people:
        sends = ways[member.arn] != ()
        if member.arn in admins and targets and not sends:
            found.add(_administrator(member, admins[member.arn]))
        if member.tenant is None:
            found.update(lint(member))
            if sends and member.is_user and member.arn not in admins:
                found.add(_candidate(member, taken))
        found.update(_quarantined(member))
        found.update(_unread(member))
        found.update(_lost(member))
        if sends or member.tenant:
            found.update(_of_keys(member, keys.get(member.arn, ()), now, max_age))
    coverage = Coverage(targets)
    principals = {member.arn: member.principal for member in people}
    for identity in identities:
        found.update(map(_of_delegation, delegations(identity, coverage, principals)))
    found.update(shared_identities(shared, {t.domain: t.owner for t in targets}))
    findings = sorted_findings(_expected(finding, operators) for finding in found.findings())
    return Audit(
        len(people),
        sum(m.tenant is not None for m in people),
        findings if limit is None else shortened(findings),
        tuple((target.domain, target.owner) for target in targets),
    )


def _expected(finding: Finding, operators: Collection[str]) -> Finding:
    """Return the finding as a note, if it is about what an operator may do with tenants."""
    if finding.principal not in operators or not reaches(finding):
        return finding
    told = f"is an operator of the tenants: {finding.message}"
    return replace(finding, severity=Severity.INFO, message=told, remedy="")


def isolation(
    people: Sequence[Member], domains: Collection[str]
) -> Mapping[str, Sequence[Finding]]:
    """Return, by tenant, where it and another tenant are not isolated from each other.

    For the tenants of `domains`: whom they may send as, and who may send as them.
    """
    tenants = {member.arn: member for member in people if member.tenant is not None}
    targets = [target for member in tenants.values() for target in member.targets()]
    senders = ((member.principal, _ways(member)) for member in tenants.values())
    found: dict[str, Gathering] = {}
    for breach in breaches(senders, Targets(targets)):
        member, owner = tenants[breach.principal.arn], tenants[breach.target.owner]
        finding = of_breach(member, breach, remedy_of(member, (), admin=False), admin=False)
        for name in {str(member.tenant), str(owner.tenant)} & set(domains):
            found.setdefault(name, Gathering(limit=None)).add(finding)
    return {name: gathered.findings() for name, gathered in found.items()}


def _ways(member: Member) -> tuple[Way, ...] | None:
    """Return its ways to send mail, or None where they are too many to tell."""
    try:
        return ways_to_send(member.principal)
    except TooComplex:
        return None


def _administrator(member: Member, conditions: Sequence[str]) -> Finding:
    on = f", if {' and '.join(conditions)}" if conditions else ""
    return Rule.MAY_TAKE_OVER.found(
        member.arn,
        f"is an administrator, who may do everything in IAM{on}",
        "",
        severity=Severity.INFO,
    )


def _candidate(member: Member, taken: Collection[str]) -> Finding:
    named = named_domains(member)
    whose = f" Its policies name {', '.join(named)}." if named else ""
    return Rule.HAND_MADE_USER.found(
        member.arn,
        f"may send mail and is no tenant.{whose}",
        adopt_command(member, taken),
        domains=[AffectedDomain(domain) for domain in named],
    )


def _unread(member: Member) -> Iterator[Finding]:
    for arn in member.missing:
        yield Rule.UNREAD_POLICY.found(
            member.arn,
            f"the managed policy {arn} was not told, so what it allows or limits is not known",
            "Make the file with all filters, or run the audit against the account itself.",
            cause=arn,
        )


def _lost(member: Member) -> Iterator[Finding]:
    """Return that it is not known where the credentials of a tenant are."""
    for domain in member.domains[:1] if is_lost(member) else ():
        yield Rule.UNKNOWN_DESTINATION.found(
            member.arn,
            f"its tag {TAG_DESTINATION} does not tell where its credentials are, so who may read "
            "them there was not looked at",
            command("ses-tenant", "check", domain.name),
            domains=(AffectedDomain(domain.name),),
        )


def _quarantined(member: Member) -> Iterator[Finding]:
    """Return the finding that AWS holds a key of the tenant for stolen; from its own policies."""
    if member.tenant is None:
        return
    for arn in (*(held.managed for held in member.held if not held.group), *member.missing):
        if arn and (policy := quarantine_policy(arn)):
            yield Rule.KEY_QUARANTINED.found(
                member.arn,
                told_of_quarantine(policy, member.name, arn),
                replace_keys(member.tenant),
                domains=[AffectedDomain(member.tenant.name)],
                cause=policy,
            )


def _of_keys(
    member: Member, keys: Sequence[ReportedKey], now: datetime, max_age: timedelta
) -> Iterator[Finding]:
    active = [key for key in keys if key.active]
    own = [AffectedDomain(member.tenant.name)] if member.tenant else []
    renew = (
        command("ses-tenant", "rotate-keys", member.tenant.name)
        if member.tenant
        else command("aws", "iam", "list-access-keys", *option("--user-name", member.name))
    )
    if len(active) > 1:
        yield Rule.TWO_ACTIVE_KEYS.found(
            member.arn, "has two Active access keys", renew, domains=own
        )
    for key in active:
        if key.changed_at is None:
            continue
        age = now - key.changed_at
        if age > max_age:
            yield Rule.KEY_TOO_OLD.found(
                member.arn,
                f"has an access key that is {age.days} days old",
                renew,
                domains=own,
                cause=key.changed_at.isoformat(),
            )
        if key.last_used_at is None and age > NEVER_USED_AFTER:
            yield Rule.KEY_NEVER_USED.found(
                member.arn,
                f"has an access key that was never used in {age.days} days",
                renew,
                domains=own,
                cause=key.changed_at.isoformat(),
            )


def _of_delegation(delegation: Delegation) -> Finding:
    """Return that the policies of an email identity let somebody send besides its tenant."""
    identity, domain, witness = delegation.identity, delegation.target.domain, delegation.witness
    remedy = command(
        *("aws", "sesv2", "get-email-identity", "--query", "Policies"),
        *option("--region", identity.region),
        *option("--email-identity", identity.name),
    )
    where = f"the policies of the identity {identity.name} in {identity.region}"
    if witness is None:
        return Rule.UNDECIDED.found(
            delegation.principal,
            f"{where} are too intricate to tell whether it may send as these domains",
            remedy,
            domains=(AffectedDomain(domain),),
            cause=f"{identity.region} {identity.name}",
        )
    verdict = witness.verdict
    return Rule.IDENTITY_POLICY.found(
        delegation.principal,
        f"may send mail as these domains by {where}: {verdict.reason}",
        remedy,
        domains=(AffectedDomain(domain, witness.address),),
        path=(PathStep(delegation.principal, witness.action, witness.resource, verdict.statement),),
        cause=f"{identity.region} {identity.name} {verdict.statement}",
    )
