"""The door of the AWS endpoint: who asks, may they, and who answers."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore.model import OperationNotFoundError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from ses_tenant.sandbox import sending_api, wire
from ses_tenant.sandbox.account import Key
from ses_tenant.sandbox.faults import Fault, Faults
from ses_tenant.sandbox.post import Post
from ses_tenant.sandbox.requests import Call, read_call
from ses_tenant.sandbox.ruling import may_call, request_by
from ses_tenant.sandbox.signature import Signed, is_genuine, parse_authorization
from ses_tenant.sandbox.wire import Protocol

_MAX_BODY = 64 * 2**20
_SERVICES = frozenset({"iam", "sts", "ses", "secretsmanager", "ssm"})
_READS = ("Get", "List", "Describe")
_BOUNDARIES = frozenset({"PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"})


@dataclass(frozen=True)
class Gate:
    """A WSGI application before moto's and the page's."""

    post: Post
    faults: Faults
    moto: WSGIApplication
    page: Callable[[HttpRequest], Response | None]

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = HttpRequest(environ)
        request.max_content_length = _MAX_BODY
        request.max_form_memory_size = None
        try:
            answer = self.page(request) or self._aws(request)
        except HTTPException as error:
            answer = error.get_response()
        if answer is not None:
            return answer(environ, start)
        return self._moto(request)(environ, start)

    def _moto(self, request: HttpRequest) -> Response:
        """Return moto's answer; where it has none, that the operation is not there."""
        try:
            with self.post.account.lock:
                return Response.from_app(self.moto, request.environ)
        except (NotImplementedError, OperationNotFoundError, UnicodeDecodeError):
            error = wire.rejected("InvalidAction", "The sandbox does not have this operation.")
            return wire.error_response(_protocol(request), error)

    def _aws(self, request: HttpRequest) -> Response | None:
        """Return the answer to an AWS request, or None where moto is to give it."""
        body = request.get_data(cache=False)
        request.environ["wsgi.input"] = BytesIO(body)
        request.environ["CONTENT_LENGTH"] = str(len(body))
        if request.path.startswith("/moto-api"):
            return None
        signed = parse_authorization(request.headers.get("Authorization", ""))
        if signed is None:
            return wire.error_response(_protocol(request), wire.missing_token())
        call = read_call(request, body, signed)
        time.sleep(self.faults.latency_s)
        match self.faults.next():
            case Fault.THROTTLED:
                return wire.error_response(call.protocol, wire.throttled())
            case Fault.FAILED:
                return wire.error_response(call.protocol, wire.unavailable())
            case _:
                pass
        key = self._authenticate(request, signed, body)
        if isinstance(key, wire.AwsError):
            return wire.error_response(call.protocol, key)
        if call.service not in _SERVICES:
            message = f"The sandbox does not have the service '{call.service}'."
            return wire.error_response(call.protocol, wire.rejected("InvalidAction", message))
        if sending_api.sends(call):
            if key:
                with self.post.account.lock:
                    self.post.account.note_use(key, call.region)
            return sending_api.send(self.post, key, signed.access_key_id, call)
        return self._manage(request, key, call)

    def _authenticate(
        self, request: HttpRequest, signed: Signed, body: bytes
    ) -> Key | wire.AwsError | None:
        """Return the key of the IAM user who signed, None for the operator, or the refusal."""
        account = self.post.account
        with account.lock:
            key = account.key(signed.access_key_id)
        if key is None:
            return wire.invalid_token() if signed.access_key_id in account.issued else None
        if not key.active:
            return wire.invalid_token()
        url = f"{request.scheme}://{request.host}{request.environ.get('REQUEST_URI', request.path)}"
        genuine = is_genuine(
            signed,
            key.secret_access_key,
            request.method,
            url,
            {name.lower(): value for name, value in request.headers.items()},
            body,
            datetime.now(UTC),
        )
        return key if genuine else wire.wrong_signature()

    def _manage(self, request: HttpRequest, key: Key | None, call: Call) -> Response | None:
        """Return the answer to a call that sends nothing, or None where moto is to give it."""
        account = self.post.account
        with account.lock:
            account.changes += not call.operation.startswith(_READS)
            if key is not None and call.action != "sts:GetCallerIdentity":  # needs no permission
                wanted = request_by(key, call.action, _resource(account, call), _context(call))
                ruling = may_call(account, key, wanted)
                if ruling.code is not None:
                    return wire.error_response(call.protocol, wire.access_denied(ruling.answer))
            if call.service == "ses":
                account.ses(call.region)
                if call.operation == "GetAccount":
                    return _account(account.settings.ses_sandbox)
            if call.service == "iam":
                return self._iam(request, call)
        return None

    def _iam(self, request: HttpRequest, call: Call) -> Response | None:
        """Do what moto's IAM leaves out: remember keys, and permissions boundaries."""
        account = self.post.account
        name, boundary = call.parameters.get("UserName"), call.parameters.get("PermissionsBoundary")
        if call.operation == "CreateUser" and not name:  # moto makes a user without a name
            error = wire.AwsError(400, "ValidationError", "The user name is missing.")
            return wire.error_response(Protocol.XML, error)
        if call.operation in _BOUNDARIES:
            if name not in account.iam.users:
                error = wire.AwsError(
                    404, "NoSuchEntity", f"The user with name {name} cannot be found."
                )
                return wire.error_response(Protocol.XML, error)
            account.set_boundary(str(name), boundary)
            return wire.xml_result(call.operation, "")
        if call.operation == "ListServiceSpecificCredentials":
            return wire.xml_result(call.operation, "<ServiceSpecificCredentials/>")
        if call.operation in ("CreateAccessKey", "CreateUser"):
            answer = self._moto(request)
            account.note_keys()
            if boundary and call.operation == "CreateUser" and answer.status_code == 200:
                account.set_boundary(str(name), boundary)
            return answer
        return None


def _protocol(request: HttpRequest) -> Protocol:
    if request.headers.get("X-Amz-Target"):
        return Protocol.JSON
    return Protocol.REST if request.path.startswith("/v2/") else Protocol.XML


def _resource(account: Any, call: Call) -> str:
    """Return the ARN of what a call is about, as far as it can be told, else `*`."""
    given = call.parameters
    prefix = f"arn:aws:{call.service}:{call.region}:{account.account_id}"
    match call.service:
        case "iam" if given.get("UserName"):
            name = str(given["UserName"])
            user = account.iam.users.get(name)
            path = given.get("Path", "/") if call.operation == "CreateUser" else "/"
            return user.arn if user else f"arn:aws:iam::{account.account_id}:user{path}{name}"
        case "secretsmanager" if given.get("SecretId") or given.get("Name"):
            name = str(given.get("SecretId") or given["Name"])
            return name if name.startswith("arn:") else f"{prefix}:secret:{name}-AbCdEf"
        case "ssm" if given.get("Name"):
            return f"{prefix}:parameter/{str(given['Name']).removeprefix('/')}"
        case _:
            return "*"


def _context(call: Call) -> dict[str, tuple[str, ...]]:
    given = {
        "aws:sourceip": call.source_ip,
        "iam:permissionsboundary": call.parameters.get("PermissionsBoundary"),
    }
    return {name: (str(value),) for name, value in given.items() if value}


def _account(ses_sandbox: bool) -> Response:
    return wire.json_result(
        {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": not ses_sandbox,
            "SendQuota": {
                "Max24HourSend": 200.0 if ses_sandbox else 50_000.0,
                "MaxSendRate": 1.0 if ses_sandbox else 14.0,
                "SentLast24Hours": 0.0,
            },
            "SendingEnabled": True,
        }
    )
