"""What ends the search for takeovers: protected roles, missing leave, patterns that overlap."""

from dataclasses import replace

import pytest

from ses_tenant.core.proof.guards import Guard
from ses_tenant.core.proof.powers import Power
from ses_tenant.core.proof.stores import store_of
from ses_tenant.core.proof.takeover import Route, takeovers
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
    group,
    managed,
    role,
    tenant,
    trusting,
    user,
)

TENANTS = f"{IAM}:user/ses-tenant/*"
KEY = allow("iam:CreateAccessKey", on=TENANTS)
SECRET = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret"


def by_dev(*entries: Json, owner: Json | None = None) -> list[Route]:
    whole = account(owner or tenant(), *entries)
    return [r for r in takeovers(whole).routes if r.principal == f"{IAM}:user/dev"]


def test_without_tenants_nobody_has_power_over_one() -> None:
    boss = role("boss", allow("*"), trust=[trusting(ROOT)])
    found = takeovers(account(user("dev", allow("sts:AssumeRole")), boss, group("g", KEY)))
    assert found.routes == ()
    assert list(found.administrators) == [f"{IAM}:role/boss"]


def test_a_role_that_only_aws_changes_does_not_grow() -> None:
    path = "/aws-reserved/sso.amazonaws.com/"
    site = role("site", trust=[trusting(ROOT)], path=path)
    own = allow("sts:AssumeRole", "iam:PutRolePolicy", on=f"{IAM}:role/*")
    assert by_dev(user("dev", own), site) == []
    (route,) = [
        r
        for r in by_dev(user("dev", own), role("site", trust=[trusting(ROOT)]))
        if r.power is Power.TAKE_OVER
    ]
    assert route.hop.certain


def test_another_version_is_no_way_without_leave_to_put_it_in_force() -> None:
    mail = managed("mail", allow("s3:GetObject"), others=[KEY])
    other = f"{IAM}:policy/other"
    dev = user("dev", allow("iam:SetDefaultPolicyVersion", on=other), managed=["mail"])
    assert by_dev(dev, mail) == []
    dev = user("dev", allow("iam:SetDefaultPolicyVersion"), managed=["mail"])
    assert [r.power for r in by_dev(dev, mail)] == [Power.TAKE_OVER]


def test_a_role_without_a_trust_policy_needs_leave_to_be_assumed() -> None:
    untold = role("site", KEY)
    del untold["AssumeRolePolicyDocument"]
    assert by_dev(user("dev", allow("iam:CreateAccessKey", on=f"{IAM}:user/x")), untold) == []


def test_who_writes_a_trust_policy_and_is_denied_to_assume_stays_out() -> None:
    write = allow("iam:UpdateAssumeRolePolicy")
    assert by_dev(user("dev", write, deny("sts:AssumeRole")), role("site", KEY)) == []
    assert len(by_dev(user("dev", write), role("site", KEY))) == 1


def test_leave_on_one_of_several_things_is_enough() -> None:
    functions = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"
    dev = user(
        "dev",
        allow("iam:PassRole"),
        allow("lambda:*", on=[f"{functions}:a", f"{functions}:b"]),
        deny("lambda:*", on=f"{functions}:a"),
    )
    site = role("site", KEY, trust=[trusting("lambda.amazonaws.com")])
    (route,) = by_dev(dev, site)
    assert route.hop.steps[1].resource == f"{functions}:b"


def test_a_pattern_of_another_service_is_no_call_of_this_one() -> None:
    site = role("site", KEY, trust=[trusting("kafka.amazonaws.com")])
    dev = user("dev", allow("iam:PassRole"), allow("zz*", "s3:*"))
    assert by_dev(dev, site) == []


def test_patterns_that_overlap_are_about_one_secret() -> None:
    patterns = [f"{SECRET}:web/*", f"{SECRET}:web/shop*"]
    owner = tenant(destination="secretsmanager:web/shop")
    dev = user("dev", allow("secretsmanager:GetSecretValue", on=patterns))
    (route,) = by_dev(dev, owner=owner)
    assert len(route.touched) == 1


def test_a_policy_that_several_have_and_a_tenant_under_a_boundary() -> None:
    owner = tenant()
    owner["PermissionsBoundary"] = {"PermissionsBoundaryArn": f"{IAM}:policy/most"}
    limit: Json = {"StringEquals": {"iam:PermissionsBoundary": f"{IAM}:policy/most"}}
    attach = allow("iam:AttachUserPolicy", on=TENANTS, **limit)
    shared = [managed("desk", attach), managed("most", allow("ses:*"))]
    dev, ops = (user(name, managed=["desk"]) for name in ("dev", "ops"))
    found = takeovers(account(owner, dev, ops, *shared))
    assert [r.principal.rpartition("/")[2] for r in found.routes] == ["dev", "ops"]


def test_a_group_without_an_arn_is_nothing_to_add_somebody_to() -> None:
    nameless = {**group("g"), "Arn": ""}
    assert by_dev(user("dev", allow("iam:AddUserToGroup")), nameless) == []


@pytest.mark.parametrize(("name", "called"), [("web/shop", "/web/shop"), ("shop", "shop")])
def test_a_parameter_by_its_arn(name: str, called: str) -> None:
    arn = f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/{name}"
    owner, dev = tenant(destination=f"ssm:{arn}"), user("dev", allow("ssm:GetParameter", on=arn))
    whole = replace(account(owner, dev), guards={arn: Guard(arn)})
    (route,) = takeovers(whole).routes
    assert route.hop.certain
    (member,) = [m for m in whole.people if m.tenant]
    store = store_of(member)
    assert store is not None
    assert called in store.names


def test_a_parameter_of_another_account_that_is_named() -> None:
    arn = "arn:aws:ssm:eu-central-1:999999999999:parameter/web/shop"
    dev = user("dev", allow("ssm:GetParameter", on=arn))
    (route,) = by_dev(dev, owner=tenant(destination=f"ssm:{arn}"))
    assert not route.hop.certain


def test_what_two_have_is_told_of_each() -> None:
    whole = account(tenant(SHOP), tenant(BLOG), user("dev", KEY), user("ops", KEY))
    assert [len(route.touched) for route in takeovers(whole).routes] == [2, 2]
