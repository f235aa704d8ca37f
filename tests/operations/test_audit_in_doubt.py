"""`audit` is never silent where AWS may say yes: what nobody knows makes a warning, not nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.findings.finding import Finding
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.operations.audit import audit
from tests.fakes.example_tenant import NAME, REGION, SHOP, run_create
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.ses import FakeSes, verified

ACCOUNT = "123456789012"
TAG = "ses-tenant:regions"
EVERYTHING = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}


def allow(resource: object = "*", condition: object = None, **elements: object) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": resource, **elements}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def world(*requests: TenantRequest) -> FakeIam:
    """Return an account with the shop's tenant, and others."""
    iam = FakeIam()
    for request in (TenantRequest(SHOP, Interface.SMTP), *requests):
        run_create(iam, request)
    return iam


def findings(iam: FakeIam, ses: FakeSes | None = None) -> list[Finding]:
    result, _ = audit(iam, ses or FakeSes(), Clock()(), timedelta(days=90))
    return [f for f in result.findings if f.rule in ("may_send_as", "identity_policy", "undecided")]


def of_user(policy: Mapping[str, object], ses: FakeSes | None = None) -> list[Finding]:
    iam = world()
    iam.add_user("wordpress").policies["send"] = policy
    return findings(iam, ses)


def of_role(policy: Mapping[str, object], tags: Mapping[str, str] | None = None) -> list[Finding]:
    iam = world()
    iam.roles = [
        {
            "RoleName": "app",
            "Arn": f"arn:aws:iam::{ACCOUNT}:role/app",
            "Path": "/",
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy}],
            "AttachedManagedPolicies": [],
            "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        }
    ]
    return findings(iam)


def found(given: list[Finding]) -> tuple[str, str, str]:
    """Return the rule, the severity and the resource of the only finding, which is the shop's."""
    (finding,) = given
    assert [d.domain for d in finding.domains] == [SHOP.name]
    return finding.rule, finding.severity.value, finding.path[-1].resource


@pytest.mark.parametrize("tag", [None, "", "nowhere", "eu-central-1 + ", "eu-central-1, x"])
def test_a_tenant_whose_regions_nobody_knows_is_looked_at_in_all(tag: str | None) -> None:
    iam = world()
    iam.add_user("wordpress").policies["send"] = allow()
    tags = iam.users[NAME].tags
    tags.pop(TAG) if tag is None else tags.update({TAG: tag})
    rule, severity, _ = found(findings(iam))
    assert (rule, severity) == ("may_send_as", "warning")


@pytest.mark.parametrize(
    ("policy", "region"),
    [
        (allow(condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), "us-east-1"),
        (allow(condition={"StringLike": {"aws:RequestedRegion": "us-west-?"}}), "us-west-1"),
        (allow(condition={"StringNotLike": {"aws:RequestedRegion": "eu-*"}}), "us-east-1"),
        (allow("arn:aws:ses:us-*:123456789012:identity/*"), "us-east-1"),
        (allow("arn:aws:ses:sa-east-1:123456789012:*"), "sa-east-1"),
        (allow("arn:aws:ses:xx-new-1:123456789012:identity/*"), "xx-new-1"),
        (
            allow("arn:aws:ses:${aws:RequestedRegion}:*:identity/*")
            | {
                "Statement": [
                    {**EVERYTHING, "Resource": "arn:aws:ses:${aws:RequestedRegion}:*:identity/*"},
                    {**EVERYTHING, "Effect": "Deny", "Resource": f"arn:aws:ses:{REGION}:*:*"},
                ]
            },
            "us-east-1",
        ),
        (
            {
                "Statement": [
                    EVERYTHING,
                    {**EVERYTHING, "Effect": "Deny", "Resource": f"arn:aws:ses:{REGION}:*:*"},
                ]
            },
            "us-east-1",
        ),
        (
            {
                "Statement": {
                    "Effect": "Allow",
                    "Action": "ses:*",
                    "NotResource": f"arn:aws:ses:{REGION}:*:*",
                }
            },
            "us-east-1",
        ),
    ],
)
def test_a_sender_in_another_region_only(policy: dict[str, Any], region: str) -> None:
    given = of_user(policy)
    rule, severity, resource = found(given)
    assert (rule, severity) == ("may_send_as", "warning")
    assert resource == f"arn:aws:ses:{region}:{ACCOUNT}:identity/{SHOP}"
    assert f"if the domain is verified in {region}" in given[0].message


def test_a_region_in_which_ses_knows_the_domain_is_in_no_doubt() -> None:
    ses = FakeSes()
    policy = allow("arn:aws:ses:us-east-1:*:identity/*")
    for known, severity in ((False, "warning"), (True, "error")):
        ses.identities["us-east-1", SHOP.name] = EmailIdentity(SHOP.name, sending=known)
        assert found(of_user(policy, ses))[1] == severity


@pytest.mark.parametrize(
    ("resource", "identity", "why"),
    [
        ("identity/example.com", "example.com", "a parent domain"),
        ("identity/exam*", "example.com", "a parent domain"),
        ("identity/a*@shop.example.com", "a@shop.example.com", "an identity of its own"),
        ("identity/info@*", "info@shop.example.com", "an identity of its own"),
    ],
)
def test_a_sender_by_the_identity_of_a_parent_or_an_address(
    resource: str, identity: str, why: str
) -> None:
    given = of_user(allow(f"arn:aws:ses:{REGION}:{ACCOUNT}:{resource}"))
    assert found(given)[1:] == (
        "warning",
        f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{identity}",
    )
    assert why in given[0].message


@pytest.mark.parametrize(
    "resource", ["identity/other.example", "identity/evilshop.example.com", "configuration-set/*"]
)
def test_the_identity_of_somebody_else_lets_nobody_in(resource: str) -> None:
    assert of_user(allow(f"arn:aws:ses:*:{ACCOUNT}:{resource}")) == []


def test_the_identity_of_a_subdomain_counts_for_who_sends_with_subdomains() -> None:
    name = SendingDomain.parse("example.net")
    for subdomains, count in ((True, 1), (False, 0)):
        iam = world(TenantRequest(name, subdomains=subdomains))
        policy = allow(f"arn:aws:ses:*:*:identity/{'?' * 3}.example.net")
        iam.add_user("wordpress").policies["send"] = policy
        assert len(findings(iam)) == count


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:ses",
        f"arn:aws:ses:{REGION}",
        f"arn:aws:ses:{REGION}:{ACCOUNT}",
        "arn:aws:ses:*:identity/shop.example.com",
        "arn:*:identity/shop.example.com",
    ],
)
def test_an_arn_that_is_read_in_two_ways_is_a_warning(resource: str) -> None:
    assert found(of_user(allow(resource)))[:2] == ("may_send_as", "warning")


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"ses:FromAddress": "*@${aws:PrincipalTag/domain}"}},
        {"StringEquals": {"aws:PrincipalTag/team": "shop"}},
        {"StringEquals": {"sts:RoleSessionName": "shop"}},
        {"StringLike": {"aws:userid": "*:shop"}},
        {"StringEquals": {"cognito-identity.amazonaws.com:sub": "x"}},
        {"StringEquals": {"saml:sub": "x"}},
        {"StringEquals": {"accounts.google.com:sub": "x"}},
    ],
)
def test_what_the_session_of_a_role_brings_is_not_known(condition: dict[str, Any]) -> None:
    for tags in ({}, {"domain": "other.example", "team": "other"}):
        given = of_role(allow(condition=condition), tags)
        assert found(given)[:2] == ("may_send_as", "warning")
        assert " if " in given[0].message


@pytest.mark.parametrize("key", ["aws:PrincipalIsAWSService", "aws:ViaAWSService"])
def test_a_caller_of_our_kind_is_no_service(key: str) -> None:
    for value, count in (("false", 1), ("true", 0)):
        policy = allow(condition={"Bool": {key: value}})
        assert len(of_user(policy)) == len(of_role(policy)) == count


def test_the_tags_of_a_user_are_known() -> None:
    iam = world()
    condition = {"StringLike": {"ses:FromAddress": "*@${aws:PrincipalTag/domain}"}}
    user = iam.add_user("wordpress")
    user.policies["send"] = allow(condition=condition)
    assert findings(iam) == []
    user.tags["domain"] = SHOP.name
    assert found(findings(iam))[:2] == ("may_send_as", "error")


def test_a_plain_operator_on_recipients_is_a_warning() -> None:
    policy = allow(condition={"StringLike": {"ses:Recipients": "*@example.net"}})
    assert found(of_user(policy))[:2] == ("may_send_as", "warning")


def delegated(
    statement: Mapping[str, object], name: str = SHOP.name, region: str = REGION
) -> list[Finding]:
    ses = FakeSes()
    document = {"Version": "2012-10-17", "Statement": [{"Action": "ses:*", **statement}]}
    ses.identities[region, name] = replace(verified(name), policies={"shared": document})
    return findings(world(), ses)


OTHER = "arn:aws:iam::999999999999"


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ("*", None),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        ("*", {"StringEquals": {"aws:PrincipalAccount": "999999999999"}}),
        ("*", {"ArnLike": {"aws:PrincipalArn": f"{OTHER}:role/x"}}),
        ({"AWS": f"{OTHER}:root"}, {"ArnLike": {"aws:PrincipalArn": f"{OTHER}:role/x"}}),
        ({"AWS": f"{OTHER}:root"}, {"StringEquals": {"aws:PrincipalTag/team": "x"}}),
        ({"AWS": "999999999999"}, {"StringEquals": {"aws:username": "x"}}),
        ({"AWS": f"{OTHER}:user/bob"}, {"StringEquals": {"aws:PrincipalType": "User"}}),
        ({"AWS": f"{OTHER}:user/bob"}, {"ArnEquals": {"aws:PrincipalArn": f"{OTHER}:user/bob"}}),
        ({"Service": "x.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
    ],
)
def test_whom_the_policy_of_an_identity_lets_in(principal: object, condition: object) -> None:
    statement = {"Effect": "Allow", "Principal": principal}
    given = delegated(statement | ({"Condition": condition} if condition else {}))
    assert found(given)[:2] == ("identity_policy", "warning")


def test_a_principal_of_which_the_arn_is_known_and_is_another() -> None:
    condition = {"ArnEquals": {"aws:PrincipalArn": f"{OTHER}:user/alice"}}
    principal = {"AWS": f"{OTHER}:user/bob"}
    assert delegated({"Effect": "Allow", "Principal": principal, "Condition": condition}) == []


def test_everybody_but_one() -> None:
    given = delegated({"Effect": "Allow", "NotPrincipal": {"AWS": f"{OTHER}:root"}})
    assert found(given)[:2] == ("identity_policy", "warning")
    assert given[0].principal == "*"


@pytest.mark.parametrize(
    ("name", "region", "count"),
    [
        (SHOP.name, "us-west-2", 1),
        ("example.com", REGION, 1),
        ("info@shop.example.com", REGION, 1),
        ("info@example.com", REGION, 0),
        ("sub.shop.example.com", REGION, 0),
        ("other.example", REGION, 0),
    ],
)
def test_policies_of_identities_of_other_names_and_in_other_regions(
    name: str, region: str, count: int
) -> None:
    given = delegated({"Effect": "Allow", "Principal": {"AWS": f"{OTHER}:root"}}, name, region)
    assert len(given) == count
    for finding in given:
        assert finding.path[-1].resource == f"arn:aws:ses:{region}:{ACCOUNT}:identity/{name}"
        assert (finding.domains[0].witness or "").endswith("@shop.example.com")


def test_an_identity_policy_that_is_too_intricate_is_told() -> None:
    condition = {"StringLike": {"ses:FromAddress": "*@${ses:FeedbackAddress}"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": f"{OTHER}:root"}, "Condition": condition}
    assert [f.rule for f in delegated(statement)] == ["undecided"]


def test_a_region_that_may_not_be_listed_is_told_and_its_identities_are_tried() -> None:
    ses = FakeSes()
    ses.listing[""] = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies ses:ListEmailIdentities.")
    _, (warning,) = audit(world(), ses, Clock()(), timedelta(days=90))
    assert "not listed in eu-central-1, us-east-1" in warning.message
    assert ses.calls.count("ses:GetEmailIdentity") == 2  # shop.example.com and example.com


@pytest.mark.parametrize(
    ("tag", "path"),
    [
        (None, "/ses-tenant/shop.example.com/"),
        ("", "/ses-tenant/shop.example.com/"),
        ("Shop.example.com", "/ses-tenant/shop.example.com/"),
        ("Shop.example.com", "/ses-tenant/moved/"),
        ("no domain", "/ses-tenant/Shop.example.com/"),
    ],
)
def test_a_tenant_whose_domain_tag_is_lost_or_damaged_is_protected_all_the_same(
    tag: str | None, path: str
) -> None:
    iam = world()
    iam.add_user("wordpress").policies["send"] = allow()
    user = iam.users[NAME]
    user.path = path
    user.tags.pop("ses-tenant:domain") if tag is None else user.tags.update(
        {"ses-tenant:domain": tag}
    )
    (finding,) = findings(iam)
    assert finding.principal.endswith("user/wordpress")
    assert (finding.rule, finding.severity.value) == ("may_send_as", "error")
    assert [d.domain for d in finding.domains] == [SHOP.name]


def test_a_user_who_takes_the_path_of_a_tenant_is_no_owner_of_its_domain() -> None:
    iam = world()
    user = iam.add_user("wordpress")
    user.path = f"/ses-tenant/{SHOP}/"
    user.policies["send"] = allow()
    (finding,) = findings(iam)
    assert (finding.principal, finding.rule) == (
        f"arn:aws:iam::{ACCOUNT}:user/ses-tenant/{SHOP}/wordpress",
        "may_send_as",
    )
