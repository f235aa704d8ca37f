"""What belongs to tenants in AWS, as ARNs: users, secrets, parameters, email identities."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ses_tenant.core.iam.authorization import Statement
from ses_tenant.core.iam.globs import glob, matches
from ses_tenant.core.proof.guards import OF_ANOTHER_ACCOUNT, Guard
from ses_tenant.core.proof.members import Account, Group, Member
from ses_tenant.core.proof.powers import Kind
from ses_tenant.core.proof.standing import IN_IAM, REGION_KEY
from ses_tenant.core.proof.stores import PARAMETERS, SECRETS, Store, store_of
from ses_tenant.core.regions import SMTP_REGIONS, partition_of
from ses_tenant.core.tenant.naming import EVENTS_CONFIGURATION_SET
from ses_tenant.core.tenant.tags import known

_RESOURCE_TAGS = ("aws:resourcetag/", "iam:resourcetag/")
# A secret's ARN ends with six characters that nobody can know beforehand.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
_SUFFIX = "??????"
_SOME_SUFFIX = "a1B2c3"
_WITH_SUFFIX = re.compile(r".*:secret:(.*)-([^*?]{6})")
_TEMPLATE = re.compile(r"arn:[^:]*:ses:[^:]*:[^:]*:template/(.+)")
_WHOLE = re.compile(r"-[A-Za-z0-9]{6}$")
_ADDRESS = "SES knows an address of the domain as an identity of its own"
_PARENT = "SES knows a domain above as an identity, and sends by it"
_WATCHED = "the mail is watched, so that its configuration set is that of `watch setup`"
_UNREAD = "the policy of the secret and its key, which were not read, let it"
_PARAMETER_UNREAD = "the key of the parameter, which was not read, lets it decrypt"


@dataclass(frozen=True, eq=False)
class Asset:
    """Something that belongs to tenants, given by their numbers.

    `condition` is what it takes for it to exist or to be theirs, `context` the condition keys that
    a request about it carries; those that begin with `absent` it does not carry otherwise. `shown`
    is its ARN as people read it. `guard` is what AWS told of a secret or parameter that was read.
    """

    arn: str
    tenants: tuple[int, ...]
    condition: str = ""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    shown: str = ""
    guard: Guard | None = None


class Belongings:
    """Everything that belongs to the tenants of an account."""

    def __init__(self, account: Account) -> None:
        """Read it off the tenants' tags."""
        self.tenants: tuple[Member, ...] = tuple(
            member for member in account.people if member.domains
        )
        self._regions = _telling_regions(account)
        self._suffixes = _suffixes(account)
        self._template_names = _template_names(account)
        self._account = account
        self._kinds: dict[Kind, tuple[Asset, ...]] = {}

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
            named = member.sending_options.configuration_sets
            for name in named:
                yield _regional(f"{head}{name}", number, region, elsewhere)
            if EVENTS_CONFIGURATION_SET not in named:
                arn = f"{head}{EVENTS_CONFIGURATION_SET}"
                yield _regional(arn, number, region, elsewhere or _WATCHED)

    def _templates(self, number: int, member: Member) -> Iterator[Asset]:
        partition, account = member.arn.split(":")[1], member.account
        for region, elsewhere in self._places(member):
            for name in self._template_names:
                arn = f"arn:{partition}:ses:{region}:{account}:template/{name}"
                yield _regional(arn, number, region, elsewhere)

    def _stores(self, service: str, member: Member) -> Iterator[tuple[Store, str]]:
        """Return where the tenant's credentials may be, and on what condition they are there."""
        store = store_of(member)
        if store is None or store.service != service:
            return
        if store.region:
            yield store, ""
            return
        for region, elsewhere in self._places(member):
            yield replace(store, region=region), elsewhere

    def _secrets(self, number: int, member: Member) -> Iterator[Asset]:
        for store, elsewhere in self._stores(SECRETS, member):
            guard = self._account.guards.get(store.arn)
            if guard is not None:
                yield _regional(guard.arn, number, store.region, elsewhere, guard=guard)
                continue
            condition = elsewhere or _UNREAD
            guard = OF_ANOTHER_ACCOUNT if store.elsewhere else None
            name = store.arn.partition(":secret:")[2]
            if store.name.startswith("arn:") and _WHOLE.search(name):
                yield _regional(store.arn, number, store.region, condition, guard=guard)
                continue
            shown = f"{store.arn}-{_SUFFIX}"
            for suffix in (_SOME_SUFFIX, *self._suffixes.get(name, ()), *self._suffixes[""]):
                arn = f"{store.arn}-{suffix}"
                yield _regional(arn, number, store.region, condition, shown, guard)

    def _parameters(self, number: int, member: Member) -> Iterator[Asset]:
        for store, elsewhere in self._stores(PARAMETERS, member):
            yield self._parameter(store.arn, number, store, elsewhere)

    def _parameter_paths(self, number: int, member: Member) -> Iterator[Asset]:
        """Return the paths above each parameter: leave for one is leave for all below it.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
        """
        for store, elsewhere in self._stores(PARAMETERS, member):
            head, _, name = store.arn.partition(":parameter/")
            labels = name.split("/")
            for end in range(len(labels)):
                path = f"{head}:parameter/{'/'.join(labels[:end])}"
                yield self._parameter(path, number, store, elsewhere)

    def _parameter(self, arn: str, number: int, store: Store, elsewhere: str) -> Asset:
        guard = self._account.guards.get(store.arn)
        condition = elsewhere if guard else elsewhere or _PARAMETER_UNREAD
        if guard is None and store.elsewhere:
            guard = OF_ANOTHER_ACCOUNT
        return _regional(arn, number, store.region, condition, guard=guard)


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


def _regional(
    arn: str, number: int, region: str, condition: str, shown: str = "", guard: Guard | None = None
) -> Asset:
    return Asset(arn, (number,), condition, {REGION_KEY: (region,)}, (), shown, guard)


def _merged(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """Return one asset for each ARN, condition and guard, of all its tenants."""
    found: dict[tuple[str, str, Guard | None], list[Asset]] = {}
    for asset in assets:
        found.setdefault((asset.arn, asset.condition, asset.guard), []).append(asset)
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


def _template_names(account: Account) -> tuple[str, ...]:
    """Return names of templates: each that policies tell from others, and one for all others."""
    found = {"a": None}
    for statement in _all_statements(account):
        for resource in statement.resources:
            if named := _TEMPLATE.fullmatch(resource):
                found[named[1].replace("*", "x").replace("?", "x")] = None
    return tuple(found)


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
