"""What SES itself knows of the account in one Region, and what it lists there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SesAccount:
    """`production` is False in SES's own sandbox; `sending` is False while sending is paused.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
    """

    production: bool
    sending: bool


@dataclass(frozen=True)
class ListedIdentity:
    """An email identity as the list of a Region has it; `verified` if it may send.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListEmailIdentities.html
    """

    name: str
    verified: bool
