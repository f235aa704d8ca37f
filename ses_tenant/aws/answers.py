"""Answers with status 200 that AWS has not given: cut off, or the page of a proxy or a network.

botocore takes the status for the answer: it returns a JSON answer that it cannot read as if it were
empty, and looks into XML only for what an operation returns. So a write that never arrived would
count as done, and a key as delivered that is not.
"""

import json
import re
from typing import Protocol

from boto3.session import Session
from botocore.parsers import ResponseParserError

_XML = re.compile(rb"\s*(<\?xml[^>]*\?>)?\s*<\w+Response[\s>]")


class _Service(Protocol):
    protocol: str


class _Operation(Protocol):
    name: str
    service_model: _Service


class _Http(Protocol):
    status_code: int
    content: bytes


def refuse_what_is_no_answer(boto: Session) -> None:
    """Let the clients of a session raise ResponseParserError for such an answer."""

    def after(http_response: _Http, model: _Operation, **_: object) -> None:
        protocol = model.service_model.protocol
        if http_response.status_code < 300 and not _is_answer(protocol, http_response):
            raise ResponseParserError(
                f"the answer to {model.name} is cut off or not from AWS, such as the page of a "
                "proxy"
            )

    boto.events.register("after-call", after)


def _is_answer(protocol: str, response: _Http) -> bool:
    match protocol:
        case "json" | "rest-json":
            return not response.content or _is_object(response.content)
        case "query":
            return _XML.match(response.content) is not None
        case _:  # S3's bodies are what the user has put there
            return True


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
