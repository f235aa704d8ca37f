"""From what boto3 raises to one SesTenantError: what failed, what AWS said, what to run next."""

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions as boto
from botocore.parsers import ResponseParserError

from ses_tenant.core.errors import ErrorCode, SesTenantError

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_REJECTED = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
RATE_EXCEEDED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_THROTTLED = RATE_EXCEEDED | {"ConcurrentModification", "EntityTemporarilyUnmodifiable"}
# `aws login` came late to botocore, so its errors may be missing there.
_SSO = (boto.SSOError, boto.TokenRetrievalError, getattr(boto, "LoginError", boto.SSOError))
_UNREACHABLE = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.EndpointConnectionError,
    ResponseParserError,
)
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
)
_CONFIGURATION = (
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidConfigError,
    boto.InfiniteLoopConfigError,
    boto.UnknownCredentialError,
    boto.InvalidRetryConfigurationError,
    boto.InvalidRetryModeError,
)
# Whose action an operation is, where AWS's message does not say.
_SERVICES = {
    "AssumeRole": "sts",
    "AssumeRoleWithWebIdentity": "sts",
    "CreateSecret": "secretsmanager",
    "DescribeSecret": "secretsmanager",
    "ChangeResourceRecordSets": "route53",
    "CreateEmailIdentity": "ses",
    "DeleteEmailIdentity": "ses",
    "GetAccount": "ses",
    "GetEmailIdentity": "ses",
    "ListEmailIdentities": "ses",
    "ListHostedZones": "route53",
    "ListResourceRecordSets": "route53",
    "PutEmailIdentityDkimAttributes": "ses",
    "PutEmailIdentityDkimSigningAttributes": "ses",
    "PutEmailIdentityMailFromAttributes": "ses",
    "TagResource": "ses",
    "GetObject": "s3",
    "GetSecretValue": "secretsmanager",
    "PutSecretValue": "secretsmanager",
    "GetResourcePolicy": "secretsmanager",
    "DescribeKey": "kms",
    "GetKeyPolicy": "kms",
    "ListGrants": "kms",
    "DescribeParameters": "ssm",
    "GetParameter": "ssm",
    "PutParameter": "ssm",
    "UpdateSecretVersionStage": "secretsmanager",
    "GetItem": "dynamodb",
    "PutItem": "dynamodb",
    "Query": "dynamodb",
    "TransactWriteItems": "dynamodb",
    "UpdateItem": "dynamodb",
    "Publish": "sns",
    "PutEvents": "events",
}
_LIMITS = {
    "CreateAccessKey": (
        ErrorCode.ACCESS_KEY_LIMIT,
        "The IAM user has two access keys, as many as IAM allows; Inactive ones count too.",
        "ses-tenant show DOMAIN lists both.",
    ),
    "PutUserPolicy": (
        ErrorCode.POLICY_TOO_LARGE,
        "The inline policies of the IAM user exceed what IAM allows.",
        "ses-tenant show DOMAIN lists inline policies that ses-tenant did not write.",
    ),
}


@contextmanager
def aws_errors(profile: str | None) -> Iterator[None]:
    """Raise every failure of a boto3 call inside the block as a SesTenantError.

    `profile` is the --profile given, to name it in hints.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _from_client_error(error, profile) from error
    except (boto.BotoCoreError, ResponseParserError) as error:
        raise _from_botocore(error, profile) from error


def _line(said: str) -> str:
    """Return what AWS said as one line; what is no AWS may answer with a whole web page."""
    text = re.sub(r"<[^<>]*>", " ", said) if "<html" in said.lower() else said
    return textwrap.shorten(text, 500, placeholder=" ...")


_KNOWN = {
    "NoSuchBucket": ErrorCode.NOT_FOUND,
    "NoSuchEntity": ErrorCode.NOT_FOUND,
    "NoSuchKey": ErrorCode.NOT_FOUND,
    "ParameterNotFound": ErrorCode.NOT_FOUND,
    "ResourceNotFoundException": ErrorCode.NOT_FOUND,
    "NotFoundException": ErrorCode.NOT_FOUND,
    "AlreadyExistsException": ErrorCode.ALREADY_EXISTS,
    "EntityAlreadyExists": ErrorCode.ALREADY_EXISTS,
    "ConflictException": ErrorCode.ALREADY_EXISTS,  # of SES: a request is under review
    "DeleteConflict": ErrorCode.PARTIAL_FAILURE,
}


def _from_client_error(error: boto.ClientError, profile: str | None) -> SesTenantError:
    """Return the SesTenantError for an error that AWS answered."""
    answer = error.response.get("Error", {})
    code, said = answer.get("Code", ""), _line(answer.get("Message", "")) or "no message"
    operation = error.operation_name
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    told = f"{operation}: {said}"
    if code in _EXPIRED:
        return _expired(f"The AWS credentials have expired ({told}).", profile)
    if code in _REJECTED:
        return SesTenantError(
            ErrorCode.NO_CREDENTIALS,
            f"AWS does not accept the credentials ({told}).",
            f"Check which ones are in use: aws sts get-caller-identity{_option(profile)}",
        )
    if code in _DENIED:
        named = re.search(r"not authorized to perform: ([\w-]+:\w+)", said)
        action = named[1] if named else f"{_SERVICES.get(operation, 'iam')}:{operation}"
        return SesTenantError(
            ErrorCode.ACCESS_DENIED,
            f"AWS denies {action}: {said}",
            f"Allow {action} to the operator; all that is needed: ses-tenant operator-policy",
        )
    if code in _THROTTLED or status == 429:
        return SesTenantError(
            ErrorCode.THROTTLED,
            f"AWS is throttling requests, also after retries ({told}).",
            "Wait a minute and run the same command again.",
        )
    if code in ("LimitExceeded", "LimitExceededException"):
        limit, message, hint = _LIMITS.get(
            operation,
            (
                ErrorCode.QUOTA_EXCEEDED,
                "The account has reached an IAM quota.",
                "aws iam get-account-summary shows the quotas; Service Quotas raises them.",
            ),
        )
        return SesTenantError(limit, f"{message} ({told})", hint)
    if status >= 500:
        return SesTenantError(
            ErrorCode.NETWORK,
            f"AWS failed with status {status}, also after retries ({told}).",
            "Run the same command again; it goes on where this run stopped.",
        )
    associated = re.match(r"Cannot delete (\S+) because it has tenant associations", said)
    if associated is not None:
        return SesTenantError(
            ErrorCode.ALREADY_EXISTS,
            f"An SES tenant needs it ({told}).",
            f"To see which: aws sesv2 list-resource-tenants --resource-arn {associated[1]}",
        )
    return _refused(operation, code, said)


def _refused(operation: str, code: str, said: str) -> SesTenantError:
    """Return the failure for an error that no rule above explains."""
    known = _KNOWN.get(code, ErrorCode.INTERNAL)
    return SesTenantError(
        known,
        f"AWS refused {operation} ({code}): {said}",
        "Somebody else may have changed it at the same moment. Run the same command again."
        if known is not ErrorCode.INTERNAL
        else "",
    )


def _from_botocore(
    error: boto.BotoCoreError | ResponseParserError, profile: str | None
) -> SesTenantError:
    """Return the SesTenantError for a failure before AWS answered."""
    match error:
        case boto.ProfileNotFound():
            return SesTenantError(
                ErrorCode.NO_CREDENTIALS, f"{error}.", "aws configure list-profiles shows them."
            )
        case _ if isinstance(error, _SSO):
            return _expired(f"The SSO login has expired or is missing: {error}", profile)
        case _ if isinstance(error, _NO_CREDENTIALS):
            return SesTenantError(
                ErrorCode.NO_CREDENTIALS,
                f"There are no AWS credentials: {error}.",
                "Name a profile with --profile NAME or AWS_PROFILE; aws configure makes one. "
                "To try without one: ses-tenant sandbox -- ses-tenant create shop.example.com",
            )
        case _ if isinstance(error, _CONFIGURATION):
            return SesTenantError(
                ErrorCode.NO_CREDENTIALS,
                f"The AWS configuration cannot be read: {error}.",
                "Correct ~/.aws/config or the environment variables that begin with AWS_.",
            )
        case boto.NoRegionError() | boto.InvalidRegionError():
            return SesTenantError(
                ErrorCode.NO_REGION,
                f"No AWS Region is configured that can be used: {str(error).rstrip('.')}.",
                "Add --region REGION, such as --region eu-central-1, or set AWS_REGION.",
            )
        case _ if isinstance(error, _UNREACHABLE):
            return SesTenantError(
                ErrorCode.NETWORK,
                f"AWS cannot be reached or does not answer properly: {_first_line(error)}",
                "Check the network, the proxy, and --endpoint-url or AWS_ENDPOINT_URL.",
            )
        case _:
            return SesTenantError(ErrorCode.INTERNAL, f"boto3 failed: {_first_line(error)}")


def _expired(message: str, profile: str | None) -> SesTenantError:
    return SesTenantError(
        ErrorCode.CREDENTIALS_EXPIRED,
        message,
        f"With SSO: aws sso login{_option(profile)}. Otherwise get new temporary credentials.",
    )


def _option(profile: str | None) -> str:
    return f" --profile {profile}" if profile else ""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
