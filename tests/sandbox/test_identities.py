"""Email identities in the sandbox answer as live ones are known to, and are verified by DNS."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ses_tenant.aws.identities import Identities
from ses_tenant.aws.ses_tenants import SesTenants
from ses_tenant.aws.session import open_session
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.answers import Answer, Outcome
from ses_tenant.core.identity.state import Status
from ses_tenant.core.identity.steps import DeleteEmailIdentity
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.spec import SendingOptions, TenantSpec
from ses_tenant.operations.identity import carry_out, prepare, read_view, records_of
from ses_tenant.operations.ses_tenants import arrange
from ses_tenant.sandbox.identities import verify_pending
from ses_tenant.sandbox.state import load, save
from tests.sandbox.conftest import REGION, SHOP, Box, Boxes

NEWS = "news.example.net"


def nothing(_name: str, _kind: str) -> Answer:
    return Answer(Outcome.NO_NAME)


def refusal(error: "pytest.ExceptionInfo[ClientError]") -> tuple[str, int]:
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_live_answers_leave_out_what_is_not_set(box: Box) -> None:
    ses = box.client("sesv2")
    made = ses.create_email_identity(EmailIdentity=NEWS, Tags=[{"Key": "a", "Value": "b"}])
    assert made["VerifiedForSendingStatus"]
    assert len(made["DkimAttributes"]["Tokens"]) == 3
    found = ses.get_email_identity(EmailIdentity=NEWS)
    assert found["MailFromAttributes"] == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    assert found["VerificationInfo"] == {}
    assert found["DkimAttributes"]["SigningHostedZone"] == "dkim.amazonses.com"
    assert found["DkimAttributes"]["Tokens"] == made["DkimAttributes"]["Tokens"]
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]
    assert "ConfigurationSetName" not in found
    address = ses.create_email_identity(EmailIdentity="me@client.example")
    assert "DkimAttributes" not in address


def test_live_errors(box: Box) -> None:
    ses = box.client("sesv2")
    ses.create_email_identity(EmailIdentity=NEWS)
    unknown = {"EmailIdentity": "nobody.example"}
    with pytest.raises(ClientError) as twice:
        ses.create_email_identity(EmailIdentity=NEWS)
    assert refusal(twice) == ("AlreadyExistsException", 400)
    with pytest.raises(ClientError) as bad:
        ses.create_email_identity(EmailIdentity="not a domain!!")
    assert refusal(bad) == ("BadRequestException", 400)
    for call in (ses.get_email_identity, ses.delete_email_identity):
        with pytest.raises(ClientError) as missing:
            call(**unknown)
        assert refusal(missing) == ("NotFoundException", 404)
    with pytest.raises(ClientError) as put:
        ses.put_email_identity_mail_from_attributes(**unknown, MailFromDomain="mail.nobody.example")
    assert refusal(put) == ("BadRequestException", 400)
    for name in (NEWS, "mail.example.com"):
        with pytest.raises(ClientError) as outside:
            ses.put_email_identity_mail_from_attributes(EmailIdentity=NEWS, MailFromDomain=name)
        assert refusal(outside) == ("BadRequestException", 400)


def test_many_are_listed_in_pages(box: Box) -> None:
    ses = box.client("sesv2")
    for number in range(30):
        ses.create_email_identity(EmailIdentity=f"site{number}.example.com")
    first = ses.list_email_identities()
    assert len(first["EmailIdentities"]) == 25
    rest = ses.list_email_identities(NextToken=first["NextToken"], PageSize=1000)
    assert len(rest["EmailIdentities"]) == 5
    assert "NextToken" not in rest


def test_an_identity_is_pending_until_its_records_are_seen(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    box = boxes(ask=nothing)
    key = box.tenant(SHOP)
    account = box.sandbox.post.account
    identities = Identities(open_session(None, REGION, box.sandbox.url))
    settings = IdentitySettings(SendingDomain(SHOP))
    assert box.mail(key, f"info@{SHOP}")[0] == 554  # not even an identity
    carry_out(identities, prepare(identities, settings, [REGION]).steps)
    view = read_view(identities, settings.domain, REGION)
    (pending,) = [
        identity for identity in view.chain.values() if identity and identity.name == SHOP
    ]
    assert (pending.status, pending.sending) == (Status.PENDING, False)
    assert pending.mail_from.status is Status.PENDING
    assert "not verified" in box.mail(key, f"info@{SHOP}")[1]
    zone = {(r.name, r.type.value): (r.value,) for r in records_of([view], settings.domain)}

    def served(name: str, kind: str) -> Answer:
        values = zone.get((name, kind), ())
        return Answer(Outcome.FOUND, values) if values else Answer(Outcome.NO_DATA)

    mx = zone.pop((f"mail.{SHOP}", "MX"))
    verify_pending(account, served, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    seen = identities.get(REGION, SHOP)
    assert seen is not None
    assert (seen.status, seen.dkim.status, seen.mail_from.status) == (
        Status.SUCCESS, Status.SUCCESS, Status.PENDING,
    )  # fmt: skip
    assert seen.last_look.checked_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert box.mail(key, f"info@{SHOP}")[0] == 250
    zone[f"mail.{SHOP}", "MX"] = mx
    verify_pending(account, served, lambda: datetime(2026, 3, 2, tzinfo=UTC))
    done = identities.get(REGION, SHOP)
    assert done is not None
    assert done.mail_from.status is Status.SUCCESS
    assert prepare(identities, settings, [REGION]).steps == ()


def test_a_tenant_sends_only_in_its_own_region_unless_verified_elsewhere(box: Box) -> None:
    key = box.tenant(SHOP)
    mail = {
        "FromEmailAddress": f"info@{SHOP}",
        "Destination": {"ToAddresses": ["a@client.example"]},
        "Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
    }
    assert box.client("sesv2", key).send_email(**mail)["MessageId"]
    with pytest.raises(ClientError) as elsewhere:
        box.client("sesv2", key, "us-east-1").send_email(**mail)
    assert refusal(elsewhere) == ("MessageRejected", 400)
    box.client("sesv2", region="us-east-1").create_email_identity(EmailIdentity=SHOP)
    assert box.client("sesv2", key, "us-east-1").send_email(**mail)["MessageId"]


def test_a_replica_uses_the_keys_of_its_primary_and_is_deleted_first(box: Box) -> None:
    ses = box.client("sesv2")
    tokens = ses.create_email_identity(EmailIdentity=NEWS)["DkimAttributes"]["Tokens"]
    other = box.client("sesv2", region="us-east-1")
    origin = {"DomainSigningAttributesOrigin": "AWS_SES_EU_CENTRAL_1"}
    made = other.create_email_identity(EmailIdentity=NEWS, DkimSigningAttributes=origin)
    assert made["DkimAttributes"]["Tokens"] == tokens
    third = box.client("sesv2", region="eu-west-1")
    with pytest.raises(ClientError) as replica:
        third.create_email_identity(
            EmailIdentity=NEWS,
            DkimSigningAttributes={"DomainSigningAttributesOrigin": "AWS_SES_US_EAST_1"},
        )
    assert refusal(replica) == ("BadRequestException", 400)
    with pytest.raises(ClientError) as needed:
        ses.delete_email_identity(EmailIdentity=NEWS)
    assert refusal(needed) == ("BadRequestException", 400)
    other.delete_email_identity(EmailIdentity=NEWS)
    ses.delete_email_identity(EmailIdentity=NEWS)


def test_identities_are_kept_with_the_account(boxes: Boxes, tmp_path: Any) -> None:
    box = boxes(ask=nothing)
    ses = box.client("sesv2")
    ses.create_email_identity(EmailIdentity=NEWS, Tags=[{"Key": "a", "Value": "b"}])
    ses.put_email_identity_mail_from_attributes(EmailIdentity=NEWS, MailFromDomain=f"m.{NEWS}")
    before = ses.get_email_identity(EmailIdentity=NEWS)
    save(box.sandbox.post.account, tmp_path / "state")
    again = boxes(ask=nothing)
    load(again.sandbox.post.account, tmp_path / "state")
    after = again.client("sesv2").get_email_identity(EmailIdentity=NEWS)
    for answer in (before, after):
        del answer["ResponseMetadata"]
    assert after == before


def test_ses_tenants_keep_what_is_associated_with_them(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    ses, session = box.client("sesv2"), open_session(None, REGION, box.sandbox.url)
    ses.create_email_identity(EmailIdentity=NEWS)
    spec = TenantSpec(
        SendingDomain.parse(NEWS), regions=(REGION,), sending=SendingOptions(ses_tenant=True)
    )
    there, identities = SesTenants(session), Identities(session)
    done, notices = arrange(there, identities, spec)
    assert notices == ()
    assert len(done) == 2
    assert arrange(there, identities, spec) == ((), ())
    found = there.get(REGION, "news-example-net")
    assert found is not None
    assert (found.status, found.domain) == ("ENABLED", NEWS)
    assert there.resources(REGION, "news-example-net") == {f"identity/{NEWS}"}
    assert there.of_identity(REGION, NEWS) == ("news-example-net",)
    assert there.get(REGION, "nobody") is None
    with pytest.raises(SesTenantError) as twice:
        there.apply(done[0])
    assert twice.value.code is ErrorCode.ALREADY_EXISTS

    with pytest.raises(SesTenantError) as needed:
        identities.apply(DeleteEmailIdentity(REGION, NEWS))
    assert needed.value.code is ErrorCode.ALREADY_EXISTS
    assert needed.value.message.startswith("An SES tenant needs it")
    arn = f"arn:aws:ses:{REGION}:123456789012:identity/{NEWS}"
    assert f"--resource-arn {arn}" in needed.value.hint
    ses.delete_tenant_resource_association(TenantName="news-example-net", ResourceArn=arn)
    identities.apply(DeleteEmailIdentity(REGION, NEWS))
    assert [one["TenantName"] for one in ses.list_tenants()["Tenants"]] == ["news-example-net"]
    ses.delete_tenant(TenantName="news-example-net")
    assert ses.list_tenants()["Tenants"] == []
