"""What SES is asked, and what its answers become."""

import json
from typing import Any

import boto3
import pytest

from ses_tenant.aws.identities import Identities
from ses_tenant.aws.ses import Ses
from ses_tenant.aws.session import open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.ses import ListedIdentity, SesAccount
from ses_tenant.core.regions import partition_of, ses_regions

from .raw import response

pytestmark = pytest.mark.usefixtures("credentials")

REGION = "eu-central-1"


def ses(answer: dict[str, Any], status: int = 200) -> tuple[Ses, list[str]]:
    """Return SES that answers so, and the list of the URLs that it was asked at."""
    session = open_session(None, "us-east-1", "http://127.0.0.1:9")
    asked: list[str] = []

    def respond(params: dict[str, Any], **_: object) -> object:
        asked.append(params["url_path"])
        return response(status), answer

    session.boto.events.register("before-call.sesv2", respond)  # type: ignore[arg-type]
    return Ses(session), asked


def refusal(code: str) -> dict[str, Any]:
    return {
        "Error": {"Code": code, "Message": "No."},
        "ResponseMetadata": {"HTTPStatusCode": 404, "HTTPHeaders": {}},
    }


@pytest.mark.parametrize(("production", "sending"), [(True, True), (False, True), (True, False)])
def test_the_account(production: bool, sending: bool) -> None:
    there, asked = ses({"ProductionAccessEnabled": production, "SendingEnabled": sending})
    assert there.account(REGION) == SesAccount(production=production, sending=sending)
    assert asked == ["/v2/email/account"]


@pytest.mark.parametrize(
    ("answer", "verified", "signed"),
    [
        ({}, False, False),
        (
            {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"Status": "SUCCESS", "SigningEnabled": True},
                "ConfigurationSetName": "metrics",
                "Policies": {"partner": '{"Statement": []}'},
            },
            True,
            True,
        ),
        (
            {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"Status": "SUCCESS", "SigningEnabled": False},
            },
            True,
            False,
        ),
        (
            {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"Status": "PENDING", "SigningEnabled": True},
            },
            True,
            False,
        ),
    ],
)
def test_an_identity(answer: dict[str, Any], verified: bool, signed: bool) -> None:
    there, asked = ses(answer)
    found = there.identity(REGION, "a.example")
    assert found is not None
    assert (found.name, found.verified, found.signed) == ("a.example", verified, signed)
    assert found.configuration_set == answer.get("ConfigurationSetName")
    assert found.policies == ({"partner": {"Statement": []}} if "Policies" in answer else {})
    assert asked == ["/v2/email/identities/a.example"]


def test_what_is_no_identity_is_none_and_another_refusal_an_error() -> None:
    assert ses(refusal("NotFoundException"), 404)[0].identity(REGION, "a.example") is None
    with pytest.raises(SesTenantError) as caught:
        ses(refusal("AccessDeniedException"), 403)[0].identity(REGION, "a.example")
    assert caught.value.code is ErrorCode.ACCESS_DENIED
    assert "ses:GetEmailIdentity" in caught.value.message


def test_the_region_asked_for_is_asked() -> None:
    session = open_session(None, "us-east-1", None)
    assert session.sesv2_client("ap-south-1").meta.region_name == "ap-south-1"


def pages(*answers: dict[str, Any]) -> tuple[Ses, list[dict[str, Any]]]:
    """Return SES that answers so, one after the other, and what it was asked with."""
    session = open_session(None, "us-east-1", "http://127.0.0.1:9")
    asked: list[dict[str, Any]] = []
    left = iter(answers)

    def respond(params: dict[str, Any], **_: object) -> object:
        asked.append(json.loads(params["body"]))
        answer = next(left)
        return response(404 if "Error" in answer else 200), answer

    session.boto.events.register("before-call.sesv2.ListEmailIdentities", respond)  # type: ignore[arg-type]
    return Ses(session), asked


def test_identities_are_listed_in_pages_of_a_thousand() -> None:
    first = [{"IdentityName": "a.example", "SendingEnabled": True}]
    second = [{"IdentityName": "info@b.example", "SendingEnabled": False}, {"IdentityName": "c"}]
    there, asked = pages(
        {"EmailIdentities": first, "NextToken": "more"}, {"EmailIdentities": second}
    )
    assert there.list_identities(REGION) == (
        ListedIdentity("a.example", verified=True),
        ListedIdentity("info@b.example", verified=False),
        ListedIdentity("c", verified=False),
    )
    assert asked == [{"PageSize": 1000}, {"PageSize": 1000, "NextToken": "more"}]


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidClientTokenId"])
def test_a_region_that_is_not_enabled_has_no_identities(code: str) -> None:
    there, _ = pages(refusal(code))
    assert there.list_identities(REGION) == ()


def test_a_fleet_waits_for_its_turn_where_listing_is_throttled() -> None:
    waited: list[float] = []
    session = open_session(None, REGION, "http://127.0.0.1:9", sleep=waited.append)
    refused = [response(429, b'{"__type": "TooManyRequestsException"}') for _ in range(3)]
    listed = b'{"EmailIdentities": [{"IdentityName": "a.example", "SendingEnabled": true}]}'
    answers = [*refused, response(200, listed)]
    session.boto.events.register("before-send.sesv2", lambda **_: answers.pop(0))  # type: ignore[arg-type]
    assert Identities(session).listed(REGION) == (ListedIdentity("a.example", verified=True),)
    assert answers == []
    assert len(waited) == 3  # the pace is kept once a request was refused


def test_identities_that_may_not_be_listed() -> None:
    there, _ = pages(refusal("AccessDeniedException"))
    with pytest.raises(SesTenantError, match="ses:ListEmailIdentities") as caught:
        there.list_identities(REGION)
    assert caught.value.code is ErrorCode.ACCESS_DENIED


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-eusc"])
def test_the_regions_in_which_boto3_knows_ses_are_ours(partition: str) -> None:
    known = boto3.session.Session().get_available_regions("sesv2", partition)
    assert set(known) <= set(ses_regions(partition))
    assert {partition_of(region) for region in ses_regions(partition)} == {partition}
