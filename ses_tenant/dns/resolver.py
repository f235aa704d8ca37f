"""Questions to DNS, by dnspython; every answer is a value, and a failure is one as well."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.answers import Answer, Answers, Outcome, Question

# One question, all servers and tries together; a receiver would not wait longer either.
_LIFETIME_S = 5.0
_TRY_S = 2.0


@dataclass(frozen=True)
class DnsServer:
    """A name server to ask: its IP address and port."""

    address: str
    port: int = 53


def parse_server(text: str) -> DnsServer:
    """Return the server that `IP` or `IP:PORT` means, `[IPv6]:PORT` as well.

    Raises SesTenantError `usage`.
    """
    address, port = text, "53"
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    try:
        ipaddress.ip_address(address)
        if not 0 < int(port) < 65536:
            raise ValueError(port)
    except ValueError as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'{text}' is no name server.",
            "Give its IP address, with a port if it is not 53: 9.9.9.9 or 127.0.0.1:5353.",
        ) from error
    return DnsServer(address, int(port))


@dataclass(frozen=True)
class DnsResolver:
    """Asks the servers given, or those that the system is configured with; threads may share it."""

    servers: tuple[DnsServer, ...] = ()
    lifetime: float = _LIFETIME_S
    _resolver: dns.resolver.Resolver = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the resolver. Raises SesTenantError `dns_unavailable` without any server."""
        try:
            resolver = dns.resolver.Resolver(configure=not self.servers)
        except dns.resolver.NoResolverConfiguration as error:
            raise SesTenantError(
                ErrorCode.DNS_UNAVAILABLE,
                "This machine has no name server configured.",
                "Name one: --resolver 9.9.9.9",
            ) from error
        if self.servers:
            resolver.nameservers = [server.address for server in self.servers]
            resolver.nameserver_ports = {server.address: server.port for server in self.servers}
        resolver.lifetime, resolver.timeout = self.lifetime, _TRY_S
        object.__setattr__(self, "_resolver", resolver)

    def ask(self, name: str, kind: str) -> Answer:
        """Return what stands at a name; never raises for what DNS answers, or does not."""
        try:
            answer = self._resolver.resolve(
                dns.name.from_text(name), kind, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer(Outcome.NO_NAME)
        except dns.resolver.YXDOMAIN:
            return Answer(Outcome.FAILED, detail="an alias (DNAME) makes the name too long")
        except (dns.resolver.LifetimeTimeout, dns.exception.Timeout):
            return Answer(Outcome.FAILED, detail="no answer within the time")
        except dns.resolver.NoNameservers as error:
            return Answer(Outcome.FAILED, detail=_why(error))
        except (dns.exception.DNSException, OSError, UnicodeError, ValueError) as error:
            return Answer(Outcome.FAILED, detail=f"the answer is broken ({type(error).__name__})")
        if answer.rrset is None:
            return Answer(Outcome.NO_DATA)
        values = tuple(sorted(rdata.to_text() for rdata in answer.rrset))
        canonical = answer.canonical_name.to_text(omit_final_dot=True).lower()
        return Answer(Outcome.FOUND, values, canonical)

    def ask_all(self, questions: Iterable[Question]) -> Answers:
        """Return the answers to several questions, one after the other."""
        return {(name, kind): self.ask(name, kind) for name, kind in dict.fromkeys(questions)}

    def require_answer(self) -> None:
        """Check that a server answers at all.

        Raises SesTenantError `dns_unavailable`, before anything is said of thousands of records.
        """
        question = dns.message.make_query(".", dns.rdatatype.NS)
        for server in self._resolver.nameservers:
            address = str(server)
            port = self._resolver.nameserver_ports.get(address, self._resolver.port)
            try:
                dns.query.udp(question, address, timeout=_TRY_S, port=port, ignore_errors=True)
            except (dns.exception.DNSException, OSError):
                continue
            return
        shown = ", ".join(f"{s.address}:{s.port}" for s in self.servers) or "the system's"
        raise SesTenantError(
            ErrorCode.DNS_UNAVAILABLE,
            f"No name server answers ({shown}).",
            "Name another one, such as --resolver 9.9.9.9",
        )

    def authoritative(self, name: str) -> "DnsResolver | None":
        """Return a resolver that asks the name servers of the zone, or None if none is found."""
        try:
            zone = dns.resolver.zone_for_name(dns.name.from_text(name), resolver=self._resolver)
            hosts = [ns.target.to_text() for ns in self._resolver.resolve(zone, "NS", search=False)]
        except (dns.exception.DNSException, OSError):
            return None
        addresses = [
            rdata.to_text()
            for host in hosts
            for kind in ("A", "AAAA")
            for rdata in self._addresses(host, kind)
        ]
        if not addresses:
            return None
        ports = {server.address: server.port for server in self.servers}
        servers = tuple(DnsServer(address, ports.get(address, 53)) for address in addresses)
        found = DnsResolver(servers, self.lifetime)
        found._resolver.flags = 0  # no recursion is desired of them
        return found

    def _addresses(self, host: str, kind: str) -> Iterable[dns.rdata.Rdata]:
        try:
            return tuple(self._resolver.resolve(host, kind, search=False))
        except (dns.exception.DNSException, OSError):
            return ()


def _why(error: dns.resolver.NoNameservers) -> str:
    """Return what the servers said, SERVFAIL or REFUSED or nothing, in words for people."""
    said = sorted(
        {
            dns.rcode.to_text(response.rcode())
            for *_, response in error.kwargs.get("errors", ())
            if response is not None
        }
    )
    return f"the name server answers {' and '.join(said)}" if said else "no name server answers"
