"""The sandbox tells of mail as SES does, and with --watch a hacked site is stopped."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from ses_tenant.cli.sandbox_watch import LocalWatch
from ses_tenant.core.watch.events import Kind, MailEvent, read_event
from ses_tenant.core.watch.rules import parse_rule
from ses_tenant.operations.watch import Watch
from ses_tenant.sandbox.events import events_of
from ses_tenant.sandbox.outbox import Entry, Outcome

from .conftest import BLOG, SHOP, Box, Boxes, Key

ACCOUNT, REGION, USER = "123456789012", "eu-central-1", "ses-shop.example.com"
ENTRY = Entry(
    message_id="m-1", at=datetime(2026, 3, 1, 12, tzinfo=UTC), interface="smtp", operation="SMTP",
    outcome=Outcome.ACCEPTED, answer="Ok", reason="", user_arn="", domain="shop.example.com",
    access_key_id="AKIA", senders=("Info@shop.example.com",),
)  # fmt: skip


def told(**changes: Any) -> list[tuple[Kind, str | None]]:
    events = list(events_of(replace(ENTRY, **changes), ACCOUNT, REGION, USER))
    found = [read_event(json.loads(json.dumps(event)), ACCOUNT) for event in events]
    assert len({one.key for one in found if isinstance(one, MailEvent)}) == len(events)
    return [(one.kind, one.from_domain) for one in found if isinstance(one, MailEvent)]


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("someone@example.net", [Kind.DELIVERY]),
        ("success@simulator.amazonses.com", [Kind.DELIVERY]),
        ("ooto@simulator.amazonses.com", [Kind.DELIVERY]),
        ("bounce@simulator.amazonses.com", [Kind.BOUNCE]),
        ("Bounce+7@Simulator.amazonses.com", [Kind.BOUNCE]),
        ("suppressionlist@simulator.amazonses.com", [Kind.BOUNCE]),
        ("complaint@simulator.amazonses.com", [Kind.DELIVERY, Kind.COMPLAINT]),
        ("bounce@simulator.amazonses.com.example", [Kind.DELIVERY]),
    ],
)
def test_the_simulator_answers_as_that_of_ses(address: str, kinds: list[Kind]) -> None:
    found = told(recipients=(address,))
    assert found == [(kind, "shop.example.com") for kind in [Kind.SEND, *kinds]]


def test_each_recipient_has_its_own_answer_and_malware_is_rejected() -> None:
    many = tuple(f"bounce+{n}@simulator.amazonses.com" for n in range(3))
    assert [kind for kind, _ in told(recipients=many)] == [Kind.SEND, *[Kind.BOUNCE] * 3]
    message = EmailMessage()
    message.set_content("see attachment")
    malware = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    message.add_attachment(malware, maintype="application", subtype="octet-stream")
    for raw in (malware, message.as_bytes()):
        assert [kind for kind, _ in told(recipients=many, raw=raw)] == [Kind.SEND, Kind.REJECT]


def test_a_hacked_site_is_stopped_and_its_neighbour_goes_on(
    boxes: Boxes, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = parse_rule("bounce-rate > 10 % of >= 20 in 1h -> suspend")
    local = LocalWatch(Watch((rule,)))
    box = boxes(emit=local.emit)
    shop, blog = box.tenant(SHOP), box.tenant(BLOG)
    with local.running(box.sandbox):
        for number in range(20):
            send(box, shop, SHOP, f"bounce+{number}@simulator.amazonses.com")
    send(box, blog, BLOG, "someone@example.net")
    with pytest.raises(ClientError):
        send(box, shop, SHOP, "someone@example.net")
    with urlopen(f"{box.sandbox.url}/_ses-tenant/messages.json", timeout=10) as answer:
        (suspended,) = json.load(answer)["suspended"]
    assert suspended["domain"] == SHOP
    # The last bounce may come with the last mail, or after it.
    why = r"(19 bounces of 20 sends are 95|20 bounces of 20 sends are 100)\.0 %, more than 10 %"
    assert re.search(f" by the watch: {why}", suspended["why"])
    told = rf"Watch: {SHOP}: was suspended\n  {SHOP}: {why}\.\n"
    assert re.fullmatch(told, capsys.readouterr().err)


def send(box: Box, key: Key, domain: str, to: str) -> None:
    box.client("ses", key).send_email(
        Source=f"info@{domain}",
        Destination={"ToAddresses": [to]},
        Message={"Subject": {"Data": "Order"}, "Body": {"Text": {"Data": "Hello"}}},
    )
