"""What SES says of an account and of its email identities, in one Region."""

from typing import TYPE_CHECKING

from ses_tenant.aws.identities import read_identity
from ses_tenant.aws.session import AwsSession
from ses_tenant.core.identity.ses import ListedIdentity, SesAccount
from ses_tenant.core.identity.state import EmailIdentity

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

_PAGE = 1000
_NOT_ENABLED = {"UnrecognizedClientException", "InvalidClientTokenId"}


class Ses:
    """The operations' `Ses` protocol on boto3. Every failure is a SesTenantError."""

    def __init__(self, session: AwsSession) -> None:
        """Keep the session."""
        self._session = session

    def account(self, region: str) -> SesAccount:
        """Return what SES says of the account in the Region."""
        with self._session.errors():
            answer = self._client(region).get_account()
        return SesAccount(
            production=answer.get("ProductionAccessEnabled", True),
            sending=answer.get("SendingEnabled", True),
        )

    def identity(self, region: str, name: str) -> EmailIdentity | None:
        """Return the email identity with its policies, or None if there is none of that name."""
        return read_identity(self._session, region, name)

    def list_identities(self, region: str) -> tuple[ListedIdentity, ...]:
        """Return all email identities in the Region; none where it is not enabled.

        Credentials that are good elsewhere are rejected in a Region that is not.
        https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListEmailIdentities.html
        """
        client = self._session.ses_lister(region)
        found: list[ListedIdentity] = []
        token = ""
        with self._session.errors():
            while True:
                try:
                    answer = (
                        client.list_email_identities(PageSize=_PAGE, NextToken=token)
                        if token
                        else client.list_email_identities(PageSize=_PAGE)
                    )
                except client.exceptions.ClientError as error:
                    if error.response.get("Error", {}).get("Code") in _NOT_ENABLED:
                        return ()
                    raise
                found += [
                    ListedIdentity(entry["IdentityName"], entry.get("SendingEnabled", False))
                    for entry in answer.get("EmailIdentities", [])
                ]
                token = answer.get("NextToken", "")
                if not token:
                    return tuple(found)

    def _client(self, region: str) -> "SESV2Client":
        return self._session.sesv2_client(region)
