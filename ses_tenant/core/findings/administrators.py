"""Who may do everything in the account anyway."""

from ses_tenant.core.iam.authorization import Answer, Request, decide
from ses_tenant.core.proof.members import Member
from ses_tenant.core.tenant import naming

# IAM's own actions, and an action of a service that does not exist: whoever may do that may do all.
_ACTIONS = ("iam:PutUserPolicy", "iam:CreateAccessKey", "none:AnyAction")


def administers(member: Member) -> bool:
    """Tell whether the user or role may do everything, on tenants' users and on all else.

    Such a one is expected to be able to send as a tenant, so it is one note and no alarm.
    """
    partition = member.arn.split(":")[1]
    tenant = f"arn:{partition}:iam::{member.account}:user{naming.PATH_PREFIX}x/ses-x"
    return all(
        decide(
            member.principal.policies, Request(action, tenant, member.principal.context, member.arn)
        ).answer
        is not Answer.DENIED
        for action in _ACTIONS
    )
