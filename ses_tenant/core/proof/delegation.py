"""Whom the sending-authorization policies of email identities let send as a tenant's domain.

https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policies.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ses_tenant.core.iam.authorization import Policies, Policy
from ses_tenant.core.iam.conditions import Context
from ses_tenant.core.iam.keys import ENVIRONMENT, OF_OTHERS, RESOURCE_TAGS
from ses_tenant.core.iam.principals import Caller
from ses_tenant.core.proof.addresses import TooComplex
from ses_tenant.core.proof.places import Place, Target
from ses_tenant.core.proof.ways import Principal, ways_to_send
from ses_tenant.core.proof.witness import Search, Witness, under

# What the account of somebody else allows its own people is not known.
_ANYTHING = Policy(
    "of its own account", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)


@dataclass(frozen=True)
class IdentityPolicies:
    """The policies of an email identity, a domain or an address, in one Region."""

    name: str
    region: str
    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class Delegation:
    """A principal that an identity's policies let send as a tenant's domain.

    No witness if they are too intricate to tell.
    """

    principal: str
    identity: IdentityPolicies
    target: Target
    witness: Witness | None


class Coverage:
    """The targets by the identities that SES can take for their mail."""

    def __init__(self, targets: Sequence[Target]) -> None:
        """Sort the targets by their domain and the domains above it."""
        self._of: dict[str, list[Target]] = {}
        self._below: dict[str, list[Target]] = {}
        for target in targets:
            self._of.setdefault(target.domain, []).append(target)
            for name in _above(target.domain):
                self._below.setdefault(name, []).append(target)

    def of(self, identity: str) -> list[Target]:
        """Return the targets for whose mail SES can take the identity, a domain or an address."""
        _, at, host = identity.lower().rpartition("@")
        parents = (target for name in _above(host) for target in self._of.get(name, ()))
        return [
            *self._of.get(host, ()),
            *(target for target in parents if target.subdomains),
            *(() if at else self._below.get(host, ())),
        ]


def _above(domain: str) -> Iterator[str]:
    while "." in domain:
        domain = domain.partition(".")[2]
        yield domain


def delegations(
    identity: IdentityPolicies, coverage: Coverage, principals: Mapping[str, Principal]
) -> Iterator[Delegation]:
    """Return whom the identity's policies let send as which target, but for its own tenant.

    `principals` are those of the account, by ARN. Everybody else is somebody of whom only the ARN
    is known. Raises SesTenantError `usage` for a policy that IAM would not take.
    """
    concerned = coverage.of(identity.name)
    if not concerned:
        return
    account, partition = concerned[0].account, concerned[0].partition
    own = {account, f"arn:{partition}:iam::{account}:root"}
    for arn in sorted(_listed(identity) - own):
        principal = _principal(arn, identity, account, principals.get(arn))
        for target in concerned:
            if target.owner != arn:
                yield from _delegated(principal, identity, target)


def _listed(identity: IdentityPolicies) -> set[str]:
    """Return whom the policies allow anything; `*` for everybody but some."""
    return {
        principal
        for policy in identity.policies
        for statement in policy.statements
        if statement.allow
        for principal in (("*",) if statement.not_principals else statement.principals or ())
    }


def _principal(
    arn: str, identity: IdentityPolicies, account: str, member: Principal | None
) -> Principal:
    if member is not None:
        return replace(member, policies=replace(member.policies, resource=identity.policies))
    caller = Caller.of(arn, Context({}))
    kind = arn.split(":", 5)[-1].partition("/")[0]
    elsewhere = caller.account not in ("", account)
    return Principal(
        arn,
        Policies((_ANYTHING,) if elsewhere else (), resource=identity.policies),
        {"aws:principalarn": (arn,)} if kind in ("user", "role") else {},
        ENVIRONMENT | OF_OTHERS | {RESOURCE_TAGS},
        account,
    )


def _delegated(
    principal: Principal, identity: IdentityPolicies, target: Target
) -> Iterator[Delegation]:
    place = Place(identity.region, identity.name)
    among = () if target.domain.endswith(identity.name) else under(identity.name)
    search = Search(principal)
    try:
        found = (search.at(place, way, target, among) for way in ways_to_send(principal))
        witness = next((each for each in found if each is not None), None)
    except TooComplex:
        yield Delegation(principal.arn, identity, target, None)
        return
    if witness is not None:
        yield Delegation(principal.arn, identity, target, witness)
