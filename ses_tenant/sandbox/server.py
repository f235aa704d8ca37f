"""The sandbox as a whole: moto behind a gate, and an SMTP server, on free ports."""

import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLContext
from threading import Event, Thread

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.sandbox.account import Account, Settings
from ses_tenant.sandbox.certificate import make_certificate
from ses_tenant.sandbox.door import Door, Handler, Operator, is_loopback, new_operator
from ses_tenant.sandbox.events import SesEvent
from ses_tenant.sandbox.faults import Faults
from ses_tenant.sandbox.gate import Gate
from ses_tenant.sandbox.identities import Ask, verify_pending
from ses_tenant.sandbox.model import Model
from ses_tenant.sandbox.outbox import Outbox
from ses_tenant.sandbox.page import Page
from ses_tenant.sandbox.post import Post
from ses_tenant.sandbox.renaming import renamed_users_keep_tags
from ses_tenant.sandbox.smtp import serve_smtp
from ses_tenant.sandbox.state import SERVICES, backends, kept, load, unheard

LOOPBACK = "127.0.0.1"
DEFAULT_REGION = "eu-central-1"
_ANY = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - what to connect to instead
_VERIFY_EVERY_S = 1.0
_POLL_S = 0.02  # how soon a stop is noticed


@dataclass(frozen=True)
class Options:
    """What the sandbox is like; the options of `ses-tenant sandbox`.

    A port that is 0 is the one that `state` was served on before, else any that is free. `emit` is
    given what SES would tell on EventBridge of the mail that is sent; `not_kept` is told at once
    that `state` can no longer be written.
    """

    region: str = DEFAULT_REGION
    host: str = LOOPBACK
    unverified: bool = False
    ask: Ask | None = None
    ses_sandbox: bool = False
    latency_s: float = 0
    throttle: int = 0
    fail_percent: int = 0
    model: Model = field(default_factory=Model)
    state: Path | None = None
    port: int = 0
    smtp_port: int = 0
    smtps_port: int = 0
    https_port: int = 0
    emit: Callable[[SesEvent], None] | None = None
    not_kept: Callable[[SesTenantError], None] = unheard


@dataclass(frozen=True)
class Sandbox:
    """Where a running sandbox is reached: `https_url` is the same as `url`, with TLS."""

    url: str
    https_url: str
    host: str
    smtp_port: int
    smtps_port: int
    ca_file: Path
    bundle_file: Path
    region: str
    post: Post
    operator: Operator


@contextmanager
def serve(options: Options | None = None) -> Iterator[Sandbox]:
    """Serve an AWS account while the block runs, empty unless `state` holds one.

    Raises SesTenantError `usage` where it cannot listen, and for a state that is damaged; at its
    end, if the state could not be written any more.
    """
    chosen = options or Options()
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)  # a line a request, tracebacks too
    verifies = chosen.ask is not None
    account = Account(
        Settings(chosen.region, chosen.unverified, chosen.ses_sandbox, verifies, chosen.model)
    )
    post = Post(account, Outbox(), chosen.emit)
    faults = Faults(time.monotonic, chosen.latency_s, chosen.throttle, chosen.fail_percent)
    moto = DomainDispatcherApplication(create_backend_app)
    for service in SERVICES:
        backends(service).reset()  # moto keeps them for the whole process
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ses-tenant-")))
        certificate = make_certificate(folder, chosen.host, chosen.region, os.environ)
        if chosen.state:
            load(account, chosen.state)
        http, smtp, smtps, https = (
            stack.enter_context(_listen(chosen.host, given or before))
            for given, before in zip(
                (chosen.port, chosen.smtp_port, chosen.smtps_port, chosen.https_port),
                account.ports,
                strict=True,
            )
        )
        account.ports = (_port(http), _port(smtp), _port(smtps), _port(https))
        if chosen.state:
            stack.enter_context(kept(account, chosen.state, chosen.not_kept))
        host = _ANY.get(chosen.host, chosen.host)
        operator = None if is_loopback(chosen.host) else new_operator()
        gate = Gate(post, faults, moto, Door(chosen.host), Page(post, operator), operator)
        stack.enter_context(serve_smtp(post, faults, smtp, smtps, certificate.context))
        stack.enter_context(renamed_users_keep_tags())
        stack.enter_context(_serving(host, http, gate))
        stack.enter_context(_serving(host, https, gate, certificate.context))
        if chosen.ask is not None:
            stack.enter_context(_verifying(account, chosen.ask))
        where = f"[{host}]" if ":" in host else host
        yield Sandbox(
            url=f"http://{where}:{account.ports[0]}",
            https_url=f"https://{where}:{account.ports[3]}",
            host=host,
            smtp_port=account.ports[1],
            smtps_port=account.ports[2],
            ca_file=certificate.ca_file,
            bundle_file=certificate.bundle_file,
            region=chosen.region,
            post=post,
            operator=operator or Operator("sandbox", "sandbox"),  # any other key is, too
        )


@contextmanager
def _serving(
    host: str, listening: socket.socket, gate: Gate, tls: SSLContext | None = None
) -> Iterator[None]:
    """Answer HTTP requests while the block runs, with `tls` HTTPS."""
    server = make_server(
        host, 0, gate, threaded=True, fd=listening.fileno(), request_handler=Handler
    )
    if tls:
        # Not at accept, where a client that says nothing would keep all others waiting.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.ssl_context = tls
    thread = Thread(target=lambda: server.serve_forever(_POLL_S), name="sandbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _verifying(account: Account, ask: Ask) -> Iterator[None]:
    """Look up the records of identities that are pending, again and again while the block runs."""
    stop = Event()

    def work() -> None:
        while not stop.wait(_VERIFY_EVERY_S):
            verify_pending(account, ask, lambda: datetime.now(UTC))

    thread = Thread(target=work, name="sandbox-verify", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _listen(host: str, port: int) -> socket.socket:
    # Given a socket, werkzeug does not end the process where the address is not to be had.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The sandbox cannot listen on '{host}'{f', port {port}' if port else ''}: "
            f"{error.strerror or error}.",
            "Give another --port, --smtp-port or --smtps-port, or end what listens there."
            if port
            else "Leave --host out to listen on this machine alone.",
        ) from error


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])
