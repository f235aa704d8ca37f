"""SES's events on EventBridge, each read into the one thing that it says of one IAM user.

SES tags every event with the IAM identity that sent the mail, over SMTP as well:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-eventbridge-examples.html
An event comes at least once, in any order, and at times hours late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

SOURCE = "aws.ses"
CALLER, FROM_DOMAIN = "ses:caller-identity", "ses:from-domain"


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


@dataclass(frozen=True)
class MailEvent:
    """One event: what became of a mail, when, who sent it, and as which domain.

    `key` is the same for an event that comes twice, and for no two others. `user_name` is the IAM
    user's, None for a mail of somebody without one; `from_domain` is in lower case.
    """

    key: str
    kind: Kind
    at: datetime
    user_name: str | None
    from_domain: str | None


class Refused(StrEnum):
    """Why an event is not taken."""

    MALFORMED = "malformed"
    FOREIGN = "not from SES of this account"


def read_event(event: object, account: str | None) -> MailEvent | Refused:
    """Return what an EventBridge event says, or why it is not taken.

    With `account`, the ID of ours, an event of any other is refused. EventBridge lets nobody but
    AWS put events with the source aws.ses.
    """
    if not isinstance(event, Mapping):
        return Refused.MALFORMED
    detail_type = event.get("detail-type")
    if event.get("source") != SOURCE or detail_type not in _TYPES:
        return Refused.FOREIGN
    if account is not None and event.get("account") != account:
        return Refused.FOREIGN
    detail = event.get("detail")
    mail = detail.get("mail") if isinstance(detail, Mapping) else None
    if not isinstance(detail, Mapping) or not isinstance(mail, Mapping):
        return Refused.MALFORMED
    at, message_id = _time(event.get("time")), mail.get("messageId")
    if at is None or not isinstance(message_id, str) or not message_id:
        return Refused.MALFORMED
    if not isinstance(event.get("account"), str) or not _agree(detail, _TYPES[detail_type]):
        return Refused.MALFORMED
    tags = mail.get("tags")
    tags = tags if isinstance(tags, Mapping) else {}
    from_domain = _first(tags, FROM_DOMAIN)
    return MailEvent(
        key=f"{_TYPES[detail_type]}:{message_id}:{_part(detail)}",
        kind=_kind(detail, _TYPES[detail_type]),
        at=at,
        user_name=_first(tags, CALLER),
        from_domain=from_domain.lower() if from_domain else None,
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


def _part(detail: Mapping[str, object]) -> str:
    """Return what tells several events of one kind about one mail apart: SES's feedback ID."""
    for name in ("bounce", "complaint"):
        part = detail.get(name)
        if isinstance(part, Mapping):
            return str(part.get("feedbackId", ""))
    part = detail.get("delivery")
    if isinstance(part, Mapping):
        return str(part.get("timestamp", ""))
    return ""


def _first(tags: Mapping[str, object], name: str) -> str | None:
    values = tags.get(name)
    found = values[0] if isinstance(values, list) and values else values
    return found if isinstance(found, str) and found else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
