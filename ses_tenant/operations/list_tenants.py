"""`list`: every tenant of the account."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from ses_tenant.core import naming
from ses_tenant.core.errors import ErrorCode, SesTenantError, Warning_
from ses_tenant.core.keys import KeyState, list_state
from ses_tenant.core.tenant import STDOUT, AccessKey, Observed
from ses_tenant.operations.observe import observe_all, with_last_use
from ses_tenant.operations.protocols import Iam


@dataclass(frozen=True)
class TenantSummary:
    """One line of `list`; None stands for what could not be known."""

    domain: str
    user_name: str
    user_arn: str
    interface: str | None
    state: KeyState
    regions: tuple[str, ...]
    destination: str
    access_keys: tuple[AccessKey, ...]


@dataclass(frozen=True)
class Listing:
    """All tenants, by domain, as of one moment."""

    as_of: datetime
    tenants: tuple[TenantSummary, ...]
    warnings: tuple[Warning_, ...]


def list_tenants(
    iam: Iam, now: datetime, workers: int, progress: Callable[[int, int], None]
) -> Listing:
    """Return every tenant with its keys: the account's users in pages of 1,000, then each key.

    `progress` is told how many tenants of how many are read. A user under our path that is no
    tenant is named in a warning.
    """
    ours, warnings = observe_all(iam)
    tenants: list[TenantSummary] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        keys = pool.map(lambda o: _keys(iam, o), ours)
        for done, (observed, access_keys) in enumerate(zip(ours, keys, strict=True), start=1):
            if access_keys is not None:
                tenants.append(summarise(observed, access_keys))
            progress(done, len(ours))
    return Listing(
        as_of=now,
        tenants=tuple(tenants),
        warnings=warnings,
    )


def summarise(observed: Observed, access_keys: Sequence[AccessKey]) -> TenantSummary:
    """Return the summary of a tenant with the keys given."""
    tags = observed.user.tags
    return TenantSummary(
        domain=tags[naming.TAG_DOMAIN],
        user_name=observed.user.user_name,
        user_arn=observed.user.user_arn,
        interface=tags.get(naming.TAG_INTERFACE),
        state=list_state(tuple(access_keys), suspended=observed.suspended),
        regions=naming.untag_list(naming.TAG_REGIONS, tags),
        destination=naming.untag_text(naming.TAG_DESTINATION, tags) or STDOUT,
        access_keys=tuple(access_keys),
    )


def _keys(iam: Iam, observed: Observed) -> tuple[AccessKey, ...] | None:
    """Return the keys of a tenant, or None if it was deleted since the tenants were read."""
    try:
        return with_last_use(iam, iam.list_access_keys(observed.user.user_name))
    except SesTenantError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return None
        raise
