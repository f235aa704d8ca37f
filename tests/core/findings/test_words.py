"""What a finding says and what to do about it, word for word: people and scripts read it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ses_tenant.core.findings.audit import audit
from ses_tenant.core.findings.finding import Finding
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.delegation import IdentityPolicies
from ses_tenant.core.tenant.observed import ReportedKey
from tests.core.proof.accounts import (
    BLOG,
    IAM,
    SHOP,
    Json,
    account,
    allow,
    deny,
    policy,
    role,
    tenant,
    trusting,
    user,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def found(*entries: Json, **options: object) -> tuple[Finding, ...]:
    whole = account(tenant(), tenant(BLOG), *entries)
    keys = options.pop("keys", {})
    identities = options.pop("identities", ())
    age = timedelta(days=90)
    return audit(whole, keys, identities, NOW, age, **options).findings  # type: ignore[arg-type]


def x(*statements: Json, **more: object) -> Json:
    return user("x", *statements, **more)  # type: ignore[arg-type]


def on_from(operator: str, *patterns: str, action: str = "ses:SendRawEmail") -> Json:
    return {**allow(action), "Condition": {operator: {"ses:FromAddress": list(patterns)}}}


def key(age: int, used: int | None = None, *, active: bool = True) -> ReportedKey:
    at = None if used is None else NOW - timedelta(days=used)
    return ReportedKey(active, NOW - timedelta(days=age), at)


CONSOLE = "AWSSESSendingGroupDoNotRename"
ACCOUNTS: dict[str, tuple[list[Json], dict[str, object]]] = {
    "every action": ([x(allow("ses:*"))], {}),
    "every action of a From": ([x(on_from("StringLike", "*@x.org", action="ses:*"))], {}),
    "no @": ([x(on_from("StringLike", "*x.org"))], {}),
    "an @ too early": ([x(on_from("StringLike", "*@*x.org"))], {}),
    "an @ before a dot": ([x(on_from("StringLike", "*@*.x.org", "*@?.x.org"))], {}),
    "no domain": ([x(on_from("StringLike", "*", "info@*", "*@${aws:username}", "x@*?"))], {}),
    "half a domain": ([x(on_from("StringLike", "*-.org"))], {}),
    "if it exists": ([x(on_from("StringLikeIfExists", "*@x.org"))], {}),
    "for all": ([x(on_from("ForAllValues:StringLike", "*@x.org"))], {}),
    "equals": ([x(on_from("StringEquals", "*@x.org", "a@x.org", "?@x.org"))], {}),
    "not": ([x(on_from("StringNotEquals", "*@x.org"))], {}),
    "no such key": (
        [
            x(
                *(
                    {**allow("ses:SendEmail"), "Condition": {operator: {"ses:FromDomain": ["x"]}}}
                    for operator in (
                        *("StringEquals", "StringNotEquals", "StringEqualsIfExists"),
                        "ForAllValues:StringEquals",
                    )
                )
            )
        ],
        {},
    ),
    "unlimited": (
        [x({**on_from("StringLike", "*@x.org"),
            "Action": ["ses:SendBulkEmail", "ses:SendBounce", "ses:GetSendQuota"]})],
        {},
    ),
    "an administrator": ([x(allow("*"))], {}),
    "an administrator with MFA": (
        [x(allow("*", Bool={"aws:MultiFactorAuthPresent": ["true"]}), deny("ses:*"))],
        {},
    ),
    "an administrator without mail": ([x(allow("*"), deny("ses:*"))], {}),
    "a role": ([role("x", allow("ses:SendRawEmail"))], {}),
    "a wide tenant": ([tenant("c.example.org", allow("ses:SendRawEmail"))], {}),
    "a shared domain": (
        [
            tenant(
                "c.example.org",
                on_from("StringLike", f"*@{SHOP}"),
                **{"ses-tenant:sending": f"also={SHOP}"},
            )
        ],
        {},
    ),
    "too intricate": ([x(on_from("StringLike", "${ses:FeedbackAddress}"))], {}),
    "two domains": ([x(on_from("StringLike", "*@x.org", "*@y.org"))], {}),
    "a tenant's domain": ([x(on_from("StringLike", f"*@{SHOP}"))], {}),
    "keys of a tenant": ([], {"keys": {f"{IAM}:user/ses-tenant/{SHOP}/ses-{SHOP}": (
        key(91), key(31, 1), key(200, active=False),
    )}}),
    "keys at their limits": ([], {"keys": {f"{IAM}:user/ses-tenant/{SHOP}/ses-{SHOP}": (
        key(90, 0), key(30), ReportedKey(True, None, None),
    )}}),
    "keys of a user": ([user("-x", on_from("StringLike", "*@x.org"))],
        {"keys": {f"{IAM}:user/-x": (key(100), key(40))}}),
    "a policy that was not told": ([x(boundary="limit", managed=["gone"])], {}),
    "a lost destination": ([tenant("c.example.org", destination="nowhere:x")], {}),
    "the console's group": ([x(groups=[CONSOLE])], {}),
    "an operator": (
        [x(allow("iam:CreateAccessKey"), allow("ses:SendRawEmail"))],
        {"operators": (f"{IAM}:user/x",)},
    ),
    "a way over two": (
        [
            x(allow("sts:AssumeRole", on=f"{IAM}:role/one")),
            role("one", allow("sts:AssumeRole"), trust=[trusting(f"{IAM}:user/x")]),
            role(
                "two",
                allow("iam:PutUserPolicy", "iam:AttachUserPolicy", on=f"{IAM}:user/ses-tenant/*"),
                trust=[
                    {**trusting(f"{IAM}:role/one"), "Condition": {
                        "StringEquals": {"sts:ExternalId": ["7"]},
                        "IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]},
                    }}
                ],
            ),
        ],
        {},
    ),
    "an identity's policy": ([x()], {"identities": [IdentityPolicies(SHOP, "eu-central-1", (
        Policy("p", policy(
            {**allow("ses:SendRawEmail"), "Principal": {"AWS": f"{IAM}:user/x"}},
            {**on_from("StringLike", "${ses:FeedbackAddress}"),
             "Principal": {"AWS": "arn:aws:iam::999999999999:root"}},
        )),
    ))]}),
}  # fmt: skip


def told(name: str) -> list[dict[str, object]]:
    entries, options = ACCOUNTS[name]
    return [
        {
            "rule": f"{f.rule} {f.severity}",
            "of": f.principal.split(":", 5)[-1],
            "domains": [" ".join(filter(None, (d.domain, d.witness))) for d in f.domains],
            "message": f.message,
            "remedy": f.remedy,
            "cause": f.cause,
        }
        for f in found(*entries, **dict(options))
    ]


WORDS = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_finding_word_for_word(name: str) -> None:
    assert told(name) == WORDS[name]
