"""Hosted zones of Route 53: which there are, what stands in one, and what is added."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.identity.publish import Existing, HostedZone, PublishPlan
from ses_tenant.core.identity.records import host_name

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client


class Route53:
    """The operations' `Zones` protocol on boto3. Every failure is a SesTenantError."""

    def __init__(self, session: AwsSession) -> None:
        """Keep the session."""
        self._session = session

    def zones(self) -> tuple[HostedZone, ...]:
        """Return every hosted zone of the account, page by page."""
        with self._session.errors():
            pages = self._client().get_paginator("list_hosted_zones").paginate()
            return tuple(
                HostedZone(
                    zone["Id"].rpartition("/")[2],
                    _plain(zone["Name"]),
                    zone.get("Config", {}).get("PrivateZone", False),
                )
                for page in pages
                for zone in page["HostedZones"]
            )

    def records_at(self, zone: HostedZone, names: Iterable[str]) -> Existing:
        """Return what stands at names of a zone; an alias of Route 53 counts as another record."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        with self._session.errors():
            for name in dict.fromkeys(names):
                answer = self._client().list_resource_record_sets(
                    HostedZoneId=zone.zone_id, StartRecordName=f"{name}.", MaxItems="20"
                )
                for record_set in answer["ResourceRecordSets"]:
                    if _plain(record_set["Name"]) == name:
                        values = [r["Value"] for r in record_set.get("ResourceRecords", [])]
                        alias = record_set.get("AliasTarget", {}).get("DNSName")
                        listed = (*values, *((f"an alias of {alias}",) if alias else ()))
                        found[name, record_set["Type"]] = listed
        return found

    def add(self, plan: PublishPlan) -> None:
        """Add the records, all or none; Route 53 refuses what exists by then."""
        with self._session.errors():
            self._client().change_resource_record_sets(
                HostedZoneId=plan.zone.zone_id,
                ChangeBatch={
                    "Comment": "Amazon SES",
                    "Changes": [
                        {
                            "Action": "CREATE",
                            "ResourceRecordSet": {
                                "Name": f"{record.name}.",
                                "Type": record.type.value,
                                "TTL": record.ttl,
                                "ResourceRecords": [{"Value": record.value}],
                            },
                        }
                        for record in plan.records
                    ],
                },
            )

    def _client(self) -> "Route53Client":
        return self._session.route53_client()


def _plain(name: str) -> str:
    r"""Return a name as it is usually written; Route 53 answers `\052` for an asterisk."""
    return host_name(name.replace("\\052", "*"))
