"""The ways in which a principal can send mail, read off its policies.

A way is what a mail would have to be like so that one Allow statement (and one of the boundary)
covers it and no Deny does, under whatever From address.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ses_tenant.core.iam import ses_actions
from ses_tenant.core.iam.authorization import Layer, Policies, denies, routes
from ses_tenant.core.iam.conditions import (
    Condition,
    Context,
    Quantifier,
    holds,
    negated,
    variables_of,
    wanted_globs,
)
from ses_tenant.core.iam.globs import ANY, matches_arn
from ses_tenant.core.iam.keys import ENVIRONMENT, RESOURCE_TAGS
from ses_tenant.core.iam.principals import Caller, concerns
from ses_tenant.core.iam.ses_actions import MULTIVALUED
from ses_tenant.core.iam.statements import Statement
from ses_tenant.core.proof.addresses import Constraint, TooComplex, find_text

_MAX_WAYS = 2_000
_MAX_COMBINATIONS = 20_000
_SAMPLE = "a@example.com"
TLS = "aws:securetransport"
REGION = "aws:requestedregion"
ACCOUNT = "aws:resourceaccount"
_TEXTS = {ses_actions.DISPLAY_NAME, ses_actions.TENANT_NAME, ses_actions.ENDPOINT}
_OF_THE_PLACE = frozenset({REGION, ACCOUNT})
# Of what a mail carries, these are never absent; the API version is the interface's.
_VERSIONS = {
    "ses:sendtemplatedemail": ("1",),
    "ses:sendbulktemplatedemail": ("1", "2"),
    "ses:sendbounce": ("1",),
    "ses:sendbulkemail": ("2",),
}
_EITHER_VERSION = ("2", "1")


@dataclass(frozen=True)
class Principal:
    """A user, a role, or somebody whom an identity's policy names; `context` describes it.

    Nobody knows the keys in `unknown` beforehand. `sends_in` is the ID of the account by whose
    identities it would send, its own if empty.
    """

    arn: str
    policies: Policies
    context: Mapping[str, tuple[str, ...]]
    unknown: frozenset[str] = ENVIRONMENT | {RESOURCE_TAGS}
    sends_in: str = ""

    @property
    def caller(self) -> Caller:
        """Return it as the caller of a request."""
        return Caller.of(self.arn, Context(self.context))


@dataclass(frozen=True)
class Way:
    """What a mail has to be like to go through: the action, its From, its resource, the rest.

    `resources` are statements that must be about its resource, or must not; `place` are conditions
    on its Region and account that must hold, or must not. `sender_there` are conditions on the
    From address that hang on those. `carries_from` tells whether policies see that address at all.
    """

    action: str
    sender: tuple[Constraint, ...]
    resources: tuple[tuple[Statement, bool], ...]
    rest: tuple[tuple[str, tuple[str, ...]], ...]
    place: tuple[tuple[Condition, bool], ...] = ()
    sender_there: tuple[tuple[Condition, bool], ...] = ()
    carries_from: bool = True


# Each action with the keys that the mail decides; of the From address in a template, AWS does not
# say whether policies see it.
_READINGS = (
    *((action, ses_actions.CARRIED[action.lower()]) for action in ses_actions.SEND_ACTIONS),
    (ses_actions.VERIFY, ses_actions.CARRIED[ses_actions.VERIFY.lower()]),
    (ses_actions.VERIFY, ses_actions.CARRIED[ses_actions.VERIFY.lower()] - {ses_actions.FROM}),
)
_Literal = tuple[Condition | Statement, bool]


def ways_to_send(principal: Principal) -> tuple[Way, ...]:
    """Return all ways in which the principal may send mail, under whatever From address.

    Raises TooComplex, and SesTenantError `usage` for a policy that IAM would not take.
    """
    found: dict[Way, None] = {}
    known = {**principal.context, TLS: ("true",)}
    for action, free in _READINGS:
        lower = action.lower()
        context = Context(known, principal.unknown | free)
        for tried, literals in enumerate(_combinations(principal, lower, context)):
            way = _way(action, literals, context, free)
            if way is not None:
                found[way] = None
            if tried >= _MAX_COMBINATIONS or len(found) > _MAX_WAYS:
                raise TooComplex
    return tuple(found)


def _combinations(
    principal: Principal, action: str, context: Context
) -> Iterator[tuple[_Literal, ...]]:
    """Return what has to hold, in each combination of statements that lets a mail through."""
    caller = principal.caller
    against = [s for s in denies(principal.policies, action) if concerns(s, caller)]
    identity = f"arn:aws:ses::{principal.sends_in or caller.account}:identity/x"
    for route in routes(principal.policies, caller, identity):
        for wanted in _granted(route, action, caller, context):
            yield from _spared(against, wanted, context)


def _granted(
    route: Sequence[Layer], action: str, caller: Caller, context: Context
) -> Iterator[tuple[_Literal, ...]]:
    """Return what has to hold in each combination of an Allow of every layer."""
    if not route:
        yield ()
        return
    for statement in route[0].allows(action, caller):
        opened = _open_parts(statement, context)
        if opened is not None:
            for rest in _granted(route[1:], action, caller, context):
                yield (*((part, True) for part in opened), *rest)


def _spared(
    denies: Sequence[Statement], wanted: tuple[_Literal, ...], context: Context
) -> Iterator[tuple[_Literal, ...]]:
    """Return what has to hold besides, so that each Deny fails in one of its parts."""
    if not denies:
        yield wanted
        return
    first, rest = denies[0], denies[1:]
    opened = _open_parts(first, context)
    if opened is None:
        yield from _spared(rest, wanted, context)
        return
    for part in opened:
        yield from _spared(rest, (*wanted, (part, False)), context)


def _open_parts(statement: Statement, context: Context) -> list[Condition | Statement] | None:
    """Return the parts of a statement that hang on the mail; None if it never applies."""
    opened: list[Condition | Statement] = []
    # A pattern that matches an ARN of empty parts matches every ARN.
    if any(matches_arn(g, ":::::") for g in statement.resource_globs(context) if g):
        if statement.not_resources:
            return None
    elif statement.resources:
        opened.append(statement)
    for condition in statement.conditions:
        answer = holds(condition, context)
        if answer is False:
            return None
        if answer is None:
            opened.append(condition)
    return opened


@dataclass
class _Sorted:
    """What has to hold, sorted by what of a mail it is about."""

    resources: list[tuple[Statement, bool]] = field(default_factory=list)
    place: list[tuple[Condition, bool]] = field(default_factory=list)
    by_key: dict[str, list[tuple[Condition, bool]]] = field(default_factory=dict)
    guessed: dict[Condition, bool] = field(default_factory=dict)

    def add(self, part: Condition | Statement, free: frozenset[str], *, wanted: bool) -> bool:
        """Take one more; False if it contradicts another."""
        if isinstance(part, Statement):
            self.resources.append((part, wanted))
        elif part.key in free:
            self.by_key.setdefault(part.key, []).append((part, wanted))
        elif part.key in (REGION, ACCOUNT):
            self.place.append((part, wanted))
        elif _is_either_or(part):
            # Nobody knows the value, but it cannot both be and not be.
            plain = replace(part, operator=part.operator.replace("not", ""))
            truth = wanted != negated(part)
            return self.guessed.setdefault(plain, truth) == truth
        return True


def _is_either_or(condition: Condition) -> bool:
    """Tell whether of the operator and its negation exactly one holds, whatever the value."""
    single = condition.quantifier is Quantifier.NONE and condition.key not in MULTIVALUED
    return single and not condition.if_exists and not condition.operator.startswith("arn")


def _way(
    action: str, literals: Iterable[_Literal], context: Context, free: frozenset[str]
) -> Way | None:
    """Return the literals as a way to send, or None if they contradict each other."""
    parts = _Sorted()
    if not all(parts.add(part, free, wanted=wanted) for part, wanted in literals):
        return None
    on_sender = parts.by_key.pop(ses_actions.FROM, [])
    there = tuple(each for each in on_sender if _variables(each[0]) & _OF_THE_PLACE)
    sender = sender_constraints((each for each in on_sender if each not in there), context)
    if sender is None:
        return None
    rest = {}
    for key in sorted(free - {ses_actions.FROM}):
        values = _value(action.lower(), key, parts.by_key.get(key, []), context)
        if values is None:
            return None
        if values:
            rest[key] = values
    return Way(
        action,
        sender,
        tuple(dict.fromkeys(parts.resources)),
        tuple(rest.items()),
        tuple(dict.fromkeys(parts.place)),
        there,
        ses_actions.FROM in free,
    )


def sender_constraints(
    literals: Iterable[tuple[Condition, bool]], context: Context
) -> tuple[Constraint, ...] | None:
    """Return what the From address has to be like, or None if none can be so.

    Raises TooComplex.
    """
    found = []
    for part, wanted in literals:
        constraint = _constraint(part, wanted, context)
        if isinstance(constraint, Constraint) and _takes_any_address(constraint):
            constraint = not constraint.negated
        if constraint is False:
            return None
        if isinstance(constraint, Constraint):
            found.append(constraint)
    return tuple(found)


def _constraint(condition: Condition, wanted: bool, context: Context) -> Constraint | bool:
    """Return what a condition, or its opposite, asks of a key that has one value.

    True and False stand for what no text or every text contradicts.
    """
    textual = condition.operator.startswith("string")
    if condition.operator == "null" or not textual:
        if condition.key in _TEXTS and condition.operator != "null":
            raise TooComplex  # a text may be a number, a date, anything
        # An address is no number, date, Boolean, IP address or ARN, so one stands for all.
        sample = Context({**context.values, condition.key: (_SAMPLE,)})
        return holds(condition, sample) in (wanted, None)
    if condition.key in MULTIVALUED and condition.quantifier is Quantifier.NONE:
        return True  # it is not known what AWS makes of that
    globs = wanted_globs(condition, context)
    if globs is None:
        return not wanted
    if None in globs:
        unknown = set(filter(context.is_unknown, _variables(condition)))
        if unknown & _OF_THE_PLACE or any(name.startswith("ses:") for name in unknown):
            raise TooComplex  # one part of the mail has to be like another
        return True  # the value of a variable is not known: it may be so
    return Constraint(
        tuple(g for g in globs if g is not None),
        negated=wanted == negated(condition),
        fold=condition.operator.endswith("ignorecase"),
    )


def _variables(condition: Condition) -> frozenset[str]:
    found = (variables_of(value) for value in condition.values if condition.variables)
    return frozenset().union(*found)


def _takes_any_address(constraint: Constraint) -> bool:
    return any(glob in (ANY, f"{ANY}@{ANY}") for glob in constraint.globs)


def _value(
    action: str, key: str, literals: Sequence[tuple[Condition, bool]], context: Context
) -> tuple[str, ...] | None:
    """Return values of the key with which all literals hold, none if it can be absent.

    None if there are no such values.
    """
    if key == ses_actions.API_VERSION:
        versions = _VERSIONS.get(action, _EITHER_VERSION)
        return next(((v,) for v in versions if _all_hold(literals, (v,), key, context)), None)
    if key != ses_actions.RECIPIENTS and _all_hold(literals, None, key, context):
        return ()
    # What all values have to be like, and what one of them has to be like.
    every: list[Constraint] = []
    one: list[Constraint] = []
    for condition, wanted in literals:
        constraint = _constraint(condition, wanted, context)
        if constraint is False:
            return None
        if constraint is True:
            continue
        of_all = condition.quantifier is (Quantifier.ALL if wanted else Quantifier.ANY)
        (every if of_all or key not in MULTIVALUED else one).append(constraint)
    values = [find_text([*every, constraint]) for constraint in one] or [find_text(every)]
    return tuple(dict.fromkeys(v for v in values if v is not None)) if None not in values else None


def _all_hold(
    literals: Iterable[tuple[Condition, bool]],
    values: tuple[str, ...] | None,
    key: str,
    context: Context,
) -> bool:
    known = {**context.values, **({key: values} if values is not None else {})}
    with_key = Context(known, context.unknown - {key})
    return all(holds(condition, with_key) in (wanted, None) for condition, wanted in literals)
