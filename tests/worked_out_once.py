"""What botocore, moto and Typer work out for each session, client and run: here once a process.

A process of the command line does so once as well; a process of the tests is hundreds of them, and
spent a third of its time on this. Nothing of it depends on credentials, Region or endpoint.
"""

import inspect
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import typer.main
import typer.testing
from botocore import hooks, loaders, session, useragent
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser


def leave_out_ec2() -> None:
    """Spare moto a second: SSM imports EC2 for commands to instances, and nobody sends any."""
    sys.modules.setdefault("moto.ec2", _Ec2("moto.ec2"))


class _Ec2(ModuleType):
    ec2_backends: dict[str, object] = {}  # noqa: RUF012 - of a module


def work_out_once(patch: pytest.MonkeyPatch) -> None:
    """Share data files, classes of clients, names of events and the parsed app."""
    loader = loaders.create_loader()
    patch.setattr(session, "create_loader", lambda search_path_string=None: loader)  # noqa: ARG005
    patch.setattr(loaders.JSONFileLoader, "load_file", _once_for(_load_file, 1))
    patch.setattr(ClientCreator, "_create_client_class", _once_for(_create_client_class, 1))
    patch.setattr(EventAliaser, "_alias_event_name", _once_for(_alias_event_name, 1))
    patch.setattr(hooks, "accepts_kwargs", _accepts_kwargs)
    sanitize = cache(useragent.sanitize_user_agent_string_component)
    patch.setattr(useragent, "sanitize_user_agent_string_component", sanitize)
    for module, name in (
        ("moto.core.responses", "method_names_from_class"),
        ("moto.core.models", "CallbackResponse"),
    ):
        if module in sys.modules:  # else no test needs moto, and it takes long to import
            kept = cache(getattr(sys.modules[module], name))
            patch.setattr(sys.modules[module], name, kept)
    get_command = cache(typer.main.get_command)
    patch.setattr(typer.main, "get_command", get_command)
    patch.setattr(typer.testing, "_get_command", get_command)


_load_file = loaders.JSONFileLoader.load_file
_create_client_class: Callable[..., Any] = vars(ClientCreator)["_create_client_class"]
_alias_event_name: Callable[..., Any] = vars(EventAliaser)["_alias_event_name"]
_slow_accepts_kwargs: Callable[..., Any] = vars(hooks)["accepts_kwargs"]


def _once_for(method: Callable[..., Any], position: int) -> Callable[..., Any]:
    """Return the method with its answers kept by the argument at that position, `self` being 0."""
    known: dict[object, Any] = {}

    def kept(*args: Any, **kwargs: Any) -> Any:
        key = args[position]
        if key not in known:
            known[key] = method(*args, **kwargs)
        return known[key]

    return kept


def _accepts_kwargs(handler: Callable[..., Any]) -> bool:
    """Tell it from the flags of the code; botocore makes a signature of each handler."""
    code = getattr(handler, "__code__", None)
    if code is None:
        return bool(_slow_accepts_kwargs(handler))
    return bool(code.co_flags & inspect.CO_VARKEYWORDS)
