"""`list`: every tenant of the account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.rotation.decision import NextStep
from ses_tenant.core.rotation.keys import KeyState, list_state
from ses_tenant.core.rotation.outlook import outlook
from ses_tenant.core.tenant.notes import Reason
from ses_tenant.core.tenant.observed import AccessKey, CredentialReport, Observed, ReportedKey
from ses_tenant.core.tenant.spec import STDOUT
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.observe import observe_all, with_last_use
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime

# Up to so many tenants, each tenant's keys are read: that takes some seconds.
_EXACT = 100


@dataclass(frozen=True)
class TenantSummary:
    """One line of `list`; None stands for what could not be known.

    `state` and `access_keys` are None for a tenant that is newer than the credential report.
    `reason` is why it is suspended, if it is and that was noted. `next_step` is what comes next for
    its keys; with no time for it, only a person knows when.
    """

    domain: str
    user_name: str
    user_arn: str
    interface: str | None
    state: KeyState | None
    regions: tuple[str, ...]
    destination: str
    access_keys: tuple[AccessKey | ReportedKey, ...] | None
    reason: Reason | None = None
    next_step: NextStep | None = None
    next_step_at: datetime | None = None


@dataclass(frozen=True)
class Listing:
    """All tenants, by domain, as of one moment; `reported` if their keys are the report's."""

    as_of: datetime
    tenants: tuple[TenantSummary, ...]
    warnings: tuple[Notice, ...]
    reported: bool = False


def list_tenants(runtime: Runtime, progress: Progress = unwatched, *, fresh: bool) -> Listing:
    """Return every tenant with its keys: the account's users in pages of 1,000, then the keys.

    With more than a hundred tenants the keys are those of the credential report, unless `fresh`
    asks for two reads or three of each tenant. `progress` is told how many tenants of how many
    are read. A user under our path that is no tenant is named in a warning.
    """
    iam, now = runtime.iam, runtime.now()
    ours, warnings = observe_all(iam)
    if len(ours) > _EXACT and not fresh:
        return _reported(iam.credential_report(), ours, warnings)
    summaries = each_tenant(
        ours,
        lambda observed: _read(iam, observed),
        failed=_unless_deleted,
        workers=runtime.workers,
        progress=progress,
    )
    return Listing(now, tuple(s for s in summaries if s is not None), warnings)


def summarise(
    observed: Observed, access_keys: Sequence[AccessKey | ReportedKey] | None
) -> TenantSummary:
    """Return the summary of a tenant with the keys given; None for keys that are not known."""
    tags, suspended = observed.user.remembered, observed.suspended
    keys_known = access_keys is not None or suspended
    state = list_state(access_keys or (), suspended=suspended) if keys_known else None
    destination = str(tags.destination or STDOUT)
    next_step, at = (
        outlook(
            state,
            access_keys or (),
            known(tags.delivered),
            known(tags.retired),
            readable=destination != STDOUT,
        )
        if state
        else (None, None)
    )
    return TenantSummary(
        domain=observed.domain.name,
        user_name=observed.user.user_name,
        user_arn=observed.user.user_arn,
        interface=str(tags.interface) if tags.interface is not None else None,
        state=state,
        regions=known(tags.regions) or (),
        destination=destination,
        access_keys=None if access_keys is None else tuple(access_keys),
        reason=known(tags.suspended) if suspended else None,
        next_step=next_step,
        next_step_at=at,
    )


def _reported(
    report: CredentialReport, ours: Sequence[Observed], warnings: tuple[Notice, ...]
) -> Listing:
    tenants = tuple(summarise(o, report.users.get(o.user.user_arn)) for o in ours)
    return Listing(report.made_at, tenants, warnings, reported=True)


def _read(iam: Iam, observed: Observed) -> TenantSummary | None:
    keys = iam.list_access_keys(observed.user.user_name)
    return summarise(observed, with_last_use(iam, keys))


def _unless_deleted(_observed: Observed, error: SesTenantError) -> None:
    """Leave out a tenant that was deleted since the tenants were read; raise any other failure."""
    if error.code is not ErrorCode.NOT_FOUND:
        raise error
