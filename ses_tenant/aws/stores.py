"""What guards secrets and parameters: their policies, and the policies and grants of their keys."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ses_tenant.aws.clients import KmsClient
from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.core.proof.guards import Key, SecretTold

_GRANTS = 100
_OPENING = {"Decrypt", "CreateGrant"}


class Stores:
    """The operations' `Stores` protocol on boto3. Every failure is a SesTenantError."""

    def __init__(self, session: AwsSession) -> None:
        """Keep the session."""
        self._session = session

    def secret(self, region: str, name: str) -> "SecretTold | None":
        """Return what is told of a secret, by its name or ARN, None if there is none.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
        """
        from ses_tenant.core.proof.guards import SecretTold

        client = self._session.secretsmanager_client(region)
        with self._session.errors():
            try:
                told = client.describe_secret(SecretId=name)
                policy = client.get_resource_policy(SecretId=name).get("ResourcePolicy")
            except client.exceptions.ResourceNotFoundException:
                return None
        document = json.loads(policy) if policy else None
        return SecretTold(told["ARN"], document, told.get("KmsKeyId"))

    def parameters(self, region: str, names: Sequence[str]) -> Mapping[str, str | None]:
        """Return the keys of up to 50 parameters by their names, None for what is not encrypted.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
        """
        client = self._session.ssm_client(region)
        pages = client.get_paginator("describe_parameters").paginate(
            ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": list(names)}]
        )
        with self._session.errors():
            return {
                told["Name"]: told.get("KeyId") if told.get("Type") == "SecureString" else None
                for page in pages
                for told in page["Parameters"]
            }

    def key(self, region: str, key_id: str) -> "Key":
        """Return a key of KMS by its ID, ARN or alias, without grants that may not be listed.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
        """
        from ses_tenant.core.iam.authorization import Policy
        from ses_tenant.core.proof.guards import AWS_KEY, Key

        client = self._session.kms_client(region)
        with self._session.errors():
            # GetKeyPolicy takes no alias, and tells no ARN.
            if not key_id.startswith("arn:") or ":alias/" in key_id:
                told = client.describe_key(KeyId=key_id)["KeyMetadata"]
                if told.get("KeyManager") == "AWS":
                    return AWS_KEY
                key_id = told["Arn"]
            policy = client.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
        return Key(
            key_id,
            Policy(f"of the key {key_id}", json.loads(policy)),
            self._grantees(client, key_id),
        )

    def _grantees(self, client: KmsClient, key_id: str) -> tuple[str, ...] | None:
        """Return whom grants let decrypt; None if they are too many or may not be listed."""
        try:
            with self._session.errors():
                told = client.list_grants(KeyId=key_id, Limit=_GRANTS)
        except SesTenantError as error:
            if error.code is ErrorCode.ACCESS_DENIED:
                return None
            raise
        if told.get("Truncated"):
            return None
        return tuple(
            grant["GranteePrincipal"]
            for grant in told["Grants"]
            if _OPENING & set(grant.get("Operations", ()))
        )
