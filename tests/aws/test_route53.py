"""Records in hosted zones: moto's Route 53, and what is planned for it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ses_tenant.aws.route53 import Route53
from ses_tenant.aws.session import open_session
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.answers import Answer, Outcome
from ses_tenant.core.identity.publish import HostedZone, zone_for
from ses_tenant.core.identity.records import Purpose, records_for
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom
from ses_tenant.operations.publish import prepare_publish

SHOP = SendingDomain("shop.example.com")
IDENTITY = EmailIdentity(
    SHOP.name,
    dkim=Dkim(selectors=("k1", "k2", "k3"), hosted_zone="dkim.amazonses.com"),
    mail_from=MailFrom("mail.shop.example.com"),
)
RECORDS = records_for(IDENTITY, "eu-central-1")


class Policies:
    """DNS in which DMARC policies stand at the names given, or nothing can be asked."""

    def __init__(self, *names: str, broken: bool = False) -> None:
        self.names = names
        self.broken = broken

    def ask(self, name: str, _kind: str) -> Answer:
        if self.broken:
            return Answer(Outcome.FAILED, detail="SERVFAIL")
        if name in self.names:
            return Answer(Outcome.FOUND, ('"v=DMARC1; p=reject"',))
        return Answer(Outcome.NO_NAME)

    def authoritative(self, _name: str) -> None:
        return None


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("route53", region_name="eu-central-1")


@pytest.fixture
def zone(client: Any) -> str:
    client.create_hosted_zone(Name="com", CallerReference="0")
    made = client.create_hosted_zone(Name="example.com", CallerReference="1")
    client.create_hosted_zone(Name="other.example", CallerReference="2")
    zone_id: str = made["HostedZone"]["Id"].rpartition("/")[2]
    return zone_id


@pytest.fixture
def route53(client: Any) -> Route53:
    del client
    return Route53(open_session(None, "eu-central-1", None))


def add(client: Any, zone: str, name: str, kind: str, value: str) -> None:
    client.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": name, "Type": kind, "TTL": 60,
                        "ResourceRecords": [{"Value": value}],
                    },
                }
            ]
        },
    )  # fmt: skip


def test_all_is_added_once_in_the_zone_with_the_longest_name(zone: str, route53: Route53) -> None:
    plan = prepare_publish(route53, Policies(), SHOP, RECORDS)
    assert plan.zone == HostedZone(zone, "example.com")
    assert plan.records == RECORDS
    route53.add(plan)
    again = prepare_publish(route53, Policies("_dmarc.shop.example.com"), SHOP, RECORDS)
    assert again.records == ()


def test_what_is_missing_is_added_beside_what_is_there(
    client: Any, zone: str, route53: Route53
) -> None:
    add(client, zone, "mail.shop.example.com.", "TXT", '"v=spf1 include:amazonses.com ~all"')
    add(client, zone, "k2._domainkey.shop.example.com.", "CNAME", "K2.dkim.AmazonSES.com")
    plan = prepare_publish(route53, Policies(), SHOP, RECORDS)
    assert [(r.purpose, r.name.partition(".")[0]) for r in plan.records] == [
        (Purpose.DKIM, "k1"), (Purpose.DKIM, "k3"), (Purpose.MAIL_FROM_MX, "mail"),
        (Purpose.DMARC, "_dmarc"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("mail.shop.example.com.", "MX", "10 mx.elsewhere.example."),
        ("mail.shop.example.com.", "TXT", '"v=spf1 -all"'),
        ("mail.shop.example.com.", "CNAME", "elsewhere.example."),
        ("k1._domainkey.shop.example.com.", "CNAME", "k9.dkim.amazonses.com."),
        ("k1._domainkey.shop.example.com.", "TXT", '"p=x"'),
    ],
)
def test_nothing_is_added_where_something_else_stands(
    client: Any, zone: str, route53: Route53, name: str, kind: str, value: str
) -> None:
    add(client, zone, name, kind, value)
    with pytest.raises(SesTenantError) as refused:
        prepare_publish(route53, Policies(), SHOP, RECORDS)
    assert refused.value.code is ErrorCode.ALREADY_EXISTS
    assert name.rstrip(".") in refused.value.message


@pytest.mark.parametrize(
    "dns",
    [Policies("_dmarc.example.com"), Policies("_dmarc.shop.example.com"), Policies(broken=True)],
)
@pytest.mark.usefixtures("zone")
def test_a_policy_is_never_added_below_another_or_blindly(dns: Policies, route53: Route53) -> None:
    plan = prepare_publish(route53, dns, SHOP, RECORDS)
    assert Purpose.DMARC not in {record.purpose for record in plan.records}


def test_a_zone_that_serves_nobody_is_not_taken() -> None:
    public = HostedZone("Z1", "example.com")
    private = replace(public, zone_id="Z2", private=True)
    assert zone_for("shop.example.com", [private, public]) == public
    for zones, code in (
        ([HostedZone("Z1", "ample.com")], ErrorCode.NOT_FOUND),
        ([public, replace(public, zone_id="Z2")], ErrorCode.ALREADY_EXISTS),
    ):
        with pytest.raises(SesTenantError) as refused:
            zone_for("shop.example.com", zones)
        assert refused.value.code is code
