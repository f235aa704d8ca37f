"""IAM's decision: may this request go through, and which statement says so.

An explicit Deny anywhere wins. Otherwise an identity policy has to allow the request, and the
permissions boundary and the session policy too, where there are any; or a resource policy allows
it to the principal by name.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.conditions import (
    ABSENT,
    Condition,
    Context,
    all_of,
    any_of,
    fill,
    holds,
    parse_condition,
)
from ses_tenant.core.iam.globs import ANY, glob, matches, matches_arn
from ses_tenant.core.iam.ses_actions import CREDENTIAL_KEYS, carries

# Keys that tell of the network, the session and the time of a request: nobody knows them before it
# is made. All others describe the principal and the request itself; what is not given is absent.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
ENVIRONMENT = frozenset(
    f"aws:{name}"
    for name in (
        "sourceip", "vpcsourceip", "sourcevpc", "sourcevpce", "sourcevpcarn", "securetransport",
        "currenttime", "epochtime", "useragent", "referer", "multifactorauthpresent",
        "multifactorauthage", "tokenissuetime", "requestedregion", "calledvia", "calledviafirst",
        "calledvialast", "viaawsservice", "sourceidentity", "federatedprovider", "sourceaccount",
        "sourcearn", "sourceorgid", "sourceorgpaths", "vpceaccount", "vpceorgid", "vpceorgpaths",
        "principalorgid", "principalorgpaths", "resourceaccount", "resourceorgid",
        "resourceorgpaths", "userid", "ec2instancesourcevpc", "ec2instancesourceprivateipv4",
    )
) | CREDENTIAL_KEYS  # fmt: skip


class Answer(StrEnum):
    """What becomes of a request; conditional hangs on a key that is not known beforehand."""

    ALLOWED = "allowed"
    DENIED = "denied"
    CONDITIONAL = "conditional"


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, taken apart; `label` is what people call it."""

    label: str
    allow: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]
    variables: bool
    principals: tuple[str, ...] | None = None
    not_principals: bool = False

    def names_action(self, action: str) -> bool:
        """Tell whether the statement is about the action, given in lower case."""
        return any(matches(a, action) for a in self.actions) != self.not_actions

    def names_resource(self, resource: str, context: Context) -> bool | None:
        """Tell whether the statement is about the resource; None if a variable is not known."""
        named = any_of(
            None if wanted is None else matches_arn(wanted, resource)
            for wanted in self.resource_globs(context)
        )
        return (None if named is None else not named) if self.not_resources else named

    def resource_globs(self, context: Context) -> tuple[str | None, ...]:
        """Return the Resource or NotResource element as globs; None where one is not known.

        An absent policy variable never makes the statement apply to more: it matches nothing in
        Resource and anything in NotResource.
        """
        if not self.variables:
            return tuple(map(glob, self.resources))
        absent = ANY if self.not_resources else ABSENT
        globs = (fill(resource, context) for resource in self.resources)
        return tuple(g if g is None else g.replace(ABSENT, absent) for g in globs)


@dataclass(frozen=True)
class Policy:
    """A policy by name, with its document as IAM holds it."""

    name: str
    document: Mapping[str, object]

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Return its statements. Raises SesTenantError `usage` if it is none that IAM takes."""
        return tuple(_statements(self))


@dataclass(frozen=True)
class Policies:
    """Every policy that has a say; None stands for no boundary and no session policy."""

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    resource: tuple[Policy, ...] = ()

    @cached_property
    def all(self) -> tuple[Policy, ...]:
        """Return all of them."""
        return (*self.identity, *(self.boundary or ()), *(self.session or ()), *self.resource)


@dataclass(frozen=True)
class Request:
    """A request: an action on the ARN of a resource, with its condition keys.

    `principal` is the ARN of who makes it, where resource policies have a say. Keys in `unknown`
    that `context` does not give may have any value.
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


def decide(policies: Policies, request: Request) -> Verdict:
    """Return whether the request goes through. Raises SesTenantError `usage` for a bad policy."""
    action = request.action.lower()
    context = known_context(request)
    open_conditions: list[str] = []
    perhaps_denied = ""
    for policy in policies.all:
        for statement in policy.statements:
            if statement.allow:
                continue
            applies = _applies(statement, action, request, context)
            if applies:
                return Verdict(
                    Answer.DENIED, f"denied by {statement.label}", statement=statement.label
                )
            if applies is None:
                perhaps_denied = perhaps_denied or statement.label
                open_conditions += [f"not {c}" for c in _open(statement, request, context)]
    parts = [
        _grant(policies.identity, action, request, context),
        *(
            _grant(limit, action, request, context)
            for limit in (policies.boundary, policies.session)
            if limit is not None
        ),
    ]
    allowed = all_of(part.answer for part in parts)
    decisive = parts[0]
    if allowed is not True:
        by_name = _grant(policies.resource, action, request, context, direct=True)
        either = any_of((allowed, by_name.answer))
        if by_name.answer is not False:
            allowed, decisive, parts = either, by_name, [by_name]
    if allowed is False:
        names = ("", "the permissions boundary", "the session policy")
        at = next(i for i, part in enumerate(parts) if part.answer is False)
        limit = names[at] if at == 0 or policies.boundary is not None else names[2]
        what = f"{request.action} on {request.resource}"
        if limit:
            return Verdict(Answer.DENIED, f"{limit} does not allow {what}{parts[at].nearly}")
        return Verdict(Answer.DENIED, f"no statement allows {what}{parts[at].nearly}")
    open_conditions += [c for part in parts for c in part.open_conditions]
    if allowed is None or perhaps_denied:
        conditions = tuple(dict.fromkeys(open_conditions))
        told = f"allowed by {decisive.label} if {' and '.join(conditions)}"
        return Verdict(Answer.CONDITIONAL, told, conditions, decisive.label)
    return Verdict(Answer.ALLOWED, f"allowed by {decisive.label}", statement=decisive.label)


def known_context(request: Request) -> Context:
    """Return what is known of the request: keys in lower case, without those it cannot carry."""
    action = request.action.lower()
    values = {
        key.lower(): values
        for key, values in request.context.items()
        if carries(action, key.lower())
    }
    return Context(values, frozenset(k for k in request.unknown if k not in values))


@dataclass(frozen=True)
class _Grant:
    """Whether policies allow the request; by what, on which conditions, or what is missing."""

    answer: bool | None
    label: str = ""
    open_conditions: tuple[str, ...] = ()
    nearly: str = ""


def _grant(
    policies: Iterable[Policy],
    action: str,
    request: Request,
    context: Context,
    *,
    direct: bool = False,
) -> _Grant:
    """Return whether one of the policies allows; with `direct`, only to the principal by name."""
    perhaps, nearly = None, ""
    for policy in policies:
        for statement in policy.statements:
            if not statement.allow or not statement.names_action(action):
                continue
            if direct and not names_principal(statement, request.principal):
                continue
            applies = _applies(statement, action, request, context)
            if applies:
                return _Grant(True, statement.label)
            if applies is None and perhaps is None:
                conditions = tuple(_open(statement, request, context))
                perhaps = _Grant(None, statement.label, conditions)
            nearly = nearly or _failing(statement, request, context)
    return perhaps or _Grant(False, nearly=nearly)


def _applies(statement: Statement, action: str, request: Request, context: Context) -> bool | None:
    if not statement.names_action(action):
        return False
    if statement.principals is not None and not concerns_principal(statement, request.principal):
        return False
    resource = statement.names_resource(request.resource, context)
    if resource is False:
        return False
    return all_of((resource, *(holds(condition, context) for condition in statement.conditions)))


def _open(statement: Statement, request: Request, context: Context) -> Iterable[str]:
    """Return the conditions of the statement that are not known to hold."""
    for condition in statement.conditions:
        if holds(condition, context) is None:
            yield str(condition)
    if statement.names_resource(request.resource, context) is None:
        yield f"{request.resource} is a resource of {statement.label}"


def _failing(statement: Statement, request: Request, context: Context) -> str:
    """Return why a statement about the action does not allow it."""
    if statement.names_resource(request.resource, context) is False:
        return f": {statement.label} is about other resources"
    for condition in statement.conditions:
        if holds(condition, context) is False:
            values = context.values.get(condition.key)
            has = f"it is {', '.join(values)}" if values else "the request has no such key"
            return f": {statement.label} wants {condition}, and {has}"
    return ""


def names_principal(statement: Statement, principal: str) -> bool:
    """Tell whether a resource policy names the principal itself, and not its whole account."""
    listed = statement.principals or ()
    return not statement.not_principals and any(p in ("*", principal) for p in listed)


def concerns_principal(statement: Statement, principal: str) -> bool:
    """Tell whether the Principal element covers the principal, by itself or by its account."""
    account = principal.split(":")[4] if principal.count(":") >= 5 else ""
    covered = {"*", principal, account} - {""}
    root = principal.partition(":iam:")[0] + f":iam::{account}:root"
    listed = any(p in covered or (account and p == root) for p in statement.principals or ())
    return listed != statement.not_principals


def _statements(policy: Policy) -> Iterable[Statement]:
    document = policy.document
    variables = document.get("Version") == "2012-10-17"
    listed = document.get("Statement")
    for number, statement in enumerate(_sequence(listed), start=1):
        if not isinstance(statement, Mapping):
            raise _bad(policy, f"statement {number} is no object")
        sid = statement.get("Sid")
        label = f"the statement {sid or f'number {number}'} of the policy {policy.name}"
        effect = statement.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise _bad(policy, f"the Effect of statement {number} is {effect!r}")
        actions, not_actions = _either(policy, statement, "Action", number)
        # The policy of an email identity is about that identity, and may leave its ARN out.
        inherent = "Resource" not in statement and "NotResource" not in statement
        resources, not_resources = (
            (("*",), False) if inherent else _either(policy, statement, "Resource", number)
        )
        principals = not_principals = None
        for key in ("Principal", "NotPrincipal"):
            if key in statement:
                principals, not_principals = _principals(statement[key]), key == "NotPrincipal"
        yield Statement(
            label=label,
            allow=effect == "Allow",
            actions=tuple(glob(action.lower()) for action in actions),
            not_actions=not_actions,
            resources=resources,
            not_resources=not_resources,
            conditions=tuple(_conditions(policy, statement, number, variables=variables)),
            variables=variables,
            principals=principals,
            not_principals=bool(not_principals),
        )


def _conditions(
    policy: Policy, statement: Mapping[str, object], number: int, *, variables: bool
) -> Iterable[Condition]:
    block = statement.get("Condition", {})
    if not isinstance(block, Mapping):
        raise _bad(policy, f"the Condition of statement {number} is no object")
    for operator, keys in block.items():
        if not isinstance(keys, Mapping):
            raise _bad(policy, f"{operator} in statement {number} is no object")
        for key, values in keys.items():
            texts = tuple(_text(value) for value in _sequence(values))
            yield parse_condition(operator, key, texts, variables=variables)


def _either(
    policy: Policy, statement: Mapping[str, object], element: str, number: int
) -> tuple[tuple[str, ...], bool]:
    """Return the values of Action or NotAction (or Resource...), and whether it is the latter."""
    for key in (element, f"Not{element}"):
        if key in statement:
            values = _sequence(statement[key])
            if not all(isinstance(value, str) for value in values):
                raise _bad(policy, f"{key} in statement {number} holds something that is no text")
            return tuple(map(str, values)), key != element
    raise _bad(policy, f"statement {number} has no {element}")


def _principals(element: object) -> tuple[str, ...]:
    if isinstance(element, Mapping):
        return tuple(str(value) for listed in element.values() for value in _sequence(listed))
    return tuple(str(value) for value in _sequence(element))


def _sequence(value: object) -> Sequence[object]:
    """Return the values of an element, which may be one or a list of them."""
    return value if isinstance(value, list | tuple) else [] if value is None else [value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bad(policy: Policy, why: str) -> SesTenantError:
    return SesTenantError(
        ErrorCode.USAGE,
        f"The policy {policy.name} is none that IAM would take: {why}.",
        "aws accessanalyzer validate-policy tells all that is wrong with a policy.",
    )
