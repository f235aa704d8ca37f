"""Mail programs that nobody here wrote, each as one function: send, and say what was answered.

A sender gets the sandbox's environment, SMTP credentials, a From address and a folder, and returns
whether the message was taken with the text that the program showed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.credentials import Credentials, SmtpCredentials
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.formats import postfix as sasl_passwd

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


_MAIN_CF = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = /dev/stdout
myhostname = site.example
mydestination =
alias_maps =
inet_interfaces = loopback-only
smtp_tls_security_level = verify
smtp_tls_CAfile = {ca_file}
smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = texthash:{folder}/sasl_passwd
relayhost = {relay}
"""
_MASTER_CF = """
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def postfix(login: Login, sender: str, folder: Path) -> Said:
    """Relay through a Postfix of its own, with sasl_passwd as --format postfix prints it."""
    home = Path(tempfile.mkdtemp(dir=folder))
    for name in ("etc", "spool", "data"):
        (home / name).mkdir()
    shutil.chown(home / "data", "postfix")
    for parent in (home, *home.parents):  # Postfix reads as a user of its own
        parent.chmod(parent.stat().st_mode | 0o011)
        if parent.parent == Path(tempfile.gettempdir()):
            break
    region, domain = "eu-central-1", SendingDomain.parse(sender.rpartition("@")[2])
    smtp = SmtpCredentials(region, login.host, login.port, login.user_name, login.password)
    whose = (domain, "ses-site", None, Interface.SMTP, (region,))
    printed = sasl_passwd(Credentials(*whose, login.user_name, None, (smtp,)))
    (home / "sasl_passwd").write_text(printed)
    relay = f"[{login.host}]:{login.port}"
    main = _MAIN_CF.format(folder=home, ca_file=login.ca_file, relay=relay)
    (home / "etc" / "main.cf").write_text(main)
    (home / "etc" / "master.cf").write_text(_MASTER_CF)
    config = ("-c", str(home / "etc"))
    with subprocess.Popen(
        ("postfix", *config, "start-fg"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        log = ""
        for line in server.stdout:
            log += line
            if "daemon started" in line:
                sendmail = ("sendmail", "-C", str(home / "etc"), "-i", "-f", sender, TO)
                ran(*sendmail, stdin=message(sender))
            if " status=" in line or "fatal" in line:
                break
        ran("postfix", *config, "stop")
    return Said("status=sent" in log, log)


SENDERS: Mapping[str, Sender] = {
    "postfix": postfix,
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
    if name == "postfix" and os.geteuid() != 0:
        return "Postfix can be started by root alone"
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
