"""A local AWS account that takes its time, and counts: `python -m benchmarks.server LATENCY RATE`.

moto behind a layer that waits LATENCY seconds before each request and throttles past RATE a second
(0: never). Requests wait side by side, and are carried out one after the other. Prints its address;
GET /-/count tells how often each action was asked for. It ends when its standard input does.
"""

import json
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from io import BytesIO
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from ses_tenant.sandbox.faults import Faults
from ses_tenant.sandbox.renaming import renamed_users_keep_tags

THROTTLED = "(throttled)"
COUNT = "/-/count"
_THROTTLING = (
    b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
    b"<Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
    b"<RequestId>throttled</RequestId></ErrorResponse>"
)


class Layer:
    """A WSGI application in front of moto's."""

    def __init__(self, moto: WSGIApplication, latency_s: float, rate: int) -> None:
        """Begin with nothing counted."""
        self._moto = moto
        self._latency_s = latency_s
        self._faults = Faults(time.monotonic, throttle=rate)
        self._count: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request of a tool, or of the benchmark itself."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"] == COUNT:
            with self._lock:
                text = json.dumps(self._count).encode()
            start("200 OK", [("Content-Type", "application/json")])
            return [text]
        environ["wsgi.input"] = BytesIO(body)
        time.sleep(self._latency_s)
        if self._faults.next():
            with self._lock:
                self._count[THROTTLED] += 1
            start("400 Bad Request", [("Content-Type", "text/xml")])
            return [_THROTTLING]
        with self._lock:
            self._count[parse_qs(body.decode()).get("Action", ["?"])[0]] += 1
            return list(self._moto(environ, start))


class _Connection(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as AWS keeps them
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


def main() -> None:
    """Serve until standard input ends."""
    latency_s, rate = float(sys.argv[1]), int(sys.argv[2])
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    layer = Layer(DomainDispatcherApplication(create_backend_app), latency_s, rate)
    server = make_server("127.0.0.1", 0, layer, threaded=True, request_handler=_Connection)
    server.daemon_threads = True  # type: ignore[attr-defined]
    with renamed_users_keep_tags():
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
