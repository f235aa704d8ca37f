"""Records in a real name server, right and wrong in every way, and the verdict on each."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest

from ses_tenant.core.identity.answers import Answer, Outcome
from ses_tenant.core.identity.formats import zone
from ses_tenant.core.identity.records import Purpose, RecordType, records_for
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom, Status
from ses_tenant.core.identity.verdicts import Judged, Verdict
from ses_tenant.dns.resolver import DnsResolver, DnsServer
from ses_tenant.operations.identity_check import judge_records, overall
from tests.dns.name_server import name_server, needs_nsd

REGION = "eu-central-1"
TOKENS = ("aaaa", "bbbb", "cccc")
ZONE = "dkim.amazonses.com"


def identity(domain: str, status: Status = Status.SUCCESS) -> EmailIdentity:
    return EmailIdentity(
        domain,
        status,
        dkim=Dkim(status, signing=True, selectors=TOKENS, hosted_zone=ZONE),
        mail_from=MailFrom(f"mail.{domain}"),
    )


def good(domain: str, *, without: str = "@", dmarc: bool = True) -> str:
    """Return the lines of a zone that is right, without those that hold a text."""
    lines = [f"{token}._domainkey.{domain}. CNAME {token}.{ZONE}." for token in TOKENS]
    lines += [
        f"mail.{domain}. MX 10 feedback-smtp.{REGION}.amazonses.com.",
        f'mail.{domain}. TXT "v=spf1 include:amazonses.com ~all"',
    ]
    lines += [f'_dmarc.{domain}. TXT "v=DMARC1; p=none"'] if dmarc else []
    return "".join(f"{line}\n" for line in lines if without not in line)


class Fault(NamedTuple):
    """A zone that is wrong in one way: its lines, the record concerned, and the verdict on it."""

    domain: str
    lines: str
    purpose: Purpose
    verdict: Verdict
    told: str = ""


def faults() -> list[Fault]:
    dkim, mx, spf, dmarc = Purpose
    found = []

    def add(
        name: str, lines: str, purpose: Purpose, verdict: Verdict, told: str = "", *, without: str
    ) -> None:
        domain = f"{name}.example"
        body = lines.format(d=domain, region=REGION)
        found.append(Fault(domain, good(domain, without=without) + body, purpose, verdict, told))

    key = "aaaa._domainkey.{d}."
    host = "feedback-smtp.{region}.amazonses.com"
    add("no-key", "", dkim, Verdict.MISSING, without="aaaa.")
    add("proxied", key + " A 192.0.2.1\n", dkim, Verdict.PROXIED, "DNS only", without="aaaa.")
    add("proxied6", key + " AAAA 2001:db8::1\n", dkim, Verdict.PROXIED, without="aaaa.")
    add("as-text", key + ' TXT "aaaa.dkim.amazonses.com"\n', dkim, Verdict.WRONG, without="aaaa.")
    add(
        "no-dot",
        key + " CNAME aaaa.dkim.amazonses.com\n",
        dkim,
        Verdict.DOUBLED_ZONE,
        "last dot",
        without="aaaa.",
    )
    add(
        "doubled",
        "aaaa._domainkey.{d}.{d}. CNAME aaaa.dkim.amazonses.com.\n",
        dkim,
        Verdict.DOUBLED_ZONE,
        "leave that part out",
        without="aaaa.",
    )
    add(
        "other-key",
        key + " CNAME dddd.dkim.amazonses.com.\n",
        dkim,
        Verdict.WRONG,
        "aaaa.dkim",
        without="aaaa.",
    )
    add(
        "upper",
        key.upper().replace("{D}", "{d}") + " CNAME AAAA.DKIM.AmazonSES.com.\n",
        dkim,
        Verdict.OK,
        without="aaaa.",
    )
    add(
        "two-mx",
        "mail.{d}. MX 20 mx.elsewhere.example.\n",
        mx,
        Verdict.DUPLICATE,
        "only one",
        without="@",
    )
    add("other-mx", "mail.{d}. MX 10 mx.elsewhere.example.\n", mx, Verdict.WRONG, without=" MX ")
    add(
        "other-region",
        "mail.{d}. MX 10 feedback-smtp.us-east-1.amazonses.com.\n",
        mx,
        Verdict.WRONG,
        REGION,
        without=" MX ",
    )
    add("mx-no-dot", "mail.{d}. MX 10 " + host + "\n", mx, Verdict.DOUBLED_ZONE, without=" MX ")
    add("no-mx", "", mx, Verdict.MISSING, without=" MX ")
    add(
        "mx-doubled",
        "mail.{d}.{d}. MX 10 " + host + ".\n",
        mx,
        Verdict.DOUBLED_ZONE,
        without=" MX ",
    )
    add(
        "alias",
        "mail.{d}. CNAME elsewhere.example.\n",
        mx,
        Verdict.CONFLICT,
        "CNAME",
        without="mail.",
    )
    add(
        "two-spf",
        'mail.{d}. TXT "v=spf1 mx -all"\n',
        spf,
        Verdict.DUPLICATE,
        "all of them fail",
        without="-all-",
    )
    add(
        "no-spf",
        'mail.{d}. TXT "google-site-verification=x"\n',
        spf,
        Verdict.MISSING,
        without="spf1",
    )
    add(
        "spf-late",
        'mail.{d}. TXT "v=spf1 -all include:amazonses.com"\n',
        spf,
        Verdict.WRONG,
        "'all' stands before it",
        without="spf1",
    )
    add(
        "spf-other",
        'mail.{d}. TXT "v=spf1 mx -all"\n',
        spf,
        Verdict.WRONG,
        "v=spf1 mx include:amazonses.com -all",
        without="spf1",
    )
    add(
        "spf-split",
        'mail.{d}. TXT "v=spf1 include:ama" "zonses.com ~all"\n',
        spf,
        Verdict.OK,
        without="spf1",
    )
    add(
        "spf-upper",
        'mail.{d}. TXT "V=SPF1 INCLUDE:AmazonSES.com ~ALL"\n',
        spf,
        Verdict.OK,
        without="spf1",
    )
    add(
        "spf-many",
        'mail.{d}. TXT "v=spf1 include:amazonses.com a:a.example a:b.example '
        "a:c.example a:d.example a:e.example mx:f.example mx:g.example "
        'exists:h.example include:i.{d} ~all"\ni.{d}. TXT "v=spf1 a ~all"\n',
        spf,
        Verdict.WRONG,
        "11 DNS look-ups",
        without="spf1",
    )
    add(
        "spf-self",
        'mail.{d}. TXT "v=spf1 include:amazonses.com include:i.{d} '
        '~all"\ni.{d}. TXT "v=spf1 include:i.{d} ~all"\n',
        spf,
        Verdict.WRONG,
        "includes itself",
        without="spf1",
    )
    add(
        "spf-unread",
        'mail.{d}. TXT "v=spf1 include:amazonses.com include:elsewhere.test ~all"\n',
        spf,
        Verdict.UNKNOWN,
        "elsewhere.test",
        without="spf1",
    )
    add("wildcard", '*.{d}. TXT "v=spf1 -all"\n', spf, Verdict.WRONG, without="mail.")
    add("no-dmarc", "", dmarc, Verdict.MISSING, without="_dmarc")
    add(
        "two-dmarc", '_dmarc.{d}. TXT "v=DMARC1; p=reject"\n', dmarc, Verdict.DUPLICATE, without="@"
    )
    add(
        "bad-dmarc",
        '_dmarc.{d}. TXT "v=DMARC1; p=monitor"\n',
        dmarc,
        Verdict.WRONG,
        "p=monitor",
        without="_dmarc",
    )
    add(
        "empty-dmarc",
        '_dmarc.{d}. TXT "v=DMARC1"\n',
        dmarc,
        Verdict.WRONG,
        "no policy",
        without="_dmarc",
    )
    add(
        "strict-spf",
        '_dmarc.{d}. TXT "v=DMARC1; p=reject; aspf=s"\n',
        dmarc,
        Verdict.OK,
        "DKIM signature alone",
        without="_dmarc",
    )
    add(
        "dname",
        "_domainkey.{d}. DNAME keys.elsewhere.example.\n",
        dkim,
        Verdict.WRONG,
        without="_domainkey",
    )
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsServer]:
    zones = {fault.domain: fault.lines for fault in faults()}
    zones["example"] = ""  # so that a walk up the tree is answered
    zones["right.example"] = good("right.example")
    zones["long.example"] = (
        "_domainkey.long.example. DNAME " + ".".join(["k" * 63] * 3 + ["k" * 58]) + ".\n"
    )
    zones["parent.example"] = '_dmarc.parent.example. TXT "v=DMARC1; p=none; adkim=s"\n' + good(
        "shop.parent.example", dmarc=False
    )
    with name_server(tmp_path_factory.mktemp("nsd"), zones) as started:
        yield started


def verdicts(server: DnsServer, domain: str, identity_name: str | None = None) -> list[Judged]:
    dns = DnsResolver((server,), lifetime=2.0)
    wanted = records_for(identity(domain), REGION)
    return list(judge_records(dns, domain, identity_name or domain, wanted, slow=False))


pytestmark = needs_nsd


def test_a_zone_that_is_right_is_ok(server: DnsServer) -> None:
    judged = verdicts(server, "right.example")
    assert [j.verdict for j in judged] == [Verdict.OK] * 6
    assert [j.note for j in judged] == [""] * 6
    assert overall(identity("right.example"), judged) is Verdict.OK
    waiting = identity("right.example", Status.PENDING)
    assert overall(waiting, judged) is Verdict.PENDING
    assert judged[0].found == ("aaaa.dkim.amazonses.com.",)


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.domain)
def test_a_fault_is_named_and_nothing_else_is_invented(server: DnsServer, fault: Fault) -> None:
    judged = verdicts(server, fault.domain)
    at = next(j for j in judged if j.record.purpose is fault.purpose)
    assert (at.verdict, fault.told in at.note) == (fault.verdict, True), at
    rest = {j.verdict for j in judged if j.record.name != at.record.name}
    assert rest <= {Verdict.OK, *([Verdict.WRONG] if fault.domain == "dname.example" else [])}
    if fault.verdict is not Verdict.OK:
        known = fault.verdict is not Verdict.UNKNOWN and at.record.required
        assert overall(identity(fault.domain), judged) in (
            {fault.verdict, Verdict.CONFLICT} if known else {Verdict.OK, Verdict.UNKNOWN}
        )


def test_a_policy_above_is_found_and_a_strict_one_is_told(server: DnsServer) -> None:
    judged = verdicts(server, "shop.parent.example")
    assert judged[-1].verdict is Verdict.OK
    strict = verdicts(server, "shop.parent.example", "parent.example")
    assert "adkim=s" in strict[-1].note


def test_an_alias_that_makes_the_name_too_long_is_unknown(server: DnsServer) -> None:
    assert verdicts(server, "long.example")[0].verdict is Verdict.UNKNOWN


def test_a_server_that_refuses_is_unknown_and_never_missing(server: DnsServer) -> None:
    judged = verdicts(server, "not-served.test")
    assert {j.verdict for j in judged} == {Verdict.UNKNOWN}
    assert "REFUSED" in judged[0].note


def test_the_zone_that_is_printed_is_right(tmp_path_factory: pytest.TempPathFactory) -> None:
    wanted = records_for(identity("printed.example"), REGION, "reports@printed.example")
    with name_server(tmp_path_factory.mktemp("nsd"), {"printed.example": zone(wanted)}) as server:
        judged = verdicts(server, "printed.example")
    assert [j.verdict for j in judged] == [Verdict.OK] * 6
    assert judged[3].record.type is RecordType.MX


def test_what_the_zone_has_and_the_resolver_not_yet_is_pending(server: DnsServer) -> None:
    class Stale:
        def __init__(self, inner: DnsResolver) -> None:
            self.inner = inner

        def ask(self, _name: str, _kind: str) -> Answer:
            return Answer(Outcome.NO_NAME)

        def authoritative(self, _name: str) -> DnsResolver:
            return self.inner

    wanted = records_for(identity("right.example"), REGION)
    stale = Stale(DnsResolver((server,)))
    judged = judge_records(stale, "right.example", "right.example", wanted)
    assert {j.verdict for j in judged if j.record.required} == {Verdict.PENDING}
    assert overall(replace(identity("right.example")), judged) is Verdict.PENDING
