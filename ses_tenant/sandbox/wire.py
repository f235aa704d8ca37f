"""Errors as AWS puts them on the wire, so that SDKs raise what they raise on AWS.

There are three protocols: XML for IAM, STS and the first SES API, JSON for Secrets Manager and
SSM, and REST with JSON for the second SES API.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

_SES_XML = "http://ses.amazonaws.com/doc/2010-12-01/"


class Protocol(StrEnum):
    """How a service talks."""

    XML = "xml"
    JSON = "json"
    REST = "rest"


CONTENT_TYPES = {
    Protocol.XML: "text/xml",
    Protocol.JSON: "application/x-amz-json-1.1",
    Protocol.REST: "application/json",
}


@dataclass(frozen=True)
class AwsError:
    """An error: its status and code in XML, and in JSON and REST where they differ."""

    status: int
    code: str
    message: str
    json_code: str = ""
    rest_status: int = 0


def invalid_token() -> AwsError:
    """Return the error for an access key that is unknown, deleted or Inactive."""
    return AwsError(
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        "UnrecognizedClientException",
    )


def wrong_signature() -> AwsError:
    """Return the error for a signature that was made with another secret, or too long ago."""
    return AwsError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.",
        "InvalidSignatureException",
    )


def wrong_scope() -> AwsError:
    """Return the error for a signature for a Region that there is not."""
    return AwsError(
        403,
        "SignatureDoesNotMatch",
        "Credential should be scoped to a valid region.",
        "InvalidSignatureException",
    )


def unknown_operation() -> AwsError:
    """Return the error for an operation that the sandbox has not, or that there is not."""
    return rejected("InvalidAction", "The sandbox does not have this operation.")


def odd_parameters() -> AwsError:
    """Return the error for a request whose parameters are not of the operation's shape."""
    return AwsError(
        400,
        "ValidationError",
        "The request does not have the parameters of the operation.",
        "ValidationException",
    )


def missing_token() -> AwsError:
    """Return the error for a request without a signature of Version 4."""
    return AwsError(
        403,
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
        "MissingAuthenticationTokenException",
    )


def access_denied(message: str) -> AwsError:
    """Return the error for a request that a policy refuses."""
    return AwsError(403, "AccessDenied", message, "AccessDeniedException")


def throttled() -> AwsError:
    """Return the error for too many requests."""
    return AwsError(400, "Throttling", "Rate exceeded", "ThrottlingException", 429)


def sending_throttled(message: str) -> AwsError:
    """Return the error for more mail than the account's rate or quota allows.

    https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
    """
    return AwsError(400, "Throttling", message, "TooManyRequestsException", 429)


def unavailable() -> AwsError:
    """Return the error for a service that fails."""
    return AwsError(503, "ServiceUnavailable", "Service is unavailable", "ServiceUnavailable", 503)


def rejected(code: str, message: str) -> AwsError:
    """Return the error for a message that SES does not take."""
    json_code = {
        "MessageRejected": "MessageRejected",
        "ConfigurationSetDoesNotExist": "NotFoundException",
        "TemplateDoesNotExist": "NotFoundException",
    }.get(code, "BadRequestException")
    return AwsError(400, code, message, json_code, 404 if json_code == "NotFoundException" else 400)


def error_response(protocol: Protocol, error: AwsError) -> Response:
    """Return the error as the protocol writes it."""
    request_id = _request_id()
    headers = {"x-amzn-RequestId": request_id}
    code = error.json_code or error.code
    match protocol:
        case Protocol.XML:
            kind = "Sender" if error.status < 500 else "Receiver"
            text = (
                f'<ErrorResponse xmlns="{_SES_XML}"><Error><Type>{kind}</Type>'
                f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
                f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            )
            return Response(text, error.status, headers, content_type=CONTENT_TYPES[Protocol.XML])
        case Protocol.JSON:
            body = json.dumps({"__type": code, "message": error.message})
            status = error.status if error.status >= 500 else 400
            return Response(body, status, headers, content_type=CONTENT_TYPES[protocol])
        case Protocol.REST:
            body = json.dumps({"message": error.message})
            headers["x-amzn-ErrorType"] = code
            status = error.rest_status or error.status
            return Response(body, status, headers, content_type=CONTENT_TYPES[Protocol.REST])


def xml_result(operation: str, inner: str) -> Response:
    """Return the answer of an operation of the first SES API, or of IAM."""
    request_id = _request_id()
    text = (
        f'<{operation}Response xmlns="{_SES_XML}"><{operation}Result>{inner}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Response(
        text, 200, {"x-amzn-RequestId": request_id}, content_type=CONTENT_TYPES[Protocol.XML]
    )


def json_result(body: Mapping[str, object]) -> Response:
    """Return the answer of an operation of the second SES API."""
    headers = {"x-amzn-RequestId": _request_id()}
    return Response(json.dumps(body), 200, headers, content_type=CONTENT_TYPES[Protocol.REST])


def _request_id() -> str:
    return f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}"
