"""Rotation: from the situation of a tenant's keys to the one next move.

A run makes at most one irreversible move for a tenant, so cron can run it. The order that keeps a
site sending: issue, deliver, note, and only in a later run deactivate the old key, and only in a
still later one delete it.

What holds when two runs meet, on one machine or two:

- A key is never issued beside a foreign one: IAM allows two, so of two runs that see one key only
  one gets a second; and a run that issues where there was none looks again before it delivers.
- A key that another run is about to deliver is not taken for an orphan: that run has noted its
  process in a tag before it issues (`keys.issuing`), and the note protects it for `keys.LEASE`,
  unless the process is known to be dead. A key that reached any destination is not an orphan.
- The key that the destination holds is never chosen for deactivation or deletion; after a
  deactivation the destination is read once more, and the key reactivated if it is there after all.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from ses_tenant.core import naming, steps
from ses_tenant.core.errors import ErrorCode, SesTenantError, Warning_
from ses_tenant.core.keys import KeyState, Process, Situation, issuing, note
from ses_tenant.core.tenant import AccessKey, KeyStatus


class Mode(StrEnum):
    """What `rotate-keys` was asked to do, other than the next step."""

    NEXT = "next"
    FINISH = "finish"
    ABORT = "abort"
    ROLLBACK = "rollback"
    COMPROMISED = "compromised"
    REACTIVATE = "reactivate"


class Action(StrEnum):
    """What a run does to a tenant's keys: `action` in JSON."""

    NONE = "none"
    ISSUED = "issued"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    REACTIVATED = "reactivated"
    FAILED = "failed"


class NextStep(StrEnum):
    """What comes next: `next_step` in JSON."""

    ROTATE = "rotate"
    FINISH = "finish"
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    RESUME = "resume"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class RotationOptions:
    """The options of `rotate-keys`. `named`: the tenant was named, so it is due at any age."""

    named: bool
    max_age: timedelta = timedelta(days=90)
    grace: timedelta = timedelta(hours=24)
    quarantine: timedelta = timedelta(days=7)
    mode: Mode = Mode.NEXT
    reactivate: str | None = None
    force: bool = False


@dataclass(frozen=True)
class Tenant:
    """The tenant whose keys are rotated, as far as steps need it."""

    domain: str
    user_name: str
    destination: str


@dataclass(frozen=True)
class Decision:
    """The next move: its plan, and what the tenant is found in and comes to."""

    found: KeyState
    state: KeyState
    action: Action = Action.NONE
    plan: steps.Plan = ()
    access_key_id: str | None = None
    next_step: NextStep | None = None
    next_step_at: datetime | None = None
    warnings: tuple[Warning_, ...] = ()


def decide(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime, me: Process
) -> Decision:
    """Return the next move for a tenant. Total: every situation has one, or a reason against it.

    Raises SesTenantError where only a person can decide, and names the command for it.
    """
    state = situation.state()
    if state is KeyState.SUSPENDED:
        return _suspended(tenant, options)
    if state is KeyState.OVERFULL:
        raise _overfull(tenant, situation)
    match options.mode:
        case Mode.REACTIVATE:
            return _reactivate(tenant, situation, options, now)
        case Mode.COMPROMISED:
            return _compromised(tenant, situation, options, now, me)
        case Mode.ROLLBACK:
            return _rollback(tenant, situation, options, now)
        case Mode.ABORT:
            return _abort(tenant, situation, options, now)
        case Mode.NEXT | Mode.FINISH:
            return _next(tenant, situation, options, now, me)
        case _:
            assert_never(options.mode)


def issue(
    tenant: Tenant, situation: Situation, now: datetime, me: Process
) -> tuple[steps.Step, ...]:
    """Return the steps that issue a key and deliver it: announce, create, deliver, note."""
    name = tenant.user_name
    announce = (steps.TagUser(name, issuing(situation, me, now)),) if situation.readable else ()
    return (
        *announce,
        steps.CreateAccessKey(name),
        steps.Deliver(name, tenant.destination),
        steps.MarkDelivered(name),
    )


def _next(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime, me: Process
) -> Decision:
    state = situation.state()
    match state:
        case KeyState.NO_KEY:
            return _issued(tenant, situation, (), options, now, me)
        case KeyState.STEADY:
            return _steady(tenant, situation, options, now, me)
        case KeyState.UNDELIVERED:
            orphan = situation.orphans()[0]
            refuse_in_flight(tenant.domain, situation, now)
            drop = (
                steps.DeleteAccessKey(tenant.user_name, orphan.access_key_id, undelivered=True),
            )
            rest = _without(situation, orphan)
            if rest.state() is KeyState.STEADY and not _due(rest, options, now):
                after = _steady(tenant, rest, options, now, me)
                return replace(
                    after, found=state, action=Action.DELETED, plan=drop,
                    access_key_id=orphan.access_key_id,
                )  # fmt: skip
            return _issued(tenant, situation, drop, options, now, me)
        case KeyState.OVERLAP:
            return _overlap(tenant, situation, options, now)
        case KeyState.RETIRING:
            return _retiring(tenant, situation, options, now)
        case KeyState.CONFUSED if options.force and len(situation.access_keys) < 2:
            return _issued(tenant, situation, (), options, now, me)
        case KeyState.CONFUSED:
            raise _confused(tenant, situation)
        case KeyState.LOCKED_OUT:
            raise _locked_out(tenant, situation)
        case KeyState.SUSPENDED | KeyState.OVERFULL:
            raise AssertionError(state)
        case _:
            assert_never(state)


def refuse_in_flight(domain: str, situation: Situation, now: datetime) -> None:
    """Raise `partial_failure` while another run may be about to deliver a key."""
    if situation.in_flight(now):
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{domain}: a key has been issued that its destination does not hold yet. Another run "
            "may be about to deliver it.",
            "Run the same command again in 15 minutes; by then that run is over.",
        )


def _suspended(tenant: Tenant, options: RotationOptions) -> Decision:
    if options.mode not in (Mode.NEXT, Mode.FINISH):
        raise SesTenantError(
            ErrorCode.SUSPENDED,
            f"{tenant.domain} is suspended: all its keys are Inactive and stay so.",
            f"First: ses-tenant resume {tenant.domain}",
        )
    return Decision(
        KeyState.SUSPENDED,
        KeyState.SUSPENDED,
        next_step=NextStep.RESUME,
        warnings=(Warning_("suspended", f"{tenant.domain} is suspended and stays so."),),
    )


def _steady(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime, me: Process
) -> Decision:
    key = situation.active[0]
    if options.mode is Mode.NEXT and _due(situation, options, now):
        return _issued(tenant, situation, (), options, now, me)
    return Decision(
        KeyState.STEADY,
        KeyState.STEADY,
        access_key_id=key.access_key_id,
        next_step=NextStep.ROTATE,
        next_step_at=key.created_at + options.max_age,
    )


def _due(situation: Situation, options: RotationOptions, now: datetime) -> bool:
    empty = situation.readable and situation.held is None
    key = situation.active[0]
    return options.named or empty or now - key.created_at >= options.max_age


def _issued(
    tenant: Tenant,
    situation: Situation,
    before: tuple[steps.Step, ...],
    options: RotationOptions,
    now: datetime,
    me: Process,
) -> Decision:
    dropped = {s.access_key_id for s in before if isinstance(s, steps.DeleteAccessKey)}
    overlap = any(key.access_key_id not in dropped for key in situation.active)
    plan = (*before, *issue(tenant, situation, now, me))
    found = situation.state()
    if not overlap:
        return Decision(
            found, KeyState.STEADY, Action.ISSUED, plan,
            next_step=NextStep.ROTATE, next_step_at=now + options.max_age,
        )  # fmt: skip
    return Decision(
        found,
        KeyState.OVERLAP,
        Action.ISSUED,
        plan,
        next_step=NextStep.DEACTIVATE if situation.readable else NextStep.FINISH,
        next_step_at=now + options.grace if situation.readable else None,
    )


def _overlap(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime
) -> Decision:
    """Deactivate the old key once the site has had its grace time and has left the key alone."""
    keep, old = _keep_and_old(situation)
    delivered = situation.delivered
    name = tenant.user_name
    plan: tuple[steps.Step, ...] = ()
    since = now
    if delivered and not delivered.issuer and delivered.access_key_ids == (keep.access_key_id,):
        since = delivered.at
    else:
        tag = note(naming.TAG_DELIVERED, (keep.access_key_id,), now)
        plan = (steps.TagUser(name, tag),)
    wait = Decision(
        KeyState.OVERLAP,
        KeyState.OVERLAP,
        plan=plan,
        access_key_id=keep.access_key_id,
        next_step=NextStep.DEACTIVATE,
        next_step_at=since + options.grace,
    )
    finish = options.mode is Mode.FINISH
    known = situation.readable and situation.held is not None
    if not finish and not known:
        # Nobody can tell which key the site uses; only the operator can.
        return replace(wait, next_step=NextStep.FINISH, next_step_at=None)
    if not finish and now < since + options.grace:
        return wait
    warnings: tuple[Warning_, ...] = ()
    if old.last_used_at is not None and now - old.last_used_at < options.grace:
        quiet_at = old.last_used_at + options.grace
        used = Warning_(
            "old_key_in_use",
            f"{tenant.domain}: the old key {old.access_key_id} was used at "
            f"{old.last_used_at:%Y-%m-%d %H:%M} UTC, within the grace time of {options.grace}: "
            "something still sends with it.",
        )
        if not options.force and finish:
            raise SesTenantError(
                ErrorCode.PARTIAL_FAILURE,
                used.message,
                "Give that site the new key, or wait; --force deactivates the old one anyway.",
            )
        if not options.force:
            return replace(wait, next_step_at=quiet_at, warnings=(used,))
        warnings = (used,)
    return Decision(
        KeyState.OVERLAP,
        KeyState.RETIRING,
        Action.DEACTIVATED,
        (*plan, *_deactivate(name, old, now)),
        old.access_key_id,
        NextStep.DELETE,
        now + options.quarantine,
        warnings,
    )


def _deactivate(name: str, key: AccessKey, now: datetime) -> tuple[steps.Step, ...]:
    # The note first: a crash between the two leaves a note too many, never a key forgotten.
    return (
        steps.TagUser(name, note(naming.TAG_RETIRED, (key.access_key_id,), now)),
        steps.UpdateAccessKey(name, key.access_key_id, KeyStatus.INACTIVE),
    )


def _retiring(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime
) -> Decision:
    """Delete the Inactive key once its quarantine is over."""
    keep = situation.active[0]
    old = next(key for key in situation.access_keys if not key.active)
    retired = situation.retired
    name = tenant.user_name
    plan: tuple[steps.Step, ...] = ()
    since = now
    if retired and old.access_key_id in retired.access_key_ids:
        since = retired.at
    else:
        plan = (steps.TagUser(name, note(naming.TAG_RETIRED, (old.access_key_id,), now)),)
    if now < since + options.quarantine:
        return Decision(
            KeyState.RETIRING, KeyState.RETIRING, plan=plan, access_key_id=keep.access_key_id,
            next_step=NextStep.DELETE, next_step_at=since + options.quarantine,
        )  # fmt: skip
    return Decision(
        KeyState.RETIRING,
        KeyState.STEADY,
        Action.DELETED,
        (
            steps.DeleteAccessKey(name, old.access_key_id),
            steps.UntagUser(name, (naming.TAG_RETIRED,)),
        ),
        old.access_key_id,
        NextStep.ROTATE,
        keep.created_at + options.max_age,
    )


def _rollback(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime
) -> Decision:
    if situation.state() is not KeyState.RETIRING:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{tenant.domain} has no key to roll back to: none was deactivated by a rotation.",
            f"ses-tenant show {tenant.domain} lists its keys.",
        )
    old = next(key for key in situation.access_keys if not key.active)
    keep = situation.active[0]
    again = note(naming.TAG_DELIVERED, (keep.access_key_id,), now)
    back = _back(tenant, situation, old)
    return replace(
        back,
        # The grace time starts anew, so that cron does not deactivate it in the next run.
        plan=(steps.TagUser(tenant.user_name, again), *back.plan),
        next_step_at=now + options.grace,
    )


def _reactivate(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime
) -> Decision:
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
    back = _back(tenant, situation, key)
    return replace(back, next_step_at=now + options.grace)


def _back(tenant: Tenant, situation: Situation, key: AccessKey) -> Decision:
    name = tenant.user_name
    after = KeyState.OVERLAP if situation.active else KeyState.STEADY
    return Decision(
        situation.state(),
        after,
        Action.REACTIVATED,
        (
            steps.UpdateAccessKey(name, key.access_key_id, KeyStatus.ACTIVE),
            *((steps.UntagUser(name, (naming.TAG_RETIRED,)),) if situation.retired else ()),
        ),
        key.access_key_id,
        NextStep.DEACTIVATE if after is KeyState.OVERLAP else NextStep.ROTATE,
    )


def _abort(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime
) -> Decision:
    """Drop the key that was issued last, if it has reached nobody."""
    state = situation.state()
    if state is KeyState.UNDELIVERED:
        refuse_in_flight(tenant.domain, situation, now)
    elif state is not KeyState.OVERLAP:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{tenant.domain} is not in the middle of a rotation, so there is nothing to abort.",
            f"ses-tenant show {tenant.domain} lists its keys.",
        )
    new, rest = situation.active[-1], situation.active[:-1]
    why = ""
    if situation.held == new.access_key_id:
        why = "the destination holds it already"
    elif new.last_used_at is not None:
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


def _compromised(
    tenant: Tenant, situation: Situation, options: RotationOptions, now: datetime, me: Process
) -> Decision:
    """Issue and deliver a new key, and deactivate every older one in the same run."""
    if situation.state() is KeyState.UNDELIVERED:
        refuse_in_flight(tenant.domain, situation, now)
    name = tenant.user_name
    keys = situation.access_keys
    drop: tuple[steps.Step, ...] = ()
    if len(keys) == 2:
        # IAM has no room for a third. The one that the site can best do without goes.
        victim = min(keys, key=lambda k: (k.active, k.access_key_id == situation.held))
        drop = (steps.DeleteAccessKey(name, victim.access_key_id),)
        keys = tuple(key for key in keys if key != victim)
    old = [key for key in keys if key.active]
    retire = tuple(step for key in old for step in _deactivate(name, key, now))
    return Decision(
        situation.state(),
        KeyState.RETIRING if keys else KeyState.STEADY,
        Action.ISSUED,
        (*drop, *issue(tenant, situation, now, me), *retire),
        next_step=NextStep.DELETE if keys else NextStep.ROTATE,
        next_step_at=now + (options.quarantine if keys else options.max_age),
    )


def _keep_and_old(situation: Situation) -> tuple[AccessKey, AccessKey]:
    """Return, of two Active keys, the one to keep and the one to retire.

    Kept is what the destination holds; where that cannot be read, what was noted as delivered;
    without a note the newer.
    """
    older, newer = situation.active
    noted = situation.delivered.access_key_ids if situation.delivered else ()
    keep = newer
    if situation.held == older.access_key_id or (
        situation.held is None and noted == (older.access_key_id,)
    ):
        keep = older
    return keep, older if keep is newer else newer


def _without(situation: Situation, key: AccessKey) -> Situation:
    return replace(situation, access_keys=tuple(k for k in situation.access_keys if k is not key))


def _overfull(tenant: Tenant, situation: Situation) -> SesTenantError:
    ids = ", ".join(f"{key.access_key_id} ({key.status.value})" for key in situation.access_keys)
    return SesTenantError(
        ErrorCode.ACCESS_KEY_LIMIT,
        f"{tenant.domain} has more than two access keys: {ids}. The destination holds "
        f"{situation.held or 'none that can be read'}.",
        "Delete one that no site uses: aws iam delete-access-key --user-name "
        f"{tenant.user_name} --access-key-id KEY",
    )


def _locked_out(tenant: Tenant, situation: Situation) -> SesTenantError:
    ids = ", ".join(key.access_key_id for key in situation.access_keys)
    return SesTenantError(
        ErrorCode.NOT_FOUND,
        f"{tenant.domain} has no Active access key, so it cannot send. Inactive: {ids}.",
        f"To use one again: ses-tenant rotate-keys {tenant.domain} --reactivate "
        f"{situation.held or 'KEY'}. For a new one: ses-tenant rotate-keys {tenant.domain} "
        "--compromised",
    )


def _confused(tenant: Tenant, situation: Situation) -> SesTenantError:
    held = situation.held
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
