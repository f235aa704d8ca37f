"""The SMTP interface: who is let in, whose mail is taken, and what SES would say."""

import smtplib
import socket
import ssl

import pytest

from ses_tenant.core.tenant.policy import policy_json, suspended_policy
from ses_tenant.core.tenant.spec import Interface

from .conftest import BLOG, SHOP, Box, Boxes

DENIED = (
    "Access denied: User `arn:aws:iam::123456789012:user/ses-tenant/shop.example.com/"
    "ses-shop.example.com' is not authorized to perform `ses:SendRawEmail' on resource "
    "`arn:aws:ses:eu-central-1:123456789012:identity/{}'"
)
REFUSED = (535, "Authentication Credentials Invalid")


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_a_site_sends_as_its_own_domain_and_as_no_other(box: Box, implicit: bool) -> None:
    shop = box.tenant(SHOP, Interface.SMTP)
    box.tenant(BLOG, Interface.SMTP)
    code, answer = box.mail(shop, f"info@{SHOP}", implicit=implicit)
    assert (code, answer) == (250, f"Ok {box.last.message_id}")
    assert box.last.outcome == "accepted"
    assert "SendAsOwnDomain" in box.last.reason
    assert (box.last.domain, box.last.recipients) == (SHOP, ("customer@client.example",))
    assert b"Hello" in box.last.raw
    assert box.mail(shop, f"info@{BLOG}", implicit=implicit) == (554, DENIED.format(BLOG))
    assert box.last.outcome == "refused"
    assert "NothingElse of the policy ses-tenant-sending" in box.last.reason


@pytest.mark.parametrize(
    ("envelope", "header"),
    [
        (f"info@{SHOP}", f"info@{BLOG}"),
        (f"info@{BLOG}", f"info@{SHOP}"),
        (f"info@{SHOP}", f"info@{SHOP}, info@{BLOG}"),
        (f"info@{SHOP}", f"info@{SHOP}\r\nSender: info@{BLOG}"),
        (f"info@{SHOP}", f'"info@{SHOP}" <info@{BLOG}>'),
        (f"info@{SHOP}", f"Info@{SHOP.upper()}"),
        (f"info@{SHOP}", f"info@evil{SHOP}"),
        (f"info@{SHOP}", f"info@sub.{SHOP}"),
        (f"info@{SHOP}", f"info@{SHOP}.{BLOG}"),
    ],
)
def test_envelope_header_and_sender_are_all_judged(box: Box, envelope: str, header: str) -> None:
    shop = box.tenant(SHOP)
    box.tenant(BLOG)
    code, answer = box.mail(shop, envelope, header)
    assert code == 554
    assert answer.startswith("Access denied: User `arn:aws:iam::")
    assert box.last.outcome == "refused"


@pytest.mark.parametrize(
    "header",
    [
        f"info@{SHOP}\r\nFrom: info@{BLOG}",
        f"info@{SHOP}\r\nFROM : info@{BLOG}",
        f"info@{SHOP} <info@{BLOG}> <info@{SHOP}>",
        "undisclosed",
        f"info@{SHOP}, ",
        f"info@{SHOP}@{BLOG}",
        f'"info@{SHOP}',
        f"info@{SHOP}\x00@{BLOG}",
        "(comment) ",
    ],
)
def test_what_cannot_be_compared_without_doubt_is_refused(box: Box, header: str) -> None:
    shop = box.tenant(SHOP)
    box.tenant(BLOG)
    code, answer = box.mail(shop, f"info@{SHOP}", header)
    assert code == 554
    assert answer.startswith(("Transaction failed: ", "Access denied: "))
    assert box.last.outcome == "refused"


def test_a_message_without_from_is_refused(box: Box) -> None:
    shop = box.tenant(SHOP)
    with box.smtp() as connection:
        connection.login(shop.access_key_id, shop.password())
        with pytest.raises(smtplib.SMTPDataError, match="Missing required header 'From'"):
            connection.sendmail(f"info@{SHOP}", ["a@client.example"], "Subject: x\r\n\r\nx\r\n")


def test_logins_are_refused_as_by_ses_and_the_outbox_says_why(box: Box) -> None:
    shop, iam = box.tenant(SHOP), box.client("iam")
    sender = f"info@{SHOP}"
    for password, why in [
        ("guessed-at", "the password is wrong"),
        (shop.password("eu-west-1"), "this password is for eu-west-1"),
        (shop.secret_access_key, "this is the secret access key"),
    ]:
        assert box.mail(shop, sender, password=password) == REFUSED
        assert why in box.last.reason
        assert password not in repr(box.last)
    owner = {"UserName": shop.user_name, "AccessKeyId": shop.access_key_id}
    iam.update_access_key(**owner, Status="Inactive")
    assert box.mail(shop, sender) == REFUSED
    assert "Inactive" in box.last.reason
    iam.update_access_key(**owner, Status="Active")
    assert box.mail(shop, sender)[0] == 250
    second = box.key(shop.user_name)
    iam.delete_access_key(**owner)
    assert box.mail(shop, sender) == REFUSED
    assert "deleted" in box.last.reason
    assert box.mail(second, sender)[0] == 250


def test_a_suspended_tenant_is_refused_also_in_a_session_that_is_open(box: Box) -> None:
    shop = box.tenant(SHOP)
    message = f"From: info@{SHOP}\r\n\r\nx\r\n"
    with box.smtp() as connection:
        connection.login(shop.access_key_id, shop.password())
        assert connection.sendmail(f"info@{SHOP}", ["a@client.example"], message) == {}
        box.client("iam").put_user_policy(
            UserName=shop.user_name,
            PolicyName="ses-tenant-suspended",
            PolicyDocument=policy_json(suspended_policy([shop.access_key_id])),
        )
        with pytest.raises(smtplib.SMTPDataError, match="Access denied"):
            connection.sendmail(f"info@{SHOP}", ["a@client.example"], message)
        assert "ses-tenant-suspended" in box.last.reason
        box.client("iam").update_access_key(
            UserName=shop.user_name, AccessKeyId=shop.access_key_id, Status="Inactive"
        )
        with pytest.raises(smtplib.SMTPDataError, match="Authentication Credentials Invalid"):
            connection.sendmail(f"info@{SHOP}", ["a@client.example"], message)


def test_nothing_goes_without_tls_or_login(box: Box) -> None:
    with smtplib.SMTP(box.sandbox.host, box.sandbox.smtp_port, timeout=20) as connection:
        connection.ehlo()
        assert not connection.has_extn("auth")
        assert connection.mail(f"info@{SHOP}")[0] == 530
    for implicit in (False, True):
        with box.smtp(implicit=implicit) as connection:
            connection.ehlo()
            assert connection.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]
            assert connection.mail(f"info@{SHOP}")[0] == 530
    assert box.sandbox.post.outbox.entries() == ()


def test_old_tls_is_refused(box: Box) -> None:
    context = ssl.create_default_context(cafile=str(box.sandbox.ca_file))
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((box.sandbox.host, box.sandbox.smtps_port), 20) as raw,
        context.wrap_socket(raw, server_hostname=box.sandbox.host) as secure,
    ):
        assert secure.version() in ("TLSv1.2", "TLSv1.3")


def test_the_sender_has_to_be_verified(boxes: Boxes) -> None:
    box = boxes(unverified=True)
    shop = box.tenant(SHOP)
    sender = f"info@{SHOP}"
    unverified = "Email address is not verified. The following identities failed the check in "
    assert box.mail(shop, sender) == (
        554,
        f"Message rejected: {unverified}region EU-CENTRAL-1: {sender}",
    )
    box.client("sesv2", region="eu-west-1").create_email_identity(EmailIdentity=SHOP)
    assert box.mail(shop, sender)[0] == 554
    box.client("sesv2").create_email_identity(EmailIdentity=SHOP)
    assert box.mail(shop, sender)[0] == 250


def test_in_the_ses_sandbox_recipients_have_to_be_verified(boxes: Boxes) -> None:
    box = boxes(ses_sandbox=True)
    shop = box.tenant(SHOP)
    code, answer = box.mail(shop, f"info@{SHOP}")
    assert code == 554
    assert answer.endswith("EU-CENTRAL-1: customer@client.example")
    assert box.mail(shop, f"info@{SHOP}", to="success@simulator.amazonses.com")[0] == 250
    box.client("ses").verify_email_identity(EmailAddress="customer@client.example")
    assert box.mail(shop, f"info@{SHOP}")[0] == 250


def test_sizes_and_envelopes_are_limited_as_by_ses(box: Box) -> None:
    shop = box.tenant(SHOP)
    with box.smtp() as connection:
        connection.login(shop.access_key_id, shop.password())
        assert connection.esmtp_features["size"] == str(40 * 2**20)
        assert connection.docmd("MAIL", "FROM:<>")[0] == 501
        assert connection.docmd("MAIL", f"FROM:<info@{SHOP}> SIZE={41 * 2**20}")[0] == 552
        assert connection.mail(f"info@{SHOP}")[0] == 250
        for number in range(50):
            assert connection.rcpt(f"a{number}@client.example")[0] == 250
        assert connection.rcpt("a51@client.example")[0] == 452


def test_a_configuration_set_has_to_exist_and_be_allowed(box: Box) -> None:
    shop = box.tenant(SHOP)
    header = "X-SES-CONFIGURATION-SET: bulk\r\n"
    code, answer = box.mail(shop, f"info@{SHOP}", extra=header)
    assert (code, answer) == (
        554,
        "Transaction failed: Configuration set <bulk> does not exist.",
    )
    box.client("sesv2").create_configuration_set(ConfigurationSetName="bulk")
    assert box.mail(shop, f"info@{SHOP}", extra=header)[0] == 250


def test_naming_another_identity_by_its_arn_does_not_help(box: Box) -> None:
    shop = box.tenant(SHOP)
    box.tenant(BLOG)
    arn = f"arn:aws:ses:eu-central-1:123456789012:identity/{SHOP}"
    code, answer = box.mail(
        shop, f"info@{SHOP}", f"info@{BLOG}", extra=f"X-SES-SOURCE-ARN: {arn}\r\n"
    )
    assert (code, answer[:13]) == (554, "Access denied")


@pytest.mark.parametrize(("options", "code"), [({"throttle": 1}, 454), ({"fail_percent": 50}, 451)])
def test_trouble_can_be_ordered(boxes: Boxes, options: dict[str, int], code: int) -> None:
    box = boxes(**options)
    handler_answers = []
    quiet = boxes()
    shop = quiet.tenant(SHOP)  # the same account: moto's belongs to the process
    for _ in range(4):
        handler_answers.append(box.mail(shop, f"info@{SHOP}")[0])
    assert 250 in handler_answers
    assert code in handler_answers
