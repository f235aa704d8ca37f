"""An SES in memory: what it says of the account and of email identities."""

from ses_tenant.core.identity.ses import ListedIdentity, SesAccount
from ses_tenant.core.identity.state import Dkim, EmailIdentity, Status


def verified(name: str) -> EmailIdentity:
    """Return an identity that SES sends and signs for."""
    return EmailIdentity(
        name, Status.SUCCESS, sending=True, dkim=Dkim(Status.SUCCESS, signing=True)
    )


class FakeSes:
    """SES; every domain is verified and signed until a test says otherwise.

    `accounts` are by Region; `identities` by Region and name, None for what is no identity. Those
    alone are listed; `listing` has the error of a Region, or of all of them under "".
    """

    def __init__(self) -> None:
        self.accounts: dict[str, SesAccount | Exception] = {}
        self.identities: dict[tuple[str, str], EmailIdentity | Exception | None] = {}
        self.listing: dict[str, Exception] = {}
        self.calls: list[str] = []

    def account(self, region: str) -> SesAccount:
        self.calls.append("ses:GetAccount")
        found = self.accounts.get(region, SesAccount(production=True, sending=True))
        if isinstance(found, Exception):
            raise found
        return found

    def identity(self, region: str, name: str) -> EmailIdentity | None:
        self.calls.append("ses:GetEmailIdentity")
        usual = verified(name)
        found = self.identities.get((region, name), usual)
        if isinstance(found, Exception):
            raise found
        return found

    def list_identities(self, region: str) -> tuple[ListedIdentity, ...]:
        self.calls.append("ses:ListEmailIdentities")
        refused = self.listing.get(region, self.listing.get(""))
        if refused is not None:
            raise refused
        return tuple(
            ListedIdentity(name, verified=not isinstance(found, EmailIdentity) or found.verified)
            for (where, name), found in self.identities.items()
            if where == region and found is not None
        )
