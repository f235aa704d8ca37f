"""The one way through which every message goes: ruling, outbox, counters."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from ses_tenant.sandbox.account import Account, Key
from ses_tenant.sandbox.mail import Mail
from ses_tenant.sandbox.outbox import Entry, Outbox, Outcome
from ses_tenant.sandbox.ruling import Ruling, rule

OPERATOR_ARN = "operator"


@dataclass(frozen=True)
class Post:
    """Where messages are handed in, by the HTTP and by the SMTP server."""

    account: Account
    outbox: Outbox

    def send(
        self,
        key: Key | None,
        access_key_id: str,
        mail: Mail,
        region: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> tuple[Ruling, str]:
        """Return the ruling on a message and its ID; the message is in the outbox either way."""
        with self.account.lock:
            ruling = rule(self.account, key, mail, region, context)
            if ruling.code is None:
                self.account.ses(region).sent_message_count += len(mail.recipients)
        return ruling, self.record(key, access_key_id, mail, ruling)

    def record(self, key: Key | None, access_key_id: str, mail: Mail, ruling: Ruling) -> str:
        """Put a message into the outbox, and return its ID."""
        message_id = f"{secrets.token_hex(8)}-{secrets.token_hex(4)}-000000"
        self.outbox.add(
            Entry(
                message_id=message_id,
                at=self.outbox.clock(),
                interface=mail.interface,
                operation=mail.operation,
                outcome=Outcome.ACCEPTED if ruling.code is None else Outcome.REFUSED,
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
        )
        return message_id
