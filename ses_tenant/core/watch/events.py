"""SES's events on EventBridge, each read into the one thing that it says of one IAM user.

SES tags every event with the IAM identity that sent the mail, over SMTP as well:
https://docs.aws.amazon.com/ses/latest/dg/monitor-using-event-publishing.html
https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html
An event comes at least once, in any order, and at times hours late.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

SOURCE = "aws.ses"
CALLER, FROM_DOMAIN = "ses:caller-identity", "ses:from-domain"
_LONGEST = 253  # a domain; a user name has 64 characters
_TENANT_ARN = re.compile(r"arn:aws[\w-]*:ses:[\w-]+:\d{12}:tenant/([\w-]{1,64})(?:/[\w-]+)?")


class Kind(StrEnum):
    """What an event tells of."""

    SEND = "send"
    DELIVERY = "delivery"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REJECT = "reject"
    OTHER = "other"  # such as a delay or a bounce that may pass; it counts for nothing


_KINDS = {
    "Send": Kind.SEND,
    "Delivery": Kind.DELIVERY,
    "Bounce": Kind.BOUNCE,
    "Complaint": Kind.COMPLAINT,
    "Reject": Kind.REJECT,
    "DeliveryDelay": Kind.OTHER,
    "RenderingFailure": Kind.OTHER,
    "Open": Kind.OTHER,
    "Click": Kind.OTHER,
    "Subscription": Kind.OTHER,
}
_TYPES = {
    "Email Sent": "Send",
    "Email Delivered": "Delivery",
    "Email Bounced": "Bounce",
    "Email Complaint Received": "Complaint",
    "Email Rejected": "Reject",
    "Email Delivery Delayed": "DeliveryDelay",
    "Email Rendering Failed": "RenderingFailure",
    "Email Opened": "Open",
    "Email Clicked": "Click",
    "Email Subscribed": "Subscription",
}


# What SES says of its own tenants and of the account: no mail, and counted for nothing but the
# first. AWS's two pages call the end of a recommendation Closed and Resolved.
# https://docs.aws.amazon.com/ses/latest/dg/tenants.html
STOPPED = "Sending Status Disabled"
_NOTICES = frozenset(
    {
        STOPPED,
        "Sending Status Enabled",
        "Advisor Recommendation Status Open",
        "Advisor Recommendation Status Closed",
        "Advisor Recommendation Status Resolved",
    }
)


@dataclass(frozen=True)
class MailEvent:
    """One event: what became of a mail, when, who sent it, and as which domain.

    `key` is the same for an event that comes twice, and for no two others. `recipients` is how
    many it is about: one mail may bounce at many. `user_name` is the IAM user's, None for a mail
    of somebody without one; `from_domain` is in lower case.
    """

    key: str
    kind: Kind
    at: datetime
    user_name: str | None
    from_domain: str | None
    recipients: int = 1


@dataclass(frozen=True)
class SesNotice:
    """What SES tells of an SES tenant, by its name; `stopped` if it has stopped its mail."""

    key: str
    at: datetime
    ses_tenant: str | None
    stopped: bool


class Refused(StrEnum):
    """Why an event is not taken."""

    MALFORMED = "malformed"
    FOREIGN = "not from SES of this account"


def read_event(event: object, account: str | None) -> MailEvent | SesNotice | Refused:
    """Return what an EventBridge event says, or why it is not taken.

    With `account`, the ID of ours, an event of any other is refused. EventBridge lets nobody but
    AWS put events with the source aws.ses.
    """
    if not isinstance(event, Mapping):
        return Refused.MALFORMED
    if event.get("source") != SOURCE:
        return Refused.FOREIGN
    detail_type, owner = event.get("detail-type"), event.get("account")
    at = _time(event.get("time"))
    if not isinstance(detail_type, str) or not isinstance(owner, str) or at is None:
        return Refused.MALFORMED
    if account is not None and owner != account:
        return Refused.FOREIGN
    if detail_type in _NOTICES:
        key = f"{detail_type}:{event.get('id')}"
        return SesNotice(key, at, _ses_tenant(event), stopped=detail_type == STOPPED)
    if detail_type not in _TYPES:
        return Refused.FOREIGN
    return _mail_event(event, _TYPES[detail_type], owner, at)


def _mail_event(
    event: Mapping[str, object], name: str, owner: str, at: datetime
) -> MailEvent | Refused:
    detail = event.get("detail")
    mail = detail.get("mail") if isinstance(detail, Mapping) else None
    if not isinstance(detail, Mapping) or not isinstance(mail, Mapping):
        return Refused.MALFORMED
    message_id = mail.get("messageId")
    if not isinstance(message_id, str) or not message_id or not _agree(detail, name):
        return Refused.MALFORMED
    # A user name is worth something in the account of the user alone.
    if mail.get("sendingAccountId", owner) != owner:
        return Refused.FOREIGN
    tags = mail.get("tags")
    tags = tags if isinstance(tags, Mapping) else {}
    from_domain = _first(tags, FROM_DOMAIN)
    kind, (part, recipients) = _kind(detail, name), _part(detail, mail, name)
    return MailEvent(
        key=f"{name}:{message_id}:{part}",
        kind=kind,
        at=at,
        user_name=_first(tags, CALLER),
        from_domain=from_domain.lower() if from_domain else None,
        recipients=recipients,
    )


def _agree(detail: Mapping[str, object], name: str) -> bool:
    """Tell whether the event type in the detail, if there is one, says the same."""
    stated = detail.get("eventType")
    return stated is None or str(stated).replace(" ", "") == name


def _kind(detail: Mapping[str, object], name: str) -> Kind:
    bounce = detail.get("bounce")
    if name == "Bounce" and isinstance(bounce, Mapping) and bounce.get("bounceType") == "Transient":
        # A full mailbox or an absence note says nothing of the list, and SES counts it for nothing.
        return Kind.OTHER
    return _KINDS[name]


def _part(detail: Mapping[str, object], mail: Mapping[str, object], name: str) -> tuple[str, int]:
    """Return what tells several events of one kind about one mail apart, and how many it is about.

    SES gives bounces and complaints a feedback ID; of deliveries there may be one a recipient.
    """
    if name == "Send":
        return "", _number(mail.get("destination"))
    part = detail.get(name.lower())
    if not isinstance(part, Mapping):
        return "", 1
    recipients = next(
        (part[key] for key in ("bouncedRecipients", "complainedRecipients", "recipients")
         if key in part),
        None,
    )  # fmt: skip
    told = part.get("feedbackId")
    if not isinstance(told, str) or not told:
        told = f"{part.get('timestamp', '')}{json.dumps(recipients)}"
    return told, _number(recipients)


def _number(recipients: object) -> int:
    return max(1, len(recipients)) if isinstance(recipients, list) else 1


def _ses_tenant(event: Mapping[str, object]) -> str | None:
    """Return the name in an ARN such as arn:aws:ses:REGION:ACCOUNT:tenant/NAME/ID."""
    resources = event.get("resources")
    for arn in resources if isinstance(resources, list) else ():
        if isinstance(arn, str) and (found := _TENANT_ARN.fullmatch(arn)):
            return found[1]
    return None


def _first(tags: Mapping[str, object], name: str) -> str | None:
    values = tags.get(name)
    found = values[0] if isinstance(values, list) and values else values
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):  # the latter for the first hours of the year 1
        return None
