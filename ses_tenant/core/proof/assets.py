"""What belongs to tenants in AWS, as ARNs: users, secrets, parameters, email identities.

Thousands of tenants are looked at at once: those that the statements of a principal do not tell
apart get one decision.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from ses_tenant.core.iam.authorization import Statement
from ses_tenant.core.iam.conditions import Context
from ses_tenant.core.iam.globs import glob, matches
from ses_tenant.core.proof.members import Account, Group, Member
from ses_tenant.core.proof.powers import ACTS, GROWN_ACTS, Act, Kind
from ses_tenant.core.proof.standing import (
    IN_IAM,
    REGION_KEY,
    Leave,
    Standing,
    beginning,
    mentioned_by,
    names,
)
from ses_tenant.core.regions import SMTP_REGIONS, partition_of
from ses_tenant.core.tenant.tags import known

_RESOURCE_TAGS = ("aws:resourcetag/", "iam:resourcetag/")
_NOWHERE = Context({})
# A secret's ARN ends with six characters that nobody can know beforehand.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
_SUFFIX = "??????"
_SOME_SUFFIX = "a1B2c3"
_WITH_SUFFIX = re.compile(r".*:secret:(.*)-([^*?]{6})")
_ADDRESS = "SES knows an address of the domain as an identity of its own"
_PARENT = "SES knows a domain above as an identity, and sends by it"
_SUFFIX_CONDITION = "the secret has the key of Secrets Manager and no policy that denies it"


@dataclass(frozen=True, eq=False)
class Asset:
    """Something that belongs to tenants, given by their numbers.

    `condition` is what it takes for it to exist or to be theirs, `context` the condition keys that
    a request about it carries; those that begin with `absent` it does not carry otherwise. `shown`
    is its ARN as people read it.
    """

    arn: str
    tenants: tuple[int, ...]
    condition: str = ""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    shown: str = ""


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
    leave: Leave
    alike: Alike
    certain: bool
    conditions: tuple[str, ...]


class Assets:
    """Everything that belongs to the tenants of an account."""

    def __init__(self, account: Account) -> None:
        """Read it off the tenants' tags."""
        self.tenants: tuple[Member, ...] = tuple(
            member for member in account.people if member.domains
        )
        self._regions = _telling_regions(account)
        self._suffixes = _suffixes(account)
        self._account = account
        self._kinds: dict[Kind, tuple[Asset, ...]] = {}
        self._arns: dict[Kind, Sequence[tuple[str, int]]] = {}
        self._partitions: dict[tuple[object, ...], Sequence[Alike]] = {}
        self._particular: dict[tuple[object, ...], Mapping[int, bool | None]] = {}

    @cached_property
    def everybody(self) -> Alike | None:
        """Return the users of all tenants, or None if there is none."""
        users = self.of_kind(Kind.USER)
        return Alike(users) if users else None

    def hits(self, standing: Standing) -> Iterator[Hit]:
        """Return what the principal may do to tenants, the strongest first."""
        for act in (*ACTS, *(GROWN_ACTS if standing.changes else ())):
            if standing.may_allow(act.action):
                yield from self._hits(standing, act)

    def all_within(self, act: Act, standing: Standing) -> bool:
        """Tell whether the principal may do something to all tenants."""
        reached = 0
        for hit in self._hits(standing, act):
            reached |= hit.alike.mask
        return reached.bit_count() == len(self.tenants)

    def _hits(self, standing: Standing, act: Act) -> Iterator[Hit]:
        about = [s for s in standing.statements if names(s, act.action)]
        for alike in self._partition(act.kind, about, standing):
            first = alike.first
            leave = standing.ask(act.action, first.arn, first.context, absent=first.absent)
            if leave is not None:
                more = (*leave.conditions, first.condition, act.condition)
                conditions = tuple(filter(None, more))
                yield Hit(act, leave, alike, not conditions and leave.certain, conditions)

    def _partition(
        self, kind: Kind, about: Sequence[Statement], standing: Standing
    ) -> Sequence[Alike]:
        """Return the assets in groups that the statements do not tell apart.

        What no Allow statement is about is left out.
        """
        keys = tuple(sorted(mentioned_by(about)))
        told = tuple((s.allow, s.resources, s.not_resources) for s in about)
        own = standing.arn if any(map(_varies, about)) else ""
        cached = (kind, keys, told, own)
        if cached not in self._partitions:
            assets = self.of_kind(kind)
            named = [self._named(kind, statement, standing) for statement in about]
            numbers: Iterable[int] = range(len(assets))
            allowed = [at for at, said in zip(named, about, strict=True) if said.allow]
            if not any(usual for usual, _ in allowed):
                numbers = sorted({number for _, found in allowed for number in found})
            groups: dict[tuple[object, ...], list[Asset]] = {}
            for number in numbers:
                asset = assets[number]
                key = (
                    *(found.get(number, usual) for usual, found in named),
                    *(asset.context.get(key) for key in keys),
                    asset.condition,
                )
                groups.setdefault(key, []).append(asset)
            self._partitions[cached] = tuple(map(Alike, groups.values()))
        return self._partitions[cached]

    def _named(
        self, kind: Kind, statement: Statement, standing: Standing
    ) -> tuple[bool, Mapping[int, bool | None]]:
        """Return whether the statement is about assets in general, and of some in particular."""
        usual = statement.not_resources
        if statement.resources == ("*",):
            return not usual, {}
        if _varies(statement):
            context = standing.as_context("")
            whole = enumerate(self.of_kind(kind))
            return usual, {n: statement.names_resource(a.arn, context) for n, a in whole}
        key = (kind, statement.resources, usual)
        if key not in self._particular:
            self._particular[key] = self._matching(kind, statement)
        return usual, self._particular[key]

    def _matching(self, kind: Kind, statement: Statement) -> Mapping[int, bool | None]:
        """Return whether the statement is about those whose ARN begins as one of its resources."""
        assets = self.of_kind(kind)
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

    def of_kind(self, kind: Kind) -> tuple[Asset, ...]:
        """Return everything of a kind that belongs to tenants."""
        if kind not in self._kinds:
            self._kinds[kind] = _merged(self._made(kind))
        return self._kinds[kind]

    def _made(self, kind: Kind) -> Iterator[Asset]:
        if kind is Kind.GROUP:
            return _groups(self._account.groups, len(self.tenants))
        makers: Mapping[Kind, Callable[[int, Member], Iterator[Asset]]] = {
            Kind.USER: _user,
            Kind.IDENTITY: self._identities,
            Kind.CONFIGURATION_SET: self._configuration_sets,
            Kind.MAIL: self._mails,
            Kind.TEMPLATE: self._templates,
            Kind.SECRET: self._secrets,
            Kind.PARAMETER: self._parameters,
            Kind.PARAMETER_PATH: self._parameter_paths,
        }
        return self._each(makers[kind])

    def _each(self, of: Callable[[int, Member], Iterator[Asset]]) -> Iterator[Asset]:
        for number, member in enumerate(self.tenants):
            yield from of(number, member)

    def _places(self, member: Member) -> Iterator[tuple[str, str]]:
        """Return each Region that makes a difference, and on what condition it is the tenant's."""
        partition = member.arn.split(":")[1]
        own = known(member.remembered.regions) or ()
        for region in own:
            yield region, ""
        for region in self._regions:
            if region not in own and partition_of(region) == partition:
                yield region, f"the tenant's mail goes by the Region {region} or one like it"

    def _identities(self, number: int, member: Member) -> Iterator[Asset]:
        partition, account = member.arn.split(":")[1], member.account
        for region, elsewhere in self._places(member):
            head = f"arn:{partition}:ses:{region}:{account}:identity/"
            for target in member.targets():
                labels = target.domain.split(".")
                yield _regional(f"{head}{target.domain}", number, region, elsewhere)
                yield _regional(f"{head}a@{target.domain}", number, region, elsewhere or _ADDRESS)
                for above in range(1, len(labels) - 1):
                    parent = ".".join(labels[above:])
                    yield _regional(f"{head}{parent}", number, region, elsewhere or _PARENT)

    def _mails(self, number: int, member: Member) -> Iterator[Asset]:
        partition, account = member.arn.split(":")[1], member.account
        for region, elsewhere in self._places(member):
            for target in member.targets():
                arn = f"arn:{partition}:ses:{region}:{account}:identity/{target.domain}"
                carried = {"ses:fromaddress": (f"a@{target.domain}",), REGION_KEY: (region,)}
                yield Asset(arn, (number,), elsewhere, carried)

    def _configuration_sets(self, number: int, member: Member) -> Iterator[Asset]:
        partition, account = member.arn.split(":")[1], member.account
        for region, elsewhere in self._places(member):
            head = f"arn:{partition}:ses:{region}:{account}:configuration-set/"
            for name in member.sending_options.configuration_sets:
                yield _regional(f"{head}{name}", number, region, elsewhere)

    def _templates(self, number: int, member: Member) -> Iterator[Asset]:
        partition, account = member.arn.split(":")[1], member.account
        for region, elsewhere in self._places(member):
            arn = f"arn:{partition}:ses:{region}:{account}:template/a"
            yield _regional(arn, number, region, elsewhere)

    def _stores(self, scheme: str, member: Member) -> Iterator[tuple[str, str, str]]:
        """Return the name in the tenant's destination, the Region, and the condition for it."""
        uri = known(member.remembered.destination) or ""
        kind, _, name = uri.partition(":")
        if kind != scheme or not name:
            return
        arn = name.split(":")
        if arn[0] == "arn" and len(arn) > 5:
            yield name, arn[3], ""
            return
        own = (known(member.remembered.regions) or ())[:1]
        for region, elsewhere in self._places(member):
            if region in own or not own:
                yield name, region, elsewhere

    def _secrets(self, number: int, member: Member) -> Iterator[Asset]:
        partition, account = member.arn.split(":")[1], member.account
        for name, region, elsewhere in self._stores("secretsmanager", member):
            condition = elsewhere or _SUFFIX_CONDITION
            if name.startswith("arn:"):
                yield _regional(name, number, region, condition)
                continue
            arn = f"arn:{partition}:secretsmanager:{region}:{account}:secret:{name}"
            for suffix in (_SOME_SUFFIX, *self._suffixes.get(name, ()), *self._suffixes[""]):
                yield _regional(f"{arn}-{suffix}", number, region, condition, f"{arn}-{_SUFFIX}")

    def _parameters(self, number: int, member: Member) -> Iterator[Asset]:
        for arn, region, elsewhere in self._parameter_arns(member):
            yield _regional(arn, number, region, elsewhere)

    def _parameter_paths(self, number: int, member: Member) -> Iterator[Asset]:
        """Return the paths above each parameter: leave for one is leave for all below it.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
        """
        for arn, region, elsewhere in self._parameter_arns(member):
            head, _, name = arn.partition(":parameter/")
            labels = name.split("/")
            for end in range(len(labels)):
                path = "/".join(labels[:end])
                yield _regional(f"{head}:parameter/{path}", number, region, elsewhere)

    def _parameter_arns(self, member: Member) -> Iterator[tuple[str, str, str]]:
        partition, account = member.arn.split(":")[1], member.account
        for name, region, elsewhere in self._stores("ssm", member):
            head = f"arn:{partition}:ssm:{region}:{account}:parameter/"
            arn = name if name.startswith("arn:") else f"{head}{name.removeprefix('/')}"
            yield arn, region, elsewhere


def _varies(statement: Statement) -> bool:
    return any("${" in resource for resource in statement.resources)


def _user(number: int, member: Member) -> Iterator[Asset]:
    context = {f"aws:resourcetag/{key.lower()}": (value,) for key, value in member.tags.items()}
    context |= {f"iam:resourcetag/{key.lower()}": (value,) for key, value in member.tags.items()}
    absent = _RESOURCE_TAGS
    if member.boundary is not None:
        context["iam:permissionsboundary"] = (member.boundary,)
    yield Asset(member.arn, (number,), "", {**context, **IN_IAM}, absent)


def _groups(groups: Sequence[Group], tenants: int) -> Iterator[Asset]:
    everybody = tuple(range(tenants))
    for group in groups:
        if group.arn and everybody:
            yield Asset(group.arn, everybody, "", IN_IAM)


def _regional(arn: str, number: int, region: str, condition: str, shown: str = "") -> Asset:
    return Asset(arn, (number,), condition, {REGION_KEY: (region,)}, (), shown)


def _merged(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """Return one asset for each ARN and condition, of all its tenants."""
    found: dict[tuple[str, str], list[Asset]] = {}
    for asset in assets:
        found.setdefault((asset.arn, asset.condition), []).append(asset)
    return tuple(
        replace(alike[0], tenants=tuple(number for asset in alike for number in asset.tenants))
        if len(alike) > 1
        else alike[0]
        for alike in found.values()
    )


def _all_statements(account: Account) -> Iterator[Statement]:
    """Return the statements of all policies, those that several hold once."""
    seen: set[int] = set()
    for member in account.people:
        for policy in member.principal.policies.all:
            if id(policy) not in seen:
                seen.add(id(policy))
                yield from policy.statements


def _telling_regions(account: Account) -> tuple[str, ...]:
    """Return Regions of which at least one stands for each that policies tell from others."""
    patterns: set[str] = set()
    for statement in _all_statements(account):
        for resource in statement.resources:
            parts = resource.split(":", 4)
            patterns.update(parts[3:4] if parts[0] == "arn" else ())
        for condition in statement.conditions:
            patterns.update(condition.values if condition.key == REGION_KEY else ())
    globs = sorted(glob(pattern) for pattern in patterns)
    alike: dict[tuple[object, ...], str] = {}
    for region in sorted(SMTP_REGIONS):
        told = (partition_of(region), *(matches(each, region) for each in globs))
        alike.setdefault(told, region)
    return tuple(alike.values())


def _suffixes(account: Account) -> Mapping[str, set[str]]:
    """Return the last six characters that policies name of secrets, by the secret's name.

    Those under "" may be of any secret.
    """
    found: dict[str, set[str]] = {"": set()}
    for statement in _all_statements(account):
        for resource in statement.resources:
            if named := _WITH_SUFFIX.fullmatch(resource):
                anything = "*" in named[1] or "?" in named[1] or "${" in named[1]
                found.setdefault("" if anything else named[1], set()).add(named[2])
    return found
