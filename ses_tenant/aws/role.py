"""Work in another account: a session under a role that is assumed."""

import boto3

from ses_tenant import __version__
from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError


def under_role(session: AwsSession, role_arn: str) -> AwsSession:
    """Return a session with the credentials of `role_arn`, which are good for an hour.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    """
    if session.region is None:
        raise SesTenantError(ErrorCode.NO_REGION, "No AWS Region is configured.", "Set AWS_REGION.")
    with session.errors():
        sts = session.boto.client(
            "sts", region_name=session.region, endpoint_url=session.endpoint_url
        )
        answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=f"ses-tenant-{__version__}")
    given = answer["Credentials"]
    boto = boto3.session.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        region_name=session.region,
    )
    return AwsSession(boto, None, session.region, session.endpoint_url, session.workers)
