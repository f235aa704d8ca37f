"""The two stores of AWS's, on moto: what is written, kept, refused, and how many requests it takes.

How AWS words a refusal is written out here where moto never refuses.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.errors import ErrorCode
from ses_tenant.destinations.document import DocumentDestination
from ses_tenant.destinations.secretsmanager import secretsmanager
from ses_tenant.destinations.ssm import ssm

from .destination_samples import (
    HOST,
    HOST_2,
    KEY_ID,
    NEXT_KEY_ID,
    NEXT_SECRET,
    PASSWORD,
    PASSWORD_2,
    SECRET,
    SHOP,
    api,
    assert_no_secret,
    refused,
    smtp,
)

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

UNAVAILABLE = ErrorCode.DESTINATION_UNAVAILABLE
NEXT = api(NEXT_SECRET, access_key_id=NEXT_KEY_ID)
NAMES = {"secretsmanager": "sites/shop.example.com", "ssm": "/sites/shop.example.com"}
FOREIGN = ["precious", json.dumps({"comment": "written by ses-tenant for myshop.example.com"})]


@dataclass
class Store:
    """One of the two stores, its client, and the calls made so far."""

    scheme: str
    session: AwsSession
    calls: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return NAMES[self.scheme]

    @property
    def secrets(self) -> "SecretsManagerClient":
        return self.session.secretsmanager_client("eu-central-1")

    @property
    def parameters(self) -> "SSMClient":
        return self.session.ssm_client("eu-central-1")

    def open(self, *, force: bool = False) -> DocumentDestination:
        make = secretsmanager if self.scheme == "secretsmanager" else ssm
        return make(self.name, "eu-central-1", SHOP, self.session, force=force)

    def write(self, text: str) -> None:
        """Write as somebody else would."""
        if self.scheme == "secretsmanager":
            self.secrets.create_secret(Name=self.name, SecretString=text)
        else:
            self.parameters.put_parameter(Name=self.name, Value=text, Type="SecureString")
        self.calls.clear()

    def read(self) -> str:
        if self.scheme == "secretsmanager":
            return self.secrets.get_secret_value(SecretId=self.name)["SecretString"]
        answer = self.parameters.get_parameter(Name=self.name, WithDecryption=True)
        return answer["Parameter"].get("Value", "")

    def answer(self, operation: str, status: int, code: str, message: str) -> None:
        """Let AWS answer an operation with an error."""
        body = json.dumps({"__type": code, "message": message}).encode()

        class Raw:
            def stream(self, **_: object) -> Iterator[bytes]:
                yield body

        # botocore takes what a handler of this event returns as the answer.
        def respond(**_: object) -> Any:
            headers = {"content-type": "application/x-amz-json-1.1"}
            return AWSResponse("https://here/", status, headers, Raw())  # type: ignore[arg-type]

        client = self.secrets if self.scheme == "secretsmanager" else self.parameters
        client.meta.events.register_first(f"before-send.{self.scheme}.{operation}", respond)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsSession]:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "operator")
    with mock_aws():
        yield open_session(None, "eu-central-1", None)


@pytest.fixture(params=["secretsmanager", "ssm"])
def store(request: pytest.FixtureRequest, session: AwsSession) -> Store:
    made = Store(request.param, session)

    def count(model: Any, **_: object) -> None:
        made.calls.append(model.name)

    session.boto.events.register("before-call", count)
    return made


@pytest.fixture
def secret_store(session: AwsSession) -> Store:
    return Store("secretsmanager", session)


def test_the_document_of_an_api_tenant(store: Store) -> None:
    store.open().put(api())
    assert json.loads(store.read()) == {
        "version": 1,
        "comment": "written by ses-tenant for shop.example.com",
        "domain": "shop.example.com",
        "region": "eu-central-1",
        "iam_user": "ses-shop.example.com",
        "access_key_id": KEY_ID,
        "secret_access_key": SECRET,
    }


def test_the_document_of_an_smtp_tenant_has_no_secret_access_key(store: Store) -> None:
    store.open().put(smtp(two_regions=True))
    login = {"port": 587, "user_name": KEY_ID}
    assert json.loads(store.read()) == {
        "version": 1,
        "comment": "written by ses-tenant for shop.example.com",
        "domain": "shop.example.com",
        "region": "eu-central-1",
        "iam_user": "ses-shop.example.com",
        "access_key_id": KEY_ID,
        "smtp_host": HOST,
        "smtp_port": 587,
        "smtp_username": KEY_ID,
        "smtp_password": PASSWORD,
        "smtp": [
            {"region": "eu-central-1", "host": HOST, "password": PASSWORD, **login},
            {"region": "us-west-1", "host": HOST_2, "password": PASSWORD_2, **login},
        ],
    }


def test_created_then_updated(store: Store) -> None:
    here = store.open()
    assert here.readable is True
    assert here.held_key() is None
    here.check()
    here.put(api())
    assert here.held_key() == KEY_ID
    store.open().put(NEXT)
    assert store.open().held_key() == NEXT_KEY_ID


def test_requests_of_a_creation(store: Store) -> None:
    here = store.open()
    here.check()
    here.put(api())
    assert (
        store.calls
        == {
            "secretsmanager": ["GetSecretValue", "PutSecretValue", "CreateSecret"],
            "ssm": ["GetParameter", "PutParameter"],
        }[store.scheme]
    )


def test_requests_of_a_rotation(store: Store) -> None:
    store.open().put(api())
    store.calls.clear()
    here = store.open()
    assert here.held_key() == KEY_ID
    here.check()
    here.put(NEXT)
    assert (
        store.calls
        == {
            "secretsmanager": ["GetSecretValue", "PutSecretValue"],
            "ssm": ["GetParameter", "PutParameter"],
        }[store.scheme]
    )


def test_the_former_credentials_stay_readable(secret_store: Store) -> None:
    secret_store.open().put(api())
    secret_store.open().put(NEXT)
    read = secret_store.secrets.get_secret_value
    stages = ("AWSCURRENT", "AWSPREVIOUS")
    found = [
        json.loads(read(SecretId=secret_store.name, VersionStage=stage)["SecretString"])
        for stage in stages
    ]
    assert [document["access_key_id"] for document in found] == [NEXT_KEY_ID, KEY_ID]
    assert [document["secret_access_key"] for document in found] == [NEXT_SECRET, SECRET]


def test_a_new_secret_says_whose_it_is(secret_store: Store) -> None:
    secret_store.open().put(api())
    about = secret_store.secrets.describe_secret(SecretId=secret_store.name)
    assert about["Description"] == "SES credentials of shop.example.com"
    assert about["Tags"] == [{"Key": "ses-tenant:domain", "Value": "shop.example.com"}]


def test_a_secret_by_its_arn(secret_store: Store) -> None:
    arn = secret_store.secrets.create_secret(Name=secret_store.name)["ARN"]
    here = secretsmanager(arn, "us-east-1", SHOP, secret_store.session, force=False)
    here.check()
    here.put(api())
    assert here.held_key() == KEY_ID
    assert secret_store.open().held_key() == KEY_ID


def test_a_secret_without_a_value_is_filled(secret_store: Store) -> None:
    """As Terraform and CloudFormation make them."""
    secret_store.secrets.create_secret(Name=secret_store.name)
    here = secret_store.open()
    assert here.held_key() is None
    here.check()
    here.put(api())
    assert secret_store.open().held_key() == KEY_ID


def test_the_parameter_is_encrypted(session: AwsSession) -> None:
    store = Store("ssm", session)
    store.open().put(api())
    store.open().put(NEXT)
    (about,) = store.parameters.describe_parameters()["Parameters"]
    assert (about["Name"], about["Type"], about["Version"]) == (store.name, "SecureString", 2)
    sealed = store.parameters.get_parameter(Name=store.name)["Parameter"].get("Value", "")
    assert sealed.startswith("kms:alias/aws/ssm:")  # how moto shows what it would encrypt


@pytest.mark.parametrize("text", FOREIGN)
def test_what_somebody_else_wrote_is_refused(text: str, store: Store) -> None:
    store.write(text)
    with refused(UNAVAILABLE, store.name, "not written by ses-tenant for shop.example.com"):
        store.open().check()
    assert store.read() == text


@pytest.mark.parametrize("text", [*FOREIGN, f"{KEY_ID} and {NEXT_KEY_ID}"])
def test_force_takes_what_somebody_else_wrote(text: str, store: Store) -> None:
    store.write(text)
    here = store.open(force=True)
    here.check()
    here.put(api())
    assert here.held_key() == KEY_ID


def test_a_binary_secret_of_somebody_else_is_refused(secret_store: Store) -> None:
    client = secret_store.secrets
    client.create_secret(Name=secret_store.name, SecretBinary=b"\x00\xffprecious")
    with refused(UNAVAILABLE, secret_store.name, "not written by ses-tenant"):
        secret_store.open().check()
    found = client.get_secret_value(SecretId=secret_store.name)
    assert found["SecretBinary"] == b"\x00\xffprecious"


def test_several_keys_are_not_guessed_between(store: Store) -> None:
    store.write(f"{KEY_ID} and {NEXT_KEY_ID}")
    with refused(UNAVAILABLE, store.name, "several access keys"):
        store.open().held_key()


def test_a_secret_that_is_scheduled_for_deletion(secret_store: Store) -> None:
    secret_store.open().put(api())
    secret_store.secrets.delete_secret(SecretId=secret_store.name)
    for method in ("held_key", "check"):
        with refused(UNAVAILABLE, secret_store.name, "InvalidRequestException"):
            getattr(secret_store.open(), method)()
    with pytest.raises(ClientError):
        secret_store.read()


DENIALS: list[tuple[str, str, Callable[[DocumentDestination], object]]] = [
    ("GetSecretValue", "secretsmanager", lambda here: here.held_key()),
    ("GetSecretValue", "secretsmanager", lambda here: here.check()),
    ("PutSecretValue", "secretsmanager", lambda here: here.put(api())),
    ("CreateSecret", "secretsmanager", lambda here: here.put(api())),
    ("GetParameter", "ssm", lambda here: here.held_key()),
    ("GetParameter", "ssm", lambda here: here.check()),
    ("PutParameter", "ssm", lambda here: here.put(api())),
]


@pytest.mark.parametrize(("operation", "scheme", "use"), DENIALS)
def test_a_denial_names_the_action(
    operation: str, scheme: str, use: Callable[[DocumentDestination], object], session: AwsSession
) -> None:
    store = Store(scheme, session)
    said = (
        f"User: arn:aws:iam::123456789012:user/operator is not authorized to perform: "
        f"{scheme}:{operation} on resource: x because no identity-based policy allows it"
    )
    store.answer(operation, 400, "AccessDeniedException", said)
    with refused(ErrorCode.ACCESS_DENIED, f"AWS denies {scheme}:{operation}"):
        use(store.open())


@pytest.mark.parametrize(
    ("scheme", "operation", "code", "said"),
    [
        ("ssm", "PutParameter", "HierarchyTypeMismatchException", "a String stays a String"),
        ("ssm", "PutParameter", "ParameterMaxVersionLimitExceeded", "the oldest has a label"),
        ("ssm", "PutParameter", "ValidationException", "Standard tier has at most 4096 characters"),
        ("ssm", "GetParameter", "InvalidKeyId", "the KMS key is disabled"),
        ("secretsmanager", "PutSecretValue", "DecryptionFailure", "the KMS key is gone"),
        ("secretsmanager", "CreateSecret", "ResourceExistsException", "somebody was faster"),
    ],
)
def test_what_a_store_refuses_for_reasons_of_its_own(
    scheme: str, operation: str, code: str, said: str, session: AwsSession
) -> None:
    store = Store(scheme, session)
    store.answer(operation, 400, code, said)
    with refused(UNAVAILABLE, store.name, said):
        here = store.open()
        here.held_key() if operation == "GetParameter" else here.put(api())


def test_nothing_about_a_destination_shows_a_secret(store: Store) -> None:
    here = store.open()
    here.put(api())
    assert_no_secret(repr(here) + str(here))
