"""The outbox over HTTP and in a browser: everything in a message is hostile."""

import json
import shutil
import subprocess
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from ses_tenant.cli.app import app
from ses_tenant.core.tenant.spec import Interface

from .conftest import BLOG, SHOP, Box, Key

EVIL = "<script>document.title='owned'</script>"
HTML = (
    "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
    f"X-Note: {EVIL}\r\nReply-To: <img src=x onerror=alert(1)>\r\n"
)


@pytest.fixture
def shop(box: Box) -> Key:
    """A tenant that sent a message, and was refused another."""
    key = box.tenant(SHOP, Interface.SMTP)
    box.tenant(BLOG)
    assert box.mail(key, f"info@{SHOP}", extra=HTML)[0] == 250
    assert box.mail(key, f"info@{BLOG}", extra=HTML)[0] == 554
    return key


def _get(
    box: Box, path: str, *, method: str = "GET", host: str | None = None
) -> tuple[HTTPResponse, str]:
    where = urlsplit(box.sandbox.url)
    connection = HTTPConnection(where.hostname or "", where.port or 0, timeout=20)
    connection.request(method, f"/_ses-tenant{path}", headers={"Host": host or where.netloc})
    answer = connection.getresponse()
    return answer, answer.read().decode()


@pytest.mark.usefixtures("shop")
def test_the_messages_say_who_when_and_why(box: Box) -> None:
    accepted, refused = json.loads(_get(box, "/messages.json")[1])["messages"]
    assert (accepted["outcome"], refused["outcome"]) == ("accepted", "refused")
    assert accepted["senders"] == [f"info@{SHOP}"]
    assert "statement SendAsOwnDomain of the policy ses-tenant-sending" in accepted["reason"]
    assert "statement NothingElse of the policy ses-tenant-sending" in refused["reason"]
    assert refused["answer"].startswith("User `arn:aws:iam::123456789012:user/ses-tenant/")
    assert refused["user_arn"].endswith(f"/ses-{SHOP}")


@pytest.mark.usefixtures("shop")
def test_a_message_with_its_headers_source_and_html(box: Box) -> None:
    name = json.loads(_get(box, "/messages.json")[1])["messages"][0]["message_id"]
    detail = json.loads(_get(box, f"/messages/{name}")[1])
    assert ["Subject", "Order"] in detail["headers"]
    assert detail["has_html"] is True
    assert detail["source"].endswith("\r\n\r\nHello\r\n")
    raw, source = _get(box, f"/messages/{name}/raw")
    assert source == detail["source"]
    assert "attachment" in raw.headers["Content-Disposition"]
    html, body = _get(box, f"/messages/{name}/html")
    assert body.strip() == "Hello"
    policy = html.headers["Content-Security-Policy"]
    assert "sandbox;" in policy
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy


@pytest.mark.usefixtures("shop")
def test_the_matrix_of_who_may_send_as_whom(box: Box) -> None:
    matrix = json.loads(_get(box, "/matrix.json")[1])
    assert matrix["domains"] == [BLOG, SHOP]
    may = {
        (user["user_name"], cell["domain"]): cell["may_send"]
        for user in matrix["users"]
        for cell in user["cells"]
    }
    assert may == {
        (f"ses-{BLOG}", BLOG): True,
        (f"ses-{BLOG}", SHOP): False,
        (f"ses-{SHOP}", BLOG): False,
        (f"ses-{SHOP}", SHOP): True,
    }


@pytest.mark.usefixtures("shop")
def test_the_matrix_marks_what_is_not_meant_and_forgets_who_was_deleted(box: Box) -> None:
    iam = box.client("iam")
    statement = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    iam.create_user(UserName="rogue")
    iam.put_user_policy(
        UserName="rogue",
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    iam.create_access_key(UserName="rogue")
    wrong = [
        (user["user_name"], cell["domain"])
        for user in json.loads(_get(box, "/matrix.json")[1])["users"]
        for cell in user["cells"]
        if cell["may_send"] != cell["expected"]
    ]
    assert wrong == [("rogue", BLOG), ("rogue", SHOP)]
    name = f"ses-{BLOG}"
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="ses-tenant-sending")
    iam.delete_user(UserName=name)
    assert json.loads(_get(box, "/matrix.json")[1])["domains"] == [SHOP]


def test_no_secret_is_on_the_page(box: Box, shop: Key) -> None:
    pages = [_get(box, path)[1] for path in ("/", "/messages.json", "/matrix.json")]
    for secret in (shop.secret_access_key, shop.password()):
        assert not any(secret in page for page in pages)


@pytest.mark.parametrize(
    ("path", "method", "host", "status"),
    [
        ("/", "GET", None, 200),
        ("/page.js", "GET", None, 200),
        ("/page.css", "GET", None, 200),
        ("", "GET", None, 308),
        ("/", "GET", "localhost:1", 200),
        ("/", "GET", "evil.example", 403),
        ("/messages.json", "GET", "evil.example:80", 403),
        ("/messages.json", "POST", None, 405),
        ("/messages/nobody", "GET", None, 404),
        ("/../static/index.html", "GET", None, 404),
        ("/messages/%2e%2e/raw", "GET", None, 404),
    ],
)
def test_what_is_served_to_whom(
    box: Box, path: str, method: str, host: str | None, status: int
) -> None:
    answer, _ = _get(box, path, method=method, host=host)
    assert answer.status == status
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page_may_load_only_itself(box: Box) -> None:
    answer, text = _get(box, "/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in text


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def _dom(url: str, folder: Path) -> str:
    """Return the page as Chromium has it two seconds after it was opened."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server"),
            *(f"--user-data-dir={folder}", "--virtual-time-budget=2000", "--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.rare
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.usefixtures("shop")
def test_in_a_browser_messages_are_text_and_run_nothing(box: Box, tmp_path: Path) -> None:
    box.mail(box.key(f"ses-{SHOP}"), f"info@{SHOP}", subject=EVIL)
    page = _dom(f"{box.sandbox.url}/_ses-tenant/", tmp_path / "messages")
    assert "<title>ses-tenant sandbox</title>" in page
    assert page.count("<li>") == 3
    assert "2 accepted, 1 refused" in page
    assert "&lt;script&gt;document.title='owned'&lt;/script&gt;" in page
    matrix = _dom(f"{box.sandbox.url}/_ses-tenant/#matrix", tmp_path / "matrix")
    assert matrix.count("may send</span>") == 2
    assert matrix.count("may not</span>") == 2


@pytest.mark.usefixtures("shop")
def test_the_outbox_command(box: Box) -> None:
    run = ["sandbox", "outbox", "--endpoint-url", box.sandbox.url]
    text = CliRunner().invoke(app, run)
    assert text.exit_code == 0
    assert f"accepted SMTP  info@{SHOP} -> customer@client.example" in text.stdout
    assert f"refused  SMTP  info@{BLOG} -> customer@client.example" in text.stdout
    document = json.loads(CliRunner().invoke(app, [*run, "-o", "json"]).stdout)
    assert document["command"] == "sandbox outbox"
    assert [m["outcome"] for m in document["data"]["messages"]] == ["accepted", "refused"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://127.0.0.1:1/x", "nonsense", None])
def test_an_outbox_that_is_not_there(url: str | None) -> None:
    option = [] if url is None else ["--endpoint-url", url]
    answer = CliRunner().invoke(app, ["sandbox", "outbox", *option, "-o", "json"])
    assert answer.exit_code in (1, 2)
    (error,) = json.loads(answer.stdout)["errors"]
    assert error["message"]
