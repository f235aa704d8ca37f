"""Plans: pure functions from (what is wanted, what is there) to a tuple of steps.

They are total and they settle: carry out what they return, observe again, and the next plan is
empty. From that follow dry runs, second runs that change nothing, and runs that finish what a
crashed one began.
"""

from ses_tenant.core import naming, steps
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.policy import sending_policy
from ses_tenant.core.tenant import Attachments, Observed, TenantSpec, require_ours

_OUR_LISTS = (naming.TAG_REGIONS, naming.TAG_SENDING)


def plan_create(spec: TenantSpec, observed: Observed | None) -> steps.Plan:
    """Return the steps that make the tenant as `spec` says; empty if it is so already.

    A key is issued only to a tenant that has none, and never to a suspended one. Raises
    SesTenantError `not_ours` for an IAM user that is not this tenant.
    """
    name = spec.user_name
    policy = steps.PutUserPolicy(name, naming.SENDING_POLICY, sending_policy(spec))
    if observed is None:
        create = steps.CreateUser(
            name, naming.user_path(spec.domain), spec.tags, spec.permissions_boundary
        )
        return (create, policy, steps.CreateAccessKey(name))
    require_ours(observed.user, spec.domain)
    plan = list(_repair_user(spec, observed))
    if observed.sending_policy != policy.document:
        plan.append(policy)
    if not observed.access_keys and not observed.suspended:
        plan.append(steps.CreateAccessKey(name))
    return tuple(plan)


def drift(spec: TenantSpec, observed: Observed) -> tuple[str, ...]:
    """Return, a line each, what differs from `spec` and what should not be on a tenant at all."""
    found = [f"would {step.summary}" for step in _repair_user(spec, observed)]
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
    extra = observed.attachments or Attachments()
    plan: list[steps.Step] = []
    plan += [steps.DeleteAccessKey(name, key.access_key_id) for key in observed.access_keys]
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
    # The sending policy goes last: its Deny holds until there is no credential left.
    inline = sorted(observed.inline_policies, key=lambda n: (n == naming.SENDING_POLICY, n))
    plan += [steps.DeleteUserPolicy(name, policy) for policy in inline]
    return (*plan, steps.DeleteUser(name))


def _repair_user(spec: TenantSpec, observed: Observed) -> steps.Plan:
    """Return the steps that put path, boundary and tags right."""
    user, plan = observed.user, list[steps.Step]()
    path = naming.user_path(spec.domain)
    if user.path != path:
        plan.append(steps.UpdateUser(user.user_name, path))
    boundary = spec.permissions_boundary
    if boundary is not None and user.permissions_boundary != boundary:
        plan.append(steps.PutUserPermissionsBoundary(user.user_name, boundary))
    wanted = spec.tags
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
        if key not in wanted
        and any(key == ours or key.startswith(f"{ours}.") for ours in _OUR_LISTS)
    )
    if stale:
        plan.append(steps.UntagUser(user.user_name, stale))
    return tuple(plan)
