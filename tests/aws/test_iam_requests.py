"""What each step sends: one call, named after it, that says whose things it means."""

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from ses_tenant.aws.iam import Iam
from ses_tenant.aws.session import open_session
from ses_tenant.core.iam.authorization import Request
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.observed import KeyStatus
from tests.fakes.example_tenant import SUSPENDED_POLICY

from .raw import response

pytestmark = pytest.mark.usefixtures("credentials")

_POLICY = "arn:aws:iam::123456789012:policy/boundary"
_MFA = "arn:aws:iam::123456789012:mfa/phone"
_ID = "ABCDEFGHIJKLMNOPQRSTUVWX"
_DENY = (
    '{"Version":"2012-10-17","Statement":'
    '[{"Sid":"SuspendedActiveWere","Effect":"Deny","Action":"*","Resource":"*"}]}'
)

_SENT: list[tuple[steps.Write, dict[str, str]]] = [
    (steps.UpdateUser("shop", "/a/"), {"NewPath": "/a/"}),
    (steps.UpdateUser("shop", "/a/", "b"), {"NewPath": "/a/", "NewUserName": "b"}),
    (steps.PutUserPermissionsBoundary("shop", _POLICY), {"PermissionsBoundary": _POLICY}),
    (
        steps.TagUser("shop", {"k": "v"}),
        {"Tags.member.1.Key": "k", "Tags.member.1.Value": "v"},
    ),
    (steps.UntagUser("shop", ("k", "l")), {"TagKeys.member.1": "k", "TagKeys.member.2": "l"}),
    (
        steps.PutUserPolicy("shop", "p", SUSPENDED_POLICY),
        {"PolicyName": "p", "PolicyDocument": _DENY},
    ),
    (
        steps.UpdateAccessKey("shop", _ID, KeyStatus.INACTIVE),
        {"AccessKeyId": _ID, "Status": "Inactive"},
    ),
    (steps.DeleteAccessKey("shop", _ID), {"AccessKeyId": _ID}),
    (steps.DeleteUserPolicy("shop", "p"), {"PolicyName": "p"}),
    (steps.DetachUserPolicy("shop", _POLICY), {"PolicyArn": _POLICY}),
    (steps.RemoveUserFromGroup("shop", "g"), {"GroupName": "g"}),
    (steps.DeleteLoginProfile("shop"), {}),
    (steps.DeactivateMFADevice("shop", _MFA), {"SerialNumber": _MFA}),
    (steps.DeleteSSHPublicKey("shop", _ID), {"SSHPublicKeyId": _ID}),
    (steps.DeleteSigningCertificate("shop", _ID), {"CertificateId": _ID}),
    (
        steps.DeleteServiceSpecificCredential("shop", _ID),
        {"ServiceSpecificCredentialId": _ID},
    ),
    (steps.DeleteUser("shop"), {}),
]


class _Recorder:
    """Takes each request from botocore before it is sent, and answers it."""

    def __init__(self, answer: Mapping[str, object]) -> None:
        self.bodies: list[dict[str, str]] = []
        self._answer = answer
        session = open_session(None, "eu-central-1", "http://127.0.0.1:9")
        # What such a handler returns is taken for the answer; its stub knows only handlers that
        # return nothing.
        session.boto.events.register("before-call.iam", self._record)  # type: ignore[arg-type]
        self.iam = Iam(session)

    def _record(self, params: Mapping[str, Any], **_: object) -> object:
        self.bodies.append(dict(params["body"]))
        return response(200, b"<AnyResponse>"), self._answer


@pytest.mark.parametrize(("step", "sent"), _SENT, ids=lambda v: type(v).__name__)
def test_a_step_is_one_request_that_names_the_user(step: steps.Write, sent: dict[str, str]) -> None:
    recorder = _Recorder({})

    recorder.iam.apply(step)

    assert recorder.bodies == [
        {
            "Action": step.action.removeprefix("iam:"),
            "Version": "2010-05-08",
            "UserName": "shop",
            **sent,
        }
    ]


def test_deleting_a_virtual_mfa_device_is_the_one_request_without_a_user() -> None:
    recorder = _Recorder({})

    recorder.iam.apply(steps.DeleteVirtualMFADevice("shop", _MFA))

    assert recorder.bodies == [
        {"Action": "DeleteVirtualMFADevice", "Version": "2010-05-08", "SerialNumber": _MFA}
    ]


def test_each_kind_of_step_is_tested_here() -> None:
    tested = {type(step) for step, _ in _SENT} | {steps.DeleteVirtualMFADevice}
    assert tested == set(get_args(steps.Write))


_USER = {
    "UserName": "shop",
    "Arn": "arn:aws:iam::123456789012:user/a/shop",
    "Path": "/a/",
    "CreateDate": None,
}


@pytest.mark.parametrize("boundary", [None, _POLICY])
def test_a_user_is_made_with_tags_and_boundary_in_one_request(boundary: str | None) -> None:
    recorder = _Recorder({"User": _USER})

    user = recorder.iam.create_user(steps.CreateUser("shop", "/a/", {"k": "v"}, boundary))

    assert recorder.bodies == [
        {
            "Action": "CreateUser",
            "Version": "2010-05-08",
            "UserName": "shop",
            "Path": "/a/",
            "Tags.member.1.Key": "k",
            "Tags.member.1.Value": "v",
            **({"PermissionsBoundary": boundary} if boundary else {}),
        }
    ]
    assert (user.tags, user.permissions_boundary) == ({"k": "v"}, boundary)


def test_every_read_of_a_user_names_it() -> None:
    empty: dict[str, object] = {
        "User": _USER,
        "PolicyNames": [],
        "PolicyDocument": "%7B%7D",
        "AccessKeyMetadata": [],
        "AttachedPolicies": [],
        "Groups": [],
        "MFADevices": [],
        "SSHPublicKeys": [],
        "Certificates": [],
        "ServiceSpecificCredentials": [],
        "AccessKey": {"AccessKeyId": _ID, "SecretAccessKey": "s+/"},
    }
    recorder = _Recorder(empty)
    iam = recorder.iam

    iam.get_user("shop")
    iam.list_user_policies("shop")
    iam.get_user_policy("shop", "p")
    iam.list_access_keys("shop")
    iam.list_attachments("shop")
    iam.create_access_key("shop")

    assert {body["Action"] for body in recorder.bodies} == {
        "GetUser",
        "ListUserPolicies",
        "GetUserPolicy",
        "ListAccessKeys",
        "ListAttachedUserPolicies",
        "ListGroupsForUser",
        "GetLoginProfile",
        "ListMFADevices",
        "ListSSHPublicKeys",
        "ListSigningCertificates",
        "ListServiceSpecificCredentials",
        "CreateAccessKey",
    }
    assert [body.get("UserName") for body in recorder.bodies] == ["shop"] * 12


@pytest.mark.parametrize(("decision", "lets_through"), [("allowed", True), ("explicitDeny", False)])
def test_the_simulator_is_asked_with_every_key_of_the_request(
    decision: str, lets_through: bool
) -> None:
    recorder = _Recorder({"EvaluationResults": [{"EvalDecision": decision}]})
    context = {
        "ses:fromaddress": ("a@b.example",),
        "ses:recipients": ("c@d.example", "e@f.example"),
    }
    user = "arn:aws:iam::123456789012:user/a/shop"

    answer = recorder.iam.simulate(Request("ses:SendRawEmail", "*", context, user))

    assert answer is lets_through
    assert recorder.bodies == [
        {
            "Action": "SimulatePrincipalPolicy",
            "Version": "2010-05-08",
            "PolicySourceArn": user,
            "ActionNames.member.1": "ses:SendRawEmail",
            "ResourceArns.member.1": "*",
            "ContextEntries.member.1.ContextKeyName": "ses:fromaddress",
            "ContextEntries.member.1.ContextKeyType": "string",
            "ContextEntries.member.1.ContextKeyValues.member.1": "a@b.example",
            "ContextEntries.member.2.ContextKeyName": "ses:recipients",
            "ContextEntries.member.2.ContextKeyType": "stringList",
            "ContextEntries.member.2.ContextKeyValues.member.1": "c@d.example",
            "ContextEntries.member.2.ContextKeyValues.member.2": "e@f.example",
        }
    ]
