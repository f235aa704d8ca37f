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

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.rotation import rescue
from ses_tenant.core.rotation.decision import (
    SHORTEST_GRACE,
    Action,
    Case,
    Decision,
    Mode,
    NextStep,
    deactivate,
    issue,
    refuse_in_flight,
    tidy,
    used_by_a_site,
)
from ses_tenant.core.rotation.keys import KeyState, Situation, note
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import AccessKey


def decide(case: Case) -> Decision:
    """Return the next move for a tenant. Total: every situation has one, or a reason against it.

    Raises SesTenantError where only a person can decide, and names the command for it.
    """
    state, mode = case.situation.state(), case.options.mode
    if state is KeyState.SUSPENDED:
        return _suspended(case)
    if state is KeyState.OVERFULL:
        raise rescue.overfull(case)
    match mode:
        case Mode.REACTIVATE:
            return rescue.reactivate(case)
        case Mode.COMPROMISED:
            return rescue.compromised(case)
        case Mode.ROLLBACK:
            return rescue.rollback(case)
        case Mode.ABORT:
            return rescue.abort(case)
        case Mode.NEXT | Mode.FINISH:
            return _next(case)
        case _:
            assert_never(mode)


def _next(case: Case) -> Decision:  # noqa: C901 - a case for each state
    situation, options = case.situation, case.options
    state = situation.state()
    match state:
        case KeyState.NO_KEY:
            return _issued(case)
        case KeyState.STEADY:
            return _steady(case)
        case KeyState.UNDELIVERED:
            orphan = situation.orphans()[0]
            refuse_in_flight(case)
            name = case.tenant.user_name
            drop = (steps.DeleteAccessKey(name, orphan.access_key_id, undelivered=True),)
            rest = _without(situation, orphan)
            without = replace(case, situation=rest)
            if rest.state() is KeyState.STEADY and not _due(without):
                after = _steady(without)
                return replace(
                    after, found=state, action=Action.DELETED, plan=(*drop, *after.plan),
                    access_key_id=orphan.access_key_id,
                )  # fmt: skip
            if rest.state() is KeyState.CONFUSED and not options.force:
                return Decision(
                    state, KeyState.CONFUSED, Action.DELETED, drop, orphan.access_key_id,
                    NextStep.RESOLVE,
                )  # fmt: skip
            return _issued(case, drop)
        case KeyState.OVERLAP:
            return _overlap(case)
        case KeyState.RETIRING:
            return _retiring(case)
        case KeyState.CONFUSED if options.force and len(situation.access_keys) < 2:
            return _issued(case)
        case KeyState.CONFUSED:
            raise rescue.confused(case)
        case KeyState.LOCKED_OUT:
            raise rescue.locked_out(case)
        case KeyState.SUSPENDED | KeyState.OVERFULL:
            raise AssertionError(state)
        case _:
            assert_never(state)


def _suspended(case: Case) -> Decision:
    tenant = case.tenant
    if case.options.mode not in (Mode.NEXT, Mode.FINISH):
        raise SesTenantError(
            ErrorCode.SUSPENDED,
            f"{tenant.domain} is suspended: all its keys are Inactive and stay so.",
            f"First: ses-tenant resume {tenant.domain}",
        )
    return Decision(
        KeyState.SUSPENDED,
        KeyState.SUSPENDED,
        next_step=NextStep.RESUME,
        warnings=(Notice("suspended", f"{tenant.domain} is suspended and stays so."),),
    )


def _steady(case: Case) -> Decision:
    key = case.situation.active[0]
    if case.options.mode is Mode.NEXT and _due(case):
        return _issued(case)
    return Decision(
        KeyState.STEADY,
        KeyState.STEADY,
        plan=tidy(case),
        access_key_id=key.access_key_id,
        next_step=NextStep.ROTATE,
        next_step_at=key.created_at + case.options.max_age,
    )


def _due(case: Case) -> bool:
    situation, options = case.situation, case.options
    empty = situation.readable and situation.held is None
    key = situation.active[0]
    return options.named or empty or case.at - key.created_at >= options.max_age


def _issued(case: Case, before: tuple[steps.Step, ...] = ()) -> Decision:
    situation = case.situation
    dropped = {s.access_key_id for s in before if isinstance(s, steps.DeleteAccessKey)}
    overlap = any(key.access_key_id not in dropped for key in situation.active)
    plan = (*before, *issue(case))
    found = situation.state()
    if not overlap:
        return Decision(
            found, KeyState.STEADY, Action.ISSUED, plan,
            next_step=NextStep.ROTATE, next_step_at=case.at + case.options.max_age,
        )  # fmt: skip
    return Decision(
        found,
        KeyState.OVERLAP,
        Action.ISSUED,
        plan,
        next_step=NextStep.DEACTIVATE if situation.readable else NextStep.FINISH,
        next_step_at=case.grace_ends,
        warnings=_short_grace(case),
    )


def _delivered_since(
    case: Case, keep: AccessKey, old: AccessKey
) -> tuple[datetime, tuple[steps.Step, ...]]:
    """Return since when the key to keep is delivered, and the note to write where none says so."""
    delivered = case.situation.delivered
    if delivered and not delivered.issuer and delivered.access_key_ids[:1] == (keep.access_key_id,):
        return delivered.at, ()
    tag = note(naming.TAG_DELIVERED, (keep.access_key_id, old.access_key_id), case.at)
    return case.at, (steps.TagUser(case.tenant.user_name, tag),)


def _overlap(case: Case) -> Decision:
    """Deactivate the old key once the site has had its grace time and has left the key alone."""
    tenant, situation, options, now = case.tenant, case.situation, case.options, case.at
    keep, old = _keep_and_old(situation)
    since, plan = _delivered_since(case, keep, old)
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
    warnings = _short_grace(case)
    used_at = old.last_used_at if used_by_a_site(old) else None
    if warnings and not options.force and used_at and used_at > since and not _moved(keep, used_at):
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{tenant.domain}: the old key {old.access_key_id} was used at "
            f"{used_at:%Y-%m-%d %H:%M} UTC, after the new one was delivered, and nothing tells "
            "that the site has changed.",
            "Wait with a longer --grace, or add --force to deactivate the old key anyway.",
        )
    if used_at is not None and now - used_at < options.grace:
        quiet_at = used_at + options.grace
        used = Notice(
            "old_key_in_use",
            f"{tenant.domain}: the old key {old.access_key_id} was used at "
            f"{used_at:%Y-%m-%d %H:%M} UTC, within the grace time of {options.grace}: "
            "something still sends with it.",
        )
        if not options.force and finish:
            raise SesTenantError(
                ErrorCode.PARTIAL_FAILURE,
                used.message,
                "Give that site the new key, or wait; --force deactivates the old one anyway.",
            )
        if not options.force:
            return replace(wait, next_step_at=quiet_at, warnings=(used, *warnings))
        warnings = (used, *warnings)
    return Decision(
        KeyState.OVERLAP,
        KeyState.RETIRING,
        Action.DEACTIVATED,
        (*plan, *deactivate(case, old)),
        old.access_key_id,
        NextStep.DELETE,
        now + options.quarantine,
        warnings,
    )


def _short_grace(case: Case) -> tuple[Notice, ...]:
    """Warn of a grace time in which no use of the old key can show."""
    if case.options.grace >= SHORTEST_GRACE:
        return ()
    told = (
        f"{case.tenant.domain}: with a grace time of {case.options.grace} nothing waits until the "
        "old key is no longer used: IAM shows a use only after minutes."
    )
    return (Notice("short_grace", told),)


def _moved(new: AccessKey, old_used_at: datetime) -> bool:
    """Tell whether the site has sent with its new key since it last did with the old one."""
    at = new.last_used_at
    return at is not None and used_by_a_site(new) and at >= old_used_at


def _retiring(case: Case) -> Decision:
    """Delete the Inactive key once its quarantine is over."""
    situation, options, now = case.situation, case.options, case.at
    keep = situation.active[0]
    old = next(key for key in situation.access_keys if not key.active)
    retired = situation.retired
    name = case.tenant.user_name
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
            steps.TagUser(name, note(naming.TAG_DELIVERED, (keep.access_key_id,), now)),
            steps.UntagUser(name, (naming.TAG_RETIRED,)),
        ),
        old.access_key_id,
        NextStep.ROTATE,
        keep.created_at + options.max_age,
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
        situation.held is None and noted[:1] == (older.access_key_id,)
    ):
        keep = older
    return keep, older if keep is newer else newer


def _without(situation: Situation, key: AccessKey) -> Situation:
    return replace(situation, access_keys=tuple(k for k in situation.access_keys if k is not key))
