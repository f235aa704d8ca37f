"""Which actions are which power over a tenant, and what they come to.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_ses.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html

Of IAM's other credentials, service-specific ones are for CodeCommit, Keyspaces, Bedrock and
CloudWatch, SSH keys for CodeCommit, and signing certificates for old interfaces of EC2: none of
them sends mail, so none is here. sts:GetSessionToken gives its own user's permissions alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum


class Power(StrEnum):
    """What somebody has over a tenant."""

    TAKE_OVER = "may_take_over"
    READ = "may_read_credentials"
    DELEGATE = "may_delegate"
    TAMPER = "may_tamper"
    SEND = "may_send_as"


class Effect(Enum):
    """What a power comes to."""

    SENDS = "whoever has it can send as the site"
    UNLIMITS = "it undoes what limits the site's own keys, or where they get to"
    ADDS = "it adds permissions, which the Deny of the sending policy keeps void"
    DISTURBS = "mail of the site is stopped, changed or goes astray"


class Kind(Enum):
    """What an action is done to."""

    USER = "the IAM user"
    GROUP = "any group"
    SECRET = "the secret"  # noqa: S105 - what an action is done to
    PARAMETER = "the parameter"
    PARAMETER_PATH = "a path above the parameter"
    IDENTITY = "the email identity"
    CONFIGURATION_SET = "the configuration set"
    TEMPLATE = "any template"
    MAIL = "a mail from the domain"


@dataclass(frozen=True)
class Act:
    """An action that is a power over a tenant.

    `condition` is what it takes besides and policies do not tell, if anything.
    """

    power: Power
    action: str
    kind: Kind
    effect: Effect
    means: str
    condition: str = ""


def _acts(
    power: Power, effect: Effect, kind: Kind, means: str, *actions: str, condition: str = ""
) -> Iterator[Act]:
    for action in actions:
        yield Act(power, action, kind, effect, means, condition)


# The strongest first: of what somebody may do to a tenant, the first of each power is told.
ACTS: tuple[Act, ...] = (
    *_acts(
        Power.TAKE_OVER, Effect.SENDS, Kind.USER,
        "may make itself an access key of the tenant's user", "iam:CreateAccessKey",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.SENDS, Kind.USER,
        "may set a console password for the tenant's user, and sign in as it",
        "iam:CreateLoginProfile",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.SENDS, Kind.USER,
        "may replace the console password of the tenant's user, and sign in as it",
        "iam:UpdateLoginProfile", condition="its user has a console password",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.UNLIMITS, Kind.USER,
        "may change the policy that limits the tenant's user to its domain",
        "iam:PutUserPolicy", "iam:DeleteUserPolicy",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.UNLIMITS, Kind.USER,
        "may change the tags of the tenant's user, which say where its next key is delivered",
        "iam:TagUser", "iam:UntagUser",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.UNLIMITS, Kind.USER,
        "may rename or move the tenant's user, out of or into the reach of others",
        "iam:UpdateUser",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.UNLIMITS, Kind.USER,
        "may reactivate access keys of the tenant's user that were taken out of use",
        "iam:UpdateAccessKey",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.ADDS, Kind.USER,
        "may attach policies to the tenant's user, or change its permissions boundary",
        "iam:AttachUserPolicy", "iam:DetachUserPolicy",
        "iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary",
    ),
    *_acts(
        Power.TAKE_OVER, Effect.ADDS, Kind.GROUP,
        "may add the tenant's user to groups, or take it out of them",
        "iam:AddUserToGroup", "iam:RemoveUserFromGroup",
    ),
    *_acts(
        Power.READ, Effect.SENDS, Kind.SECRET,
        "may read the secret that holds the tenant's credentials", "secretsmanager:GetSecretValue",
    ),
    *_acts(
        Power.READ, Effect.SENDS, Kind.PARAMETER,
        "may read the parameter that holds the tenant's credentials",
        "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory",
    ),
    *_acts(
        Power.READ, Effect.SENDS, Kind.PARAMETER_PATH,
        "may read the parameter that holds the tenant's credentials, by its path",
        "ssm:GetParametersByPath",
    ),
    *_acts(
        Power.READ, Effect.SENDS, Kind.SECRET,
        "may write the policy of the secret that holds the tenant's credentials, and so let "
        "itself read it", "secretsmanager:PutResourcePolicy",
    ),
    *_acts(
        Power.DELEGATE, Effect.SENDS, Kind.IDENTITY,
        "may write a sending authorization policy, and so let anybody send as the domain, from "
        "another account as well",
        "ses:PutIdentityPolicy", "ses:CreateEmailIdentityPolicy",
    ),
    *_acts(
        Power.DELEGATE, Effect.SENDS, Kind.IDENTITY,
        "may change a sending authorization policy, and so let anybody send as the domain",
        "ses:UpdateEmailIdentityPolicy", condition="the identity has such a policy",
    ),
    *_acts(
        Power.TAMPER, Effect.DISTURBS, Kind.IDENTITY,
        "may delete the email identity of the tenant",
        "ses:DeleteIdentity", "ses:DeleteEmailIdentity",
    ),
    *_acts(
        Power.TAMPER, Effect.DISTURBS, Kind.IDENTITY,
        "may change the DKIM signature of the tenant's mail",
        "ses:PutEmailIdentityDkimSigningAttributes", "ses:PutEmailIdentityDkimAttributes",
        "ses:SetIdentityDkimEnabled",
    ),
    *_acts(
        Power.TAMPER, Effect.DISTURBS, Kind.IDENTITY,
        "may change the MAIL FROM domain of the tenant's mail",
        "ses:PutEmailIdentityMailFromAttributes", "ses:SetIdentityMailFromDomain",
    ),
    *_acts(
        Power.TAMPER, Effect.DISTURBS, Kind.IDENTITY,
        "may change by which configuration set the tenant's mail goes, or where bounces are told",
        "ses:PutEmailIdentityConfigurationSetAttributes", "ses:PutEmailIdentityFeedbackAttributes",
        "ses:SetIdentityFeedbackForwardingEnabled", "ses:SetIdentityNotificationTopic",
        "ses:SetIdentityHeadersInNotificationsEnabled",
    ),
    *_acts(
        Power.TAMPER, Effect.DISTURBS, Kind.IDENTITY,
        "may delete the policies of the email identity of the tenant",
        "ses:DeleteIdentityPolicy", "ses:DeleteEmailIdentityPolicy",
        condition="the identity has such a policy",
    ),
    *_acts(
        Power.TAMPER, Effect.DISTURBS, Kind.CONFIGURATION_SET,
        "may change or delete a configuration set of the tenant's mail",
        "ses:DeleteConfigurationSet", "ses:PutConfigurationSetSendingOptions",
        "ses:PutConfigurationSetDeliveryOptions", "ses:PutConfigurationSetTrackingOptions",
        "ses:PutConfigurationSetReputationOptions", "ses:PutConfigurationSetSuppressionOptions",
        "ses:PutConfigurationSetVdmOptions", "ses:PutConfigurationSetArchivingOptions",
        "ses:UpdateConfigurationSetSendingEnabled", "ses:UpdateConfigurationSetTrackingOptions",
        "ses:UpdateConfigurationSetReputationMetricsEnabled",
        "ses:CreateConfigurationSetTrackingOptions", "ses:DeleteConfigurationSetTrackingOptions",
        "ses:CreateConfigurationSetEventDestination", "ses:UpdateConfigurationSetEventDestination",
        "ses:DeleteConfigurationSetEventDestination",
    ),
    *_acts(
        Power.TAMPER, Effect.DISTURBS, Kind.TEMPLATE,
        "may change or delete email templates", "ses:UpdateEmailTemplate", "ses:UpdateTemplate",
        "ses:DeleteEmailTemplate", "ses:DeleteTemplate",
        condition="the tenant's mail is made from a template",
    ),
)  # fmt: skip

# Of a principal as it stands, the search for a witness decides who may send as whom. What it may
# become by changes is asked for the plainest address.
GROWN_ACTS: tuple[Act, ...] = tuple(
    _acts(
        Power.SEND, Effect.SENDS, Kind.MAIL, "may send mail as these domains",
        "ses:SendRawEmail", "ses:SendEmail",
    )
)  # fmt: skip
