"""Email identities of SES: what it says of them, and the calls that change them."""

import json
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, assert_never

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.ses import ListedIdentity
from ses_tenant.core.identity.state import (
    Dkim,
    EmailIdentity,
    LastLook,
    MailFrom,
    Status,
    dkim_zone,
)
from ses_tenant.core.regions import partition_of

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import GetEmailIdentityResponseTypeDef, TagTypeDef


_PAGE = 1000
_NOT_ENABLED = {"UnrecognizedClientException", "InvalidClientTokenId"}


class Identities:
    """The operations' `Identities` protocol on boto3. Every failure is a SesTenantError."""

    def __init__(self, session: AwsSession, account_id: str | None = None) -> None:
        """Keep the session; `account_id` is needed to tag an identity that exists already."""
        self._session = session
        self._account_id = account_id

    def get(self, region: str, name: str) -> EmailIdentity | None:
        """Return the email identity, or None if there is none of that name."""
        return read_identity(self._session, region, name)

    def listed(self, region: str) -> tuple[ListedIdentity, ...]:
        """Return all email identities in the Region; none where it is not enabled."""
        return list_identities(self._session, self._client(region))

    def apply(self, step: steps.IdentityStep) -> None:
        """Carry out a step."""
        client = self._client(step.region)
        with self._session.errors():
            match step:
                case steps.CreateEmailIdentity():
                    _create(client, step)
                case steps.PutEmailIdentityMailFromAttributes():
                    # The other behaviour would stop all mail until SES has seen the MX record.
                    client.put_email_identity_mail_from_attributes(
                        EmailIdentity=step.identity,
                        MailFromDomain=step.mail_from,
                        BehaviorOnMxFailure="USE_DEFAULT_VALUE",
                    )
                case steps.PutEmailIdentityDkimSigningAttributes():
                    client.put_email_identity_dkim_signing_attributes(
                        EmailIdentity=step.identity, SigningAttributesOrigin="AWS_SES"
                    )
                case steps.PutEmailIdentityDkimAttributes():
                    client.put_email_identity_dkim_attributes(
                        EmailIdentity=step.identity, SigningEnabled=True
                    )
                case steps.TagResource():
                    client.tag_resource(
                        ResourceArn=self._arn(step.region, step.identity), Tags=_tags(step.tags)
                    )
                case steps.DeleteEmailIdentity():
                    client.delete_email_identity(EmailIdentity=step.identity)
                case _:
                    assert_never(step)

    def _arn(self, region: str, name: str) -> str:
        account = self._account_id or self._caller_account(region)
        return f"arn:{partition_of(region)}:ses:{region}:{account}:identity/{name}"

    def _caller_account(self, region: str) -> str:
        with self._session.errors():
            return self._session.sts_client(region).get_caller_identity()["Account"]

    def _client(self, region: str) -> "SESV2Client":
        return self._session.sesv2_client(region)


def read_identity(session: AwsSession, region: str, name: str) -> EmailIdentity | None:
    """Return the email identity, or None if there is none of that name."""
    client = session.sesv2_client(region)
    with session.errors():
        try:
            answer = client.get_email_identity(EmailIdentity=name)
        except client.exceptions.NotFoundException:
            return None
    return email_identity(region, name, answer)


def list_identities(session: AwsSession, client: "SESV2Client") -> tuple[ListedIdentity, ...]:
    """Return all email identities in the Region of a client; none where it is not enabled.

    Credentials that are good elsewhere are rejected in a Region that is not.
    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListEmailIdentities.html
    """
    found: list[ListedIdentity] = []
    token = ""
    with session.errors():
        while True:
            try:
                answer = (
                    client.list_email_identities(PageSize=_PAGE, NextToken=token)
                    if token
                    else client.list_email_identities(PageSize=_PAGE)
                )
            except client.exceptions.ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NOT_ENABLED:
                    return ()
                raise
            found += [
                ListedIdentity(entry["IdentityName"], entry.get("SendingEnabled", False))
                for entry in answer.get("EmailIdentities", [])
            ]
            token = answer.get("NextToken", "")
            if not token:
                return tuple(found)


def email_identity(
    region: str, name: str, answer: "GetEmailIdentityResponseTypeDef"
) -> EmailIdentity:
    """Return what GetEmailIdentity tells.

    The model marks fields as required that live answers leave out: the MAIL FROM domain where none
    is set, and the DKIM attributes of an address.
    """
    dkim: Mapping[str, object] = answer.get("DkimAttributes", {})
    mail_from: Mapping[str, object] = answer.get("MailFromAttributes", {})
    look = answer.get("VerificationInfo", {})
    checked, succeeded = look.get("LastCheckedTimestamp"), look.get("LastSuccessTimestamp")
    selectors = dkim.get("Tokens")
    return EmailIdentity(
        name=name,
        status=_status(answer.get("VerificationStatus")),
        sending=answer.get("VerifiedForSendingStatus", False),
        dkim=Dkim(
            status=_status(dkim.get("Status")),
            signing=bool(dkim.get("SigningEnabled", False)),
            selectors=tuple(map(str, selectors)) if isinstance(selectors, list) else (),
            hosted_zone=str(dkim.get("SigningHostedZone") or dkim_zone(region)),
            origin=str(dkim.get("SigningAttributesOrigin") or "AWS_SES"),
        ),
        mail_from=MailFrom(
            domain=str(mail_from["MailFromDomain"]) if mail_from.get("MailFromDomain") else None,
            status=_status(mail_from.get("MailFromDomainStatus")),
            rejects=mail_from.get("BehaviorOnMxFailure") == "REJECT_MESSAGE",
        ),
        last_look=LastLook(
            checked_at=checked.astimezone(UTC) if checked else None,
            succeeded_at=succeeded.astimezone(UTC) if succeeded else None,
            name_server=look.get("SOARecord", {}).get("PrimaryNameServer"),
            error=look.get("ErrorType"),
        ),
        configuration_set=answer.get("ConfigurationSetName") or None,
        tags={tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])},
        policies={
            policy: json.loads(document) for policy, document in answer.get("Policies", {}).items()
        },
    )


def _create(client: "SESV2Client", step: steps.CreateEmailIdentity) -> None:
    if step.replicate_from is None:
        client.create_email_identity(
            EmailIdentity=step.identity,
            Tags=_tags(step.tags),
            DkimSigningAttributes={"NextSigningKeyLength": "RSA_2048_BIT"},
        )
        return
    origin = f"AWS_SES_{step.replicate_from.upper().replace('-', '_')}"
    client.create_email_identity(
        EmailIdentity=step.identity,
        Tags=_tags(step.tags),
        DkimSigningAttributes={"DomainSigningAttributesOrigin": origin},  # type: ignore[typeddict-item]  # one of 29 Regions
    )


def _tags(tags: Mapping[str, str]) -> "list[TagTypeDef]":
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _status(value: object) -> Status:
    """Return a status; one that is left out has not started, one that is unknown is under way."""
    if not value:
        return Status.NOT_STARTED
    try:
        return Status(str(value))
    except ValueError:
        return Status.PENDING
