"""What GetAccountAuthorizationDetails answers, from the users of the fake IAM."""

from collections.abc import Iterable, Mapping

from tests.fakes.iam_user import FakeUser

Document = Mapping[str, object]


def account_page(
    users: Iterable[FakeUser],
    groups: Mapping[str, Mapping[str, Document]],
    managed: Mapping[str, Document],
    roles: Iterable[Mapping[str, object]],
) -> dict[str, object]:
    """Return one page of the answer; `groups` are inline policies by group."""
    return {
        "UserDetailList": [_user(user) for user in users],
        "GroupDetailList": [
            {
                "GroupName": name,
                "Arn": f"arn:aws:iam::123456789012:group/{name}",
                "GroupPolicyList": _inline(policies),
                "AttachedManagedPolicies": [],
            }
            for name, policies in groups.items()
        ],
        "RoleDetailList": list(roles),
        "Policies": [
            {
                "PolicyName": arn.rpartition("/")[2],
                "Arn": arn,
                "DefaultVersionId": "v2",
                "PolicyVersionList": [
                    {"VersionId": "v1", "IsDefaultVersion": False, "Document": {"Statement": []}},
                    {"VersionId": "v2", "IsDefaultVersion": True, "Document": document},
                ],
            }
            for arn, document in managed.items()
        ],
        "IsTruncated": False,
    }


def _user(user: FakeUser) -> dict[str, object]:
    boundary = user.permissions_boundary
    return {
        "UserName": user.name,
        "Path": user.path,
        "Arn": user.as_user.user_arn,
        "CreateDate": user.created_at,
        "UserPolicyList": _inline(user.policies),
        "GroupList": list(user.attachments.groups),
        "AttachedManagedPolicies": [
            {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}
            for arn in user.attachments.managed_policies
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in user.tags.items()],
        **({"PermissionsBoundary": {"PermissionsBoundaryArn": boundary}} if boundary else {}),
    }


def _inline(policies: Mapping[str, Document]) -> list[dict[str, object]]:
    return [{"PolicyName": name, "PolicyDocument": document} for name, document in policies.items()]
