"""One condition of a policy statement: an operator, a key, and the values to compare it with.

Answers are True, False, or None where they hang on something that is not known.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

from ses_tenant.core.iam.globs import glob, matches
from ses_tenant.core.iam.keys import family
from ses_tenant.core.iam.ses_actions import MULTIVALUED

ABSENT = "\0"  # no policy and no request holds it
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"([^,]+), +'([^']*)' *")
_ESCAPES = {"*", "?", "$"}
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*")


class Quantifier(StrEnum):
    """How a condition judges a key of several values."""

    NONE = ""
    ALL = "forallvalues:"
    ANY = "foranyvalue:"


@dataclass(frozen=True)
class Condition:
    """A condition as written; `operator` is its bare name in lower case."""

    operator: str
    key: str
    values: tuple[str, ...]
    quantifier: Quantifier = Quantifier.NONE
    if_exists: bool = False
    variables: bool = True

    @cached_property
    def plain(self) -> tuple[str, ...] | None:
        """Return the values as globs, if there is no policy variable in them."""
        if self.variables and any("$" in value for value in self.values):
            return None
        return tuple(map(glob, self.values)) if self.operator in _WILD else self.values

    def __str__(self) -> str:
        """Return the condition as a person reads it."""
        name = _SPELLED.get(self.operator, self.operator)
        quantifier = {"": "", "forallvalues:": "ForAllValues:", "foranyvalue:": "ForAnyValue:"}
        tail = "IfExists" if self.if_exists else ""
        values = " or ".join(self.values)
        return f"{quantifier[self.quantifier]}{name}{tail} {self.key} {values}"


@dataclass(frozen=True)
class Context:
    """What is known of a request: values by key in lower case; `unknown` keys may have any.

    `unknown` holds keys and families of keys, as `family` calls them. Any other key is absent.
    """

    values: Mapping[str, tuple[str, ...]]
    unknown: frozenset[str] = frozenset()

    def is_unknown(self, key: str) -> bool:
        """Tell whether nobody knows the value of the key, nor whether there is one."""
        return key not in self.values and (key in self.unknown or family(key) in self.unknown)


def parse_condition(
    operator: str, key: str, values: Iterable[str], *, variables: bool
) -> Condition:
    """Return the condition that stands in a policy; `variables` if its version has them."""
    name = operator.lower()
    quantifier = next(q for q in reversed(Quantifier) if name.startswith(q.value))
    name = name.removeprefix(quantifier.value)
    if_exists = name.endswith("ifexists")
    return Condition(
        name.removesuffix("ifexists"), key.lower(), tuple(values), quantifier, if_exists, variables
    )


def known_operator(condition: Condition) -> bool:
    """Tell whether IAM has such an operator."""
    return condition.operator == "null" or condition.operator in _OPERATORS


def negated(condition: Condition) -> bool:
    """Tell whether the operator is one of the `Not` kind, which an absent key fulfils."""
    return "not" in condition.operator


def holds(condition: Condition, context: Context) -> bool | None:
    """Tell whether the condition is fulfilled; None where that is not known.

    A negated operator is fulfilled by an absent key, and so are IfExists and ForAllValues;
    ForAnyValue never is. Not known to hold: an operator that IAM does not have, and one without
    ForAllValues or ForAnyValue on a key of several values, of which AWS does not say what it does.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    """
    key = condition.key
    if not known_operator(condition) or context.is_unknown(key):
        return None
    present = context.values.get(key)
    if condition.operator == "null":
        return any((value.lower() == "true") == (present is None) for value in condition.values)
    if present is None:
        if condition.quantifier is Quantifier.ANY:
            return False
        return condition.quantifier is Quantifier.ALL or condition.if_exists or negated(condition)
    if condition.quantifier is Quantifier.NONE and key in MULTIVALUED:
        return None
    each = [_one(condition, value, context) for value in present]
    return all_of(each) if condition.quantifier is Quantifier.ALL else any_of(each)


def _one(condition: Condition, value: str, context: Context) -> bool | None:
    """Tell whether one value of the key is what the condition wants."""
    compare, well_formed = _OPERATORS[condition.operator]
    textual = condition.operator.startswith(("string", "arn", "bool"))
    wanted = wanted_globs(condition, context) if textual else condition.values
    if wanted is None or not well_formed(value):
        return False
    sound = [each for each in wanted if each is None or well_formed(each)]
    if not sound and wanted:
        return False
    either = any_of(None if each is None else compare(each, value) for each in sound)
    return (None if either is None else not either) if negated(condition) else either


def wanted_globs(condition: Condition, context: Context) -> tuple[str | None, ...] | None:
    """Return the condition's values as globs, their policy variables filled in.

    None among them stands for one whose variable is not known. One whose variable is absent is
    left out: it matches nothing. None alone if that makes a negated condition void.
    """
    if condition.plain is not None:
        return condition.plain
    wild = condition.operator in _WILD
    found = [fill(value, context, wild=wild) for value in condition.values]
    # A variable that cannot be resolved must not make a statement apply to more.
    if negated(condition) and any(each is not None and ABSENT in each for each in found):
        return None
    return tuple(each for each in found if each is None or ABSENT not in each)


def fill(text: str, context: Context, *, wild: bool = True) -> str | None:
    """Return `text` as a glob with its policy variables filled in.

    None if a variable is not known; ABSENT stands for one that is absent. Without `wild`, `*` and
    `?` are plain characters.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    parts, end = [], 0
    plain: Callable[[str], str] = glob if wild else str
    for found in _VARIABLE.finditer(text):
        parts.append(plain(text[end : found.start()]))
        end = found.end()
        name, default = found[1].strip(), None
        if name in _ESCAPES:
            parts.append(name)
            continue
        if with_default := _DEFAULT.fullmatch(name):
            name, default = with_default[1].strip(), with_default[2]
        name = name.lower()
        if context.is_unknown(name):
            return None
        values = () if name in MULTIVALUED else context.values.get(name, ())
        value = values[0] if len(values) == 1 else default
        parts.append(ABSENT if value is None else value)
    return "".join([*parts, plain(text[end:])])


def variables_of(text: str) -> frozenset[str]:
    """Return the names of the policy variables in a text, in lower case."""
    names = (found[1].partition(",")[0] for found in _VARIABLE.finditer(text))
    return frozenset(name.strip().lower() for name in names)


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """Return whether all are true: False if one is not, None if that is not known."""
    found = list(answers)
    return False if False in found else None if None in found else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Return whether one is true: None if that is not known."""
    found = list(answers)
    return True if True in found else None if None in found else False


def _number(text: str) -> Decimal | None:
    return Decimal(text.strip()) if _NUMBER.fullmatch(text) else None


def _date(text: str) -> datetime | None:
    """Return a date in one of IAM's ISO 8601 forms, or in seconds since 1970."""
    try:
        if re.fullmatch(r"\d{5,}", text):
            return datetime.fromtimestamp(int(text), UTC)
        filled = f"{text}-01" if re.fullmatch(r"\d{4}-\d\d", text) else text
        filled = f"{text}-01-01" if re.fullmatch(r"\d{4}", text) else filled
        moment = datetime.fromisoformat(filled)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _within(wanted: str, value: str) -> bool:
    match _network(wanted), _network(value):
        case IPv4Network() as outer, IPv4Network() as inner:
            return inner.subnet_of(outer)
        case IPv6Network() as outer, IPv6Network() as inner:
            return inner.subnet_of(outer)
        case _:
            return False


def _is_arn(text: str) -> bool:
    return text.startswith("arn:")


def _arn(wanted: str, value: str) -> bool:
    parts, of = wanted.split(":", 5), value.split(":", 5)
    return len(parts) == len(of) and all(map(matches, parts, of))


def _ordered(
    parse: Callable[[str], Decimal | None] | Callable[[str], datetime | None], signs: str
) -> Callable[[str, str], bool]:
    def compare(wanted: str, value: str) -> bool:
        left, right = parse(value), parse(wanted)
        assert left is not None, "checked before"
        assert right is not None, "checked before"
        sign = "=" if left == right else "<" if left < right else ">"  # type: ignore[operator]
        return sign in signs

    return compare


def _lower_equal(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


def _equal(wanted: str, value: str) -> bool:
    return wanted == value


def _is_boolean(text: str) -> bool:
    return text.lower() in ("true", "false")


def _is_number(text: str) -> bool:
    return _number(text) is not None


def _is_date(text: str) -> bool:
    return _date(text) is not None


def _is_network(text: str) -> bool:
    return _network(text) is not None


def _is_text(_: str) -> bool:
    return True


_Compare = Callable[[str, str], bool]
_Check = Callable[[str], bool]
_SIGNS = {
    "equals": "=",
    "notequals": "=",
    "lessthan": "<",
    "lessthanequals": "<=",
    "greaterthan": ">",
    "greaterthanequals": ">=",
}
# How each operator compares, and what both values have to be for it or its negation to hold.
_OPERATORS: Mapping[str, tuple[_Compare, _Check]] = {
    "stringequals": (_equal, _is_text),
    "stringnotequals": (_equal, _is_text),
    "stringequalsignorecase": (_lower_equal, _is_text),
    "stringnotequalsignorecase": (_lower_equal, _is_text),
    "stringlike": (matches, _is_text),
    "stringnotlike": (matches, _is_text),
    "bool": (_lower_equal, _is_boolean),
    "binaryequals": (_equal, _is_text),
    "ipaddress": (_within, _is_network),
    "notipaddress": (_within, _is_network),
    **{f"arn{name}": (_arn, _is_arn) for name in ("equals", "like", "notequals", "notlike")},
    **{f"numeric{name}": (_ordered(_number, signs), _is_number) for name, signs in _SIGNS.items()},
    **{f"date{name}": (_ordered(_date, signs), _is_date) for name, signs in _SIGNS.items()},
}
_WILD = frozenset(
    {"stringlike", "stringnotlike", "arnequals", "arnlike", "arnnotequals", "arnnotlike"}
)
_SPELLED = {
    name.lower(): name
    for name in (
        "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
        "StringLike", "StringNotLike", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress",
        "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null",
        *(f"{kind}{sign}" for kind in ("Numeric", "Date") for sign in (
            "Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals",
        )),
    )
}  # fmt: skip
