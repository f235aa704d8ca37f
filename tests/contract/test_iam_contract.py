"""The fake IAM and the gateway to AWS, held to the same behaviour.

`TestBoth` runs on the fake and on `ses_tenant.aws.iam.Iam` in front of moto. What moto gets wrong
is asserted on the fake alone, in `TestStricterThanMoto`, each with what moto does instead.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from ses_tenant.aws.iam import Iam as AwsIam
from ses_tenant.aws.session import open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.proof.members import members
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.observed import Attachments, KeyStatus, ReportedKey
from ses_tenant.operations.protocols import Iam
from tests.fakes.example_tenant import (
    API_POLICY,
    ARN,
    NAME,
    PATH,
    SHOP,
    SMTP_POLICY,
    SUSPENDED_POLICY,
    TAGS,
)
from tests.fakes.iam import BOUNDARY, EVERYTHING, MANAGED_POLICY, FakeIam

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

# What both can hang on a user: moto knows no service-specific credentials.
_MFA = "arn:aws:iam::123456789012:mfa/phone"
_POLICY_ARN = "arn:aws:iam::123456789012:policy/extra"

CREATE = steps.CreateUser(NAME, PATH, TAGS)


class Account(ABC):
    """An implementation, and what a test needs beside it."""

    iam: Iam
    calls: list[str]

    @abstractmethod
    def attach(self, user_name: str) -> Attachments:
        """Hang one thing of each kind on a user; return what ListAttachments should answer."""

    @abstractmethod
    def virtual_mfa_devices(self) -> set[str]:
        """Return the virtual MFA devices of the account."""


class FakeAccount(Account):
    def __init__(self) -> None:
        self.fake = FakeIam()
        self.iam = self.fake
        self.calls = self.fake.calls

    def attach(self, user_name: str) -> Attachments:
        attachments = Attachments(
            managed_policies=(_POLICY_ARN,),
            groups=("mailers",),
            login_profile=True,
            mfa_devices=(_MFA,),
            ssh_keys=EVERYTHING.ssh_keys,
            certificates=EVERYTHING.certificates,
        )
        self.fake.attach(user_name, attachments)
        self.fake.managed = {_POLICY_ARN: SUSPENDED_POLICY}
        self.fake.groups = {"mailers": {}}
        return attachments

    def virtual_mfa_devices(self) -> set[str]:
        return set(self.fake.virtual_mfa_devices)


class MotoAccount(Account):
    def __init__(self) -> None:
        self.iam, self.calls, self._client = _on_moto()
        self.calls.clear()

    def attach(self, user_name: str) -> Attachments:
        client = self._client
        document = json.dumps(SUSPENDED_POLICY)
        client.create_policy(PolicyName="extra", PolicyDocument=document)
        client.attach_user_policy(UserName=user_name, PolicyArn=_POLICY_ARN)
        client.create_group(GroupName="mailers")
        client.add_user_to_group(UserName=user_name, GroupName="mailers")
        client.create_login_profile(UserName=user_name, Password="correct horse 1 Battery!")
        serial = client.create_virtual_mfa_device(VirtualMFADeviceName="phone")
        client.enable_mfa_device(
            UserName=user_name,
            SerialNumber=serial["VirtualMFADevice"]["SerialNumber"],
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )
        ssh = client.upload_ssh_public_key(UserName=user_name, SSHPublicKeyBody="ssh-rsa AAAA")
        certificate = client.upload_signing_certificate(
            UserName=user_name, CertificateBody=_CERTIFICATE
        )
        return Attachments(
            managed_policies=(_POLICY_ARN,),
            groups=("mailers",),
            login_profile=True,
            mfa_devices=(_MFA,),
            ssh_keys=(ssh["SSHPublicKey"]["SSHPublicKeyId"],),
            certificates=(certificate["Certificate"]["CertificateId"],),
        )

    def virtual_mfa_devices(self) -> set[str]:
        answer = self._client.list_virtual_mfa_devices()
        return {device["SerialNumber"] for device in answer["VirtualMFADevices"]}


@cache
def _on_moto() -> "tuple[Iam, list[str], IAMClient]":
    """Return the gateway, the record of its calls, and a client whose calls go past the record.

    Clients take long to make and keep no state of the account, so all tests share them.
    """
    calls: list[str] = []

    def record(model: Any, **_: object) -> None:
        calls.append(f"iam:{model.name}")

    client = boto3.client("iam", region_name="eu-central-1")
    session = open_session(None, "eu-central-1", None)
    session.boto.events.register("before-call.iam", record)
    return AwsIam(session), calls, client


# A self-signed certificate whose key was thrown away.
_CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIHLMH+gAwIBAgIBATAFBgMrZXAwDzENMAsGA1UEAwwEdGVzdDAgFw0yMDAxMDEw
MDAwMDBaGA8yMDk5MDEwMTAwMDAwMFowDzENMAsGA1UEAwwEdGVzdDAqMAUGAytl
cAMhAIGOjX1Ld9mzuc7OKoBnk5QR/F7q/T5Qd/gis1fXmQkDMAUGAytlcANBAHY3
nJAqt67Dm3zmZKLE7FJbKzo9biPgvjMWoMwQdH8G8GQw4V+rYroc5OLGwSFQz3GY
cDN2SnmEAIcA8DqlaQA=
-----END CERTIFICATE-----
"""


@pytest.fixture(params=["fake", "moto"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    if request.param == "fake":
        yield FakeAccount()
        return
    with mock_aws():
        yield MotoAccount()


def _code(call: Callable[[], object]) -> ErrorCode:
    with pytest.raises(SesTenantError) as caught:
        call()
    return caught.value.code


def _put(name: str, document: Mapping[str, object], user_name: str = NAME) -> steps.PutUserPolicy:
    return steps.PutUserPolicy(user_name, name, document)


class TestBoth:
    """What the operations rely on."""

    def test_a_user_that_is_not_there_is_none(self, account: Account) -> None:
        assert account.iam.get_user(NAME) is None
        assert account.calls == ["iam:GetUser"]

    def test_a_user_that_was_made_is_found_as_it_was_made(self, account: Account) -> None:
        made = account.iam.create_user(CREATE)

        assert made.user_name == NAME
        assert made.user_arn == ARN
        assert made.path == PATH
        assert made.tags == TAGS
        assert made.permissions_boundary is None
        assert made.created_at.utcoffset() == timedelta(0)
        assert account.iam.get_user(NAME) == made
        assert account.calls == ["iam:CreateUser", "iam:GetUser"]

    def test_a_new_user_has_nothing(self, account: Account) -> None:
        account.iam.create_user(CREATE)

        assert account.iam.list_user_policies(NAME) == ()
        assert account.iam.list_access_keys(NAME) == ()
        assert account.iam.list_attachments(NAME) == Attachments()

    def test_everybody_in_the_account_with_all_policies(self, account: Account) -> None:
        account.iam.create_user(CREATE)
        account.iam.apply(_put("ses-tenant-sending", API_POLICY))
        account.attach(NAME)
        account.calls.clear()

        (member,) = members(account.iam.account_details())

        assert (member.arn, member.path, member.tags) == (ARN, PATH, TAGS)
        assert member.tenant == SHOP
        assert member.groups == ("mailers",)
        assert [(p.name, p.document) for p in member.principal.policies.identity] == [
            ("ses-tenant-sending", API_POLICY),
            ("extra", SUSPENDED_POLICY),
        ]
        assert member.missing == ()
        assert account.calls == ["iam:GetAccountAuthorizationDetails"]

    def test_a_name_is_taken_under_every_path(self, account: Account) -> None:
        account.iam.create_user(CREATE)

        again = replace(CREATE, path="/elsewhere/")
        assert _code(lambda: account.iam.create_user(again)) is ErrorCode.ALREADY_EXISTS

    def test_a_user_moves_to_another_path_and_keeps_the_rest(self, account: Account) -> None:
        account.iam.create_user(replace(CREATE, path="/ses-tenant/old/"))
        key = account.iam.create_access_key(NAME)

        account.iam.apply(steps.UpdateUser(NAME, PATH))

        moved = account.iam.get_user(NAME)
        assert moved is not None
        assert (moved.path, moved.user_arn) == (PATH, ARN)
        assert [k.access_key_id for k in account.iam.list_access_keys(NAME)] == [key.access_key_id]

    def test_a_user_is_renamed_and_moved_in_one_call_and_keeps_the_rest(
        self, account: Account
    ) -> None:
        account.iam.create_user(steps.CreateUser("handmade", "/", TAGS))
        key = account.iam.create_access_key("handmade")
        account.iam.apply(_put("other", SUSPENDED_POLICY, "handmade"))
        account.calls.clear()

        account.iam.apply(steps.UpdateUser("handmade", PATH, NAME))

        assert account.calls == ["iam:UpdateUser"]
        assert account.iam.get_user("handmade") is None
        moved = account.iam.get_user(NAME)
        assert moved is not None
        assert (moved.user_name, moved.path, moved.user_arn) == (NAME, PATH, ARN)
        assert [k.access_key_id for k in account.iam.list_access_keys(NAME)] == [key.access_key_id]
        assert account.iam.list_user_policies(NAME) == ("other",)

    def test_tags_are_added_replaced_and_removed(self, account: Account) -> None:
        account.iam.create_user(replace(CREATE, tags={"a": "1", "b": "2", "c": ""}))

        account.iam.apply(steps.TagUser(NAME, {"b": "3", "d": "é / = + - @ _ . :"}))
        account.iam.apply(steps.UntagUser(NAME, ("a", "never there")))

        user = account.iam.get_user(NAME)
        assert user is not None
        assert user.tags == {"b": "3", "c": "", "d": "é / = + - @ _ . :"}

    def test_a_policy_is_read_as_it_was_written(self, account: Account) -> None:
        account.iam.create_user(CREATE)

        account.iam.apply(_put("ses-tenant-sending", SMTP_POLICY))
        account.iam.apply(_put("ses-tenant-sending", API_POLICY))
        account.iam.apply(_put("other", SUSPENDED_POLICY))

        assert set(account.iam.list_user_policies(NAME)) == {"ses-tenant-sending", "other"}
        assert account.iam.get_user_policy(NAME, "ses-tenant-sending") == API_POLICY
        assert account.iam.get_user_policy(NAME, "other") == SUSPENDED_POLICY

    def test_a_policy_is_deleted(self, account: Account) -> None:
        account.iam.create_user(CREATE)
        account.iam.apply(_put("other", SUSPENDED_POLICY))

        account.iam.apply(steps.DeleteUserPolicy(NAME, "other"))

        assert account.iam.list_user_policies(NAME) == ()
        assert _code(lambda: account.iam.get_user_policy(NAME, "other")) is ErrorCode.NOT_FOUND

    def test_an_access_key_is_made_listed_switched_and_deleted(self, account: Account) -> None:
        account.iam.create_user(CREATE)

        new = account.iam.create_access_key(NAME)

        assert len(new.access_key_id) == 20
        assert new.access_key_id.startswith("AKIA")
        assert len(new.secret_access_key) == 40
        (key,) = account.iam.list_access_keys(NAME)
        assert (key.access_key_id, key.status) == (new.access_key_id, KeyStatus.ACTIVE)
        assert key.created_at.utcoffset() == timedelta(0)
        assert key.last_used_at is None
        for status in (KeyStatus.INACTIVE, KeyStatus.ACTIVE):
            account.iam.apply(steps.UpdateAccessKey(NAME, new.access_key_id, status))
            assert [k.status for k in account.iam.list_access_keys(NAME)] == [status]
        account.iam.apply(steps.DeleteAccessKey(NAME, new.access_key_id))
        assert account.iam.list_access_keys(NAME) == ()

    def test_a_third_access_key_is_refused_inactive_ones_count(self, account: Account) -> None:
        account.iam.create_user(CREATE)
        keys = [account.iam.create_access_key(NAME) for _ in range(2)]
        account.iam.apply(steps.UpdateAccessKey(NAME, keys[0].access_key_id, KeyStatus.INACTIVE))

        assert _code(lambda: account.iam.create_access_key(NAME)) is ErrorCode.ACCESS_KEY_LIMIT
        assert {k.access_key_id for k in account.iam.list_access_keys(NAME)} == {
            k.access_key_id for k in keys
        }

    def test_a_key_that_was_never_used_has_no_time(self, account: Account) -> None:
        account.iam.create_user(CREATE)
        key = account.iam.create_access_key(NAME)

        assert account.iam.access_key_last_used(key.access_key_id) is None
        assert account.iam.access_key_last_service(key.access_key_id) is None

    def test_what_hangs_on_a_user_is_listed(self, account: Account) -> None:
        account.iam.create_user(CREATE)
        attachments = account.attach(NAME)
        account.calls.clear()

        assert account.iam.list_attachments(NAME) == attachments
        assert sorted(account.calls) == [
            "iam:GetLoginProfile",
            "iam:ListAttachedUserPolicies",
            "iam:ListGroupsForUser",
            "iam:ListMFADevices",
            "iam:ListSSHPublicKeys",
            "iam:ListServiceSpecificCredentials",
            "iam:ListSigningCertificates",
        ]

    def test_what_hangs_on_a_user_is_taken_off_and_the_user_deleted(self, account: Account) -> None:
        account.iam.create_user(CREATE)
        attachments = account.attach(NAME)
        assert account.virtual_mfa_devices() == {_MFA}

        for step in _taking_off(attachments):
            account.iam.apply(step)
        assert account.iam.list_attachments(NAME) == Attachments()
        assert account.virtual_mfa_devices() == set()
        account.iam.apply(steps.DeleteUser(NAME))

        assert account.iam.get_user(NAME) is None

    @pytest.mark.parametrize("thing", ["inline policy", "managed policy"])
    def test_a_user_with_a_policy_is_not_deleted(self, account: Account, thing: str) -> None:
        account.iam.create_user(CREATE)
        if thing == "inline policy":
            account.iam.apply(_put("other", SUSPENDED_POLICY))
        else:
            for step in _taking_off(account.attach(NAME)):
                if not isinstance(step, steps.DetachUserPolicy):
                    account.iam.apply(step)

        delete = steps.DeleteUser(NAME)
        assert _code(lambda: account.iam.apply(delete)) is ErrorCode.PARTIAL_FAILURE
        assert account.iam.get_user(NAME) is not None

    @pytest.mark.parametrize(
        "step",
        [
            steps.UpdateUser(NAME, PATH),
            steps.TagUser(NAME, {"a": "1"}),
            steps.UntagUser(NAME, ("a",)),
            steps.PutUserPolicy(NAME, "other", SUSPENDED_POLICY),
            steps.DeleteUserPolicy(NAME, "other"),
            steps.UpdateAccessKey(NAME, "AKIA0000000000000000", KeyStatus.ACTIVE),
            steps.DeleteAccessKey(NAME, "AKIA0000000000000000"),
            steps.DeleteLoginProfile(NAME),
            steps.DeactivateMFADevice(NAME, _MFA),
            steps.DeleteVirtualMFADevice(NAME, _MFA),
            steps.DeleteSigningCertificate(NAME, "TA7SMP42TDN5Z26OBPJE7EXAMPLE"),
            steps.DeleteUser(NAME),
        ],
        ids=lambda step: type(step).__name__,
    )
    def test_a_step_on_a_user_that_is_not_there(self, account: Account, step: steps.Write) -> None:
        assert _code(lambda: account.iam.apply(step)) is ErrorCode.NOT_FOUND
        assert account.calls == [step.action]

    @pytest.mark.parametrize(
        "step",
        [
            steps.DeleteUserPolicy(NAME, "other"),
            steps.UpdateAccessKey(NAME, "AKIA0000000000000000", KeyStatus.ACTIVE),
            steps.DeleteAccessKey(NAME, "AKIA0000000000000000"),
            steps.DetachUserPolicy(NAME, MANAGED_POLICY),
            steps.RemoveUserFromGroup(NAME, "nobody"),
            steps.DeleteLoginProfile(NAME),
            steps.DeactivateMFADevice(NAME, _MFA),
            steps.DeleteVirtualMFADevice(NAME, _MFA),
            steps.DeleteSSHPublicKey(NAME, "APKAEIVFHP46CEXAMPLE"),
            steps.DeleteSigningCertificate(NAME, "TA7SMP42TDN5Z26OBPJE7EXAMPLE"),
        ],
        ids=lambda step: type(step).__name__,
    )
    def test_a_step_on_something_that_is_not_there(
        self, account: Account, step: steps.Write
    ) -> None:
        account.iam.create_user(CREATE)
        account.calls.clear()

        assert _code(lambda: account.iam.apply(step)) is ErrorCode.NOT_FOUND
        assert account.calls == [step.action]

    def test_reads_of_a_user_that_is_not_there(self, account: Account) -> None:
        iam = account.iam
        assert _code(lambda: iam.list_user_policies(NAME)) is ErrorCode.NOT_FOUND
        assert _code(lambda: iam.get_user_policy(NAME, "other")) is ErrorCode.NOT_FOUND
        assert _code(lambda: iam.list_access_keys(NAME)) is ErrorCode.NOT_FOUND
        assert _code(lambda: iam.create_access_key(NAME)) is ErrorCode.NOT_FOUND
        assert _code(lambda: iam.list_attachments(NAME)) is ErrorCode.NOT_FOUND
        key_id = "AKIA0000000000000000"
        assert _code(lambda: iam.access_key_last_used(key_id)) is ErrorCode.NOT_FOUND

    def test_another_users_key_is_not_touched(self, account: Account) -> None:
        account.iam.create_user(CREATE)
        account.iam.create_user(replace(CREATE, user_name="other"))
        key = account.iam.create_access_key("other")

        step = steps.DeleteAccessKey(NAME, key.access_key_id)
        assert _code(lambda: account.iam.apply(step)) is ErrorCode.NOT_FOUND
        assert len(account.iam.list_access_keys("other")) == 1

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"Version": "2012-10-17", "Statement": []},
            {"Version": "2099-01-01", "Statement": SUSPENDED_POLICY["Statement"]},
            {"Version": "2012-10-17", "Statement": [{"Effect": "allow"}]},
            {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Resource": "*"}]},
            {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*"}]},
        ],
    )
    def test_a_malformed_policy_is_refused(
        self, account: Account, document: Mapping[str, object]
    ) -> None:
        account.iam.create_user(CREATE)

        assert _code(lambda: account.iam.apply(_put("bad", document))) is ErrorCode.INTERNAL
        assert account.iam.list_user_policies(NAME) == ()

    def test_tenants_are_the_users_under_our_path(self, account: Account) -> None:
        for user_name, path in [
            (NAME, PATH),
            ("near", "/ses-tenants/near/"),
            ("person", "/"),
            ("stray", "/ses-tenant/"),
            ("deep", "/a/ses-tenant/b/"),
        ]:
            account.iam.create_user(steps.CreateUser(user_name, path, {"of": user_name}))
        account.iam.apply(_put("ses-tenant-sending", API_POLICY))
        account.iam.apply(_put("ses-tenant-suspended", SUSPENDED_POLICY))
        account.iam.create_access_key(NAME)
        account.calls.clear()

        tenants = {o.user.user_name: o for o in account.iam.list_tenants()}

        assert account.calls == ["iam:GetAccountAuthorizationDetails"]
        assert tenants.keys() == {NAME, "stray"}
        assert tenants[NAME].user == account.iam.get_user(NAME)
        assert tenants[NAME].user.tags == {"of": NAME}
        assert set(tenants[NAME].inline_policies) == {"ses-tenant-sending", "ses-tenant-suspended"}
        assert tenants[NAME].suspended
        assert tenants[NAME].sending_policy == API_POLICY
        assert tenants[NAME].access_keys == ()
        assert tenants[NAME].attachments is None
        assert tenants["stray"].sending_policy is None
        assert not tenants["stray"].suspended

    def test_the_credential_report_shows_active_keys_by_user(self, account: Account) -> None:
        with_key = account.iam.create_user(CREATE)
        without = account.iam.create_user(replace(CREATE, user_name="other"))
        account.iam.create_access_key(NAME)
        (listed,) = account.iam.list_access_keys(NAME)
        account.calls.clear()

        report = account.iam.credential_report().users

        assert report == {
            with_key.user_arn: (ReportedKey(True, listed.created_at.replace(microsecond=0)),),
            without.user_arn: (),
        }
        assert account.calls == ["iam:GenerateCredentialReport", "iam:GetCredentialReport"]

    def test_the_credential_report_shows_two_active_keys(self, account: Account) -> None:
        user = account.iam.create_user(CREATE)
        for _ in range(2):
            account.iam.create_access_key(NAME)

        report = account.iam.credential_report().users

        assert [key.active for key in report[user.user_arn]] == [True, True]

    def test_an_empty_account_has_no_tenants(self, account: Account) -> None:
        assert account.iam.list_tenants() == ()
        assert account.calls == ["iam:GetAccountAuthorizationDetails"]


def _taking_off(a: Attachments) -> list[steps.Write]:
    return [
        *(steps.DetachUserPolicy(NAME, arn) for arn in a.managed_policies),
        *(steps.RemoveUserFromGroup(NAME, group) for group in a.groups),
        steps.DeleteLoginProfile(NAME),
        *(steps.DeactivateMFADevice(NAME, serial) for serial in a.mfa_devices),
        *(steps.DeleteVirtualMFADevice(NAME, serial) for serial in a.mfa_devices),
        *(steps.DeleteSSHPublicKey(NAME, key) for key in a.ssh_keys),
        *(steps.DeleteSigningCertificate(NAME, c) for c in a.certificates),
        *(steps.DeleteServiceSpecificCredential(NAME, c) for c in a.service_credentials),
    ]


class TestStricterThanMoto:
    """What IAM does and moto does not, so that only the fake can show it."""

    @pytest.mark.parametrize("name", ["", "a/b", "a b", "ümlaut", "x" * 65, "a*"])
    def test_user_names(self, name: str) -> None:
        # moto takes every name.
        user = replace(CREATE, user_name=name)
        assert _code(lambda: FakeIam().create_user(user)) is ErrorCode.INTERNAL

    def test_the_longest_user_name(self) -> None:
        assert FakeIam().create_user(replace(CREATE, user_name="a+=,.@-_" * 8)).path == PATH

    def test_names_are_unique_without_regard_to_case(self) -> None:
        # moto makes a second user.
        iam = FakeIam()
        iam.create_user(CREATE)
        shouted = replace(CREATE, user_name=NAME.upper(), path="/")
        assert _code(lambda: iam.create_user(shouted)) is ErrorCode.ALREADY_EXISTS

    @pytest.mark.parametrize("path", ["", "nope", "/a", "a/", "/a b/", "/ü/", f"/{'x' * 511}/"])
    def test_paths(self, path: str) -> None:
        # moto takes every path.
        iam = FakeIam()
        assert _code(lambda: iam.create_user(replace(CREATE, path=path))) is ErrorCode.INTERNAL
        iam.create_user(CREATE)
        assert _code(lambda: iam.apply(steps.UpdateUser(NAME, path))) is ErrorCode.INTERNAL
        assert iam.users[NAME].path == PATH

    @pytest.mark.parametrize(
        "tags",
        [
            {"": "no key"},
            {"k" * 129: ""},
            {"k": "v" * 257},
            {"k": "a,b"},
            {"k": "a*"},
            {"k": "a\tb"},
            {"aws:k": "v"},
            {"Aws:k": "v"},
            {"client": "1", "Client": "2"},
            {f"k{n}": "" for n in range(51)},
        ],
    )
    def test_tags(self, tags: dict[str, str]) -> None:
        # moto takes every tag from CreateUser.
        iam = FakeIam()
        assert _code(lambda: iam.create_user(replace(CREATE, tags=tags))) is ErrorCode.INTERNAL
        iam.create_user(CREATE)
        assert _code(lambda: iam.apply(steps.TagUser(NAME, tags))) is ErrorCode.INTERNAL
        assert iam.users[NAME].tags == TAGS

    def test_the_largest_tags(self) -> None:
        tags = {f"{n:0128}": "v" * 256 for n in range(50)}
        assert FakeIam().create_user(replace(CREATE, tags=tags)).tags == tags

    def test_fifty_tags_are_the_limit_over_several_requests(self) -> None:
        # moto takes a fifty-first.
        iam = FakeIam()
        iam.create_user(replace(CREATE, tags={f"k{n}": "" for n in range(50)}))
        assert _code(lambda: iam.apply(steps.TagUser(NAME, {"new": ""}))) is (
            ErrorCode.QUOTA_EXCEEDED
        )
        iam.apply(steps.TagUser(NAME, {"K0": "replaced"}))
        assert len(iam.users[NAME].tags) == 50

    def test_a_tag_key_that_differs_only_in_case_is_replaced(self) -> None:
        # moto keeps both.
        iam = FakeIam()
        iam.create_user(replace(CREATE, tags={"Client": "1"}))
        iam.apply(steps.TagUser(NAME, {"client": "2"}))
        assert iam.users[NAME].tags == {"client": "2"}
        iam.apply(steps.UntagUser(NAME, ("CLIENT",)))
        assert iam.users[NAME].tags == {}

    def test_all_inline_policies_together_have_2048_characters(self) -> None:
        # moto takes 130 kB.
        iam = FakeIam()
        iam.create_user(CREATE)
        room = 2048 - len(_deny("")) - len(_deny(""))

        iam.apply(_put("one", _Deny("a").document))
        assert _code(lambda: iam.apply(_put("two", _Deny("b" * room).document))) is (
            ErrorCode.POLICY_TOO_LARGE
        )
        iam.apply(_put("two", _Deny("b" * (room - 1)).document))
        iam.apply(_put("one", _Deny("c").document))
        assert set(iam.users[NAME].policies) == {"one", "two"}

    def test_white_space_in_policies_is_not_counted(self) -> None:
        # moto counts nothing.
        iam = FakeIam()
        iam.create_user(CREATE)
        iam.apply(_put("one", _Deny(" " * 3000).document))
        assert iam.users[NAME].policies.keys() == {"one"}

    @pytest.mark.parametrize(
        "statement",
        [
            {"Sid": "a-b", "Effect": "Deny", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"},
        ],
    )
    def test_policies_for_identities(self, statement: Mapping[str, object]) -> None:
        # moto takes a hyphen in a Sid, and a Principal.
        iam = FakeIam()
        iam.create_user(CREATE)
        document = {"Version": "2012-10-17", "Statement": [statement]}
        assert _code(lambda: iam.apply(_put("bad", document))) is ErrorCode.INTERNAL

    @pytest.mark.parametrize("name", ["", "p q!", "x" * 129])
    def test_policy_names(self, name: str) -> None:
        # moto takes every name.
        iam = FakeIam()
        iam.create_user(CREATE)
        assert _code(lambda: iam.apply(_put(name, SUSPENDED_POLICY))) is ErrorCode.INTERNAL

    def test_a_status_that_cannot_be_set(self) -> None:
        # moto sets every string.
        iam = FakeIam()
        iam.create_user(CREATE)
        key_id = iam.create_access_key(NAME).access_key_id
        step = steps.UpdateAccessKey(NAME, key_id, KeyStatus.EXPIRED)
        assert _code(lambda: iam.apply(step)) is ErrorCode.INTERNAL

    def test_a_boundary_must_exist_and_is_shown(self) -> None:
        # moto drops the boundary of CreateUser and does not know PutUserPermissionsBoundary.
        iam = FakeIam()
        unknown = "arn:aws:iam::123456789012:policy/unknown"
        assert _code(lambda: iam.create_user(replace(CREATE, permissions_boundary=unknown))) is (
            ErrorCode.NOT_FOUND
        )
        assert iam.users == {}
        iam.create_user(replace(CREATE, permissions_boundary=BOUNDARY))
        user = iam.get_user(NAME)
        assert user is not None
        assert user.permissions_boundary == BOUNDARY
        step = steps.PutUserPermissionsBoundary(NAME, unknown)
        assert _code(lambda: iam.apply(step)) is ErrorCode.NOT_FOUND
        iam.apply(steps.PutUserPermissionsBoundary(NAME, MANAGED_POLICY))
        assert iam.users[NAME].permissions_boundary == MANAGED_POLICY

    @pytest.mark.parametrize(
        "kind",
        [
            "access key",
            Attachments(groups=("mailers",)),
            Attachments(login_profile=True),
            Attachments(mfa_devices=(_MFA,)),
            Attachments(ssh_keys=("APKAEIVFHP46CEXAMPLE",)),
            Attachments(certificates=("TA7SMP42TDN5Z26OBPJE7EXAMPLE",)),
            Attachments(service_credentials=("ACCA0123456789EXAMPLE",)),
        ],
    )
    def test_a_user_is_not_deleted_while_anything_hangs_on_it(
        self, kind: Attachments | str
    ) -> None:
        # moto refuses for inline and managed policies only.
        iam = FakeIam()
        iam.create_user(replace(CREATE, permissions_boundary=BOUNDARY))
        if isinstance(kind, Attachments):
            iam.attach(NAME, kind)
        else:
            iam.add_key(NAME)
        delete = steps.DeleteUser(NAME)
        assert _code(lambda: iam.apply(delete)) is ErrorCode.PARTIAL_FAILURE
        iam.users[NAME].attachments = Attachments()
        iam.users[NAME].keys.clear()
        iam.apply(delete)
        assert iam.users == {}

    def test_a_virtual_mfa_device_is_not_deleted_while_it_is_assigned(self) -> None:
        # moto deletes it, and leaves it on the user.
        iam = FakeIam()
        iam.create_user(CREATE)
        iam.attach(NAME, Attachments(mfa_devices=(_MFA,)))
        delete = steps.DeleteVirtualMFADevice(NAME, _MFA)
        assert _code(lambda: iam.apply(delete)) is ErrorCode.PARTIAL_FAILURE
        iam.apply(steps.DeactivateMFADevice(NAME, _MFA))
        iam.apply(delete)
        assert iam.virtual_mfa_devices == set()

    def test_a_user_that_moves_keeps_its_tags(self) -> None:
        # moto loses them: it files tags under the ARN, which has the path in it.
        iam = FakeIam()
        iam.create_user(replace(CREATE, path="/ses-tenant/old/"))
        iam.apply(steps.UpdateUser(NAME, PATH))
        assert iam.users[NAME].tags == TAGS

    def test_a_user_that_is_renamed_keeps_its_tags_and_takes_no_name_that_is_in_use(self) -> None:
        # moto loses the tags, and puts the user in the place of the one that had the name.
        iam = FakeIam()
        iam.create_user(steps.CreateUser("handmade", "/", TAGS))
        iam.add_user("Bystander")
        taken = steps.UpdateUser("handmade", PATH, "bystander")
        assert _code(lambda: iam.apply(taken)) is ErrorCode.ALREADY_EXISTS
        assert iam.users["handmade"].path == "/"
        iam.apply(steps.UpdateUser("handmade", PATH, "HandMade"))
        assert iam.users["HandMade"].tags == TAGS
        assert iam.users.keys() == {"Bystander", "HandMade"}

    def test_times_of_last_use(self) -> None:
        # moto can only be told by signing a request.
        iam = FakeIam()
        iam.create_user(CREATE)
        key_id = iam.create_access_key(NAME).access_key_id
        iam.last_used[key_id] = datetime(2026, 1, 2, tzinfo=UTC)
        assert iam.access_key_last_used(key_id) == datetime(2026, 1, 2, tzinfo=UTC)
        iam.last_service[key_id] = "ses"
        assert iam.access_key_last_service(key_id) == "ses"

    def test_the_credential_report_does_not_tell_the_time_of_an_inactive_key(self) -> None:
        # moto tells when it was made.
        iam = FakeIam()
        user = iam.create_user(CREATE)
        off, on = iam.add_key(NAME, KeyStatus.INACTIVE), iam.add_key(NAME)
        report = iam.credential_report().users
        assert report[user.user_arn] == (ReportedKey(True, iam.users[NAME].keys[on].created_at),)
        assert off in iam.users[NAME].keys

    def test_secrets_hold_the_characters_that_break_formats(self) -> None:
        iam = FakeIam()
        iam.create_user(CREATE)
        for _ in range(2):
            secret = iam.create_access_key(NAME).secret_access_key
            assert "+" in secret
            assert "/" in secret
            assert secret not in repr(iam.issued)


@dataclass(frozen=True)
class _Deny:
    """A small policy with an action of a chosen length."""

    action: str

    @property
    def document(self) -> dict[str, object]:
        statement = {"Effect": "Deny", "Action": self.action, "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement]}


def _deny(action: str) -> str:
    return (
        '{"Version":"2012-10-17","Statement":'
        f'[{{"Effect":"Deny","Action":"{action}","Resource":"*"}}]}}'
    )
