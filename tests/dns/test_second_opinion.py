"""What checkdmarc, an independent judge of SPF and DMARC, says of hundreds of generated zones."""

from collections.abc import Iterator
from typing import Any

import dns.resolver
import pytest

from ses_tenant.core.identity.formats import zone
from ses_tenant.core.identity.records import Purpose, records_for
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom
from ses_tenant.core.identity.verdicts import Verdict
from ses_tenant.dns.resolver import DnsResolver, DnsServer
from ses_tenant.operations.identity_check import judge_records
from tests.dns.name_server import name_server, needs_nsd

pytestmark = [needs_nsd, pytest.mark.rare]

WHY = "checkdmarc, a second opinion on SPF and DMARC, is not installed"
REGIONS = ("eu-central-1", "us-east-1", "us-gov-east-1", "il-central-1")
PREFIXES = ("shop", "a.b.c", "xn--mller-kva", "x" * 63, "1-2", "www.shop")
DOMAINS = [
    (f"{prefix}.s{n}.{region}.example", region)
    for n in range(10)
    for prefix in PREFIXES
    for region in REGIONS
]
# Lines in place of ours, and what they are wrong in.
MANY = " ".join(f"a:h{n}.example" for n in range(10))
SES = "include:amazonses.com"
FAULTS = {
    "two-spf": (Purpose.MAIL_FROM_SPF, f'TXT "v=spf1 {SES} ~all"\n{{n}} TXT "v=spf1 -all"'),
    "many": (Purpose.MAIL_FROM_SPF, f'TXT "v=spf1 {SES} {MANY} ~all"'),
    "unknown": (Purpose.MAIL_FROM_SPF, f'TXT "v=spf1 {SES} inclde:a.example ~all"'),
    "two-dmarc": (Purpose.DMARC, 'TXT "v=DMARC1; p=none"\n{n} TXT "v=DMARC1; p=reject"'),
    "policy": (Purpose.DMARC, 'TXT "v=DMARC1; p=monitor"'),
}
FAULTY = [(f"{fault}.f{n}.example", fault) for fault in FAULTS for n in range(10)]


def identity(domain: str) -> EmailIdentity:
    dkim = Dkim(selectors=("k1", "k2", "k3"), hosted_zone="dkim.amazonses.com")
    return EmailIdentity(domain, dkim=dkim, mail_from=MailFrom(f"mail.{domain}"))


def lines() -> str:
    """Return the zone of all domains, as `identity records --format zone` prints it."""
    found = [
        zone(records_for(identity(domain), region, f"dmarc@{domain}")) for domain, region in DOMAINS
    ]
    for domain, fault in FAULTY:
        purpose, wrong = FAULTS[fault]
        records = records_for(identity(domain), REGIONS[0])
        name = next(r.name for r in records if r.purpose is purpose) + "."
        found.append(zone([r for r in records if r.purpose is not purpose]))
        found.append(f"{name} {wrong.format(n=name)}\n")
    found += [f"h{n} A 192.0.2.1\n" for n in range(10)]
    return "".join(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsServer]:
    pytest.importorskip("checkdmarc", reason=WHY)
    zones = {
        "example": lines(),
        "amazonses.com": '@ TXT "v=spf1 ip4:192.0.2.0/24 -all"\n',
    }
    with name_server(tmp_path_factory.mktemp("nsd"), zones) as started:
        yield started


def their_errors(server: DnsServer, domain: str) -> dict[Purpose, str | None]:
    """Return what checkdmarc finds wrong with SPF of the MAIL FROM name and with DMARC."""
    asked = dns.resolver.Resolver(configure=False)
    asked.nameservers, asked.port, asked.lifetime = [server.address], server.port, 2.0
    spf: Any = pytest.importorskip("checkdmarc.spf", reason=WHY)
    dmarc: Any = pytest.importorskip("checkdmarc.dmarc", reason=WHY)
    return {
        Purpose.MAIL_FROM_SPF: spf.check_spf(f"mail.{domain}", resolver=asked).get("error"),
        Purpose.DMARC: dmarc.check_dmarc(domain, resolver=asked).get("error"),
    }


def our_verdicts(server: DnsServer, domain: str, region: str) -> dict[Purpose, Verdict]:
    wanted = records_for(identity(domain), region)
    asked = DnsResolver((server,), lifetime=2.0)
    return {
        judged.record.purpose: judged.verdict
        for judged in judge_records(asked, domain, domain, wanted, slow=False)
    }


def test_what_is_printed_is_right_for_both(server: DnsServer) -> None:
    for domain, region in DOMAINS:
        assert their_errors(server, domain) == dict.fromkeys(
            (Purpose.MAIL_FROM_SPF, Purpose.DMARC)
        ), domain
        assert set(our_verdicts(server, domain, region).values()) == {Verdict.OK}, domain


def test_what_is_wrong_is_wrong_for_both_and_the_rest_is_not(server: DnsServer) -> None:
    for domain, fault in FAULTY:
        purpose = FAULTS[fault][0]
        theirs, ours = their_errors(server, domain), our_verdicts(server, domain, REGIONS[0])
        assert [p for p, error in theirs.items() if error] == [purpose], (domain, theirs)
        assert [p for p, verdict in ours.items() if verdict is not Verdict.OK] == [purpose], domain
