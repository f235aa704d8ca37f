"""`identity check`: what SES says of an identity, and what DNS says of each of its records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.identity.answers import Answer, Answers, Outcome, Question, answer_to
from ses_tenant.core.identity.dmarc import judge_dmarc, policies_at
from ses_tenant.core.identity.dmarc import questions as dmarc_questions
from ses_tenant.core.identity.records import DnsRecord, Purpose, dmarc_record, records_for
from ses_tenant.core.identity.saved import Group
from ses_tenant.core.identity.spf import MAX_LOOKUPS, included_names, spf_records
from ses_tenant.core.identity.state import EmailIdentity, Status
from ses_tenant.core.identity.verdicts import (
    Judged,
    Verdict,
    first_questions,
    judge,
    more_questions,
    worst,
)
from ses_tenant.operations.identity import read_view
from ses_tenant.operations.protocols import IdentityReader


class Dns(Protocol):
    """What a check needs of DNS. A failure is an answer."""

    def ask(self, name: str, kind: str) -> Answer:
        """Return what stands at a name."""

    def authoritative(self, name: str) -> "Dns | None":
        """Return the name servers of the zone that the name is in, None if they are not found."""


@dataclass(frozen=True)
class IdentityCheck:
    """One domain in one Region: what SES says, what DNS says, and what both come to.

    `identity` is None where SES was not asked, or knows no identity that serves the domain.
    """

    domain: str
    region: str | None
    identity: EmailIdentity | None
    records: tuple[Judged, ...]
    verdict: Verdict


def check_domain(
    identities: IdentityReader,
    dns: Dns,
    domain: SendingDomain,
    region: str,
    *,
    authoritative: bool = False,
) -> IdentityCheck:
    """Return what is right and wrong with a domain in a Region. Raises what AWS answers."""
    view = read_view(identities, domain, region)
    identity = view.own(domain) or view.serving()
    if identity is None:
        return IdentityCheck(domain.name, region, None, (), Verdict.MISSING)
    records = tuple(
        dmarc_record(domain.name) if record.purpose is Purpose.DMARC else record
        for record in records_for(identity, region)
    )
    judged = _from_source(dns, domain.name, identity.name, records, authoritative=authoritative)
    return IdentityCheck(domain.name, region, identity, judged, overall(identity, judged))


def check_saved(
    dns: Dns, group: Group, records: Sequence[DnsRecord], *, authoritative: bool = False
) -> IdentityCheck:
    """Return what DNS says of records that were saved; SES is not asked."""
    domain, region = group
    judged = _from_source(dns, domain, domain, records, authoritative=authoritative)
    return IdentityCheck(domain, region, None, judged, overall(None, judged))


def _from_source(
    dns: Dns,
    domain: str,
    identity_name: str,
    records: Sequence[DnsRecord],
    *,
    authoritative: bool,
) -> tuple[Judged, ...]:
    if not authoritative:
        return judge_records(dns, domain, identity_name, records)
    source = dns.authoritative(domain)
    if source is None:
        note = f"the name servers of {domain} could not be found"
        return tuple(Judged(record, Verdict.UNKNOWN, note=note) for record in records)
    return judge_records(source, domain, identity_name, records, slow=False)


def look_up(dns: Dns, questions: Iterable[Question], known: dict[Question, Answer]) -> None:
    """Ask what is not known yet, and note the answers in `known`."""
    for name, kind in questions:
        if (name, kind) not in known:
            known[name, kind] = dns.ask(name, kind)


def read_answers(dns: Dns, domain: str, records: Sequence[DnsRecord]) -> Answers:
    """Return all that has to be known to judge the records; few questions where all is well."""
    known: dict[Question, Answer] = {}
    for record in records:
        if record.purpose is Purpose.DMARC:
            _look_up_policy(dns, domain, known)
            continue
        look_up(dns, first_questions(record), known)
        look_up(dns, more_questions(record, known), known)
        if record.purpose is Purpose.MAIL_FROM_SPF:
            _look_up_includes(dns, answer_to(known, record.name, "TXT"), known)
    return known


def judge_records(
    dns: Dns, domain: str, identity_name: str, records: Sequence[DnsRecord], *, slow: bool = True
) -> tuple[Judged, ...]:
    """Return the verdict on each record.

    With `slow`, what is missing is looked for at the name servers of the zone as well: a resolver
    may still hold the answer from before the record was made. It is `pending` if they have it.
    """
    answers = read_answers(dns, domain, records)
    judged = tuple(_judged(record, domain, identity_name, answers) for record in records)
    if not slow or all(j.verdict is not Verdict.MISSING or not j.record.required for j in judged):
        return judged
    source = dns.authoritative(domain)
    if source is None:
        return judged
    return tuple(_pending(j) if _only_late(j, source) else j for j in judged)


def overall(identity: EmailIdentity | None, judged: Sequence[Judged]) -> Verdict:
    """Return the verdict on a domain: that on its required records, and whether SES is done."""
    dns = worst(j.verdict for j in judged if j.record.required)
    if dns is not Verdict.OK or identity is None or identity.status is Status.SUCCESS:
        return dns
    return Verdict.PENDING


def _judged(record: DnsRecord, domain: str, identity_name: str, answers: Answers) -> Judged:
    if record.purpose is Purpose.DMARC:
        return judge_dmarc(record, domain, identity_name, answers)
    return judge(record, answers)


def _pending(judged: Judged) -> Judged:
    note = "the zone's own name servers have it already; resolvers will see it within the TTL"
    return Judged(judged.record, Verdict.PENDING, judged.found, note)


def _only_late(judged: Judged, source: Dns) -> bool:
    """Tell whether a record that a resolver does not know stands at the zone's own servers."""
    if judged.verdict is not Verdict.MISSING or not judged.record.required:
        return False
    known: dict[Question, Answer] = {}
    look_up(source, first_questions(judged.record), known)
    return judge(judged.record, known).verdict is Verdict.OK


def _look_up_policy(dns: Dns, domain: str, known: dict[Question, Answer]) -> None:
    """Ask for the DMARC policy; a domain that has its own needs no walk up the tree."""
    own, *above = dmarc_questions(domain)
    look_up(dns, (own,), known)
    if len(policies_at(domain, known)) != 1:
        look_up(dns, above, known)


def _look_up_includes(dns: Dns, answer: Answer, known: dict[Question, Answer]) -> None:
    """Ask for the SPF records that one includes, as far as a receiver would go."""
    texts = list(spf_records(answer.values)) if answer.outcome is Outcome.FOUND else []
    asked: Mapping[str, None] = {}
    while texts and len(asked) <= MAX_LOOKUPS:
        names = [name for name in included_names(texts.pop()) if name not in asked]
        asked = dict.fromkeys((*asked, *names))
        look_up(dns, ((name, "TXT") for name in names), known)
        for name in names:
            texts += spf_records(answer_to(known, name, "TXT").values)
