"""Each form of the records, judged by the program that reads it."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest
from octodns.provider.yaml import YamlProvider
from octodns.zone import Zone  # type: ignore[attr-defined]

from ses_tenant.core.identity.formats import FORMATS
from ses_tenant.core.identity.records import (
    DnsRecord,
    Purpose,
    RecordType,
    records_for,
    txt_text,
    txt_value,
)
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom

DOMAIN = "shop.example.com"
IDENTITY = EmailIdentity(
    DOMAIN,
    dkim=Dkim(selectors=("k10", "9k", "k2"), hosted_zone="dkim.eu-south-1.amazonses.com"),
    mail_from=MailFrom(f"mail.{DOMAIN}"),
)
RECORDS = records_for(IDENTITY, "eu-south-1", "reports@example.com")
HEAD = (
    "$TTL 300\n@ IN SOA ns.elsewhere.example. h.elsewhere.example. 1 1 1 1 1\n"
    "@ IN NS ns.elsewhere.example.\n"
)
# What a name server has to serve afterwards, whichever way the records got there.
SERVED = {
    ("k10._domainkey", "CNAME", "k10.dkim.eu-south-1.amazonses.com."),
    ("k2._domainkey", "CNAME", "k2.dkim.eu-south-1.amazonses.com."),
    ("9k._domainkey", "CNAME", "9k.dkim.eu-south-1.amazonses.com."),
    ("mail", "MX", "10 feedback-smtp.eu-south-1.amazonses.com."),
    ("mail", "TXT", '"v=spf1 include:amazonses.com ~all"'),
    ("_dmarc", "TXT", '"v=DMARC1; p=none; rua=mailto:reports@example.com;"'),
}


def served(text: str) -> set[tuple[str, str, str]]:
    zone = dns.zone.from_text(HEAD + text, DOMAIN, relativize=True, check_origin=False)
    return {
        (name.to_text(), dns.rdatatype.to_text(rdata.rdtype), rdata.to_text(zone.origin, False))
        for name, _, rdata in zone.iterate_rdatas()
        if rdata.rdtype not in (dns.rdatatype.SOA, dns.rdatatype.NS)
    }


@pytest.mark.parametrize("form", ["zone", "cloudflare"])
def test_zone_lines_say_what_is_served(form: str) -> None:
    assert served(FORMATS[form](RECORDS)) == SERVED


def test_zone_lines_do_not_depend_on_where_they_are_included() -> None:
    text = FORMATS["zone"](RECORDS)
    elsewhere = dns.zone.from_text(
        HEAD + "$ORIGIN deep.shop.example.com.\n" + text, DOMAIN, check_origin=False
    )
    assert elsewhere.get_rdataset("mail", "MX") is not None


@pytest.mark.skipif(
    shutil.which("named-checkzone") is None, reason="BIND's named-checkzone is not installed"
)
def test_bind_takes_the_zone(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(HEAD + FORMATS["zone"](RECORDS))
    checked = subprocess.run(
        ["named-checkzone", "-k", "fail", "-m", "fail", "-i", "local", DOMAIN, tmp_path / "zone"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    assert "warning" not in checked.stdout.lower()


def test_octodns_reads_its_yaml_as_the_same_records(tmp_path: Path) -> None:
    (tmp_path / f"{DOMAIN}.yaml").write_text(FORMATS["octodns"](RECORDS))
    zone = Zone(f"{DOMAIN}.", [])  # type: ignore[no-untyped-call]
    source = YamlProvider("config", str(tmp_path), escaped_semicolons=True)  # type: ignore[no-untyped-call]
    source.populate(zone)  # type: ignore[no-untyped-call]
    found = set()
    for record in zone.records:
        for value in getattr(record, "values", None) or [record.value]:
            text = (
                f"{value.preference} {value.exchange}"
                if record._type == "MX"
                else txt_value(value.replace("\\;", ";"))
                if record._type == "TXT"
                else value
            )
            found.add((record.name, record._type, text))
    assert found == SERVED


@pytest.mark.skipif(shutil.which("terraform") is None, reason="Terraform is not installed")
def test_terraform_finds_the_resources_well_formed(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(FORMATS["terraform"](RECORDS))
    formatted = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr


def test_route_53_is_asked_to_create_and_never_to_replace() -> None:
    batch = json.loads(FORMATS["route53"](RECORDS))
    assert {change["Action"] for change in batch["Changes"]} == {"CREATE"}
    sets = [change["ResourceRecordSet"] for change in batch["Changes"]]
    found = {
        (s["Name"].removesuffix(f".{DOMAIN}."), s["Type"], s["ResourceRecords"][0]["Value"])
        for s in sets
    }
    assert found == SERVED


def test_csv_has_a_line_for_each_record() -> None:
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](RECORDS))))
    assert {(r["name"].removesuffix(f".{DOMAIN}"), r["type"], r["value"]) for r in rows} == SERVED
    assert [r["required"] for r in rows] == ["true"] * 5 + ["false"]


def test_no_record_stands_at_the_domain_itself_and_none_twice() -> None:
    names = [(record.name, record.type) for record in RECORDS]
    assert DOMAIN not in {name for name, _ in names}
    assert len(set(names)) == len(names)


def test_a_key_of_the_owners_has_no_records_that_could_be_printed() -> None:
    own = EmailIdentity(DOMAIN, dkim=Dkim(selectors=("mine",), origin="EXTERNAL"))
    assert [r.type for r in records_for(own, "eu-south-1")] == [RecordType.TXT]


@pytest.mark.parametrize("text", ["", 'a"b\\c', "x" * 600, "ü;${a}%{b}", "tab\there"])
def test_texts_come_back_from_a_zone(text: str) -> None:
    record = DnsRecord(
        "a.example.com",
        RecordType.TXT,
        txt_value(text),
        Purpose.DMARC,
        required=False,
    )
    zone = dns.zone.from_text(HEAD + FORMATS["zone"]([record]), "example.com", check_origin=False)
    rdata = next(iter(zone.find_rdataset("a", "TXT")))
    assert b"".join(rdata.strings) == text.encode()
    assert all(len(string) <= 255 for string in rdata.strings)
    assert txt_text(rdata.to_text()).encode("latin-1") == text.encode()
