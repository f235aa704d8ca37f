"""How long AWS takes to hear of a change, how fast SES answers, and whether we decide alike."""

import json
import random

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.iam.ses_actions import mail_context

from .account import LiveAccount, Login
from .questions import own, ready, statement
from .report import Report, percentiles

_TIMES = 5
_POLICIES = 200
_SENDS = 24


def _until(account: LiveAccount, login: Login, sender: str, *, ok: bool) -> float:
    """Return the seconds until a mail passes, or fails."""
    begun = account.clock()
    while account.smtp(login, sender).ok is not ok:
        if account.clock() - begun > 300:
            pytest.fail("AWS has not heard of the change within five minutes")
        account.sleep(0.5)
    return account.clock() - begun


def test_how_long_a_key_a_policy_and_a_deny_take(account: LiveAccount, report: Report) -> None:
    mine, other = f"info@{account.first}", f"info@{account.second}"
    nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    keys, policies, denies = [], [], []
    for _ in range(_TIMES):
        login = account.user(own(account.first))
        keys.append(_until(account, login, mine, ok=True))
        account.permit(login.name, own(account.first), own(account.second))
        policies.append(_until(account, login, other, ok=True))
        account.permit(login.name, own(account.first), nothing)
        denies.append(_until(account, login, mine, ok=False))
    report.figures["a new key works after"] = percentiles(keys)
    report.figures["a new Allow counts after"] = percentiles(policies)
    report.figures["a new Deny counts after"] = percentiles(denies)
    assert max(denies) < 60, "suspend is slower than its documentation says"


def test_how_fast_the_calls_on_identities_may_be(account: LiveAccount, report: Report) -> None:
    """Ask as fast as one may until SES throttles, 40 times at most."""
    ses = account.session.client(
        "sesv2", region_name=account.region, endpoint_url=account.endpoint,
        config=Config(retries={"max_attempts": 0}),
    )  # fmt: skip
    begun, done, throttled = account.clock(), 0, False
    while done < 40 and not throttled:
        try:
            ses.get_email_identity(EmailIdentity=account.first)
            done += 1
        except ClientError as error:
            throttled = "TooManyRequests" in str(error) or "Throttling" in str(error)
            if not throttled:
                raise
    seconds = account.clock() - begun
    report.figures["GetEmailIdentity"] = {
        "answered": done, "seconds": round(seconds, 1), "throttled": throttled,
    }  # fmt: skip
    assert done


def _random_statement(chance: random.Random, account: LiveAccount) -> dict[str, object]:
    domain = chance.choice([account.first, account.second, f"x.{account.first}"])
    pattern = chance.choice([f"*@{domain}", f"*{domain}", f"info@{domain}", "*", f"*@*.{domain}"])
    key = chance.choice(["ses:FromAddress", "ses:FeedbackAddress", "ses:FromDisplayName"])
    operator = chance.choice(
        ["StringLike", "StringEquals", "StringNotLike", "StringLikeIfExists",
         "ForAllValues:StringLike", "StringEqualsIgnoreCase"]
    )  # fmt: skip
    actions = chance.choice(["ses:SendRawEmail", "ses:Send*", "ses:*", "*", "ses:SendEmail"])
    made = statement(actions, Condition={operator: {key: pattern}})
    made["Effect"] = chance.choice(["Allow", "Allow", "Deny"])
    return made


def test_the_evaluator_decides_as_the_policy_simulator(
    account: LiveAccount, report: Report
) -> None:
    """Ask SimulateCustomPolicy about random policies; no mail is sent."""
    chance, iam = random.Random(2026), account.client("iam")
    differ, unlike = 0, []
    for _ in range(_POLICIES):
        document = {
            "Version": "2012-10-17",
            "Statement": [_random_statement(chance, account) for _ in range(chance.randint(1, 3))],
        }
        sender = f"info@{chance.choice([account.first, account.second])}"
        entries = [
            {
                "ContextKeyName": "ses:FromAddress",
                "ContextKeyValues": [sender],
                "ContextKeyType": "string",
            }
        ]
        try:
            answer = iam.simulate_custom_policy(
                PolicyInputList=[json.dumps(document)],
                ActionNames=["ses:SendRawEmail"],
                ContextEntries=entries,
            )["EvaluationResults"][0]["EvalDecision"]
        except ClientError as error:
            if error.response["Error"]["Code"] in (
                "InvalidAction",
                "NotImplemented",
                "InternalFailure",
            ):
                pytest.skip("the sandbox has no policy simulator")
            raise
        request = Request("ses:SendRawEmail", "*", mail_context(sender))
        ours = decide(Policies((Policy("p", document),)), request).answer
        if (answer == "allowed") != (ours is Answer.ALLOWED):
            differ += 1
            unlike.append((document, sender, answer, ours.value))
    report.figures["random policies, decided otherwise than by SimulateCustomPolicy"] = {
        "n": _POLICIES, "differ": differ,
    }  # fmt: skip
    assert not unlike, unlike[:3]


def test_the_evaluator_decides_as_sending_does(account: LiveAccount, report: Report) -> None:
    """Send as users with random policies; each has to be answered as we say."""
    chance, unlike, certain = random.Random(26), [], 0
    for _ in range(_SENDS):
        statements = [_random_statement(chance, account) for _ in range(chance.randint(1, 2))]
        login = account.user(own(account.first))
        mine = f"info@{account.first}"
        ready(account, login, mine)
        account.permit(login.name, *statements)
        account.sleep(15)  # until the policy counts: there is nothing that has to pass or to fail
        sender = f"info@{chance.choice([account.first, account.second])}"
        document = {"Version": "2012-10-17", "Statement": statements}
        context = mail_context(sender, return_path=sender, recipients=["x"], api_version="2")
        ours = decide(
            Policies((Policy("p", document),)), Request("ses:SendRawEmail", "*", context)
        ).answer
        if ours is Answer.CONDITIONAL:
            continue
        certain += 1
        said = account.smtp(login, sender)
        if said.ok != (ours is Answer.ALLOWED):
            unlike.append((statements, sender, said.text, ours.value))
    report.figures["random policies, decided otherwise than by sending"] = {
        "n": certain, "differ": len(unlike),
    }  # fmt: skip
    assert not unlike, unlike[:3]
