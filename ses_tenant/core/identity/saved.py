"""Records as JSON: what `identity records -o json` prints, and reading it back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.records import (
    DEFAULT_TTL,
    DnsRecord,
    Purpose,
    RecordType,
    host_name,
    txt_text,
    txt_value,
)

Group = tuple[str, str | None]


def record_data(record: DnsRecord) -> dict[str, object]:
    """Return a record as JSON-able data."""
    return {
        "name": record.name,
        "type": record.type.value,
        "value": record.value,
        "ttl": record.ttl,
        "purpose": record.purpose.value,
        "required": record.required,
        "region": record.region,
    }


def parse_saved(document: object) -> tuple[DnsRecord, ...]:
    """Return the records of a saved `identity records -o json`.

    `data.records`, `records`, or the list itself. Raises SesTenantError `usage` for what is none.
    """
    found = document
    for key in ("data", "records"):
        if isinstance(found, Mapping) and key in found:
            found = found[key]
    if not isinstance(found, list):
        raise _refused("it has no list of records")
    return tuple(_record(number, entry) for number, entry in enumerate(found, start=1))


def by_domain(records: Sequence[DnsRecord]) -> Mapping[Group, tuple[DnsRecord, ...]]:
    """Return the records by the domain that they are for, and the Region.

    A record of no Region belongs to each Region of its domain. A MAIL FROM domain is below the
    domain, and does not say how far: the longest domain of another record is taken.
    """
    known = {domain for record in records if (domain := _stated(record)) is not None}
    domains = [_stated(record) or _above(record.name, known) for record in records]
    regions: dict[str, dict[str | None, None]] = defaultdict(dict)
    for record, domain in zip(records, domains, strict=True):
        if record.region is not None:
            regions[domain][record.region] = None
    found: dict[Group, list[DnsRecord]] = defaultdict(list)
    for record, domain in zip(records, domains, strict=True):
        own = [record.region] if record.region is not None else list(regions[domain]) or [None]
        for region in own:
            found[domain, region].append(record)
    return {group: tuple(listed) for group, listed in found.items()}


def _stated(record: DnsRecord) -> str | None:
    """Return the domain that a record's name tells."""
    match record.purpose:
        case Purpose.DKIM:
            return record.name.partition("._domainkey.")[2] or None
        case Purpose.DMARC:
            return record.name.removeprefix("_dmarc.")
        case Purpose.MAIL_FROM_MX | Purpose.MAIL_FROM_SPF:
            return None


def _above(name: str, known: set[str]) -> str:
    labels = name.split(".")
    above = [".".join(labels[start:]) for start in range(1, len(labels))]
    return next((domain for domain in above if domain in known), ".".join(labels[1:]) or name)


def _record(number: int, entry: object) -> DnsRecord:
    if not isinstance(entry, Mapping):
        raise _refused(f"record {number} is no object")
    name, value = entry.get("name"), entry.get("value")
    if not isinstance(name, str) or not isinstance(value, str) or not name or not value:
        raise _refused(f"record {number} has no name or no value")
    try:
        kind, purpose = RecordType(str(entry.get("type"))), Purpose(str(entry.get("purpose")))
    except ValueError as error:
        raise _refused(f"record {number} has a type or a purpose that is not known") from error
    ttl, region, required = (entry.get(k) for k in ("ttl", "region", "required"))
    return DnsRecord(
        name=host_name(name),
        type=kind,
        value=_spelled(kind, value, number),
        purpose=purpose,
        required=required if isinstance(required, bool) else purpose is not Purpose.DMARC,
        region=region if isinstance(region, str) else None,
        ttl=ttl if isinstance(ttl, int) else DEFAULT_TTL,
    )


def _spelled(kind: RecordType, value: str, number: int) -> str:
    """Return the value as a zone file has it, however it was written."""
    match kind:
        case RecordType.TXT:
            return txt_value(txt_text(value) if value.startswith('"') else value)
        case RecordType.CNAME:
            return f"{host_name(value)}."
        case RecordType.MX:
            preference, _, host = value.strip().partition(" ")
            if not preference.isdecimal() or not host.strip():
                raise _refused(f"record {number} is no MX record: '10 mail.example.com.'")
            return f"{preference} {host_name(host.strip())}."


def _refused(why: str) -> SesTenantError:
    return SesTenantError(
        ErrorCode.USAGE,
        f"This is no output of `identity records -o json`: {why}.",
        "Make it with: ses-tenant identity records DOMAIN -o json > records.json",
    )
