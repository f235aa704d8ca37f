"""Who may send by an email identity, and could not any more if it had a default configuration set.

SES checks both ARNs of a mail that goes by a configuration set: of the identity, and of the set.
https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
"""

from collections.abc import Iterable

from ses_tenant.core.iam.authorization import Answer, Request, decide
from ses_tenant.core.iam.ses_actions import CARRIED, identity_arn
from ses_tenant.core.proof.members import Member

_SENDS = ("ses:SendEmail", "ses:SendRawEmail")


def limited_to_resources(people: Iterable[Member]) -> tuple[Member, ...]:
    """Return who is no tenant and has a policy that names resources of SES: nobody else matters."""
    return tuple(
        member
        for member in people
        if member.tenant is None
        and any(":ses:" in str(p.document) for p in member.principal.policies.identity)
    )


def stopped_by(member: Member, region: str, identity: str, configuration_set: str) -> bool:
    """Tell whether it may send by the identity, from whatever address, and not by the set.

    Raises SesTenantError `usage` for a policy that IAM would not take.
    """
    partition = member.arn.split(":")[1]
    own = identity_arn(partition, region, member.account, identity)
    chosen = f"arn:{partition}:ses:{region}:{member.account}:configuration-set/{configuration_set}"

    def answer(action: str, resource: str) -> Answer:
        keys = member.principal.unknown | CARRIED[action.lower()]
        request = Request(action, resource, member.principal.context, member.arn, keys)
        return decide(member.principal.policies, request).answer

    return any(
        answer(action, own) is not Answer.DENIED and answer(action, chosen) is Answer.DENIED
        for action in _SENDS
    )
