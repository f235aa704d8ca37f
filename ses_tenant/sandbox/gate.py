"""The door of the AWS endpoint: who asks, may they, and who answers."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import urlencode
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore.model import OperationNotFoundError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from ses_tenant.core.regions import partition_of
from ses_tenant.sandbox import configuration_sets, identities, sending_api, ses_tenants, wire
from ses_tenant.sandbox.account import Account, Key
from ses_tenant.sandbox.door import Door, Operator
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
    door: Door
    page: Callable[[HttpRequest], Response | None]
    operator: Operator | None = None

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = HttpRequest(environ)
        request.max_content_length = _MAX_BODY
        request.max_form_memory_size = None
        try:
            refusal = self.door.refusal(request)
            answer = (
                Response(f"{refusal}\n", 403)
                if refusal
                else self.page(request) or self._aws(request)
            )
        except HTTPException as error:
            answer = Response(f"{error.name}.\n", error.code)
        return answer(environ, start)

    def _moto(self, request: HttpRequest, call: Call) -> Response:
        """Return moto's answer; where it has none, that the operation is not there.

        moto is given the call as it was judged, not the request: it reads a request otherwise,
        and takes the first of two parameters of a name.
        """
        if call.protocol is not Protocol.JSON:
            request.environ.pop("HTTP_X_AMZ_TARGET", None)
        if call.protocol is Protocol.XML:
            if not call.parameters.get("Action"):  # some versions of moto take it for GetUser
                return wire.error_response(call.protocol, wire.unknown_operation())
            body = urlencode(call.parameters).encode()
            request.environ["QUERY_STRING"] = ""
            request.environ["REQUEST_URI"] = request.environ["RAW_URI"] = request.path
            request.environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        else:
            body = json.dumps(call.parameters).encode() if call.body else b""
        request.environ["wsgi.input"] = BytesIO(body)
        request.environ["CONTENT_LENGTH"] = str(len(body))
        try:
            with self.post.account.lock:
                answer = Response.from_app(self.moto, request.environ)
        except (NotImplementedError, OperationNotFoundError, UnicodeDecodeError):
            return wire.error_response(call.protocol, wire.unknown_operation())
        if answer.mimetype != "text/html":
            return answer
        if answer.status_code == 200:  # what it says of some answers of the second SES API
            answer.content_type = wire.CONTENT_TYPES[call.protocol]
            return answer
        # A page of Flask's: no such address, or moto raised what it did not expect.
        unknown = answer.status_code in (404, 405)
        return wire.error_response(
            call.protocol, wire.unknown_operation() if unknown else wire.odd_parameters()
        )

    def _aws(self, request: HttpRequest) -> Response:
        """Return the answer to an AWS request."""
        if request.path != "/" and not request.path.startswith("/v2/"):  # moto has more to open
            return Response("Not found.\n", 404)
        body = request.get_data(cache=False)
        signed = parse_authorization(request.headers.get("Authorization", ""))
        if signed is None:
            return wire.error_response(_protocol(request), wire.missing_token())
        call = read_call(request, body, signed)
        time.sleep(self.faults.latency_s)
        match self.faults.next():
            case Fault.THROTTLED:
                return wire.error_response(
                    call.protocol,
                    wire.sending_throttled("Maximum sending rate exceeded.")
                    if sending_api.sends(call)
                    else wire.throttled(),
                )
            case Fault.FAILED:
                return wire.error_response(call.protocol, wire.unavailable())
            case _:
                pass
        key = self._authenticate(request, signed, body)
        if isinstance(key, wire.AwsError):
            return wire.error_response(call.protocol, key)
        if out_of_scope := self._out_of_scope(call):
            return wire.error_response(call.protocol, out_of_scope)
        if sending_api.sends(call):
            if key:
                with self.post.account.lock:
                    self.post.account.note_use(key, call.region)
            return sending_api.send(self.post, key, signed.access_key_id, call)
        try:
            return self._manage(request, key, call)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return wire.error_response(call.protocol, wire.odd_parameters())

    def _out_of_scope(self, call: Call) -> wire.AwsError | None:
        if not self.post.account.has_region(call.service, call.region):
            return wire.wrong_scope()
        if call.service not in _SERVICES:
            message = f"The sandbox does not have the service '{call.service}'."
            return wire.rejected("InvalidAction", message)
        return None

    def _authenticate(
        self, request: HttpRequest, signed: Signed, body: bytes
    ) -> Key | wire.AwsError | None:
        """Return the key of the IAM user who signed, None for the operator, or the refusal."""
        account = self.post.account
        with account.lock:
            key = account.key(signed.access_key_id)
        owner = self.operator
        if key is None and owner is None:
            return wire.invalid_token() if signed.access_key_id in account.issued else None
        if key is None and owner is not None and signed.access_key_id == owner.access_key_id:
            secret = owner.secret_access_key
        elif key is not None and key.active:
            secret = key.secret_access_key
        else:
            return wire.invalid_token()
        url = f"{request.scheme}://{request.host}{request.environ.get('REQUEST_URI', request.path)}"
        genuine = is_genuine(
            signed,
            secret,
            request.method,
            url,
            {name.lower(): value for name, value in request.headers.items()},
            body,
            datetime.now(UTC),
        )
        return key if genuine else wire.wrong_signature()

    def _manage(self, request: HttpRequest, key: Key | None, call: Call) -> Response:
        """Return the answer to a call that sends nothing."""
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
                    return _account(account, call.region)
                if call.operation == "GetSendQuota":
                    return _quota(account, call)
                if call.operation == "PutAccountDetails":
                    return _put_details(account, call)
                answer = None
                if call.protocol is Protocol.REST:
                    answer = ses_tenants.handle(account, call)
                    answer = answer or identities.handle(account, request.path, call)
                answer = answer or configuration_sets.handle(account, request.path, call)
                if answer is not None:
                    return answer
            if call.service == "iam":
                return self._iam(request, call)
        return self._moto(request, call)

    def _iam(self, request: HttpRequest, call: Call) -> Response:
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
        answer = self._moto(request, call)
        account.note_keys()
        if boundary and call.operation == "CreateUser" and answer.status_code == 200:
            account.set_boundary(str(name), boundary)
        return answer


def _protocol(request: HttpRequest) -> Protocol:
    if request.headers.get("X-Amz-Target"):
        return Protocol.JSON
    return Protocol.REST if request.path.startswith("/v2/") else Protocol.XML


def _resource(account: Account, call: Call) -> str:
    """Return the ARN of what a call is about, as far as it can be told, else `*`."""
    given = call.parameters
    partition = partition_of(account.settings.region)
    prefix = f"arn:{partition}:{call.service}:{call.region}:{account.account_id}"
    match call.service:
        case "iam" if given.get("UserName"):
            name = str(given["UserName"])
            user = account.iam.users.get(name)
            path = given.get("Path", "/") if call.operation == "CreateUser" else "/"
            return (
                user.arn if user else f"arn:{partition}:iam::{account.account_id}:user{path}{name}"
            )
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


def _quota(account: Account, call: Call) -> Response:
    told = {
        "Max24HourSend": account.settings.daily_quota,
        "MaxSendRate": account.settings.rate,
        "SentLast24Hours": account.sent[call.region],
    }
    inner = "".join(f"<{name}>{float(value)}</{name}>" for name, value in told.items())
    return wire.xml_result(call.operation, inner)


def _account(account: Account, region: str) -> Response:
    limited = account.settings.ses_sandbox
    return wire.json_result(
        {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": not limited,
            "SendQuota": {
                "Max24HourSend": float(account.settings.daily_quota),
                "MaxSendRate": float(account.settings.rate),
                "SentLast24Hours": float(account.sent[region]),
            },
            "SendingEnabled": True,
            **({"Details": account.details} if account.details else {}),
        }
    )


def _put_details(account: Account, call: Call) -> Response:
    """Take the request for production access; nobody grants it here."""
    if account.details:
        message = "Account details are under review."
        error = wire.AwsError(409, "ConflictException", message, "ConflictException", 409)
        return wire.error_response(Protocol.REST, error)
    kept = ("MailType", "WebsiteURL", "ContactLanguage", "UseCaseDescription")
    account.details = {key: call.parameters[key] for key in kept if key in call.parameters}
    account.details["ReviewDetails"] = {"Status": "PENDING", "CaseId": "1"}
    return wire.json_result({})
