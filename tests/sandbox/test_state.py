"""`--state`: the account outlives the sandbox, and no file is harmed."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.sandbox.server import Options, serve

from .conftest import BLOG, SHOP, Box, Boxes


def _everything(box: Box) -> dict[str, Any]:
    """Return what clients see of an account."""
    iam, secrets, ssm = box.client("iam"), box.client("secretsmanager"), box.client("ssm")
    details = iam.get_account_authorization_details()
    keys = [
        iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        for user in details["UserDetailList"]
    ]
    return {
        "users": details["UserDetailList"],
        "groups": details["GroupDetailList"],
        "keys": keys,
        "secret": secrets.get_secret_value(SecretId="mail")["SecretString"],
        "parameter": ssm.get_parameter(Name="/mail", WithDecryption=True)["Parameter"]["Value"],
        "identities": box.client("sesv2").list_email_identities()["EmailIdentities"],
    }


def test_an_account_goes_on_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    with serve(Options(state=file)) as sandbox:
        box = Box(sandbox)
        shop = box.tenant(SHOP)
        iam = box.client("iam")
        iam.create_group(GroupName="mailers")
        iam.add_user_to_group(GroupName="mailers", UserName=shop.user_name)
        blog = box.tenant(BLOG)
        iam.update_access_key(
            UserName=blog.user_name, AccessKeyId=blog.access_key_id, Status="Inactive"
        )
        box.client("secretsmanager").create_secret(Name="mail", SecretString="s3cret")
        box.client("ssm").put_parameter(Name="/mail", Value="s3cret", Type="SecureString")
        box.client("sesv2").create_email_identity(EmailIdentity="more.example.com")
        before = _everything(box)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["account.json"]
    with serve(Options(state=file)) as sandbox:
        again = Box(sandbox)
        assert _everything(again) == before
        assert again.mail(shop, f"info@{SHOP}")[0] == 250
        assert again.mail(shop, f"info@{BLOG}")[0] == 554
        assert again.mail(blog, f"info@{BLOG}")[0] == 535


def test_without_state_all_is_forgotten(boxes: Boxes) -> None:
    first = boxes()
    first.tenant(SHOP)
    second = boxes()
    assert second.client("iam").list_users()["Users"] == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 99}',
        b'{"version": 1}',
        b'{"version": 1, "issued": 7}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "account.json"
    file.write_bytes(content)
    with ExitStack() as stack, pytest.raises(SesTenantError) as caught:
        stack.enter_context(serve(Options(state=file)))
    assert caught.value.code is ErrorCode.USAGE
    assert str(file) in caught.value.message
    assert file.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["account.json"]


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with ExitStack() as stack, pytest.raises(SesTenantError, match="cannot be kept"):
        stack.enter_context(serve(Options(state=tmp_path / "nowhere" / "account.json")))


def test_the_file_is_whole_at_every_moment(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    with serve(Options(state=file)) as sandbox:
        assert json.loads(file.read_text())["users"] == []
        Box(sandbox).tenant(SHOP)
    assert [user["name"] for user in json.loads(file.read_text())["users"]] == [f"ses-{SHOP}"]
