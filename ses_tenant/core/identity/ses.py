"""What SES itself knows: of the account and of an email identity in one Region."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SesAccount:
    """`production` is False in SES's own sandbox; `sending` is False while sending is paused.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
    """

    production: bool
    sending: bool


@dataclass(frozen=True)
class SesIdentity:
    """An email identity, its default configuration set, and its own policies by name.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html
    """

    name: str
    verified: bool
    dkim: bool
    configuration_set: str | None = None
    policies: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedIdentity:
    """An email identity as the list of a Region has it; `verified` if it may send.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListEmailIdentities.html
    """

    name: str
    verified: bool
