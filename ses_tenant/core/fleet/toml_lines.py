"""Where each key of a TOML document stands: tomllib gives the values, not their lines."""

from collections.abc import Mapping

import tomlkit
from tomlkit.container import Container
from tomlkit.items import AoT, Array, Table, Whitespace

KeyPath = tuple[str, ...]


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Return the line, counted from 1, of each table, key and text in a list of a TOML document.

    tomlkit keeps a document as a tree whose parts, one after the other, are the text; so the line
    of a part is the number of line ends in all parts before it.
    """
    found: dict[KeyPath, int] = {}
    _walk(tomlkit.parse(text), (), 1, found)
    return found


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of the path, or of the nearest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _walk(container: Container, path: KeyPath, line: int, found: dict[KeyPath, int]) -> int:
    """Note the keys of a container that begins at `line`; return the line behind it."""
    for key, item in container.body:
        here = path if key is None else (*path, key.key)
        if isinstance(item, Whitespace):
            line += item.as_string().count("\n")
        elif isinstance(item, Table | AoT):
            for table in [item] if isinstance(item, Table) else item.body:
                if not table.is_super_table():  # one that has a header of its own
                    found.setdefault(here, line)
                    line += table.trivia.trail.count("\n")
                line = _walk(table.value, here, line, found)
        elif key is None:  # a comment
            line += item.as_string().count("\n")
        else:
            found.setdefault(here, line)
            if isinstance(item, Array):
                _note_texts(item, here, line, found)
            line += (item.as_string() + item.trivia.trail).count("\n")
    return line


def _note_texts(array: Array, path: KeyPath, line: int, found: dict[KeyPath, int]) -> None:
    """Note the texts of a list that begins at `line`, by their numbers."""
    whole, position = array.as_string(), 0
    for number, item in enumerate(array):
        position = max(position, whole.find(item.as_string(), position))
        found.setdefault((*path, str(number)), line + whole.count("\n", 0, position))
        position += len(item.as_string())
