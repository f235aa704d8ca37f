"""`suspend` and `resume`: stop a site from sending, and let it send again exactly as before."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.notes import By, Reason
from ses_tenant.core.tenant.observed import KeyStatus, User, require_ours
from ses_tenant.core.tenant.policy import keys_before_suspension, suspended_policy
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.apply import apply
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.observe import no_tenant, observe_all
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime


@dataclass(frozen=True)
class Suspension:
    """What is planned for one tenant or was done to it, or why it was not.

    `reason` is why the tenant is suspended, or was, if that is known.
    """

    domain: str
    plan: steps.Plan = ()
    error: SesTenantError | None = None
    reason: Reason | None = None


# A tenant, and its user where that was read already.
Target = tuple[SendingDomain, User | None]
Prepare = Callable[[Iam, SendingDomain, User | None], Suspension]


def prepare_suspend(
    iam: Iam, domain: SendingDomain, user: User | None = None, reason: Reason | None = None
) -> Suspension:
    """Plan a suspension; at most five calls with its plan, and one more with a reason.

    The Deny comes first, so that the site is stopped by the first write, and records which keys
    were Active in the same call. If all keys that are Active now are all that there are, a record
    made earlier can only say the same, and is not read: that saves a call on the day it matters.
    The reason comes last; that of a rule does not replace another.
    Raises SesTenantError `not_found`, `not_ours` and what AWS answers.
    """
    user = user or _user(iam, domain)
    keys = iam.list_access_keys(user.user_name)
    active = tuple(key.access_key_id for key in keys if key.active)
    recorded = None
    if len(active) < len(keys) or not keys:
        recorded = _record(iam, user.user_name)
    deny = steps.PutUserPolicy(user.user_name, naming.SUSPENDED_POLICY, suspended_policy(active))
    off = tuple(steps.UpdateAccessKey(user.user_name, key, KeyStatus.INACTIVE) for key in active)
    if recorded is None:
        told = _note(user, reason) if reason else _forget(user)
        return Suspension(domain.name, (deny, *off, *told), reason=reason)
    noted = known(user.remembered.suspended)
    if noted is not None and reason is not None and reason.by is By.PERSON:
        reason = replace(reason, at=noted.at)  # it has been suspended since then
    elif noted is not None:
        reason = noted
    told = _note(user, reason) if reason and reason != noted else ()
    return Suspension(domain.name, (*off, *told), reason=reason)


def prepare_resume(iam: Iam, domain: SendingDomain, user: User | None = None) -> Suspension:
    """Plan the return: the recorded keys Active, then the Deny away, then the reason.

    Empty for a tenant that is not suspended.
    Raises SesTenantError `not_found`, `not_ours` and what AWS answers.
    """
    user = user or _user(iam, domain)
    recorded = _record(iam, user.user_name)
    reason = known(user.remembered.suspended)
    if recorded is None:
        return Suspension(domain.name, _forget(user), reason=reason)
    keys = iam.list_access_keys(user.user_name)
    name = user.user_name
    on = tuple(
        steps.UpdateAccessKey(name, key.access_key_id, KeyStatus.ACTIVE)
        for key in keys
        if key.access_key_id in recorded and not key.active
    )
    lift = steps.DeleteUserPolicy(name, naming.SUSPENDED_POLICY)
    return Suspension(domain.name, (*on, lift, *_forget(user)), reason=reason)


def targets(iam: Iam, domains: Iterable[SendingDomain] | None) -> list[Target]:
    """Return the tenants to work on: those named, or with None every one of the account."""
    if domains is not None:
        return [(domain, None) for domain in domains]
    return [(observed.domain, observed.user) for observed in observe_all(iam)[0]]


def plan_all(
    runtime: Runtime, prepare: Prepare, chosen: Sequence[Target], progress: Progress = unwatched
) -> list[Suspension]:
    """Return what would be done to each; `prepare` is prepare_suspend or prepare_resume."""
    return each_tenant(
        chosen,
        lambda target: prepare(runtime.iam, *target),
        failed=_failed,
        workers=runtime.workers,
        progress=progress,
    )


def carry_out_all(
    runtime: Runtime, prepare: Prepare, chosen: Sequence[Target], progress: Progress = unwatched
) -> list[Suspension]:
    """Plan for each tenant and carry that out at once, so that no site waits for the others."""

    def work(target: Target) -> Suspension:
        planned = prepare(runtime.iam, *target)
        try:
            apply(runtime, planned.plan)
        except SesTenantError as error:
            return replace(planned, error=error)
        return planned

    return each_tenant(chosen, work, failed=_failed, workers=runtime.workers, progress=progress)


def _failed(target: Target, error: SesTenantError) -> Suspension:
    return Suspension(target[0].name, error=error)


def _note(user: User, reason: Reason) -> steps.Plan:
    return (steps.TagUser(user.user_name, {naming.TAG_SUSPENDED: reason.to_tag()}),)


def _forget(user: User) -> steps.Plan:
    """Return the step that removes the reason of a suspension; none where there is none."""
    if naming.TAG_SUSPENDED not in user.tags:
        return ()
    return (steps.UntagUser(user.user_name, (naming.TAG_SUSPENDED,)),)


def _user(iam: Iam, domain: SendingDomain) -> User:
    user = iam.get_user(naming.user_name(domain))
    if user is None:
        raise no_tenant(iam, domain)
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
