"""A boto3 session that acts as an IAM role."""

from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError

from ses_tenant.aws.answers import careful_session

_ROLE_SESSION_NAME = "ses-tenant"


class _RoleProvider(CredentialProvider):
    """The one provider of such a session: credentials that renew themselves."""

    METHOD = CANONICAL_NAME = "ses-tenant-role"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


def assuming(
    boto: boto3.session.Session, role_arn: str, region: str, endpoint_url: str | None
) -> boto3.session.Session:
    """Return a session whose credentials are those of the role, assumed with those of `boto`.

    Raises botocore's NoCredentialsError if `boto` has none. The role is assumed when its
    credentials are first needed, and again before they run out.
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    """
    source = boto.get_credentials()
    if source is None:
        raise NoCredentialsError

    def sts(service: str, **options: Any) -> BaseClient:
        return careful_session().create_client(
            service, region_name=region, endpoint_url=endpoint_url, **options
        )

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=sts,
        source_credentials=source,
        role_arn=role_arn,
        extra_args={"RoleSessionName": _ROLE_SESSION_NAME},
    )
    session = careful_session()
    session.get_component("credential_provider").insert_before(
        "env",
        _RoleProvider(
            DeferredRefreshableCredentials(
                method="assume-role", refresh_using=fetcher.fetch_credentials
            )
        ),
    )
    return boto3.session.Session(botocore_session=session, region_name=region)
