"""Answers with status 200 that are not AWS's, on the wire."""

from collections.abc import Callable

import pytest

from ses_tenant.aws.iam import Iam
from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.secretsmanager import secretsmanager
from ses_tenant.destinations.ssm import ssm
from tests.fakes.iam_server import Answer, scripted_iam, success

pytestmark = pytest.mark.usefixtures("credentials")

SHOP = SendingDomain.parse("shop.example.com")
KEY = Credentials(
    SHOP, "ses-shop.example.com", "arn:aws:iam::123456789012:user/ses-shop",
    Interface.API, ("eu-central-1",), "AKIAIOSFODNN7EXAMPLE", "a-secret",
)  # fmt: skip
# The second is XML, as the pages of old proxies are.
PAGES = ["<!doctype html><title>Log in<form>", "<html><body><p>Log in</p></body></html>", ""]
CUT = '{"Parameter": {"Name": "/shop", "Val'


def _ssm(session: AwsSession) -> Destination:
    return ssm("/shop", "eu-central-1", SHOP, session, force=True)


def _secret(session: AwsSession) -> Destination:
    return secretsmanager("shop", "eu-central-1", SHOP, session, force=True)


@pytest.mark.parametrize("page", [*PAGES[:2], CUT])
@pytest.mark.parametrize("opened", [_ssm, _secret])
def test_a_page_is_not_taken_for_a_delivery(
    page: str, opened: Callable[[AwsSession], Destination]
) -> None:
    with scripted_iam(Answer(page), Answer(page)) as server:
        destination = opened(open_session(None, "eu-central-1", server.url))
        with pytest.raises(SesTenantError) as failure:
            destination.put(KEY)
        assert failure.value.code is ErrorCode.NETWORK
        assert "is cut off or not from AWS" in failure.value.message
        with pytest.raises(SesTenantError, match="is cut off or not from AWS"):
            destination.held_key()


@pytest.mark.parametrize("page", ["[]", "3", '"x"', "null", '{"Parameter": 3}', "[{}]"])
def test_json_of_another_shape_is_not_from_aws(page: str) -> None:
    with scripted_iam(Answer(page)) as server:
        destination = _ssm(open_session(None, "eu-central-1", server.url))
        with pytest.raises(SesTenantError) as failure:
            destination.held_key()
        assert failure.value.code is ErrorCode.NETWORK


@pytest.mark.parametrize("page", ["[]", "3", '{"message": 3, "__type": []}'])
def test_an_error_of_another_shape_is_told_by_its_status(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for status, code in ((502, ErrorCode.NETWORK), (429, ErrorCode.THROTTLED)):
        with scripted_iam(Answer(page, status)) as server:
            destination = _ssm(open_session(None, "eu-central-1", server.url))
            with pytest.raises(SesTenantError) as failure:
                destination.held_key()
            assert failure.value.code is code


def test_xml_with_a_time_that_is_none_is_not_from_aws() -> None:
    user = "<User><CreateDate>soon</CreateDate></User>"
    with scripted_iam(success("GetUser", user)) as server:
        iam = Iam(open_session(None, "eu-central-1", server.url))
        with pytest.raises(SesTenantError) as failure:
            iam.get_user("ses-shop.example.com")
        assert failure.value.code is ErrorCode.NETWORK


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_not_taken_for_a_change_in_iam(page: str) -> None:
    with scripted_iam(Answer(page)) as server:
        iam = Iam(open_session(None, "eu-central-1", server.url))
        with pytest.raises(SesTenantError) as failure:
            iam.apply(steps.DeleteAccessKey("ses-shop.example.com", "AKIAIOSFODNN7EXAMPLE"))
        assert failure.value.code is ErrorCode.NETWORK
