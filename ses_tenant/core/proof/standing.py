"""What a principal may do, with its policies as they are or as somebody could make them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from types import MappingProxyType

from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, Statement, decide
from ses_tenant.core.iam.conditions import Context, variables_of
from ses_tenant.core.iam.ses_actions import carries
from ses_tenant.core.iam.statements import names_action
from ses_tenant.core.proof.members import Held, Member

EVERYTHING = Policy(
    "a policy of its own making",
    {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
    },
)
_OPEN = re.compile(r"[*?]|\$\{")
REGION_KEY = "aws:requestedregion"
# IAM is one service for the whole world, and says so.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
IN_IAM: Mapping[str, tuple[str, ...]] = {REGION_KEY: ("us-east-1",)}
_NOTHING: Mapping[str, tuple[str, ...]] = {}
_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "aws:securetransport": ("true",),
    "aws:viaawsservice": ("false",),
    "aws:principalisawsservice": ("false",),
}
# A user's tags are all known, and no identity provider vouches for it; a role's session may bring
# tags and keys of its own.
_NOT_OF_USERS = ("aws:principaltag/", "aws:federatedprovider", "aws:sourceidentity")
_NOT_OF_ROLES = ("aws:username",)


@dataclass(frozen=True)
class Step:
    """One step of a path: who does what to what, and the statement that lets it."""

    principal: str
    action: str
    resource: str
    statement: str


@dataclass(frozen=True)
class Leave:
    """Whether a step can be taken: for certain, or on conditions that nobody knows beforehand."""

    step: Step
    certain: bool
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Standing:
    """A principal as it stands in IAM, or would stand after `changes`.

    `held` and `limits` are its policies and those of its permissions boundary, None without one.
    Of a `foreign` one, of another account, no more is known than what is here.
    """

    arn: str
    is_user: bool
    context: Mapping[str, tuple[str, ...]]
    held: tuple[Held, ...]
    limits: tuple[Policy, ...] | None = None
    boundary: str | None = None
    groups: tuple[str, ...] = ()
    trust: Policy | None = None
    in_profile: bool | None = None
    foreign: bool = False
    changes: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, member: Member, groups: Mapping[str, str] = MappingProxyType({})) -> "Standing":
        """Return how a member stands now; `groups` are ARNs of groups by their names."""
        return cls(
            member.arn,
            member.is_user,
            member.principal.context,
            member.held,
            member.principal.policies.boundary,
            member.boundary,
            tuple(groups[name] for name in member.groups if name in groups),
            member.trust,
            member.in_profile,
        )

    @property
    def account(self) -> str:
        """Return the ID of its account; of one that has none, what it is called."""
        parts = self.arn.split(":", 5)
        return parts[4] if len(parts) > 5 else self.arn

    @property
    def partition(self) -> str:
        """Return the partition of its account; of one that has none, what it is called."""
        return self.arn.split(":")[1] if ":" in self.arn else self.arn

    @property
    def path_and_name(self) -> str:
        """Return what its ARN ends with, such as `role/service-role/deploy`."""
        return self.arn.split(":", 5)[5]

    @property
    def protected(self) -> bool:
        """Tell whether it is a role that only AWS itself can change.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
        """
        return self.path_and_name.startswith(("role/aws-service-role/", "role/aws-reserved/"))

    @cached_property
    def policies(self) -> Policies:
        """Return all its policies."""
        return Policies(tuple(held.policy for held in self.held), self.limits)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Return the statements of all its policies."""
        return tuple(s for policy in self.policies.all for s in policy.statements)

    @cached_property
    def allowing(self) -> tuple[Statement, ...]:
        """Return the Allow statements of its identity policies."""
        return tuple(s for policy in self.policies.identity for s in policy.statements if s.allow)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """Return every condition key that its policies ask for, in lower case."""
        return mentioned_by(self.statements)

    def changed(self, change: str, **fields: object) -> "Standing":
        """Return how it stands after a change, which has a name."""
        return replace(self, changes=self.changes | {change}, **fields)  # type: ignore[arg-type]

    def may_allow(self, action: str) -> bool:
        """Tell whether an Allow statement is about the action at all."""
        if action not in self._allowed:
            self._allowed[action] = any(names(s, action) for s in self.allowing)
        return self._allowed[action]

    @cached_property
    def _allowed(self) -> dict[str, bool]:
        return {}

    def may_allow_any(self, actions: frozenset[str]) -> bool:
        """Tell whether an Allow statement is about one of the actions."""
        return any(_names_any(s.actions, s.not_actions, actions) for s in self.allowing)

    def ask(
        self,
        action: str,
        resource: str,
        known: Mapping[str, tuple[str, ...]] | None = None,
        *,
        absent: tuple[str, ...] = (),
        by: tuple[Policy, ...] = (),
    ) -> Leave | None:
        """Return the leave to make a request, or None if it is denied.

        `known` are condition keys of the request; other keys that begin with one of `absent` it
        does not carry, and the rest nobody knows. `by` are policies of the resource.
        """
        said = tuple(statement for policy in by for statement in policy.statements)
        given = any(s.allow and names(s, action) for s in said)
        if not given and not (self.may_allow(action) and self._may_name(action, resource.lower())):
            return None
        context = self.as_context(action, known or {}, absent, mentioned_by(said))
        request = Request(action, resource, context.values, self.arn, context.unknown)
        policies = replace(self.policies, resource=by) if by else self.policies
        verdict = decide(policies, request)
        if verdict.answer is Answer.DENIED:
            return None
        step = Step(self.arn, action, resource, verdict.statement)
        return Leave(step, verdict.answer is Answer.ALLOWED, verdict.conditions)

    def _may_name(self, action: str, resource: str) -> bool:
        """Tell, at little cost, whether an Allow statement could be about both."""
        return any(
            names(s, action) and (s.not_resources or resource.startswith(_beginnings(s.resources)))
            for s in self.allowing
        )

    def as_context(
        self,
        action: str,
        known: Mapping[str, tuple[str, ...]] = _NOTHING,
        absent: tuple[str, ...] = (),
        more: frozenset[str] = frozenset(),
    ) -> Context:
        """Return what is known of a request, and of which of its keys nobody knows anything.

        `more` are condition keys that policies of the resource ask for.
        """
        values = {**self.context, **_ALWAYS, **known}
        lower = action.lower()
        own = () if self.foreign else _NOT_OF_USERS if self.is_user else _NOT_OF_ROLES
        not_there = (*absent, *own)
        unknown = (
            key
            for key in self.mentioned | more
            if key not in values and carries(lower, key) and not key.startswith(not_there)
        )
        return Context(values, frozenset(unknown))


def mentioned_by(statements: Iterable[Statement]) -> frozenset[str]:
    """Return every condition key that the statements ask for or fill in, in lower case."""
    found: set[str] = set()
    for statement in statements:
        texts = [*statement.resources]
        for condition in statement.conditions:
            found.add(condition.key)
            texts += condition.values
        for text in texts:
            if "${" in text:
                found |= variables_of(text)
    return frozenset(found)


def names(statement: Statement, action: str) -> bool:
    """Tell whether the statement is about the action."""
    return statement.names_action(action.lower())


@lru_cache(maxsize=1 << 14)
def _names_any(actions: tuple[str, ...], not_actions: bool, wanted: frozenset[str]) -> bool:
    return any(names_action(actions, not_actions, each.lower()) for each in wanted)


@lru_cache(maxsize=1 << 14)
def _beginnings(resources: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(beginning, resources))


@lru_cache(maxsize=1 << 16)
def beginning(resource: str) -> str:
    """Return what every ARN begins with, in lower case, that the Resource pattern can match."""
    return _OPEN.split(resource, maxsplit=1)[0].lower()
