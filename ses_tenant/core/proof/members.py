"""Everybody in an AWS account, as GetAccountAuthorizationDetails tells.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn
from urllib.parse import unquote

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Policies, Policy
from ses_tenant.core.iam.keys import ENVIRONMENT, RESOURCE_TAGS, SESSION
from ses_tenant.core.proof.guards import Guard
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import Principal
from ses_tenant.core.tenant.spec import SendingOptions
from ses_tenant.core.tenant.tags import Damaged, Remembered, known, meant_for, tenant_of


@dataclass(frozen=True)
class Held:
    """A policy of an identity, and what holds it.

    `managed` is the ARN of a managed policy, `group` the ARN of the group that it comes from.
    """

    policy: Policy
    managed: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Member:
    """A user or a role, with all that gives it permissions.

    `trust` says who may assume a role, `boundary` is the ARN of its permissions boundary, and
    `in_profile` tells whether an instance profile holds the role, None where that was not told.
    """

    principal: Principal
    name: str
    path: str
    tags: Mapping[str, str]
    groups: tuple[str, ...]
    is_user: bool
    missing: tuple[str, ...] = ()
    verified_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The Regions in which SES says that a domain is verified, as far as it was asked."""
    held: tuple[Held, ...] = ()
    trust: Policy | None = None
    boundary: str | None = None
    in_profile: bool | None = None

    @property
    def arn(self) -> str:
        """Return its ARN."""
        return self.principal.arn

    @property
    def account(self) -> str:
        """Return the ID of its account."""
        return self.arn.split(":")[4]

    @cached_property
    def remembered(self) -> Remembered:
        """Return what its tags say of a tenant, parsed once."""
        return Remembered.read(self.tags)

    @cached_property
    def tenant(self) -> SendingDomain | None:
        """Return the domain whose tenant it is, or None."""
        return tenant_of(self.name, self.path, self.remembered) if self.is_user else None

    @property
    def domains(self) -> tuple[SendingDomain, ...]:
        """Return the domain whose tenant it is, or those that a user of ours was meant for."""
        if self.tenant is not None:
            return (self.tenant,)
        return meant_for(self.path, self.remembered) if self.is_user else ()

    def targets(self) -> tuple[Target, ...]:
        """Return the domains that are its to send as, as a tenant or one whose tags are damaged.

        Their Regions are those of its tag and those in which SES knows the domain.
        """
        domains = self.domains
        if not domains:
            return ()
        options = self.sending_options
        regions = known(self.remembered.regions) or ()
        partition = self.arn.split(":")[1]
        return tuple(
            Target(
                own.name,
                options.subdomains,
                tuple(dict.fromkeys((*regions, *self.verified_in.get(own.name, ())))),
                self.account,
                partition,
                self.arn,
            )
            for own in (*domains, *options.also)
        )

    @property
    def sending_options(self) -> SendingOptions:
        """Return the tenant's options; if a tag cannot be read, those with the most to protect."""
        told = self.remembered.sending
        if isinstance(told, Damaged):
            return SendingOptions(subdomains=True)
        return told or SendingOptions()


@dataclass(frozen=True)
class Group:
    """A group of users, with its policies."""

    name: str
    arn: str
    held: tuple[Held, ...]


@dataclass(frozen=True)
class Account:
    """Everybody in an account, the groups, and the managed policies by ARN.

    `managed` are the versions in force, `other_versions` those that could be put in force. `guards`
    are those of the secrets and parameters that tenants' tags name and that were read, by their
    `Store.arn`.
    """

    people: tuple[Member, ...]
    groups: tuple[Group, ...] = ()
    managed: Mapping[str, Policy] = field(default_factory=dict)
    other_versions: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict)
    guards: Mapping[str, Guard] = field(default_factory=dict)


def targets_of(people: Iterable[Member]) -> list[Target]:
    """Return the domains to protect: all tenants', and others' that are no tenant's."""
    people = tuple(people)
    found = [target for member in people if member.tenant for target in member.targets()]
    taken = {target.domain for target in found}
    others = (target for member in people if not member.tenant for target in member.targets())
    return [*found, *(target for target in others if target.domain not in taken)]


def members(pages: Iterable[Mapping[str, object]]) -> tuple[Member, ...]:
    """Return all users and roles in the answers of GetAccountAuthorizationDetails, by ARN.

    Raises SesTenantError `usage` for what is no such answer.
    """
    return read_account(pages).people


def read_account(pages: Iterable[Mapping[str, object]]) -> Account:
    """Return everything in the answers of GetAccountAuthorizationDetails, people by ARN.

    Raises SesTenantError `usage` for what is no such answer.
    """
    users: list[Mapping[str, object]] = []
    roles: list[Mapping[str, object]] = []
    groups: dict[str, _Holder] = {}
    managed: dict[str, Policy] = {}
    others: dict[str, tuple[Policy, ...]] = {}
    for page in pages:
        users += _list(page, "UserDetailList")
        roles += _list(page, "RoleDetailList")
        for group in _list(page, "GroupDetailList"):
            name = _text(group, "GroupName")
            inline = _inline(group, "GroupPolicyList", f" (group {name})")
            groups[name] = _Holder(inline, _attached(group), str(group.get("Arn", "")), name)
        for policy in _list(page, "Policies"):
            arn = _text(policy, "Arn")
            # An emulator may leave out its name, which the ARN ends with.
            name = arn.rpartition("/")[2]
            for version in _list(policy, "PolicyVersionList"):
                document = _document(version, "Document")
                if version.get("IsDefaultVersion"):
                    managed[arn] = Policy(name, document)
                else:
                    other = Policy(f"{name} ({version.get('VersionId')})", document)
                    others[arn] = (*others.get(arn, ()), other)
    found = [_member(user, groups, managed, is_user=True) for user in users]
    found += [_member(role, groups, managed, is_user=False) for role in roles]
    return Account(
        tuple(sorted(found, key=lambda member: member.arn)),
        tuple(Group(h.name, h.arn, _held(h, managed)) for h in groups.values()),
        managed,
        others,
    )


@dataclass(frozen=True)
class _Holder:
    """What holds policies: a user, a role, or a group, which has an ARN and a name here."""

    inline: tuple[Policy, ...]
    attached: tuple[str, ...]
    arn: str = ""
    name: str = ""


def _held(holder: _Holder, managed: Mapping[str, Policy]) -> tuple[Held, ...]:
    group = holder.arn or None
    return (
        *(Held(policy, group=group) for policy in holder.inline),
        *(Held(managed[arn], arn, group) for arn in holder.attached if arn in managed),
    )


def _member(
    entry: Mapping[str, object],
    groups: Mapping[str, _Holder],
    managed: Mapping[str, Policy],
    *,
    is_user: bool,
) -> Member:
    kind = "User" if is_user else "Role"
    name, arn = _text(entry, f"{kind}Name"), _text(entry, "Arn")
    if arn.count(":") < 5:
        _no_answer(f"'{arn}' is no ARN")
    member_of = tuple(str(group) for group in _sequence(entry.get("GroupList")))
    holders = [
        _Holder(_inline(entry, f"{kind}PolicyList"), _attached(entry)),
        *(groups[group] for group in member_of if group in groups),
    ]
    attached = list(dict.fromkeys(arn for holder in holders for arn in holder.attached))
    boundary = entry.get("PermissionsBoundary")
    limit = (
        str(boundary.get("PermissionsBoundaryArn"))
        if isinstance(boundary, Mapping) and boundary.get("PermissionsBoundaryArn")
        else None
    )
    tags = {_text(tag, "Key"): _text(tag, "Value") for tag in _list(entry, "Tags")}
    account = arn.split(":")[4]
    context = {
        "aws:principalarn": (arn,),
        "aws:principalaccount": (account,),
        "aws:principaltype": ("User" if is_user else "AssumedRole",),
        "aws:principalisawsservice": ("false",),
        "aws:viaawsservice": ("false",),
    }
    if is_user:
        context["aws:username"] = (name,)
        context |= {f"aws:principaltag/{key.lower()}": (value,) for key, value in tags.items()}
    # The tags of a session take the place of the role's own.
    unknown = ENVIRONMENT | {RESOURCE_TAGS} | (frozenset() if is_user else SESSION)
    identity = (
        *(policy for holder in holders for policy in holder.inline),
        *(managed[arn] for arn in attached if arn in managed),
    )
    # A boundary that cannot be read must not hide anything: it counts as none, and is named.
    limits = (managed[limit],) if limit is not None and limit in managed else None
    return Member(
        principal=Principal(arn, Policies(identity, limits), context, unknown),
        name=name,
        path=_text(entry, "Path"),
        tags=tags,
        groups=member_of,
        is_user=is_user,
        missing=tuple(a for a in (*attached, *([limit] if limit else [])) if a not in managed),
        held=tuple(held for holder in holders for held in _held(holder, managed)),
        trust=_trust(entry, name),
        boundary=limit,
        in_profile=bool(entry["InstanceProfileList"]) if "InstanceProfileList" in entry else None,
    )


def _trust(entry: Mapping[str, object], name: str) -> Policy | None:
    if "AssumeRolePolicyDocument" not in entry:
        return None
    return Policy(f"trust of {name}", _document(entry, "AssumeRolePolicyDocument"))


def _inline(entry: Mapping[str, object], key: str, suffix: str = "") -> tuple[Policy, ...]:
    return tuple(
        Policy(_text(policy, "PolicyName") + suffix, _document(policy, "PolicyDocument"))
        for policy in _list(entry, key)
    )


def _attached(entry: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(_text(policy, "PolicyArn") for policy in _list(entry, "AttachedManagedPolicies"))


def _document(entry: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return a policy document, which IAM itself sends as URL-encoded JSON."""
    document = entry.get(key)
    if isinstance(document, str):
        try:
            document = json.loads(document if document.lstrip()[:1] == "{" else unquote(document))
        except ValueError:
            _no_answer(f"a {key} is no JSON")
    if not isinstance(document, Mapping):
        _no_answer(f"a {key} is no JSON object")
    return document


def _list(entry: Mapping[str, object], key: str) -> Sequence[Mapping[str, object]]:
    return [item for item in _sequence(entry.get(key)) if isinstance(item, Mapping)]


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        _no_answer(f"an entry has no {key}")
    return value


def _no_answer(why: str) -> NoReturn:
    raise SesTenantError(
        ErrorCode.USAGE,
        f"This is no output of get-account-authorization-details: {why}.",
        "Make it with: aws iam get-account-authorization-details > account.json",
    )
