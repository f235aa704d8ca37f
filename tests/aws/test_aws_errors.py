"""Every failure of boto3 becomes one SesTenantError with what to do next."""

import botocore.exceptions as boto
import pytest
from botocore.parsers import ResponseParserError

from ses_tenant.aws.errors import aws_errors
from ses_tenant.core.errors import ErrorCode, ExitStatus, SesTenantError


def _translated(error: Exception, profile: str | None = "agency") -> SesTenantError:
    with pytest.raises(SesTenantError) as caught, aws_errors(profile):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


def _client_error(
    code: str, said: str = "AWS said so.", operation: str = "PutUserPolicy", status: int = 400
) -> boto.ClientError:
    return boto.ClientError(
        {
            "Error": {"Code": code, "Message": said},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "r",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        operation,
    )


_EXPIRED = (ErrorCode.CREDENTIALS_EXPIRED, "have expired", "aws sso login --profile agency")
_REJECTED = (
    ErrorCode.NO_CREDENTIALS,
    "AWS does not accept the credentials",
    "aws sts get-caller-identity --profile agency",
)
_DENIED = (
    ErrorCode.ACCESS_DENIED,
    "AWS denies iam:PutUserPolicy: AWS said so.",
    "Allow iam:PutUserPolicy to the operator; all that is needed: ses-tenant operator-policy",
)
_THROTTLED = (ErrorCode.THROTTLED, "AWS is throttling requests", "Wait a minute and run the same")
_AGAIN = "Somebody else may have changed it at the same moment. Run the same command again."


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ExpiredToken", _EXPIRED),
        ("ExpiredTokenException", _EXPIRED),
        ("RequestExpired", _EXPIRED),
        ("TokenRefreshRequired", _EXPIRED),
        ("AuthFailure", _REJECTED),
        ("IncompleteSignature", _REJECTED),
        ("InvalidAccessKeyId", _REJECTED),
        ("InvalidClientTokenId", _REJECTED),
        ("InvalidSignatureException", _REJECTED),
        ("MissingAuthenticationToken", _REJECTED),
        ("OptInRequired", _REJECTED),
        ("SignatureDoesNotMatch", _REJECTED),
        ("UnrecognizedClientException", _REJECTED),
        ("AccessDenied", _DENIED),
        ("AccessDeniedException", _DENIED),
        ("UnauthorizedOperation", _DENIED),
        ("RequestLimitExceeded", _THROTTLED),
        ("SlowDown", _THROTTLED),
        ("Throttling", _THROTTLED),
        ("ThrottlingException", _THROTTLED),
        ("ThrottledException", _THROTTLED),
        ("TooManyRequestsException", _THROTTLED),
        ("ConcurrentModification", _THROTTLED),
        ("EntityTemporarilyUnmodifiable", _THROTTLED),
        ("NoSuchEntity", (ErrorCode.NOT_FOUND, "PutUserPolicy (NoSuchEntity)", _AGAIN)),
        ("EntityAlreadyExists", (ErrorCode.ALREADY_EXISTS, "(EntityAlreadyExists)", _AGAIN)),
        ("DeleteConflict", (ErrorCode.PARTIAL_FAILURE, "(DeleteConflict)", _AGAIN)),
        ("ValidationError", (ErrorCode.INTERNAL, "AWS refused PutUserPolicy (Validation", "")),
        ("MalformedPolicyDocument", (ErrorCode.INTERNAL, "(MalformedPolicyDocument): AWS", "")),
    ],
)
def test_what_aws_answers(code: str, expected: tuple[ErrorCode, str, str]) -> None:
    error = _translated(_client_error(code))

    assert error.code is expected[0]
    assert expected[1] in error.message
    assert "AWS said so." in error.message
    assert error.hint.startswith(expected[2]) if not expected[2] else expected[2] in error.hint
    assert bool(error.hint) == bool(expected[2])


@pytest.mark.parametrize(
    ("operation", "code", "expected", "hint"),
    [
        (
            "CreateAccessKey",
            ErrorCode.ACCESS_KEY_LIMIT,
            "two access keys, as many as IAM allows; Inactive ones count too",
            "ses-tenant show DOMAIN",
        ),
        (
            "PutUserPolicy",
            ErrorCode.POLICY_TOO_LARGE,
            "inline policies of the IAM user exceed",
            "ses-tenant show DOMAIN",
        ),
        ("CreateUser", ErrorCode.QUOTA_EXCEEDED, "IAM quota", "aws iam get-account-summary"),
        ("TagUser", ErrorCode.QUOTA_EXCEEDED, "IAM quota", "aws iam get-account-summary"),
    ],
)
@pytest.mark.parametrize("aws_code", ["LimitExceeded", "LimitExceededException"])
def test_limits_are_told_apart_by_the_call(
    aws_code: str, operation: str, code: ErrorCode, expected: str, hint: str
) -> None:
    error = _translated(_client_error(aws_code, "Cannot exceed quota.", operation, 409))

    assert error.code is code
    assert expected in error.message
    assert f"({operation}: Cannot exceed quota.)" in error.message
    assert hint in error.hint


def test_access_denied_names_the_action_that_aws_names() -> None:
    said = (
        "User: arn:aws:sts::123456789012:assumed-role/op/me is not authorized to perform: "
        "iam:TagUser on resource: user ses-shop.example.com because no identity-based policy "
        "allows the iam:TagUser action"
    )
    error = _translated(_client_error("AccessDenied", said, "CreateUser", 403))

    assert error.code is ErrorCode.ACCESS_DENIED
    assert error.message == f"AWS denies iam:TagUser: {said}"
    assert error.hint.startswith("Allow iam:TagUser to the operator;")


def test_access_denied_to_assume_a_role_names_an_action_of_sts() -> None:
    said = "User: arn:aws:iam::1:user/me is not authorized to perform: sts:AssumeRole on x"
    error = _translated(_client_error("AccessDenied", said, "AssumeRole", 403))

    assert "sts:AssumeRole" in error.hint


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_of_the_server_is_of_the_network(status: int) -> None:
    error = _translated(_client_error("ServiceFailure", "Sorry.", "GetUser", status))

    assert error.code is ErrorCode.NETWORK
    assert (
        error.message == f"AWS failed with status {status}, also after retries (GetUser: Sorry.)."
    )
    assert error.hint == "Run the same command again; it goes on where this run stopped."


def test_too_many_requests_by_status_alone() -> None:
    assert _translated(_client_error("Whatever", status=429)).code is ErrorCode.THROTTLED


def test_an_error_without_a_message_or_an_answer() -> None:
    error = _translated(boto.ClientError({}, "GetUser"))

    assert (error.code, error.message) == (
        ErrorCode.INTERNAL,
        "AWS refused GetUser (): no message",
    )


_SSO = (
    ErrorCode.CREDENTIALS_EXPIRED,
    "The SSO login has expired",
    "aws sso login --profile agency",
)
_NONE = (
    ErrorCode.NO_CREDENTIALS,
    "There are no AWS credentials",
    "ses-tenant sandbox -- ses-tenant create shop.example.com",
)
_CONFIGURATION = (
    ErrorCode.NO_CREDENTIALS,
    "The AWS configuration cannot be read",
    "Correct ~/.aws/config",
)
_NETWORK = (ErrorCode.NETWORK, "AWS cannot be reached", "--endpoint-url or AWS_ENDPOINT_URL")
_URL = "https://iam.amazonaws.com/"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            boto.ProfileNotFound(profile="agency"),
            (
                ErrorCode.NO_CREDENTIALS,
                "The config profile (agency) could not be found.",
                "aws configure list-profiles",
            ),
        ),
        (boto.SSOTokenLoadError(error_msg="no token"), _SSO),
        (boto.UnauthorizedSSOTokenError(), _SSO),
        (boto.TokenRetrievalError(provider="sso", error_msg="expired"), _SSO),
        (boto.NoCredentialsError(), _NONE),
        (boto.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"), _NONE),
        (boto.CredentialRetrievalError(provider="process", error_msg="exit 1"), _NONE),
        (boto.NoAuthTokenError(), _NONE),
        (boto.ConfigNotFound(path="/nowhere"), _CONFIGURATION),
        (boto.ConfigParseError(path="/broken", error="line 1"), _CONFIGURATION),
        (boto.InvalidConfigError(error_msg="role_arn"), _CONFIGURATION),
        (
            boto.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a"]),
            _CONFIGURATION,
        ),
        (boto.UnknownCredentialError(name="x"), _CONFIGURATION),
        (
            boto.NoRegionError(),
            (
                ErrorCode.NO_REGION,
                "No AWS Region is configured that can be used",
                "Add --region REGION",
            ),
        ),
        (boto.EndpointConnectionError(endpoint_url=_URL), _NETWORK),
        (boto.ReadTimeoutError(endpoint_url=_URL), _NETWORK),
        (boto.ConnectionClosedError(endpoint_url=_URL), _NETWORK),
        (ResponseParserError("Unable to parse response (no element), invalid XML"), _NETWORK),
        (boto.ParamValidationError(report="bad"), (ErrorCode.INTERNAL, "boto3 failed: ", "")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_failures_before_aws_answers(
    error: Exception, expected: tuple[ErrorCode, str, str]
) -> None:
    translated = _translated(error)

    assert translated.code is expected[0]
    assert translated.message.startswith(expected[1])
    assert expected[2] in translated.hint
    assert bool(translated.hint) == bool(expected[2])
    assert "\n" not in translated.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (boto.ConnectTimeoutError(endpoint_url=_URL), ErrorCode.NETWORK),
        (boto.SSLError(endpoint_url=_URL, error=OSError("bad certificate")), ErrorCode.NETWORK),
        (boto.ProxyConnectionError(proxy_url="http://proxy"), ErrorCode.NETWORK),
        (boto.LoginRefreshRequired(), ErrorCode.CREDENTIALS_EXPIRED),
        (boto.LoginTokenLoadError(error_msg="no token"), ErrorCode.CREDENTIALS_EXPIRED),
        (boto.InvalidRegionError(region_name="Frankfurt am Main"), ErrorCode.NO_REGION),
        (
            boto.InvalidRetryModeError(provided_retry_mode="x", valid_modes=["standard"]),
            ErrorCode.NO_CREDENTIALS,
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_network_login_and_settings_are_no_internal_errors(
    error: Exception, code: ErrorCode
) -> None:
    assert _translated(error).code is code


def test_without_a_profile_hints_name_none() -> None:
    expired = _translated(_client_error("ExpiredToken"), profile=None)
    rejected = _translated(_client_error("InvalidClientTokenId"), profile=None)

    assert "aws sso login. Otherwise" in expired.hint
    assert rejected.hint.endswith("aws sts get-caller-identity")


def test_a_conflict_ends_as_partly_done() -> None:
    assert _translated(_client_error("DeleteConflict")).exit_status is ExitStatus.PARTIAL


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(KeyError, match="a defect"), aws_errors(None):
        raise KeyError("a defect")


def test_without_a_failure_nothing_happens() -> None:
    with aws_errors(None):
        pass


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("NotFoundException", ErrorCode.NOT_FOUND),
        ("AlreadyExistsException", ErrorCode.ALREADY_EXISTS),
    ],
)
def test_what_ses_answers_of_identities_that_are_there_or_not(
    code: str, expected: ErrorCode
) -> None:
    assert _translated(_client_error(code, operation="CreateEmailIdentity")).code is expected


def test_an_identity_that_an_ses_tenant_needs_is_told_with_what_shows_it() -> None:
    arn = "arn:aws:ses:eu-central-1:123456789012:identity/shop.example.com"
    said = (
        f"Cannot delete {arn} because it has tenant associations. Remove all tenant associations "
        "and try again."
    )
    error = _translated(_client_error("BadRequestException", said, "DeleteEmailIdentity"))
    assert error.code is ErrorCode.ALREADY_EXISTS
    assert error.message.startswith("An SES tenant needs it")
    assert error.hint.endswith(f"aws sesv2 list-resource-tenants --resource-arn {arn}")


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("CreateEmailIdentity", "ses:CreateEmailIdentity"),
        ("DeleteEmailIdentity", "ses:DeleteEmailIdentity"),
        ("ChangeResourceRecordSets", "route53:ChangeResourceRecordSets"),
    ],
)
def test_a_denial_names_the_action_of_its_service(operation: str, action: str) -> None:
    error = _translated(_client_error("AccessDeniedException", "Denied.", operation))
    assert f"AWS denies {action}:" in error.message
