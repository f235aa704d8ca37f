"""Formats of mail programs, read by them: Postfix, msmtp, nodemailer.

Debian and Ubuntu: apt-get install postfix msmtp. For nodemailer npm is needed; the test installs
the package into a temporary folder.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.formats import get_format

from .destination_samples import HOST, HOST_2, KEY_ID, PASSWORD, PASSWORD_2, run, smtp

NODEMAILER = "nodemailer@10.6.0"
POSTMAP = shutil.which("postmap") or shutil.which("postmap", path="/usr/sbin:/sbin")
MSMTP = shutil.which("msmtp")


def text_of(name: str, *, two_regions: bool = False) -> str:
    return get_format(name, Interface.SMTP).file(smtp(two_regions=two_regions))


@pytest.mark.skipif(POSTMAP is None, reason="needs Postfix: apt-get install postfix")
@pytest.mark.parametrize("kind", ["hash", "texthash"])
def test_postmap_finds_the_login_of_each_relay_host(kind: str, tmp_path: Path) -> None:
    assert POSTMAP is not None
    file = tmp_path / "sasl_passwd"
    file.write_text(text_of("postfix", two_regions=True))
    settings = tmp_path / "main.cf"
    settings.write_text("compatibility_level = 3.6\n")
    for written in (file, settings):
        os.utime(written, (0, 0))  # Postfix waits until one has not been written for two seconds
    postmap = [POSTMAP, "-c", str(tmp_path)]
    if kind == "hash":
        run([*postmap, f"hash:{file}"])
    found = {
        host: run([*postmap, "-q", f"[{host}]:587", f"{kind}:{file}"]).strip()
        for host in (HOST, HOST_2)
    }
    assert found == {HOST: f"{KEY_ID}:{PASSWORD}", HOST_2: f"{KEY_ID}:{PASSWORD_2}"}


def msmtprc(folder: Path, text: str) -> Path:
    file = folder / "msmtprc"
    file.touch(mode=0o600)
    file.write_text(text)
    return file


@pytest.mark.skipif(MSMTP is None, reason="needs msmtp: apt-get install msmtp")
def test_msmtp_shows_the_account(tmp_path: Path) -> None:
    file = msmtprc(tmp_path, text_of("msmtp"))
    shown = run(["msmtp", "-C", file, "-a", "shop.example.com", "--pretend", "x@example.net"])
    assert {
        f"host = {HOST}",
        "port = 587",
        f"user = {KEY_ID}",
        "password = *",
        "auth = choose",
        "tls = on",
        "tls_starttls = on",
        "tls_certcheck = on",
        "from = noreply@shop.example.com",
    } <= set(shown.splitlines())


@contextmanager
def smtp_server(logins: list[str]) -> Iterator[int]:
    """Serve one SMTP session on a free port; what AUTH PLAIN gives goes into `logins`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw", newline="\r\n") as stream:
                connection.settimeout(30)
                stream.write("220 here\n")
                stream.flush()
                for line in stream:
                    word, _, rest = line.strip().partition(" ")
                    match word.upper():
                        case "EHLO":
                            stream.write("250-here\n250 AUTH PLAIN\n")
                        case "AUTH":
                            logins.append(base64.b64decode(rest.split()[-1]).decode())
                            stream.write("235 welcome\n")
                        case "DATA":
                            stream.write("354 go on\n")
                        case "QUIT":
                            stream.write("221 bye\n")
                            stream.flush()
                            return
                        case "MAIL" | "RCPT" | ".":
                            stream.write("250 ok\n")
                        case _:
                            continue  # a line of the message
                    stream.flush()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(60)


@pytest.mark.skipif(MSMTP is None, reason="needs msmtp: apt-get install msmtp")
def test_msmtp_logs_in_with_the_password(tmp_path: Path) -> None:
    """--pretend hides the password, so it logs in: to a server here, without TLS."""
    logins: list[str] = []
    with smtp_server(logins) as port:
        text = text_of("msmtp").replace(HOST, "127.0.0.1").replace("port 587", f"port {port}")
        file = msmtprc(tmp_path, text.replace("tls on", "tls off"))
        account = ["-a", "shop.example.com", "--auth=plain", "x@example.net"]
        run(["msmtp", "-C", file, *account], text="Subject: hello\n\nhello\n")
    assert logins == [f"\0{KEY_ID}\0{PASSWORD}"]


@pytest.fixture(scope="module")
def nodemailer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node.js and npm: apt-get install npm")
    folder = tmp_path_factory.mktemp("nodemailer")
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", NODEMAILER]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {NODEMAILER} here; it works where npm has a registry")
    return folder


LOAD = """
const fs = require('fs');
const options = JSON.parse(fs.readFileSync(process.argv[1], 'utf8'));
const transport = require('nodemailer').createTransport(options).transporter;
const { host, port, secure, requireTLS } = transport.options;
console.log(JSON.stringify({ host, port, secure, requireTLS, auth: transport.auth.credentials }));
"""


@pytest.mark.rare  # npm fetches the package
def test_nodemailer_makes_a_transport(nodemailer: Path, tmp_path: Path) -> None:
    file = tmp_path / "mail.json"
    file.write_text(text_of("nodemailer"))
    shown = run(["node", "-e", LOAD, file], {"NODE_PATH": str(nodemailer / "node_modules")})
    answer = json.loads(shown)
    assert {name: answer["auth"][name] for name in ("user", "pass")} == {
        "user": KEY_ID,
        "pass": PASSWORD,
    }
    del answer["auth"]
    assert answer == {"host": HOST, "port": 587, "secure": False, "requireTLS": True}


def test_nodemailer_options_are_json() -> None:
    assert json.loads(text_of("nodemailer")) == {
        "//": "written by ses-tenant for shop.example.com",
        "host": HOST,
        "port": 587,
        "secure": False,
        "requireTLS": True,
        "auth": {"user": KEY_ID, "pass": PASSWORD},
    }
