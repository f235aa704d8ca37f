"""What is told of secrets, parameters and keys, on moto and where it differs from AWS."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.stores import Stores
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.proof.guards import AWS_KEY, SecretTold

pytestmark = pytest.mark.usefixtures("credentials")

REGION = "eu-central-1"
POLICY = {"Version": "2012-10-17", "Statement": []}
BOB = "arn:aws:iam::123456789012:user/bob"


@pytest.fixture
def session() -> Iterator[AwsSession]:
    with mock_aws():
        yield open_session(None, REGION, None)


def refuse(session: AwsSession, service: str, operation: str, code: str) -> None:
    def raised(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "No."}}, operation)

    session.boto.events.register(f"before-call.{service}.{operation}", raised)


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


class _Raw:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


def answered(told: Any) -> Any:
    """Return what a handler of `before-call` returns to answer so."""
    return AWSResponse("", 200, {}, _Raw()), told  # type: ignore[arg-type]


def test_a_secret_with_its_whole_arn_its_policy_and_its_key(session: AwsSession) -> None:
    secrets, stores = client("secretsmanager"), Stores(session)
    assert stores.secret(REGION, "web/shop") is None
    arn = secrets.create_secret(Name="web/shop", SecretString="x")["ARN"]
    assert stores.secret(REGION, "web/shop") == SecretTold(arn, None, None)
    assert stores.secret(REGION, arn) == SecretTold(arn, None, None)
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps(POLICY))
    secrets.update_secret(SecretId=arn, KmsKeyId="alias/site")
    assert stores.secret(REGION, "web/shop") == SecretTold(arn, POLICY, "alias/site")
    other = open_session(None, REGION, None)
    refuse(other, "secrets-manager", "GetResourcePolicy", "AccessDeniedException")
    with pytest.raises(SesTenantError, match="secretsmanager:GetResourcePolicy") as refused:
        Stores(other).secret(REGION, arn)
    assert refused.value.code is ErrorCode.ACCESS_DENIED


def test_parameters_with_their_keys(session: AwsSession) -> None:
    parameters, stores = client("ssm"), Stores(session)
    for name, kind, more in (
        ("/web/shop", "SecureString", {}),
        ("/web/blog", "SecureString", {"KeyId": "alias/site"}),
        ("plain", "String", {}),
        ("/web/other", "SecureString", {}),
    ):
        parameters.put_parameter(Name=name, Value="x", Type=kind, **more)
    names = ["/web/shop", "/web/blog", "plain", "/web/none"]
    assert stores.parameters(REGION, names) == {
        "/web/shop": "alias/aws/ssm",
        "/web/blog": "alias/site",
        "plain": None,
    }


def test_parameters_on_several_pages(session: AwsSession) -> None:
    pages = [
        {"Parameters": [{"Name": "/a", "Type": "String"}], "NextToken": "more"},
        {"Parameters": [{"Name": "/b", "Type": "SecureString", "KeyId": "k"}]},
    ]
    asked: list[Any] = []

    def respond(params: dict[str, Any], **_: object) -> Any:
        asked.append(json.loads(params["body"]))
        return answered(pages[len(asked) - 1])

    session.boto.events.register("before-call.ssm.DescribeParameters", respond)
    assert Stores(session).parameters(REGION, ["/a", "/b"]) == {"/a": None, "/b": "k"}
    wanted = [{"Key": "Name", "Option": "Equals", "Values": ["/a", "/b"]}]
    assert [each["ParameterFilters"] for each in asked] == [wanted, wanted]
    assert asked[1]["NextToken"] == "more"


def test_a_key_with_its_policy_and_grants(session: AwsSession) -> None:
    kms, stores = client("kms"), Stores(session)
    arn = kms.create_key(Policy=json.dumps(POLICY))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/site", TargetKeyId=arn)
    for operations, grantee in ((["Decrypt"], BOB), (["Encrypt"], f"{BOB}2")):
        kms.create_grant(KeyId=arn, GranteePrincipal=grantee, Operations=operations)
    for key_id in (arn, "alias/site", f"{arn.partition(':key/')[0]}:alias/site"):
        key = stores.key(REGION, key_id)
        assert (key.arn, key.grantees, key.of_aws) == (arn, (BOB,), False)
        assert key.policy is not None
        assert key.policy.document == POLICY
    assert stores.key(REGION, arn.partition("/")[2]).arn == arn


def test_grants_that_may_not_be_listed_or_are_too_many(session: AwsSession) -> None:
    kms = client("kms")
    arn = kms.create_key(Policy=json.dumps(POLICY))["KeyMetadata"]["Arn"]
    refuse(session, "kms", "ListGrants", "AccessDeniedException")
    key = Stores(session).key(REGION, arn)
    assert (key.grantees, key.policy is None) == (None, False)


@pytest.mark.parametrize(
    ("operation", "code", "expected"),
    [
        ("ListGrants", "ThrottlingException", ErrorCode.THROTTLED),
        ("GetKeyPolicy", "AccessDeniedException", ErrorCode.ACCESS_DENIED),
        ("GetKeyPolicy", "NotFoundException", ErrorCode.NOT_FOUND),
        ("DescribeKey", "AccessDeniedException", ErrorCode.ACCESS_DENIED),
    ],
)
def test_what_fails_of_a_key(
    session: AwsSession, operation: str, code: str, expected: ErrorCode
) -> None:
    kms = client("kms")
    arn = kms.create_key(Policy=json.dumps(POLICY))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/site", TargetKeyId=arn)
    refuse(session, "kms", operation, code)
    with pytest.raises(SesTenantError) as failed:
        Stores(session).key(REGION, "alias/site")
    assert failed.value.code is expected


def test_the_keys_of_aws_itself_are_known_by_who_manages_them(session: AwsSession) -> None:
    def respond(**_: object) -> Any:
        return answered({"KeyMetadata": {"Arn": "arn:aws:kms:x:1:key/x", "KeyManager": "AWS"}})

    session.boto.events.register("before-call.kms.DescribeKey", respond)
    assert Stores(session).key(REGION, "alias/other") is AWS_KEY
