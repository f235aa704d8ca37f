"""The fake SES and the gateway to AWS, held to the same behaviour in what both can tell.

moto lists every identity as one that may send, and knows no DKIM: the tests of `Ses` on recorded
answers hold that. The fake makes up any identity that it is asked for by name.
"""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ses_tenant.aws.ses import Ses as AwsSes
from ses_tenant.aws.session import open_session
from ses_tenant.core.identity.ses import ListedIdentity
from ses_tenant.operations.protocols import Ses
from tests.fakes.ses import FakeSes, verified

REGION, ELSEWHERE = "eu-central-1", "us-east-1"
NAMES = ("example.com", "info@example.com", "shop.example.com")


def on_the_fake() -> Ses:
    fake = FakeSes()
    for name in NAMES:
        fake.identities[REGION, name] = verified(name)
    fake.identities[ELSEWHERE, "example.com"] = None
    return fake


def on_moto() -> Ses:
    client = boto3.client("sesv2", region_name=REGION)
    for name in NAMES:
        client.create_email_identity(EmailIdentity=name)
    return AwsSes(open_session(None, REGION, None))


@pytest.fixture(params=[on_the_fake, on_moto])
def ses(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ses]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        make: Callable[[], Ses] = request.param
        yield make()


def test_the_identities_of_a_region_are_listed_domains_and_addresses(ses: Ses) -> None:
    listed = sorted(ses.list_identities(REGION), key=lambda each: each.name)
    assert listed == [ListedIdentity(name, verified=True) for name in NAMES]


def test_those_of_another_region_are_not(ses: Ses) -> None:
    assert ses.list_identities(ELSEWHERE) == ()


def test_an_identity_is_one_in_its_region_alone(ses: Ses) -> None:
    found = ses.identity(REGION, "example.com")
    assert found is not None
    assert (found.name, found.configuration_set, found.policies) == ("example.com", None, {})
    assert ses.identity(ELSEWHERE, "example.com") is None
