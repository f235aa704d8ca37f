"""The one place where a failure becomes what Lambda logs, and what is logged otherwise."""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from ses_tenant.core.errors import SesTenantError

_Result = TypeVar("_Result")


class FunctionFailed(Exception):  # noqa: N818 - Lambda shows the name as errorType
    """What Lambda logs, counts as an error and may try again: code, message and hint."""


def guarded(work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns, and raise every failure as a FunctionFailed without a secret.

    Lambda logs the text and the causes of whatever is raised. Those of a bug could quote what the
    code was working on, so only the place is told.
    """
    try:
        return work()
    except SesTenantError as error:
        failure = FunctionFailed(f"{error.code}: {error.message} {error.hint}".rstrip())
    except Exception as error:  # noqa: BLE001 - the boundary
        frame = traceback.extract_tb(error.__traceback__)[-1]
        failure = FunctionFailed(
            f"internal: {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}. "
            "This is a bug of ses-tenant; please report it."
        )
    raise failure  # outside, so that it has no context


def log(record: Mapping[str, object]) -> None:
    """Write one line of JSON, which CloudWatch Logs Insights can search."""
    sys.stdout.write(f"{json.dumps(record)}\n")
