"""What AWS asks before an account may send to everybody: the request for production access.

https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from ses_tenant.core.errors import ErrorCode, SesTenantError

MAX_USE_CASE = 5000
MAX_CONTACTS = 4


class MailType(StrEnum):
    """What kind of mail the sites send, in SES's words."""

    TRANSACTIONAL = "TRANSACTIONAL"
    MARKETING = "MARKETING"


@dataclass(frozen=True)
class ProductionRequest:
    """The request, as it is sent: the web site, what the mail is for, and whom AWS may ask."""

    website: str
    use_case: str
    mail_type: MailType = MailType.TRANSACTIONAL
    language: str = "EN"
    contacts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what SES would refuse. Raises SesTenantError `usage`."""
        parts = urlsplit(self.website)
        if parts.scheme not in ("http", "https") or not parts.hostname or len(self.website) > 1000:
            told = f"'{self.website}' is no web address"
            raise _refused(told, "It looks like https://example.com.")
        text = self.use_case.strip()
        if not text or len(text) > MAX_USE_CASE:
            raise _refused(
                f"the use case has {len(text)} characters, and 1 to {MAX_USE_CASE} are possible",
                "Say who gets mail, how they signed up, and what happens with bounces.",
            )
        if self.language not in ("EN", "JA"):
            raise _refused(f"'{self.language}' is no language for the answer", "EN or JA.")
        if len(self.contacts) > MAX_CONTACTS:
            raise _refused(f"there are {len(self.contacts)} contacts", f"At most {MAX_CONTACTS}.")
        for contact in self.contacts:
            local, at, domain = contact.rpartition("@")
            if not (local and at and "." in domain) or any(c.isspace() for c in contact):
                raise _refused(f"'{contact}' is no address", "It looks like you@example.com.")

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the request for people, a line each, exactly as AWS gets it."""
        return (
            f"web site: {self.website}",
            f"kind of mail: {self.mail_type}",
            f"language of the answer: {self.language}",
            f"further contacts: {', '.join(self.contacts) or 'none'}",
            "use case:",
            *(f"  {line}" for line in self.use_case.strip().splitlines()),
        )


@dataclass(frozen=True)
class AccountStatus:
    """How far the account is: in production or not, and the review of a request if there is one.

    `review` is SES's word: PENDING, GRANTED, DENIED or FAILED; `case_id` is AWS Support's case.
    """

    production: bool
    review: str | None = None
    case_id: str | None = None


def _refused(why: str, hint: str) -> SesTenantError:
    return SesTenantError(ErrorCode.USAGE, f"This request cannot be sent: {why}.", hint)
