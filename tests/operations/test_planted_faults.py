"""One fault of every kind in an account in order: found each, and for certain only what is certain.

From the answers of the account to the findings; what is planted in an innocent way is not found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.guards import SecretTold
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.operations.audit import audit
from tests.core.proof.accounts import IAM, ROOT, Json, allow, deny, policy, role, trusting
from tests.fakes.example_tenant import ARN, NAME, REGION, SHOP, run_create
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.ses import FakeSes, verified
from tests.fakes.stores import FakeStores

ACCOUNT = "123456789012"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:web/shop-AbCdEf"
SES = f"arn:aws:ses:*:{ACCOUNT}"
TENANTS = f"{IAM}:user/ses-tenant/*"
SEND = "ses:SendRawEmail"
OPEN = [trusting(ROOT)]
ABOUT = (
    *("may_send_as", "may_take_over", "may_read_credentials", "may_delegate", "may_tamper"),
    *("identity_policy", "undecided", "search_cut_short", "shared_domain"),
)
Found = set[tuple[str, str, str]]


def sends(**conditions: Json) -> Json:
    return {**allow(SEND), "Condition": conditions}


def sender(*patterns: str) -> Json:
    return sends(StringLike={"ses:FromAddress": list(patterns)})


def world(destination: str = "-") -> FakeIam:
    """Return an account with the tenant of the shop, and one of somebody else."""
    iam = FakeIam()
    for domain in (SHOP, SendingDomain.parse("blog.example.org")):
        run_create(iam, TenantRequest(domain, Interface.SMTP))
    iam.users[NAME].tags["ses-tenant:destination"] = destination
    return iam


def found(iam: FakeIam, ses: FakeSes | None = None, stores: FakeStores | None = None) -> Found:
    """Return who gets at the shop, by which rule and how certainly."""
    result, _ = audit(iam, ses or FakeSes(), Clock()(), timedelta(days=90), stores=stores)
    return {
        (f.rule, f.severity.value, f.principal.split(":", 5)[-1])
        for f in result.findings
        if f.rule in ABOUT and any(d.domain == SHOP.name for d in f.domains)
    }


class Planted(NamedTuple):
    """What a user called mallory may do, with who and what else there is."""

    statements: Sequence[Json]
    expected: Sequence[str]
    roles: Sequence[Json] = ()
    destination: str = "-"
    groups: Mapping[str, Json] = {}
    managed: Mapping[str, Json] = {}


STRONG = role("keys", allow("iam:CreateAccessKey", on=TENANTS), trust=OPEN)
BY_LAMBDA = role(
    "keys", allow("iam:CreateAccessKey", on=TENANTS), trust=[trusting("lambda.amazonaws.com")]
)
CLOSED = role("keys", allow("iam:CreateAccessKey", on=TENANTS))
READER = role(
    "reader",
    allow("secretsmanager:GetSecretValue", on="arn:aws:secretsmanager:*:*:secret:web/*"),
    trust=[trusting("lambda.amazonaws.com")],
)
DOMAIN = {"StringLike": {"ses:FromAddress": ["*@${aws:PrincipalTag/domain}"]}}
SURE, PERHAPS = "may_send_as error", "may_send_as warning"
TAKES, MAY_TAKE = "may_take_over error", "may_take_over warning"

FAULTS = {
    # who may send: Regions, parents, odd ARNs, addresses, variables
    "all mail": Planted([sends()], [SURE]),
    "another Region": Planted(
        [sends(StringEquals={"aws:RequestedRegion": "us-east-1"})], [PERHAPS]
    ),
    "other Regions": Planted([sends(StringLike={"aws:RequestedRegion": "us-*"})], [PERHAPS]),
    "ARN of another Region": Planted(
        [allow(SEND, on=f"arn:aws:ses:us-*:{ACCOUNT}:identity/*")], [PERHAPS]
    ),
    "not in its own Region": Planted(
        [sends(), deny("*", StringEquals={"aws:RequestedRegion": REGION})], [PERHAPS]
    ),
    "all but its own identity": Planted(
        [sends(), deny("ses:*", on=f"{SES}:identity/{SHOP}")], [PERHAPS]
    ),
    "the parent": Planted([allow(SEND, on=f"{SES}:identity/example.com")], [PERHAPS]),
    "the address": Planted([allow(SEND, on=f"{SES}:identity/info@shop.example.com")], [PERHAPS]),
    "a short ARN": Planted([allow(SEND, on="arn:aws:ses")], [PERHAPS]),
    "the missing at": Planted([sender("*example.com")], [SURE]),
    "no From address": Planted(
        [allow("ses:SendBulkEmail", StringLikeIfExists={"ses:FromAddress": ["*@x.org"]})], [SURE]
    ),
    "a name within the address": Planted([sender("shop.example.com@*")], [SURE]),
    "an at in quotes": Planted([sender("*@x.org*")], [PERHAPS]),
    "another case": Planted(
        [sends(), deny("*", StringLike={"ses:FromAddress": f"*@{SHOP}"})], [SURE]
    ),
    "an address of the network": Planted(
        [sends(IpAddress={"aws:SourceIp": "192.0.2.0/24"})], [PERHAPS]
    ),
    "recipients without a quantifier": Planted(
        [sends(StringLike={"ses:Recipients": ["*@x.org"]})], [PERHAPS]
    ),
    "a verification": Planted([allow("ses:SendCustomVerificationEmail")], [PERHAPS]),
    "hanging on another part": Planted([sender("${ses:FeedbackAddress}")], ["undecided warning"]),
    "a federated session": Planted(
        [{**sends(), "Condition": DOMAIN}, allow("sts:GetFederationToken", "sts:TagSession")],
        [PERHAPS],
    ),
    "a group": Planted([], [SURE], groups={"mailers": policy(sends())}),
    # who may take over: credentials, limits, roles, services, policies
    "an access key": Planted([allow("iam:CreateAccessKey", on=TENANTS)], [TAKES]),
    "a password": Planted([allow("iam:CreateLoginProfile")], [TAKES]),
    "another password": Planted([allow("iam:UpdateLoginProfile", on=TENANTS)], [MAY_TAKE]),
    "an old key": Planted([allow("iam:UpdateAccessKey", on=TENANTS)], [MAY_TAKE]),
    "its policy": Planted([allow("iam:PutUserPolicy", on=TENANTS)], [MAY_TAKE]),
    "its tags": Planted([allow("iam:TagUser", on=ARN)], [MAY_TAKE]),
    "its name": Planted([allow("iam:UpdateUser", on=TENANTS)], [MAY_TAKE]),
    "a policy besides": Planted(
        [allow("iam:AttachUserPolicy", on=TENANTS)], ["may_take_over info"]
    ),
    "a boundary": Planted(
        [allow("iam:DeleteUserPermissionsBoundary", on=TENANTS)], ["may_take_over info"]
    ),
    "a role to assume": Planted([allow("sts:AssumeRole")], [TAKES], [STRONG]),
    "a role to assume with MFA": Planted(
        [allow("sts:AssumeRole", Bool={"aws:MultiFactorAuthPresent": "true"})], [MAY_TAKE], [STRONG]
    ),
    "a trust to rewrite": Planted(
        [allow("iam:UpdateAssumeRolePolicy", "sts:AssumeRole")], [TAKES], [CLOSED]
    ),
    "a role to pass": Planted(
        [allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction")],
        [TAKES],
        [BY_LAMBDA],
    ),
    "a function to change": Planted([allow("lambda:UpdateFunctionCode")], [MAY_TAKE], [BY_LAMBDA]),
    "a group to join": Planted(
        [allow("iam:AddUserToGroup", on=[f"{IAM}:group/desk"])],
        [TAKES],
        groups={"desk": policy(allow("iam:CreateAccessKey", on=TENANTS))},
    ),
    "its own policy": Planted([allow("iam:PutUserPolicy", on=f"{IAM}:user/mallory")], [TAKES]),
    "a user to be": Planted(
        [allow("iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey", on=f"{IAM}:user/x/*")],
        [TAKES],
    ),
    "a provider to change": Planted(
        [allow("iam:UpdateSAMLProvider")],
        [MAY_TAKE],
        [{**CLOSED, "AssumeRolePolicyDocument": policy({
            "Effect": "Allow",
            "Principal": {"Federated": f"{IAM}:saml-provider/okta"},
            "Action": "sts:AssumeRoleWithSAML",
        })}],
    ),
    "a role that sends": Planted(
        [allow("sts:AssumeRole")], [SURE], [role("mail", sends(), trust=OPEN)]
    ),
    # who may read, delegate, tamper
    "its secret": Planted(
        [allow("secretsmanager:GetSecretValue", on="arn:aws:secretsmanager:*:*:secret:web/*")],
        ["may_read_credentials warning"],  # its policy and its key were not read
        destination="secretsmanager:web/shop",
    ),
    "its parameter by a path": Planted(
        [allow("ssm:GetParametersByPath", on="arn:aws:ssm:*:*:parameter/web")],
        ["may_read_credentials warning"],
        destination="ssm:/web/shop",
    ),
    "its secret by a role to pass": Planted(
        [allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction")],
        ["may_read_credentials warning"],
        [READER],
        destination="secretsmanager:web/shop",
    ),
    "a policy of its identity": Planted(
        [allow("ses:PutIdentityPolicy", on=f"{SES}:identity/{SHOP}")], ["may_delegate error"]
    ),
    "a policy of the parent": Planted(
        [allow("ses:CreateEmailIdentityPolicy", on=f"{SES}:identity/example.com")],
        ["may_delegate warning"],
    ),
    "its identity": Planted([allow("ses:DeleteEmailIdentity")], ["may_tamper warning"]),
    "its signature": Planted(
        [allow("ses:PutEmailIdentityDkimSigningAttributes")], ["may_tamper warning"]
    ),
    "its bounces": Planted(
        [allow("ses:PutEmailIdentityMailFromAttributes")], ["may_tamper warning"]
    ),
    "a template": Planted(
        [allow("ses:UpdateEmailTemplate", on=f"{SES}:template/welcome")], ["may_tamper warning"]
    ),
}  # fmt: skip
# Of these the roles themselves have the power; mallory is not told twice.
OF_ROLES = {"keys": TAKES.replace("error", "warning"), "mail": PERHAPS}
OF_ROLES["reader"] = "may_read_credentials warning"


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_no_more_certain_than_it_is(name: str) -> None:
    planted = FAULTS[name]
    iam = world(planted.destination)
    mallory = iam.add_user("mallory")
    if planted.statements:
        mallory.policies["own"] = policy(*planted.statements)
    iam.roles = list(planted.roles)
    iam.groups = {group: {"own": document} for group, document in planted.groups.items()}
    joined = () if planted.statements else tuple(planted.groups)
    mallory.attachments = replace(mallory.attachments, groups=joined)
    roles = {(*OF_ROLES[r["RoleName"]].split(), f"role/{r['RoleName']}") for r in planted.roles}
    expected = {(*told.split(), "user/mallory") for told in planted.expected}
    assert found(iam) == expected | roles


INNOCENT: dict[str, Sequence[Json]] = {
    "nothing": [],
    "quotas": [allow("ses:GetSendQuota", "ses:Get*", "ses:List*")],
    "its own domain": [sender("*@x.org")],
    "its own identity": [allow(SEND, on=f"{SES}:identity/x.org")],
    "a sister of the domain": [allow(SEND, on=f"{SES}:identity/www.example.com")],
    "another account's identities": [allow(SEND, on="arn:aws:ses:*:999999999999:identity/*")],
    "a Deny of everything": [sends(), deny("ses:*")],
    "all but its own From": [
        sends(), deny("*", StringNotLike={"ses:FromAddress": ["*@x.org"]})
    ],
    "keys of others": [allow("iam:CreateAccessKey", on=f"{IAM}:user/staff/*")],
    "its own keys": [allow("iam:*AccessKey*", on=f"{IAM}:user/${{aws:username}}")],
    "a role of nobody": [allow("sts:AssumeRole")],
    "a role to pass, and no service": [allow("iam:PassRole")],
    "other secrets": [
        allow("secretsmanager:GetSecretValue", on="arn:aws:secretsmanager:*:*:secret:app/*")
    ],
    "a list of secrets": [allow("secretsmanager:ListSecrets", "secretsmanager:DescribeSecret")],
    "another identity": [allow("ses:*IdentityPolicy", on=f"{SES}:identity/x.org")],
    "a new identity": [allow("ses:CreateEmailIdentity")],
}  # fmt: skip


@pytest.mark.parametrize("name", INNOCENT)
def test_what_gets_nobody_at_the_shop_is_not_found(name: str) -> None:
    iam = world("secretsmanager:web/shop")
    iam.add_user("mallory").policies["own"] = policy(*INNOCENT[name])
    iam.roles = [role("idle", allow("s3:*"), trust=OPEN)]
    assert found(iam) == set()


@pytest.mark.parametrize(
    ("statement", "trust", "severity"),
    [
        ({**sends(), "Condition": DOMAIN}, (), "warning"),
        (sends(StringEquals={"sts:RoleSessionName": "x"}), (), "warning"),
        (sends(StringLike={"saml:sub": "x"}), (), "warning"),
        (sends(StringEquals={"cognito-identity.amazonaws.com:sub": "x"}), (), "warning"),
    ],
)
def test_what_a_session_brings_is_a_condition(
    statement: Json, trust: Sequence[Json], severity: str
) -> None:
    iam = world()
    iam.roles = [role("web", statement, trust=trust)]
    assert found(iam) == {("may_send_as", severity, "role/web")}


@pytest.mark.parametrize("tag", [None, "eu central"])
def test_a_tag_of_regions_that_is_gone_or_damaged_hides_nobody(tag: str | None) -> None:
    iam = world()
    tags = iam.users[NAME].tags
    tags.pop("ses-tenant:regions")
    if tag is not None:
        tags["ses-tenant:regions"] = tag
    iam.add_user("mallory").policies["own"] = policy(sends())
    assert found(iam) == {("may_send_as", "warning", "user/mallory")}


@pytest.mark.parametrize(
    ("identity", "region", "principal", "condition"),
    [
        ("shop.example.com", REGION, "arn:aws:iam::999999999999:root", {}),
        ("example.com", REGION, "arn:aws:iam::999999999999:user/x", {}),
        ("info@shop.example.com", REGION, "arn:aws:iam::999999999999:root", {}),
        ("shop.example.com", "us-west-2", "arn:aws:iam::999999999999:root", {}),
        ("shop.example.com", REGION, "*", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        ("shop.example.com", REGION, "*", {"StringEquals": {"aws:PrincipalAccount": "9" * 12}}),
    ],
)
def test_whom_an_identity_lets_send_is_found(
    identity: str, region: str, principal: str, condition: Any
) -> None:
    said = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": SEND, "Resource": "*"}
    document = policy({**said, "Condition": condition})
    ses = FakeSes()
    ses.identities[region, identity] = replace(verified(identity), policies={"p": document})
    expected = principal.split(":", 5)[-1]
    assert found(world(), ses) == {("identity_policy", "warning", expected)}


def test_whom_only_the_policy_of_a_secret_lets_read_is_found() -> None:
    iam = world("secretsmanager:web/shop")
    iam.add_user("mallory")
    mallory = {"AWS": f"{IAM}:user/mallory"}
    said = {**allow("secretsmanager:GetSecretValue"), "Principal": mallory}
    stores = FakeStores({"web/shop": SecretTold(SECRET, policy(said), None)})
    assert found(iam, stores=stores) == {("may_read_credentials", "error", "user/mallory")}
    assert found(iam) == set()


def test_a_control_policy_limits_and_is_not_needed_to_find() -> None:
    iam = world()
    iam.add_user("mallory").policies["own"] = policy(sends())
    only_s3 = (Policy("p-1", policy(allow("s3:*"))),)
    result, _ = audit(iam, FakeSes(), Clock()(), timedelta(days=90), organization=only_s3)
    assert [f.rule for f in result.findings] == []
    assert found(iam) == {("may_send_as", "error", "user/mallory")}
