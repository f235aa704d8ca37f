"""The DNS records that an email identity needs, as values.

Their shapes: https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html and
https://docs.aws.amazon.com/ses/latest/dg/mail-from.html. SES needs no record at the domain's own
name, in particular no SPF record: the envelope's sender is in the MAIL FROM domain.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.identity.steps import (
    CreateEmailIdentity,
    IdentityStep,
    PutEmailIdentityMailFromAttributes,
)

DEFAULT_TTL = 3600
# How many keys Easy DKIM has.
_KEYS = 3
# One string of a TXT record, in octets (RFC 1035 §3.3).
_MAX_STRING = 255
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


class RecordType(StrEnum):
    """The types of record that are asked for."""

    CNAME = "CNAME"
    MX = "MX"
    TXT = "TXT"


class Purpose(StrEnum):
    """What a record is for: `purpose` in JSON."""

    DKIM = "dkim"
    MAIL_FROM_MX = "mail_from_mx"
    MAIL_FROM_SPF = "mail_from_spf"
    DMARC = "dmarc"

    @property
    def why(self) -> str:
        """Return in one line what the record does."""
        return _WHY[self]


_WHY = {
    Purpose.DKIM: "verifies the domain, and lets receivers check the signature of its mail",
    Purpose.MAIL_FROM_MX: "bounces come back to SES, at the domain's own MAIL FROM name",
    Purpose.MAIL_FROM_SPF: "lets SES send for the MAIL FROM name",
    Purpose.DMARC: "tells receivers what to do with forged mail; Gmail and Yahoo want one",
}


@dataclass(frozen=True)
class DnsRecord:
    """A record as it should be.

    `name` is absolute, without the last dot; `value` is as a zone file has it: host names end in a
    dot, text stands in quotes. `ttl` is in seconds. `region` is the AWS Region whose SES needs it,
    None where all do.
    """

    name: str
    type: RecordType
    value: str
    purpose: Purpose
    required: bool
    region: str | None = None
    ttl: int = DEFAULT_TTL


def records_for(
    identity: EmailIdentity, region: str, dmarc_rua: str | None = None
) -> tuple[DnsRecord, ...]:
    """Return the records of an email identity in one Region.

    None of DKIM if its keys are not SES's own (BYODKIM), where SES does not name them. `dmarc_rua`
    is the address for aggregate reports in the DMARC record that is recommended.
    """
    found = [
        DnsRecord(
            f"{selector}._domainkey.{identity.name}",
            RecordType.CNAME,
            f"{selector}.{identity.dkim.hosted_zone}.",
            Purpose.DKIM,
            required=True,
            region=region,
        )
        for selector in identity.dkim.selectors
        if not identity.dkim.external
    ]
    if identity.mail_from.domain is not None:
        found += mail_from_records(identity.mail_from.domain, region)
    found.append(dmarc_record(identity.name, dmarc_rua))
    return tuple(found)


def records_to_come(
    plan: Iterable[IdentityStep], dmarc_rua: str | None = None
) -> tuple[DnsRecord, ...]:
    """Return the records that will have to be added to DNS once the steps are carried out.

    SES chooses the keys of DKIM, and says in which zone they are, when it makes the identity: until
    then `<key>` and `<zone>` stand for them. A replica needs no records besides its primary's.
    """
    found: list[DnsRecord] = []
    for step in plan:
        match step:
            case CreateEmailIdentity(region, name, replicate_from=None):
                key = DnsRecord(
                    f"<key>._domainkey.{name}",
                    RecordType.CNAME,
                    "<key>.<zone>.",
                    Purpose.DKIM,
                    required=True,
                    region=region,
                )
                found += [key] * _KEYS + [dmarc_record(name, dmarc_rua)]
            case PutEmailIdentityMailFromAttributes(region, mail_from=name):
                found += mail_from_records(name, region)
            case _:
                pass
    recommended = {record.name: record for record in found if not record.required}
    return (*(record for record in found if record.required), *recommended.values())


def mail_from_records(name: str, region: str) -> tuple[DnsRecord, DnsRecord]:
    """Return the MX and SPF records of a custom MAIL FROM domain.

    A MAIL FROM domain has exactly one MX record, and it names the Region: so each Region needs a
    MAIL FROM domain of its own.
    """
    host = f"feedback-smtp.{region}.amazonses.com"
    return (
        DnsRecord(
            name, RecordType.MX, f"10 {host}.", Purpose.MAIL_FROM_MX, required=True, region=region
        ),
        DnsRecord(
            name,
            RecordType.TXT,
            txt_value("v=spf1 include:amazonses.com ~all"),
            Purpose.MAIL_FROM_SPF,
            required=True,
            region=region,
        ),
    )


def dmarc_record(domain: str, rua: str | None = None) -> DnsRecord:
    """Return the DMARC record that is recommended where there is no policy yet (RFC 9989)."""
    text = "v=DMARC1; p=none;" + (f" rua=mailto:{rua};" if rua else "")
    return DnsRecord(
        f"_dmarc.{domain}", RecordType.TXT, txt_value(text), Purpose.DMARC, required=False
    )


def unique(records: tuple[DnsRecord, ...]) -> tuple[DnsRecord, ...]:
    """Return the records of several Regions without those that are the same in all of them."""
    found: dict[tuple[str, RecordType, str], DnsRecord] = {}
    for record in records:
        found.setdefault((record.name, record.type, record.value), record)
    return tuple(found.values())


def txt_value(text: str) -> str:
    """Return a text as a zone file has it: quoted, in strings of at most 255 octets."""
    octets = text.encode()
    parts = [octets[i : i + _MAX_STRING] for i in range(0, len(octets), _MAX_STRING)] or [b""]
    return " ".join(f'"{_escaped(part)}"' for part in parts)


def txt_text(value: str) -> str:
    """Return the text of a TXT record: its strings, joined without a space (RFC 7208 §3.3)."""
    return "".join(
        _unescaped(match[1] if match[1] is not None else match[2])
        for match in _STRINGS.finditer(value)
    )


def host_name(value: str) -> str:
    """Return a host name in the one spelling that can be compared: lower case, no last dot."""
    return value.lower().removesuffix(".")


def _escaped(octets: bytes) -> str:
    return "".join(
        f"\\{chr(octet)}"
        if octet in b'"\\'
        else chr(octet)
        if 0x20 <= octet < 0x7F
        else f"\\{octet:03d}"
        for octet in octets
    )


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        return chr(int(match[1])) if match[1].isdigit() and len(match[1]) == 3 else match[1]

    return re.sub(r"\\(\d{3}|.)", character, text)
