"""What a principal may do to what belongs to tenants.

Thousands of tenants are looked at at once: those that the statements of a principal do not tell
apart get one decision.
"""

import re
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from ses_tenant.core.iam.authorization import Policy, Statement
from ses_tenant.core.iam.conditions import Context
from ses_tenant.core.iam.principals import Caller, Named, named
from ses_tenant.core.proof.belongings import Asset, Belongings
from ses_tenant.core.proof.decryption import leave_to_decrypt
from ses_tenant.core.proof.members import Account, Held, Member
from ses_tenant.core.proof.powers import ACTS, GROWN_ACTS, Act, Kind
from ses_tenant.core.proof.roles import STAY, Hop
from ses_tenant.core.proof.standing import REGION_KEY, Standing, beginning, mentioned_by, names

_NOWHERE = Context({})
_DELETE = "secretsmanager:DeleteResourcePolicy"
# Users and roles that are not known are not there any more; a session is of a role that is known.
_MINE = ("root", "user/", "role/", "assumed-role/")
_DELETED = re.compile(r"A(?:IDA|ROA)[A-Z0-9]+")
# What another account allows its own people is not known.
_ANYTHING = Held(
    Policy("of its own account", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
)


class Alike:
    """Assets that some statements do not tell apart, and whose they are."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        """Note whose they are, a bit of the mask for each tenant."""
        self.assets = tuple(assets)
        self.first = self.assets[0]
        self.of: dict[int, Asset] = {}
        for asset in self.assets:
            for number in asset.tenants:
                self.of.setdefault(number, asset)
        self.mask = sum(1 << number for number in self.of)


@dataclass(frozen=True)
class Hit:
    """Leave to do something to assets that the principal's statements do not tell apart."""

    act: Act
    hop: Hop
    alike: Alike


class Assets:
    """Everything that belongs to the tenants of an account."""

    def __init__(self, account: Account) -> None:
        """Read it off the tenants' tags."""
        self._belongings = Belongings(account)
        self._arns: dict[Kind, Sequence[tuple[str, int]]] = {}
        self._partitions: dict[tuple[object, ...], Sequence[Alike]] = {}
        self._particular: dict[tuple[object, ...], Mapping[int, bool | None]] = {}
        self._guards = tuple(account.guards.values())
        self._given: dict[str, bool] = {}
        self._gifts: dict[Kind, tuple[int, ...]] = {}

    @property
    def tenants(self) -> tuple[Member, ...]:
        """Return the tenants, by whose numbers assets tell whose they are."""
        return self._belongings.tenants

    @cached_property
    def everybody(self) -> Alike | None:
        """Return the users of all tenants, or None if there is none."""
        users = self._belongings.of_kind(Kind.USER)
        return Alike(users) if users else None

    def hits(self, standing: Standing) -> Iterator[Hit]:
        """Return what the principal may do to tenants, the strongest first."""
        given = self.gives_to(standing)
        for act in (*ACTS, *(GROWN_ACTS if standing.changes else ())):
            of_secret = act.kind is Kind.SECRET
            if standing.foreign and not of_secret:
                continue
            if standing.may_allow(act.action) or (given and of_secret):
                yield from self._hits(standing, act)

    def gives_to(self, standing: Standing) -> bool:
        """Tell whether the policy of a secret names the principal itself, or everybody."""
        if standing.arn not in self._given:
            caller = Caller.of(standing.arn, Context(standing.context))
            self._given[standing.arn] = any(
                how is not Named.ACCOUNT
                for guard in self._guards
                for statement in guard.giving
                for how in named(statement, caller)
            )
        return self._given[standing.arn]

    def all_within(self, act: Act, standing: Standing) -> bool:
        """Tell whether the principal may do something to all tenants."""
        reached = 0
        for hit in self._hits(standing, act):
            reached |= hit.alike.mask
        return reached.bit_count() == len(self.tenants)

    def strangers(self, known: Container[str]) -> Iterator[Standing]:
        """Return whom policies of secrets name that is not `known` (ARNs) in the account.

        Only the ARN is known of them, `*` stands for anybody, and services are among them.
        """
        named = {
            arn
            for guard in self._guards
            for statement in guard.giving
            for arn in (("*",) if statement.not_principals else statement.principals or ())
        }
        own = self.tenants[0].account if self.tenants else ""
        for arn in sorted(named):
            account = Caller.of(arn, _NOWHERE).account
            # Users and roles of the account are known, as far as there are any.
            mine = account == own and (arn == own or arn.split(":", 5)[5].startswith(_MINE))
            if arn not in known and not mine and not _DELETED.fullmatch(arn):
                context = {"aws:principalarn": (arn,)} if arn.count("/") else {}
                held = (_ANYTHING,) if account not in ("", own) else ()
                yield Standing(arn, False, context, held, foreign=True)

    def _hits(self, standing: Standing, act: Act) -> Iterator[Hit]:
        about = [s for s in standing.statements if names(s, act.action)]
        for alike in self._partition(act.kind, about, standing):
            hop = _hop(standing, act, alike.first)
            if hop is not None:
                yield Hit(act, hop, alike)

    def _partition(
        self, kind: Kind, about: Sequence[Statement], standing: Standing
    ) -> Sequence[Alike]:
        """Return the assets in groups that the statements do not tell apart.

        What no Allow statement is about is left out, unless its own policy gives something.
        """
        keys = tuple(sorted(mentioned_by(about)))
        said = tuple((s.allow, s.resources, s.not_resources) for s in about)
        own = standing.arn if any(map(_varies, about)) else ""
        cached = (kind, keys, said, own)
        if cached not in self._partitions:
            assets = self._belongings.of_kind(kind)
            named = [self._named(kind, statement, standing) for statement in about]
            numbers: Iterable[int] = range(len(assets))
            allowed = [at for at, s in zip(named, about, strict=True) if s.allow]
            if not any(usual for usual, _ in allowed):
                told = {number for _, found in allowed for number in found}
                numbers = sorted({*told, *self._giving(kind)})
            groups: dict[tuple[object, ...], list[Asset]] = {}
            for number in numbers:
                asset = assets[number]
                key = (
                    *(found.get(number, usual) for usual, found in named),
                    *(asset.context.get(key) for key in keys),
                    asset.condition,
                    *_guarded(asset),
                )
                groups.setdefault(key, []).append(asset)
            self._partitions[cached] = tuple(map(Alike, groups.values()))
        return self._partitions[cached]

    def _giving(self, kind: Kind) -> tuple[int, ...]:
        """Return the numbers of the assets whose own policy gives something."""
        if kind not in self._gifts:
            self._gifts[kind] = tuple(
                number
                for number, asset in enumerate(self._belongings.of_kind(kind))
                if asset.guard is not None and asset.guard.giving
            )
        return self._gifts[kind]

    def _named(
        self, kind: Kind, statement: Statement, standing: Standing
    ) -> tuple[bool, Mapping[int, bool | None]]:
        """Return whether the statement is about assets in general, and of some in particular."""
        usual = statement.not_resources
        if statement.resources == ("*",):
            return not usual, {}
        if _varies(statement):
            context = standing.as_context("")
            whole = enumerate(self._belongings.of_kind(kind))
            return usual, {n: statement.names_resource(a.arn, context) for n, a in whole}
        key = (kind, statement.resources, usual)
        if key not in self._particular:
            self._particular[key] = self._matching(kind, statement)
        return usual, self._particular[key]

    def _matching(self, kind: Kind, statement: Statement) -> Mapping[int, bool | None]:
        """Return whether the statement is about those whose ARN begins as one of its resources."""
        assets = self._belongings.of_kind(kind)
        if kind not in self._arns:
            self._arns[kind] = sorted((asset.arn.lower(), n) for n, asset in enumerate(assets))
        found: dict[int, bool | None] = {}
        for start in map(beginning, statement.resources):
            at = bisect_left(self._arns[kind], (start, -1))
            for arn, number in islice(self._arns[kind], at, None):
                if not arn.startswith(start):
                    break
                if number not in found:
                    found[number] = statement.names_resource(assets[number].arn, _NOWHERE)
        return found


def _varies(statement: Statement) -> bool:
    return any("${" in resource for resource in statement.resources)


def _guarded(asset: Asset) -> tuple[object, ...]:
    """Return what tells the guard of an asset from others: the key and where it is, the policy."""
    guard = asset.guard
    if guard is None:
        return ()
    return (guard.key, asset.context.get(REGION_KEY), guard if guard.policies else None)


def _hop(standing: Standing, act: Act, asset: Asset) -> Hop | None:
    """Return what it takes to do something to one asset, or None if that is denied."""
    key = asset.guard.key if asset.guard is not None else None
    opened = STAY if key is None else leave_to_decrypt(standing, key, asset.arn)
    done = None if opened is None else _done(standing, act, asset)
    if opened is None or done is None:
        return None
    last = done.steps[-1]
    steps = (*done.steps[:-1], replace(last, resource=asset.shown or asset.arn))
    more = tuple(filter(None, (asset.condition, act.condition)))
    return opened.then(Hop(steps, (*done.conditions, *more), done.certain and not more))


def _done(standing: Standing, act: Act, asset: Asset) -> Hop | None:
    """Return what the act takes, without the key; a policy that is in its way may be deleted."""
    by = asset.guard.policies if asset.guard is not None else ()
    leave = standing.ask(act.action, asset.arn, asset.context, absent=asset.absent, by=by)
    if leave is not None:
        return Hop.of(leave)
    if not by or standing.foreign:
        return None
    deleted = standing.ask(_DELETE, asset.arn, asset.context, by=by)
    then = standing.ask(act.action, asset.arn, asset.context) if deleted is not None else None
    return None if deleted is None or then is None else Hop.of(deleted, then)
