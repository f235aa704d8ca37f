"""Read the situation of a tenant's keys."""

import os
from dataclasses import replace

from ses_tenant.core.rotation.decision import PROBED_WITHIN
from ses_tenant.core.rotation.keys import KeyState, Situation
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.observed import AccessKey, Observed
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.runtime import Runtime


def read_situation(
    runtime: Runtime, observed: Observed | None, destination: Destination
) -> Situation:
    """Return the situation: one read of the destination, and of last use only where it decides.

    `observed` holds keys that were listed before this call. The destination is read after them
    and the notes, where they matter, last: a run that has issued a key has announced it before,
    so whoever sees the key sees the announcement too.
    """
    if observed is None:
        return Situation((), destination.readable, None, call=destination.call)
    readable = destination.readable
    situation = _with_notes(
        Situation(
            access_keys=observed.access_keys,
            readable=readable,
            held=destination.held_key() if readable else None,
            suspended=observed.suspended,
            call=destination.call,
        ),
        observed,
        runtime.process,
    )
    # What the destination holds is in use; of all others it is asked when they were used last.
    alone = len(situation.active) == 1
    asked = situation.unheld if readable else () if alone else situation.active
    if not asked:
        return situation
    used = {key.access_key_id: _with_use(runtime, key) for key in asked}
    situation = replace(
        situation,
        access_keys=tuple(used.get(key.access_key_id, key) for key in observed.access_keys),
    )
    if situation.state() is KeyState.UNDELIVERED:
        user = runtime.iam.get_user(observed.user.user_name)
        if user is not None:
            situation = _with_notes(situation, replace(observed, user=user), runtime.process)
    return situation


def _with_use(runtime: Runtime, key: AccessKey) -> AccessKey:
    """Return the key with its last use, and whether that was no more than its own probe.

    The probe of a new key is sts:GetCallerIdentity, right after it is delivered; no site asks STS.
    """
    at = runtime.iam.access_key_last_used(key.access_key_id)
    probed = (
        at is not None
        and at <= key.created_at + PROBED_WITHIN
        and runtime.iam.access_key_last_service(key.access_key_id) == "sts"
    )
    return replace(key, last_used_at=at, probed=probed)


def _with_notes(situation: Situation, observed: Observed, process: Process) -> Situation:
    tags = observed.user.remembered
    delivered = known(tags.delivered)
    return replace(
        situation,
        delivered=delivered,
        retired=known(tags.retired),
        issuer_alive=delivered is None or _alive(delivered.issuer, process),
    )


def _alive(issuer: Process | None, process: Process) -> bool:
    """Tell whether a process may still run; of another host's nothing is known."""
    if issuer is None or issuer.host != process.host:
        return True
    try:
        os.kill(issuer.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
