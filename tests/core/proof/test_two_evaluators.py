"""Two evaluators meet: what the naive one lets through, the proof finds, whatever the account."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.iam.ses_actions import MULTIVALUED
from ses_tenant.core.proof.breaches import Targets, breaches
from ses_tenant.core.proof.members import Member, members
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import ways_to_send
from ses_tenant.core.proof.witness import Witness
from tests.core.proof import naive
from tests.examples import examples

ACCOUNT = naive.ACCOUNT
some = examples(suppress_health_check=[HealthCheck.too_slow])

FROM_PATTERNS = (
    *("*", "*@shop.example.com", "*shop.example.com", "*@*.example.com", "a@*", "*@SHOP*"),
    *("info@shop.example.com", "?@shop.example.com", "*@${aws:PrincipalTag/site}", "*@other.org"),
    *("*@other.org*", "*@shop.${aws:RequestedRegion}*"),
)
IDENTITIES = (
    *("*", "shop.example.com", "example.com", "*@shop.example.com", "a@*", "*.example.com"),
    *("*@other.org*", "x.shop.example.com", "other.org", "SHOP.example.com", "?hop.example.com"),
)
RESOURCES = (
    *("*", "arn:aws:ses:*", "arn:aws:ses", "arn:aws:ses:us-east-1", "arn:*:identity/shop*"),
    *(f"arn:aws:ses:us-*:*:identity/{name}" for name in IDENTITIES[:4]),
    *(f"arn:aws:ses:*:{ACCOUNT}:identity/{name}" for name in IDENTITIES),
    *(f"arn:aws:ses:eu-central-1:{ACCOUNT}:identity/{name}" for name in IDENTITIES[:4]),
    "arn:aws:ses:${aws:RequestedRegion}:*:identity/${aws:PrincipalTag/site}",
)


def condition(operators: tuple[str, ...], key: str, values: tuple[str, ...]) -> Any:
    return st.builds(
        lambda operator, wanted: (operator, key, wanted),
        st.sampled_from(operators),
        st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True),
    )


STRING = ("StringLike", "StringNotLike", "StringLikeIfExists", "StringEquals", "StringNotEquals")
conditions = st.one_of(
    condition((*STRING, "ForAllValues:StringLike"), "ses:FromAddress", FROM_PATTERNS),
    condition(STRING[:3], "ses:FeedbackAddress", ("*@shop.example.com", "*", "*@other.org")),
    # The naive one tries this address and no other; a pattern would be an address of its own.
    condition(STRING[3:], "ses:FeedbackAddress", ("a@shop.example.com",)),
    condition(
        ("ForAllValues:StringLike", "ForAnyValue:StringLike", "ForAnyValue:StringNotLike"),
        "ses:Recipients",
        ("*@one.org", "*@two.org", "*"),
    ),
    condition(STRING[:2], "aws:RequestedRegion", ("us-*", "eu-central-1", "us-east-1")),
    condition(("IpAddress", "NotIpAddress"), "aws:SourceIp", ("192.0.2.0/24",)),
    condition(STRING[:2], "aws:PrincipalTag/site", ("shop.example.com", "x*")),
    st.sampled_from([("Null", key, [v]) for v in ("true", "false") for key in naive.UNKNOWN]),
)


def statement(
    effect: str, action: str, element: str, resource: str, asked: list[tuple[str, str, list[str]]]
) -> dict[str, Any]:
    block: dict[str, dict[str, list[str]]] = {}
    for operator, key, values in asked:
        block.setdefault(operator, {})[key] = values
    return {"Effect": effect, "Action": action, element: resource, "Condition": block}


def statements(effect: str, elements: tuple[str, ...]) -> Any:
    return st.builds(
        statement,
        st.just(effect),
        st.sampled_from(["ses:*", *naive.ACTIONS[:2]]),
        st.sampled_from(elements),
        st.sampled_from(RESOURCES),
        st.lists(conditions, max_size=2),
    )


policies = st.builds(
    lambda allows, denies: {"Version": "2012-10-17", "Statement": [*allows, *denies]},
    st.lists(statements("Allow", ("Resource", "Resource", "NotResource")), min_size=1, max_size=2),
    st.lists(statements("Deny", ("Resource", "NotResource")), max_size=2),
)
boundaries = st.one_of(st.none(), policies)
TAGS = {"site": "shop.example.com"}


def member(kind: str, policy: Mapping[str, Any], boundary: Any) -> Member:
    entry: dict[str, Any] = {
        f"{kind}Name": "x",
        "Arn": f"arn:aws:iam::{ACCOUNT}:{kind.lower()}/x",
        "Path": "/",
        f"{kind}PolicyList": [{"PolicyName": "p", "PolicyDocument": policy}],
        "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()],
    }
    managed = []
    if boundary is not None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/b"
        entry["PermissionsBoundary"] = {"PermissionsBoundaryArn": arn}
        versions = [{"IsDefaultVersion": True, "Document": boundary}]
        managed = [{"Arn": arn, "PolicyVersionList": versions}]
    (found,) = members([{f"{kind}DetailList": [entry], "Policies": managed}])
    return found


def known(kind: str) -> list[dict[str, str]]:
    """Return the keys that the principal may come with: a role's session tags may be any."""
    tags = ["shop.example.com"] if kind == "User" else ["shop.example.com", "xyz", "other.org"]
    return [{"aws:PrincipalTag/site": tag} for tag in tags]


def through(kind: str, policy: Any, boundary: Any, hosts: tuple[str, ...]) -> naive.Mail | None:
    """Return a mail from one of the hosts that the naive evaluator lets through, in any reading."""
    for principal in known(kind):
        for mail in naive.mails(principal, hosts):
            for reading in naive.READINGS:
                if naive.allowed([policy], boundary, mail, reading):
                    return mail
    return None


@some
@given(
    st.sampled_from(["User", "Role"]),
    policies,
    boundaries,
    st.sampled_from([("eu-central-1",), ()]),
    st.booleans(),
)
def test_whatever_goes_through_is_found(
    kind: str, policy: Any, boundary: Any, regions: tuple[str, ...], subdomains: bool
) -> None:
    who = member(kind, policy, boundary)
    target = Target("shop.example.com", subdomains, regions, ACCOUNT, "aws", "somebody")
    hosts = ("shop.example.com", "x.shop.example.com") if subdomains else ("shop.example.com",)
    mail = through(kind, policy, boundary, hosts)
    ways = ways_to_send(who.principal)
    found = list(breaches([(who.principal, ways)], Targets([target])))
    if mail is not None:
        assert found, (mail, json.dumps(policy), json.dumps(boundary))
    for breach in found:
        witness = breach.witness
        if witness is not None and witness.verdict.answer is Answer.ALLOWED:
            assert regions
            assert certain(kind, policy, boundary, witness), (witness, json.dumps(policy))


def certain(kind: str, policy: Any, boundary: Any, witness: Witness) -> bool:
    """Tell whether the mail can be so that it goes through, whatever nobody knows beforehand."""
    identity = witness.resource.partition(":identity/")[2]
    what = (witness.action, witness.address, witness.region, identity)
    return all(
        any(
            naive.allowed([policy], boundary, mail, reading)
            for mail in naive.choices(principal, what, source)
        )
        for principal in known(kind)
        for source in naive.SOURCES
        for reading in naive.READINGS
    )


@some
@given(policies, boundaries, st.data())
def test_a_concrete_request_is_decided_alike(policy: Any, boundary: Any, data: Any) -> None:
    mail = data.draw(st.sampled_from(MAILS))
    request = Request(
        mail.action,
        mail.arn,
        {key: tuple(values) for key, values in mail.context.items()},
        unknown=frozenset(),
    )
    verdict = decide(
        Policies((Policy("p", policy),), None if boundary is None else (Policy("b", boundary),)),
        request,
    )
    answers = {naive.allowed([policy], boundary, mail, reading) for reading in naive.READINGS}
    if verdict.answer is not Answer.CONDITIONAL:
        assert answers == {verdict.answer is Answer.ALLOWED}, (mail, json.dumps(policy))


MAILS = list(naive.mails({"aws:PrincipalTag/site": "shop.example.com"}, naive.HOSTS))


def test_the_naive_evaluator_knows_which_keys_have_several_values() -> None:
    assert {k.lower() for k in naive.UNKNOWN if k == "ses:Recipients"} <= MULTIVALUED
