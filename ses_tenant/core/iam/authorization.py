"""IAM's decision: may this request go through, and which statement says so.

An explicit Deny anywhere wins. Otherwise one of the routes of `routes` has to lead through: by the
identity policies, within the permissions boundary and the session policy, or by a resource policy
that names the caller; from another account by both. Service control policies limit them all.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ses_tenant.core.iam.conditions import Context, all_of, any_of, holds
from ses_tenant.core.iam.keys import ENVIRONMENT
from ses_tenant.core.iam.principals import Caller, Named, concerns, named
from ses_tenant.core.iam.ses_actions import carries
from ses_tenant.core.iam.statements import Policy, Statement

__all__ = ["Answer", "Policies", "Policy", "Request", "Statement", "Verdict", "decide"]

_DIRECT = frozenset({Named.SELF})
_USER = frozenset({Named.USER})
_ROLE = frozenset({Named.ROLE})
_ANYHOW = frozenset(Named)


class Answer(StrEnum):
    """What becomes of a request; conditional hangs on a key that is not known beforehand."""

    ALLOWED = "allowed"
    DENIED = "denied"
    CONDITIONAL = "conditional"


@dataclass(frozen=True)
class Policies:
    """Every policy that has a say.

    None stands for no boundary, no session policy, and no service control policies that are known.
    """

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    resource: tuple[Policy, ...] = ()
    organization: tuple[Policy, ...] | None = None

    @cached_property
    def all(self) -> tuple[Policy, ...]:
        """Return all of them."""
        return (
            *self.identity,
            *(self.boundary or ()),
            *(self.session or ()),
            *self.resource,
            *(self.organization or ()),
        )


@dataclass(frozen=True)
class Request:
    """A request: an action on the ARN of a resource, with its condition keys.

    `principal` is the ARN of who makes it, where resource policies have a say; that of a role
    stands for any session of it. Keys in `unknown` (and families of keys, see `Context`) that
    `context` does not give may have any value.
    """

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    principal: str = ""
    unknown: frozenset[str] = ENVIRONMENT


@dataclass(frozen=True)
class Verdict:
    """The decision and its reason, which names the deciding statement and its policy.

    `conditions` are those that a conditional answer hangs on; `statement` is the deciding one, and
    empty where there is none.
    """

    answer: Answer
    reason: str
    conditions: tuple[str, ...] = ()
    statement: str = ""


@dataclass(frozen=True)
class Layer:
    """Policies one of which has to allow; those of a resource have to name the caller so."""

    policies: tuple[Policy, ...]
    called: str = ""
    as_named: frozenset[Named] | None = None

    def allows(self, action: str, caller: Caller) -> Iterator[Statement]:
        """Return the Allow statements about the action that may name the caller so."""
        for policy in self.policies:
            for statement in policy.statements:
                about = statement.allow and statement.names_action(action)
                if about and self.naming(statement, caller) is not False:
                    yield statement

    def naming(self, statement: Statement, caller: Caller) -> bool | None:
        """Tell whether the statement names the caller in the way that counts here."""
        ways = self.as_named
        if ways is None:
            return True
        return any_of(sure for how, sure in named(statement, caller).items() if how in ways)


def routes(policies: Policies, caller: Caller, resource: str) -> tuple[tuple[Layer, ...], ...]:
    """Return the ways to an Allow: in each, every layer has to allow.

    A resource policy that names a session or everybody gives by itself; one that names the user
    gives within the session policy, one that names the role within the boundary, too. A key of KMS
    takes no policy of the account's own people into account unless its own policy says so.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-id-rdp.html
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    boundary, session, organization = (
        () if limit is None else (Layer(limit, called),)
        for limit, called in (
            (policies.boundary, "the permissions boundary"),
            (policies.session, "the session policy"),
            (policies.organization, "the service control policy of the organization"),
        )
    )
    own = (Layer(policies.identity), *boundary, *session, *organization)
    parts = resource.split(":", 5)
    service, account = (parts[2], parts[4]) if len(parts) == 6 else ("", "")
    both = (Layer(policies.resource, "the policy of the resource", _ANYHOW), *own)
    if caller.account and account and caller.account != account:
        return (both,)
    if not policies.resource:
        return (own,)
    return (
        both if service == "kms" else own,
        (Layer(policies.resource, "", _DIRECT), *organization),
        (Layer(policies.resource, "", _USER), *session, *organization),
        (Layer(policies.resource, "", _ROLE), *boundary, *session, *organization),
    )


def decide(policies: Policies, request: Request) -> Verdict:
    """Return whether the request goes through. Raises SesTenantError `usage` for a bad policy."""
    asked = _Asked(request)
    open_conditions: list[str] = []
    perhaps_denied = False
    for statement in denies(policies, asked.action):
        applies = asked.applies(statement, concerns(statement, asked.caller))
        if applies:
            told = f"denied by {statement.label}"
            return Verdict(Answer.DENIED, told, statement=statement.label)
        if applies is None:
            perhaps_denied = True
            open_conditions += [f"not {c}" for c in asked.open_parts(statement)]
    found = [
        tuple(map(asked.grant, route)) for route in routes(policies, asked.caller, request.resource)
    ]
    allowed = any_of(map(_through, found))
    if allowed is False:
        return _refusal(request, found[0])
    grants = next(grants for grants in found if _through(grants) is allowed)
    open_conditions += [c for grant in grants for c in grant.open_conditions]
    label = grants[0].label
    if allowed is None or perhaps_denied:
        conditions = tuple(dict.fromkeys(open_conditions))
        told = f"allowed by {label} if {' and '.join(conditions)}"
        return Verdict(Answer.CONDITIONAL, told, conditions, label)
    return Verdict(Answer.ALLOWED, f"allowed by {label}", statement=label)


def denies(policies: Policies, action: str) -> Iterator[Statement]:
    """Return every Deny statement about the action, given in lower case."""
    for policy in policies.all:
        for statement in policy.statements:
            if not statement.allow and statement.names_action(action):
                yield statement


def known_context(request: Request) -> Context:
    """Return what is known of the request: keys in lower case, without those it cannot carry."""
    action = request.action.lower()
    values = {
        lower: values
        for key, values in request.context.items()
        if carries(action, lower := key.lower())
    }
    return Context(values, request.unknown)


@dataclass(frozen=True)
class _Grant:
    """Whether a layer allows the request; by what, on which conditions, or what is missing."""

    answer: bool | None
    called: str
    label: str = ""
    open_conditions: tuple[str, ...] = ()
    nearly: str = ""


def _through(grants: Iterable[_Grant]) -> bool | None:
    return all_of(grant.answer for grant in grants)


def _refusal(request: Request, grants: Iterable[_Grant]) -> Verdict:
    missing = next(grant for grant in grants if grant.answer is False)
    what = f"{request.action} on {request.resource}{missing.nearly}"
    lead = f"{missing.called} does not allow" if missing.called else "no statement allows"
    return Verdict(Answer.DENIED, f"{lead} {what}")


class _Asked:
    """A request with what is known of it, to be held against statements."""

    def __init__(self, request: Request) -> None:
        self.action = request.action.lower()
        self.resource = request.resource
        self.context = known_context(request)
        self.caller = Caller.of(request.principal, self.context)

    def grant(self, layer: Layer) -> _Grant:
        """Return whether one of the layer's policies allows, and why not if none does."""
        perhaps, nearly = None, ""
        for statement in layer.allows(self.action, self.caller):
            naming = layer.naming(statement, self.caller)
            applies = self.applies(statement, naming)
            if applies:
                return _Grant(True, layer.called, statement.label)
            if applies is None and perhaps is None:
                conditions = tuple(self.open_parts(statement))
                perhaps = _Grant(None, layer.called, statement.label, conditions)
            nearly = nearly or self.failing(statement)
        return perhaps or _Grant(False, layer.called, nearly=nearly)

    def applies(self, statement: Statement, naming: bool | None) -> bool | None:
        """Tell whether a statement about the action is about this caller, resource and request."""
        if naming is False:
            return False
        resource = statement.names_resource(self.resource, self.context)
        if resource is False:
            return False
        held = (holds(condition, self.context) for condition in statement.conditions)
        return all_of((naming, resource, *held))

    def open_parts(self, statement: Statement) -> Iterator[str]:
        """Return what of the statement is not known to hold."""
        for condition in statement.conditions:
            if holds(condition, self.context) is None:
                yield str(condition)
        if statement.names_resource(self.resource, self.context) is None:
            yield f"{self.resource} is a resource of {statement.label}"
        if concerns(statement, self.caller) is None:
            yield f"{self.caller.arn} is a principal of {statement.label}"

    def failing(self, statement: Statement) -> str:
        """Return why a statement about the action does not allow it."""
        if statement.names_resource(self.resource, self.context) is False:
            return f": {statement.label} is about other resources"
        for condition in statement.conditions:
            if holds(condition, self.context) is False:
                values = self.context.values.get(condition.key)
                has = f"it is {', '.join(values)}" if values else "the request has no such key"
                return f": {statement.label} wants {condition}, and {has}"
        return ""
