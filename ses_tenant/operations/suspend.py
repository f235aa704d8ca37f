"""`suspend` and `resume`: stop a site from sending, and let it send again exactly as before."""

from collections.abc import Callable
from dataclasses import dataclass

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import KeyStatus, User, require_ours
from ses_tenant.core.tenant.policy import keys_before_suspension, suspended_policy
from ses_tenant.operations.apply import apply
from ses_tenant.operations.observe import observe_all
from ses_tenant.operations.protocols import Iam


@dataclass(frozen=True)
class Suspension:
    """What is planned for one tenant, or why it cannot be."""

    domain: str
    plan: steps.Plan = ()
    error: SesTenantError | None = None


def prepare_suspend(iam: Iam, domain: SendingDomain, user: User | None = None) -> Suspension:
    """Plan a suspension; at most five calls with its plan, whatever the state of the keys.

    The Deny comes first, so that the site is stopped by the first write, and records which keys
    were Active in the same call. If all keys that are Active now are all that there are, a record
    made earlier can only say the same, and is not read: that saves a call on the day it matters.
    """
    try:
        user = user or _user(iam, domain)
        keys = iam.list_access_keys(user.user_name)
        active = tuple(key.access_key_id for key in keys if key.active)
        recorded = None
        if len(active) < len(keys) or not keys:
            recorded = _record(iam, user.user_name)
    except SesTenantError as error:
        return Suspension(domain.name, error=error)
    deny = steps.PutUserPolicy(user.user_name, naming.SUSPENDED_POLICY, suspended_policy(active))
    off = tuple(steps.UpdateAccessKey(user.user_name, key, KeyStatus.INACTIVE) for key in active)
    return Suspension(domain.name, off if recorded is not None else (deny, *off))


def prepare_resume(iam: Iam, domain: SendingDomain, user: User | None = None) -> Suspension:
    """Plan the return: the recorded keys Active, then the Deny away; empty if not suspended."""
    try:
        user = user or _user(iam, domain)
        recorded = _record(iam, user.user_name)
        if recorded is None:
            return Suspension(domain.name)
        keys = iam.list_access_keys(user.user_name)
    except SesTenantError as error:
        return Suspension(domain.name, error=error)
    name = user.user_name
    on = tuple(
        steps.UpdateAccessKey(name, key.access_key_id, KeyStatus.ACTIVE)
        for key in keys
        if key.access_key_id in recorded and not key.active
    )
    lift = steps.DeleteUserPolicy(name, naming.SUSPENDED_POLICY)
    return Suspension(domain.name, (*on, lift))


def all_tenants(iam: Iam) -> list[tuple[SendingDomain, User | None]]:
    """Return every tenant, for --all."""
    return [(observed.domain, observed.user) for observed in observe_all(iam)[0]]


def carry_out(iam: Iam, suspension: Suspension, sleep: Callable[[float], None]) -> Suspension:
    """Apply the plan; a failure is part of what is returned, so that the others go on."""
    try:
        apply(iam, suspension.plan, sleep)
    except SesTenantError as error:
        return Suspension(suspension.domain, suspension.plan, error)
    return suspension


def _user(iam: Iam, domain: SendingDomain) -> User:
    user = iam.get_user(naming.user_name(domain))
    if user is None:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"There is no tenant {domain}.",
            "To see all tenants: ses-tenant list",
        )
    require_ours(user, domain)
    return user


def _record(iam: Iam, user_name: str) -> tuple[str, ...] | None:
    """Return the keys that were Active when the tenant was suspended, None if it is not."""
    try:
        return keys_before_suspension(iam.get_user_policy(user_name, naming.SUSPENDED_POLICY))
    except SesTenantError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return None
        raise
