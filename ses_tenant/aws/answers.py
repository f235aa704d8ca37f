"""Answers that AWS has not given: cut off, or the page of a proxy or a network.

botocore takes a status of 200 for the answer: it returns a JSON answer that it cannot read as if it
were empty, and looks into XML only for what an operation returns. So a write that never arrived
would count as done, and a key as delivered that is not. What is JSON or XML, but not of the shape
that was asked for, ends its parser with any exception.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import botocore.session
from boto3.session import Session
from botocore.model import Shape
from botocore.parsers import ResponseParser, ResponseParserError, ResponseParserFactory

_XML = re.compile(rb"\s*(<\?xml[^>]*\?>)?\s*<\w+Response[\s>]")


class _Service(Protocol):
    protocol: str


class _Operation(Protocol):
    name: str
    service_model: _Service


class _Http(Protocol):
    status_code: int
    content: bytes


@dataclass(frozen=True)
class _Careful:
    """A parser of botocore that raises ResponseParserError for an answer of the wrong shape."""

    parser: ResponseParser

    def parse(self, response: Mapping[str, Any], shape: Shape) -> Any:
        failed = response["status_code"] >= 300
        try:
            parsed = self.parser.parse(response, shape)
            if not failed:
                return {} if parsed is None else parsed  # of JSON's null
            said = parsed.get("Error", {})
            if isinstance(said.get("Code", ""), str) and isinstance(said.get("Message", ""), str):
                return parsed
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if not failed:
                raise ResponseParserError(
                    "the answer is not of the shape that was asked for, so it is not from AWS"
                ) from error
        # The status alone tells what to do, such as to try again.
        return self.parser.parse({**response, "body": b""}, shape)


class _CarefulFactory(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> Any:
        return _Careful(super().create_parser(protocol_name))


def careful_session() -> botocore.session.Session:
    """Return a new session of botocore whose parsers fail in one way alone."""
    session = botocore.session.Session()
    session.register_component("response_parser_factory", _CarefulFactory())
    return session


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
