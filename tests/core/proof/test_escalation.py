"""Every known way of escalation in AWS leads to a tenant, and none is invented as certain.

The list is what public collections of such ways name: Rhino Security Labs' methods, those of
PMapper and of pathfinding.cloud, by the actions that they take.
"""

from typing import NamedTuple

import pytest

from ses_tenant.core.proof.powers import Power
from ses_tenant.core.proof.takeover import Route, takeovers
from tests.core.proof.accounts import (
    ACCOUNT,
    IAM,
    ROOT,
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

STRONG = allow("iam:CreateAccessKey", on=f"{IAM}:user/ses-tenant/*")
AWS = ".amazonaws.com"


def routes(*entries: Json, of: str = "mallory", power: Power = Power.TAKE_OVER) -> list[Route]:
    found = takeovers(account(tenant(), *entries)).routes
    return [r for r in found if r.principal.endswith(f"/{of}") and r.power is power]


class Passed(NamedTuple):
    """A way over a service that runs something as a role; `passed` if the role has to be passed."""

    service: str
    actions: tuple[str, ...]
    passed: bool = True


def passed(service: str, *actions: str) -> Passed:
    return Passed(service, actions)


def reused(service: str, *actions: str) -> Passed:
    return Passed(service, actions, passed=False)


SERVICES = (
    passed("tasks.apprunner", "apprunner:CreateService"),
    passed(
        "bedrock-agentcore",
        "bedrock-agentcore:CreateCodeInterpreter",
        "bedrock-agentcore:StartCodeInterpreterSession",
    ),
    passed("cloudformation", "cloudformation:CreateStack"),
    passed(
        "cloudformation", "cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"
    ),
    passed("cloudformation", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
    passed("codebuild", "codebuild:CreateProject", "codebuild:StartBuild"),
    passed("codebuild", "codebuild:CreateProject", "codebuild:StartBuildBatch"),
    passed("datapipeline", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),
    passed("ec2", "ec2:RunInstances"),
    passed("ec2", "ec2:RequestSpotInstances"),
    passed("ecs-tasks", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:CreateService"),
    passed("ecs-tasks", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:RunTask"),
    passed("glue", "glue:CreateDevEndpoint"),
    passed("glue", "glue:CreateJob", "glue:StartJobRun"),
    passed("glue", "glue:CreateJob", "glue:CreateTrigger"),
    passed("lambda", "lambda:CreateFunction", "lambda:InvokeFunction"),
    passed("lambda", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
    passed("lambda", "lambda:CreateFunction", "lambda:AddPermission"),
    passed("sagemaker", "sagemaker:CreateTrainingJob"),
    passed("sagemaker", "sagemaker:CreateProcessingJob"),
    passed("ssm", "ssm:StartAutomationExecution"),
    passed("states", "states:CreateStateMachine", "states:StartExecution"),
    passed("batch.ecs-tasks", "batch:RegisterJobDefinition", "batch:SubmitJob")._replace(
        service="ecs-tasks"
    ),
)
PERHAPS = (
    passed("cloudformation", "cloudformation:UpdateStackSet"),
    passed("ecs-tasks", "ecs:RegisterTaskDefinition", "ecs:CreateService"),
    passed("ecs-tasks", "ecs:RegisterTaskDefinition", "ecs:RunTask"),
    passed("ecs-tasks", "ecs:RegisterTaskDefinition", "ecs:StartTask"),
    passed("glue", "glue:UpdateJob", "glue:StartJobRun"),
    passed("glue", "glue:UpdateJob", "glue:CreateTrigger"),
    passed("sagemaker", "sagemaker:CreateNotebookInstance"),
    passed("lambda", "lambda:CreateFunction"),
    passed("events", "events:PutRule", "events:PutTargets"),
    passed("scheduler", "scheduler:CreateSchedule"),
    passed("a-service-of-tomorrow", "a-service-of-tomorrow:CreateThing"),
    reused("tasks.apprunner", "apprunner:UpdateService"),
    reused(
        "bedrock-agentcore",
        "bedrock-agentcore:StartCodeInterpreterSession",
        "bedrock-agentcore:InvokeCodeInterpreter",
    ),
    reused("cloudformation", "cloudformation:UpdateStack"),
    reused("cloudformation", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
    reused("codebuild", "codebuild:StartBuild"),
    reused("codebuild", "codebuild:StartBuildBatch"),
    reused("ec2", "ec2-instance-connect:SendSSHPublicKey"),
    reused("ec2", "ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"),
    reused("ec2", "ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"),
    reused("ec2", "ssm:StartSession"),
    reused("ec2", "ssm:SendCommand"),
    reused("glue", "glue:UpdateDevEndpoint"),
    reused("lambda", "lambda:UpdateFunctionCode"),
    reused("lambda", "lambda:UpdateFunctionCode", "lambda:InvokeFunction"),
    reused("lambda", "lambda:UpdateFunctionCode", "lambda:AddPermission"),
    reused("sagemaker", "sagemaker:CreatePresignedNotebookInstanceUrl"),
    reused(
        "sagemaker",
        "sagemaker:CreateNotebookInstanceLifecycleConfig",
        "sagemaker:StopNotebookInstance",
        "sagemaker:UpdateNotebookInstance",
        "sagemaker:StartNotebookInstance",
    ),
)


def over(way: Passed, *, without: str = "", service: str = "") -> list[Route]:
    actions = (*(("iam:PassRole",) if way.passed else ()), *way.actions)
    said = [allow(*(a for a in actions if a != without))] if set(actions) - {without} else []
    name = (service or way.service) + AWS
    return routes(
        user("mallory", *said), role("strong", STRONG, trust=[trusting(name)], profile=True)
    )


def called(way: Passed) -> str:
    return " ".join((way.service, *way.actions))


@pytest.mark.parametrize("way", SERVICES, ids=called)
def test_a_role_that_is_passed_to_a_service_is_reached_for_certain(way: Passed) -> None:
    (route,) = over(way)
    assert route.hop.certain
    assert [step.action for step in route.hop.steps] == [
        "iam:PassRole",
        *way.actions,
        "iam:CreateAccessKey",
    ] or set(way.actions) < {step.action for step in route.hop.steps}
    assert route.hop.steps[-1].principal == f"{IAM}:role/strong"


@pytest.mark.parametrize("way", SERVICES, ids=called)
def test_without_the_right_to_pass_the_role_nothing_is_certain(way: Passed) -> None:
    assert not any(route.hop.certain for route in over(way, without="iam:PassRole"))


@pytest.mark.parametrize("way", SERVICES, ids=called)
def test_without_one_of_its_calls_a_way_is_not_certain(way: Passed) -> None:
    for action in way.actions:
        assert not any(route.hop.certain for route in over(way, without=action))


@pytest.mark.parametrize("way", SERVICES, ids=called)
def test_a_role_that_does_not_trust_the_service_is_not_reached(way: Passed) -> None:
    assert over(way, service="kafka") == []


@pytest.mark.parametrize("way", PERHAPS, ids=called)
def test_a_service_that_may_run_something_as_the_role_is_told_with_the_condition(
    way: Passed,
) -> None:
    (route,) = over(way)
    assert not route.hop.certain
    assert route.hop.conditions
    told = {step.action.lower() for step in route.hop.steps}
    assert told & {action.lower() for action in way.actions}


LAMBDA_TRUST = trusting(f"lambda{AWS}")
BY_ACCOUNT = trusting(ROOT)
# name, what mallory may, what else is in the account
IN_IAM: dict[str, tuple[list[Json], list[Json]]] = {
    "CreateAccessKey of another user": (
        [allow("iam:CreateAccessKey", on=f"{IAM}:user/boss")], [user("boss", STRONG)]
    ),
    "CreateLoginProfile of another user": (
        [allow("iam:CreateLoginProfile", on=f"{IAM}:user/boss")], [user("boss", STRONG)]
    ),
    "AssumeRole": ([allow("sts:AssumeRole")], [role("strong", STRONG, trust=[BY_ACCOUNT])]),
    "AssumeRole by name alone": (
        [], [role("strong", STRONG, trust=[trusting(f"{IAM}:user/mallory")])]
    ),
    "UpdateAssumeRolePolicy": (
        [allow("iam:UpdateAssumeRolePolicy")], [role("strong", STRONG, trust=[LAMBDA_TRUST])]
    ),
    "PutUserPolicy on itself": ([allow("iam:PutUserPolicy", on=f"{IAM}:user/mallory")], []),
    "AttachUserPolicy on itself": ([allow("iam:AttachUserPolicy", on=f"{IAM}:user/mallory")], []),
    "PutUserPolicy and CreateAccessKey of another": (
        [allow("iam:PutUserPolicy", "iam:CreateAccessKey", on=f"{IAM}:user/weak")], [user("weak")]
    ),
    "AttachUserPolicy and CreateAccessKey of another": (
        [allow("iam:AttachUserPolicy", "iam:CreateAccessKey", on=f"{IAM}:user/weak")],
        [user("weak")],
    ),
    "PutRolePolicy and AssumeRole": (
        [allow("iam:PutRolePolicy", "sts:AssumeRole")], [role("weak", trust=[BY_ACCOUNT])]
    ),
    "AttachRolePolicy and AssumeRole": (
        [allow("iam:AttachRolePolicy", "sts:AssumeRole")], [role("weak", trust=[BY_ACCOUNT])]
    ),
    "PutRolePolicy and UpdateAssumeRolePolicy": (
        [allow("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")],
        [role("weak", trust=[LAMBDA_TRUST])],
    ),
    "AttachRolePolicy and UpdateAssumeRolePolicy": (
        [allow("iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy")],
        [role("weak", trust=[LAMBDA_TRUST])],
    ),
    "CreatePolicyVersion of another's policy and AssumeRole": (
        [allow("iam:CreatePolicyVersion", "sts:AssumeRole")],
        [role("weak", trust=[BY_ACCOUNT], managed=["small"]), managed("small", allow("s3:*"))],
    ),
    "CreatePolicyVersion and UpdateAssumeRolePolicy": (
        [allow("iam:CreatePolicyVersion", "iam:UpdateAssumeRolePolicy")],
        [role("weak", trust=[LAMBDA_TRUST], managed=["small"]), managed("small", allow("s3:*"))],
    ),
    "CreateUser, PutUserPolicy, CreateAccessKey": (
        [
            allow("iam:CreateUser", "iam:PutUserPolicy", on=f"{IAM}:user/new*"),
            allow("iam:CreateAccessKey", on=f"{IAM}:user/new*"),
        ],
        [],
    ),
    "CreateRole and AttachRolePolicy": ([allow("iam:CreateRole", "iam:AttachRolePolicy")], []),
    "CreateUser into a group": (
        [
            allow("iam:CreateUser", "iam:CreateAccessKey", on=f"{IAM}:user/new*"),
            allow("iam:AddUserToGroup"),
        ],
        [group("strong", STRONG)],
    ),
    "AddUserToGroup": ([allow("iam:AddUserToGroup")], [group("strong", STRONG)]),
    "AttachUserPolicy of one policy that is there": (
        [
            allow(
                "iam:AttachUserPolicy", ArnEquals={"iam:PolicyARN": f"{IAM}:policy/strong"}
            )
        ],
        [managed("strong", STRONG)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_IAM)
def test_ways_within_iam_are_certain(name: str) -> None:
    said, others = IN_IAM[name]
    found = routes(user("mallory", *said), *others)
    assert found, name
    assert any(route.hop.certain for route in found)
    assert found[0].hop.steps[-1].action == "iam:CreateAccessKey"


@pytest.mark.parametrize("name", [n for n, (said, _) in IN_IAM.items() if said])
def test_a_deny_or_a_boundary_ends_each_of_them(name: str) -> None:
    said, others = IN_IAM[name]
    denied = {"Effect": "Deny", "Action": ["iam:*", "sts:*"], "Resource": "*"}
    assert routes(user("mallory", *said, denied), *others) == []
    limited = user("mallory", *said, boundary="limit")
    assert routes(limited, *others, managed("limit", allow("s3:*"))) == []


GROUPED: dict[str, Json] = {
    "PutGroupPolicy": allow("iam:PutGroupPolicy"),
    "AttachGroupPolicy": allow("iam:AttachGroupPolicy"),
}


@pytest.mark.parametrize("name", GROUPED)
def test_a_group_that_one_is_in(name: str) -> None:
    member = user("mallory", GROUPED[name], groups=["team"])
    (route,) = routes(member, group("team"))
    assert [step.action for step in route.hop.steps] == [f"iam:{name}", "iam:CreateAccessKey"]
    assert route.hop.certain
    assert routes(user("mallory", GROUPED[name]), group("team")) == []


def test_a_policy_that_one_has_can_be_rewritten_or_an_older_version_taken() -> None:
    small = managed("small", allow("s3:*"), others=[STRONG])
    for action in ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"):
        found = routes(user("mallory", allow(action), managed=["small"]), small)
        assert [s.action for r in found for s in r.hop.steps] == [action, "iam:CreateAccessKey"]
        assert found[0].hop.certain
    plain = managed("small", allow("s3:*"))
    assert (
        routes(user("mallory", allow("iam:SetDefaultPolicyVersion"), managed=["small"]), plain)
        == []
    )


def test_aws_own_policies_have_no_versions_of_ours() -> None:
    entry = user("mallory", allow("iam:CreatePolicyVersion"))
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    entry["AttachedManagedPolicies"] = [{"PolicyName": "ReadOnlyAccess", "PolicyArn": arn}]
    read = {**managed("ReadOnlyAccess", allow("s3:Get*")), "Arn": arn}
    assert routes(entry, read) == []


@pytest.mark.parametrize(
    ("provider", "action", "way"),
    [
        ("saml-provider/okta", "iam:UpdateSAMLProvider", True),
        ("saml-provider/other", "iam:UpdateSAMLProvider", False),
        ("saml-provider/okta", "iam:CreateSAMLProvider", True),
        ("saml-provider/other", "iam:CreateSAMLProvider", False),
        ("oidc-provider/idp.example", "iam:AddClientIDToOpenIDConnectProvider", True),
        ("oidc-provider/idp.example", "iam:CreateOpenIDConnectProvider", True),
        ("oidc-provider/idp.example", "iam:CreateSAMLProvider", False),
        ("saml-provider/okta", "iam:AddClientIDToOpenIDConnectProvider", False),
        ("saml-provider/okta", "iam:UpdateOpenIDConnectProviderThumbprint", False),
        ("oidc-provider/idp.example", "iam:UpdateOpenIDConnectProviderThumbprint", True),
    ],
)
def test_who_changes_an_identity_provider_becomes_those_it_vouches_for(
    provider: str, action: str, way: bool
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": f"{IAM}:{provider}"},
        "Action": ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"],
    }
    keys = role("keys", allow("iam:CreateAccessKey"), trust=[trust])
    on = [f"{IAM}:saml-provider/okta", f"{IAM}:oidc-provider/*"]
    found = takeovers(account(tenant(), keys, user("x", allow(action, on=on))))
    routes = [r for r in found.routes if r.principal == f"{IAM}:user/x"]
    assert [r.hop.steps[0].action for r in routes] == [action] * way
    assert all(not r.hop.certain for r in routes)


SESSION = f"arn:aws:sts::{ACCOUNT}:federated-user/x"
OF_TAG = allow("ses:SendRawEmail", StringLike={"ses:FromAddress": ["*@${aws:PrincipalTag/site}"]})
NOT_MALLORY = deny("ses:*", StringEquals={"aws:username": ["mallory"]})


@pytest.mark.parametrize(
    ("statements", "certain"),
    [
        ([OF_TAG, allow("sts:GetFederationToken", "sts:TagSession")], False),
        ([OF_TAG, allow("sts:GetFederationToken")], None),
        ([OF_TAG, allow("sts:TagSession")], None),
        ([allow("ses:*"), NOT_MALLORY, allow("sts:GetFederationToken")], True),
        ([allow("ses:*"), NOT_MALLORY], None),
        ([allow("ses:*"), allow("sts:GetFederationToken")], None),  # nothing is gained by it
        # Such a session calls neither IAM nor STS.
        (
            [
                allow("iam:CreateAccessKey", StringNotEquals={"aws:username": ["mallory"]}),
                deny("iam:*", StringEquals={"aws:username": ["mallory"]}),
                allow("sts:GetFederationToken"),
            ],
            None,
        ),
    ],
)
def test_a_federated_session_has_a_name_and_tags_of_its_users_choice(
    statements: list[Json], certain: bool | None
) -> None:
    mallory = user("mallory", *statements, tags={"site": "other.org"})
    found = routes(mallory, power=Power.SEND)
    assert [r.hop.certain for r in found] == ([] if certain is None else [certain])
    assert all(r.hop.steps[0].action == "sts:GetFederationToken" for r in found)
    assert all(r.hop.steps[-1].principal == SESSION for r in found)
    assert routes(mallory) == []


@pytest.mark.parametrize(
    ("resource", "named"),
    [("*", True), ("arn:aws:ses:*:*:template/welcome-*", True), ("arn:aws:ses:*:*:x/*", False)],
)
def test_a_template_that_a_policy_names_may_be_the_one_of_a_tenants_mail(
    resource: str, named: bool
) -> None:
    found = routes(user("mallory", allow("ses:UpdateTemplate", on=resource)), power=Power.TAMPER)
    assert len(found) == named
