"""A local AWS account that takes its time, and counts: `python -m benchmarks.server`.

moto behind a layer that adds latency to each request and can throttle. Requests wait side by side,
and are carried out one after the other. GET /-/count tells what was asked since POST /-/reset, whose
body sets latency and rate.
"""

import json
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from moto.core.models import MockAWS
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

THROTTLED = "(throttled)"


class Server:
    """The layer in front of moto."""

    def __init__(self) -> None:
        """Begin without latency and without a throttle."""
        self._app: Any = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._count: Counter[str] = Counter()
        self._latency = 0.0
        self._rate = 0.0
        self._tokens, self._at = 1.0, time.monotonic()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request of a tool, or of the benchmark itself."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"].startswith("/-/"):
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self._control(environ["PATH_INFO"], body)).encode()]
        environ["wsgi.input"] = _Body(body)
        time.sleep(self._latency)
        with self._lock:
            if not self._allows():
                self._count[THROTTLED] += 1
                start_response("400 Bad Request", [("Content-Type", "text/xml")])
                return [_THROTTLING]
            self._count[_action(environ, body)] += 1
            return list(self._app(environ, start_response))

    def _control(self, path: str, body: bytes) -> dict[str, int]:
        with self._lock:
            if path == "/-/reset":
                wanted = json.loads(body)
                if wanted.get("forget", False):
                    MockAWS.reset(_Reset())
                self._latency, self._rate = wanted["latency"], wanted.get("rate", 0.0)
                self._tokens, self._at = 1.0, time.monotonic()
                self._count.clear()
            return dict(self._count)

    def _allows(self) -> bool:
        if not self._rate:
            return True
        now = time.monotonic()
        self._tokens = min(1.0, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
