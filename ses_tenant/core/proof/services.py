"""Services that do as a role what somebody else says: who may use them is as good as the role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html

What each service does with a role was read in AWS's service authorization reference; that such
ways are used, in public collections of privilege escalation in AWS. A service that is not in the
table is looked at as well: whoever may pass it a role and call it in any way that is not reading
may perhaps have something done as the role.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Actions that have to come together.
Together = tuple[str, ...]


@dataclass(frozen=True)
class Service:
    """How code or calls of somebody's choice get to run as a role that a service assumes.

    `starts` need the role to be passed, and then work for certain. `reuses` work on something that
    the service runs as the role already, if there is such. `calls` are prefixes of the actions by
    which the service is used.
    """

    starts: Sequence[Together] = ()
    reuses: Sequence[Together] = ()
    calls: Sequence[str] = ()


def _after(first: Together, *then: str) -> tuple[Together, ...]:
    return tuple((*first, each) for each in then)


# By the name of the service in trust policies, without `.amazonaws.com`.
SERVICES: Mapping[str, Service] = {
    "lambda": Service(
        starts=_after(
            ("lambda:CreateFunction",),
            "lambda:InvokeFunction",
            "lambda:InvokeAsync",
            "lambda:AddPermission",
            "lambda:CreateEventSourceMapping",
        ),
        reuses=(
            ("lambda:UpdateFunctionCode",),
            ("lambda:UpdateFunctionConfiguration",),
        ),
        calls=("lambda",),
    ),
    "ec2": Service(
        starts=(
            ("ec2:RunInstances",),
            ("ec2:RequestSpotInstances",),
            ("ec2:RequestSpotFleet",),
            ("ec2:CreateFleet",),
            ("autoscaling:CreateLaunchConfiguration", "autoscaling:CreateAutoScalingGroup"),
            ("autoscaling:CreateAutoScalingGroup", "ec2:CreateLaunchTemplate"),
        ),
        reuses=(
            ("ssm:SendCommand",),
            ("ssm:StartSession",),
            ("ssm:StartAutomationExecution",),
            ("ssm:CreateAssociation",),
            ("ssm:UpdateAssociation",),
            ("ec2-instance-connect:SendSSHPublicKey",),
            ("ec2-instance-connect:SendSerialConsoleSSHPublicKey",),
            ("ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"),
            ("ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"),
            ("elasticmapreduce:AddJobFlowSteps",),
        ),
        calls=("ec2", "autoscaling", "elasticmapreduce", "imagebuilder", "elasticbeanstalk"),
    ),
    "ecs-tasks": Service(
        starts=(
            *_after(
                ("ecs:RegisterTaskDefinition", "ecs:CreateCluster"),
                "ecs:RunTask",
                "ecs:CreateService",
            ),
            ("batch:RegisterJobDefinition", "batch:SubmitJob"),
        ),
        reuses=(
            ("ecs:ExecuteCommand",),
            ("ecs:RunTask",),
            ("ecs:StartTask",),
            ("batch:SubmitJob",),
        ),
        calls=("ecs", "batch"),
    ),
    "cloudformation": Service(
        starts=(
            ("cloudformation:CreateStack",),
            ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
            ("cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"),
        ),
        reuses=(
            ("cloudformation:UpdateStack",),
            ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
            ("cloudformation:UpdateStackSet",),
        ),
        calls=("cloudformation",),
    ),
    "codebuild": Service(
        starts=_after(
            ("codebuild:CreateProject",), "codebuild:StartBuild", "codebuild:StartBuildBatch"
        ),
        reuses=(
            ("codebuild:StartBuild",),
            ("codebuild:StartBuildBatch",),
            ("codebuild:UpdateProject",),
        ),
        calls=("codebuild",),
    ),
    "glue": Service(
        starts=(
            ("glue:CreateDevEndpoint",),
            *_after(("glue:CreateJob",), "glue:StartJobRun", "glue:CreateTrigger"),
            ("glue:CreateSession", "glue:RunStatement"),
        ),
        reuses=(
            ("glue:UpdateDevEndpoint",),
            ("glue:UpdateJob",),
            ("glue:RunStatement",),
        ),
        calls=("glue",),
    ),
    "sagemaker": Service(
        starts=(
            ("sagemaker:CreateTrainingJob",),
            ("sagemaker:CreateProcessingJob",),
            *_after(
                ("sagemaker:CreateNotebookInstance",),
                "sagemaker:CreatePresignedNotebookInstanceUrl",
                "sagemaker:CreateNotebookInstanceLifecycleConfig",
            ),
        ),
        reuses=(
            ("sagemaker:CreatePresignedNotebookInstanceUrl",),
            ("sagemaker:CreatePresignedDomainUrl",),
            ("sagemaker:CreateNotebookInstanceLifecycleConfig", "sagemaker:UpdateNotebookInstance"),
        ),
        calls=("sagemaker",),
    ),
    "ssm": Service(
        starts=(("ssm:StartAutomationExecution",), ("ssm:CreateActivation",)),
        reuses=(("ssm:SendCommand",), ("ssm:StartSession",)),
        calls=("ssm",),
    ),
    "states": Service(
        starts=(("states:CreateStateMachine", "states:StartExecution"),),
        reuses=(("states:UpdateStateMachine",),),
        calls=("states",),
    ),
    "tasks.apprunner": Service(
        starts=(("apprunner:CreateService",),),
        reuses=(("apprunner:UpdateService",),),
        calls=("apprunner",),
    ),
    "datapipeline": Service(
        starts=(("datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),),
        reuses=(("datapipeline:PutPipelineDefinition",),),
        calls=("datapipeline",),
    ),
    "bedrock-agentcore": Service(
        starts=(
            (
                "bedrock-agentcore:CreateCodeInterpreter",
                "bedrock-agentcore:StartCodeInterpreterSession",
            ),
        ),
        reuses=(
            (
                "bedrock-agentcore:StartCodeInterpreterSession",
                "bedrock-agentcore:InvokeCodeInterpreter",
            ),
        ),
        calls=("bedrock-agentcore",),
    ),
    "emr-serverless": Service(
        starts=(("emr-serverless:CreateApplication", "emr-serverless:StartJobRun"),),
        calls=("emr-serverless",),
    ),
    "elasticmapreduce": Service(calls=("elasticmapreduce",)),
    # What these call is fixed by others, or its answers reach nobody: perhaps.
    "events": Service(calls=("events",)),
    "scheduler": Service(calls=("scheduler",)),
    "codepipeline": Service(reuses=(("codepipeline:UpdatePipeline",),), calls=("codepipeline",)),
    "codedeploy": Service(calls=("codedeploy",)),
    "cognito-identity": Service(calls=("cognito-identity",)),
}
# How the names of actions begin that only tell something.
READING = ("get", "list", "describe", "view", "search", "batchget", "lookup", "check", "test")


def service_of(principal: str) -> str:
    """Return the name of a service in a trust policy without the Region and `.amazonaws.com`.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    name, _, _ = principal.lower().partition(".amazonaws.")
    parts = name.split(".")
    return parts[0] if len(parts) > 1 and parts[-1].count("-") > 1 else name


def service(name: str) -> Service:
    """Return what is known of the service; of one that is not in the table, how it is called."""
    return SERVICES.get(name, Service(calls=(name.rpartition(".")[2],)))
