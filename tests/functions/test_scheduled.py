"""The scheduled function on moto: whom it rotates, whom it leaves alone, and what it tells."""

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import boto3
import pytest
from moto.iam.models import iam_backends

from ses_tenant.aws.session import open_session
from ses_tenant.aws.text import read_text
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.fleet import Fleet
from ses_tenant.functions import scheduled
from ses_tenant.functions.boundary import FunctionFailed
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.functions.settings import rotation_options
from tests.functions.rotated_account import REGION, RotatedAccount

DAY = timedelta(days=1)
# What EventBridge sends:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
EVENT = {
    "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
    "source": "aws.events", "account": "123456789012", "time": "2026-10-08T16:53:06Z",
    "region": "eu-central-1", "resources": ["arn:aws:events:eu-central-1:123456789012:rule/Daily"],
    "detail": {},
}  # fmt: skip
FILE = """
[defaults]
max-age = "90d"
destination = "secretsmanager:web/shop"

[tenants."shop.example.com"]
max-age = "30d"
"""


@dataclass
class Context:
    """What Lambda hands over."""

    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e812345678"
    left_ms: int = 900_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def run(
    account: RotatedAccount, fleet: Fleet | None = None, *, context: Context | None = None
) -> dict[str, int]:
    return scheduled.run(
        fleet,
        rotation_options({}, named=False),
        context or Context(),
        partial(make_runtime, sleep=account.slept.append, now=account.clock),
    )


def result(**counts: int) -> dict[str, int]:
    return {
        "rotated": 0,
        "unchanged": 0,
        "elsewhere": 0,
        "left": 0,
        "overdue": 0,
        "failed": 0,
    } | counts


def age(account: RotatedAccount, days: int) -> None:
    """Make the key older; moto's credential report and ListAccessKeys both tell it."""
    for key in account.user.access_keys:
        key.create_date -= timedelta(days=days)


def test_what_is_not_due_is_not_touched(account: RotatedAccount) -> None:
    assert run(account) == result(unchanged=1)
    assert len(account.keys) == 1


def test_a_due_key_is_issued_retired_and_deleted_one_step_a_run(account: RotatedAccount) -> None:
    old = account.held
    age(account, 91)
    assert run(account) == result(rotated=1)
    new = account.held
    assert account.keys == {old: "Active", new: "Active"}
    assert run(account) == result(unchanged=1)
    account.clock.advance(1.1 * DAY)
    assert run(account) == result(rotated=1)
    assert account.keys == {old: "Inactive", new: "Active"}
    account.clock.advance(7.1 * DAY)
    assert run(account) == result(rotated=1)
    assert account.keys == {new: "Active"}


def test_it_retires_what_secrets_manager_has_rotated(account: RotatedAccount) -> None:
    old, new = account.held, account.rotate()
    assert run(account) == result(unchanged=1)
    assert account.keys == {old: "Active", new: "Active"}
    account.clock.advance(1.1 * DAY)
    assert run(account) == result(rotated=1)
    assert account.keys == {old: "Inactive", new: "Active"}


def test_it_leaves_a_key_alone_that_secrets_manager_is_about_to_deliver(
    account: RotatedAccount,
) -> None:
    token = account.begin()
    account.step("createSecret", token)
    with pytest.raises(SesTenantError, match="Another run"):
        run(account)
    assert len(account.keys) == 2
    account.step("finishSecret", token)
    assert account.keys[account.held] == "Active"


@pytest.mark.parametrize("destination", ["file:/srv/shop/.env", "command:keep", "-"])
def test_what_a_function_cannot_reach_is_left_to_the_machine_that_can(
    account: RotatedAccount, destination: str
) -> None:
    account.tag("ses-tenant:destination", destination)
    age(account, 400)
    account.calls.clear()
    assert run(account) == result(elsewhere=1)
    assert len(account.keys) == 1


def test_a_suspended_tenant_stays_suspended(account: RotatedAccount) -> None:
    account.suspend()
    age(account, 400)
    assert run(account) == result(unchanged=1)
    assert set(account.keys.values()) == {"Inactive"}


def test_a_failure_is_raised_and_logged_and_names_the_tenant(
    account: RotatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    age(account, 91)
    account.secret.versions[account.secret.default_version_id]["secret_string"] = "precious"
    with pytest.raises(SesTenantError) as failure:
        run(account)
    assert failure.value.code is ErrorCode.PARTIAL_FAILURE
    assert failure.value.message.startswith("1 of 1 failed: shop.example.com: ")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("tenant") for line in lines] == ["shop.example.com", None]
    assert lines[1] == {"summary": result(failed=1)}
    assert "precious" not in str(failure.value) + str(lines)
    assert len(account.keys) == 1


def test_what_does_not_fit_into_the_time_is_left_for_the_next_run(account: RotatedAccount) -> None:
    """And told from what the last daily run has left as well: it was due a day ago."""
    short = Context(left_ms=60_000)
    age(account, 90)
    account.clock.advance(0.5 * DAY)
    assert run(account, context=short) == result(left=1)
    account.clock.advance(1 * DAY)
    assert run(account, context=short) == result(left=1, overdue=1)
    assert len(account.keys) == 1


def test_a_tenants_file_says_whom_and_at_which_age(account: RotatedAccount) -> None:
    fleet = scheduled.fleet_of(FILE, "s3://bucket/tenants.toml")
    age(account, 31)
    assert run(account) == result(unchanged=1)
    assert run(account, fleet) == result(rotated=1)
    nobody = scheduled.fleet_of("[tenants]\n", "s3://bucket/tenants.toml")
    account.clock.advance(30 * DAY)
    assert run(account, nobody) == result()


def test_a_tenant_that_the_file_names_and_the_account_lacks_is_a_failure(
    account: RotatedAccount,
) -> None:
    fleet = scheduled.fleet_of('[tenants."new.example.com"]\n', "ssm:/tenants")
    with pytest.raises(SesTenantError, match=r"new\.example\.com: There is no such tenant"):
        run(account, fleet)


def test_a_mistake_in_the_file_is_told_with_its_line() -> None:
    with pytest.raises(SesTenantError, match=r"s3://bucket/tenants\.toml:2: "):
        scheduled.fleet_of(
            '[tenants."shop.example.com"]\nmax_age = "1d"\n', "s3://bucket/tenants.toml"
        )


def test_an_account_that_is_reached_by_a_profile_is_refused() -> None:
    with pytest.raises(SesTenantError, match="a function has none"):
        scheduled.fleet_of('[accounts.a]\nprofile = "agency"\n', "ssm:/tenants")


def test_a_role_of_another_account_is_assumed(account: RotatedAccount) -> None:
    """moto keeps accounts apart, so the tenant of this one is not to be seen account."""
    file = """
[accounts.other]
role-arn = "arn:aws:iam::210987654321:role/ses-tenant"
[tenants."shop.example.com"]
"""
    with pytest.raises(SesTenantError, match="no such tenant"):
        run(account, scheduled.fleet_of(file, "ssm:/tenants"))
    assert (
        "aws" not in iam_backends["210987654321"] or not iam_backends["210987654321"]["aws"].users
    )


class TestHandler:
    """As Lambda calls it, with what the schedule sends."""

    @pytest.fixture
    def kept(self, account: RotatedAccount) -> RotatedAccount:
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(
            Bucket="agency", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        s3.put_object(Bucket="agency", Key="ses/tenants.toml", Body=FILE.encode())
        s3.put_object(Bucket="agency", Key="latin", Body=b"\xe4")
        s3.put_object(Bucket="agency", Key="long", Body=bytes(8 * 2**20 + 1))
        ssm = boto3.client("ssm", region_name=REGION)
        ssm.put_parameter(Name="/ses/tenants", Value=FILE, Type="SecureString")
        return account

    def test_all_tenants(self, account: RotatedAccount) -> None:
        age(account, 91)
        assert scheduled.handler(EVENT, Context()) == result(rotated=1)

    @pytest.mark.parametrize("where", ["s3://agency/ses/tenants.toml", "ssm:/ses/tenants"])
    def test_those_of_a_file(
        self, kept: RotatedAccount, where: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SES_TENANT_TENANTS_FILE", where)
        age(kept, 31)
        assert scheduled.handler(EVENT, Context()) == result(rotated=1)

    @pytest.mark.parametrize(
        ("where", "told"),
        [
            ("s3://agency/nothing", "not_found: "),
            ("s3://nobody/tenants.toml", "not_found: "),
            ("s3://agency", "usage: "),
            ("s3://agency/latin", "usage: "),
            ("s3://agency/long", "usage: s3://agency/long is longer than 8 MiB"),
            ("ssm:/nothing", "not_found: "),
            ("ssm:nothing", "usage: "),
            ("tenants.toml", "usage: "),
        ],
    )
    def test_a_file_that_cannot_be_read(
        self, kept: RotatedAccount, where: str, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SES_TENANT_TENANTS_FILE", where)
        with pytest.raises(FunctionFailed) as failure:
            scheduled.handler(EVENT, Context())
        assert str(failure.value).startswith(told)
        assert len(kept.keys) == 1

    def test_times_come_from_the_environment(
        self, account: RotatedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SES_TENANT_MAX_AGE", "10d")
        age(account, 11)
        assert scheduled.handler(EVENT, Context()) == result(rotated=1)
        monkeypatch.setenv("SES_TENANT_MAX_AGE", "soon")
        with pytest.raises(FunctionFailed, match="usage: 'soon' is not a time"):
            scheduled.handler(EVENT, Context())


def test_a_text_is_read_from_the_sessions_region(account: RotatedAccount) -> None:
    session = open_session(None, "eu-west-1", None)
    boto3.client("ssm", region_name="eu-west-1").put_parameter(
        Name="/there", Value="text", Type="String"
    )
    assert read_text(session, "ssm:/there") == "text"
    with pytest.raises(SesTenantError):
        read_text(account.session, "ssm:/there")
