"""Which commands of destinations a run may start."""

import os
from typing import TYPE_CHECKING

from ses_tenant.cli.console import Console
from ses_tenant.core.errors import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ses_tenant.core.tenant.request import TenantRequest
    from ses_tenant.destinations.agreement import Consent


def consent(requests: "Iterable[TenantRequest]" = ()) -> "Consent":
    """Return that what was agreed to on this machine may run, and what these requests say."""
    from ses_tenant.destinations.agreement import Consent, agreement_file, read_agreed

    return Consent(read_agreed(agreement_file(os.environ)) | _given(requests))


def unread() -> "Consent":
    """Return that nothing may run, and that it counts as a destination that cannot be read."""
    from ses_tenant.destinations.agreement import Consent

    return Consent(runs=False, unread=True)


def agree(console: Console, requests: "Iterable[TenantRequest]") -> None:
    """Remember the commands of these requests for later runs on this machine."""
    from ses_tenant.destinations.agreement import agreement_file, remember

    given = _given(requests)
    if not given:
        return
    file = agreement_file(os.environ)
    try:
        remember(file, given)
    except OSError as error:
        why = error.strerror or type(error).__name__
        console.warn(
            Notice(
                "not_remembered",
                f"That the command may run on this machine could not be kept in {file}: {why}. "
                "Later runs will refuse it.",
            )
        )


def _given(requests: "Iterable[TenantRequest]") -> frozenset[str]:
    from ses_tenant.destinations.agreement import digests

    found: frozenset[str] = frozenset()
    for request in requests:
        read_back = request.given.get("read_back")
        found |= digests(
            request.domain, request.destination, None if read_back is None else str(read_back)
        )
    return found
