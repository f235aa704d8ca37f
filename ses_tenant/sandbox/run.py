"""Run a command inside the sandbox: its environment, its exit status."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_tenant.sandbox.server import Sandbox


def region(environ: Mapping[str, str], default: str) -> str:
    """Return the Region that the sandbox plays: the one that AWS tools would use."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or default


def aws_variables(
    endpoint_url: str,
    region_name: str,
    environ: Mapping[str, str],
    key: tuple[str, str] = ("sandbox", "sandbox"),
) -> dict[str, str]:
    """Return the AWS variables that make every SDK use the sandbox and no real account.

    `key` is the operator's: access key ID and secret access key.
    """
    no_proxy = ",".join(filter(None, (environ.get("NO_PROXY"), "127.0.0.1", "localhost")))
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": key[0],
        "AWS_SECRET_ACCESS_KEY": key[1],
        "AWS_REGION": region_name,
        "AWS_DEFAULT_REGION": region_name,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def variables(sandbox: "Sandbox", environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a command: those for AWS, those for SMTP, and whom TLS may trust.

    OpenSSL reads SSL_CERT_FILE, Node.js NODE_EXTRA_CA_CERTS, so that most programs take the
    sandbox's certificate as they would take that of SES.
    """
    return {
        **aws_variables(
            sandbox.url,
            sandbox.region,
            environ,
            (sandbox.operator.access_key_id, sandbox.operator.secret_access_key),
        ),
        "SES_TENANT_SMTP_HOST": sandbox.host,
        "SES_TENANT_SMTP_PORT": str(sandbox.smtp_port),
        "SES_TENANT_SMTPS_PORT": str(sandbox.smtps_port),
        "SES_TENANT_HTTPS_URL": sandbox.https_url,
        "SES_TENANT_CA_FILE": str(sandbox.ca_file),
        "SSL_CERT_FILE": str(sandbox.bundle_file),
        "NODE_EXTRA_CA_CERTS": str(sandbox.ca_file),
    }


def exports(sandbox: "Sandbox") -> str:
    """Return the variables as `export` lines for a shell."""
    lines = variables(sandbox, os.environ).items()
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in lines)


def run(command: Sequence[str], sandbox: "Sandbox") -> int:
    """Run `command` in the sandbox and return its exit status, 128 + N if signal N ended it.

    No variable that begins with AWS_ is passed on from outside, so that nothing in the command can
    reach a real account. Raises OSError if the command cannot be started.
    """
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environ |= variables(sandbox, os.environ)
    scripts = str(Path(sys.executable).parent)
    environ["PATH"] = os.pathsep.join(filter(None, (scripts, environ.get("PATH", ""))))
    # The terminal sends Ctrl-C to the command too; what it ends with is what counts.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        # Running what the user gave is the purpose.
        status = subprocess.run(command, env=environ, check=False).returncode  # noqa: S603
    finally:
        signal.signal(signal.SIGINT, previous)
    return status if status >= 0 else 128 - status


def interruption() -> threading.Event:
    """Return an event that is set at Ctrl-C or SIGTERM, from now on."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
