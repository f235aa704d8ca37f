"""A new key is shown to STS or to SES's SMTP server: real ones, on loopback."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.verify import verify_credentials
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials, LocalSes, SmtpCredentials
from ses_tenant.core.tenant.spec import Interface

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "Planted/Secret+Access+Key/0123456789abcd"
PASSWORD = "BPlanted/Smtp+Password/0123456789abcdefghijk="
PAUSES = [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0]


def no_pause(seconds: float) -> None:
    pytest.fail(f"a pause of {seconds} s")


pytestmark = pytest.mark.usefixtures("credentials")


def api_credentials() -> Credentials:
    return Credentials(
        SendingDomain.parse("shop.example.com"),
        "ses-shop.example.com",
        None,
        Interface.API,
        ("eu-central-1",),
        KEY,
        SECRET,
    )


def smtp_credentials(*regions: str) -> Credentials:
    return Credentials(
        SendingDomain.parse("shop.example.com"),
        "ses-shop.example.com",
        None,
        Interface.SMTP,
        regions,
        KEY,
        None,
        tuple(
            SmtpCredentials(r, f"email-smtp.{r}.amazonaws.com", 587, KEY, PASSWORD) for r in regions
        ),
    )


@dataclass
class Sts:
    """A stub of STS that refuses so many times and then knows the key."""

    url: str
    refusals: int = 0
    code: str = "InvalidClientTokenId"
    actions: list[str] = field(default_factory=list)
    signed_by: list[str] = field(default_factory=list)


REFUSED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>The security token included "
    "in the request is invalid</Message></Error><RequestId>1</RequestId></ErrorResponse>"
)
KNOWN = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><UserId>A</UserId>"
    "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/x</Arn>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@pytest.fixture
def sts() -> Iterator[Sts]:
    stub = Sts("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            stub.actions += parse_qs(body)["Action"]
            stub.signed_by.append(self.headers["Authorization"].split("Credential=")[1][:20])
            refused = len(stub.actions) <= stub.refusals
            text = (REFUSED.format(stub.code) if refused else KNOWN).encode()
            self.send_response(403 if refused else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    thread.join()
    server.server_close()


def session(url: str | None = None) -> AwsSession:
    return open_session(None, "eu-central-1", url)


class TestApi:
    @pytest.mark.parametrize("refusals", [0, 1, 3, 8])
    def test_it_asks_again_until_the_key_is_known(self, sts: Sts, refusals: int) -> None:
        sts.refusals = refusals
        pauses: list[float] = []
        told = verify_credentials(session(sts.url), api_credentials(), pauses.append)
        assert told == "shop.example.com: the new key is accepted by STS."
        assert pauses == PAUSES[:refusals]
        assert sts.actions == ["GetCallerIdentity"] * (refusals + 1)

    def test_the_new_key_signs_and_not_the_operators(
        self, sts: Sts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOPERATOREXAMPLE1")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "the-operators")
        verify_credentials(session(sts.url), api_credentials(), no_pause)
        assert sts.signed_by == [KEY]

    def test_it_gives_up_after_all_pauses(self, sts: Sts) -> None:
        sts.refusals = 99
        pauses: list[float] = []
        with pytest.raises(SesTenantError) as failure:
            verify_credentials(session(sts.url), api_credentials(), pauses.append)
        assert pauses == PAUSES
        assert sum(pauses) == 30
        assert len(sts.actions) == 9
        assert failure.value.code is ErrorCode.PARTIAL_FAILURE
        assert failure.value.message == (
            "shop.example.com: the key AKIAIOSFODNN7EXAMPLE is not accepted: STS refused it for "
            "30 s: InvalidClientTokenId."
        )
        assert failure.value.hint.startswith("Once AWS accepts it, nothing is left to do.")
        assert SECRET not in str(failure.value) + repr(failure.value) + failure.value.hint

    def test_a_server_that_is_not_there_is_asked_again_too(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        pauses: list[float] = []
        with pytest.raises(SesTenantError, match="EndpointConnectionError"):
            verify_credentials(
                session(f"http://127.0.0.1:{port}"), api_credentials(), pauses.append
            )
        assert pauses == PAUSES


def certificate(folder: Path, host: str) -> Path:
    """Write a certificate for an address with its key; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@dataclass
class Smtp:
    """An SMTP server that refuses so many logins; `commands` are the verbs of each session."""

    local_ses: LocalSes
    refusals: int = 0
    login: str = f"\0{KEY}\0{PASSWORD}"
    offers_tls: bool = True
    commands: list[list[str]] = field(default_factory=list)
    logins: int = 0

    def serve(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        verbs: list[str] = []
        self.commands.append(verbs)
        stream = cast("BinaryIO", connection.makefile("rwb", buffering=0))
        encrypted = False
        try:
            stream.write(b"220 test\r\n")
            while line := stream.readline():
                words = line.decode().split()
                verbs.append(words[0].upper())
                match verbs[-1]:
                    case "EHLO":
                        offer = "AUTH PLAIN" if encrypted else "STARTTLS"
                        more = offer if encrypted or self.offers_tls else "8BITMIME"
                        stream.write(f"250-test\r\n250 {more}\r\n".encode())
                    case "STARTTLS" if self.offers_tls:
                        stream.write(b"220 go\r\n")
                        stream.close()
                        connection = context.wrap_socket(connection, server_side=True)
                        stream = cast("BinaryIO", connection.makefile("rwb", buffering=0))
                        encrypted = True
                    case "AUTH":
                        self.logins += 1
                        given = base64.b64decode(words[2]).decode()
                        known = self.logins > self.refusals and given == self.login
                        stream.write(b"235 in\r\n" if known else b"535 Credentials Invalid\r\n")
                    case "QUIT":
                        stream.write(b"221 bye\r\n")
                        break
                    case _:
                        stream.write(b"502 no\r\n")
        except OSError:  # the client has hung up, as it does on a certificate it does not trust
            return
        finally:
            stream.close()
            connection.close()


@contextmanager
def smtp_server(file: Path, trusted: Path) -> Iterator[Smtp]:
    """Serve while the block runs, with one certificate, and name another as trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = Smtp(LocalSes("127.0.0.1", port, str(trusted)))
        over = threading.Event()

        def accept() -> None:
            while True:
                connection, _ = listener.accept()
                if over.is_set():
                    connection.close()
                    return
                server.serve(connection, context)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server
        over.set()
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
        thread.join(10)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("own"), "127.0.0.1")


@pytest.fixture
def smtp(own: Path) -> Iterator[Smtp]:
    with smtp_server(own, own) as server:
        yield server


LOGIN = ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]


class TestSmtp:
    @pytest.mark.parametrize("refusals", [0, 1, 8])
    def test_it_logs_in_and_leaves(self, smtp: Smtp, refusals: int) -> None:
        smtp.refusals = refusals
        pauses: list[float] = []
        told = verify_credentials(
            session(), smtp_credentials("eu-central-1"), pauses.append, smtp.local_ses
        )
        assert told == "shop.example.com: the SMTP password is accepted."
        assert pauses == PAUSES[:refusals]
        assert smtp.commands == [LOGIN] * (refusals + 1)

    def test_every_region_is_tried(self, smtp: Smtp) -> None:
        pauses: list[float] = []
        verify_credentials(
            session(),
            smtp_credentials("eu-central-1", "us-east-1"),
            pauses.append,
            smtp.local_ses,
        )
        assert (smtp.commands, pauses) == ([LOGIN, LOGIN], [])

    def test_a_wrong_password_is_refused_in_the_end(self, smtp: Smtp) -> None:
        smtp.login = "another"
        pauses: list[float] = []
        with pytest.raises(SesTenantError) as failure:
            verify_credentials(
                session(), smtp_credentials("eu-central-1"), pauses.append, smtp.local_ses
            )
        assert pauses == PAUSES
        assert smtp.commands == [LOGIN] * 9
        assert failure.value.code is ErrorCode.PARTIAL_FAILURE
        assert KEY in failure.value.message
        assert "535" in failure.value.message
        assert failure.value.hint.startswith("Once AWS accepts it, nothing is left to do.")
        sent = base64.b64encode(f"\0{KEY}\0{PASSWORD}".encode()).decode()
        text = str(failure.value) + repr(failure.value) + failure.value.hint
        assert PASSWORD not in text
        assert sent not in text

    def test_a_certificate_of_another_host_gets_no_password(self, tmp_path: Path) -> None:
        other = certificate(tmp_path, "127.0.0.2")
        with smtp_server(other, other) as server:
            message = refused(server)
        assert "SSLCertVerificationError" in message
        assert all("AUTH" not in verbs for verbs in server.commands)

    def test_a_certificate_that_nobody_trusts_gets_no_password(
        self, tmp_path: Path, own: Path
    ) -> None:
        with smtp_server(certificate(tmp_path, "127.0.0.1"), own) as server:
            message = refused(server)
        assert "SSLCertVerificationError" in message
        assert all("AUTH" not in verbs for verbs in server.commands)

    def test_a_server_without_tls_gets_no_password(self, smtp: Smtp) -> None:
        smtp.offers_tls = False
        assert "SMTPNotSupportedError" in refused(smtp)
        assert all("AUTH" not in verbs for verbs in smtp.commands)

    def test_a_server_that_is_not_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        assert "ConnectionRefusedError" in refused(Smtp(LocalSes("127.0.0.1", port)))

    def test_with_an_endpoint_of_ones_own_nothing_of_aws_is_asked(self) -> None:
        pauses: list[float] = []
        told = verify_credentials(
            session("http://127.0.0.1:9"), smtp_credentials("eu-central-1"), pauses.append
        )
        assert told.startswith("shop.example.com: not verified, ")
        assert "SES_TENANT_SMTP_HOST" in told
        assert pauses == []

    def test_so_with_the_endpoint_in_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        told = verify_credentials(session(), smtp_credentials("eu-central-1"), no_pause)
        assert "not verified" in told


def refused(server: Smtp) -> str:
    """Return the message of a verification that fails after all pauses."""
    pauses: list[float] = []
    with pytest.raises(SesTenantError) as failure:
        verify_credentials(
            session(), smtp_credentials("eu-central-1"), pauses.append, server.local_ses
        )
    assert pauses == PAUSES
    assert failure.value.code is ErrorCode.PARTIAL_FAILURE
    assert PASSWORD not in failure.value.message
    return failure.value.message
