"""The states language, as much of it as the template needs: interpreted here, without waiting.

https://states-language.net/spec.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Function = Callable[[Any], Any]


class TaskFailedError(Exception):
    """What a function raises to fail its task with an error of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Machine:
    """Runs a definition; each Task is a call of `function`. `waited` are the pauses, in seconds."""

    definition: Mapping[str, Any]
    function: Function
    waited: list[float] = field(default_factory=list)

    def run(self, value: Any) -> Any:
        """Return the output. Raises TaskFailedError where the execution fails."""
        return self._states(self.definition, value)

    def _states(self, machine: Mapping[str, Any], value: Any) -> Any:
        name = machine["StartAt"]
        while True:
            state = machine["States"][name]
            value, name = self._state(state, value)
            if name is None:
                return value

    def _state(self, state: Mapping[str, Any], value: Any) -> tuple[Any, str | None]:
        after = None if state.get("End") else state.get("Next")
        match state["Type"]:
            case "Task":
                return self._task(state, value, after)
            case "Map":
                items = path(state["ItemsPath"], value)
                return [self._states(state["ItemProcessor"], item) for item in items], after
            case "Pass":
                given = state.get("Result", value)
                return filled(state["Parameters"], value) if "Parameters" in state else given, after
            case "Choice":
                (choice,) = state["Choices"]
                there = path(choice["Variable"], value) is not None
                return value, choice["Next"] if there is choice["IsPresent"] else state["Default"]
            case "Fail":
                raise TaskFailedError(state["Error"])
            case "Succeed":
                return value, None
            case other:
                raise NotImplementedError(other)

    def _task(self, state: Mapping[str, Any], value: Any, after: str | None) -> tuple[Any, Any]:
        attempts = [0] * len(state.get("Retry", ()))
        while True:
            try:
                return self.function(filled(state["Parameters"], value)), after
            except TaskFailedError as error:
                number = _first(state.get("Retry", ()), error.name)
                if number is not None and attempts[number] < state["Retry"][number]["MaxAttempts"]:
                    retry = state["Retry"][number]
                    rate = retry.get("BackoffRate", 2)
                    self.waited.append(retry["IntervalSeconds"] * rate ** attempts[number])
                    attempts[number] += 1
                    continue
                caught = _first(state.get("Catch", ()), error.name)
                if caught is None:
                    raise
                return {"Error": error.name}, state["Catch"][caught]["Next"]


def _first(rules: Sequence[Mapping[str, Any]], error: str) -> int | None:
    for number, rule in enumerate(rules):
        if error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]:
            return number
    return None


def filled(template: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Return a payload template with its paths filled in."""
    return {
        key.removesuffix(".$"): path(item, value) if key.endswith(".$") else item
        for key, item in template.items()
    }


def path(text: str, value: Any) -> Any:
    """Return what a path leads to: `$`, `$.a`, `$.a[0]`, or `$[?(@.a > 0)]`; None for nothing."""
    if text == "$":
        return value
    if match := re.fullmatch(r"\$\[\?\(@\.(\w+) > 0\)\]", text):
        return [item for item in value if item.get(match[1], 0) > 0]
    if match := re.fullmatch(r"\$\.(\w+)(?:\[(\d+)\])?", text):
        found = value.get(match[1])
        if match[2] is None or found is None:
            return found
        return found[int(match[2])] if int(match[2]) < len(found) else None
    raise NotImplementedError(text)
