"""Two evaluators meet over whole accounts: users, groups, an identity's policy, several domains."""

import json
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.breaches import Targets, breaches
from ses_tenant.core.proof.delegation import Coverage, IdentityPolicies, delegations
from ses_tenant.core.proof.members import read_account
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import ways_to_send
from tests.core.proof import naive
from tests.core.proof.accounts import IAM, group, page, user
from tests.core.proof.test_two_evaluators import RESOURCES, conditions, policies, statement
from tests.examples import examples

few = examples(0.5, suppress_health_check=[HealthCheck.too_slow])

NAMES = ("x", "y")
HOSTS = ("shop.example.com", "other.org")
REGION = "eu-central-1"
TARGETS = [Target(host, False, (REGION,), naive.ACCOUNT, "aws", host) for host in HOSTS]


def named(who: str, effect: str, action: str, conditions: list[Any]) -> dict[str, Any]:
    """Return a statement of an identity's policy about a user of the account, or everybody."""
    principal = "*" if who == "*" else {"AWS": f"{IAM}:user/{who}"}
    return {**statement(effect, action, "Resource", "*", conditions), "Principal": principal}


identity_statements = st.builds(
    named,
    st.sampled_from([*NAMES, "*"]),
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.sampled_from(["ses:*", *naive.ACTIONS[:2]]),
    st.lists(conditions, max_size=1),
)
# Allow statements that are about little leave room for what comes from elsewhere.
narrow = st.builds(
    lambda action, resource, asked: {
        "Version": "2012-10-17",
        "Statement": [statement("Allow", action, "Resource", resource, asked)],
    },
    st.sampled_from(naive.ACTIONS),
    st.sampled_from(RESOURCES),
    st.lists(conditions, min_size=1, max_size=2),
)
documents = st.one_of(st.none(), narrow, policies)


def through(
    documents: list[Any], identity: tuple[str, list[dict[str, Any]]], who: str, host: str
) -> naive.Mail | None:
    """Return a mail from the host that the user gets through, in any reading."""
    name, statements = identity
    about = [s for s in statements if s["Principal"] in ("*", {"AWS": f"{IAM}:user/{who}"})]
    for mail in naive.mails({"aws:PrincipalTag/site": "shop.example.com"}, (host,)):
        here = [{"Statement": about}] if (mail.identity, mail.region) == (name, REGION) else []
        if any(naive.allowed([*documents, *here], None, mail, each) for each in naive.READINGS):
            return mail
    return None


@few
@given(
    st.tuples(documents, documents),
    documents,
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from(["shop.example.com", "example.com", "a@shop.example.com", "other.org"]),
    st.lists(identity_statements, max_size=3),
)
def test_whoever_gets_a_mail_through_is_found(
    own: tuple[Any, Any],
    of_group: Any,
    joined: tuple[bool, bool],
    identity: str,
    statements: list[dict[str, Any]],
) -> None:
    tags = {"site": "shop.example.com"}
    users = [
        user(name, *(document or {"Statement": []})["Statement"], groups=["g"] * joins, tags=tags)
        for name, document, joins in zip(NAMES, own, joined, strict=True)
    ]
    everything = group("g", *(of_group or {"Statement": []})["Statement"])
    people = read_account([page(*users, everything)]).people
    senders = [(member.principal, ways_to_send(member.principal)) for member in people]
    found = {(b.principal.arn, b.target.domain) for b in breaches(senders, Targets(TARGETS))}
    document = {"Version": "2012-10-17", "Statement": statements}
    policy = IdentityPolicies(identity, REGION, (Policy("i", document),))
    principals = {member.arn: member.principal for member in people}
    delegated = {
        (d.principal, d.target.domain) for d in delegations(policy, Coverage(TARGETS), principals)
    }
    for name, mine, joins in zip(NAMES, own, joined, strict=True):
        held = [each for each in (mine, of_group if joins else None) if each is not None]
        for host in HOSTS:
            mail = through(held, (identity, statements), name, host)
            if mail is None:
                continue
            who = {f"{IAM}:user/{name}", "*"}
            assert {(each, host) for each in who} & (found | delegated), (
                mail,
                json.dumps([held, statements]),
            )
