"""What SES says of an account and of its email identities, in one Region."""

from typing import TYPE_CHECKING

from ses_tenant.aws.identities import list_identities, read_identity
from ses_tenant.aws.session import AwsSession
from ses_tenant.core.identity.ses import ListedIdentity, SesAccount
from ses_tenant.core.identity.state import EmailIdentity

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


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
        """Return all email identities in the Region; none where it is not enabled."""
        return list_identities(self._session, self._session.ses_lister(region))

    def _client(self, region: str) -> "SESV2Client":
        return self._session.sesv2_client(region)
