"""Commands whose options that need no conversion are not converted.

Typer converts every value with pydantic, also a text that is asked for as a text and an option that
was not given. To import pydantic and to build its adapters takes a fifth of the time of `create`.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

_Parameter = TypeVar("_Parameter")


class Verb(TyperCommand):
    """The command of a verb; it takes and refuses what Typer's own command does."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """Return the parameters; they keep what is as it should be already."""
        return keeping(super().get_params(ctx))


def keeping(parameters: Sequence[_Parameter]) -> list[_Parameter]:
    """Return the parameters, each of which asks Typer only for what has to be converted."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption | TyperArgument):
            process_value = type(parameter).process_value
            parameter.process_value = partial(_process, parameter, process_value)  # type: ignore[method-assign]
    return list(parameters)


def _process(
    parameter: TyperOption | TyperArgument,
    process_value: Callable[[Any, typer.Context, Any], Any],
    ctx: typer.Context,
    value: Any,
) -> Any:
    if not _needs_no_conversion(parameter, value):
        return process_value(parameter, ctx, value)
    if value is None and (parameter.multiple or parameter.nargs == -1):
        value = ()
    elif isinstance(value, tuple):
        value = list(value)
    return parameter.callback(ctx, parameter, value) if parameter.callback else value


def _needs_no_conversion(parameter: TyperOption | TyperArgument, value: Any) -> bool:
    """Tell whether Typer would return the value as it is, None as an empty tuple where many fit."""
    descriptor = getattr(parameter, "type_descriptor", None)
    annotation = getattr(descriptor, "annotation", None)
    if annotation is None:
        return False  # another version of Typer, which does it in another way
    if value is None:
        return not parameter.required
    if annotation is str or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return isinstance(value, annotation)
    return (
        annotation == list[str]
        and isinstance(value, list | tuple)
        and all(isinstance(item, str) for item in value)
        and (bool(value) or not parameter.required)
    )
