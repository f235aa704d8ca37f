"""A real name server, NSD, on a port of this machine, for zones that a test writes."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from ses_tenant.dns.resolver import DnsServer

NSD = shutil.which("nsd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
needs_nsd = pytest.mark.skipif(NSD is None, reason="NSD, the name server, is not installed")

_CONFIG = """server:
  ip-address: 127.0.0.1@{port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  logfile: "{folder}/nsd.log"
  cookie-secret-file: "{folder}/cookies"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""
HEAD = """$ORIGIN {zone}.
$TTL 300
@ IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 900 604800 60
@ IN NS ns.{zone}.
ns IN A 127.0.0.1
"""


def free_port() -> int:
    """Return a port that is free for UDP and for TCP."""
    for _ in range(20):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
        ):
            datagrams.bind(("127.0.0.1", 0))
            port: int = datagrams.getsockname()[1]
            try:
                stream.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.fail("there is no free port")


@contextmanager
def name_server(
    folder: Path, zones: Mapping[str, str], port: int | None = None
) -> Iterator[DnsServer]:
    """Serve zones, each with the lines given and a head of its own, until the end of the block.

    Without `port` at one that is free.
    """
    assert NSD is not None
    port = port or free_port()
    config = _CONFIG.format(port=port, folder=folder)
    for number, (zone, lines) in enumerate(zones.items()):
        (folder / f"{number}.zone").write_text(HEAD.format(zone=zone) + lines)
        config += f'zone:\n  name: "{zone}"\n  zonefile: "{number}.zone"\n'
    (folder / "nsd.conf").write_text(config)
    with subprocess.Popen(
        [NSD, "-d", "-c", str(folder / "nsd.conf")], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _wait_for(port, process, folder)
            yield DnsServer("127.0.0.1", port)
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[str], folder: Path) -> None:
    query = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"  # . NS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.05)
        client.connect(("127.0.0.1", port))
        for _ in range(200):
            if process.poll() is not None:
                log = folder / "nsd.log"
                pytest.fail(f"NSD ended: {log.read_text() if log.exists() else 'without a log'}")
            try:
                client.send(query)
                client.recv(512)
            except OSError:
                time.sleep(0.01)
            else:
                return
    pytest.fail("NSD does not answer")
