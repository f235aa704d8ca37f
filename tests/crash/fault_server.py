"""A local AWS account that fails on request: at the n-th request of a run, in one of many ways.

moto's application runs in this process behind a layer that counts requests, carries them out one
after the other, and knows the process that sends them, so that it can kill it at the exact moment.
"""

import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOOPBACK = "127.0.0.1"
_PATIENCE_S = 30
_PAGE = b"<!doctype html><html lang=en><title>Log in</title><body><form></form></body></html>"
_OOPS = b"<!doctype html><html lang=en><title>500 Internal Server Error</title>"
_SERVICE = re.compile(r"Credential=[^/]*/\d+/[^/]*/([^/]+)/aws4_request")


class Mode(StrEnum):
    """What goes wrong at a request."""

    BEFORE = "killed-before"
    LOST = "killed-lost-answer"
    AFTER = "killed-after-answer"
    ERROR = "500"
    ERROR_AFTER = "500-carried-out"
    RESET = "reset"
    RESET_AFTER = "reset-carried-out"
    CUT = "cut-carried-out"  # half of the answer, as from a proxy that gives up
    PAGE = "html"  # a page of HTML with status 200, as from the login page of a network
    PAGE_AFTER = "html-carried-out"
    OUTAGE = "outage"  # this request and all after it
    EXPIRED = "expired"  # the operator's credentials, from this request on
    CTRL_C = "ctrl-c"  # while the request is under way

    @property
    def kills(self) -> bool:
        return self in (Mode.BEFORE, Mode.LOST, Mode.AFTER)


@dataclass(frozen=True)
class Fault:
    """`mode` happens at request `number` of the run, counted from 1."""

    mode: Mode
    number: int


@dataclass(frozen=True)
class Throttle:
    """Lets `after` requests through, answers Throttling to `refusals`, and then to none.

    It counts instead of measuring time, so that a machine under load makes no difference.
    """

    after: int
    refusals: int


class Target:
    """The client process, for whoever has to kill it."""

    def __init__(self) -> None:
        self._known, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._pid: int | None = None

    def is_process(self, pid: int) -> None:
        self._pid = pid
        self._known.set()

    def has_ended(self) -> None:
        """Tell that the process has ended; its ID may be taken by another from now on."""
        with self._lock:
            self._pid = None
        self._ended.set()

    def interrupt(self) -> None:
        """Send Ctrl-C to the client."""
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """Kill the client, and return when it is dead."""
        self._send(signal.SIGKILL)
        if not self._ended.wait(_PATIENCE_S):
            raise TimeoutError("the client does not die")

    def _send(self, number: signal.Signals) -> None:
        if not self._known.wait(_PATIENCE_S):
            raise TimeoutError("nobody told which process the client is")
        with self._lock:
            if self._pid is not None:
                os.kill(self._pid, number)


@dataclass
class FaultServer:
    """The layer in front of moto. `url` is where it listens.

    `requests` are the IAM actions of this run, such as `iam:CreateUser`, as they arrived; those
    that were throttled are in `throttled` instead. `observe` is called after each request that was
    carried out.
    """

    url: str = ""
    requests: list[str] = field(default_factory=list)
    throttled: list[str] = field(default_factory=list)
    fault: Fault | None = None
    target: Target = field(default_factory=Target)
    observe: Callable[[], None] = lambda: None
    run: str = ""
    _runs: int = 0
    _app: Any = None
    _throttle: Throttle | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, fault: Fault | None = None, throttle: Throttle | None = None) -> Target:
        """Begin to count a run. Its requests carry `run` in their user agent, others are dropped:

        they are what a client has left behind that was killed.
        """
        with self._lock:
            self._runs += 1
            self.run = f"run-{self._runs}."
            self.requests, self.throttled, self.fault = [], [], fault
            self._throttle = throttle
            self.target = Target()
            return self.target

    def end(self) -> None:
        """End a run: what is still on its way from its client is dropped."""
        with self._lock:
            self.run = "none."

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        action = _action(environ, body)
        with self._lock:
            target, fault = self.target, self.fault
            if f"app/{self.run}" not in environ.get("HTTP_USER_AGENT", ""):
                raise _hang_up(environ)
            if self._throttled():
                self.throttled.append(action)
                return _refuse(environ, start_response, 400, "Throttling", "Rate exceeded")
            self.requests.append(action)
            mode = self._mode(fault, len(self.requests))
            self._strike(mode, target)
            if mode in (Mode.BEFORE, Mode.RESET, Mode.OUTAGE):
                raise _hang_up(environ)
            if mode in (Mode.ERROR, Mode.PAGE, Mode.EXPIRED):
                return _not_carried_out(mode, environ, start_response)
            answer = _carry_out(self._app, environ)
            self.observe()
            if mode is Mode.LOST:
                target.kill()
        if mode in (Mode.LOST, Mode.RESET_AFTER):
            raise _hang_up(environ)
        if mode is Mode.ERROR_AFTER:
            return _refuse(environ, start_response, 500, "InternalFailure", "Try again")
        if mode is Mode.PAGE_AFTER:
            return _page(start_response)
        body = answer.body[: len(answer.body) // 2] if mode is Mode.CUT else answer.body
        headers = [(n, v) for n, v in answer.headers if n.lower() != "content-length"]
        start_response(answer.status, [*headers, ("Content-Length", str(len(body)))])
        return _Answer(body, target.kill if mode is Mode.AFTER else None)

    def _throttled(self) -> bool:
        throttle = self._throttle
        return (
            throttle is not None
            and len(self.requests) >= throttle.after
            and len(self.throttled) < throttle.refusals
        )

    @staticmethod
    def _strike(mode: Mode | None, target: Target) -> None:
        """Do to the client what comes before its request is carried out."""
        if mode is Mode.BEFORE:
            target.kill()
        elif mode is Mode.CTRL_C:
            target.interrupt()

    @staticmethod
    def _mode(fault: Fault | None, number: int) -> Mode | None:
        if fault is None:
            return None
        from_then_on = fault.mode in (Mode.OUTAGE, Mode.EXPIRED)
        hit = number >= fault.number if from_then_on else number == fault.number
        return fault.mode if hit else None


def _hang_up(environ: "WSGIEnvironment") -> ConnectionResetError:
    """Close the connection; what is returned is to be raised, and tells werkzeug so."""
    connection: socket.socket = environ["werkzeug.socket"]
    with suppress(OSError):  # the client may be dead
        connection.shutdown(socket.SHUT_RDWR)
    return ConnectionResetError()


@dataclass(frozen=True)
class _Carried:
    status: str
    headers: list[tuple[str, str]]
    body: bytes


class _Answer:
    """A body; `then` is called once it is sent."""

    def __init__(self, body: bytes, then: Callable[[], None] | None) -> None:
        self._body, self._then = body, then

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    def close(self) -> None:
        if self._then:
            self._then()


def _carry_out(app: "WSGIApplication", environ: "WSGIEnvironment") -> _Carried:
    began: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
        began.append((status, headers))

    try:
        parts = app(environ, start)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
    except NotImplementedError:  # as moto's own server answers
        return _Carried("500 INTERNAL SERVER ERROR", [("Content-Type", "text/html")], _OOPS)
    return _Carried(*began[-1], body)


def _service(environ: "WSGIEnvironment") -> str:
    match = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return match[1] if match else "?"


def _action(environ: "WSGIEnvironment", body: bytes) -> str:
    """Return what is asked for, as `service:Operation`."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    named = (
        target.rpartition(".")[2] or parse_qs(body.decode(errors="replace")).get("Action", "?")[0]
    )
    return f"{_service(environ)}:{named}"


def _not_carried_out(
    mode: Mode, environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    if mode is Mode.PAGE:
        return _page(start_response)
    if mode is Mode.EXPIRED:
        said = "The security token included in the request is expired"
        return _refuse(environ, start_response, 403, "ExpiredToken", said)
    return _refuse(environ, start_response, 500, "InternalFailure", "Try again")


def _page(start_response: "StartResponse") -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [_PAGE]


def _refuse(
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    status: int,
    code: str,
    message: str,
) -> Iterable[bytes]:
    """Answer with an error, in the form of the protocol that was asked in."""
    reason = "Bad Request" if status < 500 else "Internal Server Error"
    if "HTTP_X_AMZ_TARGET" in environ:
        start_response(f"{status} {reason}", [("Content-Type", "application/x-amz-json-1.1")])
        named = f"{code}Exception" if code in ("Throttling", "ExpiredToken") else code
        return [f'{{"__type": "{named}", "message": "{message}"}}'.encode()]
    start_response(f"{status} {reason}", [("Content-Type", "text/xml")])
    kind = "Sender" if status < 500 else "Receiver"
    return [
        (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error><RequestId>fault</RequestId></ErrorResponse>"
        ).encode()
    ]


@contextmanager
def serve() -> Iterator[FaultServer]:
    """Serve an empty account while the block runs."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    layer = FaultServer(_app=DomainDispatcherApplication(create_backend_app))
    server = make_server(_LOOPBACK, 0, layer, threaded=True)
    layer.url = f"http://{_LOOPBACK}:{server.server_port}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield layer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
