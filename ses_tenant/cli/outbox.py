"""`ses-tenant sandbox outbox`."""

import os
from collections.abc import Mapping
from typing import Any

from ses_tenant.cli.console import Console, Output
from ses_tenant.cli.options import EndpointUrl, OutputOption, Quiet
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.text import shown


def outbox(
    endpoint_url: EndpointUrl = None,
    output: OutputOption = Output.TABLE,
    quiet: Quiet = False,
) -> None:
    """List what the running sandbox accepted and refused, and why.

    \b
      ses-tenant sandbox outbox
      ses-tenant sandbox outbox -o json
      ses-tenant sandbox outbox --endpoint-url http://127.0.0.1:40123

    The sandbox is found by AWS_ENDPOINT_URL, which it sets for its COMMAND and prints otherwise.
    """
    from ses_tenant.sandbox.outbox_client import fetch

    console = Console("sandbox outbox", output, quiet)
    url = endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    if not url:
        raise SesTenantError(
            ErrorCode.USAGE,
            "AWS_ENDPOINT_URL does not say where the sandbox is.",
            "Set the variables that `ses-tenant sandbox` prints, or give --endpoint-url.",
        )
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    messages = fetch(url, (os.environ.get(names[0], ""), os.environ.get(names[1], "")))
    if not messages:
        console.note("Nothing was sent yet.")
    console.result({"messages": list(messages)}, "".join(map(_lines, messages)))


def _lines(message: Mapping[str, Any]) -> str:
    """Return a message as lines for people, without control characters."""
    sender = ", ".join(message["senders"]) or message["access_key_id"]
    to = ", ".join(message["recipients"])
    head = f"{message['at'][11:19]} {message['outcome']:8} {message['operation']}"
    return (
        f"{shown(f'{head}  {sender}' + (f' -> {to}' if to else ''))}\n"
        f"         {shown(message['answer'])}\n"
        f"         {shown(message['reason'])}\n"
    )
