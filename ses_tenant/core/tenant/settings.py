"""How a setting of a tenant is declared: once, where its field is.

The options of `create`, `policy` and `adopt`, the tag, the tenants file with its schema, `export`
and `show` follow from the declaration. To add one that shapes the sending policy: a field of
`spec.SendingOptions` with `setting(...)`; another text that is remembered: a field of
`spec.TenantSpec` with `setting(..., tag=...)`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field
from enum import StrEnum
from typing import Any

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming


@dataclass(frozen=True)
class Kind:
    """What the values of a setting are.

    `parse` returns the value that a text stands for, and raises SesTenantError; `schema` is what
    JSON Schema says of one. `many`: the setting holds a tuple of values. `choice`: only these.
    `flag`: true or false, and no text; `pairs`: texts by name.
    """

    parse: Callable[[str], object]
    schema: Mapping[str, object]
    many: bool = False
    choice: type[StrEnum] | None = None
    flag: bool = False
    pairs: bool = False


@dataclass(frozen=True)
class Setting:
    """A setting: `name` is what files and errors call it, `field` what code and JSON do.

    `help` is told of the option, `described` of the key in a file. `option` is the option's
    whole name; one with a slash chooses between two values of the kind. `clears`: the option's
    value 'none' stands for no value at all. `sends`: it shapes the sending policy. `tag`: what
    remembers a text of its own, and `tag_default` whether it says the default, too.
    """

    name: str
    field: str
    kind: Kind
    default: object
    help: str
    described: str
    option: str
    metavar: str | None
    clears: bool
    sends: bool
    tag: str
    tag_default: bool

    @property
    def item(self) -> str:
        """Return what the tag `ses-tenant:sending` calls it."""
        return self.option.partition("/")[0].removeprefix("--")

    @property
    def nothing(self) -> object:
        """Return what a request holds for the default; None asks to keep what is remembered."""
        return () if self.clears else self.default

    def data(self, value: object) -> object:
        """Return a value as JSON and TOML have it."""
        match value:
            case None | bool():
                return value
            case tuple():
                return [str(item) for item in value]
            case Mapping():
                return dict(value)
            case _:
                return str(value)

    def tags(self, value: object) -> dict[str, str]:
        """Return a value as the tags of its own that remember it."""
        if not value or (value == self.default and not self.tag_default):
            return {}
        return naming.tag_text(self.tag, str(value))

    def items(self, value: object) -> list[str]:
        """Return a value as items of the tag `ses-tenant:sending`; none for the default."""
        if value == self.default:
            return []
        if self.kind.flag:
            return [self.item]
        return [f"{self.item}={v}" for v in (value if isinstance(value, tuple) else (value,))]

    def check(self, value: object) -> None:
        """Check a value that a request holds. Raises SesTenantError that names this setting."""
        texts = value if isinstance(value, tuple) else (value,)
        for text in texts:
            if isinstance(text, str):
                self.parsed(text)

    def parsed(self, text: str) -> object:
        """Return the value that a text stands for. Raises SesTenantError with this setting."""
        try:
            return self.kind.parse(text)
        except SesTenantError as error:
            raise error.of_settings(self.name) from error


def setting(
    kind: Kind,
    *,
    default: Any,
    help: str,  # noqa: A002 - as Typer calls it
    described: str,
    name: str = "",
    option: str = "",
    metavar: str | None = None,
    clears: bool = False,
    sends: bool = False,
    tag: str = "",
    tag_default: bool = False,
) -> Any:
    """Declare the field of a dataclass as a setting."""
    made = {
        "kind": kind, "help": help, "described": described, "name": name, "option": option,
        "metavar": metavar, "clears": clears, "sends": sends, "tag": tag,
        "tag_default": tag_default,
    }  # fmt: skip
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=made)
    return field(default=default, metadata=made)


def settings_of(fields: tuple[Field[Any], ...]) -> tuple[Setting, ...]:
    """Return the settings among the fields of a dataclass, in their order."""
    found = []
    for each in fields:
        if each.metadata:
            made = dict(each.metadata)
            name = made.pop("name") or each.name.replace("_", "-")
            option = made.pop("option") or f"--{name}"
            made["default"] = {} if made["kind"].pairs else each.default
            found.append(Setting(name=name, field=each.name, option=option, **made))
    return tuple(found)


def choice(values: type[StrEnum]) -> Kind:
    """Return the kind whose values are those of an enumeration."""

    def parse(text: str) -> StrEnum:
        if text not in list(values):
            told = " or ".join(f"'{value}'" for value in values)
            raise SesTenantError(ErrorCode.USAGE, f"'{text}' must be {told}.")
        return values(text)

    return Kind(parse, {"enum": [value.value for value in values]}, choice=values)


def matching(pattern: str, problem: str, hint: str, *, many: bool = False) -> Kind:
    """Return the kind of texts of a pattern that Python and JSON Schema read alike."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise SesTenantError(ErrorCode.USAGE, f"'{text}' {problem}.", hint)
        return text

    return Kind(parse, {"type": "string", "pattern": f"^{pattern}$"}, many)


def _domain(text: str) -> object:
    from ses_tenant.core.domain import SendingDomain

    return SendingDomain.parse(text)


def _region(text: str) -> object:
    from ses_tenant.core.regions import check_region

    return check_region(text)


_SOME_TEXT: Mapping[str, object] = {"type": "string", "minLength": 1}
FLAG = Kind(lambda text: text, {"type": "boolean"}, flag=True)
TEXT = Kind(lambda text: text, _SOME_TEXT)
DOMAIN = Kind(_domain, _SOME_TEXT)
DOMAINS = Kind(_domain, _SOME_TEXT, many=True)
_A_REGION: Mapping[str, object] = {
    "type": "string",
    "pattern": "^[a-z]{2,8}(-[a-z]+){1,3}-[0-9]{1,2}$",
}
REGION = Kind(_region, _A_REGION)
REGIONS = Kind(_region, _A_REGION, many=True)
TAGS = Kind(lambda text: text, {"type": "string", "maxLength": 256}, pairs=True)
