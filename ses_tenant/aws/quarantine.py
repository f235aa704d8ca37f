"""The users to whom AWS has attached its quarantine policy, because a key was found in public."""

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.regions import partition_of
from ses_tenant.core.tenant.naming import PATH_PREFIX
from ses_tenant.core.tenant.quarantine import QUARANTINE_POLICIES


def quarantined_users(session: AwsSession) -> tuple[tuple[str, str], ...]:
    """Return the names of such users under our path, each with the policy. Raises SesTenantError.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html
    """
    partition = partition_of(session.region or "us-east-1")
    found: dict[str, str] = {}
    for policy in QUARANTINE_POLICIES:
        pages = session.iam_client().get_paginator("list_entities_for_policy").paginate(
            PolicyArn=f"arn:{partition}:iam::aws:policy/{policy}",
            EntityFilter="User",
            PathPrefix=PATH_PREFIX,
        )  # fmt: skip
        try:
            with session.errors():
                found |= {
                    user["UserName"]: policy for page in pages for user in page["PolicyUsers"]
                }
        except SesTenantError as error:
            if error.code is not ErrorCode.NOT_FOUND:  # not each partition has all of them
                raise
    return tuple(found.items())
