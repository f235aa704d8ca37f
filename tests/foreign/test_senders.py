"""Each mail program: its own domain, another's, wrong passwords, after rotation and suspension."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ses_tenant.core.tenant.policy import policy_json, suspended_policy
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.sandbox.server import serve
from tests.sandbox.conftest import BLOG, SHOP, Box, Key

from .api_senders import API_SENDERS, ApiLogin, missing_api
from .senders import SENDERS, Login, missing

pytestmark = pytest.mark.rare

ANSWER = f"554 Access denied: User `arn:aws:iam::123456789012:user/ses-tenant/{SHOP}/ses-{SHOP}'"


@pytest.fixture
def box() -> Iterator[Box]:
    with serve() as sandbox:
        yield Box(sandbox)


def login(box: Box, key: Key, password: str | None = None) -> Login:
    sandbox = box.sandbox
    return Login(
        sandbox.host,
        sandbox.smtp_port,
        key.access_key_id,
        password or key.password(),
        str(sandbox.ca_file),
    )


@pytest.mark.parametrize("name", SENDERS)
def test_a_site_sends_as_itself_and_nothing_else(box: Box, name: str, tmp_path: Path) -> None:
    if reason := missing(name):
        pytest.skip(reason)
    send, iam = SENDERS[name], box.client("iam")
    shop = box.tenant(SHOP, Interface.SMTP)
    box.tenant(BLOG, Interface.SMTP)

    own = send(login(box, shop), f"info@{SHOP}", tmp_path)
    assert own.taken, own.text
    assert [entry.senders for entry in box.sandbox.post.outbox.entries()] == [(f"info@{SHOP}",)]
    foreign = send(login(box, shop), f"info@{BLOG}", tmp_path)
    assert not foreign.taken
    # PHPMailer and msmtp break or shorten long answers.
    assert "Access denied: User" in foreign.text.replace("\n", " "), foreign.text
    assert "NothingElse" in box.last.reason

    if name == "postfix":  # it takes three seconds to start, and does so for each message
        refused = send(login(box, shop, "wrong"), f"info@{SHOP}", tmp_path)
        assert not refused.taken
        assert "535 Authentication Credentials Invalid" in refused.text
        return
    for password in ("wrong", shop.password("eu-west-1")):
        refused = send(login(box, shop, password), f"info@{SHOP}", tmp_path)
        assert not refused.taken
        assert "535" in refused.text or "Login denied" in refused.text, refused.text

    second = box.key(shop.user_name)
    owner = {"UserName": shop.user_name, "AccessKeyId": shop.access_key_id}
    iam.update_access_key(**owner, Status="Inactive")
    assert send(login(box, second), f"info@{SHOP}", tmp_path).taken
    assert not send(login(box, shop), f"info@{SHOP}", tmp_path).taken
    iam.put_user_policy(
        UserName=shop.user_name,
        PolicyName="ses-tenant-suspended",
        PolicyDocument=policy_json(suspended_policy([second.access_key_id])),
    )
    assert not send(login(box, second), f"info@{SHOP}", tmp_path).taken
    assert "ses-tenant-suspended" in box.last.reason


def api_login(box: Box, key: Key, secret: str | None = None) -> ApiLogin:
    secret_access_key = secret or key.secret_access_key
    return ApiLogin(box.sandbox.url, box.sandbox.region, key.access_key_id, secret_access_key)


@pytest.mark.parametrize("name", API_SENDERS)
def test_a_site_sends_by_the_api_as_itself_and_nothing_else(box: Box, name: str) -> None:
    if reason := missing_api(name):
        pytest.skip(reason)
    send, iam = API_SENDERS[name], box.client("iam")
    shop = box.tenant(SHOP)
    box.tenant(BLOG)

    own = send(api_login(box, shop), f"info@{SHOP}")
    assert own.taken, own.text
    assert [entry.senders for entry in box.sandbox.post.outbox.entries()] == [(f"info@{SHOP}",)]
    foreign = send(api_login(box, shop), f"info@{BLOG}")
    assert not foreign.taken
    assert f"ses-{SHOP}' is not authorized to perform `ses:Send" in foreign.text
    assert "NothingElse" in box.last.reason
    wrong = send(api_login(box, shop, "wrong"), f"info@{SHOP}")
    assert not wrong.taken
    assert "The request signature we calculated does not match" in wrong.text

    second = box.key(shop.user_name)
    owner = {"UserName": shop.user_name, "AccessKeyId": shop.access_key_id}
    iam.update_access_key(**owner, Status="Inactive")
    assert send(api_login(box, second), f"info@{SHOP}").taken
    old = send(api_login(box, shop), f"info@{SHOP}")
    assert not old.taken
    assert "The security token included in the request is invalid" in old.text
    iam.put_user_policy(
        UserName=shop.user_name,
        PolicyName="ses-tenant-suspended",
        PolicyDocument=policy_json(suspended_policy([second.access_key_id])),
    )
    assert not send(api_login(box, second), f"info@{SHOP}").taken
    if name != "django-ses":  # it asks for its quota first, and is denied that already
        assert "ses-tenant-suspended" in box.last.reason
