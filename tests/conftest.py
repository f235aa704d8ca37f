"""What holds for every test: no AWS but the one on this machine, and the same environment."""

import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.worked_out_once import leave_out_ec2, work_out_once

# Container images often forbid compiled files. Then each worker rewrites the asserts of all tests,
# and each process that a test starts compiles ses_tenant anew: a third of the time of the suite.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell that starts a run in the background lets it ignore Ctrl-C, and with it all its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

leave_out_ec2()

# As many examples as a run can have that is waited for, and as many as CI takes its time for.
settings.register_profile("moderate", max_examples=20, deadline=None)
settings.register_profile("thorough", max_examples=200, deadline=None)
settings.load_profile("moderate")

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_TERMINAL = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


@pytest.fixture(scope="session", autouse=True)
def _worked_out_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        work_out_once(patch)
        yield


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave none to find, here and in child processes, whatever a wider fixture has set."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BOTO")) or name.upper() in _PROXIES or name in _TERMINAL:
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session", autouse=True)
def _no_real_aws() -> Iterator[None]:
    """Leave no way out of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex"):
            patch.setattr(socket.socket, method, _loopback_only(getattr(socket.socket, method)))
        patch.setattr(socket, "getaddrinfo", _known_names_only(socket.getaddrinfo))
        yield


def _loopback_only(connect: Callable[[socket.socket, Any], Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            pytest.fail(f"a test tried to connect to {address[0]}")
        return connect(self, address)

    return guarded


def _known_names_only(getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None and not _is_loopback(host):
            pytest.fail(f"a test tried to look up {host!r}")
        return getaddrinfo(host, *args, **kwargs)

    return guarded


def _is_loopback(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_agreements_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests agree to out of the configuration of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield
