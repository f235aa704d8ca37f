"""The one way through which every message goes: ruling, outbox, counters."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ses_tenant.sandbox.account import Account, Key
from ses_tenant.sandbox.events import SesEvent, events_of
from ses_tenant.sandbox.mail import Mail
from ses_tenant.sandbox.outbox import Entry, Outbox, Outcome
from ses_tenant.sandbox.ruling import REFUSES_ALL, Ruling, rule

OPERATOR_ARN = "operator"


@dataclass(frozen=True)
class Post:
    """Where messages are handed in, by the HTTP and by the SMTP server.

    `emit` is given what SES would tell on EventBridge of each message that was accepted.
    """

    account: Account
    outbox: Outbox
    emit: Callable[[SesEvent], None] | None = None

    def send(
        self,
        key: Key | None,
        access_key_id: str,
        mail: Mail,
        region: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> tuple[Ruling, str]:
        """Return the ruling on a message and its ID; the message is in the outbox either way."""
        (result,) = self.send_together(key, access_key_id, [mail], region, context)
        return result

    def send_together(
        self,
        key: Key | None,
        access_key_id: str,
        mails: list[Mail],
        region: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> list[tuple[Ruling, str]]:
        """Do as `send` for the messages of one request, which IAM allows or refuses as a whole."""
        with self.account.lock:
            rulings = [rule(self.account, key, mail, region, context) for mail in mails]
            whole = next((ruling for ruling in rulings if ruling.code in REFUSES_ALL), None)
            found = [(mail, whole or ruling) for mail, ruling in zip(mails, rulings, strict=True)]
            for mail, ruling in found:
                if ruling.accepted:
                    self.account.sent[region] += len(mail.recipients)
        results = []
        for mail, ruling in found:
            entry = self.record(key, access_key_id, mail, ruling)
            if ruling.accepted and self.emit:
                name = key.user_name if key else "root"
                for event in events_of(entry, self.account.account_id, region, name):
                    self.emit(event)
            results.append((ruling, entry.message_id))
        return results

    def record(self, key: Key | None, access_key_id: str, mail: Mail, ruling: Ruling) -> Entry:
        """Put a message into the outbox, and return its entry."""
        entry = Entry(
            message_id=f"{secrets.token_hex(8)}-{secrets.token_hex(4)}-000000",
            at=self.outbox.clock(),
            interface=mail.interface,
            operation=mail.operation,
            outcome=Outcome.ACCEPTED if ruling.accepted else Outcome.REFUSED,
            answer=ruling.answer,
            reason=ruling.reason,
            user_arn=key.user_arn if key else OPERATOR_ARN,
            domain=key.domain if key else "",
            access_key_id=access_key_id,
            senders=mail.senders,
            return_path=mail.return_path,
            recipients=mail.recipients,
            subject=mail.subject,
            raw=mail.raw,
        )
        self.outbox.add(entry)
        return entry
