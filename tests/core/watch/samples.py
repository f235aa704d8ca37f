"""Events in the shape in which EventBridge delivers those of SES."""

from collections.abc import Sequence
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
    destination: Sequence[str] = ("someone@example.net",),
    bounced: Sequence[str] = ("someone@example.net",),
    part: str | None = None,
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
            "sourceArn": f"arn:aws:ses:eu-central-1:{ACCOUNT}:identity/{sent_as or domain}",
            "sendingAccountId": ACCOUNT,
            "destination": list(destination),
            "headersTruncated": False,
            "tags": {
                "ses:operation": ["SendSmtpEmail" if smtp else "SendEmail"],
                "ses:source-ip": ["192.0.2.7"],
                "ses:source-tls-version": ["TLSv1.3"],
                "ses:configuration-set": ["ses-tenant-events"],
                "ses:from-domain": [sent_as or domain],
                "ses:caller-identity": [caller or f"ses-{domain}"],
            },
        },
    }
    told = {"timestamp": at, "feedbackId": f"{kind}-{part or number}"}
    if kind == "bounce":
        recipients = [{"emailAddress": a, "action": "failed", "status": "5.1.1"} for a in bounced]
        detail["bounce"] = {
            "bounceType": bounce_type, "bounceSubType": "General", **told,
            "bouncedRecipients": recipients, "reportingMTA": "dsn; a8-70.smtp-out.amazonses.com",
        }  # fmt: skip
    if kind == "complaint":
        detail["complaint"] = {
            "complainedRecipients": [{"emailAddress": destination[0]}], "userAgent": "Mailbox/1",
            "complaintFeedbackType": "abuse", "arrivalDate": at, **told,
        }  # fmt: skip
    if kind == "delivery":
        detail["delivery"] = {
            "timestamp": at, "processingTimeMillis": 500, "recipients": list(destination),
            "smtpResponse": "250 2.6.0 Message received",
        }  # fmt: skip
    if kind == "reject":
        detail["reject"] = {"reason": "Bad content"}
    if kind == "send":
        detail["send"] = {}
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


def notice(detail_type: str, ses_tenant: str) -> dict[str, Any]:
    """Return what SES tells of an SES tenant."""
    name = f"{detail_type} {ses_tenant}"
    return {
        "version": "0",
        "id": name,
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": ACCOUNT,
        "time": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "eu-central-1",
        "resources": [f"arn:aws:ses:eu-central-1:{ACCOUNT}:tenant/{ses_tenant}/tn-{'a' * 30}"],
        "detail": {"version": "1.0.0", "data": {"origin": "AWS_MANAGED"}},
    }
