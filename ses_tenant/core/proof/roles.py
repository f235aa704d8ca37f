"""Becoming somebody else: by new credentials, by a role's trust policy, by a service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ses_tenant.core.iam.globs import glob, matches
from ses_tenant.core.iam.statements import Policy
from ses_tenant.core.proof.services import READING, Together, service, service_of
from ses_tenant.core.proof.standing import IN_IAM, Leave, Standing, Step, names
from ses_tenant.core.proof.trust import (
    OWN_TRUST,
    federated,
    given_by_name,
    leave_of_service,
    leave_to_assume,
    services,
)

# How to make an identity provider vouch for somebody else: by other metadata, another host or
# application, or as one that the trust policy names and that is not there. The provider of OIDC is
# the host that its ARN names, so whoever makes one still has to get tokens from there.
PROVIDER_CHANGES: Mapping[str, Mapping[str, str]] = {
    "saml-provider": {
        "iam:UpdateSAMLProvider": "takes whom saml-provider then vouches for",
        "iam:CreateSAMLProvider": "trusts a saml-provider that is not there yet",
    },
    "oidc-provider": {
        "iam:UpdateOpenIDConnectProviderThumbprint": "takes whom oidc-provider then vouches for",
        "iam:AddClientIDToOpenIDConnectProvider": "takes tokens that oidc-provider makes out for "
        "another application",
        "iam:CreateOpenIDConnectProvider": "trusts an oidc-provider that is not there yet and that "
        "makes out tokens for the actor",
    },
}
_COGNITO = "cognito-identity.amazonaws.com"
_PARTS = 6


@dataclass(frozen=True)
class Hop:
    """What it takes to become somebody else or to change something, and on what conditions."""

    steps: tuple[Step, ...]
    conditions: tuple[str, ...] = ()
    certain: bool = True

    @classmethod
    def of(cls, *leaves: Leave, condition: str = "") -> "Hop":
        """Return a hop of several steps, each of which has to be possible."""
        conditions = [c for leave in leaves for c in leave.conditions]
        return cls(
            tuple(leave.step for leave in leaves),
            tuple(dict.fromkeys([*conditions, *([condition] if condition else [])])),
            all(leave.certain for leave in leaves) and not condition,
        )

    def then(self, other: "Hop") -> "Hop":
        """Return this hop and another after it."""
        return Hop(
            tuple(dict.fromkeys((*self.steps, *other.steps))),
            tuple(dict.fromkeys((*self.conditions, *other.conditions))),
            self.certain and other.certain,
        )

    @property
    def cause(self) -> str:
        """Return what tells this way from others, whatever it is about in the end."""
        steps = (f"{s.principal} {s.action} {s.statement}" for s in self.steps)
        return "|".join((*steps, *self.conditions))

    @property
    def cost(self) -> tuple[bool, int]:
        """Return what the best of several is chosen by: certain before short."""
        return (not self.certain, len(self.steps))


STAY = Hop(())


def become(actor: Standing, other: Standing) -> Hop | None:
    """Return the best way in which the actor gets to act as the other, or None."""
    best: Hop | None = None
    for hop in _as_user(actor, other) if other.is_user else _as_role(actor, other):
        if hop.certain and len(hop.steps) == 1:
            return hop
        if best is None or hop.cost < best.cost:
            best = hop
    return best


def iam_context(other: Standing) -> Mapping[str, tuple[str, ...]]:
    """Return the condition keys of a request to IAM that is about a user or a role."""
    limit = {"iam:permissionsboundary": (other.boundary,)} if other.boundary else {}
    return {**IN_IAM, **limit}


def _as_user(actor: Standing, other: Standing) -> Iterator[Hop]:
    known = iam_context(other)
    has_password = f"{other.path_and_name} has a console password"
    for action, condition in (
        ("iam:CreateAccessKey", ""),
        ("iam:CreateLoginProfile", ""),
        ("iam:UpdateLoginProfile", has_password),
    ):
        leave = actor.ask(action, other.arn, known)
        if leave is not None:
            yield Hop.of(leave, condition=condition)


def _as_role(actor: Standing, other: Standing) -> Iterator[Hop]:
    trust = other.trust
    if trust is None:
        leave = actor.ask("sts:AssumeRole", other.arn)
        if leave is not None:
            told = f"{other.path_and_name} trusts it: its trust policy was not told"
            yield Hop.of(leave, condition=told)
    else:
        leave = leave_to_assume(actor, other, trust)
        if leave is not None:
            yield Hop.of(leave)
        for named, let_in in _serving(other):
            yield from _by_service(actor, other, named, let_in)
        if _COGNITO in federated(trust):
            yield from _by_cognito(actor, other)
        yield from _by_provider(actor, other, trust)
    if not other.protected:
        yield from _by_own_trust(actor, other)


def _by_own_trust(actor: Standing, other: Standing) -> Iterator[Hop]:
    """Return the way of writing the role's trust policy first."""
    change = actor.ask("iam:UpdateAssumeRolePolicy", other.arn, iam_context(other))
    if change is None:
        return
    leave = given_by_name(actor, other, OWN_TRUST)
    if leave is not None:
        yield Hop.of(change, leave)


@lru_cache(maxsize=1 << 14)
def _serving(role: Standing) -> tuple[tuple[str, Leave], ...]:
    """Return the services that may assume the role."""
    trust = role.trust or Policy("of nobody", {})
    asked = ((named, leave_of_service(role, trust, named)) for named in services(trust))
    return tuple((named, leave) for named, leave in asked if leave is not None)


def _by_service(actor: Standing, other: Standing, named: str, let_in: Leave) -> Iterator[Hop]:
    """Return the ways in which a service that the role trusts does what the actor says."""
    about, trusting = service(service_of(named)), Hop((), let_in.conditions, let_in.certain)
    for together in about.reuses:
        hop = _all(actor, together)
        if hop is not None:
            running = f"{named} already runs something as {other.path_and_name}"
            yield hop.then(trusting).then(Hop((), (running,), certain=False))
    context = {**IN_IAM, "iam:passedtoservice": (named,)}
    passed = actor.ask("iam:PassRole", other.arn, context)
    profile = _profile(actor, other) if service_of(named) == "ec2" else STAY
    if passed is None or profile is None:
        return
    handed = Hop.of(passed).then(profile).then(trusting)
    found = [hop for hop in (_all(actor, each) for each in about.starts) if hop is not None]
    yield from (handed.then(hop) for hop in found)
    call = None if found else _any_call(actor, about.calls)
    if call is not None:
        told = f"{named} can be made to act as {other.path_and_name} by such calls"
        yield handed.then(Hop((call,), (told,), certain=False))


def _profile(actor: Standing, other: Standing) -> Hop | None:
    """Return what it takes for the role to be in an instance profile, without which EC2 has none.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html
    """
    if other.in_profile:
        return STAY
    if other.in_profile is None:
        told = f"an instance profile holds {other.path_and_name}, which was not told"
        return Hop((), (told,), certain=False)
    arn = f"arn:{other.partition}:iam::{other.account}:instance-profile/x"
    made = actor.ask("iam:CreateInstanceProfile", arn, IN_IAM)
    added = actor.ask("iam:AddRoleToInstanceProfile", arn, IN_IAM)
    if added is None:
        return None
    if made is None:
        return Hop.of(added, condition="an instance profile without a role is there")
    return Hop.of(made, added)


def _by_cognito(actor: Standing, other: Standing) -> Iterator[Hop]:
    """Return the way over an identity pool, which hands its role to whoever signs in."""
    context = {**IN_IAM, "iam:passedtoservice": (_COGNITO,)}
    passed = actor.ask("iam:PassRole", other.arn, context)
    pool = anywhere(actor, "cognito-identity:SetIdentityPoolRoles")
    if passed is not None and pool is not None:
        told = f"{other.path_and_name} trusts an identity pool that the actor reaches"
        yield Hop.of(passed, pool, condition=told)


def _by_provider(actor: Standing, other: Standing, trust: Policy) -> Iterator[Hop]:
    """Return the ways of changing an identity provider that the role trusts."""
    for provider in federated(trust):
        for kind, changes in PROVIDER_CHANGES.items():
            for action, told in changes.items() if f":{kind}/" in provider else ():
                leave = actor.ask(action, provider, IN_IAM)
                if leave is not None:
                    yield Hop.of(leave, condition=f"{other.path_and_name} {told}")


@lru_cache(maxsize=1 << 14)
def _all(actor: Standing, actions: Together) -> Hop | None:
    """Return leave for all of the actions, on one thing of the actor's choice if possible."""
    leaves: list[Leave] = []
    for action in actions:
        leave = anywhere(actor, action)
        if leave is None:
            return None
        leaves.append(leave)
    hop = Hop.of(*leaves)
    for arn, pattern in _patterns(actor, actions[0], "x").items() if len(actions) > 1 else ():
        same = [leave for each in actions if (leave := actor.ask(each, arn)) is not None]
        if len(same) == len(actions):
            hop = Hop.of(*same)
            return replace(hop, steps=tuple(replace(s, resource=pattern) for s in hop.steps))
    if len({leave.step.resource for leave in leaves}) > 1:
        return hop.then(Hop((), (f"{' and '.join(actions)} fit together",), certain=False))
    return hop


@lru_cache(maxsize=1 << 14)
def anywhere(actor: Standing, action: str) -> Leave | None:
    """Return the best leave for the action on anything that the actor's statements name."""
    best: Leave | None = None
    for arn, pattern in _patterns(actor, action, "x").items():
        leave = actor.ask(action, arn)
        if leave is not None and (best is None or leave.certain > best.certain):
            best = replace(leave, step=replace(leave.step, resource=pattern))
    if best is None or all(actor.ask(action, arn) for arn in _needed(actor, action)):
        return best
    return Leave(best.step, False, (*best.conditions, f"it may {action} all that this takes"))


def _needed(actor: Standing, action: str) -> tuple[str, ...]:
    """Return everything that one request for the action is about, where that is several things.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
    """
    if action not in ("ec2:RunInstances", "ec2:RequestSpotInstances"):
        return ()
    head = f"arn:{actor.partition}:ec2:us-east-1"
    kinds = ("instance", "network-interface", "security-group", "subnet", "volume")
    own = (f"{head}:{actor.account}:{kind}/x" for kind in kinds)
    return (*own, f"{head}::image/x")


def examples(actor: Standing, action: str, kind: str) -> tuple[str, ...]:
    """Return ARNs of the actor's account for the Allow statements about the action.

    `kind` is what the last part of an ARN begins with, where a pattern leaves it open.
    """
    return tuple(_patterns(actor, action, kind))


def _patterns(actor: Standing, action: str, kind: str) -> Mapping[str, str]:
    """Return the patterns of the Allow statements about the action, each by an ARN it matches."""
    found: dict[str, str] = {}
    for statement in actor.allowing:
        if names(statement, action):
            patterns = ("*",) if statement.not_resources else statement.resources
            for pattern in patterns:
                found.setdefault(_example(pattern, actor, action, kind), pattern)
    return found


def _example(pattern: str, actor: Standing, action: str, kind: str) -> str:
    of = action.partition(":")[0]
    usual = ("arn", actor.partition, of, "" if of == "iam" else "us-east-1", actor.account, kind)
    parts = pattern.split(":", _PARTS - 1)
    if parts[0] != "arn" or len(parts) < _PARTS:
        return ":".join(usual)
    whole = (usual[n] if part in ("*", "") else part for n, part in enumerate(parts))
    return ":".join(whole).replace("*", "x").replace("?", "x")


def _any_call(actor: Standing, prefixes: Sequence[str]) -> Step | None:
    """Return a call of a service that does more than read, by a statement that allows it."""
    for statement in actor.allowing:
        for prefix in prefixes:
            action = _changing(statement.written, statement.not_actions, prefix)
            if action is not None:
                return Step(actor.arn, action, "*", statement.label)
    return None


@lru_cache(maxsize=1 << 14)
def _changing(written: tuple[str, ...], not_actions: bool, prefix: str) -> str | None:
    """Return what the statement says of the service, in its spelling, if more than reading."""
    every = f"{prefix}:*"
    if not_actions:
        named = (matches(glob(each.lower()), f"{prefix}:x") for each in written)
        return None if any(named) else every
    for each in written:
        of, colon, verb = each.partition(":")
        if not colon:
            if matches(glob(each.lower()), f"{prefix}:x"):
                return every
        elif matches(glob(of.lower()), prefix) and not verb.lower().startswith(READING):
            return f"{prefix}:{verb}"
    return None
