"""Who can become a tenant: each class of ways planted, none invented as certain."""

import pytest

from ses_tenant.core.proof.powers import Effect, Power
from ses_tenant.core.proof.takeover import Route, takeovers
from ses_tenant.core.tenant.spec import SendingOptions
from tests.core.proof.accounts import (
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

USER = f"{IAM}:user/ses-tenant/{SHOP}/ses-{SHOP}"
SES = "arn:aws:ses:eu-central-1:123456789012"
TENANTS = f"{IAM}:user/ses-tenant/*"
STRONG = allow("iam:CreateAccessKey", on=TENANTS)
MFA: Json = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
BY_ACCOUNT = trusting(ROOT)


def found(*entries: Json, owner: Json | None = None) -> tuple[Route, ...]:
    return takeovers(account(owner or tenant(), *entries)).routes


def by(name: str, *entries: Json, owner: Json | None = None) -> list[Route]:
    return [r for r in found(*entries, owner=owner) if r.principal.endswith(f"/{name}")]


def told(routes: list[Route]) -> list[tuple[str, str, bool]]:
    return [(r.power.value, r.effect.name, r.hop.certain) for r in routes]


def actions(route: Route) -> list[str]:
    return [step.action for step in route.hop.steps]


def test_tenants_alone_and_those_who_do_other_things_are_quiet() -> None:
    assert found(tenant(BLOG)) == ()
    assert found(user("reader", allow("s3:*", "iam:Get*", "iam:List*", "ses:Get*"))) == ()


@pytest.mark.parametrize(
    ("action", "effect", "certain"),
    [
        ("iam:CreateAccessKey", "SENDS", True),
        ("iam:CreateLoginProfile", "SENDS", True),
        ("iam:UpdateLoginProfile", "SENDS", False),
        ("iam:PutUserPolicy", "UNLIMITS", True),
        ("iam:DeleteUserPolicy", "UNLIMITS", True),
        ("iam:TagUser", "UNLIMITS", True),
        ("iam:UntagUser", "UNLIMITS", True),
        ("iam:UpdateUser", "UNLIMITS", True),
        ("iam:UpdateAccessKey", "UNLIMITS", True),
        ("iam:AttachUserPolicy", "ADDS", True),
        ("iam:DetachUserPolicy", "ADDS", True),
        ("iam:PutUserPermissionsBoundary", "ADDS", True),
        ("iam:DeleteUserPermissionsBoundary", "ADDS", True),
    ],
)
def test_what_is_done_to_the_user_itself(action: str, effect: str, certain: bool) -> None:
    (route,) = by("desk", user("desk", allow(action, on=TENANTS)))
    assert told([route]) == [("may_take_over", effect, certain)]
    assert [(s.principal, s.action, s.resource) for s in route.hop.steps] == [
        (f"{IAM}:user/desk", action, USER)
    ]
    assert route.hop.steps[0].statement == "the statement number 1 of the policy own"
    assert [(str(m.tenant), arn) for m, arn in route.touched] == [(SHOP, USER)]
    assert by("desk", user("desk", allow(action, on=f"{IAM}:user/other/*"))) == []
    denied = user("desk", allow(action, on=TENANTS), deny(action, on=f"{IAM}:user/ses-tenant/s*"))
    assert by("desk", denied) == []


@pytest.mark.parametrize(
    "action",
    [
        *("iam:CreateServiceSpecificCredential", "iam:UploadSSHPublicKey", "iam:EnableMFADevice"),
        *("iam:UploadSigningCertificate", "iam:GetUser", "iam:ListAccessKeys"),
    ],
)
def test_credentials_that_send_no_mail_are_no_finding(action: str) -> None:
    assert by("desk", user("desk", allow(action))) == []


def test_groups_add_what_the_deny_keeps_void_unless_the_deny_is_missing() -> None:
    desk = user("desk", allow("iam:AddUserToGroup", on=f"{IAM}:group/*"))
    (route,) = by("desk", desk, group("readers", allow("s3:Get*")))
    assert told([route]) == [("may_take_over", "ADDS", True)]
    bare = tenant(SHOP, allow("ses:GetSendQuota"))
    (route,) = by("desk", desk, group("readers", allow("s3:Get*")), owner=bare)
    assert told([route]) == [("may_take_over", "UNLIMITS", True)]


def test_the_worst_way_to_a_tenant_is_told_and_alike_ones_are_one() -> None:
    everything = user("desk", allow("iam:*", on=TENANTS))
    routes = [r for r in found(tenant(BLOG), everything) if r.principal.endswith("/desk")]
    assert told(routes) == [("may_take_over", "SENDS", True)]
    assert sorted(str(m.tenant) for m, _ in routes[0].touched) == [BLOG, SHOP]
    assert len(routes[0].touched) == 2
    one_only = user("desk", allow("iam:CreateAccessKey", on=USER), allow("iam:TagUser", on=TENANTS))
    routes = [r for r in found(tenant(BLOG), one_only) if r.principal.endswith("/desk")]
    assert [(r.effect, [str(m.tenant) for m, _ in r.touched]) for r in routes] == [
        (Effect.SENDS, [SHOP]),
        (Effect.UNLIMITS, [BLOG]),
    ]


def test_a_condition_that_nobody_knows_makes_a_route_conditional() -> None:
    (route,) = by("desk", user("desk", allow("iam:CreateAccessKey", on=TENANTS, **MFA)))
    assert not route.hop.certain
    assert route.hop.conditions == ("Bool aws:multifactorauthpresent true",)


def test_the_tags_of_a_tenant_are_known() -> None:
    def desk(value: str) -> Json:
        wanted: Json = {"StringEquals": {"aws:ResourceTag/team": value}}
        return user("desk", allow("iam:CreateAccessKey", **wanted))

    owner = tenant(SHOP, team="web")
    assert told(by("desk", desk("web"), owner=owner)) == [("may_take_over", "SENDS", True)]
    assert by("desk", desk("ops"), owner=owner) == []
    assert by("desk", desk("web")) == []


def test_a_tag_of_the_principal_is_known_of_a_user_and_not_of_a_session() -> None:
    own = f"{IAM}:user/ses-tenant/${{aws:PrincipalTag/site}}/*"
    here = user("desk", allow("iam:CreateAccessKey", on=own), tags={"site": SHOP})
    assert told(by("desk", here)) == [("may_take_over", "SENDS", True)]
    there = user("desk", allow("iam:CreateAccessKey", on=own), tags={"site": BLOG})
    assert by("desk", there) == []
    abac = role("abac", allow("iam:CreateAccessKey", on=own), trust=[BY_ACCOUNT])
    assert told(by("abac", abac)) == [("may_take_over", "SENDS", False)]


def test_a_tenant_is_no_finding_about_itself() -> None:
    own = tenant(SHOP, allow("iam:CreateAccessKey", "iam:PutUserPolicy", on=USER))
    routes = [r for r in found(tenant(BLOG), owner=own) if r.power is Power.TAKE_OVER]
    assert [[str(m.tenant) for m, _ in r.touched] for r in routes] == [[BLOG]]
    assert actions(routes[0]) == ["iam:PutUserPolicy", "iam:CreateAccessKey"]


# --- roles


def test_both_sides_have_to_let_a_role_be_assumed() -> None:
    dev = user("dev", allow("sts:AssumeRole", on=f"{IAM}:role/ops"))
    assert told(by("dev", dev, role("ops", STRONG, trust=[BY_ACCOUNT]))) == [
        ("may_take_over", "SENDS", True)
    ]
    assert by("dev", user("dev"), role("ops", STRONG, trust=[BY_ACCOUNT])) == []
    for trust in (trusting(f"{IAM}:user/boss"), trusting("arn:aws:iam::999999999999:root")):
        assert by("dev", dev, role("ops", STRONG, trust=[trust])) == []
    other = user("dev", allow("sts:AssumeRole", on=f"{IAM}:role/other"))
    assert by("dev", other, role("ops", STRONG, trust=[BY_ACCOUNT])) == []


def test_both_statements_of_an_assumed_role_are_told() -> None:
    dev = user("dev", allow("sts:AssumeRole"))
    (route,) = by("dev", dev, role("ops", STRONG, trust=[BY_ACCOUNT]))
    assert route.hop.steps[0].statement == (
        "the statement number 1 of the policy own and "
        "the statement number 1 of the trust policy of ops"
    )


def test_what_is_done_anywhere_is_told_with_the_pattern_of_the_statement() -> None:
    functions = "arn:aws:lambda:*:*:function:web-*"
    dev = user("dev", allow("lambda:UpdateFunctionCode", on=functions))
    fn = role("fn", STRONG, trust=[trusting("lambda.amazonaws.com")])
    (route,) = by("dev", dev, fn)
    assert route.hop.steps[0].resource == functions


def test_an_account_id_and_everybody_stand_for_the_account_and_for_each() -> None:
    dev = user("dev", allow("sts:AssumeRole"))
    assert by("dev", dev, role("ops", STRONG, trust=[trusting("123456789012")]))
    assert by("dev", user("dev"), role("ops", STRONG, trust=[trusting("*")]))
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    assert by("dev", user("dev"), role("ops", STRONG, trust=[everybody]))
    but = {"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "x"}}
    assert by("dev", user("dev"), role("ops", STRONG, trust=[but]))
    me = {**but, "NotPrincipal": {"AWS": f"{IAM}:user/dev"}}
    assert by("dev", user("dev"), role("ops", STRONG, trust=[me])) == []


def test_an_external_id_is_a_condition_and_a_deny_in_the_trust_policy_counts() -> None:
    dev = user("dev", allow("sts:AssumeRole"))
    known = trusting(ROOT, StringEquals={"sts:ExternalId": "secret"})
    (route,) = by("dev", dev, role("ops", STRONG, trust=[known]))
    assert not route.hop.certain
    assert "sts:externalid" in route.hop.conditions[0]
    no = {**trusting(f"{IAM}:user/dev"), "Effect": "Deny"}
    assert by("dev", dev, role("ops", STRONG, trust=[BY_ACCOUNT, no])) == []


def test_a_trust_policy_that_was_not_told_makes_a_route_conditional() -> None:
    ops = role("ops", STRONG)
    del ops["AssumeRolePolicyDocument"]
    (route,) = by("dev", user("dev", allow("sts:AssumeRole")), ops)
    assert not route.hop.certain


def test_who_is_named_passes_a_users_boundary_but_no_deny() -> None:
    limit = managed("limit", allow("s3:*"))
    ops = role("ops", STRONG, trust=[trusting(f"{IAM}:user/dev")])
    (route,) = by("dev", user("dev", boundary="limit"), limit, ops)
    assert route.hop.certain
    closed = managed("limit", allow("*"), deny("sts:*"))
    assert by("dev", user("dev", boundary="limit"), closed, ops) == []
    assert by("dev", user("dev", deny("sts:*")), ops) == []
    named = role("ops", STRONG, trust=[trusting(f"{IAM}:role/app")])
    app = role("app", trust=[trusting("lambda.amazonaws.com")], boundary="limit")
    assert by("app", app, limit, named) == []


def test_roles_that_only_aws_uses_or_changes() -> None:
    linked = role("linked", STRONG, path="/aws-service-role/x.amazonaws.com/")
    assert found(linked) == ()
    dev = user("dev", allow("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy"))
    sso = role("sso", STRONG, path="/aws-reserved/sso.amazonaws.com/")
    assert by("dev", dev, linked, sso) == []


def test_a_chain_is_told_in_all_its_steps() -> None:
    dev = user("dev", allow("sts:AssumeRole", on=f"{IAM}:role/one"))
    one = role("one", allow("iam:UpdateAssumeRolePolicy"), trust=[BY_ACCOUNT])
    two = role("two", allow("iam:CreateLoginProfile"), trust=[trusting("ec2.amazonaws.com")])
    (route,) = by("dev", dev, one, two)
    assert [(s.principal.rpartition("/")[2], s.action) for s in route.hop.steps] == [
        ("dev", "sts:AssumeRole"),
        ("one", "iam:UpdateAssumeRolePolicy"),
        ("one", "sts:AssumeRole"),
        ("two", "iam:CreateLoginProfile"),
    ]
    assert route.hop.certain


def test_a_source_account_of_ones_own_is_known_and_a_source_arn_is_not() -> None:
    dev = user("dev", allow("iam:PassRole", "lambda:*"))
    service = "lambda.amazonaws.com"
    for key, certain in (("aws:SourceAccount", True), ("aws:SourceArn", False)):
        trust = trusting(service, StringEquals={key: "123456789012"})
        (route,) = by("dev", dev, role("fn", STRONG, trust=[trust]))
        assert route.hop.certain is certain
    away = trusting(service, StringEquals={"aws:SourceAccount": "999999999999"})
    assert by("dev", dev, role("fn", STRONG, trust=[away])) == []


def test_a_role_is_passed_to_the_service_that_the_statement_names() -> None:
    to: Json = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    dev = user("dev", allow("iam:PassRole", **to), allow("lambda:CreateFunction", "lambda:Invoke*"))
    assert by("dev", dev, role("fn", STRONG, trust=[trusting("lambda.amazonaws.com")])) == []


def test_calls_about_different_things_are_not_certain_to_fit() -> None:
    head = "arn:aws:lambda:us-east-1:123456789012:function"
    dev = user(
        "dev",
        allow("iam:PassRole"),
        allow("lambda:CreateFunction", on=f"{head}:a"),
        allow("lambda:InvokeFunction", on=f"{head}:b"),
    )
    (route,) = by("dev", dev, role("fn", STRONG, trust=[trusting("lambda.amazonaws.com")]))
    assert not route.hop.certain
    assert "fit together" in route.hop.conditions[-1]


def test_ec2_takes_an_instance_profile_and_all_that_an_instance_needs() -> None:
    ec2 = role("box", STRONG, trust=[trusting("ec2.amazonaws.com")])
    may = ["iam:PassRole", "ec2:RunInstances"]
    assert by("dev", user("dev", allow(*may)), ec2) == []
    (route,) = by("dev", user("dev", allow(*may, "iam:AddRoleToInstanceProfile")), ec2)
    assert not route.hop.certain
    full = [*may, "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile"]
    (route,) = by("dev", user("dev", allow(*full)), ec2)
    assert route.hop.certain
    untold = {k: v for k, v in ec2.items() if k != "InstanceProfileList"}
    (route,) = by("dev", user("dev", allow(*may)), untold)
    assert not route.hop.certain
    instances = "arn:aws:ec2:*:*:instance/*"
    partly = user("dev", allow("iam:PassRole"), allow("ec2:RunInstances", on=instances))
    (route,) = by("dev", partly, {**ec2, "InstanceProfileList": [{}]})
    assert not route.hop.certain


def test_an_identity_pool_hands_out_its_role() -> None:
    pool = {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    dev = user("dev", allow("iam:PassRole", "cognito-identity:SetIdentityPoolRoles"))
    (route,) = by("dev", dev, role("guest", STRONG, trust=[pool]))
    assert not route.hop.certain
    assert by("dev", user("dev", allow("iam:PassRole")), role("guest", STRONG, trust=[pool])) == []


@pytest.mark.parametrize(
    ("said", "reached"),
    [
        (allow("kafka:Create*"), True),
        (allow("kafka:Describe*", "kafka:List*"), False),
        (allow("ka*"), True),
        ({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": ["iam:*", "kafka:*"], "Resource": "*"}, False),
        (allow("s3:*"), False),
    ],
)
def test_a_service_that_is_in_no_table(said: Json, reached: bool) -> None:
    dev = user("dev", allow("iam:PassRole", on=f"{IAM}:role/x"), said)
    routes = by("dev", dev, role("x", STRONG, trust=[trusting("kafka.amazonaws.com")]))
    routes = [r for r in routes if r.power is Power.TAKE_OVER]
    assert [r.hop.certain for r in routes] == ([False] if reached else [])


# --- permissions that grow


def test_a_boundary_and_a_deny_hold_while_permissions_grow() -> None:
    own = f"{IAM}:user/dev"
    limit = managed("limit", allow("iam:*AccessKey", "iam:AttachUserPolicy", on=f"{IAM}:user/*"))
    dev = user("dev", allow("iam:AttachUserPolicy", on=own), boundary="limit")
    (route,) = by("dev", dev, limit)
    assert actions(route) == ["iam:AttachUserPolicy", "iam:CreateAccessKey"]
    narrow = managed("limit", allow("iam:AttachUserPolicy", "s3:*"))
    assert [r.effect for r in by("dev", dev, narrow)] == [Effect.ADDS]


def test_a_boundary_that_can_be_taken_away_does_not_hold() -> None:
    own = f"{IAM}:user/dev"
    may = ("iam:AttachUserPolicy", "iam:DeleteUserPermissionsBoundary")
    limit = managed("limit", allow(*may, on=own))
    (route,) = by("dev", user("dev", allow(*may, on=own), boundary="limit"), limit)
    assert set(actions(route)) == {*may, "iam:CreateAccessKey"}
    rewrite = ("iam:AttachUserPolicy", "iam:CreatePolicyVersion")
    open_ = managed("limit", allow(*rewrite))
    said = [
        allow("iam:AttachUserPolicy", on=own),
        allow("iam:CreatePolicyVersion", on=f"{IAM}:policy/limit"),
    ]
    (route,) = by("dev", user("dev", *said, boundary="limit"), open_)
    assert "iam:CreatePolicyVersion" in actions(route)


def test_a_deny_that_can_be_taken_out_does_not_hold() -> None:
    own = f"{IAM}:user/dev"
    no = deny("iam:CreateAccessKey", on=TENANTS)
    dev = user("dev", STRONG, allow("iam:DetachUserPolicy", on=own), managed=["no"])
    (route,) = by("dev", dev, managed("no", no))
    assert actions(route) == ["iam:DetachUserPolicy", "iam:CreateAccessKey"]
    team = group("team", no)
    leave = user("dev", STRONG, allow("iam:RemoveUserFromGroup"), groups=["team"])
    routes = by("dev", leave, team)
    assert actions(routes[0]) == ["iam:RemoveUserFromGroup", "iam:CreateAccessKey"]
    stuck = user("dev", STRONG, groups=["team"])
    assert by("dev", stuck, team) == []
    rewrites = allow("iam:CreatePolicyVersion", on=f"{IAM}:policy/no")
    routes = by("dev", user("dev", STRONG, rewrites, managed=["no"]), managed("no", no))
    assert "iam:CreatePolicyVersion" in actions(routes[0])
    assert all(route.hop.certain for route in routes)


def test_what_has_to_be_made_under_a_boundary_stays_under_it() -> None:
    wanted: Json = {"StringEquals": {"iam:PermissionsBoundary": f"{IAM}:policy/limit"}}
    new = f"{IAM}:user/new/*"
    operator = user(
        "maker",
        allow("iam:CreateUser", "iam:PutUserPolicy", on=new, **wanted),
        allow("iam:CreateAccessKey", on=new),
    )
    assert by("maker", operator, managed("limit", allow("s3:*"))) == []
    (route,) = by("maker", operator, managed("limit", allow("iam:*")))
    assert route.hop.certain
    assert actions(route)[0] == "iam:CreateUser"
    (route,) = by("maker", operator)
    assert not route.hop.certain
    assert "which was not told" in route.hop.conditions[0]


def test_only_a_policy_of_a_kind_may_be_attached() -> None:
    wanted: Json = {"ArnLike": {"iam:PolicyARN": f"{IAM}:policy/team-*"}}
    dev = user("dev", allow("iam:AttachUserPolicy", on=f"{IAM}:user/dev", **wanted))
    (route,) = by("dev", dev, managed("team-strong", STRONG), managed("all", allow("*")))
    assert actions(route) == ["iam:AttachUserPolicy", "iam:CreateAccessKey"]
    assert "policy team-strong" in route.hop.steps[-1].statement
    (route,) = by("dev", dev)
    assert not route.hop.certain


def test_who_grows_may_send_within_what_holds() -> None:
    limit = managed("limit", allow("ses:Send*", "iam:PutUserPolicy"))
    dev = user("dev", allow("iam:PutUserPolicy", on=f"{IAM}:user/dev"), boundary="limit")
    routes = [r for r in by("dev", dev, limit) if r.power is Power.SEND]
    assert [actions(r) for r in routes] == [["iam:PutUserPolicy", "ses:SendRawEmail"]]


# --- administrators


def test_administrators_are_told_as_such_and_who_becomes_one_with_the_way() -> None:
    boss = user("boss", allow("*"))
    ops = role("ops", allow("iam:*", **MFA), trust=[BY_ACCOUNT])
    dev = user("dev", allow("sts:AssumeRole"))
    result = takeovers(account(tenant(), tenant(BLOG), boss, ops, dev))
    assert result.administrators == {
        f"{IAM}:user/boss": (),
        f"{IAM}:role/ops": ("Bool aws:multifactorauthpresent true",),
    }
    (route,) = result.routes
    assert [s.action for s in route.hop.steps] == ["sts:AssumeRole", "iam:CreateAccessKey"]
    assert len(route.touched) == 2
    assert [arn for arn, _ in result.becoming[f"{IAM}:role/ops"]] == [f"{IAM}:user/dev"]
    assert takeovers(account(boss, dev)).routes == ()


def test_an_administrator_whom_a_deny_keeps_from_tenants_can_take_it_away() -> None:
    boss = user("boss", allow("*"), deny("iam:CreateAccessKey", on=USER))
    (route,) = by("dev", user("dev", allow("iam:CreateAccessKey", on=f"{IAM}:user/boss")), boss)
    assert route.hop.steps[0].resource == f"{IAM}:user/boss"
    assert route.hop.steps[1].principal == f"{IAM}:user/boss"


# --- credentials

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret"
OF_SECRET = tenant(destination="secretsmanager:web/shop")
OF_PARAMETER = tenant(destination="ssm:/web/shop")
PARAMETER = "arn:aws:ssm:eu-central-1:123456789012:parameter"


@pytest.mark.parametrize(
    ("on", "reads"),
    [
        ("*", True),
        (f"{SECRET}:web/*", True),
        (f"{SECRET}:web/shop-??????", True),
        (f"{SECRET}:web/shop*", True),
        (f"{SECRET}:web/shop-AbCdEf", True),
        (f"{SECRET}:*-AbCdEf", True),
        ("arn:aws:secretsmanager:eu-*:123456789012:secret:*", True),
        (f"{SECRET}:web/shop", False),
        (f"{SECRET}:web/shopping-AbCdEf", False),
        (f"{SECRET}:other/*", False),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:*", False),
    ],
)
def test_secrets_are_known_by_name_and_never_for_certain(on: str, reads: bool) -> None:
    for action in ("secretsmanager:GetSecretValue", "secretsmanager:PutResourcePolicy"):
        routes = by("fn", role("fn", allow(action, on=on)), owner=OF_SECRET)
        assert [(r.power, r.hop.certain) for r in routes] == (
            [(Power.READ, False)] if reads else []
        )
        if reads:
            assert [arn for _, arn in routes[0].touched] == [f"{SECRET}:web/shop-??????"]


def test_a_secret_by_its_arn() -> None:
    arn = f"{SECRET}:web/shop-AbCdEf"
    owner = tenant(destination=f"secretsmanager:{arn}")
    assert by("fn", role("fn", allow("secretsmanager:GetSecretValue", on=arn)), owner=owner)


@pytest.mark.parametrize(
    ("action", "on", "reads"),
    [
        ("ssm:GetParameter", f"{PARAMETER}/web/shop", True),
        ("ssm:GetParameters", f"{PARAMETER}/web/*", True),
        ("ssm:GetParameterHistory", "*", True),
        ("ssm:GetParametersByPath", f"{PARAMETER}/web", True),
        ("ssm:GetParametersByPath", f"{PARAMETER}/", True),
        ("ssm:GetParametersByPath", f"{PARAMETER}/api", False),
        ("ssm:GetParameter", f"{PARAMETER}/api/*", False),
        ("ssm:DescribeParameters", "*", False),
    ],
)
def test_parameters_by_name_and_by_path(action: str, on: str, reads: bool) -> None:
    routes = by("app", user("app", allow(action, on=on)), owner=OF_PARAMETER)
    assert told(routes) == ([("may_read_credentials", "SENDS", False)] if reads else [])
    assert by("app", user("app", allow(action, on=on))) == []


def test_a_parameter_of_an_unknown_region_is_looked_for_in_all() -> None:
    owner = tenant(destination="ssm:/web/shop")
    owner["Tags"] = [t for t in owner["Tags"] if t["Key"] != "ses-tenant:regions"]
    on = "arn:aws:ssm:sa-east-1:123456789012:parameter/web/*"
    (route,) = by("app", user("app", allow("ssm:GetParameter", on=on)), owner=owner)
    assert not route.hop.certain


# --- identities


@pytest.mark.parametrize(
    ("action", "power", "certain"),
    [
        ("ses:PutIdentityPolicy", Power.DELEGATE, True),
        ("ses:CreateEmailIdentityPolicy", Power.DELEGATE, True),
        ("ses:UpdateEmailIdentityPolicy", Power.DELEGATE, False),
        ("ses:DeleteEmailIdentity", Power.TAMPER, True),
        ("ses:PutEmailIdentityDkimSigningAttributes", Power.TAMPER, True),
        ("ses:PutEmailIdentityMailFromAttributes", Power.TAMPER, True),
        ("ses:PutEmailIdentityConfigurationSetAttributes", Power.TAMPER, True),
        ("ses:DeleteEmailIdentityPolicy", Power.TAMPER, False),
    ],
)
def test_the_identity_of_the_domain_of_a_parent_and_of_an_address(
    action: str,
    power: Power,
    certain: bool,
) -> None:
    for on, sure in (
        ("*", certain),
        (f"{SES}:identity/{SHOP}", certain),
        (f"{SES}:identity/example.com", False),
        (f"{SES}:identity/*@{SHOP}", False),
        (f"arn:aws:ses:us-*:123456789012:identity/{SHOP}", False),
    ):
        (route,) = by("mailer", user("mailer", allow(action, on=on)))
        assert (route.power, route.hop.certain) == (power, sure), on
    for on in (f"{SES}:identity/{BLOG}", f"{SES}:identity/example.org", f"{SES}:template/*"):
        assert by("mailer", user("mailer", allow(action, on=on))) == []


def test_the_configuration_set_of_a_tenant_and_templates() -> None:
    owner = tenant(SHOP, **SendingOptions(configuration_sets=("web",)).to_tags())
    on = f"{SES}:configuration-set/web"
    (route,) = by("ops", user("ops", allow("ses:DeleteConfigurationSet", on=on)), owner=owner)
    assert told([route]) == [("may_tamper", "DISTURBS", True)]
    # That of `watch setup` is a tenant's only where that was run.
    events = allow("ses:DeleteConfigurationSet", on=f"{SES}:configuration-set/ses-tenant-events")
    (route,) = by("ops", user("ops", events))
    assert told([route]) == [("may_tamper", "DISTURBS", False)]
    (route,) = by("ops", user("ops", allow("ses:UpdateEmailTemplate")))
    assert told([route]) == [("may_tamper", "DISTURBS", False)]


def test_a_call_of_any_service_is_told_as_the_policy_spells_it() -> None:
    passing = allow("iam:PassRole", "mystery:StartThing")
    site = role("site", allow("iam:CreateAccessKey"), trust=[trusting("mystery.amazonaws.com")])
    (route,) = by("dev", user("dev", passing), site)
    assert actions(route) == ["iam:PassRole", "mystery:StartThing", "iam:CreateAccessKey"]
