"""The SMTP interface: AUTH with an SMTP password, STARTTLS or TLS from the start, SES's answers.

https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html
"""

import asyncio
import hmac
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ses_tenant.core.regions import SMTP_REGIONS
from ses_tenant.core.smtp import smtp_password
from ses_tenant.sandbox.account import Account, Key
from ses_tenant.sandbox.faults import Fault, Faults
from ses_tenant.sandbox.mail import (
    InvalidMailError,
    Mail,
    is_address,
    merged,
    read_headers,
    subject_of,
)
from ses_tenant.sandbox.message_tags import fault_of
from ses_tenant.sandbox.post import Post
from ses_tenant.sandbox.ruling import DENIED, REJECTED, THROTTLED, Ruling

MAX_MESSAGE = 40 * 2**20
_MAX_RECIPIENTS = 50
_TIMEOUT_S = 60
_REFUSED = "535 Authentication Credentials Invalid"
_TROUBLE = {
    Fault.THROTTLED: "454 Throttling failure: Maximum sending rate exceeded.",
    Fault.FAILED: "451 Temporary service failure",
}


def check_login(account: Account, user_name: str, password: str) -> tuple[Key | None, str]:
    """Return the key that the login proves, or None and why it is refused.

    The client is told nothing of the reason, as by SES; it stands in the outbox.
    """
    region = account.settings.region
    with account.lock:
        key = account.key(user_name)
    if key is None:
        if user_name.startswith("ASIA"):
            return (
                None,
                "SMTP passwords are made of an IAM user's key, not of temporary credentials",
            )
        deleted = user_name in account.issued
        return None, f"the access key {'was deleted' if deleted else 'does not exist'}"
    if _same(password, smtp_password(key.secret_access_key, region)):
        return (key, "") if key.active else (None, "the access key is Inactive")
    if _same(password, key.secret_access_key):
        return None, "this is the secret access key, not the SMTP password derived from it"
    for other in sorted(SMTP_REGIONS - {region}):
        if _same(password, smtp_password(key.secret_access_key, other)):
            return None, f"this password is for {other}, and the sandbox plays {region}"
    return None, "the password is wrong"


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


@dataclass(frozen=True)
class _Handler:
    """aiosmtpd's hooks: https://aiosmtpd.aio-libs.org/en/stable/handlers.html ."""

    post: Post
    faults: Faults

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        """Check user name and password."""
        if not isinstance(login, LoginPassword):
            return AuthResult(success=False, handled=False, message=_REFUSED)
        user_name = login.login.decode("utf-8", "replace")
        key, why = check_login(
            self.post.account, user_name, login.password.decode("utf-8", "replace")
        )
        if key is None:
            mail = Mail("smtp", f"AUTH {mechanism}", (), "", (), (), b"")
            self.post.record(None, user_name[:128], mail, Ruling("535", _REFUSED, why))
            return AuthResult(success=False, handled=False, message=_REFUSED)
        with self.post.account.lock:
            settings = self.post.account.settings
            self.post.account.note_use(
                key, settings.region, settings.model.answer("smtp_last_used")
            )
        return AuthResult(success=True, auth_data=key.access_key_id)

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the envelope's sender after a login; SES takes no empty one."""
        if not session.authenticated:
            return "530 Authentication required"
        if not is_address(address):
            return "501 Invalid MAIL FROM address provided"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 Ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, up to SES's 50."""
        if len(envelope.rcpt_tos) >= _MAX_RECIPIENTS:
            return "452 Too many recipients"
        if "@" not in address:
            return "501 Invalid RCPT TO address provided"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 Ok"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Decide on a message."""
        await asyncio.sleep(self.faults.latency_s)
        if fault := self.faults.next():
            return _TROUBLE[fault]
        return self.decide(session, envelope)

    def decide(self, session: Session, envelope: Envelope) -> str:
        """Return SES's answer to a message."""
        account = self.post.account
        user_name = str(session.auth_data)
        with account.lock:  # the key may be gone since the login
            key = account.key(user_name)
        raw = envelope.content or b""
        if isinstance(raw, str):
            raw = raw.encode()
        if key is None or not key.active:
            why = "the access key was deactivated or deleted after the login"
            mail = Mail("smtp", "SMTP", (), "2", (), (), b"")
            self.post.record(None, user_name, mail, Ruling("535", _REFUSED, why))
            return _REFUSED
        try:
            mail = smtp_mail(str(envelope.mail_from), envelope.rcpt_tos, raw)
        except InvalidMailError as error:
            mail = Mail(
                "smtp", "SMTP", (), "2", (str(envelope.mail_from),), tuple(envelope.rcpt_tos), raw,
                subject=subject_of(raw),
            )  # fmt: skip
            answer = f"554 Transaction failed: {error}"
            self.post.record(
                key, key.access_key_id, mail, Ruling("554", answer, "not a valid mail")
            )
            return answer
        context = {"aws:sourceip": (str((session.peer or ("",))[0]),)}
        ruling, message_id = self.post.send(
            key, key.access_key_id, mail, account.settings.region, context
        )
        return smtp_answer(ruling, message_id)

    async def handle_exception(self, _error: Exception) -> str:
        """Answer in place of a traceback."""
        return "451 Temporary service failure"


def smtp_mail(envelope_from: str, recipients: list[str], raw: bytes) -> Mail:
    """Return the message of an SMTP session; raises InvalidMailError.

    The envelope's sender is where bounces go, and judged as a From address too.
    """
    headers = read_headers(raw)
    return Mail(
        interface="smtp",
        operation="SMTP",
        actions=("ses:SendRawEmail",),
        api_version="2",
        senders=merged(headers.written, headers.others, [envelope_from]),
        written=headers.written,
        others=headers.others,
        recipients=merged(recipients),
        raw=raw,
        display_name=headers.display_name,
        return_path=envelope_from,
        configuration_set=headers.configuration_set,
        identity_arn=headers.source_arn,
        subject=headers.subject,
        tags=headers.tags,
        fault=fault_of(headers.tags),
    )


def smtp_answer(ruling: Ruling, message_id: str) -> str:
    """Return the ruling as a line of SMTP."""
    match ruling.code:
        case None:
            return f"250 Ok {message_id}"
        case code if code == DENIED:
            return f"554 Access denied: {ruling.answer}"
        case code if code == REJECTED:
            return f"554 Message rejected: {ruling.answer}"
        case code if code == THROTTLED:
            return f"454 Throttling failure: {ruling.answer}"
        case _:
            return f"554 Transaction failed: {ruling.answer}"


class _Server(SMTP):
    """aiosmtpd with SES's greeting and generous lines."""

    __ident__ = "ESMTP SimpleEmailService (ses-tenant sandbox)"
    line_length_limit = 64 * 2**10


@contextmanager
def serve_smtp(
    post: Post, faults: Faults, starttls: socket.socket, tls: socket.socket, context: SSLContext
) -> Iterator[None]:
    """Serve SMTP while the block runs: one socket with STARTTLS, one with TLS from the start.

    One thread serves all sessions and watches their time-outs.
    """
    for name in ("mail.log", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    handler = _Handler(post, faults)
    loop = asyncio.new_event_loop()

    def session(*, starttls: bool) -> SMTP:
        return _Server(
            handler,
            hostname="email-smtp.amazonaws.com",
            data_size_limit=MAX_MESSAGE,
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,  # the other port has TLS before aiosmtpd can see it
            authenticator=handler.authenticate,
            command_call_limit=100_000,
            timeout=_TIMEOUT_S,
            loop=loop,
        )

    async def listen() -> tuple[asyncio.Server, asyncio.Server]:
        return (
            await loop.create_server(lambda: session(starttls=True), sock=starttls, backlog=512),
            await loop.create_server(
                lambda: session(starttls=False), sock=tls, ssl=context, backlog=512
            ),
        )

    async def leave(servers: tuple[asyncio.Server, asyncio.Server]) -> None:
        for server in servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    servers = loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever, name="sandbox-smtp", daemon=True)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(leave(servers), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
