"""The gateway on the wire: pages, repeated requests, lost answers, what is sent."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ses_tenant import __version__
from ses_tenant.aws.iam import Iam
from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.observed import KeyStatus
from tests.fakes.iam_server import DROPPED, Answer, ScriptedIam, failure, scripted_iam, success

pytestmark = pytest.mark.usefixtures("credentials")

_NEXT = "<IsTruncated>true</IsTruncated><Marker>page-2</Marker>"
_LAST = "<IsTruncated>false</IsTruncated>"
_CREATED = "<CreateDate>2026-01-02T03:04:05Z</CreateDate>"


def _gateway(server: ScriptedIam) -> Iam:
    return Iam(open_session(None, "eu-central-1", server.url))


def _hurried(server: ScriptedIam) -> AwsSession:
    """Return a session whose requests do not wait for their turn."""
    return open_session(None, "eu-central-1", server.url, sleep=lambda _: None)


def _members(*items: str) -> str:
    return "".join(f"<member>{item}</member>" for item in items)


def _pages(action: str, tag: str, first: str, second: str) -> tuple[Answer, Answer]:
    return (
        success(action, f"<{tag}>{_members(first)}</{tag}>{_NEXT}"),
        success(action, f"<{tag}>{_members(second)}</{tag}>{_LAST}"),
    )


def _user_detail(name: str, path: str) -> str:
    document = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"
    return (
        f"<UserName>{name}</UserName><Path>{path}</Path>"
        f"<Arn>arn:aws:iam::123456789012:user{path}{name}</Arn>{_CREATED}"
        f"<Tags>{_members('<Key>ses-tenant:domain</Key><Value>a.example.com</Value>')}</Tags>"
        "<UserPolicyList>"
        + _members(
            f"<PolicyName>ses-tenant-sending</PolicyName><PolicyDocument>{document}</PolicyDocument>"
        )
        + "</UserPolicyList>"
    )


class TestPages:
    """moto never answers in pages; IAM does from 100 items on."""

    def test_tenants_of_two_pages(self) -> None:
        pages = _pages(
            "GetAccountAuthorizationDetails",
            "UserDetailList",
            _user_detail("ses-a.example.com", "/ses-tenant/a.example.com/"),
            _user_detail("ses-b.example.com", "/ses-tenant/b.example.com/"),
        )
        with scripted_iam(*pages) as server:
            tenants = _gateway(server).list_tenants()

        assert [t.user.user_name for t in tenants] == ["ses-a.example.com", "ses-b.example.com"]
        assert tenants[1].user.tags == {"ses-tenant:domain": "a.example.com"}
        assert tenants[1].user.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert tenants[1].sending_policy == {"Version": "2012-10-17", "Statement": []}
        assert [r.get("Marker") for r in server.requests] == [None, "page-2"]
        assert [r["MaxItems"] for r in server.requests] == ["1000", "1000"]
        assert [r["Filter.member.1"] for r in server.requests] == ["User", "User"]

    def test_inline_policies_of_two_pages(self) -> None:
        pages = _pages("ListUserPolicies", "PolicyNames", "one", "two")
        with scripted_iam(*pages) as server:
            assert _gateway(server).list_user_policies("shop") == ("one", "two")

        assert [(r["UserName"], r.get("Marker")) for r in server.requests] == [
            ("shop", None),
            ("shop", "page-2"),
        ]

    def test_access_keys_of_two_pages_are_sorted_by_age(self) -> None:
        def key(key_id: str, status: str, day: str) -> str:
            return (
                f"<AccessKeyId>{key_id}</AccessKeyId><Status>{status}</Status>"
                f"<CreateDate>2026-01-{day}T00:00:00Z</CreateDate>"
            )

        pages = _pages(
            "ListAccessKeys",
            "AccessKeyMetadata",
            key("AKIA0000000000000002", "Active", "09"),
            key("AKIA0000000000000001", "Expired", "08"),
        )
        with scripted_iam(*pages) as server:
            keys = _gateway(server).list_access_keys("shop")

        assert [(k.access_key_id, k.status) for k in keys] == [
            ("AKIA0000000000000001", KeyStatus.EXPIRED),
            ("AKIA0000000000000002", KeyStatus.ACTIVE),
        ]
        assert [(r["UserName"], r.get("Marker")) for r in server.requests] == [
            ("shop", None),
            ("shop", "page-2"),
        ]

    def test_everything_that_hangs_on_a_user_of_two_pages_each(self) -> None:
        answers = [
            *_pages("ListAttachedUserPolicies", "AttachedPolicies", *_both("PolicyArn", "a" * 20)),
            *_pages("ListGroupsForUser", "Groups", *_both("GroupName", "group")),
            failure(404, "NoSuchEntity", "Login Profile cannot be found."),
            *_pages("ListMFADevices", "MFADevices", *_both("SerialNumber", "serial-00")),
            *_pages("ListSSHPublicKeys", "SSHPublicKeys", *_both("SSHPublicKeyId", "A" * 20)),
            *_pages("ListSigningCertificates", "Certificates", *_both("CertificateId", "C" * 24)),
            success(
                "ListServiceSpecificCredentials",
                "<ServiceSpecificCredentials>"
                + _members(*_both("ServiceSpecificCredentialId", "S" * 20))
                + "</ServiceSpecificCredentials>",
            ),
        ]
        with scripted_iam(*answers) as server:
            found = _gateway(server).list_attachments("shop")

        assert found.managed_policies == ("a" * 20 + "1", "a" * 20 + "2")
        assert found.groups == ("group1", "group2")
        assert found.login_profile is False
        assert found.mfa_devices == ("serial-001", "serial-002")
        assert found.ssh_keys == ("A" * 20 + "1", "A" * 20 + "2")
        assert found.certificates == ("C" * 24 + "1", "C" * 24 + "2")
        assert found.service_credentials == ("S" * 20 + "1", "S" * 20 + "2")
        assert {r["UserName"] for r in server.requests} == {"shop"}
        assert len(server.requests) == 12

    @pytest.mark.parametrize(
        "answer",
        [
            failure(501, "ServiceNotSupported", "not here"),
            Answer("<!doctype html><title>Not implemented</title>", 404),
        ],
    )
    def test_a_partition_or_emulator_without_service_credentials_has_none(
        self, answer: Answer
    ) -> None:
        empty = [
            success("ListAttachedUserPolicies", f"<AttachedPolicies/>{_LAST}"),
            success("ListGroupsForUser", f"<Groups/>{_LAST}"),
            success("GetLoginProfile", f"<LoginProfile>{_CREATED}</LoginProfile>"),
            success("ListMFADevices", f"<MFADevices/>{_LAST}"),
            success("ListSSHPublicKeys", f"<SSHPublicKeys/>{_LAST}"),
            success("ListSigningCertificates", f"<Certificates/>{_LAST}"),
        ]
        with scripted_iam(*empty, answer) as server:
            found = _gateway(server).list_attachments("shop")

        assert found.service_credentials == ()
        assert found.login_profile is True

    def test_a_boundary_is_read(self) -> None:
        user = (
            f"<UserName>shop</UserName><Path>/</Path><Arn>arn:aws:iam::1:user/shop</Arn>{_CREATED}"
            "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
            "<PermissionsBoundaryArn>arn:aws:iam::1:policy/boundary</PermissionsBoundaryArn>"
            "</PermissionsBoundary>"
        )
        with scripted_iam(success("GetUser", f"<User>{user}</User>")) as server:
            found = _gateway(server).get_user("shop")

        assert found is not None
        assert found.permissions_boundary == "arn:aws:iam::1:policy/boundary"
        assert found.tags == {}

    def test_the_time_of_last_use_is_read(self) -> None:
        moment_of_use = "<LastUsedDate>2026-01-02T03:04:05Z</LastUsedDate>"
        used = f"<AccessKeyLastUsed>{moment_of_use}</AccessKeyLastUsed>"
        with scripted_iam(success("GetAccessKeyLastUsed", used)) as server:
            moment = _gateway(server).access_key_last_used("AKIA0000000000000001")

        assert moment == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _both(tag: str, text: str) -> tuple[str, str]:
    """Return two members, told apart by their last character."""
    return f"<{tag}>{text}1</{tag}>", f"<{tag}>{text}2</{tag}>"


_KEY = (
    "<AccessKey><UserName>shop</UserName><AccessKeyId>AKIA0000000000000001</AccessKeyId>"
    "<Status>Active</Status><SecretAccessKey>s+/</SecretAccessKey></AccessKey>"
)


class TestCreateAccessKey:
    """Repeated after a lost answer, it would make a second key that nobody holds."""

    def test_it_sends_the_user_name_and_returns_the_key(self) -> None:
        with scripted_iam(success("CreateAccessKey", _KEY)) as server:
            key = _gateway(server).create_access_key("shop")

        assert (key.access_key_id, key.secret_access_key) == ("AKIA0000000000000001", "s+/")
        assert [(r["Action"], r["UserName"]) for r in server.requests] == [
            ("CreateAccessKey", "shop")
        ]

    @pytest.mark.parametrize("attempts", [None, "5"])
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(failure(500, "ServiceFailure", "Sorry."), id="500"),
            pytest.param(failure(503, "ServiceUnavailable", "Sorry."), id="503"),
            pytest.param(DROPPED, id="dropped"),
            pytest.param(Answer("<html>proxy", 502), id="502 of a proxy"),
            pytest.param(Answer("no XML at all"), id="200 that cannot be read"),
        ],
    )
    def test_it_is_sent_once_where_the_answer_is_lost(
        self, monkeypatch: pytest.MonkeyPatch, answer: Answer, attempts: str | None
    ) -> None:
        if attempts:
            monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
        with scripted_iam(answer) as server, pytest.raises(SesTenantError) as caught:
            _gateway(server).create_access_key("shop")

        assert len(server.requests) == 1
        assert caught.value.code is ErrorCode.NETWORK
        assert "It is not known whether the access key was made." in caught.value.message
        assert "it shows a key that was made" in caught.value.hint

    def test_it_is_sent_again_where_iam_throttles_since_no_key_was_made(self) -> None:
        answer, slept = failure(400, "Throttling", "Rate exceeded"), list[float]()
        with scripted_iam(answer, answer, success("CreateAccessKey", _KEY)) as server:
            gateway = Iam(_hurried(server), slept.append)
            assert gateway.create_access_key("shop").access_key_id == "AKIA0000000000000001"

        assert len(server.requests) == 3
        assert len(slept) == 2

    @pytest.mark.parametrize(("attempts", "requests"), [(None, 10), ("1", 1), ("3", 3)])
    def test_throttling_that_does_not_end_is_told(
        self, monkeypatch: pytest.MonkeyPatch, attempts: str | None, requests: int
    ) -> None:
        if attempts:
            monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
        answer, slept = failure(400, "Throttling", "Rate exceeded"), list[float]()
        with scripted_iam(answer) as server, pytest.raises(SesTenantError) as caught:
            Iam(_hurried(server), slept.append).create_access_key("a")

        assert (len(server.requests), len(slept)) == (requests, requests - 1)
        assert caught.value.code is ErrorCode.THROTTLED
        assert "not known" not in caught.value.message


class TestRetries:
    """All other calls are repeated."""

    @pytest.mark.parametrize(
        "call",
        [
            lambda iam: iam.get_user("shop"),
            lambda iam: iam.list_tenants(),
            lambda iam: iam.apply(steps.DeleteUser("shop")),
            lambda iam: iam.apply(steps.UpdateAccessKey("shop", "A" * 20, KeyStatus.INACTIVE)),
        ],
    )
    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (failure(500, "ServiceFailure", "Sorry."), ErrorCode.NETWORK),
            (failure(400, "Throttling", "Rate exceeded"), ErrorCode.THROTTLED),
            (DROPPED, ErrorCode.NETWORK),
        ],
    )
    def test_a_call_is_repeated_as_often_as_configured(
        self,
        monkeypatch: pytest.MonkeyPatch,
        call: Callable[[Iam], object],
        answer: Answer,
        code: ErrorCode,
    ) -> None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
        # In this mode botocore's pause is this number times a power of two.
        monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
        monkeypatch.setattr(random, "random", lambda: 0.0)
        with scripted_iam(answer) as server, pytest.raises(SesTenantError) as caught:
            call(_gateway(server))

        assert len(server.requests) == 3
        assert caught.value.code is code

    def test_a_refusal_is_not_repeated(self) -> None:
        answer = failure(409, "DeleteConflict", "Cannot delete entity")
        with scripted_iam(answer) as server, pytest.raises(SesTenantError) as caught:
            _gateway(server).apply(steps.DeleteUser("shop"))

        assert len(server.requests) == 1
        assert caught.value.code is ErrorCode.PARTIAL_FAILURE


def test_every_request_tells_who_sent_it() -> None:
    with scripted_iam(success("CreateAccessKey", _KEY)) as server:
        gateway = _gateway(server)
        gateway.create_access_key("shop")
        gateway.apply(steps.DeleteUser("shop"))

    assert len(server.user_agents) == 2
    assert all(f"ses-tenant/{__version__}" in agent for agent in server.user_agents)
