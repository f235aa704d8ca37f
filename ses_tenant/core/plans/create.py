"""The plan of `create`: a new tenant, or one that has drifted, and its first key."""

from dataclasses import replace
from datetime import datetime

from ses_tenant.core.plans.repair import plan_repair, put_sending_policy
from ses_tenant.core.rotation.decision import Case, Tenant, issue, refuse_in_flight
from ses_tenant.core.rotation.keys import KeyState, Situation, note
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.notes import Note, Process
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.policy import suspended_policy
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.core.tenant.tags import known


def plan_create(
    spec: TenantSpec,
    observed: Observed | None,
    situation: Situation,
    now: datetime,
    process: Process,
) -> steps.Plan:
    """Return the steps that make the tenant as `spec` says; empty if it is so already.

    A key is issued only to a tenant that has none which reached anybody, and never to a suspended
    one. Raises SesTenantError `not_ours` for an IAM user that is not this tenant.
    """
    name = spec.user_name
    tenant = Tenant(spec.domain.name, name, spec.destination)
    moved = moved_note(spec, observed, now)
    if moved is not None:
        # The new destination is empty, and the keys are out all the same: none is an orphan.
        situation = replace(situation, delivered=moved)
    keys = _plan_key(spec, Case(tenant, situation, now, process))
    if observed is None:
        # The note that a key is being issued goes with the user, in the same call.
        announced = {k: v for s in keys if isinstance(s, steps.TagUser) for k, v in s.tags.items()}
        create = steps.CreateUser(
            name, naming.user_path(spec.domain), {**spec.tags, **announced},
            spec.permissions_boundary,
        )  # fmt: skip
        return (
            create,
            put_sending_policy(spec),
            *(s for s in keys if not isinstance(s, steps.TagUser)),
        )
    noted = {naming.TAG_DELIVERED: moved.to_tag()} if moved else {}
    return (*plan_repair(spec, observed, noted), *keys)


def plan_create_suspended(spec: TenantSpec) -> steps.Plan:
    """Return the steps that make a tenant that is suspended from the start, without a key."""
    name = spec.user_name
    return (
        steps.CreateUser(name, naming.user_path(spec.domain), spec.tags, spec.permissions_boundary),
        put_sending_policy(spec),
        steps.PutUserPolicy(name, naming.SUSPENDED_POLICY, suspended_policy(())),
    )


def _plan_key(spec: TenantSpec, case: Case) -> steps.Plan:
    """Return the steps that give a tenant its first key, or finish a run that crashed at it."""
    situation, now = case.situation, case.at
    state = situation.state()
    orphans = situation.orphans()
    if state is KeyState.UNDELIVERED:
        drop = tuple(
            steps.DeleteAccessKey(spec.user_name, key.access_key_id, undelivered=True)
            for key in orphans
        )
        if len(orphans) == len(situation.access_keys):
            refuse_in_flight(case)
            return (*drop, *issue(case))
        return () if situation.in_flight(now) else drop
    if state is KeyState.NO_KEY:
        new = issue(case)
        # Nothing is noted of a key that is printed: it costs a call and could not be proven.
        printed = spec.destination == STDOUT
        return tuple(s for s in new if not (printed and isinstance(s, steps.MarkDelivered)))
    noted = situation.delivered
    if state is KeyState.STEADY and situation.held is not None and (noted is None or noted.issuer):
        tag = note(naming.TAG_DELIVERED, (situation.held,), now)
        return (steps.TagUser(spec.user_name, tag),)
    return ()


def moved_note(
    spec: TenantSpec, observed: Observed | None, now: datetime, otherwise: str | None = None
) -> Note | None:
    """Return the note that the keys were delivered elsewhere, if the destination changes.

    `otherwise` is where they were delivered if no tag says.
    """
    if observed is None or not observed.access_keys:
        return None
    tags = observed.user.remembered
    before = otherwise if tags.destination is None else tags.destination
    if before is None or before == spec.destination:
        return None
    noted = known(tags.delivered)
    first = noted.access_key_ids[:1] if noted else ()
    # The one delivered last stands first, as in every such note.
    ids = [key.access_key_id for key in reversed(observed.access_keys)]
    ids.sort(key=lambda key: key not in first)
    return Note(tuple(ids), now, elsewhere=True)
