"""What a page in the developer's browser, and a stranger on the network, can reach: nothing."""

import base64
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPResponse
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from ses_tenant.cli.app import app
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.sandbox.run import variables
from ses_tenant.sandbox.server import Options, serve

from .conftest import BLOG, REGION, SHOP, Box, Boxes, Key

PATHS = ("/", "/v2/email/account", "/_ses-tenant/", "/_ses-tenant/messages.json", "/moto-api/")
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=any/20260101/{}/{}/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)
FORM = "application/x-www-form-urlencoded"


def ask(
    box: Box, path: str, headers: Mapping[str, str], method: str = "GET", body: bytes = b""
) -> tuple[HTTPResponse, bytes]:
    where = urlsplit(box.sandbox.url)
    connection = HTTPConnection(where.hostname or "", where.port or 0, timeout=20)
    connection.request(method, path, body, {"Host": where.netloc, **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def signed(
    box: Box, key: Key | None, service: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """Send a request as an SDK would never make it, rightly signed."""
    credentials = (
        Credentials(key.access_key_id, key.secret_access_key) if key else Credentials("any", "any")
    )
    request = AWSRequest("POST", f"{box.sandbox.url}/", data=body, headers=dict(headers))
    SigV4Auth(credentials, service, REGION).add_auth(request)
    answer, content = ask(box, "/", dict(request.headers.items()), "POST", body)
    return answer.status, content


def test_nothing_of_moto_can_be_reached_beside_the_api(box: Box) -> None:
    shop = box.tenant(SHOP)
    for path in (
        "/moto-api/data.json",
        "/moto-api/reset",
        "/moto-api/recorder/start-recording",
        "/%6doto-api/data.json",
        "//moto-api/data.json",
        "/latest/meta-data/iam/security-credentials/",
        "/favicon.ico",
        "/iam_eu-central-1/x",
    ):
        for method, headers in product(("GET", "POST"), ({}, box_authorization(box))):
            answer, body = ask(box, path, headers, method)
            assert answer.status == 404, path
            assert shop.secret_access_key.encode() not in body
    assert [u["UserName"] for u in box.client("iam").list_users()["Users"]] == [f"ses-{SHOP}"]


def test_a_name_that_somebody_else_can_point_here_is_refused(box: Box) -> None:
    hosts = ("evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil", "x")
    for path, host in product(PATHS, hosts):
        assert ask(box, path, {"Host": host})[0].status == 403, (path, host)


def test_no_other_page_reads_or_writes(box: Box) -> None:
    foreign: list[dict[str, str]] = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ]
    for path, headers, method in product(PATHS, foreign, ("GET", "POST", "OPTIONS")):
        answer, _ = ask(box, path, {**headers, "Content-Type": "text/plain"}, method)
        assert answer.status == 403, (path, headers, method)


def test_the_own_page_is_served(box: Box) -> None:
    for headers in ({"Origin": box.sandbox.url}, {"Sec-Fetch-Site": "same-origin"}):
        assert ask(box, "/_ses-tenant/messages.json", headers)[0].status == 200


def _answers(box: Box) -> Iterator[HTTPResponse]:
    key = box.tenant(SHOP)
    box.mail(key, f"info@{SHOP}")
    message = f"/_ses-tenant/messages/{box.last.message_id}"
    for path in (*PATHS, "/_ses-tenant", "/_ses-tenant/page.js", message, f"{message}/html"):
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            yield ask(box, path, {}, method)[0]
    authorization = box_authorization(box)
    yield ask(box, "/v2/email/account", authorization)[0]
    yield ask(box, "/v2/email/identities", {**authorization, "Origin": box.sandbox.url})[0]
    with socket.create_connection((box.sandbox.host, int(box.sandbox.url[-5:])), 10) as raw:
        raw.settimeout(10)
        raw.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n")
        broken = HTTPResponse(raw)
        broken.begin()
        broken.close()
        yield broken


def box_authorization(box: Box) -> dict[str, str]:
    request = AWSRequest("GET", f"{box.sandbox.url}/v2/email/account")
    SigV4Auth(Credentials("any", "any"), "ses", REGION).add_auth(request)
    return dict(request.headers.items())


def test_every_answer_has_the_headers_that_keep_it_to_itself(box: Box) -> None:
    seen = set()
    for answer in _answers(box):
        seen.add(answer.status)
        names = [name.lower() for name in answer.headers]
        assert len(names) == len(set(names))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "ses-tenant-sandbox"
        assert not any(name.startswith("access-control-") for name in names)
    assert seen >= {200, 308, 403, 404, 405, 431}


@pytest.mark.parametrize(
    ("service", "body", "headers"),
    [
        ("ses", "Action=VerifyDomainIdentity&Domain=x.example&Action=GetSendQuota", {}),
        ("sts", "Action=GetSessionToken&Action=GetCallerIdentity", {}),
        (
            "ses",
            "Action=VerifyDomainIdentity&Domain=x.example",
            {"X-Amz-Target": "SimpleEmailService.GetSendQuota"},
        ),
        (
            "ses",
            (
                '--b\r\nContent-Disposition: form-data; name="Action"\r\n\r\n'
                "VerifyDomainIdentity\r\n"
                '--b\r\nContent-Disposition: form-data; name="Domain"\r\n\r\nx.example\r\n--b--\r\n'
                "&Action=GetSendQuota"
            ),
            {"Content-Type": "multipart/form-data; boundary=b"},
        ),
    ],
)
def test_moto_does_what_was_judged_and_nothing_else(
    box: Box, service: str, body: str, headers: dict[str, str]
) -> None:
    """moto takes the first of two parameters, other forms, and other headers."""
    shop = box.tenant(SHOP)
    before = box.client("ses").list_identities()["Identities"]
    _, answer = signed(box, shop, service, body.encode(), {"Content-Type": FORM, **headers})
    assert b"SecretAccessKey" not in answer
    assert box.client("ses").list_identities()["Identities"] == before


def test_a_stranger_is_not_told_which_templates_there_are(box: Box) -> None:
    shop = box.tenant(SHOP)
    template = {"TemplateName": "order", "SubjectPart": "Order", "TextPart": "Hello"}
    box.client("ses").create_template(Template=template)

    def answers(name: str) -> list[str]:
        ses: Any
        sesv2: Any
        ses, sesv2 = box.client("ses", shop), box.client("sesv2", shop)
        to = {"ToAddresses": ["customer@client.example"]}
        source, content = f"info@{SHOP}", {"TemplateName": name, "TemplateData": "{}"}
        found = []
        calls: list[Callable[[], Any]] = [
            lambda: ses.send_templated_email(
                Source=source, Destination=to, Template=name, TemplateData="{}"
            ),
            lambda: ses.send_bulk_templated_email(
                Source=source,
                Template=name,
                DefaultTemplateData="{}",
                Destinations=[{"Destination": to}],
            ),
            lambda: sesv2.send_email(
                FromEmailAddress=source, Destination=to, Content={"Template": content}
            ),
            lambda: sesv2.send_bulk_email(
                FromEmailAddress=source,
                DefaultContent={"Template": content},
                BulkEmailEntries=[{"Destination": to}],
            ),
        ]
        for call in calls:
            with pytest.raises(ClientError) as caught:
                call()
            error = caught.value.response["Error"]
            found.append(f"{error['Code']} {error['Message']}".replace(name, "NAME"))
        return found

    assert answers("order") == answers("absent")
    assert {answer.partition(" ")[0] for answer in answers("absent")} == {
        "AccessDenied",
        "AccessDeniedException",
    }
    for call in ("send_templated_email", "send_bulk_templated_email"):
        with pytest.raises(ClientError, match="Template absent does not exist"):
            getattr(box.client("ses"), call)(
                Source=f"info@{SHOP}",
                Template="absent",
                **(
                    {"Destination": {"ToAddresses": ["a@b.example"]}, "TemplateData": "{}"}
                    if call == "send_templated_email"
                    else {
                        "DefaultTemplateData": "{}",
                        "Destinations": [{"Destination": {"ToAddresses": ["a@b.example"]}}],
                    }
                ),
            )


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_arns_are_those_of_the_partition(boxes: Boxes, region: str) -> None:
    box = boxes(region=region)
    box.client("iam", region=region).create_user(UserName="site")
    made = box.client("iam", region=region).create_access_key(UserName="site")["AccessKey"]
    key = Key("site", made["AccessKeyId"], made["SecretAccessKey"])
    calls: list[Callable[[], Any]] = [
        lambda: box.client("secretsmanager", key, region).get_secret_value(SecretId="x"),
        lambda: box.client("iam", key, region).create_user(UserName="y"),
        lambda: box.client("ssm", key, region).get_parameter(Name="x"),
    ]
    for call in calls:
        with pytest.raises(ClientError, match=r"on resource: arn:aws-(us-gov|cn):"):
            call()


ODD: list[tuple[str, str, bytes]] = [
    ("secretsmanager", "secretsmanager.GetSecretValue", b""),
    ("secretsmanager", "secretsmanager.CreateSecret", b'{"Name":5}'),
    ("secretsmanager", "secretsmanager.", b"{}"),
    ("secretsmanager", "secretsmanager.GetSecretValue", b"[" * 100_000),
    ("ssm", "AmazonSSM.GetParameter", b'{"Name":{}}'),
    ("ses", "", b"Action=VerifyDomainIdentity"),
    ("ses", "/v2/email/templates", b"{}"),
    ("ses", "/v2/email/identities", b'{"EmailIdentity":"x.example","DkimSigningAttributes":7}'),
    ("ses", "/v2/email/nothing", b""),
    ("iam", "", b""),
]


@pytest.mark.parametrize(("service", "target", "body"), ODD)
def test_what_moto_does_not_expect_is_an_error_of_aws(
    box: Box, service: str, target: str, body: bytes
) -> None:
    path = target if target.startswith("/") else "/"
    headers = {"X-Amz-Target": target} if target and path == "/" else {}
    sign = AUTHORIZATION.format(REGION, service)
    answer, content = ask(box, path, {"Authorization": sign, **headers}, "POST", body)
    assert answer.status == 400
    assert "html" not in (answer.headers["Content-Type"] + content.decode()).lower()
    assert re.search(
        r"ValidationE|BadRequestException|InvalidAction", str(answer.headers) + str(content)
    )


@pytest.mark.parametrize("service", ["iam", "sts", "ses", "secretsmanager", "ssm"])
def test_a_region_that_there_is_not_is_refused(box: Box, service: str) -> None:
    sign = AUTHORIZATION.format("xx-nowhere-1", service)
    headers = {"Authorization": sign, "X-Amz-Target": "x.GetSecretValue"}
    answer, content = ask(box, "/", headers, "POST", b"Action=SendEmail")
    assert answer.status in (400, 403)
    assert b"Credential should be scoped to a valid region." in content


def test_no_answer_of_the_second_ses_api_is_a_page(box: Box) -> None:
    headers = {"Authorization": AUTHORIZATION.format(REGION, "ses")}
    body = b'{"ConfigurationSetName":"x"}'
    answer, _ = ask(box, "/v2/email/configuration-sets", headers, "POST", body)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


def test_a_body_that_is_too_long_is_refused_in_plain_text(box: Box) -> None:
    headers = {"Content-Length": str(10**12), "Authorization": AUTHORIZATION.format(REGION, "ses")}
    answer, content = ask(box, "/", headers, "POST")
    assert (answer.status, content) == (413, b"Request Entity Too Large.\n")


def exposed(boxes: Boxes) -> Box:
    return boxes(host="0.0.0.0")


def basic(user: str, password: str) -> dict[str, str]:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def test_for_other_machines_one_printed_key_is_the_operators(boxes: Boxes) -> None:
    box = exposed(boxes)
    operator = box.sandbox.operator
    assert operator.secret_access_key not in repr(box.sandbox)

    def users(access_key_id: str, secret: str) -> list[str]:
        iam = boto3.client(
            "iam",
            region_name=REGION,
            endpoint_url=box.sandbox.url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
        )
        iam.create_user(UserName=f"u{len(access_key_id)}")
        return [user["UserName"] for user in iam.list_users()["Users"]]

    printed = variables(box.sandbox, {})
    assert printed["AWS_ACCESS_KEY_ID"] == operator.access_key_id
    assert printed["AWS_SECRET_ACCESS_KEY"] == operator.secret_access_key
    for key, secret in (("sandbox", "sandbox"), (operator.access_key_id, "guessed")):
        with pytest.raises(ClientError, match=r"InvalidClientTokenId|SignatureDoesNotMatch"):
            users(key, secret)
    assert len(users(operator.access_key_id, operator.secret_access_key)) == 1


def test_for_other_machines_the_page_asks_who_is_there(boxes: Boxes) -> None:
    box = exposed(boxes)
    operator = box.sandbox.operator
    path = "/_ses-tenant/messages.json"
    for headers in ({}, basic("sandbox", "sandbox"), basic(operator.access_key_id, "x")):
        answer, body = ask(box, path, headers)
        assert answer.status == 401
        assert b"messages" not in body
    given = basic(operator.access_key_id, operator.secret_access_key)
    for host in ("host.docker.internal:8000", "sandbox", "10.1.2.3"):
        assert ask(box, path, {**given, "Host": host})[0].status == 200
    assert ask(box, path, {**given, "Host": "evil.example"})[0].status == 403


def test_the_outbox_command_shows_itself_with_the_printed_key(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = exposed(boxes)
    run = ["sandbox", "outbox", "--endpoint-url", box.sandbox.url, "-o", "json"]
    refused = CliRunner().invoke(app, run)
    assert json.loads(refused.stdout)["errors"][0]["code"] == "access_denied"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, variables(box.sandbox, {})[name])
    assert json.loads(CliRunner().invoke(app, run).stdout)["data"] == {"messages": []}


def _free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _ports(options: Options) -> list[int]:
    with serve(options) as sandbox:
        https = urlsplit(sandbox.https_url).port or 0
        return [urlsplit(sandbox.url).port or 0, sandbox.smtp_port, sandbox.smtps_port, https]


def test_ports_are_the_ones_asked_for_and_with_state_the_same_again(tmp_path: Path) -> None:
    file, wanted = tmp_path / "account.json", _free_ports()
    http, smtp, smtps, https = wanted
    given = Options(port=http, smtp_port=smtp, smtps_port=smtps, https_port=https)
    assert _ports(given) == wanted
    first = _ports(Options(state=file))
    assert _ports(Options(state=file)) == first
    other = _free_ports()[0]
    assert _ports(Options(state=file, port=other)) == [other, *first[1:]]


@pytest.mark.parametrize("name", ["port", "smtp_port", "smtps_port", "https_port"])
def test_a_port_that_is_taken_is_told(tmp_path: Path, name: str) -> None:
    file = tmp_path / "account.json"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SesTenantError, match=f"'127.0.0.1', port {port}: ") as caught:
            _ports(Options(state=file, **{name: port}))
    assert caught.value.code is ErrorCode.USAGE
    assert not file.exists()


SMUGGLED = [
    f"From : ceo@{BLOG}\r\nFrom: info@{SHOP}\r\n",
    f"From: info@{SHOP}\r\nFrom : ceo@{BLOG}\r\n",
    f"From\t: ceo@{BLOG}\r\nFrom: info@{SHOP}\r\n",
    f"From ceo@{BLOG} Mon Jan  1 00:00:00 2026\r\nFrom: info@{SHOP}\r\n",
    f"FROM: ceo@{BLOG}\r\nfrom: info@{SHOP}\r\n",
    f"From: info@{SHOP}\r\nFrom: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\n ,ceo@{BLOG}\r\n",
    f"From:\r\n\tceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nSender : ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nResent-From: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nResent-Sender: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nResent-From : ceo@{BLOG}\r\n",
    f"From: =?utf-8?q?ceo=40{BLOG}?=\r\n",
    f"From: =?utf-8?q?x?= <ceo@{BLOG}> <info@{SHOP}>\r\n",
    f"From: info@{SHOP} (ceo@{BLOG}), ceo@{BLOG}\r\n",
    f"From: friends: info@{SHOP}, ceo@{BLOG};\r\n",
    f"X-A: b\n\r\nFrom: ceo@{BLOG}\r\nFrom: info@{SHOP}\r\n",
    f"From: info@{SHOP}\r\nX-A: b\n\r\nFrom: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nX-A: b\r\rFrom: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nX-A: b\n\nFrom: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\nX-A: b\n\nHello\r\nFrom: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nX-A: b\rFrom: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nno header\r\nFrom: ceo@{BLOG}\r\n",
    f"From: info@{SHOP}\r\nX-SES-SOURCE-ARN: a\r\nX-SES-SOURCE-ARN: b\r\n",
]


def test_no_header_hides_a_sender(box: Box) -> None:
    shop = box.tenant(SHOP)
    box.tenant(BLOG)
    ses, sesv2 = box.client("ses", shop), box.client("sesv2", shop)

    def is_taken(raw: bytes, call: str) -> bool:
        try:
            if call == "v2":
                sesv2.send_email(Content={"Raw": {"Data": raw}})
            else:
                ses.send_raw_email(RawMessage={"Data": raw}, **({"Source": call} if call else {}))
        except ClientError:
            return False
        return True

    for header, call in product(SMUGGLED, ("", f"info@{SHOP}", "v2")):
        raw = f"{header}To: customer@client.example\r\nSubject: x\r\n\r\nHello\r\n".encode()
        assert not is_taken(raw, call), header
    assert all(entry.outcome == "refused" for entry in box.sandbox.post.outbox.entries())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_messages_are_taken_with_either_end_of_line(box: Box, end: str) -> None:
    shop = box.tenant(SHOP)
    lines = ["Subject: x", f"From: Shop <info@{SHOP}>", "To: a@b.example", "", "From: them", "y"]
    box.client("ses", shop).send_raw_email(RawMessage={"Data": end.join(lines).encode()})
    assert box.last.senders == (f"info@{SHOP}",)


def test_the_envelope_is_one_plain_address(box: Box) -> None:
    shop = box.tenant(SHOP)
    with box.smtp() as connection:
        connection.login(shop.access_key_id, shop.password())
        for envelope in (f"ceo@{BLOG}@{SHOP}", f'"ceo@{BLOG}"@{SHOP}', "info"):
            assert connection.docmd("MAIL", f"FROM:<{envelope}>")[0] in (501, 553)


def test_a_query_is_no_way_around(box: Box) -> None:
    shop = box.tenant(SHOP)
    query = urlencode({"Action": "VerifyDomainIdentity", "Domain": "x.example"})
    answer, _ = ask(box, f"/?{query}", {}, "POST")
    assert answer.status == 403
    assert shop.user_name
