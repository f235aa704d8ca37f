"""The plan of `delete`."""

from ses_tenant.core.plans.repair import remove_attachments
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import Attachments, Observed


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
