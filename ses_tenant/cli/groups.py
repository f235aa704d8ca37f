"""Groups of verbs: how help lists them, and the options that are taken before a verb as well."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

_ELSE = "Commands"


class VerbGroup(TyperGroup):
    """A command with verbs, which its help lists by the panel of each, with whole summaries."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the verbs, then the options."""
        self._format_verbs(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write nothing: the verbs come before the options."""

    def _format_verbs(self, ctx: typer.Context, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            verb = self.get_command(ctx, name)
            if verb is not None and not verb.hidden:
                panel = getattr(verb, "rich_help_panel", None)
                title = panel if isinstance(panel, str) else _ELSE
                panels.setdefault(title, []).append((name, summary(verb.help or "")))
        longest = max((len(name) for rows in panels.values() for name, _ in rows), default=0)
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), told) for name, told in rows])


def summary(text: str) -> str:
    """Return the first paragraph of a help text, as one line."""
    return " ".join(text.strip().split("\n\n", maxsplit=1)[0].split())


def after_the_verb(
    args: Sequence[str], options: Mapping[str, bool], commands: Mapping[str, Any]
) -> tuple[list[str], str]:
    """Return the arguments with the options that precede a verb behind it, and the verb's name.

    `options` tells of each option's name whether it is followed by a value. The name is empty
    where no verb is found: then the arguments are returned as they are.
    """
    moved: list[str] = []
    path: list[str] = []
    rest = list(args)
    while rest:
        if rest[0] in commands:
            path.append(rest.pop(0))
            commands = getattr(commands[path[-1]], "commands", {})
            if not commands:
                break
            continue
        taken = _words_of_option(rest, options)
        if not taken:
            break
        moved += rest[:taken]
        del rest[:taken]
    return ([*path, *moved, *rest] if path else list(args)), " ".join(path)


def names_of_options(parameters: Iterable[object]) -> dict[str, bool]:
    """Return the names of the options that a verb may have, and of each whether a value follows.

    What ends the command at once, such as --version, is no option of a verb.
    """
    return {
        name: not parameter.is_flag
        for parameter in parameters
        if isinstance(parameter, TyperOption) and not parameter.is_eager
        for name in parameter.opts
    }


def _words_of_option(args: Sequence[str], options: Mapping[str, bool]) -> int:
    """Return how many words the option is that the arguments begin with; 0 for no such option."""
    word = args[0]
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        if name not in options:
            return 0
        return 2 if options[name] and not equals else 1
    if not word.startswith("-") or word == "-":
        return 0
    for place, letter in enumerate(word[1:], 1):
        if f"-{letter}" not in options:
            return 0
        if options[f"-{letter}"]:  # what is left of the word is its value, else the next word
            return 1 if word[place + 1 :] else 2
    return 1
