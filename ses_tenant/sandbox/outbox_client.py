"""Read the outbox of a sandbox that runs."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.sandbox.door import OPERATOR_PREFIX

_TIMEOUT_S = 15
_MAX_ANSWER = 64 * 2**20


def fetch(endpoint_url: str, key: tuple[str, str]) -> Sequence[Mapping[str, Any]]:
    """Return the entries of the outbox, the oldest first; `key` is the operator's, ID and secret.

    Raises SesTenantError `network` where nothing answers, `not_found` where it is no sandbox, and
    `usage` for what is no URL.
    """
    if urlsplit(endpoint_url).scheme not in ("http", "https"):
        raise SesTenantError(ErrorCode.USAGE, f"'{endpoint_url}' is not the URL of a sandbox.")
    url = f"{endpoint_url.rstrip('/')}/_ses-tenant/messages.json"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url)  # noqa: S310 - http or https, see above
    if key[0].startswith(OPERATOR_PREFIX):  # a real account's key goes to no sandbox
        token = base64.b64encode(":".join(key).encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            messages = json.loads(answer.read(_MAX_ANSWER))["messages"]
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.UNAUTHORIZED:
            raise SesTenantError(
                ErrorCode.ACCESS_DENIED,
                f"The sandbox at {endpoint_url} shows its outbox to its operator alone.",
                "Set the variables that `ses-tenant sandbox` printed there.",
            ) from error
        raise _no_sandbox(endpoint_url, f"status {error.code}") from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise SesTenantError(
            ErrorCode.NETWORK,
            f"No sandbox answers at {endpoint_url}: {getattr(reason, 'strerror', None) or reason}.",
            "Is it still running? Start one with: ses-tenant sandbox",
        ) from error
    except (HTTPException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_sandbox(endpoint_url, "an answer of another kind") from error
    if not isinstance(messages, list):
        raise _no_sandbox(endpoint_url, "an answer of another kind")
    return messages


def _no_sandbox(endpoint_url: str, what: str) -> SesTenantError:
    return SesTenantError(
        ErrorCode.NOT_FOUND,
        f"What answers at {endpoint_url} is no sandbox: {what}.",
        "Start one with: ses-tenant sandbox",
    )
