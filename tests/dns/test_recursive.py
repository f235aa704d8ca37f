"""What a resolver on the way does to the verdicts: failures, silence, memory, and signatures."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ses_tenant.core.identity.answers import Answer
from ses_tenant.core.identity.records import records_for
from ses_tenant.core.identity.verdicts import Judged, Verdict
from ses_tenant.dns.resolver import DnsResolver, DnsServer
from ses_tenant.operations.identity_check import judge_records
from tests.dns.name_server import free_port, name_server, needs_nsd
from tests.dns.recursive import needs_unbound, resolver
from tests.dns.test_check import REGION, good, identity

pytestmark = [needs_nsd, needs_unbound]

SHOP = "shop.example"
# Of no key at all, so that nothing in the zone can be signed by it.
FOREIGN_KEY = f"12345 13 2 {'ab' * 32}"


@dataclass(frozen=True)
class Seen:
    """DNS by the resolver, and the zone's own server where a check asks for that."""

    by: DnsServer
    own: DnsServer | None = None
    lifetime: float = 5.0

    def ask(self, name: str, kind: str) -> Answer:
        return DnsResolver((self.by,), lifetime=self.lifetime).ask(name, kind)

    def authoritative(self, _name: str) -> DnsResolver | None:
        return DnsResolver((self.own,), lifetime=self.lifetime) if self.own else None

    def judged(self) -> list[Judged]:
        wanted = records_for(identity(SHOP), REGION)
        return list(judge_records(self, SHOP, SHOP, wanted, slow=self.own is not None))


@contextmanager
def silent_server() -> Iterator[DnsServer]:
    """Yield a server that takes every question and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        yield DnsServer("127.0.0.1", listener.getsockname()[1])


def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("nsd", "unbound"):
        (tmp_path / name).mkdir(exist_ok=True)
    return tmp_path / "nsd", tmp_path / "unbound"


def test_what_a_resolver_hands_on_is_right(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    zones = {"example": "", SHOP: good(SHOP)}
    with name_server(ours, zones) as own, resolver(theirs, dict.fromkeys(zones, own)) as by:
        assert [j.verdict for j in Seen(by).judged()] == [Verdict.OK] * 6


def test_a_lame_server_is_unknown_and_nothing_is_missing(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    with name_server(ours, {"elsewhere.test": ""}) as own:
        zones = dict.fromkeys(("example", SHOP), own)
        with resolver(theirs, zones) as by:
            judged = Seen(by).judged()
    assert {j.verdict for j in judged} == {Verdict.UNKNOWN}
    assert "SERVFAIL" in judged[0].note


@pytest.mark.rare
def test_a_server_that_is_silent_is_unknown_within_the_time(tmp_path: Path) -> None:
    _, theirs = folders(tmp_path)
    with silent_server() as nobody, resolver(theirs, {"example": nobody}) as by:
        judged = Seen(by, lifetime=0.05).judged()
        assert {j.verdict for j in judged} == {Verdict.UNKNOWN}
        assert "no answer within the time" in judged[0].note


@pytest.mark.rare
def test_a_record_that_was_added_since_the_resolver_looked_is_pending(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    port, before, after = free_port(), {"example": "", SHOP: ""}, {"example": "", SHOP: good(SHOP)}
    at = DnsServer("127.0.0.1", port)
    with resolver(theirs, dict.fromkeys(before, at)) as by:
        with name_server(ours, before, port):
            required = [j.verdict for j in Seen(by).judged() if j.record.required]
            assert required == [Verdict.MISSING] * 5
        with name_server(ours, after, port) as own:
            stale = [j.verdict for j in Seen(by).judged() if j.record.required]
            assert stale == [Verdict.MISSING] * 5
            looked = [j.verdict for j in Seen(by, own).judged() if j.record.required]
            assert looked == [Verdict.PENDING] * 5


@pytest.mark.parametrize("anchored", [False, True])
def test_a_bogus_signature_is_unknown_and_never_missing(tmp_path: Path, anchored: bool) -> None:
    ours, theirs = folders(tmp_path)
    zones = {"example": "", SHOP: good(SHOP)}
    anchors = {SHOP: FOREIGN_KEY} if anchored else {}
    with (
        name_server(ours, zones) as own,
        resolver(theirs, dict.fromkeys(zones, own), anchors) as by,
    ):
        judged = Seen(by).judged()
    assert {j.verdict for j in judged} == ({Verdict.UNKNOWN} if anchored else {Verdict.OK})
    assert ("SERVFAIL" in judged[0].note) == anchored
