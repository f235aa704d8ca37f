"""What SES tells on EventBridge of a mail that it took, with the mailbox simulator's answers.

https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html
"""

import email
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from ses_tenant.core.tenant.naming import EVENTS_CONFIGURATION_SET
from ses_tenant.sandbox.account import SIMULATOR
from ses_tenant.sandbox.outbox import Entry

SesEvent = Mapping[str, object]
# What every scanner takes for malware, to be tested with: https://www.eicar.org
_MALWARE = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
_BOUNCES = {"bounce": "General", "suppressionlist": "Suppressed"}
_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
}


def events_of(entry: Entry, account_id: str, region: str, user_name: str) -> Iterator[SesEvent]:
    """Yield the events of a mail that was accepted, one a recipient after that of the sending.

    The simulator's addresses bounce@ and suppressionlist@ bounce, complaint@ complains; everybody
    else gets the mail. One with malware is rejected.
    """
    at = entry.at.astimezone(UTC)

    def event(name: str, detail: Mapping[str, object]) -> SesEvent:
        return {
            "version": "0",
            "id": secrets.token_hex(16),
            "detail-type": _TYPES[name],
            "source": "aws.ses",
            "account": account_id,
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [
                f"arn:aws:ses:{region}:{account_id}:configuration-set/{EVENTS_CONFIGURATION_SET}"
            ],
            "detail": {
                "eventType": name,
                "mail": _mail(entry, account_id, user_name),
                name.lower(): detail,
            },
        }

    yield event("Send", {})
    if _has_malware(entry.raw):
        yield event("Reject", {"reason": "Bad content"})
        return
    for number, address in enumerate(entry.recipients):
        kind = _simulated(address)
        told = {"timestamp": _time(at), "feedbackId": f"{entry.message_id}-{number}"}
        if kind in _BOUNCES:
            recipient = {"emailAddress": address, "action": "failed", "status": "5.1.1"}
            yield event(
                "Bounce",
                {
                    "bounceType": "Permanent",
                    "bounceSubType": _BOUNCES[kind],
                    "bouncedRecipients": [recipient],
                    **told,
                },
            )
            continue
        yield event("Delivery", {"timestamp": _time(at), "recipients": [address]})
        if kind == "complaint":
            complained: Sequence[Mapping[str, str]] = [{"emailAddress": address}]
            yield event("Complaint", {"complainedRecipients": complained, **told})


def _mail(entry: Entry, account_id: str, user_name: str) -> Mapping[str, object]:
    sender = entry.senders[0] if entry.senders else ""
    return {
        "timestamp": _time(entry.at),
        "source": sender,
        "sendingAccountId": account_id,
        "messageId": entry.message_id,
        "destination": list(entry.recipients),
        "tags": {
            "ses:operation": ["SendSmtpEmail" if entry.interface == "smtp" else entry.operation],
            "ses:configuration-set": [EVENTS_CONFIGURATION_SET],
            "ses:from-domain": [sender.rpartition("@")[2]],
            "ses:caller-identity": [user_name],
        },
    }


def _simulated(address: str) -> str:
    """Return the simulator's mailbox without a label, `bounce` for bounce+1@; "" for others."""
    local, _, domain = address.lower().rpartition("@")
    return local.partition("+")[0] if domain == SIMULATOR else ""


def _has_malware(raw: bytes) -> bool:
    if _MALWARE in raw:
        return True
    if b"base64" not in raw.lower():
        return False
    parts = (part.get_payload(decode=True) for part in email.message_from_bytes(raw).walk())
    return any(isinstance(content, bytes) and _MALWARE in content for content in parts)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
