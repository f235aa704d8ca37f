"""A policy document taken apart into its statements, as IAM reads it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.conditions import (
    ABSENT,
    Condition,
    Context,
    any_of,
    fill,
    parse_condition,
)
from ses_tenant.core.iam.globs import ANY, glob, matches, matches_arn


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, taken apart; `label` is what people call it.

    `actions` are globs in lower case, `written` the same as they stand in the policy.
    """

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
    written: tuple[str, ...] = ()

    def names_action(self, action: str) -> bool:
        """Tell whether the statement is about the action, given in lower case."""
        return names_action(self.actions, self.not_actions, action)

    def names_resource(self, resource: str, context: Context) -> bool | None:
        """Tell whether the statement is about the resource; None if that is not known.

        A variable may not be known, and of some ARNs it is not clear what they match.
        """
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
        if self._plain is not None:
            return self._plain
        absent = ANY if self.not_resources else ABSENT
        globs = (fill(resource, context) for resource in self.resources)
        return tuple(g if g is None else g.replace(ABSENT, absent) for g in globs)

    @cached_property
    def _plain(self) -> tuple[str, ...] | None:
        """Return the element as globs, if there is no policy variable in it."""
        filled = self.variables and any("$" in resource for resource in self.resources)
        return None if filled else tuple(map(glob, self.resources))


@lru_cache(maxsize=1 << 16)
def names_action(actions: tuple[str, ...], not_actions: bool, action: str) -> bool:
    """Tell whether one of the globs, or with `not_actions` none of them, matches the action."""
    return any(matches(each, action) for each in actions) != not_actions


@dataclass(frozen=True)
class Policy:
    """A policy by name, with its document as IAM holds it."""

    name: str
    document: Mapping[str, object]

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Return its statements. Raises SesTenantError `usage` if it is none that IAM takes."""
        return tuple(_statements(self))


def _statements(policy: Policy) -> Iterable[Statement]:
    variables = policy.document.get("Version") == "2012-10-17"
    for number, statement in enumerate(_sequence(policy.document.get("Statement")), start=1):
        if not isinstance(statement, Mapping):
            raise _bad(policy, f"statement {number} is no object")
        yield _statement(policy, statement, number, variables=variables)


def _statement(
    policy: Policy, statement: Mapping[str, object], number: int, *, variables: bool
) -> Statement:
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise _bad(policy, f"the Effect of statement {number} is {effect!r}")
    actions, not_actions = _either(policy, statement, "Action", number)
    # The policy of an email identity is about that identity, and may leave its ARN out.
    inherent = "Resource" not in statement and "NotResource" not in statement
    resources, not_resources = (
        (("*",), False) if inherent else _either(policy, statement, "Resource", number)
    )
    principals, not_principals = None, False
    for key in ("Principal", "NotPrincipal"):
        if key in statement:
            principals, not_principals = _principals(statement[key]), key == "NotPrincipal"
    return Statement(
        label=f"the statement {statement.get('Sid') or f'number {number}'} "
        f"of the policy {policy.name}",
        allow=effect == "Allow",
        actions=tuple(glob(action.lower()) for action in actions),
        not_actions=not_actions,
        resources=resources,
        not_resources=not_resources,
        conditions=tuple(_conditions(policy, statement, number, variables=variables)),
        variables=variables,
        principals=principals,
        not_principals=not_principals,
        written=actions,
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
