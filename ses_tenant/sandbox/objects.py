"""moto's objects as JSON and back, whatever they are, without running anything that a file says.

An object is its class and its attributes: it is made without its constructor, and only of a class
of moto's. So a file can hold an account, and can do nothing.
"""

import base64
import re
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any

from moto.core.base_backend import BaseBackend

_PLAIN = (str, int, float, bool, type(None))
_LISTS: Mapping[str, type] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_TEXTS: Mapping[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "decimal": (Decimal, str, Decimal),
    "bytes": (bytes, lambda b: base64.b64encode(b).decode(), base64.b64decode),
    "pattern": (re.Pattern, lambda p: str(p.pattern), re.compile),
}
# What makes the missing entries of a defaultdict.
_FACTORIES: Mapping[str, type] = {t.__name__: t for t in (dict, list, set, int, str, OrderedDict)}

# Finds a backend by service, account and Region.
Backends = Callable[[str, str, str], Any]


class NotKeptError(TypeError):
    """An object that cannot be written as JSON."""


@dataclass
class Writer:
    """Turns objects into JSON; an object that it meets again becomes a reference to the first."""

    _seen: dict[int, int] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)  # so that no id is used twice

    def write(self, value: object) -> Any:
        """Return `value` as what json.dumps takes. Raises NotKeptError."""
        if type(value) in _PLAIN:
            return value
        for name, (kind, text, _) in _TEXTS.items():
            if type(value) is kind:
                return {"$": name, "text": text(value)}
        if isinstance(value, Enum):
            return {"$": "enum", "class": _name(type(value)), "value": self.write(value.value)}
        if isinstance(value, BaseBackend):
            return {"$": "backend", "of": [_service(value), value.account_id, value.region_name]}
        if isinstance(value, type) and _FACTORIES.get(value.__name__) is value:
            return {"$": "type", "name": value.__name__}
        if id(value) in self._seen:
            return {"$": "again", "number": self._seen[id(value)]}
        self._seen[id(value)] = len(self._kept)
        self._kept.append(value)
        return (
            self._container(value) if type(value).__module__ == "builtins" else self._object(value)
        )

    def _container(self, value: object) -> Any:
        match value:
            case dict():
                return {"$": "dict", "items": self._items(value)}
            case list():
                return {"$": "list", "items": [self.write(item) for item in value]}
            case tuple() | set() | frozenset():
                name = type(value).__name__
                return {"$": name, "items": [self.write(item) for item in value]}
            case _:
                raise NotKeptError(f"{type(value).__name__} cannot be kept")

    def _object(self, value: Any) -> Any:
        written: dict[str, Any] = {"$": "object", "class": _name(type(value))}
        if isinstance(value, dict):
            written["items"] = self._items(value)
        if isinstance(value, defaultdict) and value.default_factory in _FACTORIES.values():
            written["factory"] = self.write(value.default_factory)
        elif isinstance(value, list):
            written["list"] = [self.write(item) for item in value]
        return {**written, "state": {k: self.write(v) for k, v in _attributes(value).items()}}

    def _items(self, value: Mapping[Any, Any]) -> list[Any]:
        return [[self.write(k), self.write(v)] for k, v in value.items()]


@dataclass
class Reader:
    """Turns back what a Writer wrote.

    Raises ValueError, KeyError, TypeError or AttributeError for anything else.
    """

    backends: Backends
    _made: list[object] = field(default_factory=list)

    def read(self, value: Any) -> Any:
        """Return the object."""
        if not isinstance(value, dict):
            if type(value) in _PLAIN:
                return value
            raise ValueError("a list without its kind")
        kind = value["$"]
        if kind in _TEXTS:
            return _TEXTS[kind][2](value["text"])
        match kind:
            case "enum":
                return _class(value["class"], Enum)(self.read(value["value"]))
            case "backend":
                service, account_id, region = map(str, value["of"])
                return self.backends(service, account_id, region)
            case "type":
                return _FACTORIES[value["name"]]
            case "again":
                return self._made[value["number"]]
            case "dict" | "list":
                return self._filled({} if kind == "dict" else [], value)
            case "object":
                cls = _class(value["class"], object)
                return self._filled(cls.__new__(cls), value)
            case _:
                number = len(self._made)
                self._made.append(None)
                made = _LISTS[kind](self.read(item) for item in value["items"])
                self._made[number] = made
                return made

    def _filled(self, made: Any, value: Mapping[str, Any]) -> Any:
        self._made.append(made)
        if isinstance(made, dict):
            setter = OrderedDict if isinstance(made, OrderedDict) else dict
            for key, item in value["items"]:
                # By the class itself: what moto adds to it may look at attributes, which come last.
                setter.__setitem__(made, self.read(key), self.read(item))
        elif isinstance(made, list):
            made.extend(self.read(item) for item in value.get("list", value.get("items", ())))
        if isinstance(made, defaultdict):
            made.default_factory = self.read(value.get("factory"))
        for name, item in value.get("state", {}).items():
            vars(made)[name] = self.read(item)
        return made


def put_back(into: Any, attributes: Mapping[str, Any]) -> None:
    """Give a backend the attributes that were read; its own default factories stay."""
    for name, value in attributes.items():
        present = vars(into).get(name)
        if isinstance(present, defaultdict) and isinstance(value, dict):
            present.clear()
            present.update(value)
        else:
            vars(into)[name] = value


def _attributes(value: object) -> Mapping[str, object]:
    return getattr(value, "__dict__", {})


def _name(cls: type) -> str:
    if not _may_be_kept(cls):
        raise NotKeptError(f"{cls.__module__}.{cls.__qualname__} cannot be kept")
    return f"{cls.__module__}:{cls.__qualname__}"


def _may_be_kept(cls: type) -> bool:
    return cls in (OrderedDict, defaultdict) or (
        cls.__module__.startswith("moto.") and not issubclass(cls, BaseBackend)
    )


def _class(name: str, base: type) -> Any:
    module, _, path = str(name).partition(":")
    if module != "collections" and not module.startswith("moto."):
        raise ValueError("a class that is not moto's")
    found: Any = sys.modules.get(module) or import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not isinstance(found, type) or not issubclass(found, base) or not _may_be_kept(found):
        raise ValueError("a class that is not kept")
    return found


def _service(backend: BaseBackend) -> str:
    return type(backend).__module__.split(".")[1]
