"""moto's server, in this process, on a free loopback port."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from ses_tenant.sandbox.renaming import renamed_users_keep_tags

_LOOPBACK = "127.0.0.1"
_POLL_S = 0.02  # how soon a stop is noticed


@contextmanager
def serve() -> Iterator[str]:
    """Serve an empty AWS account while the block runs; the value is its endpoint URL."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)  # a line a request, tracebacks too
    server = make_server(
        _LOOPBACK, 0, DomainDispatcherApplication(create_backend_app), threaded=True
    )
    thread = Thread(target=lambda: server.serve_forever(_POLL_S), name="sandbox", daemon=True)
    thread.start()
    try:
        with renamed_users_keep_tags():
            yield f"http://{_LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
