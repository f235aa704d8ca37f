"""Secrets Manager's contract: its events, and which version of a secret is which."""

from typing import Any

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.secret_versions import RotationEvent, RotationStep, SecretVersions
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from tests.core.samples import SHOP

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:web/shop-a1B2c3"
EVENT: dict[str, object] = {"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": "t-1"}
NEW, CURRENT, OLD = "new", "current", "old"
SECRET = SecretVersions(
    "web/shop",
    ARN,
    rotation_enabled=True,
    stages={OLD: ("AWSPREVIOUS",), CURRENT: ("AWSCURRENT",), NEW: ("AWSPENDING",)},
)


def refusal(of: Any, *arguments: object) -> SesTenantError:
    with pytest.raises(SesTenantError) as caught:
        of(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("step", "meant"),
    [
        ("createSecret", RotationStep.CREATE),
        ("set_secret", RotationStep.SET),
        ("testSecret", RotationStep.TEST),
        ("finish_secret", RotationStep.FINISH),
    ],
)
def test_an_event_of_a_rotation(step: str, meant: RotationStep) -> None:
    event = RotationEvent.parse({**EVENT, "Step": step, "RotationToken": "r-1"})
    assert event == RotationEvent(meant, ARN, "t-1", "r-1")
    assert event.process == Process("rotation-t-1", 0)
    assert event.region == "eu-central-1"
    assert "t-1" not in repr(event)
    plain = RotationEvent.parse(EVENT)
    assert plain.rotation_token is None
    long = RotationEvent.parse({**EVENT, "ClientRequestToken": "x" * 64})
    assert len(long.process.host) == 64
    assert RotationEvent.parse({**EVENT, "SecretId": "web/shop"}).region is None
    assert RotationEvent.parse({**EVENT, "SecretId": "a:b:c"}).region is None
    assert RotationEvent.parse({**EVENT, "SecretId": "a:b:c:d"}).region == "d"


@pytest.mark.parametrize(
    "event",
    [{**EVENT, "Step": "x"}, {**EVENT, "SecretId": ""}, {**EVENT, "ClientRequestToken": None}, {}],
)
def test_what_is_no_event_of_a_rotation(event: dict[str, object]) -> None:
    error = refusal(RotationEvent.parse, event)
    assert error.code is ErrorCode.USAGE
    assert error.message == (
        f"This is not an event of a rotation: its Step is '{event.get('Step', '')}'."
    )
    assert error.hint == (
        "Let Secrets Manager invoke the function: aws secretsmanager rotate-secret "
        "--secret-id NAME --rotation-lambda-arn ARN"
    )


def test_whether_a_rotation_is_over() -> None:
    assert SECRET.current == CURRENT
    assert SecretVersions("web/shop", ARN, rotation_enabled=True, stages={}).current is None
    assert SECRET.check(NEW) is False
    assert SECRET.check(CURRENT) is True
    off = SecretVersions("web/shop", ARN, rotation_enabled=False, stages=SECRET.stages)
    for secret, token, why in (
        (SECRET, "x", "it has no version x"),
        (SECRET, OLD, "its version old is not AWSPENDING: that rotation is over"),
        (off, NEW, "its rotation is not turned on"),
    ):
        error = refusal(secret.check, token)
        assert error.code is ErrorCode.USAGE
        assert error.message == f"The secret web/shop cannot be rotated: {why}."
        assert error.hint == (
            "To begin anew: aws secretsmanager rotate-secret --secret-id web/shop"
        )


def spec(destination: str) -> TenantSpec:
    return TenantSpec(SHOP, Interface.SMTP, ("eu-central-1", "us-east-1"), destination=destination)


@pytest.mark.parametrize("name", ["web/shop", ARN, ARN[:-7]])
def test_the_secret_that_rotate_keys_delivers_to(name: str) -> None:
    SECRET.require_destination_of(spec(f"secretsmanager:{name}"))


@pytest.mark.parametrize(
    ("destination", "where"),
    [
        ("ssm:web/shop", "eu-central-1"),
        ("secretsmanager:web/other", "eu-central-1"),
        (f"secretsmanager:{ARN.replace('eu-central-1', 'us-east-1')}", "us-east-1"),
    ],
)
def test_another_secret(destination: str, where: str) -> None:
    error = refusal(SECRET.require_destination_of, spec(destination))
    assert error.code is ErrorCode.DESTINATION_UNAVAILABLE
    assert error.message == (
        "The secret web/shop is not where the credentials of shop.example.com go, which is "
        f"{destination} in {where}."
    )
    assert error.hint == f"ses-tenant create shop.example.com --to secretsmanager:{ARN}"
