"""What SES is asked, and what its answers become."""

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from ses_tenant.aws.ses import Ses
from ses_tenant.aws.session import open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.ses import SesAccount, SesIdentity

pytestmark = pytest.mark.usefixtures("credentials")

REGION = "eu-central-1"


def ses(answer: dict[str, Any], status: int = 200) -> tuple[Ses, list[str]]:
    """Return SES that answers so, and the list of the URLs that it was asked at."""
    session = open_session(None, "us-east-1", "http://127.0.0.1:9")
    asked: list[str] = []

    def respond(params: dict[str, Any], **_: object) -> object:
        asked.append(params["url_path"])
        return AWSResponse("", status, {}, None), answer  # type: ignore[arg-type]

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
    ("answer", "expected"),
    [
        ({}, SesIdentity("a.example", verified=False, dkim=False)),
        (
            {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"Status": "SUCCESS", "SigningEnabled": True},
                "ConfigurationSetName": "metrics",
                "Policies": {"partner": '{"Statement": []}'},
            },
            SesIdentity(
                "a.example",
                verified=True,
                dkim=True,
                configuration_set="metrics",
                policies={"partner": {"Statement": []}},
            ),
        ),
        (
            {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"Status": "SUCCESS", "SigningEnabled": False},
            },
            SesIdentity("a.example", verified=True, dkim=False),
        ),
        (
            {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"Status": "PENDING", "SigningEnabled": True},
            },
            SesIdentity("a.example", verified=True, dkim=False),
        ),
    ],
)
def test_an_identity(answer: dict[str, Any], expected: SesIdentity) -> None:
    there, asked = ses(answer)
    assert there.identity(REGION, "a.example") == expected
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
