"""Who can become a tenant, or get at its credentials, its identity or its limits, and how.

A search from each principal: whom it may become, whose permissions it may make grow, and what all
of these may do to tenants. Certain ways come before conditional ones, short ones before long ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, reduce
from heapq import heappop, heappush
from itertools import count, islice
from operator import or_

from ses_tenant.core.iam.ses_actions import SEND_ACTIONS, VERIFY
from ses_tenant.core.proof.assets import Alike, Assets, Hit
from ses_tenant.core.proof.growth import FEDERATE, federated_session, growths, newcomers
from ses_tenant.core.proof.members import Account, Held, Member
from ses_tenant.core.proof.powers import ACTS, Act, Effect, Power
from ses_tenant.core.proof.roles import PROVIDER_CHANGES, STAY, Hop, become
from ses_tenant.core.proof.services import SERVICES
from ses_tenant.core.proof.standing import EVERYTHING, IN_IAM, Leave, Standing
from ses_tenant.core.proof.trust import named_in

# So many principals, as they are and as they could be made, are looked at from each.
MAX_REACHED = 300

_BECOMING = frozenset(
    {
        *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
        *("sts:AssumeRole", "iam:UpdateAssumeRolePolicy", "iam:PassRole"),
        *(action for changes in PROVIDER_CHANGES.values() for action in changes),
        *(a for service in SERVICES.values() for together in service.reuses for a in together),
    }
)
_GROWING = frozenset(
    {
        *(f"iam:{verb}{kind}Policy" for verb in ("Put", "Attach", "Detach", "Delete")
          for kind in ("User", "Role", "Group")),
        *(f"iam:{verb}{kind}PermissionsBoundary" for verb in ("Put", "Delete")
          for kind in ("User", "Role")),
        *("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"),
        *("iam:AddUserToGroup", "iam:RemoveUserFromGroup"),
    }
)  # fmt: skip
_MAKING = frozenset({"iam:CreateUser", "iam:CreateRole"})
_FEDERATING = frozenset({FEDERATE})
_DOING = frozenset(act.action for act in ACTS)
_TELLING = _BECOMING | _GROWING | _MAKING | _FEDERATING | _DOING
_SENDING = frozenset({*SEND_ACTIONS, VERIFY})
_ANY = ACTS[0]
_ELSEWHERE = Hop((), ("its own account lets it",), certain=False)
_EFFECTS = {effect: place for place, effect in enumerate(Effect)}


class Touched:
    """Tenants at the end of a route, each with the ARN of what is its own there."""

    def __init__(self, tenants: Sequence[Member], parts: Sequence[tuple[Alike, int]]) -> None:
        """Keep the parts: assets, and which of the tenants that have them."""
        self._tenants, self._parts = tenants, parts

    @property
    def mask(self) -> int:
        """Return the tenants as bits, by their numbers."""
        return reduce(or_, (mask for _, mask in self._parts), 0)

    def __len__(self) -> int:
        """Return how many tenants they are."""
        return sum(mask.bit_count() for _, mask in self._parts)

    def __iter__(self) -> Iterator[tuple[Member, str]]:
        """Return each tenant with the ARN."""
        for alike, mask in self._parts:
            for number, asset in alike.of.items():
                if mask >> number & 1:
                    yield self._tenants[number], asset.shown or asset.arn


@dataclass(frozen=True)
class _Way:
    act: Act
    hop: Hop
    alike: Alike


@dataclass(frozen=True)
class Route:
    """A way to power over tenants, in all its steps; the last is what is done to them.

    `touched` are the tenants with the ARN of what is theirs. An administrator's route has no
    steps: it may do everything.
    """

    principal: str
    power: Power
    effect: Effect
    means: str
    hop: Hop
    touched: Touched


@dataclass(frozen=True)
class Takeovers:
    """All routes to tenants, and who may do everything.

    `administrators` are those with what they may hang on, and `becoming` tells of each principal
    who else may act as it.
    """

    routes: tuple[Route, ...]
    administrators: Mapping[str, tuple[str, ...]]
    becoming: Mapping[str, tuple[tuple[str, Hop], ...]]
    cut_short: tuple[str, ...] = ()


@dataclass(order=True)
class _Reached:
    cost: tuple[bool, int]
    order: int
    standing: Standing = field(compare=False)
    hop: Hop = field(compare=False)


def takeovers(account: Account) -> Takeovers:
    """Return everybody who has power over tenants, but for tenants over themselves."""
    return _Search(account).all()


def administrates(standing: Standing) -> Leave | None:
    """Return the leave to do everything in IAM, and so everything at all; None if it may not."""
    head = f"arn:{standing.partition}:iam::{standing.account}:"
    leaves: list[Leave] = []
    for action, on in _EVERYTHING:
        leave = standing.ask(action, head + on, IN_IAM)
        if leave is None:
            return None
        leaves.append(leave)
    return next((leave for leave in leaves if not leave.certain), leaves[0])


_EVERYTHING = (
    ("iam:CreateAccessKey", "user/ses-tenant/x/x"),
    ("iam:PutUserPolicy", "user/ses-tenant/x/x"),
    ("iam:CreateAccessKey", "user/x"),
    ("iam:AttachUserPolicy", "user/x"),
    ("iam:AttachRolePolicy", "role/x"),
    ("iam:UpdateAssumeRolePolicy", "role/x"),
    ("iam:PassRole", "role/x"),
    ("iam:CreatePolicyVersion", "policy/x"),
)


class _Search:
    def __init__(self, account: Account) -> None:
        self.account = account
        self.assets = Assets(account)
        groups = {group.name: group.arn for group in account.groups}
        self.standings = {member.arn: Standing.of(member, groups) for member in account.people}
        self.tenants = {member.arn: n for n, member in enumerate(self.assets.tenants)}
        self.administrators: dict[str, tuple[str, ...]] = {}
        # From each start others are reached that were reached before.
        self._become = cache(become)
        self._growths = cache(lambda by, of: tuple(growths(by, of, account)))
        self._newcomers = cache(lambda actor: tuple(newcomers(actor, account)))
        self._hits: dict[Standing, tuple[Hit, ...]] = {}
        for arn, standing in self.standings.items():
            leave = administrates(standing)
            if leave is not None:
                self.administrators[arn] = leave.conditions
        self.named_in = named_in(self.standings.values())
        # Those that are worth becoming for what they may do, administrators first.
        self.worth = sorted(
            (
                standing
                for arn, standing in self.standings.items()
                if arn in self.administrators
                or standing.may_allow_any(_TELLING)
                or arn in self.named_in
                or self.assets.gives_to(standing)
                or (arn not in self.tenants and standing.may_allow_any(_SENDING))
            ),
            key=lambda standing: standing.arn not in self.administrators,
        )
        # Whom somebody can make to grow is worth becoming, whatever it may do now.
        growing = any(
            standing.may_allow_any(_GROWING | _MAKING)
            for arn, standing in self.standings.items()
            if arn not in self.administrators
        )
        if growing:
            known = set(self.worth)
            self.worth += [
                standing
                for arn, standing in self.standings.items()
                if arn not in self.tenants and standing not in known
            ]

    def all(self) -> Takeovers:
        """Search from everybody but administrators and what only AWS's services can be."""
        routes: list[Route] = []
        becoming: dict[str, list[tuple[str, Hop]]] = {}
        cut_short: list[str] = []
        for arn, standing in self.standings.items():
            if arn in self.administrators or standing.path_and_name.startswith(
                "role/aws-service-role/"
            ):
                continue
            if not self._can_anything(standing):
                continue
            reached = list(self._reach(standing))
            if len(reached) > MAX_REACHED:
                cut_short.append(arn)
            for each in reached[1:]:
                if not each.standing.changes:
                    becoming.setdefault(each.standing.arn, []).append((arn, each.hop))
            routes += self._routes(standing, reached)
        for stranger in self.assets.strangers(self.standings):
            routes += self._routes(stranger, [_Reached(_ELSEWHERE.cost, 0, stranger, _ELSEWHERE)])
        return Takeovers(
            tuple(routes),
            self.administrators,
            {arn: tuple(found) for arn, found in becoming.items()},
            tuple(cut_short),
        )

    def _can_anything(self, standing: Standing) -> bool:
        return (
            standing.may_allow_any(_TELLING)
            or bool(self._open(standing))
            or self.assets.gives_to(standing)
        )

    def _open(self, standing: Standing) -> tuple[str, ...]:
        """Return the roles whose trust policies name the principal."""
        return (*self.named_in.get(standing.arn, ()), *self.named_in.get("*", ()))

    def _reach(self, start: Standing) -> Iterator[_Reached]:
        """Return everybody that the principal may become, itself first, the best ways first.

        Ends with the first who may do everything.
        """
        order = count()
        queue = [_Reached(STAY.cost, next(order), start, STAY)]
        seen: list[_Reached] = []
        known: set[tuple[str, frozenset[str]]] = set()
        while queue and len(seen) <= MAX_REACHED:
            best = heappop(queue)
            key = (best.standing.arn, best.standing.changes)
            if key in known:
                continue
            known.add(key)
            seen.append(best)
            yield best
            if self._is_administrator(best.standing):
                return
            for standing, hop in self._next(best, seen):
                if (standing.arn, standing.changes) not in known:
                    heappush(queue, _Reached(hop.cost, next(order), standing, hop))

    def _is_administrator(self, standing: Standing) -> bool:
        if not standing.changes:
            return standing.arn in self.administrators
        # Of what was made to grow, the rest may still have to be taken away.
        return administrates(standing) is not None and self.assets.all_within(_ANY, standing)

    def _next(self, best: _Reached, seen: Iterable[_Reached]) -> Iterator[tuple[Standing, Hop]]:
        """Return whom somebody who was reached may become, and how whoever was reached grows."""
        actor, hop = best.standing, best.hop
        grows = actor.may_allow_any(_GROWING)
        for other in self._candidates(actor):
            if other.arn == actor.arn:
                continue
            step = self._become(actor, other)
            if step is not None:
                yield other, hop.then(step)
                if step.certain and hop.certain and other.arn in self.administrators:
                    return
        yield from self._grown(best, seen, grows=grows)
        if actor.may_allow_any(_FEDERATING):
            for growth in federated_session(actor):
                yield growth.standing, hop.then(growth.hop)
        if actor.may_allow_any(_MAKING):
            for growth in self._newcomers(actor):
                yield growth.standing, hop.then(growth.hop)

    def _grown(
        self, best: _Reached, seen: Iterable[_Reached], *, grows: bool
    ) -> Iterator[tuple[Standing, Hop]]:
        """Return how whoever was reached grows by what others who were reached may do."""
        actor, hop = best.standing, best.hop
        for each in seen:
            pairs = [(actor, each.standing)] if grows else []
            if each is not best and each.standing.may_allow_any(_GROWING):
                pairs.append((each.standing, actor))
            for by, of in pairs:
                for growth in self._growths(by, of):
                    yield growth.standing, hop.then(each.hop).then(growth.hop)

    def _candidates(self, actor: Standing) -> Iterable[Standing]:
        if actor.may_allow_any(_BECOMING):
            return self.worth
        return [self.standings[arn] for arn in self._open(actor)]

    def _routes(self, start: Standing, reached: Iterable[_Reached]) -> Iterator[Route]:
        """Return the best route to each power over each tenant; those of one way are one."""
        ways = [way for each in reached for way in self._ways(each)]
        ways.sort(key=lambda way: (_EFFECTS[way.act.effect], *way.hop.cost))
        own = 1 << self.tenants[start.arn] if start.arn in self.tenants else 0
        taken: dict[Power, int] = {}
        routes: dict[tuple[Effect, Power, str], tuple[_Way, list[tuple[Alike, int]]]] = {}
        for way in ways:
            before = taken.get(way.act.power, own)
            new = way.alike.mask & ~before
            if new:
                taken[way.act.power] = before | new
                for effect, mask in self._by_effect(way.act.effect, new):
                    key = (effect, way.act.power, way.hop.cause)
                    _, parts = routes.setdefault(key, (way, []))
                    parts.append((way.alike, mask))
        for (effect, _, _), (way, parts) in routes.items():
            touched = Touched(self.assets.tenants, tuple(parts))
            yield Route(start.arn, way.act.power, effect, way.act.means, way.hop, touched)

    def _ways(self, each: _Reached) -> Iterator["_Way"]:
        """Return what somebody who was reached may do to tenants, with the whole way to it."""
        standing = each.standing
        if self._is_administrator(standing):
            everybody = self.assets.everybody
            if everybody is not None:
                first = everybody.first
                leave = standing.ask(_ANY.action, first.arn, first.context, absent=first.absent)
                # One whom only a Deny keeps from tenants can take the Deny away.
                leaves = filter(None, (leave, administrates(standing)))
                yield from (
                    _Way(_ANY, each.hop.then(Hop.of(one)), everybody) for one in islice(leaves, 1)
                )
            return
        if standing not in self._hits:
            self._hits[standing] = tuple(self.assets.hits(standing))
        for hit in self._hits[standing]:
            yield _Way(hit.act, each.hop.then(hit.hop), hit.alike)

    def _by_effect(self, effect: Effect, mask: int) -> Iterator[tuple[Effect, int]]:
        """Return the tenants by what an act comes to: what is added counts without the Deny."""
        if effect is not Effect.ADDS:
            yield effect, mask
            return
        guarded = mask & self.guarded
        for found, part in ((Effect.ADDS, guarded), (Effect.UNLIMITS, mask & ~guarded)):
            if part:
                yield found, part

    @cached_property
    def guarded(self) -> int:
        """Return the tenants whose own Deny keeps void whatever else is given to them."""
        return sum(
            1 << number
            for number, member in enumerate(self.assets.tenants)
            if self._guarded(member)
        )

    def _guarded(self, member: Member) -> bool:
        """Tell whether a tenant's own Deny keeps void whatever else is given to it."""
        standing = self.standings[member.arn]
        grown = standing.changed("everything", held=(*standing.held, Held(EVERYTHING)))
        return grown.ask("iam:CreateAccessKey", member.arn, IN_IAM) is None
