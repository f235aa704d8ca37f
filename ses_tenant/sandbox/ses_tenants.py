"""The SES tenants of the sandbox, which moto lacks: their names, and what is associated with them.

A resource may be associated with several, as in SES, and cannot be deleted before it is with none.
The types of resources are told as live answers do, not as the model's enumeration has them.
https://docs.aws.amazon.com/ses/latest/dg/tenants.html
"""

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from ses_tenant.sandbox import wire
from ses_tenant.sandbox.account import Account
from ses_tenant.sandbox.requests import Call

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def handle(account: Account, call: Call) -> Response | None:
    """Return the answer to a call on SES tenants, or None if it is about something else."""
    if call.operation == "CreateTenant":
        return _create(account, call)
    if call.operation in ("ListTenants", "ListResourceTenants"):
        return _list(account, call)
    work = _ON_ONE.get(call.operation)
    if work is None:
        return None
    name = str(call.parameters.get("TenantName") or "")
    found = account.ses_tenants.get((call.region, name))
    if found is None:
        return _error(404, "NotFoundException", f"Tenant {name} does not exist.")
    return work(account, call, found)


def refused(account: Account, region: str, resource: str) -> Response | None:
    """Return the refusal to delete what is associated with an SES tenant."""
    arn = account.arn(region, resource)
    if not any(arn in found["resources"] for found in _of(account, region)):
        return None
    message = (
        f"Cannot delete {arn} because it has tenant associations. Remove all tenant associations "
        "and try again."
    )
    return _error(400, "BadRequestException", message)


def _of(account: Account, region: str) -> list[dict[str, Any]]:
    return [found for (where, _), found in account.ses_tenants.items() if where == region]


def _create(account: Account, call: Call) -> Response:
    name = str(call.parameters.get("TenantName") or "")
    if not _NAME.fullmatch(name):
        return _error(400, "BadRequestException", f"The tenant name <{name}> is not valid.")
    if (call.region, name) in account.ses_tenants:
        return _error(400, "AlreadyExistsException", f"Tenant {name} already exists.")
    number = f"tn-{secrets.token_hex(15)}"
    account.ses_tenants[call.region, name] = {
        "TenantName": name,
        "TenantId": number,
        "TenantArn": account.arn(call.region, f"tenant/{name}/{number}"),
        "CreatedTimestamp": int(datetime.now(UTC).timestamp()),
        "SendingStatus": "ENABLED",
        "Tags": list(call.parameters.get("Tags") or ()),
        "resources": [],
    }
    return wire.json_result(_shown(account.ses_tenants[call.region, name]))


def _list(account: Account, call: Call) -> Response:
    there = _of(account, call.region)
    if call.operation == "ListTenants":
        kept = [{k: v for k, v in _shown(found).items() if k != "Tags"} for found in there]
        return wire.json_result({"Tenants": kept})
    arn = str(call.parameters.get("ResourceArn") or "")
    shown = ("TenantName", "TenantId")
    listed = [
        {**{key: found[key] for key in shown}, "ResourceArn": arn}
        for found in there
        if arn in found["resources"]
    ]
    return wire.json_result({"ResourceTenants": listed})


def _get(_account: Account, _call: Call, found: dict[str, Any]) -> Response:
    return wire.json_result({"Tenant": _shown(found)})


def _delete(account: Account, call: Call, found: dict[str, Any]) -> Response:
    del account.ses_tenants[call.region, found["TenantName"]]  # its associations go with it
    return wire.json_result({})


def _resources(_account: Account, _call: Call, found: dict[str, Any]) -> Response:
    listed = [
        {"ResourceType": arn.split(":", 5)[5].partition("/")[0], "ResourceArn": arn}
        for arn in found["resources"]
    ]
    return wire.json_result({"TenantResources": listed})


def _associate(account: Account, call: Call, found: dict[str, Any]) -> Response:
    arn = str(call.parameters.get("ResourceArn") or "")
    kind, _, name = arn.removeprefix(account.arn(call.region, "")).partition("/")
    backend = account.ses(call.region)
    there = {"identity": backend.email_identities, "configuration-set": backend.config_sets}
    if kind not in there or name not in there[kind]:
        return _error(404, "NotFoundException", f"Resource {arn} does not exist.")
    if arn in found["resources"]:
        return _error(400, "AlreadyExistsException", f"{arn} is already associated.")
    found["resources"].append(arn)
    return wire.json_result({})


def _part(_account: Account, call: Call, found: dict[str, Any]) -> Response:
    arn = str(call.parameters.get("ResourceArn") or "")
    found["resources"] = [each for each in found["resources"] if each != arn]
    return wire.json_result({})


_ON_ONE: Mapping[str, Callable[[Account, Call, dict[str, Any]], Response]] = {
    "GetTenant": _get,
    "DeleteTenant": _delete,
    "ListTenantResources": _resources,
    "CreateTenantResourceAssociation": _associate,
    "DeleteTenantResourceAssociation": _part,
}


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "resources"}


def _error(status: int, code: str, message: str) -> Response:
    error = wire.AwsError(status, code, message, code, status)
    return wire.error_response(wire.Protocol.REST, error)
