"""Which records to add to a hosted zone: what is missing, and nothing in place of another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.records import DnsRecord, RecordType, host_name, txt_text


@dataclass(frozen=True)
class HostedZone:
    """A hosted zone of Route 53: its ID, and its name without the last dot."""

    zone_id: str
    name: str
    private: bool = False


Existing = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class PublishPlan:
    """The records to add to a hosted zone, in one request that is carried out whole or not."""

    zone: HostedZone
    records: tuple[DnsRecord, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the records for people, a line each."""
        return tuple(f"{r.name} {r.type} {r.value}" for r in self.records)


def zone_for(name: str, zones: Iterable[HostedZone]) -> HostedZone:
    """Return the public hosted zone that serves a name: the one with the longest name.

    Raises SesTenantError `not_found`.
    """
    serving = [z for z in zones if not z.private and f".{name}".endswith(f".{z.name}")]
    if not serving:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"Route 53 has no public hosted zone for {name} in this account.",
            f"Where its DNS is elsewhere: ses-tenant identity records {name} --format zone",
        )
    longest = max(len(zone.name) for zone in serving)
    chosen = [zone for zone in serving if len(zone.name) == longest]
    if len(chosen) > 1:
        ids = ", ".join(zone.zone_id for zone in chosen)
        raise SesTenantError(
            ErrorCode.ALREADY_EXISTS,
            f"There are {len(chosen)} public hosted zones {chosen[0].name} ({ids}), and only the "
            "one that the domain is delegated to is served.",
            f"Add the records by hand: ses-tenant identity records {name} --format route53",
        )
    return chosen[0]


def plan_publish(
    zone: HostedZone, records: Sequence[DnsRecord], existing: Existing, *, policy_above: bool
) -> PublishPlan:
    """Return the records that are missing; none that is there is changed.

    `existing` holds what stands at the records' names, by name and type. With `policy_above` a
    DMARC policy stands above the domain: one of its own could only weaken it. Raises
    SesTenantError `already_exists` for a name at which something else stands.
    """
    wanted: list[DnsRecord] = []
    conflicts: list[str] = []
    for record in records:
        if not record.required and policy_above:
            continue
        there = existing.get((record.name, record.type.value), ())
        if any(_same(record.type, record.value, value) for value in there):
            continue
        if not there and not _blocked(record, existing):
            wanted.append(record)
        elif record.required:
            shown = ", ".join(there) or "another record"
            conflicts.append(f"{record.name} {record.type}: {shown}")
    if conflicts:
        raise SesTenantError(
            ErrorCode.ALREADY_EXISTS,
            f"Something else stands at these names in the hosted zone {zone.name}, and it is not "
            f"changed: {'; '.join(conflicts)}.",
            "See what is right there, and change it by hand. Nothing was added.",
        )
    return PublishPlan(zone, tuple(wanted))


def _blocked(record: DnsRecord, existing: Existing) -> bool:
    """Tell whether a CNAME stands beside, or would stand beside something (RFC 1034 §3.6.2)."""
    others = {kind for (name, kind), values in existing.items() if name == record.name and values}
    return "CNAME" in others or (record.type is RecordType.CNAME and bool(others))


def _same(kind: RecordType, wanted: str, found: str) -> bool:
    match kind:
        case RecordType.TXT:
            return txt_text(wanted) == txt_text(found)
        case RecordType.CNAME:
            return host_name(wanted) == host_name(found)
        case RecordType.MX:
            return wanted.split()[:1] == found.split()[:1] and host_name(
                wanted.rsplit(maxsplit=1)[-1]
            ) == host_name(found.rsplit(maxsplit=1)[-1])
