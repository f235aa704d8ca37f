"""What each verb asks of AWS: the actions that its operator has to be allowed."""

ADOPT = "adopt"

_READ_TENANT = ("GetUser", "GetUserPolicy", "ListAccessKeys", "ListUserPolicies")
_READ_ATTACHMENTS = (
    "GetLoginProfile",
    "ListAttachedUserPolicies",
    "ListGroupsForUser",
    "ListMFADevices",
    "ListSSHPublicKeys",
    "ListServiceSpecificCredentials",
    "ListSigningCertificates",
)
_LAST_USED = ("GetAccessKeyLastUsed",)
DETAILS = ("GetAccountAuthorizationDetails",)
REPORT = ("GenerateCredentialReport", "GetCredentialReport")
READ_GUARDS = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy",
    "ssm:DescribeParameters",
)
READ_KEYS = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants")
_REMOVE_ATTACHMENTS = (
    "DeactivateMFADevice",
    "DeleteLoginProfile",
    "DeleteSSHPublicKey",
    "DeleteServiceSpecificCredential",
    "DeleteSigningCertificate",
    "DeleteUserPolicy",
    "DeleteVirtualMFADevice",
    "DetachUserPolicy",
    "RemoveUserFromGroup",
)
TAGGING = ("TagUser", "UntagUser")
_REPAIR = ("PutUserPermissionsBoundary", "PutUserPolicy", *TAGGING, "UpdateUser")

_LIST_IDENTITIES = ("ses:GetEmailIdentity", "ses:ListEmailIdentities")
CREATE_IDENTITY = ("ses:CreateEmailIdentity", "ses:TagResource")
CHANGE_IDENTITY = (
    "ses:DeleteEmailIdentity",
    "ses:PutEmailIdentityDkimAttributes",
    "ses:PutEmailIdentityDkimSigningAttributes",
    "ses:PutEmailIdentityMailFromAttributes",
)
# `--ses-tenant`. An association is authorized on the tenant and on what is associated.
READ_SES_TENANT = ("ses:GetTenant", "ses:ListTenantResources")
MAKE_SES_TENANT = ("ses:CreateTenant", "ses:CreateTenantResourceAssociation")
LIST_SES_TENANTS = ("ses:ListResourceTenants",)
# No operation of the API: who creates a replica of an identity has to be allowed it on the source.
# https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-deed.html
REPLICATE = "ses:ReplicateEmailIdentityDkimSigningKey"
# `watch setup` and `watch remove`, on their own configuration set alone.
EVENTS = (
    "ses:CreateConfigurationSet",
    "ses:CreateConfigurationSetEventDestination",
    "ses:DeleteConfigurationSet",
    "ses:GetConfigurationSet",
    "ses:GetConfigurationSetEventDestinations",
    "ses:UpdateConfigurationSetEventDestination",
)
SET_DEFAULT = "ses:PutEmailIdentityConfigurationSetAttributes"
# `watch test --deployed`, which puts events of its own and reads what was decided.
PUT_TRIALS = "events:PutEvents"
# `stats`, of the table that examples/lambda/watch.yaml makes.
READ_COUNTS = "dynamodb:Query"
REQUEST_PRODUCTION = "ses:PutAccountDetails"
ADD_RECORDS = "route53:ChangeResourceRecordSets"
# The names of the records that `identity publish` adds: DKIM, DMARC, and MAIL FROM as it is called
# without --mail-from, alone or with the Region.
RECORD_NAMES = ("*._domainkey.*", "_dmarc.*", "mail.*", "mail-*-*-?.*")

# The actions of each verb: of IAM without prefix, of other services with theirs. No verb may use
# what is not here.
ACTIONS: dict[str, tuple[str, ...]] = {
    "create": (
        *_READ_TENANT,
        *_LAST_USED,
        *_REPAIR,
        *("CreateAccessKey", "CreateUser", "DeleteAccessKey"),
        *("ses:GetAccount", "ses:GetEmailIdentity"),
        *(*READ_SES_TENANT, *MAKE_SES_TENANT),
    ),
    ADOPT: (*_READ_TENANT, *_READ_ATTACHMENTS, *_LAST_USED, *_REPAIR, *_REMOVE_ATTACHMENTS),
    "list": (*DETAILS, *REPORT, *_LAST_USED, "ListAccessKeys"),
    "show": (*_READ_TENANT, *_READ_ATTACHMENTS, *_LAST_USED, "ses:GetTenant"),
    "rotate-keys": (
        *_READ_TENANT,
        *DETAILS,
        *REPORT,
        *_LAST_USED,
        *("CreateAccessKey", "DeleteAccessKey", "TagUser", "UntagUser", "UpdateAccessKey"),
    ),
    "suspend": (*_READ_TENANT, *DETAILS, *TAGGING, "PutUserPolicy", "UpdateAccessKey"),
    "resume": (*_READ_TENANT, *DETAILS, "DeleteUserPolicy", "UntagUser", "UpdateAccessKey"),
    "delete": (
        *_READ_TENANT,
        *_READ_ATTACHMENTS,
        *_REMOVE_ATTACHMENTS,
        *("DeleteAccessKey", "DeleteUser"),
    ),
    "simulate": DETAILS,
    "check": (
        *_READ_TENANT,
        *_READ_ATTACHMENTS,
        *_LAST_USED,
        *DETAILS,
        *_REPAIR,
        *_REMOVE_ATTACHMENTS,
        *("SimulatePrincipalPolicy", "ses:GetAccount", "ses:GetEmailIdentity"),
    ),
    "audit": (
        *DETAILS,
        *REPORT,
        *_LIST_IDENTITIES,
        *READ_GUARDS,
        *READ_KEYS,
        *LIST_SES_TENANTS,
    ),
    "identity": (
        *DETAILS,
        "ses:GetEmailIdentity",
        *CREATE_IDENTITY,
        *CHANGE_IDENTITY,
        REPLICATE,
    ),
    "publish": (
        "ses:GetEmailIdentity",
        "route53:ListHostedZones",
        "route53:ListResourceRecordSets",
        ADD_RECORDS,
    ),
    "watch": (
        *DETAILS,
        "PutUserPolicy",
        *("ses:GetEmailIdentity", "ses:ListEmailIdentities"),
        *EVENTS,
        SET_DEFAULT,
        *(PUT_TRIALS, READ_COUNTS),
    ),
    "request-production": ("ses:GetAccount", REQUEST_PRODUCTION),
    "stats": (*DETAILS, READ_COUNTS),
    "plan": (
        *DETAILS,
        *REPORT,
        *_READ_TENANT,
        *_READ_ATTACHMENTS,
        *_LAST_USED,
        *_LIST_IDENTITIES,
        *READ_SES_TENANT,
    ),
    "export": (*DETAILS, *_LIST_IDENTITIES),
}
_APPLIES = ("plan", "create", "suspend", "resume", "delete", "identity")
ACTIONS["apply"] = tuple(action for verb in _APPLIES for action in ACTIONS[verb])
# What `adopt` does to the user while it is still outside our path.
ADOPT_OUTSIDE = ("PutUserPolicy", "TagUser", "UpdateUser")

VERBS = tuple(ACTIONS)
OFFLINE = ("policy", "smtp-password", "operator-policy", "sandbox")
