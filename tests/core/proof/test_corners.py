"""Corners of the proof that accounts seldom have, each with what has to come out."""

from typing import Any

import pytest

from ses_tenant.core.iam.authorization import Answer, Policies, Policy
from ses_tenant.core.iam.globs import glob
from ses_tenant.core.proof import takeover
from ses_tenant.core.proof.addresses import Constraint, find_quoted
from ses_tenant.core.proof.breaches import Breach, Targets, breaches
from ses_tenant.core.proof.members import Member, targets_of
from ses_tenant.core.proof.places import Place, Target
from ses_tenant.core.proof.stores import PARAMETERS, Store, is_lost
from ses_tenant.core.proof.ways import Principal, Way, ways_to_send
from ses_tenant.core.proof.witness import Search, find_witness
from tests.core.proof.accounts import (
    ACCOUNT,
    BLOG,
    IAM,
    ROOT,
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

TARGET = Target(SHOP, False, ("eu-central-1",), ACCOUNT, "aws", "somebody")


def principal(*statements: Json, name: str = "x") -> Principal:
    document = policy(*statements)
    return Principal(f"{IAM}:user/{name}", Policies((Policy("p", document),)), {})


def found(*statements: Json) -> list[Breach]:
    who = principal(*statements)
    return list(breaches([(who, ways_to_send(who))], Targets([TARGET])))


def people(*entries: Json) -> tuple[Member, ...]:
    return account(*entries).people


def test_a_user_that_is_nobodys_tenant_has_no_domain() -> None:
    (other,) = people(user("x"))
    assert other.targets() == ()


def test_a_user_of_ours_without_its_tag_keeps_its_domain_unless_a_tenant_has_it() -> None:
    lost = tenant(BLOG)
    lost["Tags"] = []
    double = {**tenant(SHOP), "UserName": "x", "Arn": f"{IAM}:user/ses-tenant/{SHOP}/x"}
    targets = targets_of(people(tenant(), lost, double))
    assert [(t.domain, t.owner.rpartition("/")[2]) for t in targets] == [
        (SHOP, f"ses-{SHOP}"),
        (BLOG, f"ses-{BLOG}"),
    ]
    assert targets[1].regions == ()


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("/web/shop", ("/web/shop",)),
        (f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/web/shop", ("/web/shop",)),
        (f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/shop", ("shop", "/shop")),
    ],
)
def test_what_a_parameter_may_be_called(name: str, names: tuple[str, ...]) -> None:
    store = Store(PARAMETERS, name, "eu-central-1", "aws", ACCOUNT)
    assert store.names == names
    assert store.elsewhere is False


@pytest.mark.parametrize(
    ("destination", "lost"),
    [("-", False), ("file:/x", False), ("ssm:/web", False), ("ssm:", True), ("nowhere:x", True)],
)
def test_whether_it_is_told_where_credentials_are(destination: str, lost: bool) -> None:
    (member,) = people(tenant(destination=destination))
    assert is_lost(member) is lost


def test_whom_a_route_touches_is_counted_and_told_as_bits() -> None:
    both = account(tenant(), tenant(BLOG), user("x", allow("iam:CreateAccessKey")))
    (route,) = takeover.takeovers(both).routes
    assert route.touched.mask == 0b11
    assert len(route.touched) == 2


def test_a_search_that_is_cut_short_says_of_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "MAX_REACHED", 1)
    roles = [
        role(f"r{n}", allow("s3:*", "sts:AssumeRole"), trust=[trusting(ROOT)]) for n in range(3)
    ]
    cut = takeover.takeovers(
        account(tenant(), user("x", allow("sts:AssumeRole")), *roles)
    ).cut_short
    assert f"{IAM}:user/x" in cut
    monkeypatch.setattr(takeover, "MAX_REACHED", 300)
    whole = takeover.takeovers(account(tenant(), user("x", allow("sts:AssumeRole")), *roles))
    assert whole.cut_short == ()


def test_a_local_part_in_quotes_is_no_longer_than_others() -> None:
    def like(pattern: str) -> list[Constraint]:
        return [Constraint((glob(pattern),))]

    assert find_quoted(SHOP, like(f"*@{'x' * 61}*")) == f'"@{"x" * 61}"@{SHOP}'
    assert find_quoted(SHOP, like(f"*@{'x' * 62}*")) is None


def test_a_configuration_set_of_watch_that_is_named_is_one_like_others() -> None:
    named = {"ses-tenant:sending": "configuration-set=ses-tenant-events"}
    on = "arn:aws:ses:*:*:configuration-set/ses-tenant-events"
    for tags, conditional in ((named, False), ({}, True)):
        mallory = user("x", allow("ses:DeleteConfigurationSet", on=on))
        (route,) = takeover.takeovers(account(tenant(**tags), mallory)).routes
        assert any("watched" in condition for condition in route.hop.conditions) is conditional


def test_who_cannot_send_at_all_is_passed_over() -> None:
    nobody, somebody = principal(name="nobody"), principal(allow("ses:SendRawEmail"))
    senders = [(who, ways_to_send(who)) for who in (nobody, somebody)]
    assert [b.principal.arn for b in breaches(senders, Targets([TARGET]))] == [f"{IAM}:user/x"]


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([allow("ses:SendRawEmail", on="arn:aws:ses")], Answer.CONDITIONAL),
        ([allow("ses:SendRawEmail", on=[])], None),
        ([allow("ses:SendRawEmail"), deny("ses:*", on="arn:aws:ses")], Answer.CONDITIONAL),
        (
            [
                allow(
                    "ses:SendCustomVerificationEmail",
                    StringEquals={"aws:RequestedRegion": "us-east-1"},
                )
            ],
            Answer.CONDITIONAL,
        ),
        # No address is a number, wherever it is sent.
        ([allow("ses:*", NumericEquals={"ses:FromAddress": ["${aws:RequestedRegion}"]})], None),
        # Nothing is both there and unlike what a tag holds that the user does not have.
        (
            [
                allow(
                    "ses:SendRawEmail",
                    StringLike={"ses:FeedbackAddress": ["*"]},
                    StringNotLike={"ses:FeedbackAddress": ["${aws:PrincipalTag/none}"]},
                )
            ],
            None,
        ),
    ],
)
def test_what_hardly_anybody_writes(statements: list[Json], answer: Answer | None) -> None:
    verdicts = [b.witness.verdict.answer for b in found(*statements) if b.witness]
    assert verdicts == ([] if answer is None else [answer])


def test_a_way_that_the_policies_do_not_confirm_is_none() -> None:
    way: Any = Way("ses:SendRawEmail", (), (), ())
    assert Search(principal()).at(Place("eu-central-1", SHOP), way, TARGET) is None
    assert find_witness(principal(), [way], TARGET) is None
