"""What SES itself knows: of the account and of an email identity in one Region."""

from dataclasses import dataclass

from ses_tenant.core.authorization import Policy


@dataclass(frozen=True)
class SesAccount:
    """`production` is False in SES's own sandbox; `sending` is False while sending is paused.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
    """

    production: bool
    sending: bool


@dataclass(frozen=True)
class SesIdentity:
    """An email identity, its default configuration set, and its sending-authorization policies.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html
    """

    name: str
    verified: bool
    dkim: bool
    configuration_set: str | None = None
    policies: tuple[Policy, ...] = ()
