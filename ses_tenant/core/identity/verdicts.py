"""The verdict on each record of an email identity, from what DNS answers; pure.

Questions are asked in two rounds: `first_questions` for every record, and `more_questions` only
where the first answers are not right, to find out why. A record that could not be looked up is
`unknown`, never `missing`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from ses_tenant.core.identity.answers import Answer, Answers, Question, answer_to
from ses_tenant.core.identity.records import (
    DnsRecord,
    Purpose,
    RecordType,
    host_name,
)
from ses_tenant.core.identity.spf import SpfReading, read_spf, spf_records


class Verdict(StrEnum):
    """What is right or wrong with a record: `verdict` in JSON, the worst first."""

    CONFLICT = "conflict"
    WRONG = "wrong"
    DUPLICATE = "duplicate"
    PROXIED = "proxied"
    DOUBLED_ZONE = "doubled_zone"
    MISSING = "missing"
    UNKNOWN = "unknown"
    PENDING = "pending"
    OK = "ok"


@dataclass(frozen=True)
class Judged:
    """A record, the verdict on it, what stands there, and what that means in plain words."""

    record: DnsRecord
    verdict: Verdict
    found: tuple[str, ...] = ()
    note: str = ""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; `ok` if there is none."""
    seen = set(verdicts)
    return next((verdict for verdict in Verdict if verdict in seen), Verdict.OK)


def zones_above(name: str) -> tuple[str, ...]:
    """Return the names that a provider may have appended to a record's name by mistake."""
    labels = name.split(".")
    above = (".".join(labels[start:]) for start in range(1, len(labels) - 1))
    return tuple(name for name in above if not name.startswith("_"))


def first_questions(record: DnsRecord) -> tuple[Question, ...]:
    """Return what has to be asked about every record."""
    if record.type is RecordType.CNAME:
        return ((record.name, "CNAME"),)
    # An alias at the name would hide what is asked for behind another name's records.
    return ((record.name, record.type.value), (record.name, "CNAME"))


def more_questions(record: DnsRecord, answers: Answers) -> tuple[Question, ...]:
    """Return what has to be asked to find out why a record is not there."""
    answer = answer_to(answers, record.name, record.type)
    if answer.found or answer.failed:
        return ()
    doubled = tuple(
        (f"{record.name}.{zone}", record.type.value) for zone in zones_above(record.name)
    )
    if record.type is not RecordType.CNAME:
        return doubled
    return (*((record.name, kind) for kind in ("A", "AAAA", "TXT")), *doubled)


def judge(record: DnsRecord, answers: Answers) -> Judged:
    """Return the verdict on a record of DKIM or of the MAIL FROM domain."""
    answer = answer_to(answers, record.name, record.type)
    alias = answer_to(answers, record.name, "CNAME")
    if answer.failed:
        return Judged(record, Verdict.UNKNOWN, note=f"it could not be looked up: {answer.detail}")
    if record.type is not RecordType.CNAME and alias.found:
        return Judged(
            record,
            Verdict.CONFLICT,
            _shown("CNAME", alias.values),
            "a CNAME stands at this name, and no other record may stand beside one",
        )
    if not answer.found:
        return _absent(record, answers)
    match record.purpose:
        case Purpose.DKIM:
            return _judge_target(record, answer, host_name)
        case Purpose.MAIL_FROM_MX:
            return _judge_target(record, answer, _mail_host)
        case Purpose.MAIL_FROM_SPF:
            return _judge_spf(record, answer, answers)
        case Purpose.DMARC:
            raise AssertionError("a DMARC policy is judged by dmarc.judge_dmarc")
        case _:
            assert_never(record.purpose)


def _judge_target(record: DnsRecord, answer: Answer, host_of: Callable[[str], str]) -> Judged:
    """Judge a record that has to name one host and nothing else."""
    wanted, hosts = host_of(record.value), [host_of(value) for value in answer.values]
    if hosts == [wanted]:
        return Judged(record, Verdict.OK, answer.values)
    if wanted in hosts:
        told = f"{len(hosts)} {record.type} records stand here, and there may be only one"
        return Judged(record, Verdict.DUPLICATE, answer.values, told)
    if any(host == f"{wanted}.{zone}" for host in hosts for zone in zones_above(record.name)):
        told = (
            "the zone's own name was appended to the value: its last dot is missing, or the DNS "
            "provider adds the zone by itself"
        )
        return Judged(record, Verdict.DOUBLED_ZONE, answer.values, told)
    return Judged(record, Verdict.WRONG, answer.values, f"it has to be {record.value}")


def _mail_host(value: str) -> str:
    """Return the host of an MX record; its preference says nothing where there is only one."""
    return host_name(value.rsplit(maxsplit=1)[-1])


def _judge_spf(record: DnsRecord, answer: Answer, answers: Answers) -> Judged:
    records = spf_records(answer.values)
    if not records:
        told = "there are TXT records at this name, and none of them is of SPF"
        return Judged(record, Verdict.MISSING, answer.values, told)
    shown = tuple(value for value in answer.values if spf_records((value,)))
    if len(records) > 1:
        told = f"{len(records)} SPF records stand here, and with more than one all of them fail"
        return Judged(record, Verdict.DUPLICATE, shown, told)
    reading = read_spf(records[0], answers)
    return Judged(record, _verdict_of(reading), shown, reading.note)


def _verdict_of(reading: SpfReading) -> Verdict:
    if reading.problem:
        return Verdict.WRONG
    return Verdict.UNKNOWN if reading.unread else Verdict.OK


def _absent(record: DnsRecord, answers: Answers) -> Judged:
    """Return why a name has no such record."""
    for zone in zones_above(record.name):
        doubled = answer_to(answers, f"{record.name}.{zone}", record.type)
        if doubled.found:
            told = (
                f"it stands at {record.name}.{zone}: the DNS provider adds {zone} to each name by "
                f"itself, so leave that part out"
            )
            return Judged(record, Verdict.DOUBLED_ZONE, doubled.values, told)
    if record.type is RecordType.CNAME:
        for kind in ("A", "AAAA"):
            address = answer_to(answers, record.name, kind)
            if address.found:
                told = (
                    "an address answers where a CNAME has to be: the record is proxied or "
                    'flattened; in Cloudflare set it to "DNS only"'
                )
                return Judged(record, Verdict.PROXIED, _shown(kind, address.values), told)
        text = answer_to(answers, record.name, "TXT")
        if text.found:
            told = "a TXT record stands here in place of the CNAME"
            return Judged(record, Verdict.WRONG, _shown("TXT", text.values), told)
    return Judged(record, Verdict.MISSING)


def _shown(kind: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{kind} {value}" for value in values)
