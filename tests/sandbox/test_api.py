"""The SES APIs: who is let in, whose mail is taken, and the errors that SDKs raise."""

import base64
import http.client
import json
import socket
import ssl
import textwrap
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from ses_tenant.sandbox.outbox import Outcome

from .conftest import BLOG, REGION, SHOP, Box, Boxes, Key

TO = {"ToAddresses": ["customer@client.example"]}
SIMPLE = {"Subject": {"Data": "Order"}, "Body": {"Text": {"Data": "Hello"}}}
TEMPLATE = {"TemplateName": "order", "SubjectPart": "Order {{n}}", "TextPart": "Hello {{name}}"}

Send = Callable[[Box, Key | None, str], Any]


def raw(sender: str) -> bytes:
    return f"From: {sender}\nTo: customer@client.example\nSubject: Order\n\nHello\n".encode()


def v1_simple(box: Box, key: Key | None, sender: str) -> Any:
    return box.client("ses", key).send_email(Source=sender, Destination=TO, Message=SIMPLE)


def v1_raw(box: Box, key: Key | None, sender: str) -> Any:
    return box.client("ses", key).send_raw_email(RawMessage={"Data": raw(sender)})


def v2_simple(box: Box, key: Key | None, sender: str) -> Any:
    return box.client("sesv2", key).send_email(
        FromEmailAddress=sender, Destination=TO, Content={"Simple": SIMPLE}
    )


def v2_raw(box: Box, key: Key | None, sender: str) -> Any:
    return box.client("sesv2", key).send_email(Content={"Raw": {"Data": raw(sender)}})


def v2_raw_replaced(box: Box, key: Key | None, sender: str) -> Any:
    """FromEmailAddress replaces the From header."""
    return box.client("sesv2", key).send_email(
        FromEmailAddress=sender, Content={"Raw": {"Data": raw(f"other@{SHOP}")}}
    )


GRANTED: list[Send] = [v1_simple, v1_raw, v2_simple, v2_raw, v2_raw_replaced]


def v1_template(box: Box, key: Key | None, sender: str) -> Any:
    return box.client("ses", key).send_templated_email(
        Source=sender, Destination=TO, Template="order", TemplateData='{"n":1,"name":"A"}'
    )


def v2_template(box: Box, key: Key | None, sender: str) -> Any:
    template = {"TemplateName": "order", "TemplateData": '{"n":1,"name":"A"}'}
    return box.client("sesv2", key).send_email(
        FromEmailAddress=sender, Destination=TO, Content={"Template": template}
    )


def v2_inline_template(box: Box, key: Key | None, sender: str) -> Any:
    content = {"Subject": "Order {{n}}", "Text": "Hello {{name}}"}
    template = {"TemplateContent": content, "TemplateData": '{"n":1,"name":"A"}'}
    return box.client("sesv2", key).send_email(
        FromEmailAddress=sender, Destination=TO, Content={"Template": template}
    )


def v1_bulk(box: Box, key: Key | None, sender: str) -> Any:
    return box.client("ses", key).send_bulk_templated_email(
        Source=sender,
        Template="order",
        DefaultTemplateData='{"n":1,"name":"A"}',
        Destinations=[{"Destination": TO}, {"Destination": TO}],
    )


def v2_bulk(box: Box, key: Key | None, sender: str) -> Any:
    template = {"TemplateName": "order", "TemplateData": '{"n":1,"name":"A"}'}
    return box.client("sesv2", key).send_bulk_email(
        FromEmailAddress=sender,
        DefaultContent={"Template": template},
        BulkEmailEntries=[{"Destination": TO}],
    )


_ALLOWED = "only alphanumeric ASCII characters, '_', and '-' are allowed."
_TAG_FAULTS = [
    ([("campaign", "spring_2026-04")], None),
    ([("ses:feedback-id-a", "news")], None),
    ([("", "x")], "The tag name must be specified."),
    ([("a", "")], "The tag value must be specified."),
    ([("a", "b c")], f"Invalid tag value <b c>: {_ALLOWED}"),
    ([("ok", "ok"), ("a.b", "x")], f"Invalid tag name <a.b>: {_ALLOWED}"),
    ([("a", "b" * 257)], "Tag value cannot exceed 256 characters."),
]  # fmt: skip


@pytest.mark.parametrize(("pairs", "fault"), _TAG_FAULTS)
def test_message_tags_are_validated(
    box: Box, pairs: list[tuple[str, str]], fault: str | None
) -> None:
    tags: Any = [{"Name": name, "Value": value} for name, value in pairs]
    header = ", ".join(f"{name}={value}" for name, value in pairs)
    sender = f"info@{SHOP}"
    raw = f"From: {sender}\r\nX-SES-MESSAGE-TAGS: {header}\r\n\r\nIt works.\r\n".encode()
    shop = box.tenant(SHOP)
    body: Any = {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}
    v1, v2 = box.client("ses", shop), box.client("sesv2", shop)

    def sends() -> Iterator[tuple[str, Callable[[], object]]]:
        yield (
            "BadRequestException",
            lambda: v2.send_email(
                FromEmailAddress=sender, Destination=TO, Content={"Simple": body}, EmailTags=tags
            ),
        )
        yield (
            "InvalidParameterValue",
            lambda: v1.send_email(Source=sender, Destination=TO, Message=body, Tags=tags),
        )
        yield (
            "InvalidParameterValue",
            lambda: v1.send_raw_email(Destinations=TO["ToAddresses"], RawMessage={"Data": raw}),
        )

    for code, send in sends():
        if fault is None:
            send()
        else:
            assert refusal(send) == (code, 400, fault)


def test_a_tag_that_is_wrong_is_not_told_to_whom_iam_refuses(box: Box) -> None:
    client = box.client("sesv2", box.tenant(SHOP))
    body: Any = {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}
    told = refusal(
        lambda: client.send_email(
            FromEmailAddress=f"info@{BLOG}",
            Destination=TO,
            Content={"Simple": body},
            EmailTags=[{"Name": "a b", "Value": "x"}],
        )
    )
    assert told[0] == "AccessDeniedException"


def test_a_configuration_set_that_is_not_there_cannot_be_deleted(box: Box) -> None:
    code, _, told = refusal(
        lambda: box.client("ses").delete_configuration_set(ConfigurationSetName="no")
    )
    assert (code, told) == (
        "ConfigurationSetDoesNotExist",
        "Configuration set <no> does not exist.",
    )


def test_a_template_is_filled_in_as_by_ses(box: Box) -> None:
    content = {
        "Subject": "Order {{ order.number }}",
        "Text": "{{#if gift}}A gift! {{/if}}{{#each items}}{{name}}, {{/each}}{{total}}",
    }
    data = {"order": {"number": 7}, "gift": True, "items": [{"name": "A"}, {"name": "B"}]}
    box.tenant(SHOP)  # whose domain is verified by that
    client = box.client("sesv2")

    def send(data: object) -> None:
        client.send_email(
            FromEmailAddress=f"info@{SHOP}",
            Destination=TO,
            Content={"Template": {"TemplateContent": content, "TemplateData": json.dumps(data)}},
        )

    send({**data, "total": 12.5})
    send(data)  # SES takes it, and cannot send it
    sent, failed = box.sandbox.post.outbox.entries()
    assert (sent.outcome, sent.subject) == (Outcome.ACCEPTED, "Order 7")
    assert b"A gift! A, B, 12.5" in sent.raw
    assert (failed.outcome, failed.answer) == (Outcome.REFUSED, "Ok")
    assert failed.reason.startswith("rendering failure: Attribute 'total' is not present")


def test_the_daily_quota_of_an_account_in_the_ses_sandbox(boxes: Boxes) -> None:
    box = boxes(ses_sandbox=True)
    shop = box.tenant(SHOP)
    account = box.sandbox.post.account
    account.sent[REGION] = 199
    body: Any = {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}
    to = {"ToAddresses": ["success@simulator.amazonses.com"]}

    def v1() -> None:
        box.client("ses").send_email(Source=f"info@{SHOP}", Destination=to, Message=body)

    v1()
    quota = box.client("ses", shop).get_send_quota()
    assert (quota["Max24HourSend"], quota["SentLast24Hours"]) == (200, 200)
    assert refusal(v1) == ("Throttling", 400, "Daily message quota exceeded.")
    told = refusal(
        lambda: box.client("sesv2").send_email(
            FromEmailAddress=f"info@{SHOP}", Destination=to, Content={"Simple": body}
        )
    )
    assert told == ("TooManyRequestsException", 429, "Daily message quota exceeded.")
    assert box.mail(shop, f"info@{SHOP}", to="success@simulator.amazonses.com")[0] == 454


def _email_service(box: Box, key: Key, raw: str) -> tuple[int, bytes]:
    """Ask as a library whose host is fixed, that signs for it, and that wraps its base64."""
    data = "\n".join(textwrap.wrap(base64.b64encode(raw.encode()).decode(), 76))
    form = {"Action": "SendRawEmail", "RawMessage.Data": data, "Version": "2010-12-01"}
    port = urlsplit(box.sandbox.https_url).port
    host = f"email.{REGION}.amazonaws.com"
    body = urlencode(form)
    headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"https://{host}/", headers, body)
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    SigV4Auth(credentials, "email", REGION).add_auth(request)
    context = ssl.create_default_context(cafile=str(box.sandbox.ca_file))
    with (
        socket.create_connection(("127.0.0.1", port or 0), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        connection = http.client.HTTPConnection(host)
        connection.sock = tls
        connection.request("POST", "/", body, dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_library_whose_host_is_fixed_is_served_by_https(box: Box) -> None:
    shop = box.tenant(SHOP)
    own, foreign = (
        _email_service(box, shop, f"From: info@{domain}\r\nTo: a@b.example\r\n\r\n{'x' * 200}\r\n")
        for domain in (SHOP, BLOG)
    )
    assert own[0] == 200
    assert b"<MessageId>" in own[1]
    assert foreign[0] == 403
    assert b"<Code>AccessDenied</Code>" in foreign[1]


def test_a_client_that_says_nothing_keeps_no_other_waiting(box: Box) -> None:
    port = urlsplit(box.sandbox.https_url).port
    shop = box.tenant(SHOP)
    with socket.create_connection(("127.0.0.1", port or 0), timeout=20):
        assert (
            _email_service(box, shop, f"From: a@{SHOP}\r\nTo: a@b.example\r\n\r\nx\r\n")[0] == 200
        )


TEMPLATED: list[Send] = [v1_template, v2_template, v2_inline_template, v1_bulk, v2_bulk]


def refusal(call: Callable[[], Any]) -> tuple[str, int, str]:
    """Return code, status and message of the error that a call raises."""
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    error = response["Error"]
    return error["Code"], response["ResponseMetadata"]["HTTPStatusCode"], error["Message"]


@pytest.mark.parametrize("send", GRANTED)
def test_a_site_sends_as_its_own_domain_and_as_no_other(box: Box, send: Send) -> None:
    shop = box.tenant(SHOP)
    box.tenant(BLOG)
    answer = send(box, shop, f"info@{SHOP}")
    assert answer["MessageId"] == box.last.message_id
    assert (box.last.outcome, box.last.domain) == (Outcome.ACCEPTED, SHOP)
    assert b"Hello" in box.last.raw
    assert f"info@{SHOP}".encode() in box.last.raw
    code, status, message = refusal(lambda: send(box, shop, f"info@{BLOG}"))
    assert code == ("AccessDeniedException" if "v2" in send.__name__ else "AccessDenied")
    assert status == 403
    action = "ses:SendRawEmail" if "raw" in send.__name__ else "ses:SendEmail"
    assert message == (
        "User `arn:aws:iam::123456789012:user/ses-tenant/shop.example.com/ses-shop.example.com' is "
        f"not authorized to perform `{action}' on resource "
        f"`arn:aws:ses:eu-central-1:123456789012:identity/{BLOG}'"
    )
    assert "NothingElse" in box.last.reason


@pytest.mark.parametrize("send", TEMPLATED)
def test_templates_are_not_granted_and_the_operator_may_use_them(box: Box, send: Send) -> None:
    shop = box.tenant(SHOP)
    box.client("ses").create_template(Template=TEMPLATE)
    assert refusal(lambda: send(box, shop, f"info@{SHOP}"))[1] == 403
    send(box, None, f"info@{SHOP}")
    assert b"Subject: Order 1" in box.last.raw
    assert b"Hello A" in box.last.raw


def test_of_a_bulk_request_that_is_refused_nothing_is_accepted(box: Box) -> None:
    shop = box.tenant(SHOP)
    box.client("ses").create_template(Template=TEMPLATE)
    bulk = "ses:SendBulkTemplatedEmail"
    to_rival = {"ForAnyValue:StringLike": {"ses:Recipients": "*@rival.example"}}
    statements = [
        {"Effect": "Allow", "Action": bulk, "Resource": "*"},
        {"Effect": "Deny", "Action": bulk, "Resource": "*", "Condition": to_rival},
    ]
    box.client("iam").put_user_policy(
        UserName=shop.user_name,
        PolicyName="bulk",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )

    def send(*recipients: str) -> Any:
        return box.client("ses", shop).send_bulk_templated_email(
            Source=f"info@{SHOP}",
            Template="order",
            DefaultTemplateData='{"n":1,"name":"A"}',
            Destinations=[{"Destination": {"ToAddresses": [to]}} for to in recipients],
        )

    assert len(send("a@client.example", "b@client.example")["Status"]) == 2
    code, status, message = refusal(lambda: send("a@client.example", "b@rival.example"))
    assert (code, status) == ("AccessDenied", 403)
    entries = box.sandbox.post.outbox.entries()
    assert [entry.outcome for entry in entries] == ["accepted"] * 2 + ["refused"] * 2
    assert [entry.answer for entry in entries[2:]] == [message] * 2
    assert box.client("ses").get_send_quota()["SentLast24Hours"] == 2


def test_source_and_header_of_a_raw_message_are_both_judged(box: Box) -> None:
    shop = box.tenant(SHOP)
    box.tenant(BLOG)
    ses = box.client("ses", shop)
    for source, header in [(f"info@{SHOP}", f"info@{BLOG}"), (f"info@{BLOG}", f"info@{SHOP}")]:
        code, _, message = refusal(
            lambda source=source, header=header: ses.send_raw_email(  # type: ignore[misc]
                Source=source, RawMessage={"Data": raw(header)}
            )
        )
        assert code == "AccessDenied"
        assert message.endswith(f"identity/{BLOG}'")


def test_a_foreign_return_path_is_refused(box: Box) -> None:
    shop = box.tenant(SHOP)
    box.tenant(BLOG)
    code, _, _ = refusal(
        lambda: box.client("ses", shop).send_email(
            Source=f"info@{SHOP}", Destination=TO, Message=SIMPLE, ReturnPath=f"bounce@{BLOG}"
        )
    )
    assert code == "AccessDenied"
    assert "ses:feedbackaddress" in box.last.reason.lower()


@pytest.mark.parametrize(
    ("service", "call", "unknown", "forged"),
    [
        ("sts", "get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("ses", "get_send_quota", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("sesv2", "get_account", "UnrecognizedClientException", "InvalidSignatureException"),
        ("secretsmanager", "list_secrets", "UnrecognizedClientException", "InvalidSignatureExc"),
    ],
)
def test_keys_are_checked_as_by_aws(
    box: Box, service: str, call: str, unknown: str, forged: str
) -> None:
    shop, iam = box.tenant(SHOP), box.client("iam")
    owner = {"UserName": shop.user_name, "AccessKeyId": shop.access_key_id}

    def code(key: Key) -> str:
        return refusal(getattr(box.client(service, key), call))[0]

    assert code(Key(shop.user_name, shop.access_key_id, "forged")).startswith(forged)
    iam.update_access_key(**owner, Status="Inactive")
    assert code(shop) == unknown
    iam.update_access_key(**owner, Status="Active")
    iam.delete_access_key(**owner)
    assert code(shop) == unknown


def test_a_tenants_key_manages_nothing(box: Box) -> None:
    shop = box.tenant(SHOP)
    assert box.client("sts", shop).get_caller_identity()["Arn"].endswith(shop.user_name)
    assert box.client("ses", shop).get_send_quota()["SentLast24Hours"] == 0
    for call in (
        box.client("iam", shop).list_users,
        box.client("sesv2", shop).list_email_identities,
        lambda: box.client("sesv2", shop).create_email_identity(EmailIdentity=BLOG),
        lambda: box.client("iam", shop).create_access_key(UserName=shop.user_name),
        lambda: box.client("secretsmanager", shop).get_secret_value(SecretId="x"),
        lambda: box.client("ssm", shop).put_parameter(Name="x", Value="y", Type="String"),
    ):
        code, _, message = refusal(call)
        assert code in ("AccessDenied", "AccessDeniedException")
        assert "is not authorized to perform: " in message


def test_whatever_is_attached_later_a_tenant_sends_as_itself_alone(box: Box) -> None:
    shop, iam = box.tenant(SHOP), box.client("iam")
    box.tenant(BLOG)
    everything = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    )
    arn = iam.create_policy(PolicyName="All", PolicyDocument=everything)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=shop.user_name, PolicyArn=arn)
    iam.create_group(GroupName="admins")
    iam.put_group_policy(GroupName="admins", PolicyName="all", PolicyDocument=everything)
    iam.add_user_to_group(GroupName="admins", UserName=shop.user_name)
    assert refusal(lambda: v2_raw(box, shop, f"info@{BLOG}"))[1] == 403
    iam.delete_user_policy(UserName=shop.user_name, PolicyName="ses-tenant-sending")
    assert v2_raw(box, shop, f"info@{BLOG}")  # so those policies do count
    iam.create_policy(
        PolicyName="Boundary",
        PolicyDocument=everything.replace('"*","Resource', '"iam:*","Resource'),
    )
    iam.put_user_permissions_boundary(
        UserName=shop.user_name, PermissionsBoundary=arn.replace("All", "Boundary")
    )
    assert refusal(lambda: v2_raw(box, shop, f"info@{SHOP}"))[1] == 403
    assert "boundary" in box.last.reason


def test_an_identity_policy_of_the_owner_counts(box: Box) -> None:
    box.tenant(BLOG)
    iam, ses = box.client("iam"), box.client("sesv2")
    iam.create_user(UserName="guest")
    guest = box.key("guest")
    assert refusal(lambda: v2_simple(box, guest, f"info@{BLOG}"))[1] == 403
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ses:SendEmail",'
        '"Principal":{"AWS":"arn:aws:iam::123456789012:user/guest"},'
        f'"Resource":"arn:aws:ses:eu-central-1:123456789012:identity/{BLOG}"}}]}}'
    )
    ses.create_email_identity_policy(EmailIdentity=BLOG, PolicyName="guests", Policy=policy)
    assert v2_simple(box, guest, f"info@{BLOG}")["MessageId"]


def test_requests_without_a_known_signature_are_refused(box: Box) -> None:
    import urllib.error
    import urllib.request

    for body in (b"Action=ListUsers&Version=2010-05-08", b""):
        request = urllib.request.Request(box.sandbox.url, data=body)
        with pytest.raises(urllib.error.HTTPError, match="403") as caught:
            urllib.request.urlopen(request, timeout=10)
        caught.value.close()


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"throttle": 1}, {"Throttling", "TooManyRequestsException", "ThrottlingException"}),
        ({"fail_percent": 50}, {"ServiceUnavailable", "503"}),
    ],
)
def test_trouble_can_be_ordered(boxes: Boxes, options: dict[str, int], codes: set[str]) -> None:
    box = boxes(**options)
    for service, call in (("iam", "list_users"), ("sesv2", "list_email_identities")):
        client, found = box.client(service), set()
        for _ in range(4):
            try:
                getattr(client, call)()
            except ClientError as error:
                found.add(error.response["Error"]["Code"])
        assert found
        assert found <= codes


def test_a_boundary_is_shown_as_iam_shows_it(box: Box) -> None:
    iam = box.client("iam")
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.create_user(UserName="a", PermissionsBoundary=arn)
    shown = iam.get_user(UserName="a")["User"]
    assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    iam.delete_user_permissions_boundary(UserName="a")
    assert "PermissionsBoundary" not in iam.get_user(UserName="a")["User"]
    code, _, _ = refusal(
        lambda: iam.put_user_permissions_boundary(UserName="b", PermissionsBoundary=arn)
    )
    assert code == "NoSuchEntity"


def test_a_user_without_a_name_is_refused(box: Box) -> None:
    boundary = "arn:aws:iam::123456789012:policy/limit"
    for call in ("CreateUser", "PutUserPermissionsBoundary"):
        answer = _post(box, {"Action": call, "PermissionsBoundary": boundary})
        assert answer in (400, 404)


def _post(box: Box, form: dict[str, str]) -> int:
    """Send a form as the operator, without what an SDK would ask for; return the status."""
    credentials = Credentials("operator", "anything")
    request = AWSRequest("POST", box.sandbox.url, data={**form, "Version": "2010-05-08"})
    SigV4Auth(credentials, "iam", REGION).add_auth(request)
    sent = URLLib3Session().send(request.prepare())
    return int(sent.status_code)
