"""Plans: pure functions from (what is wanted, what is there) to a tuple of steps.

They are total and they settle: carry out what they return, observe again, and the next plan is
empty. From that follow dry runs, second runs that change nothing, and runs that finish what a
crashed one began.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from ses_tenant.core import naming, steps
from ses_tenant.core.decision import Tenant, issue, refuse_in_flight
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.keys import KeyState, Note, Process, Situation, note
from ses_tenant.core.policy import sending_policy, suspended_policy
from ses_tenant.core.tenant import STDOUT, Attachments, Observed, TenantSpec, require_ours

_OURS = (
    naming.TAG_REGIONS,
    naming.TAG_SENDING,
    naming.TAG_DESTINATION,
    naming.TAG_FORMAT,
    naming.TAG_READ_BACK,
)


def plan_create(
    spec: TenantSpec,
    observed: Observed | None,
    situation: Situation,
    now: datetime,
    me: Process,
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
    keys = _plan_key(spec, tenant, situation, now, me)
    if observed is None:
        # The note that a key is being issued goes with the user, in the same call.
        announced = {k: v for s in keys if isinstance(s, steps.TagUser) for k, v in s.tags.items()}
        create = steps.CreateUser(
            name, naming.user_path(spec.domain), {**spec.tags, **announced},
            spec.permissions_boundary,
        )  # fmt: skip
        return (create, _policy(spec), *(s for s in keys if not isinstance(s, steps.TagUser)))
    noted = {naming.TAG_DELIVERED: moved.to_tag()} if moved else {}
    return (*plan_repair(spec, observed, noted), *keys)


def plan_repair(
    spec: TenantSpec, observed: Observed, more_tags: Mapping[str, str] = MappingProxyType({})
) -> steps.Plan:
    """Return the steps that put right all but the keys; `more_tags` are set as well.

    Raises SesTenantError `not_ours`.
    """
    require_ours(observed.user, spec.domain)
    repair = repair_user(spec, observed, more_tags)
    policy = _policy(spec)
    return repair if observed.sending_policy == policy.document else (*repair, policy)


def plan_create_suspended(spec: TenantSpec) -> steps.Plan:
    """Return the steps that make a tenant that is suspended from the start, without a key."""
    name = spec.user_name
    return (
        steps.CreateUser(name, naming.user_path(spec.domain), spec.tags, spec.permissions_boundary),
        _policy(spec),
        steps.PutUserPolicy(name, naming.SUSPENDED_POLICY, suspended_policy(())),
    )


def _policy(spec: TenantSpec) -> steps.PutUserPolicy:
    return steps.PutUserPolicy(spec.user_name, naming.SENDING_POLICY, sending_policy(spec))


def _plan_key(
    spec: TenantSpec, tenant: Tenant, situation: Situation, now: datetime, me: Process
) -> steps.Plan:
    """Return the steps that give a tenant its first key, or finish a run that crashed at it."""
    state = situation.state()
    orphans = situation.orphans()
    if state is KeyState.UNDELIVERED:
        drop = tuple(
            steps.DeleteAccessKey(spec.user_name, key.access_key_id, undelivered=True)
            for key in orphans
        )
        if len(orphans) == len(situation.access_keys):
            refuse_in_flight(spec.domain.name, situation, now)
            return (*drop, *issue(tenant, situation, now, me))
        return () if situation.in_flight(now) else drop
    if state is KeyState.NO_KEY:
        new = issue(tenant, situation, now, me)
        # Nothing is noted of a key that is printed: it costs a call and could not be proven.
        printed = spec.destination == STDOUT
        return tuple(s for s in new if not (printed and isinstance(s, steps.MarkDelivered)))
    noted = situation.delivered
    if state is KeyState.STEADY and situation.held is not None and (noted is None or noted.issuer):
        tag = note(naming.TAG_DELIVERED, (situation.held,), now)
        return (steps.TagUser(spec.user_name, tag),)
    return ()


def moved_note(spec: TenantSpec, observed: Observed | None, now: datetime) -> Note | None:
    """Return the note that the keys were delivered elsewhere, if the destination changes."""
    if observed is None or not observed.access_keys:
        return None
    before = naming.untag_text(naming.TAG_DESTINATION, observed.user.tags)
    if before is None or before == spec.destination:
        return None
    noted = Note.from_tags(naming.TAG_DELIVERED, observed.user.tags)
    first = noted.access_key_ids[:1] if noted else ()
    # The one delivered last stands first, as in every such note.
    ids = [key.access_key_id for key in reversed(observed.access_keys)]
    ids.sort(key=lambda key: key not in first)
    return Note(tuple(ids), now, elsewhere=True)


def drift(spec: TenantSpec, observed: Observed) -> tuple[str, ...]:
    """Return, a line each, what differs from `spec` and what should not be on a tenant at all."""
    found = [f"would {step.summary}" for step in repair_user(spec, observed, {})]
    if observed.sending_policy is None:
        found.append(f"the inline policy {naming.SENDING_POLICY} is missing")
    elif observed.sending_policy != sending_policy(spec):
        found.append(f"the inline policy {naming.SENDING_POLICY} is not as ses-tenant writes it")
    ours = {naming.SENDING_POLICY, naming.SUSPENDED_POLICY}
    found += [f"foreign inline policy {n}" for n in observed.inline_policies if n not in ours]
    extra = observed.attachments or Attachments()
    found += [f"attached managed policy {arn}" for arn in extra.managed_policies]
    found += [f"member of the group {group}" for group in extra.groups]
    found += ["has a console password"] if extra.login_profile else []
    found += [f"MFA device {serial}" for serial in extra.mfa_devices]
    found += [f"SSH public key {key}" for key in extra.ssh_keys]
    found += [f"signing certificate {certificate}" for certificate in extra.certificates]
    found += [f"service-specific credential {c}" for c in extra.service_credentials]
    return tuple(found)


def plan_delete(observed: Observed) -> steps.Plan:
    """Return the steps that delete the user and everything IAM wants gone first.

    Access keys go first, so that the site cannot send from the first step on.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
    """
    name = observed.user.user_name
    plan: list[steps.Step] = []
    plan += [steps.DeleteAccessKey(name, key.access_key_id) for key in observed.access_keys]
    plan += remove_attachments(name, observed.attachments or Attachments())
    # The sending policy goes last: its Deny holds until there is no credential left.
    inline = sorted(observed.inline_policies, key=lambda n: (n == naming.SENDING_POLICY, n))
    plan += [steps.DeleteUserPolicy(name, policy) for policy in inline]
    return (*plan, steps.DeleteUser(name))


def plan_restore(spec: TenantSpec, observed: Observed) -> steps.Plan:
    """Return the steps that make a tenant what its tags say and nothing more; no key is touched.

    The sending policy comes first: with it, what is still attached does no harm.
    """
    name, policy = observed.user.user_name, _policy(spec)
    ours = (naming.SENDING_POLICY, naming.SUSPENDED_POLICY)
    return (
        *((policy,) if observed.sending_policy != policy.document else ()),
        *repair_user(spec, observed, {}),
        *remove_attachments(name, observed.attachments or Attachments()),
        *(steps.DeleteUserPolicy(name, n) for n in observed.inline_policies if n not in ours),
    )


def remove_attachments(name: str, extra: Attachments) -> steps.Plan:
    """Return the steps that take everything off a user that no tenant has."""
    plan: list[steps.Step] = []
    plan += [steps.DeleteLoginProfile(name)] if extra.login_profile else []
    plan += [steps.DeleteServiceSpecificCredential(name, c) for c in extra.service_credentials]
    plan += [steps.DeleteSSHPublicKey(name, key) for key in extra.ssh_keys]
    plan += [steps.DeleteSigningCertificate(name, c) for c in extra.certificates]
    for serial in extra.mfa_devices:
        plan.append(steps.DeactivateMFADevice(name, serial))
        # A virtual device's serial number is its ARN; a hardware device's is printed on it.
        if ":mfa/" in serial:
            plan.append(steps.DeleteVirtualMFADevice(name, serial))
    plan += [steps.RemoveUserFromGroup(name, group) for group in extra.groups]
    plan += [steps.DetachUserPolicy(name, arn) for arn in extra.managed_policies]
    return tuple(plan)


def repair_user(spec: TenantSpec, observed: Observed, more_tags: Mapping[str, str]) -> steps.Plan:
    """Return the steps that put path, boundary and tags right; `more_tags` are set as well."""
    user, plan = observed.user, list[steps.Step]()
    path = naming.user_path(spec.domain)
    if user.path != path:
        plan.append(steps.UpdateUser(user.user_name, path))
    boundary = spec.permissions_boundary
    if boundary is not None and user.permissions_boundary != boundary:
        plan.append(steps.PutUserPermissionsBoundary(user.user_name, boundary))
    wanted = {**spec.tags, **more_tags}
    if len(user.tags.keys() | wanted.keys()) > naming.MAX_TAGS:
        raise SesTenantError(
            ErrorCode.QUOTA_EXCEEDED,
            f"{user.user_name} would have more than {naming.MAX_TAGS} tags, IAM's limit.",
            "Remove tags that other tools have set on it.",
        )
    changed = {key: value for key, value in wanted.items() if user.tags.get(key) != value}
    if changed:
        plan.append(steps.TagUser(user.user_name, changed))
    stale = tuple(
        key
        for key in user.tags
        if key not in wanted and any(key == ours or key.startswith(f"{ours}.") for ours in _OURS)
    )
    if stale:
        plan.append(steps.UntagUser(user.user_name, stale))
    return tuple(plan)
