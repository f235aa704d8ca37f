"""Two servers on loopback: moto that counts its requests, and one that answers what it is told."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import MockRawResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import InternalServerError
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

from ses_tenant.sandbox.renaming import renamed_users_keep_tags

LOOPBACK = "127.0.0.1"

_READS = ("Get", "List", "Post /v2/email/list-identities")


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@dataclass
class Server:
    """An AWS account in memory; `actions` are the API actions asked for since the reset."""

    url: str
    actions: list[str] = field(default_factory=list)

    @property
    def writes(self) -> list[str]:
        return [action for action in self.actions if not action.startswith(_READS)]

    def reset(self) -> None:
        with urlopen(Request(f"{self.url}/moto-api/reset", method="POST"), timeout=10) as answer:
            assert answer.status == 200
        self.actions.clear()

    def client(self, service: str) -> Any:
        """Return a boto3 client of its own; forget its requests with `actions.clear()`."""
        session = boto3.session.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-central-1"
        )
        return session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]


@contextmanager
def counting_moto() -> Iterator[Server]:
    """Serve moto while the block runs."""
    application = DomainDispatcherApplication(create_backend_app)
    actions: list[str] = []

    def counting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if not environ["PATH_INFO"].startswith("/moto-api/"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            rest = f"{environ['REQUEST_METHOD'].capitalize()} {environ['PATH_INFO']}"
            target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or rest
            action = parse_qs(body.decode("utf-8", "replace")).get("Action", [target])[0]
            actions.append(action)
        return application(environ, start_response)

    server = make_server(LOOPBACK, 0, counting, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    url = f"http://{LOOPBACK}:{server.server_port}"
    try:
        with renamed_users_keep_tags(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(URLLib3Session, "send", _without_a_socket(url, counting))
            yield Server(url, actions)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _without_a_socket(url: str, application: Callable[..., Any]) -> Callable[..., Any]:
    """Return how botocore sends: to this server by a call, which takes half of the time.

    Whoever else sends to it, such as a process of its own, does so over HTTP.
    """
    over_http = URLLib3Session.send

    def send(self: URLLib3Session, request: Any) -> Any:
        if not request.url.startswith(f"{url}/"):
            return over_http(self, request)
        try:
            parts, status, given = run_wsgi_app(application, _environ(request))
            code, headers, body = int(status.split()[0]), dict(given), b"".join(parts)
        except Exception:  # noqa: BLE001 - what moto does not know, its server answers with a page
            failure = InternalServerError()
            code, headers, body = 500, dict(failure.get_headers()), failure.get_body().encode()
        return AWSResponse(request.url, code, headers, MockRawResponse(body))  # type: ignore[arg-type]

    return send


def _environ(request: Any) -> dict[str, Any]:
    """Return a prepared request as WSGI hands it on."""
    address = urlsplit(request.url)
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": v.decode() if isinstance(v, bytes) else str(v)
        for name, v in request.headers.items()
    }
    kind = headers.pop("HTTP_CONTENT_TYPE", "")
    headers.pop("HTTP_CONTENT_LENGTH", None)
    return {
        **headers,
        "HTTP_HOST": address.netloc,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(address.path),
        "QUERY_STRING": address.query,
        "RAW_URI": request.url.removeprefix(f"http://{address.netloc}"),
        "SERVER_NAME": address.hostname,
        "SERVER_PORT": str(address.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.multithread": True,
    }


@dataclass
class Script:
    """What the stub answers: (status, body) for each action, `default` for all others."""

    url: str
    default: tuple[int, str] = (200, "")
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    hang_at: str | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        self.default, self.answers, self.actions, self.hang_at = (200, ""), {}, [], None
        self.reached, self.released = threading.Event(), threading.Event()


@contextmanager
def scripted() -> Iterator[Script]:
    """Serve canned answers while the block runs."""
    script = Script("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            action = parse_qs(body.decode()).get("Action", ["?"])[0]
            script.actions.append(action)
            if action == script.hang_at:
                released = script.released
                script.reached.set()
                released.wait(30)
                self.close_connection = True
                return
            status, text = script.answers.get(action, script.default)
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Print nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    script.url = f"http://{LOOPBACK}:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def error_xml(code: str, message: str) -> str:
    """Return an error as IAM answers it."""
    return (
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        "</Error><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ErrorResponse>"
    )


def environment(url: str, base: Mapping[str, str]) -> dict[str, str]:
    """Return an environment whose AWS variables reach `url` and nothing else."""
    kept = {name: value for name, value in base.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIAOPERATOREXAMPLE1",
        "AWS_SECRET_ACCESS_KEY": OPERATOR_SECRET,
        "AWS_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


OPERATOR_SECRET = "0perat0r/Secret+That/Must+Never/Appear+Ab"
