"""`simulate`: whether a tenant may send a mail, by all that IAM holds of it."""

from dataclasses import replace

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.iam.authorization import Answer
from ses_tenant.core.proof.members import members
from ses_tenant.core.proof.simulation import Mail, Result, case_of_tenant
from ses_tenant.core.proof.simulation import simulate as decide_all
from ses_tenant.core.tenant.refusal import cause
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.observe import unknown_tenant
from ses_tenant.operations.protocols import Iam


def simulate(iam: Iam, domain: SendingDomain, mail: Mail, region: str | None) -> Result:
    """Return what becomes of the mail in the Region, by default the tenant's first.

    One request for each thousand users of the account: groups, managed policies and boundaries
    have a say. Raises SesTenantError `not_found`.
    """
    people = members(iam.account_details())
    for member in people:
        if member.tenant == domain:
            regions = known(member.remembered.regions) or ()
            where = region or (*regions, "us-east-1")[0]
            (result,) = decide_all([case_of_tenant(mail, member, where)])
            documents = (policy.document for policy in member.principal.policies.identity)
            why = cause(domain.name, mail.sender, mail.return_path, documents)
            if why and result.decision is Answer.DENIED:
                return replace(result, reason=f"{why}; {result.reason}")
            return result
    tenants = [member.tenant.name for member in people if member.tenant]
    raise unknown_tenant(domain, tenants)
