"""Service control policies of an organization, which limit all users and roles of an account.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.members import Member

_SERVICE_LINKED = "/aws-service-role/"
_FULL = Policy("FullAWSAccess", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


def service_control_policies(documents: Iterable[tuple[str, object]]) -> tuple[Policy, ...]:
    """Return the policies in documents, each with the name of what it was read from.

    A document is a policy or a list of them. Where they are attached is not known, so that all
    their Denies count, and it is enough if any of them allows; where none allows anything, the one
    that AWS attaches everywhere is taken to be there. Raises SesTenantError `usage`.
    """
    found = []
    for name, document in documents:
        for each in document if isinstance(document, list) else [document]:
            if not isinstance(each, Mapping) or "Statement" not in each:
                raise SesTenantError(
                    ErrorCode.USAGE,
                    f"{name} holds no service control policy.",
                    "Save one with: aws organizations describe-policy --policy-id p-... "
                    "--query Policy.Content --output text",
                )
            found.append(Policy(name, each))
    if any(statement.allow for policy in found for statement in policy.statements):
        return tuple(found)
    return (_FULL, *found)


def within(people: Sequence[Member], limits: tuple[Policy, ...]) -> tuple[Member, ...]:
    """Return the people as the service control policies limit them; roles of AWS's own they do not.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
    """
    return tuple(
        member
        if member.path.startswith(_SERVICE_LINKED)
        else replace(
            member,
            principal=replace(
                member.principal,
                policies=replace(member.principal.policies, organization=limits),
            ),
        )
        for member in people
    )
