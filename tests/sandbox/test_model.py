"""The sandbox answers the live suite as it is told to, and as is assumed where it is not."""

import os
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest

from ses_tenant.core.errors import SesTenantError
from ses_tenant.sandbox.model import POINTS, Model, Point, parse_model
from ses_tenant.sandbox.server import Sandbox, serve
from tests.live.account import LiveAccount, clean
from tests.live.questions import QUESTIONS

REGION = "eu-central-1"
ANSWERS = [(point, answer) for point in POINTS for answer in point.answers]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serve() as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox) -> LiveAccount:
    """Return the sandbox as an account whose two domains are verified; nobody waits in it."""
    now = iter(range(0, 10**9, 60))
    found = LiveAccount(
        session=boto3.Session("operator", "anything", region_name=REGION),
        region=REGION,
        first="live-a.example",
        second="live-b.example",
        run=os.urandom(4).hex(),
        endpoint=sandbox.url,
        smtp_host=sandbox.host,
        smtp_port=sandbox.smtp_port,
        ca_file=str(sandbox.ca_file),
        sleep=lambda _seconds: None,
        clock=lambda: float(next(now)),
    )
    ses = found.client("sesv2")
    known = {i["IdentityName"] for i in ses.list_email_identities()["EmailIdentities"]}
    for name in {found.first, found.second} - known:
        ses.create_email_identity(EmailIdentity=name)
    return found


def test_every_point_has_a_question() -> None:
    assert [point.key for point in POINTS] == list(QUESTIONS)


@pytest.mark.parametrize(
    ("point", "answer"), ANSWERS, ids=[f"{point.key}-{answer}" for point, answer in ANSWERS]
)
def test_the_live_suite_notices_each_answer(
    sandbox: Sandbox, account: LiveAccount, point: Point, answer: str
) -> None:
    played = sandbox.post.account
    before = played.settings
    played.settings = replace(before, model=Model({point.key: answer}))
    try:
        asked = QUESTIONS[point.key](account)
    finally:
        played.settings = before
    assert asked.answer == answer, asked.evidence
    clean(account, account.run)
    users = account.client("iam").list_users()["Users"]
    assert not [user for user in users if account.run in user["UserName"]]


def test_what_is_not_known_is_what_is_assumed() -> None:
    assert Model().answer("smtp_from") == "both"
    report = (
        '{"points": [{"key": "smtp_from", "answer": "undecided"}, {"key": "new", "answer": "x"}]}'
    )
    assert parse_model(report) == Model({})
    report = '{"points": [{"key": "smtp_from", "answer": "header"}], "figures": {}}'
    assert parse_model(report).answer("smtp_from") == "header"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"points": 3}', '{"points": [1]}', "\0"])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(SesTenantError, match="not a report of the live suite"):
        parse_model(text)
