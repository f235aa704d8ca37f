"""Plans that put a tenant right: pure functions from (what is wanted, what is there) to steps.

They are total and they settle: carry out what they return, observe again, and the next plan is
empty. From that follow dry runs, second runs that change nothing, and runs that finish what a
crashed one began.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import Attachments, Observed, require_ours
from ses_tenant.core.tenant.policy import sending_policy
from ses_tenant.core.tenant.spec import TenantSpec

_OURS = (
    naming.TAG_REGIONS,
    naming.TAG_SENDING,
    naming.TAG_DESTINATION,
    naming.TAG_FORMAT,
    naming.TAG_READ_BACK,
)


def plan_repair(
    spec: TenantSpec, observed: Observed, more_tags: Mapping[str, str] = MappingProxyType({})
) -> steps.Plan:
    """Return the steps that put right all but the keys; `more_tags` are set as well.

    Raises SesTenantError `not_ours`.
    """
    require_ours(observed.user, spec.domain)
    repair = repair_user(spec, observed, more_tags)
    policy = put_sending_policy(spec)
    return repair if observed.sending_policy == policy.document else (*repair, policy)


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
    extra = observed.attachments or Attachments()
    found += [f"attached managed policy {arn}" for arn in extra.managed_policies]
    found += [f"member of the group {group}" for group in extra.groups]
    found += ["has a console password"] if extra.login_profile else []
    found += [f"MFA device {serial}" for serial in extra.mfa_devices]
    found += [f"SSH public key {key}" for key in extra.ssh_keys]
    found += [f"signing certificate {certificate}" for certificate in extra.certificates]
    found += [f"service-specific credential {c}" for c in extra.service_credentials]
    return tuple(found)


def plan_restore(spec: TenantSpec, observed: Observed) -> steps.Plan:
    """Return the steps that make a tenant what its tags say and nothing more; no key is touched.

    The sending policy comes first: with it, what is still attached does no harm.
    """
    name, policy = observed.user.user_name, put_sending_policy(spec)
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
