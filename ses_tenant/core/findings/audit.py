"""Everything that is wrong with who may send as whom in an account; pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from ses_tenant.core.findings.finding import Finding, Severity, sorted_findings
from ses_tenant.core.findings.lint import lint, named_domains
from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.proof.addresses import TooComplex
from ses_tenant.core.proof.breaches import Breach, Targets, breaches
from ses_tenant.core.proof.members import Member
from ses_tenant.core.proof.ways import Principal, Way, ways_to_send
from ses_tenant.core.proof.witness import Target, Witness, find_witness
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.observed import ReportedKey

# Some rules wait until a key has had the time to be used at all.
NEVER_USED_AFTER = timedelta(days=30)


@dataclass(frozen=True)
class IdentityPolicies:
    """The sending-authorization policies of a tenant's email identity in one Region."""

    target: Target
    region: str
    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class Audit:
    """What an audit found, the worst first; of how many users and roles, and how many tenants."""

    principals: int
    tenants: int
    findings: tuple[Finding, ...]


def audit(
    people: Sequence[Member],
    keys: Mapping[str, tuple[ReportedKey, ...]],
    identities: Iterable[IdentityPolicies],
    now: datetime,
    max_age: timedelta,
) -> Audit:
    """Return every finding. `keys` are the access keys by user ARN, where they are known.

    Raises SesTenantError `usage` for a policy that IAM would not take.
    """
    by_arn = {member.arn: member for member in people}
    targets = [target for member in people for target in member.targets()]
    taken = frozenset(target.domain for target in targets)
    found: list[Finding] = []
    remedies: dict[str, str] = {}
    ways = {member.arn: _ways(member) for member in people}
    admins = {m.arn for m in people if ways[m.arn] != () and _administrates(m)}
    senders = ((member.principal, ways[member.arn]) for member in people)
    for breach in breaches(senders, Targets(targets)):
        member = by_arn[breach.principal.arn]
        admin = member.arn in admins
        if member.arn not in remedies:
            remedies[member.arn] = _remedy(member, taken, admin=admin)
        found.append(_of_breach(member, breach, remedies[member.arn], admin=admin))
    for member in people:
        sends = ways[member.arn] != ()
        if member.tenant is None:
            found += lint(member)
            if sends and member.is_user and member.arn not in admins:
                found.append(_candidate(member, taken))
        found += _unread(member)
        if sends or member.tenant:
            found += _of_keys(member, keys.get(member.arn, ()), now, max_age)
    for identity in identities:
        found += _of_identity(identity, by_arn)
    return Audit(len(people), sum(m.tenant is not None for m in people), sorted_findings(found))


def isolation(
    people: Sequence[Member], domains: Collection[str]
) -> Mapping[str, Sequence[Finding]]:
    """Return, by tenant, where it and another tenant are not isolated from each other.

    For the tenants of `domains`: whom they may send as, and who may send as them.
    """
    tenants = {member.arn: member for member in people if member.tenant is not None}
    targets = [target for member in tenants.values() for target in member.targets()]
    senders = ((member.principal, _ways(member)) for member in tenants.values())
    found: dict[str, list[Finding]] = {}
    for breach in breaches(senders, Targets(targets)):
        member, owner = tenants[breach.principal.arn], tenants[breach.target.owner]
        finding = _of_breach(member, breach, _remedy(member, (), admin=False), admin=False)
        for name in {str(member.tenant), str(owner.tenant)} & set(domains):
            found.setdefault(name, []).append(finding)
    return found


def _ways(member: Member) -> tuple[Way, ...] | None:
    """Return its ways to send mail, or None where they are too many to tell."""
    try:
        return ways_to_send(member.principal)
    except TooComplex:
        return None


def _administrates(member: Member) -> bool:
    """Tell whether it may change tenants' policies, and so give itself everything anyway."""
    tenant = f"arn:{member.arn.split(':')[1]}:iam::{member.account}:user{naming.PATH_PREFIX}x/ses-x"
    request = Request("iam:PutUserPolicy", tenant, member.principal.context, member.arn)
    return decide(member.principal.policies, request).answer is not Answer.DENIED


def _of_breach(member: Member, breach: Breach, remedy: str, *, admin: bool) -> Finding:
    domain, witness = breach.target.domain, breach.witness
    if witness is None:
        return Finding(
            "undecided",
            Severity.WARNING,
            member.arn,
            "its policies are too intricate to tell whether it may send as this domain",
            "Simplify its policies.",
            domain,
        )
    if member.tenant is not None and _owns(member, breach.target):
        return Finding(
            "shared_domain",
            Severity.WARNING,
            member.arn,
            f"the tenant of {member.tenant} may send as this domain of another tenant, by its "
            "options --also or --subdomains",
            f"ses-tenant create {member.tenant} --also none --no-subdomains",
            domain,
            witness.address,
        )
    told = _told(witness.action, witness.verdict.reason, admin=admin)
    severity = _severity(member, witness, admin=admin)
    return Finding("may_send_as", severity, member.arn, told, remedy, domain, witness.address)


@lru_cache  # an account of administrators has a million findings, and few different texts
def _told(action: str, reason: str, *, admin: bool) -> str:
    more = "; it may change the policies of tenants as well" if admin else ""
    return f"may send as this tenant's domain by {action}: {reason}{more}"


def _severity(member: Member, witness: Witness, *, admin: bool) -> Severity:
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


def _remedy(member: Member, taken: Collection[str], *, admin: bool) -> str:
    if member.tenant is not None:
        return f"ses-tenant check {member.tenant} --repair"
    if admin:
        return "Nothing, if it is meant to administrate the account."
    if not member.is_user:
        return "Limit its ses: actions to a From address, as examples/role-policy.json does."
    return _adopt(member, taken)


def _adopt(member: Member, taken: Collection[str]) -> str:
    named = named_domains(member)
    if named and all(domain in taken for domain in named):
        return (
            f"Give its site the credentials of the tenant {named[0]}, then: "
            f"aws iam delete-user --user-name {member.name}"
        )
    domain = named[0] if len(named) == 1 else "DOMAIN"
    return f"ses-tenant adopt {domain} --user-name {member.name}"


def _candidate(member: Member, taken: Collection[str]) -> Finding:
    named = named_domains(member)
    whose = f" Its policies name {', '.join(named)}." if named else ""
    return Finding(
        "hand_made_user",
        Severity.INFO,
        member.arn,
        f"may send mail and is no tenant.{whose}",
        _adopt(member, taken),
        named[0] if len(named) == 1 else None,
    )


def _unread(member: Member) -> Iterator[Finding]:
    for arn in member.missing:
        yield Finding(
            "unread_policy",
            Severity.WARNING,
            member.arn,
            f"the managed policy {arn} was not told, so what it allows or limits is not known",
            "Make the file with all filters, or run the audit against the account itself.",
        )


def _of_keys(
    member: Member, keys: Sequence[ReportedKey], now: datetime, max_age: timedelta
) -> Iterator[Finding]:
    active = [key for key in keys if key.active]
    renew = (
        f"ses-tenant rotate-keys {member.tenant}"
        if member.tenant
        else f"aws iam list-access-keys --user-name {member.name}"
    )
    if len(active) > 1:
        yield Finding(
            "two_active_keys",
            Severity.INFO,
            member.arn,
            "has two Active access keys",
            renew,
        )
    for key in active:
        if key.changed_at is None:
            continue
        age = now - key.changed_at
        if age > max_age:
            yield Finding(
                "key_too_old",
                Severity.WARNING,
                member.arn,
                f"has an access key that is {age.days} days old",
                renew,
            )
        if key.last_used_at is None and age > NEVER_USED_AFTER:
            yield Finding(
                "key_never_used",
                Severity.INFO,
                member.arn,
                f"has an access key that was never used in {age.days} days",
                renew,
            )


def _of_identity(identity: IdentityPolicies, by_arn: Mapping[str, Member]) -> Iterator[Finding]:
    """Return whom the policies of an email identity let send, besides its tenant."""
    target = identity.target
    root = f"arn:{target.partition}:iam::{target.account}:root"
    listed = {
        principal
        for policy in identity.policies
        for statement in policy.statements
        if statement.allow
        for principal in statement.principals or ()
    } - {target.owner, root, target.account}
    for arn in sorted(listed):
        member = by_arn.get(arn)
        own = member.principal.policies if member else Policies()
        principal = Principal(
            arn,
            Policies(own.identity, own.boundary, resource=identity.policies),
            member.principal.context if member else {"aws:principalarn": (arn,)},
        )
        place = Target(
            target.domain, target.subdomains, (identity.region,), target.account,
            target.partition, target.owner,
        )  # fmt: skip
        witness = find_witness(principal, ways_to_send(principal), place)
        if witness is not None:
            yield Finding(
                "identity_policy",
                Severity.WARNING,
                arn,
                f"may send as this tenant's domain in {identity.region}: {witness.verdict.reason}",
                f"aws sesv2 delete-email-identity-policy --region {identity.region} "
                f"--email-identity {target.domain} --policy-name NAME",
                target.domain,
                witness.address,
            )
