"""The credential report: what its rows mean, and how long it is waited for."""

import base64
from datetime import UTC, datetime

import pytest

from ses_tenant.aws.iam import Iam
from ses_tenant.aws.report import parse_report
from ses_tenant.aws.session import open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.observed import CredentialReport, ReportedKey
from tests.fakes.iam_server import Answer, failure, scripted_iam, success

_ARN = "arn:aws:iam::123456789012:user/ses-tenant/shop.example.com/ses-shop.example.com"
_OTHER = "arn:aws:iam::123456789012:user/person"
_ROOT = "arn:aws:iam::123456789012:root"

_OLD, _NEW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
_OLD_TEXT, _NEW_TEXT = "2026-01-02T03:04:05+00:00", "2026-02-03T04:05:06+00:00"

_HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)

_Key = tuple[str, str]
_NO_KEY: _Key = ("false", "N/A")


def _row(arn: str, first: _Key = _NO_KEY, second: _Key = _NO_KEY) -> str:
    """Return the line of a user; a key is its columns `active` and `last_rotated`."""
    keys = ",".join(f"{active},{rotated},N/A,N/A,N/A" for active, rotated in (first, second))
    name = arn.rpartition("/")[2]
    return f"{name},{arn},{_OLD_TEXT},false,N/A,N/A,N/A,false,{keys},false,N/A,false,N/A"


def _report(*rows: str) -> str:
    return "\n".join([_HEADER, *rows])


class TestParse:
    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_an_active_key(self, end: str) -> None:
        content = _report(_row(_ARN, ("true", _OLD_TEXT))) + end

        assert parse_report(content) == {_ARN: (ReportedKey(active=True, changed_at=_OLD),)}

    @pytest.mark.parametrize(
        ("active", "expected"),
        [("true", True), ("TRUE", True), ("True", True), ("false", False), ("FALSE", False)],
    )
    def test_booleans_are_read_in_either_case(self, active: str, expected: bool) -> None:
        content = _report(_row(_ARN, (active, _OLD_TEXT)))

        assert parse_report(content) == {_ARN: (ReportedKey(expected, _OLD),)}

    @pytest.mark.parametrize("text", [_OLD_TEXT, "2026-01-02T03:04:05Z"])
    def test_a_time_is_aware_however_utc_is_written(self, text: str) -> None:
        ((key,),) = parse_report(_report(_row(_ARN, ("true", text)))).values()

        assert key.changed_at == _OLD

    @pytest.mark.parametrize("text", ["N/A", "no_information", "not_supported", ""])
    def test_an_active_key_whose_time_is_not_told_is_there_without_time(self, text: str) -> None:
        content = _report(_row(_ARN, ("true", text)))

        assert parse_report(content) == {_ARN: (ReportedKey(active=True, changed_at=None),)}

    @pytest.mark.parametrize("text", ["N/A", "no_information", "not_supported", ""])
    def test_an_inactive_key_without_time_cannot_be_told_from_none(self, text: str) -> None:
        content = _report(_row(_ARN, ("false", text)))

        assert parse_report(content) == {_ARN: ()}

    def test_two_keys_in_the_order_of_the_report(self) -> None:
        content = _report(_row(_ARN, ("true", _NEW_TEXT), ("false", _OLD_TEXT)))

        assert parse_report(content) == {
            _ARN: (ReportedKey(active=True, changed_at=_NEW), ReportedKey(False, _OLD))
        }

    @pytest.mark.parametrize(
        ("first", "second"),
        [(("true", _OLD_TEXT), _NO_KEY), (_NO_KEY, ("true", _OLD_TEXT))],
    )
    def test_one_key_in_either_place(self, first: _Key, second: _Key) -> None:
        content = _report(_row(_ARN, first, second))

        assert parse_report(content) == {_ARN: (ReportedKey(active=True, changed_at=_OLD),)}

    def test_every_user_and_the_root_user_by_arn(self) -> None:
        content = _report(
            _row(_ROOT).replace("false,N/A,N/A,N/A", "not_supported,no_information,N/A,N/A", 1),
            _row(_ARN, ("true", _OLD_TEXT)),
            _row(_OTHER, ("true", _NEW_TEXT), ("true", _OLD_TEXT)),
        )

        assert parse_report(content) == {
            _ROOT: (),
            _ARN: (ReportedKey(active=True, changed_at=_OLD),),
            _OTHER: (ReportedKey(True, _NEW), ReportedKey(True, _OLD)),
        }

    @pytest.mark.parametrize("content", ["", _HEADER])
    def test_a_report_without_users(self, content: str) -> None:
        assert parse_report(content) == {}


_GENERATED = success("GenerateCredentialReport", "<State>STARTED</State>")
_IN_PROGRESS = failure(404, "ReportInProgress", "Report is in progress.")
_NOT_PRESENT = failure(410, "ReportNotPresent", "No report was generated.")
_EXPIRED = failure(410, "ReportExpired", "The report has expired.")
_CONTENT = base64.b64encode(_report(_row(_ARN, ("true", _OLD_TEXT))).encode()).decode()
_READY = success(
    "GetCredentialReport",
    f"<Content>{_CONTENT}</Content><ReportFormat>text/csv</ReportFormat>"
    "<GeneratedTime>2026-01-02T03:04:05Z</GeneratedTime>",
)


@pytest.mark.usefixtures("credentials")
class TestWaiting:
    def test_a_report_that_is_there_costs_two_requests(self) -> None:
        slept: list[float] = []
        with scripted_iam(_GENERATED, _READY) as server:
            gateway = Iam(open_session(None, "eu-central-1", server.url), slept.append)
            report = gateway.credential_report()

        assert report == CredentialReport(
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), {_ARN: (ReportedKey(True, _OLD),)}
        )
        assert [r["Action"] for r in server.requests] == [
            "GenerateCredentialReport",
            "GetCredentialReport",
        ]
        assert slept == []

    @pytest.mark.parametrize("answer", [_IN_PROGRESS, _NOT_PRESENT, _EXPIRED])
    def test_a_report_that_is_being_made_is_asked_for_again(self, answer: Answer) -> None:
        slept: list[float] = []
        with scripted_iam(_GENERATED, answer, answer, answer, _READY) as server:
            gateway = Iam(open_session(None, "eu-central-1", server.url), slept.append)
            report = gateway.credential_report()

        assert report.users.keys() == {_ARN}
        assert slept == [1.0, 2.0, 4.0]
        assert [r["Action"] for r in server.requests] == [
            "GenerateCredentialReport",
            *4 * ["GetCredentialReport"],
        ]

    def test_after_a_minute_it_is_given_up(self) -> None:
        slept: list[float] = []
        with (
            scripted_iam(_GENERATED, _IN_PROGRESS) as server,
            pytest.raises(SesTenantError) as caught,
        ):
            Iam(open_session(None, "eu-central-1", server.url), slept.append).credential_report()

        assert slept == [1.0, 2.0, 4.0, 8.0, 15.0, 30.0]
        assert len(server.requests) == 1 + 7
        assert caught.value.code is ErrorCode.NETWORK
        assert "credential report" in caught.value.message
        assert "name the domains" in caught.value.hint

    def test_a_refusal_is_not_waited_for(self) -> None:
        slept: list[float] = []
        said = "User: x is not authorized to perform: iam:GenerateCredentialReport on resource: *"
        with (
            scripted_iam(failure(403, "AccessDenied", said)) as server,
            pytest.raises(SesTenantError) as caught,
        ):
            Iam(open_session(None, "eu-central-1", server.url), slept.append).credential_report()

        assert len(server.requests) == 1
        assert slept == []
        assert caught.value.code is ErrorCode.ACCESS_DENIED
        assert "iam:GenerateCredentialReport" in caught.value.hint
