"""Plans that put a tenant right: pure functions from (what is wanted, what is there) to steps.

They are total and they settle: carry out what they return, observe again, and the next plan is
empty. From that follow dry runs, second runs that change nothing, and runs that finish what a
crashed one began.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import AttachmentKind, Attachments, Observed, require_ours
from ses_tenant.core.tenant.policy import sending_policy
from ses_tenant.core.tenant.quarantine import quarantine_policy
from ses_tenant.core.tenant.spec import TAGGED, Scope, SendingOptions, TenantSpec
from ses_tenant.core.tenant.tags import Remembered, known

_OURS = (naming.TAG_REGIONS, naming.TAG_SENDING, *(setting.tag for setting in TAGGED))
# How `drift` puts what it does not call by its name alone.
_FOREIGN = {
    AttachmentKind.MANAGED_POLICY: "attached managed policy {}",
    AttachmentKind.GROUP: "member of the group {}",
    AttachmentKind.LOGIN_PROFILE: "has a console password",
}


def plan_repair(
    spec: TenantSpec, observed: Observed, more_tags: Mapping[str, str] = MappingProxyType({})
) -> steps.Plan:
    """Return the steps that put right all but the keys; `more_tags` are set as well.

    Raises SesTenantError `not_ours`.
    """
    require_ours(observed.user, spec.domain)
    repair = repair_user(spec, observed, more_tags)
    policy = put_sending_policy(spec)
    if observed.sending_policy == policy.document:
        return repair
    stops = stopped(observed.user.remembered, spec) if observed.sending_policy else ()
    return (*repair, replace(policy, stops=stops))


def stopped(before: Remembered, spec: TenantSpec) -> tuple[str, ...]:
    """Return, in words, what a tenant's tags let it send and read and `spec` does not."""
    found = []
    interface, sending = known(before.interface), known(before.sending) or SendingOptions()
    if interface is not None and interface is not spec.interface:
        found.append(f"sending by what was delivered for {interface}")
    if sending.subdomains and not spec.sending.subdomains:
        found.append(f"mail from subdomains of {spec.domain}")
    gone = [d.name for d in sending.also if d not in spec.sending.also]
    found += [f"mail from {domain}" for domain in gone]
    back = sending.return_path
    if back is not None and back != spec.sending.return_path:
        found.append(f"mail with a Return-Path at {back}")
    if spec.sending.scope is Scope.IDENTITY:
        if sending.scope is not Scope.IDENTITY:
            found.append("mail that needs other resources than its own identities")
        sets = [s for s in sending.configuration_sets if s not in spec.sending.configuration_sets]
        found += [f"mail with the configuration set {name}" for name in sets]
    found += [
        f"reading what allow-read {name} shows"
        for name in sending.allow_read
        if name not in ("quota", *spec.sending.allow_read)
    ]
    return tuple(found)


def put_sending_policy(spec: TenantSpec) -> steps.PutUserPolicy:
    """Return the step that writes the sending policy."""
    return steps.PutUserPolicy(spec.user_name, naming.SENDING_POLICY, sending_policy(spec))


def drift(spec: TenantSpec, observed: Observed) -> tuple[str, ...]:
    """Return, a line each, what differs from `spec` and what should not be on a tenant at all."""
    found = [f"would {step.summary}" for step in repair_user(spec, observed, {})]
    if observed.sending_policy is None:
        found.append(f"the inline policy {naming.SENDING_POLICY} is missing")
    elif observed.sending_policy != sending_policy(spec):
        found.append(f"the inline policy {naming.SENDING_POLICY} is not as ses-tenant writes it")
    ours = {naming.SENDING_POLICY, naming.SUSPENDED_POLICY}
    found += [f"foreign inline policy {n}" for n in observed.inline_policies if n not in ours]
    for attachment in observed.attachments or ():
        text = _FOREIGN.get(attachment.kind)
        found.append(text.format(attachment.name) if text else str(attachment).removeprefix("the "))
    return tuple(found)


def plan_restore(spec: TenantSpec, observed: Observed) -> steps.Plan:
    """Return the steps that make a tenant what its tags say and nothing more; no key is touched.

    The sending policy comes first: with it, what is still attached does no harm. AWS's quarantine
    policy stays.
    """
    name, policy = observed.user.user_name, put_sending_policy(spec)
    ours = (naming.SENDING_POLICY, naming.SUSPENDED_POLICY)
    return (
        *((policy,) if observed.sending_policy != policy.document else ()),
        *repair_user(spec, observed, {}),
        *remove_attachments(name, without_quarantine(observed.attachments or Attachments())),
        *(steps.DeleteUserPolicy(name, n) for n in observed.inline_policies if n not in ours),
    )


def without_quarantine(extra: Attachments) -> Attachments:
    """Return what is attached but for AWS's quarantine policy: only a person detaches that."""
    kept = tuple(arn for arn in extra.managed_policies if quarantine_policy(arn) is None)
    return replace(extra, managed_policies=kept)


def remove_attachments(name: str, extra: Attachments) -> steps.Plan:
    """Return the steps that take everything off a user that no tenant has."""
    kinds = list(_REMOVALS)
    ordered = sorted(extra, key=lambda attachment: kinds.index(attachment.kind))
    return tuple(step for a in ordered for step in _REMOVALS[a.kind](name, a.name))


def _remove_mfa_device(name: str, serial: str) -> steps.Plan:
    # A virtual device's serial number is its ARN; a hardware device's is printed on it.
    virtual = (steps.DeleteVirtualMFADevice(name, serial),) if ":mfa/" in serial else ()
    return (steps.DeactivateMFADevice(name, serial), *virtual)


# How each kind is taken off, those by which somebody could still act first.
_REMOVALS: Mapping[AttachmentKind, Callable[[str, str], steps.Plan]] = {
    AttachmentKind.LOGIN_PROFILE: lambda name, _: (steps.DeleteLoginProfile(name),),
    AttachmentKind.SERVICE_CREDENTIAL: lambda name, credential: (
        steps.DeleteServiceSpecificCredential(name, credential),
    ),
    AttachmentKind.SSH_KEY: lambda name, key: (steps.DeleteSSHPublicKey(name, key),),
    AttachmentKind.CERTIFICATE: lambda name, certificate: (
        steps.DeleteSigningCertificate(name, certificate),
    ),
    AttachmentKind.MFA_DEVICE: _remove_mfa_device,
    AttachmentKind.GROUP: lambda name, group: (steps.RemoveUserFromGroup(name, group),),
    AttachmentKind.MANAGED_POLICY: lambda name, arn: (steps.DetachUserPolicy(name, arn),),
}


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
