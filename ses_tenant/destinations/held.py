"""What all readable destinations share: find the key ID in what they hold, and know our own."""

import re

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError

WRITTEN_BY = "written by ses-tenant for"
_ACCESS_KEY_ID = re.compile(r"(?<![A-Za-z0-9])A(?:KIA|SIA)[A-Z0-9]{12,124}(?![A-Za-z0-9])")


def key_id_in(text: str, where: str) -> str | None:
    """Return the one access key ID in `text`, or None. Formats differ, key IDs do not.

    Raises SesTenantError `destination_unavailable` if there are several.
    """
    found = set(_ACCESS_KEY_ID.findall(text))
    if len(found) > 1:
        raise unavailable(
            where, "it holds several access keys", "Give each tenant a destination of its own."
        )
    return found.pop() if found else None


def is_ours(text: str, domain: SendingDomain) -> bool:
    """Tell whether what a destination holds was written by ses-tenant for `domain`."""
    return (
        re.search(rf"written by ses-tenant for {re.escape(domain.name)}(?![\w.-])", text)
        is not None
    )


def unavailable(where: str, why: str, hint: str = "") -> SesTenantError:
    """Return the failure of a destination."""
    return SesTenantError(
        ErrorCode.DESTINATION_UNAVAILABLE, f"{where} cannot be used: {why}.", hint
    )


def not_ours(where: str, domain: SendingDomain) -> SesTenantError:
    """Return the refusal to overwrite what somebody else wrote."""
    return unavailable(
        where,
        f"it exists and was not written by ses-tenant for {domain}",
        "Move it away, choose another destination, or add --force to create.",
    )
