"""Events in the shape in which EventBridge delivers those of SES."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCOUNT = "123456789012"
TYPES = {
    "send": ("Email Sent", "Send"),
    "delivery": ("Email Delivered", "Delivery"),
    "bounce": ("Email Bounced", "Bounce"),
    "complaint": ("Email Complaint Received", "Complaint"),
    "reject": ("Email Rejected", "Reject"),
    "delay": ("Email Delivery Delayed", "DeliveryDelay"),
}


def event(
    kind: str = "send",
    number: int = 1,
    domain: str = "shop.example.com",
    *,
    before: timedelta = timedelta(minutes=1),
    caller: str | None = None,
    sent_as: str | None = None,
    bounce_type: str = "Permanent",
    smtp: bool = True,
) -> dict[str, Any]:
    """Return one event of a mail that the tenant of `domain` sent, `before` NOW."""
    detail_type, name = TYPES[kind]
    at = (NOW - before).strftime("%Y-%m-%dT%H:%M:%SZ")
    detail: dict[str, Any] = {
        "eventType": name,
        "mail": {
            "timestamp": at,
            "messageId": f"0107018f-{domain}-{number}",
            "source": f"info@{sent_as or domain}",
            "destination": ["someone@example.net"],
            "tags": {
                "ses:operation": ["SendSmtpEmail" if smtp else "SendEmail"],
                "ses:configuration-set": ["ses-tenant-events"],
                "ses:from-domain": [sent_as or domain],
                "ses:caller-identity": [caller or f"ses-{domain}"],
            },
        },
    }
    if kind == "bounce":
        detail["bounce"] = {"bounceType": bounce_type, "feedbackId": f"b-{number}"}
    if kind == "complaint":
        detail["complaint"] = {"feedbackId": f"c-{number}"}
    return {
        "version": "0",
        "id": f"{kind}-{domain}-{number}",
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": ACCOUNT,
        "time": at,
        "region": "eu-central-1",
        "resources": [f"arn:aws:ses:eu-central-1:{ACCOUNT}:configuration-set/ses-tenant-events"],
        "detail": detail,
    }
