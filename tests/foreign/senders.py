"""Mail programs that nobody here wrote, each as one function: send, and say what was answered.

A sender gets the sandbox's environment, SMTP credentials, a From address and a folder, and returns
whether the message was taken with the text that the program showed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TO = "customer@client.example"


@dataclass(frozen=True)
class Login:
    """What a program is configured with."""

    host: str
    port: int
    user_name: str
    password: str
    ca_file: str


@dataclass(frozen=True)
class Said:
    """Whether a program says that the message was taken, and all that it printed."""

    taken: bool
    text: str


Sender = Callable[[Login, str, Path], Said]


def ran(*command: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Said:
    done = subprocess.run(
        command,
        input=stdin,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Said(done.returncode == 0, done.stdout + done.stderr)


def message(sender: str) -> str:
    return f"From: {sender}\r\nTo: {TO}\r\nSubject: Order\r\n\r\nHello\r\n"


def curl(login: Login, sender: str, folder: Path) -> Said:
    config = folder / "curl"
    config.write_text(f'user = "{login.user_name}:{login.password}"\n')
    return ran(
        *("curl", "-sS", "-v", "--config", str(config), "--ssl-reqd", "--cacert", login.ca_file),
        *("--url", f"smtp://{login.host}:{login.port}", "--mail-from", sender),
        *("--mail-rcpt", TO, "--upload-file", "-"),
        stdin=message(sender),
    )


def swaks(login: Login, sender: str, _folder: Path) -> Said:
    return ran(
        *("swaks", "--server", login.host, "--port", str(login.port), "--tls"),
        *("--auth", "LOGIN", "--auth-user", login.user_name, "--auth-password", login.password),
        *("--from", sender, "--to", TO, "--tls-verify", "--tls-ca-path", login.ca_file),
    )


def msmtp(login: Login, sender: str, folder: Path) -> Said:
    config = folder / "msmtprc"
    config.write_text(
        f"account a\nhost {login.host}\nport {login.port}\ntls on\ntls_starttls on\nauth on\n"
        f'user {login.user_name}\npassword "{login.password}"\n'
        f'tls_trust_file "{login.ca_file}"\n'
    )
    config.chmod(0o600)
    return ran("msmtp", "-C", str(config), "-a", "a", "-f", sender, TO, stdin=message(sender))


_DJANGO = """
import os, sys
from django.conf import settings
host, port, user, password, sender = sys.argv[1:6]
settings.configure(EMAIL_HOST=host, EMAIL_PORT=int(port), EMAIL_USE_TLS=True, EMAIL_TIMEOUT=30,
    EMAIL_HOST_USER=user, EMAIL_HOST_PASSWORD=password)
from django.core.mail import send_mail
sys.exit(0 if send_mail("Order", "Hello", sender, ["customer@client.example"]) == 1 else 1)
"""


def django(login: Login, sender: str, _folder: Path) -> Said:
    where = (login.host, str(login.port), login.user_name, login.password, sender)
    env = {"SSL_CERT_FILE": login.ca_file}
    return ran(sys.executable, "-c", _DJANGO, *where, env=env)


_NODEMAILER = """
const [host, port, user, pass, from] = process.argv.slice(1);
require("nodemailer").createTransport({host, port: +port, secure: false, requireTLS: true,
  auth: {user, pass}}).sendMail({from, to: "customer@client.example", subject: "Order", text: "Hello"})
  .then((sent) => console.log(sent.response), (error) => { console.error(error.message); process.exit(1); });
"""


def nodemailer(login: Login, sender: str, _folder: Path) -> Said:
    where = (login.host, str(login.port), login.user_name, login.password, sender)
    return ran("node", "-e", _NODEMAILER, *where, env={"NODE_EXTRA_CA_CERTS": login.ca_file})


_PHPMAILER = """
[$_, $autoload, $host, $port, $user, $password, $from] = $argv;
require $autoload;
$mail = new PHPMailer\\\\PHPMailer\\\\PHPMailer(true);
$mail->isSMTP(); $mail->SMTPDebug = 2; $mail->Host = $host; $mail->Port = (int) $port;
$mail->SMTPAuth = true; $mail->SMTPSecure = 'tls'; $mail->Username = $user;
$mail->Password = $password; $mail->setFrom($from); $mail->addAddress('customer@client.example');
$mail->Subject = 'Order'; $mail->Body = 'Hello';
try { $mail->send(); } catch (Exception $error) { echo $error->getMessage(); exit(1); }
""".replace("\\\\", "\\")


def phpmailer(login: Login, sender: str, _folder: Path) -> Said:
    where = (login.host, str(login.port), login.user_name, login.password, sender)
    autoload = os.environ.get("PHPMAILER_AUTOLOAD", "/usr/share/php/libphp-phpmailer/autoload.php")
    env = {"SSL_CERT_FILE": login.ca_file}
    return ran("php", "-r", _PHPMAILER, "--", autoload, *where, env=env)


SENDERS: Mapping[str, Sender] = {
    "curl": curl,
    "swaks": swaks,
    "msmtp": msmtp,
    "django": django,
    "nodemailer": nodemailer,
    "phpmailer": phpmailer,
}


def missing(name: str) -> str:
    """Return why a sender cannot run here, or nothing."""
    if name == "django":
        return ""
    program = {"nodemailer": "node", "phpmailer": "php"}.get(name, name)
    if shutil.which(program) is None:
        return f"{program} is not installed"
    if name == "nodemailer" and not ran("node", "-e", 'require("nodemailer")').taken:
        return "nodemailer is not installed (NODE_PATH)"
    if name == "phpmailer":
        autoload = os.environ.get(
            "PHPMAILER_AUTOLOAD", "/usr/share/php/libphp-phpmailer/autoload.php"
        )
        return "" if Path(autoload).exists() else "PHPMailer is not installed"
    return ""
