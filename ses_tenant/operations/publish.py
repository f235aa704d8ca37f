"""`identity publish`: add what is missing to the hosted zone that serves the domain."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.identity.dmarc import policy_for, questions
from ses_tenant.core.identity.publish import (
    Existing,
    HostedZone,
    PublishPlan,
    plan_publish,
    zone_for,
)
from ses_tenant.core.identity.records import DnsRecord
from ses_tenant.operations.identity_check import Dns


class Zones(Protocol):
    """The calls on hosted zones. Every failure is a SesTenantError."""

    def zones(self) -> tuple[HostedZone, ...]:
        """Return every hosted zone of the account."""

    def records_at(self, zone: HostedZone, names: Iterable[str]) -> Existing:
        """Return what stands at names of a zone, by name and type."""

    def add(self, plan: PublishPlan) -> None:
        """Add the records, all or none."""


def prepare_publish(
    zones: Zones, dns: Dns, domain: SendingDomain, records: Sequence[DnsRecord]
) -> PublishPlan:
    """Plan which records to add.

    A DMARC policy is added only where live DNS has none for the domain, and can be asked: one of
    its own could weaken the policy above. Raises SesTenantError `not_found`, `already_exists`.
    """
    zone = zone_for(domain.name, zones.zones())
    answers = {question: dns.ask(*question) for question in questions(domain.name)}
    unknown = any(
        answer.failed
        for (name, _), answer in answers.items()
        if name.endswith(f".{domain.registrable}")
    )
    above = unknown or policy_for(domain.name, answers) is not None
    existing = zones.records_at(zone, [record.name for record in records])
    return plan_publish(zone, records, existing, policy_above=above)
