"""Run a command inside the sandbox: its environment, its exit status."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

DEFAULT_REGION = "eu-central-1"


def variables(endpoint_url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the AWS variables that make every SDK use the sandbox and no real account."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    no_proxy = ",".join(filter(None, (environ.get("NO_PROXY"), "127.0.0.1", "localhost")))
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def exports(endpoint_url: str) -> str:
    """Return the variables as `export` lines for a shell."""
    lines = variables(endpoint_url, os.environ).items()
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in lines)


def run(command: Sequence[str], endpoint_url: str) -> int:
    """Run `command` in the sandbox and return its exit status, 128 + N if signal N ended it.

    No variable that begins with AWS_ is passed on from outside, so that nothing in the command can
    reach a real account. Raises OSError if the command cannot be started.
    """
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environ |= variables(endpoint_url, os.environ)
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
