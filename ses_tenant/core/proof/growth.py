"""How somebody's permissions can be made to grow: policies, groups, boundaries, new principals.

Each function asks what an `actor` may change of another principal, or of itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.iam.globs import glob, matches
from ses_tenant.core.iam.keys import family
from ses_tenant.core.proof.members import Account, Group, Held
from ses_tenant.core.proof.roles import STAY, Hop, examples, iam_context
from ses_tenant.core.proof.standing import EVERYTHING, IN_IAM, Leave, Standing
from ses_tenant.core.proof.trust import OWN_TRUST, given_by_name

_LIMIT = "iam:permissionsboundary"
_POLICY = "iam:policyarn"
_GROW = Held(EVERYTHING)
FEDERATE = "sts:GetFederationToken"
_FEDERATED = "federated"
_TAGS = "aws:principaltag/*"
_OF_THE_USER = {_TAGS, "aws:username", "aws:userid", "aws:principalarn", "aws:principaltype"}
_NO_IAM = Policy(
    "of every federated session",
    {"Statement": [{"Effect": "Deny", "Action": ["iam:*", "sts:*"], "Resource": "*"}]},
)
# So many groups of an account are tried, one by one.
_MAX_GROUPS = 200


@dataclass(frozen=True)
class Growth:
    """What somebody becomes by a change, and what the change takes."""

    standing: Standing
    hop: Hop


def growths(actor: Standing, other: Standing, account: Account) -> Iterator[Growth]:
    """Return how the actor can make the other's permissions grow.

    What makes it unlimited comes first; what a Deny or a boundary still holds back stays held.
    """
    if other.protected or _FEDERATED in other.changes:
        return
    if "everything" not in other.changes:
        unlimited = [*_policies_written(actor, other), *_versions_written(actor, other)]
        if unlimited:
            best = min(unlimited, key=lambda hop: hop.cost)
            yield Growth(other.changed("everything", held=(*other.held, _GROW)), best)
        if not any(hop.certain for hop in unlimited):
            yield from _given(actor, other, account)
    if other.limits is not None:
        yield from _unbound(actor, other)
    if any(not s.allow for policy in other.policies.identity for s in policy.statements):
        yield from _undenied(actor, other)


def federated_session(actor: Standing) -> Iterator[Growth]:
    """Return the session that a user can open with a name and tags of its choice.

    It may do no more than the user's policies say, but what they say of the user's name, ARN and
    tags is not about it. It can call neither IAM nor STS.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
    """
    about = {family(key) for key in actor.mentioned} & _OF_THE_USER
    if not actor.is_user or not about:
        return
    head = f"arn:{actor.partition}:sts::{actor.account}:federated-user/x"
    leaves = [actor.ask(FEDERATE, head)]
    if _TAGS in about:
        leaves.append(actor.ask("sts:TagSession", head))
    if all(leaves):
        context = {
            "aws:principalaccount": (actor.account,),
            "aws:principaltype": ("FederatedUser",),
        }
        held = (*actor.held, Held(_NO_IAM))
        session = actor.changed(
            _FEDERATED, arn=head, is_user=False, context=context, held=held, groups=()
        )
        yield Growth(session, Hop.of(*filter(None, leaves)))


def newcomers(actor: Standing, account: Account) -> Iterator[Growth]:
    """Return the users and roles that the actor can make, with whatever it likes to give them.

    Under each boundary that it has to give them, if it has to.
    """
    for kind in ("user", "role"):
        is_user = kind == "user"
        create = "iam:CreateUser" if is_user else "iam:CreateRole"
        for arn in examples(actor, create, f"{kind}/x"):
            if not arn.split(":", 5)[5].startswith(f"{kind}/"):
                continue
            for boundary in (None, *_values(actor, _LIMIT)):
                context = {"aws:principalarn": (arn,), "aws:principalaccount": (actor.account,)}
                made = Standing(
                    arn, is_user, context, (), boundary=boundary, changes=frozenset({"new"})
                )
                yield from _newcomer(actor, made, account, create)


def _newcomer(actor: Standing, made: Standing, account: Account, create: str) -> Iterator[Growth]:
    known, absent = iam_context(made), () if made.boundary else (_LIMIT,)
    leave = actor.ask(create, made.arn, known, absent=absent)
    enter = (
        actor.ask("iam:CreateAccessKey", made.arn, known, absent=absent)
        if made.is_user
        else given_by_name(actor, made, OWN_TRUST)
    )
    if leave is None or enter is None:
        return
    around = Hop.of(leave), Hop.of(enter)
    if made.boundary is not None:
        limits = account.managed.get(made.boundary)
        if limits is None:
            told = f"the boundary {made.boundary}, which was not told, allows it"
            around = around[0].then(Hop((), (told,), certain=False)), around[1]
        made = replace(made, limits=None if limits is None else (limits,))
    hops = list(_policies_written(actor, made))
    if hops:
        best = min(hops, key=lambda hop: hop.cost)
        yield Growth(replace(made, held=(_GROW,)), around[0].then(best).then(around[1]))
    else:
        for grown in _given(actor, made, account):
            yield Growth(grown.standing, around[0].then(grown.hop).then(around[1]))


def _policies_written(actor: Standing, other: Standing) -> Iterator[Hop]:
    """Return the ways to give the other any policy at all."""
    kind = "User" if other.is_user else "Role"
    known, absent = iam_context(other), () if other.boundary else (_LIMIT,)
    for leave in (
        actor.ask(f"iam:Put{kind}Policy", other.arn, known, absent=absent),
        _attach(actor, f"iam:Attach{kind}Policy", other.arn, known, absent),
    ):
        if leave is not None:
            yield Hop.of(leave)
    for arn in other.groups:
        for leave in (
            actor.ask("iam:PutGroupPolicy", arn, IN_IAM),
            _attach(actor, "iam:AttachGroupPolicy", arn, IN_IAM, ()),
        ):
            if leave is not None:
                yield Hop.of(leave)


def _attach(
    actor: Standing,
    action: str,
    arn: str,
    known: Mapping[str, tuple[str, ...]],
    absent: tuple[str, ...],
) -> Leave | None:
    """Return leave to attach AWS's own policy for administrators."""
    policy = f"arn:{actor.partition}:iam::aws:policy/AdministratorAccess"
    return actor.ask(action, arn, {**known, _POLICY: (policy,)}, absent=absent)


def _versions_written(actor: Standing, other: Standing) -> Iterator[Hop]:
    """Return the ways to write a new version of a managed policy that the other has."""
    for arn in dict.fromkeys(held.managed for held in other.held if held.managed):
        if f":{other.account}:" in arn:
            leave = actor.ask("iam:CreatePolicyVersion", arn, IN_IAM)
            if leave is not None:
                yield Hop.of(leave)


def _given(actor: Standing, other: Standing, account: Account) -> Iterator[Growth]:
    """Return what the other becomes by a policy, a version or a group that is there already."""
    for arn, policy, hop in _attachable(actor, other, account):
        change = f"policy {arn}"
        if change not in other.changes:
            held = (*other.held, Held(policy, arn))
            yield Growth(other.changed(change, held=held), hop)
    for each in other.held:
        for version in account.other_versions.get(each.managed or "", ()):
            leave = actor.ask("iam:SetDefaultPolicyVersion", each.managed or "", IN_IAM)
            if leave is not None:
                kept = tuple(h for h in other.held if h.managed != each.managed)
                in_force = (*kept, replace(each, policy=version))
                name = f"version {version.name}"
                yield Growth(other.changed(name, held=in_force), Hop.of(leave))
    if other.is_user and actor.may_allow("iam:AddUserToGroup"):
        for group in account.groups[:_MAX_GROUPS]:
            if group.arn not in other.groups and group.held:
                yield from _joined(actor, other, group)


def _joined(actor: Standing, other: Standing, group: Group) -> Iterator[Growth]:
    leave = actor.ask("iam:AddUserToGroup", group.arn, IN_IAM)
    if leave is not None:
        held, groups = (*other.held, *group.held), (*other.groups, group.arn)
        joined = other.changed(f"group {group.arn}", held=held, groups=groups)
        yield Growth(joined, Hop.of(leave))


def _attachable(
    actor: Standing, other: Standing, account: Account
) -> Iterator[tuple[str, Policy, Hop]]:
    """Return the managed policies that the actor may attach, where it may not attach every one."""
    kind = "User" if other.is_user else "Role"
    action = f"iam:Attach{kind}Policy"
    if not actor.may_allow(action):
        return
    known, absent = iam_context(other), () if other.boundary else (_LIMIT,)
    for pattern in _values(actor, _POLICY):
        wanted = glob(pattern)
        matching = [arn for arn in account.managed if matches(wanted, arn)]
        for arn in matching or [pattern]:
            leave = actor.ask(action, other.arn, {**known, _POLICY: (arn,)}, absent=absent)
            if leave is None:
                continue
            hop = Hop.of(leave)
            if matching:
                yield arn, account.managed[arn], hop
            else:
                told = f"the policy {pattern}, which was not told, allows it"
                yield arn, EVERYTHING, hop.then(Hop((), (told,), certain=False))


def _unbound(actor: Standing, other: Standing) -> Iterator[Growth]:
    """Return the way to take the other's permissions boundary away, or to make it wider."""
    kind = "User" if other.is_user else "Role"
    known = iam_context(other)
    everything = f"arn:{other.partition}:iam::aws:policy/AdministratorAccess"
    leaves = [
        actor.ask(f"iam:Delete{kind}PermissionsBoundary", other.arn, known),
        actor.ask(f"iam:Put{kind}PermissionsBoundary", other.arn, {**known, _LIMIT: (everything,)}),
        actor.ask("iam:CreatePolicyVersion", other.boundary or "", IN_IAM)
        if f":{other.account}:" in (other.boundary or "")
        else None,
    ]
    hops = [Hop.of(leave) for leave in leaves if leave is not None]
    if hops:
        best = min(hops, key=lambda hop: hop.cost)
        yield Growth(other.changed("unbound", limits=None, boundary=None), best)


def _undenied(actor: Standing, other: Standing) -> Iterator[Growth]:
    """Return what is left of the other's Deny statements when the actor took out what it may."""
    kept: list[Held] = []
    taken = STAY
    for held in other.held:
        denies = any(not statement.allow for statement in held.policy.statements)
        hop = _taken_out(actor, other, held) if denies else None
        if hop is None:
            kept.append(held)
        else:
            taken = taken.then(hop)
    if len(kept) < len(other.held):
        yield Growth(other.changed("undenied", held=tuple(kept)), taken)


def _taken_out(actor: Standing, other: Standing, held: Held) -> Hop | None:
    """Return the way to take a policy out of what the other has."""
    kind = "User" if other.is_user else "Role"
    whose, of = (held.group, "Group") if held.group else (other.arn, kind)
    known = IN_IAM if held.group else iam_context(other)
    actions = (
        (f"iam:Detach{of}Policy",)
        if held.managed
        else (f"iam:Put{of}Policy", f"iam:Delete{of}Policy")
    )
    tried = [(action, whose) for action in actions]
    if held.group:
        tried.append(("iam:RemoveUserFromGroup", held.group))
    if held.managed and f":{other.account}:" in held.managed:
        tried.append(("iam:CreatePolicyVersion", held.managed))
    hops = []
    for action, arn in tried:
        extra = {_POLICY: (held.managed,)} if held.managed else {}
        leave = actor.ask(action, arn, {**known, **extra})
        if leave is not None:
            hops.append(Hop.of(leave))
    return min(hops, key=lambda hop: hop.cost, default=None)


def _values(actor: Standing, key: str) -> tuple[str, ...]:
    """Return the values that the actor's Allow statements want of a condition key."""
    return tuple(
        dict.fromkeys(
            value
            for statement in actor.allowing
            for condition in statement.conditions
            if condition.key == key
            for value in condition.values
        )
    )
