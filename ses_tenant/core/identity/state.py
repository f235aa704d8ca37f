"""An email identity as SES tells of it: three state machines, for DKIM, MAIL FROM and the whole.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ses_tenant.core.tenant.naming import TAG_DOMAIN

# Regions whose DKIM zone is their own, where SES does not tell the zone itself (an SDK before
# December 2025). https://docs.aws.amazon.com/general/latest/gr/ses.html#ses_dkim_domains
_REGIONAL_ZONES = frozenset(
    {
        *("af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-5"),
        *("ca-west-1", "eu-central-2", "eu-south-1", "il-central-1", "me-central-1"),
        "us-gov-east-1",
    }
)


class Status(StrEnum):
    """How far SES has come with what it looks up in DNS, in SES's own words.

    SES looks for up to 72 hours before it gives up with FAILED.
    """

    NOT_STARTED = "NOT_STARTED"
    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    TEMPORARY_FAILURE = "TEMPORARY_FAILURE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Dkim:
    """The DKIM keys of an identity; their `selectors` are what SES calls tokens.

    `origin` is where the keys come from: AWS_SES, EXTERNAL, or AWS_SES_ and the Region whose keys
    a replica uses (Deterministic Easy DKIM).
    """

    status: Status = Status.NOT_STARTED
    signing: bool = False
    selectors: tuple[str, ...] = ()
    hosted_zone: str = ""
    origin: str = "AWS_SES"

    @property
    def external(self) -> bool:
        """Tell whether SES holds keys that it has not made."""
        return self.origin == "EXTERNAL"

    @property
    def replica_of(self) -> str | None:
        """Return the Region whose keys these are, None if they are this Region's own."""
        prefix = "AWS_SES_"
        if not self.origin.startswith(prefix):
            return None
        return self.origin.removeprefix(prefix).lower().replace("_", "-")


@dataclass(frozen=True)
class MailFrom:
    """The custom MAIL FROM domain, None where there is none."""

    domain: str | None = None
    status: Status = Status.NOT_STARTED
    rejects: bool = False


@dataclass(frozen=True)
class LastLook:
    """When SES looked up the records last, which name server it saw, and what was wrong then."""

    checked_at: datetime | None = None
    succeeded_at: datetime | None = None
    name_server: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class EmailIdentity:
    """An email identity, a domain or an address, in one Region."""

    name: str
    status: Status = Status.PENDING
    sending: bool = False
    dkim: Dkim = Dkim()
    mail_from: MailFrom = MailFrom()
    last_look: LastLook = LastLook()
    configuration_set: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Tell whether ses-tenant made the identity, or has adopted it: by its tag."""
        return self.tags.get(TAG_DOMAIN) == self.name

    @property
    def verified(self) -> bool:
        """Tell whether SES sends for it."""
        return self.status is Status.SUCCESS or self.sending

    @property
    def signed(self) -> bool:
        """Tell whether SES signs its mail with DKIM, with keys that it has seen in DNS."""
        return self.dkim.signing and self.dkim.status is Status.SUCCESS


def dkim_zone(region: str) -> str:
    """Return the zone of a Region's DKIM keys, for an answer of SES that does not name it."""
    return f"dkim.{region}.amazonses.com" if region in _REGIONAL_ZONES else "dkim.amazonses.com"


def serving_names(domain: str, registrable: str) -> tuple[str, ...]:
    """Return the names whose identity may serve the domain, the nearest first.

    SES uses the most specific verified identity: the domain's own, else that of a domain above it,
    at most the one that can be registered.
    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
    """
    labels = domain.split(".")
    names = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return tuple(name for name in names if f".{name}".endswith(f".{registrable}"))
