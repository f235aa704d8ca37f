"""A table of a TOML document, read value by value; what is wrong is noted and reading goes on."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar, cast

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.fleet.toml_lines import KeyPath
from ses_tenant.core.regions import check_region
from ses_tenant.core.rotation.decision import duration
from ses_tenant.core.tenant.settings import Setting

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)
Table = Mapping[str, object]


@dataclass
class Problems:
    """The mistakes found so far."""

    found: list[tuple[KeyPath, str]] = field(default_factory=list)

    def add(self, path: KeyPath, text: str) -> None:
        """Note a mistake."""
        self.found.append((path, text))

    def unknown(self, path: KeyPath, known: Sequence[str]) -> None:
        """Note a key that is not known, with the one that was probably meant."""
        near = get_close_matches(path[-1].lower().replace("_", "-"), known, n=1, cutoff=0.6)
        where = f"[{'.'.join(map(quoted, path[:-1]))}]" if path[:-1] else "the file"
        hint = f"did you mean '{near[0]}'?" if near else f"it may have {', '.join(known)}"
        self.add(path, f"unknown key '{path[-1]}' in {where}; {hint}")

    def tried(self, path: KeyPath, make: Callable[[], _T]) -> _T | None:
        """Return what `make` returns, or note why it fails."""
        try:
            return make()
        except SesTenantError as error:
            for name in error.settings[:1]:
                path = path if path[-1:] == (name,) else (*path, name)
            self.add(path, f"{error.message} {error.hint}".strip())
            return None


@dataclass(frozen=True)
class TableReader:
    """One table's values, each checked for its type; what it lacks is taken from `defaults`.

    `path` is where the table stands, `defaults_path` where its defaults do.
    """

    table: Table
    path: KeyPath
    problems: Problems
    defaults: Table = field(default_factory=dict)
    defaults_path: KeyPath = ("defaults",)

    def only(self, known: Sequence[str]) -> None:
        """Note all keys that are not known."""
        for key in self.table:
            if key not in known:
                self.problems.unknown((*self.path, key), known)

    def at(self, key: str) -> KeyPath:
        """Return where the value stands: here, or in the defaults."""
        own = key in self.table or key not in self.defaults
        return (*(self.path if own else self.defaults_path), key)

    def inner(self, key: str) -> "TableReader | None":
        """Return a table in this one, with its defaults; None where neither has it."""
        if key not in self.table and key not in self.defaults:
            return None
        for values, path in ((self.table, self.path), (self.defaults, self.defaults_path)):
            if not isinstance(values.get(key, {}), dict):
                self.problems.add((*path, key), f"'{key}' must be a table")
                return None
        own, defaults = self.table.get(key, {}), self.defaults.get(key, {})
        return TableReader(
            cast("Table", own), (*self.path, key), self.problems,
            cast("Table", defaults), (*self.defaults_path, key),
        )  # fmt: skip

    def text(self, key: str) -> str | None:
        """Return a text, or None where there is none."""
        value = self._value(key)
        if isinstance(value, str) and value:
            return value
        self._none(key, value, "a text in quotes, not empty")
        return None

    def flag(self, key: str) -> bool | None:
        """Return true or false, or None where there is neither."""
        value = self._value(key)
        if isinstance(value, bool):
            return value
        self._none(key, value, "true or false, without quotes")
        return None

    def number(self, key: str) -> int | None:
        """Return a whole number from 0 on, or None where there is none."""
        value = self._value(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._none(key, value, "a whole number, 0 or more")
        return None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return a list of texts, or None where there is none."""
        value = self._value(key)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self._none(key, value, f'a list of texts: {key} = ["..."]')
        return None

    def setting(self, setting: Setting, parse: Callable[[str], object]) -> object | None:
        """Return the value of a tenant's setting, or None where there is none."""
        kind, key = setting.kind, setting.name
        if kind.pairs:
            return self.tags() or None
        if kind.flag:
            return self.flag(key)
        if kind.choice is not None:
            return self.choice(key, kind.choice)
        if kind.many:
            return self.each(key, parse)
        text = self.text(key)
        value = None if text is None else self.problems.tried(self.at(key), lambda: parse(text))
        return (value,) if setting.clears and value is not None else value

    def regions(self) -> tuple[str, ...] | None:
        """Return the list of Regions, or None where there is none."""
        return self.each("regions", check_region)

    def choice(self, key: str, kind: type[_E]) -> _E | None:
        """Return one of the values of `kind`, or None where there is none."""
        text = self.text(key)
        if text is None or text in list(kind):
            return None if text is None else kind(text)
        self._none(key, text, " or ".join(f"'{value}'" for value in kind))
        return None

    def duration(self, key: str) -> timedelta | None:
        """Return a time such as 90d, or None where there is none."""
        text = self.text(key)
        if text is None:
            return None
        return self.problems.tried(self.at(key), lambda: duration(key, text))

    def tags(self) -> dict[str, str]:
        """Return the tags: the defaults' and the tenant's own."""
        found: dict[str, str] = {}
        for table, path in ((self.defaults, self.defaults_path), (self.table, self.path)):
            value = table.get("tags", {})
            if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
                found |= value
            else:
                self.problems.add((*path, "tags"), "'tags' must be a table of texts")
        return found

    def each(self, key: str, make: Callable[[str], _T]) -> tuple[_T, ...] | None:
        """Return what `make` makes of each text of a list, or None where there is none."""
        texts = self.texts(key)
        if texts is None:
            return None
        made = [
            self.problems.tried((*self.at(key), str(number)), lambda text=text: make(text))  # type: ignore[misc]
            for number, text in enumerate(texts)
        ]
        return tuple(value for value in made if value is not None)

    def _value(self, key: str) -> object:
        return self.table.get(key, self.defaults.get(key))

    def _none(self, key: str, value: object, wanted: str) -> None:
        """Note that a value is wrong, if there is one."""
        if value is not None:
            self.problems.add(self.at(key), f"'{key}' must be {wanted}")


def quoted(key: str) -> str:
    """Return a key as TOML writes it in a table's header."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'
