"""What a request to AWS asks for: service, Region, action, parameters."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from botocore.session import Session
from werkzeug.wrappers import Request as HttpRequest

from ses_tenant.sandbox.signature import Signed
from ses_tenant.sandbox.wire import Protocol

# Old libraries sign for what the host is called.
_ALIASES = {"email": "ses"}
_JSON_SERVICES = frozenset({"secretsmanager", "ssm"})

# SDKs before 2024 list identities so.
_OLD_LIST = ("GET", "/v2/email/identities")


@dataclass(frozen=True)
class Call:
    """A call of an AWS API. `parameters` are a form's fields, or a JSON document."""

    service: str
    region: str
    operation: str
    protocol: Protocol
    parameters: Mapping[str, Any]
    body: bytes = field(repr=False)
    source_ip: str = ""

    @property
    def action(self) -> str:
        """Return the IAM action."""
        return f"{self.service}:{self.operation}"


def read_call(request: HttpRequest, body: bytes, signed: Signed) -> Call:
    """Return what the request asks for; an operation that is not known is `?`."""
    service = _ALIASES.get(signed.service, signed.service)
    target = request.headers.get("X-Amz-Target", "")
    if service in _JSON_SERVICES:
        protocol, operation = Protocol.JSON, target.rpartition(".")[2]
        parameters = _object(body)
    elif service == "ses" and request.path.startswith("/v2/"):
        protocol = Protocol.REST
        operation = sesv2_operation(request.method, request.path)
        parameters = {**request.args.to_dict(), **_object(body)}
    else:
        protocol = Protocol.XML
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        parameters = {**request.args.to_dict(), **{k: v[-1] for k, v in fields.items()}}
        operation = str(parameters.get("Action", "?"))
    return Call(
        service=service,
        region=signed.region,
        operation=operation if re.fullmatch(r"[A-Za-z0-9]+", operation) else "?",
        protocol=protocol,
        parameters=parameters,
        body=body,
        source_ip=request.remote_addr or "",
    )


def members(parameters: Mapping[str, Any], prefix: str) -> list[str]:
    """Return the list `prefix.member.1`, `.2` ... of a form."""
    found: list[str] = []
    while (value := parameters.get(f"{prefix}.member.{len(found) + 1}")) is not None:
        found.append(str(value))
    return found


def sesv2_operation(method: str, path: str) -> str:
    """Return the operation of the second SES API that a method and a path stand for."""
    if (method, path.rstrip("/")) == _OLD_LIST:
        return "ListEmailIdentities"
    for verb, pattern, name in _sesv2_routes():
        if verb == method and pattern.fullmatch(path.rstrip("/")):
            return name
    return "?"


@functools.cache
def _sesv2_routes() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    model = Session().get_service_model("sesv2")
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.escape(http["requestUri"].partition("?")[0].rstrip("/"))
        routes.append((http["method"], re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", path)), name))
    # What has no parameter in its path first: /templates/x is not GetTemplates.
    return tuple(sorted(routes, key=lambda route: "[^/]+" in route[1].pattern))


def _object(body: bytes) -> dict[str, Any]:
    try:
        loaded = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
