"""What AWS does not document, as questions with the answers that the sandbox can play.

The live suite (tests/live/) puts the same questions to a real account; its report, given back with
`ses-tenant sandbox --model FILE`, makes the sandbox answer as that account did.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ses_tenant.core.errors import ErrorCode, SesTenantError

BOTH, HEADER, ENVELOPE = "both", "header", "envelope"
ABSENT, CARRIED = "absent", "carried"


@dataclass(frozen=True)
class Point:
    """A question, the answers that the sandbox can play, the first of which is assumed.

    `leans` tells where the code builds on the answer.
    """

    key: str
    question: str
    answers: tuple[str, ...]
    leans: str

    @property
    def assumed(self) -> str:
        """Return what is taken for true until a live account has answered."""
        return self.answers[0]


POINTS = (
    Point(
        "smtp_from",
        "Over SMTP, which address is ses:FromAddress where envelope and From header differ?",
        (BOTH, HEADER, ENVELOPE),
        "sandbox/ruling.py judges both; core/tenant/policy.py is safe with any answer",
    ),
    Point(
        "smtp_feedback",
        "Is the SMTP envelope's sender ses:FeedbackAddress?",
        (ENVELOPE, ABSENT),
        "--return-path in core/tenant/policy.py; the strict reading in the sandbox",
    ),
    Point(
        "several_from",
        "Of several addresses in From, which are ses:FromAddress?",
        ("all", "first", "refused"),
        "sandbox/ruling.py judges all of them",
    ),
    Point(
        "sender_header",
        "Is a Sender header ses:FromAddress, too?",
        ("judged", "ignored"),
        "sandbox/ruling.py judges it",
    ),
    Point(
        "from_case",
        "Does SES lower the case of the From address's domain before IAM compares it?",
        ("kept", "lowered"),
        "docs/policy.md; core/proof looks for addresses in any case",
    ),
    Point(
        "subdomain_identity",
        "On which identity is a sender at a subdomain of a verified domain authorized?",
        ("address", "subdomain", "parent"),
        "core/proof takes each for possible; --scope identity; account.py in the sandbox",
    ),
    Point(
        "unverified_child",
        "May a verified domain serve a subdomain that has an identity which is not verified?",
        ("parent_serves", "child_blocks"),
        "core/identity (what is served by a parent); readiness of `create`",
    ),
    Point(
        "template_v2",
        "Which actions does API v2's SendEmail with a template ask for?",
        (BOTH, "SendEmail", "SendTemplatedEmail"),
        "sandbox/sending_api.py asks for both",
    ),
    Point(
        "bulk_v2",
        "Which actions does API v2's SendBulkEmail ask for?",
        (BOTH, "SendBulkEmail", "SendBulkTemplatedEmail"),
        "core/tenant/policy.py grants neither; sandbox/sending_api.py asks for both",
    ),
    Point(
        "smtp_last_used",
        "How does GetAccessKeyLastUsed tell of a login over SMTP?",
        ("ses", "ses-smtp", ABSENT),
        "the last-used gate of core/rotation, which takes silence for nothing",
    ),
    Point(
        "default_key_length",
        "How long are the DKIM keys of CreateEmailIdentity without attributes?",
        ("RSA_2048_BIT", "RSA_1024_BIT"),
        "core/identity asks for 2048 and does not lean on it",
    ),
    Point(
        "replica_zone",
        "Which SigningHostedZone has a replica of Deterministic Easy DKIM?",
        ("replica", "primary"),
        "core/identity/records.py takes what SES tells",
    ),
    Point(
        "mail_from_taken",
        "Does SES take a MAIL FROM domain that is an identity of its own?",
        ("accepted", "refused"),
        "operations/identity.py refuses what a tenant sends as",
    ),
)
BY_KEY = {point.key: point for point in POINTS}


@dataclass(frozen=True)
class Model:
    """The answers that are played; a question without one has what is assumed."""

    answers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, key: str) -> str:
        """Return the answer to a question."""
        return self.answers.get(key, BY_KEY[key].assumed)


def parse_model(text: str) -> Model:
    """Return the model of a live report. Raises SesTenantError `usage` for what is none.

    Answers to questions that this version does not know, and ones that the sandbox cannot play,
    such as that a question was not put, are left out.
    """
    try:
        points = json.loads(text)["points"]
        answers = {str(point["key"]): point["answer"] for point in points}
    except (ValueError, KeyError, TypeError) as error:
        raise SesTenantError(
            ErrorCode.USAGE,
            "The model is not a report of the live suite.",
            'It is JSON: {"points": [{"key": "smtp_from", "answer": "header"}]}.',
        ) from error
    return Model(
        {k: answer for k, answer in answers.items() if k in BY_KEY and answer in BY_KEY[k].answers}
    )
