"""`--state`: the account outlives the sandbox, and no file is harmed."""

import json
import queue
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.sandbox.account import Account, Settings
from ses_tenant.sandbox.server import Options, serve
from ses_tenant.sandbox.state import kept

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
        "templates": box.client("ses").list_templates()["TemplatesMetadata"],
        "roles": iam.list_roles()["Roles"],
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
        box.client("ses").create_template(Template={"TemplateName": "news", "SubjectPart": "News"})
        iam.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")
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
        assert f"ses-{SHOP}" not in json.dumps(json.loads(file.read_text()))
        Box(sandbox).tenant(SHOP)
    assert f"ses-{SHOP}" in json.dumps(json.loads(file.read_text()))


def test_a_saver_that_fails_says_so_at_once_and_leaves_the_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    account = Account(Settings("eu-central-1"))
    failed: queue.Queue[SesTenantError] = queue.Queue()
    stack = ExitStack()
    stack.enter_context(kept(account, file, failed.put, every_s=0.01))
    before = file.read_bytes()
    account.iam.lock = account.lock  # what nobody can write
    account.changes += 1
    told = failed.get(timeout=20)
    assert told.code is ErrorCode.INTERNAL
    assert "RLock cannot be kept" in told.message
    del account.iam.lock
    with pytest.raises(SesTenantError, match="can no longer be kept"):
        stack.close()
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["account.json"]


@pytest.mark.parametrize("name", ["os:system", "moto.core.utils:os.system", "moto.server:main"])
def test_a_file_makes_no_object_but_motos(tmp_path: Path, name: str) -> None:
    file = tmp_path / "account.json"
    with serve(Options(state=file)):
        pass
    document = json.loads(file.read_text())
    made = {"$": "object", "class": name, "state": {}}
    document["moto"] = [["iam", "123456789012", "aws", {"users": made}]]
    file.write_text(json.dumps(document))
    with ExitStack() as stack, pytest.raises(SesTenantError, match="not what the sandbox writes"):
        stack.enter_context(serve(Options(state=file)))
