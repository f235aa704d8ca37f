"""The configuration sets of the sandbox, with the event destinations that moto lacks.

Of destinations only EventBridge's default bus is taken, the one that `watch setup` uses. As SES
does, it answers 400 for a duplicate and 404 for what is unknown.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestinationDefinition.html
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Response

from ses_tenant.core.regions import partition_of
from ses_tenant.sandbox import ses_tenants, wire
from ses_tenant.sandbox.account import Account
from ses_tenant.sandbox.requests import Call


def handle(account: Account, path: str, call: Call) -> Response | None:
    """Return the answer to a call on configuration sets, or None if it is about something else."""
    sets = account.ses(call.region).config_sets
    if call.protocol is wire.Protocol.REST and call.operation == "CreateConfigurationSet":
        name = str(call.parameters.get("ConfigurationSetName") or "")
        if name in sets:
            message = f"Configuration set <{name}> already exists."
            return _error(400, "AlreadyExistsException", message)
        return None  # moto makes it
    if call.protocol is wire.Protocol.XML:
        return _unknown(call, sets)
    work = _ON_ONE.get(call.operation)
    if work is None:
        return None
    parts = [unquote(part) for part in path.split("/")]
    if parts[4] not in sets:
        message = f"Configuration set <{parts[4]}> does not exist."
        return _error(404, "NotFoundException", message)
    return work(account, call, parts)


def _unknown(call: Call, sets: Mapping[str, Any]) -> Response | None:
    """Return the refusal to delete a set that is not there, in which moto stumbles."""
    name = str(call.parameters.get("ConfigurationSetName") or "")
    if call.operation != "DeleteConfigurationSet" or name in sets:
        return None
    message = f"Configuration set <{name}> does not exist."
    error = wire.AwsError(400, "ConfigurationSetDoesNotExist", message)
    return wire.error_response(wire.Protocol.XML, error)


def _get(account: Account, call: Call, parts: list[str]) -> Response:
    found = account.ses(call.region).config_sets[parts[4]]
    return wire.json_result(
        {
            "ConfigurationSetName": parts[4],
            "SendingOptions": {"SendingEnabled": True},
            "Tags": found.tags,
        }
    )


def _delete(account: Account, call: Call, parts: list[str]) -> Response:
    if associated := ses_tenants.refused(account, call.region, f"configuration-set/{parts[4]}"):
        return associated
    del account.ses(call.region).config_sets[parts[4]]
    account.event_destinations.pop((call.region, parts[4]), None)
    return wire.json_result({})


def _list_destinations(account: Account, call: Call, parts: list[str]) -> Response:
    there = account.event_destinations.get((call.region, parts[4]), {})
    listed = [{"Name": name, **definition} for name, definition in there.items()]
    return wire.json_result({"EventDestinations": listed})


def _put_destination(account: Account, call: Call, parts: list[str]) -> Response:
    """Create an event destination, or change one."""
    there = account.event_destinations.setdefault((call.region, parts[4]), {})
    creates = call.operation.startswith("Create")
    name = str(call.parameters.get("EventDestinationName")) if creates else parts[6]
    if creates and name in there:
        return _error(400, "AlreadyExistsException", f"Event destination <{name}> already exists.")
    if not creates and name not in there:
        return _error(404, "NotFoundException", f"Event destination <{name}> does not exist.")
    definition: Mapping[str, Any] = call.parameters.get("EventDestination") or {}
    bus = (definition.get("EventBridgeDestination") or {}).get("EventBusArn")
    default = (
        f"arn:{partition_of(call.region)}:events:{call.region}:{account.account_id}"
        ":event-bus/default"
    )
    if bus != default:
        message = "The only destination here is EventBridge's default bus of the account."
        return _error(400, "BadRequestException", message)
    there[name] = {
        "Enabled": bool(definition.get("Enabled", False)),
        "MatchingEventTypes": list(definition.get("MatchingEventTypes") or ()),
        "EventBridgeDestination": {"EventBusArn": bus},
    }
    return wire.json_result({})


_ON_ONE: Mapping[str, Callable[[Account, Call, list[str]], Response]] = {
    "GetConfigurationSet": _get,
    "DeleteConfigurationSet": _delete,
    "GetConfigurationSetEventDestinations": _list_destinations,
    "CreateConfigurationSetEventDestination": _put_destination,
    "UpdateConfigurationSetEventDestination": _put_destination,
}


def _error(status: int, code: str, message: str) -> Response:
    error = wire.AwsError(status, code, message, code, status)
    return wire.error_response(wire.Protocol.REST, error)
