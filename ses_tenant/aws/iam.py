"""IAM as the operations see it: reads that return values, steps that are one call each."""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from ses_tenant.aws.report import credential_report
from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.ses_actions import MULTIVALUED
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.credentials import NewAccessKey
from ses_tenant.core.tenant.observed import (
    AccessKey,
    Attachments,
    CredentialReport,
    KeyStatus,
    Observed,
    User,
)
from ses_tenant.core.tenant.policy import policy_json

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import TagTypeDef

    from ses_tenant.core.iam.authorization import Request


class Iam:
    """The operations' `Iam` protocol on boto3.

    Every call that takes a UserName passes it: left out, IAM acts on the caller's own keys.
    """

    def __init__(self, session: AwsSession, sleep: Callable[[float], None] = time.sleep) -> None:
        """Keep the session; clients are made when they are first needed."""
        self._session = session
        self._sleep = sleep

    @property
    def _client(self) -> "IAMClient":
        return self._session.iam_client()

    def get_user(self, user_name: str) -> User | None:
        """Return the user, or None if there is none of that name."""
        with self._session.errors():
            try:
                user = self._client.get_user(UserName=user_name)["User"]
            except self._client.exceptions.NoSuchEntityException:
                return None
        boundary = user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return User(
            user_name=user["UserName"],
            user_arn=user["Arn"],
            path=user["Path"],
            created_at=user["CreateDate"],
            tags=_tags(user.get("Tags", [])),
            permissions_boundary=boundary,
        )

    def list_user_policies(self, user_name: str) -> tuple[str, ...]:
        """Return the names of the inline policies."""
        with self._session.errors():
            pages = self._client.get_paginator("list_user_policies").paginate(UserName=user_name)
            return tuple(name for page in pages for name in page["PolicyNames"])

    def get_user_policy(self, user_name: str, policy_name: str) -> Mapping[str, object]:
        """Return an inline policy's document."""
        with self._session.errors():
            answer = self._client.get_user_policy(UserName=user_name, PolicyName=policy_name)
        return _document(answer["PolicyDocument"])

    def list_access_keys(self, user_name: str) -> tuple[AccessKey, ...]:
        """Return the user's access keys, oldest first."""
        with self._session.errors():
            pages = self._client.get_paginator("list_access_keys").paginate(UserName=user_name)
            keys = [
                AccessKey(key["AccessKeyId"], KeyStatus(key["Status"]), key["CreateDate"])
                for page in pages
                for key in page["AccessKeyMetadata"]
            ]
        return tuple(sorted(keys, key=lambda k: (k.created_at, k.access_key_id)))

    def access_key_last_used(self, access_key_id: str) -> datetime | None:
        """Return when the key was last used, as far as IAM has recorded it."""
        with self._session.errors():
            answer = self._client.get_access_key_last_used(AccessKeyId=access_key_id)
        return answer["AccessKeyLastUsed"].get("LastUsedDate")

    def access_key_last_service(self, access_key_id: str) -> str | None:
        """Return the service that the key was last used for, such as `ses`; None for no use."""
        with self._session.errors():
            used = self._client.get_access_key_last_used(AccessKeyId=access_key_id)[
                "AccessKeyLastUsed"
            ]
        return used["ServiceName"] if used.get("LastUsedDate") else None

    def list_attachments(self, user_name: str) -> Attachments:
        """Return everything else that hangs on the user."""
        client = self._client
        with self._session.errors():
            managed = client.get_paginator("list_attached_user_policies").paginate(
                UserName=user_name
            )
            groups = client.get_paginator("list_groups_for_user").paginate(UserName=user_name)
            devices = client.get_paginator("list_mfa_devices").paginate(UserName=user_name)
            ssh_keys = client.get_paginator("list_ssh_public_keys").paginate(UserName=user_name)
            certificates = client.get_paginator("list_signing_certificates").paginate(
                UserName=user_name
            )
            return Attachments(
                managed_policies=tuple(
                    p["PolicyArn"] for page in managed for p in page["AttachedPolicies"]
                ),
                groups=tuple(g["GroupName"] for page in groups for g in page["Groups"]),
                login_profile=self._has_login_profile(user_name),
                mfa_devices=tuple(
                    d["SerialNumber"] for page in devices for d in page["MFADevices"]
                ),
                ssh_keys=tuple(
                    k["SSHPublicKeyId"] for page in ssh_keys for k in page["SSHPublicKeys"]
                ),
                certificates=tuple(
                    c["CertificateId"] for page in certificates for c in page["Certificates"]
                ),
                service_credentials=self._service_credentials(user_name),
            )

    def list_tenants(self) -> tuple[Observed, ...]:
        """Return all users under our path with tags and inline policies, in pages of 1,000.

        With them those elsewhere whose name a tenant may need. ListUsers takes a path but returns
        no tags, so this reads the users of the whole account.
        """
        found = []
        with self._session.errors():
            pages = self._client.get_paginator("get_account_authorization_details").paginate(
                Filter=["User"], PaginationConfig={"PageSize": 1000}
            )
            for page in pages:
                for user in page["UserDetailList"]:
                    if not naming.may_be_tenant(user["UserName"], user["Path"]):
                        continue
                    policies = {
                        policy["PolicyName"]: _document(policy["PolicyDocument"])
                        for policy in user.get("UserPolicyList", [])
                    }
                    found.append(
                        Observed(
                            user=User(
                                user_name=user["UserName"],
                                user_arn=user["Arn"],
                                path=user["Path"],
                                created_at=user["CreateDate"],
                                tags=_tags(user.get("Tags", [])),
                                permissions_boundary=user.get("PermissionsBoundary", {}).get(
                                    "PermissionsBoundaryArn"
                                ),
                            ),
                            inline_policies=tuple(policies),
                            sending_policy=policies.get(naming.SENDING_POLICY),
                            access_keys=(),
                        )
                    )
        return tuple(found)

    def account_details(self) -> Iterable[Mapping[str, object]]:
        """Return everybody in the account: users, roles, groups and managed policies, by pages."""
        pages = self._client.get_paginator("get_account_authorization_details").paginate(
            PaginationConfig={"PageSize": 1000}
        )
        with self._session.errors():
            for page in pages:
                yield dict(page)

    def simulate(self, request: "Request") -> bool:
        """Return whether SimulatePrincipalPolicy lets the request through.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        with self._session.errors():
            answer = self._client.simulate_principal_policy(
                PolicySourceArn=request.principal,
                ActionNames=[request.action],
                ResourceArns=[request.resource],
                ContextEntries=[
                    {
                        "ContextKeyName": key,
                        "ContextKeyValues": list(values),
                        "ContextKeyType": "stringList" if key in MULTIVALUED else "string",
                    }
                    for key, values in request.context.items()
                ],
            )
        return all(r["EvalDecision"] == "allowed" for r in answer["EvaluationResults"])

    def credential_report(self) -> CredentialReport:
        """Return IAM's credential report."""
        return credential_report(self._session, self._sleep)

    def create_user(self, step: steps.CreateUser) -> User:
        """Create the user."""
        boundary = step.permissions_boundary
        with self._session.errors():
            if boundary is None:
                answer = self._client.create_user(
                    UserName=step.user_name, Path=step.path, Tags=_tag_list(step.tags)
                )
            else:
                answer = self._client.create_user(
                    UserName=step.user_name,
                    Path=step.path,
                    Tags=_tag_list(step.tags),
                    PermissionsBoundary=boundary,
                )
        user = answer["User"]
        return User(
            user["UserName"], user["Arn"], user["Path"], user["CreateDate"], step.tags, boundary
        )

    def create_access_key(self, user_name: str) -> NewAccessKey:
        """Issue a key, with one request: repeated after a lost answer, it would make two.

        Raises SesTenantError `network` where it is not known whether a key was made.
        """
        client = self._session.iam_client_without_retries()
        for pause in (*_throttled_pauses(self._session.attempts), None):
            try:
                with self._session.errors():
                    key = client.create_access_key(UserName=user_name)["AccessKey"]
            except SesTenantError as error:
                if error.code is ErrorCode.THROTTLED and pause is not None:
                    self._sleep(pause)  # what was throttled was not carried out
                    continue
                if error.code is not ErrorCode.NETWORK:
                    raise
                raise SesTenantError(
                    ErrorCode.NETWORK,
                    f"{error.message} It is not known whether the access key was made.",
                    f"{error.hint} Then run the same command again: it shows a key that was made.",
                ) from error
            return NewAccessKey(key["AccessKeyId"], key["SecretAccessKey"])
        raise AssertionError("the last attempt returns or raises")

    def apply(self, step: steps.Write) -> None:
        """Carry out a step: exactly the one call it is named after."""
        with self._session.errors():
            _write(self._client, step)

    def _has_login_profile(self, user_name: str) -> bool:
        try:
            self._client.get_login_profile(UserName=user_name)
        except self._client.exceptions.NoSuchEntityException:
            return False
        return True

    def _service_credentials(self, user_name: str) -> tuple[str, ...]:
        try:
            answer = self._client.list_service_specific_credentials(UserName=user_name)
        except (ResponseParserError, NotImplementedError):
            # An emulator that lacks the call has no such credentials; IAM itself would refuse
            # to delete a user who has any.
            return ()
        except ClientError as error:
            if error.response["Error"].get("Code") == "ServiceNotSupported":
                return ()
            raise
        return tuple(c["ServiceSpecificCredentialId"] for c in answer["ServiceSpecificCredentials"])


def _throttled_pauses(attempts: int) -> list[float]:
    """Return how long to wait after each attempt but the last: longer each time, by chance."""
    return [random.uniform(0.2, min(2.0**n, 10.0)) for n in range(attempts - 1)]  # noqa: S311


def _write(client: "IAMClient", step: steps.Write) -> None:  # noqa: C901, PLR0912 - a case a step
    name = step.user_name
    match step:
        case steps.UpdateUser():
            if step.new_user_name is None:
                client.update_user(UserName=name, NewPath=step.new_path)
            else:
                client.update_user(
                    UserName=name, NewPath=step.new_path, NewUserName=step.new_user_name
                )
        case steps.PutUserPermissionsBoundary():
            client.put_user_permissions_boundary(
                UserName=name, PermissionsBoundary=step.permissions_boundary
            )
        case steps.TagUser():
            client.tag_user(UserName=name, Tags=_tag_list(step.tags))
        case steps.UntagUser():
            client.untag_user(UserName=name, TagKeys=list(step.keys))
        case steps.PutUserPolicy():
            client.put_user_policy(
                UserName=name,
                PolicyName=step.policy_name,
                PolicyDocument=policy_json(step.document),
            )
        case steps.UpdateAccessKey():
            client.update_access_key(
                UserName=name, AccessKeyId=step.access_key_id, Status=step.status.value
            )
        case steps.DeleteAccessKey():
            client.delete_access_key(UserName=name, AccessKeyId=step.access_key_id)
        case steps.DeleteUserPolicy():
            client.delete_user_policy(UserName=name, PolicyName=step.policy_name)
        case steps.DetachUserPolicy():
            client.detach_user_policy(UserName=name, PolicyArn=step.policy_arn)
        case steps.RemoveUserFromGroup():
            client.remove_user_from_group(UserName=name, GroupName=step.group_name)
        case steps.DeleteLoginProfile():
            client.delete_login_profile(UserName=name)
        case steps.DeactivateMFADevice():
            client.deactivate_mfa_device(UserName=name, SerialNumber=step.serial_number)
        case steps.DeleteVirtualMFADevice():
            client.delete_virtual_mfa_device(SerialNumber=step.serial_number)
        case steps.DeleteSSHPublicKey():
            client.delete_ssh_public_key(UserName=name, SSHPublicKeyId=step.ssh_key_id)
        case steps.DeleteSigningCertificate():
            client.delete_signing_certificate(UserName=name, CertificateId=step.certificate_id)
        case steps.DeleteServiceSpecificCredential():
            client.delete_service_specific_credential(
                UserName=name, ServiceSpecificCredentialId=step.credential_id
            )
        case steps.DeleteUser():
            client.delete_user(UserName=name)
        case _:
            assert_never(step)


def _tags(tags: Iterable["TagTypeDef"]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tag_list(tags: Mapping[str, str]) -> list["TagTypeDef"]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _document(document: object) -> Mapping[str, object]:
    """Return a policy document; boto3 has decoded it, though its type says it may be text."""
    return document if isinstance(document, dict) else {}
