"""A real resolver, Unbound, on a port of this machine, which asks only the servers it is told."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from ses_tenant.dns.resolver import DnsServer
from tests.dns.name_server import free_port

UNBOUND = shutil.which("unbound", path="/usr/sbin:/usr/bin:/usr/local/sbin")
needs_unbound = pytest.mark.skipif(
    UNBOUND is None, reason="Unbound, the validating resolver, is not installed"
)

_CONFIG = """server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: "{folder}/unbound.log"
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  # No server of the Internet is ever asked, for a root key neither.
  root-hints: ""
  local-zone: "example." nodefault
{anchors}
remote-control:
  control-enable: no
"""


@contextmanager
def resolver(
    folder: Path, zones: Mapping[str, DnsServer], anchors: Mapping[str, str] | None = None
) -> Iterator[DnsServer]:
    """Resolve `zones` by the server of each, until the end of the block.

    `anchors` are zones with the DS record by which their signatures are judged.
    """
    assert UNBOUND is not None
    port = free_port()
    lines = "".join(f'  trust-anchor: "{zone}. DS {ds}"\n' for zone, ds in (anchors or {}).items())
    config = _CONFIG.format(port=port, folder=folder, anchors=lines)
    for zone, server in zones.items():
        config += f'stub-zone:\n  name: "{zone}"\n  stub-addr: {server.address}@{server.port}\n'
    (folder / "unbound.conf").write_text(config)
    with subprocess.Popen(
        [UNBOUND, "-d", "-c", str(folder / "unbound.conf")], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _wait_for(port, process)
            yield DnsServer("127.0.0.1", port)
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    query = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09localhost\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.05)
        client.connect(("127.0.0.1", port))
        for _ in range(200):
            if process.poll() is not None:
                assert process.stderr is not None
                pytest.fail(f"Unbound ended: {process.stderr.read()}")
            try:
                client.send(query)
                client.recv(512)
            except OSError:
                time.sleep(0.01)
            else:
                return
    pytest.fail("Unbound does not answer")
