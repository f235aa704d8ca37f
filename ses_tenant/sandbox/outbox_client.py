"""Read the outbox of a sandbox that runs."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ses_tenant.core.errors import ErrorCode, SesTenantError

_TIMEOUT_S = 15


def fetch(endpoint_url: str) -> Sequence[Mapping[str, Any]]:
    """Return the entries of the outbox, the oldest first.

    Raises SesTenantError `network` where nothing answers, `not_found` where it is no sandbox, and
    `usage` for what is no URL.
    """
    if urlsplit(endpoint_url).scheme not in ("http", "https"):
        raise SesTenantError(ErrorCode.USAGE, f"'{endpoint_url}' is not the URL of a sandbox.")
    url = f"{endpoint_url.rstrip('/')}/_ses-tenant/messages.json"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            messages = json.loads(answer.read())["messages"]
    except urllib.error.HTTPError as error:
        raise _no_sandbox(endpoint_url, f"status {error.code}") from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise SesTenantError(
            ErrorCode.NETWORK,
            f"No sandbox answers at {endpoint_url}: {getattr(reason, 'strerror', None) or reason}.",
            "Is it still running? Start one with: ses-tenant sandbox",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
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
