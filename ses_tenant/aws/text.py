"""Read a text that is kept in AWS, such as a tenants file in S3 or in Parameter Store."""

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError

_MAX_BYTES = 8 * 2**20


def read_text(session: AwsSession, where: str) -> str:
    """Return the text at `s3://BUCKET/KEY` or `ssm:/NAME`, in the session's Region.

    Raises SesTenantError `usage` for another address, a text that is not UTF-8 and one over 8 MiB,
    and what AWS answers, such as `not_found`.
    """
    scheme, _, rest = where.partition(":")
    bucket, _, key = rest.removeprefix("//").partition("/")
    region = session.region
    if region is None:
        raise SesTenantError(ErrorCode.NO_REGION, "No AWS Region is configured.", "Set AWS_REGION.")
    if scheme == "ssm" and rest.startswith("/"):
        ssm = session.ssm_client(region)
        with session.errors():
            answer = ssm.get_parameter(Name=rest, WithDecryption=True)
        return answer["Parameter"].get("Value", "")
    if scheme == "s3" and rest.startswith("//") and bucket and key:
        s3 = session.s3_client(region)
        with session.errors():
            content = s3.get_object(Bucket=bucket, Key=key)["Body"].read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise SesTenantError(
                ErrorCode.USAGE, f"{where} is longer than 8 MiB, so it is no such file."
            )
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise SesTenantError(ErrorCode.USAGE, f"{where} is not a text in UTF-8.") from None
    raise SesTenantError(
        ErrorCode.USAGE,
        f"'{where}' does not say where a file is.",
        "It looks like s3://bucket/tenants.toml or ssm:/ses-tenant/tenants.",
    )
