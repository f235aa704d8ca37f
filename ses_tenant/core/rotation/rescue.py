"""What a person can decide about keys when the ordinary next step is not wanted or not possible."""

from dataclasses import replace

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import (
    PROBED_WITHIN,
    Action,
    Case,
    Decision,
    NextStep,
    deactivate,
    issue,
    refuse_in_flight,
    tidy,
)
from ses_tenant.core.rotation.keys import KeyState, Situation, note
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus


def rollback(case: Case) -> Decision:
    """Make the key that was deactivated last Active again, and let the grace time start anew."""
    tenant, situation, now = case.tenant, case.situation, case.at
    if situation.state() is not KeyState.RETIRING:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{tenant.domain} has no key to roll back to: none was deactivated by a rotation.",
            f"ses-tenant show {tenant.domain} lists its keys.",
        )
    old = next(key for key in situation.access_keys if not key.active)
    keep = situation.active[0]
    again = note(naming.TAG_DELIVERED, (keep.access_key_id, old.access_key_id), now)
    back = _back(case, old)
    return replace(
        back,
        # The grace time starts anew, so that cron does not deactivate it in the next run.
        plan=(steps.TagUser(tenant.user_name, again), *back.plan),
        next_step_at=case.grace_ends,
    )


def reactivate(case: Case) -> Decision:
    """Make one key Active, whatever the state; a person has decided."""
    tenant, situation, options = case.tenant, case.situation, case.options
    ids = {key.access_key_id: key for key in situation.access_keys}
    key = ids.get(options.reactivate or "")
    if key is None:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{tenant.domain} has no access key {options.reactivate}.",
            f"It has {', '.join(ids) or 'none'}.",
        )
    if key.active:
        return Decision(situation.state(), situation.state(), access_key_id=key.access_key_id)
    return replace(_back(case, key), next_step_at=case.grace_ends)


def _back(case: Case, key: AccessKey) -> Decision:
    situation, name = case.situation, case.tenant.user_name
    after = KeyState.OVERLAP if situation.active else KeyState.STEADY
    return Decision(
        situation.state(),
        after,
        Action.REACTIVATED,
        (
            *((steps.UntagUser(name, (naming.TAG_RETIRED,)),) if situation.retired else ()),
            steps.UpdateAccessKey(name, key.access_key_id, KeyStatus.ACTIVE),
        ),
        key.access_key_id,
        (NextStep.DEACTIVATE if situation.readable else NextStep.FINISH)
        if after is KeyState.OVERLAP
        else NextStep.ROTATE,
    )


def abort(case: Case) -> Decision:
    """Drop the key that was issued last, if it has reached nobody."""
    tenant, situation, options, now = case.tenant, case.situation, case.options, case.at
    state = situation.state()
    if state is KeyState.UNDELIVERED:
        refuse_in_flight(case)
    elif state is KeyState.STEADY and (left := tidy(case)):
        key = situation.active[0]  # an abort that was killed has dropped the other one
        return Decision(state, state, plan=left, access_key_id=key.access_key_id)
    elif state is not KeyState.OVERLAP:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{tenant.domain} is not in the middle of a rotation, so there is nothing to abort.",
            f"ses-tenant show {tenant.domain} lists its keys.",
        )
    new = _newest(situation)
    rest = tuple(key for key in situation.active if key is not new)
    why = ""
    if situation.held == new.access_key_id:
        why = "the destination holds it already"
    elif new.last_used_at and new.last_used_at > new.created_at + PROBED_WITHIN:
        why = f"it was used at {new.last_used_at:%Y-%m-%d %H:%M} UTC"
    if why and (not options.force or situation.held == new.access_key_id):
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{tenant.domain}: the new key {new.access_key_id} cannot be dropped: {why}.",
            f"To replace it as well: ses-tenant rotate-keys {tenant.domain} --compromised",
        )
    name = tenant.user_name
    tags = note(naming.TAG_DELIVERED, tuple(key.access_key_id for key in rest), now)
    return Decision(
        state,
        KeyState.STEADY if rest else KeyState.NO_KEY,
        Action.DELETED,
        (steps.DeleteAccessKey(name, new.access_key_id), steps.TagUser(name, tags)),
        new.access_key_id,
        NextStep.ROTATE,
        rest[-1].created_at + options.max_age if rest else now,
    )


def _newest(situation: Situation) -> AccessKey:
    """Return the key that was issued last.

    IAM counts in seconds, so two may be equally old; the orphan, the held one or the one noted as
    delivered is then the newer.
    """
    noted = situation.delivered.access_key_ids[:1] if situation.delivered else ()
    orphans = situation.orphans()
    return max(
        situation.active,
        key=lambda k: (
            k.created_at,
            k in orphans,
            k.access_key_id == situation.held,
            k.access_key_id in noted,
        ),
    )


def compromised(case: Case) -> Decision:
    """Issue and deliver a new key, and deactivate every older one in the same run."""
    situation, options, now = case.situation, case.options, case.at
    if situation.state() is KeyState.UNDELIVERED:
        refuse_in_flight(case)
    name = case.tenant.user_name
    keys = situation.access_keys
    drop: tuple[steps.Step, ...] = ()
    if len(keys) == 2:
        # IAM has no room for a third. The one that the site can best do without goes.
        victim = min(keys, key=lambda k: (k.active, k.access_key_id == situation.held))
        drop = (steps.DeleteAccessKey(name, victim.access_key_id),)
        keys = tuple(key for key in keys if key != victim)
    old = [key for key in keys if key.active]
    retire = tuple(step for key in old for step in deactivate(case, key))
    return Decision(
        situation.state(),
        KeyState.RETIRING if keys else KeyState.STEADY,
        Action.ISSUED,
        (*drop, *issue(replace(case, situation=replace(situation, access_keys=keys))), *retire),
        next_step=NextStep.DELETE if keys else NextStep.ROTATE,
        next_step_at=now + (options.quarantine if keys else options.max_age),
    )


def overfull(case: Case) -> SesTenantError:
    """Return the refusal to choose among more than two keys."""
    tenant, situation = case.tenant, case.situation
    ids = ", ".join(f"{key.access_key_id} ({key.status.value})" for key in situation.access_keys)
    return SesTenantError(
        ErrorCode.ACCESS_KEY_LIMIT,
        f"{tenant.domain} has more than two access keys: {ids}. The destination holds "
        f"{situation.held or 'none that can be read'}.",
        "Delete one that no site uses: aws iam delete-access-key --user-name "
        f"{tenant.user_name} --access-key-id KEY",
    )


def locked_out(case: Case) -> SesTenantError:
    """Return the refusal to choose among Inactive keys."""
    tenant, situation = case.tenant, case.situation
    ids = ", ".join(key.access_key_id for key in situation.access_keys)
    return SesTenantError(
        ErrorCode.NOT_FOUND,
        f"{tenant.domain} has no Active access key, so it cannot send. Inactive: {ids}.",
        f"To use one again: ses-tenant rotate-keys {tenant.domain} --reactivate "
        f"{situation.held or 'KEY'}. For a new one: ses-tenant rotate-keys {tenant.domain} "
        "--compromised",
    )


def confused(case: Case) -> SesTenantError:
    """Return the refusal to act while the destination holds a key that cannot be used."""
    tenant, situation = case.tenant, case.situation
    held = situation.held
    if situation.emptied():
        return SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{tenant.domain}: {tenant.destination} holds no access key, although one was "
            "delivered to it. It was removed, or it is on another machine or in another account.",
            "Run the command where the destination is. To deliver a new key to where it is looked "
            f"for now: ses-tenant rotate-keys {tenant.domain} --force",
        )
    inactive = any(key.access_key_id == held for key in situation.access_keys)
    hint = (
        f"ses-tenant rotate-keys {tenant.domain} --reactivate {held}"
        if inactive
        else f"For a new key beside the present ones: ses-tenant rotate-keys {tenant.domain} "
        "--force. To replace them all at once: --compromised"
    )
    return SesTenantError(
        ErrorCode.NOT_FOUND,
        f"{tenant.domain}: {tenant.destination} holds the access key {held}, which "
        f"{'is Inactive' if inactive else 'the IAM user does not have'}.",
        hint,
    )
