"""The least that the operator of ses-tenant has to be allowed, and the form that cannot escalate.

Which actions support which resources and condition keys:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html

Who may write a user's policies and issue its keys can do all that IAM knows. With a permissions
boundary that is over: users are made, and policies written, only under that boundary.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
CreateAccessKey and UpdateUser support no condition on the boundary, so they must never reach a
user outside the path; UpdateUser needs the permission on the old ARN and on the new one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.naming import (
    EVENTS_CONFIGURATION_SET,
    PATH_PREFIX,
    TAG_DOMAIN,
    TAG_PREFIX,
)
from ses_tenant.core.tenant.operator_actions import (
    ACTIONS,
    ADD_RECORDS,
    ADOPT,
    ADOPT_OUTSIDE,
    CHANGE_IDENTITY,
    CREATE_IDENTITY,
    DETAILS,
    EVENTS,
    LIST_SES_TENANTS,
    MAKE_SES_TENANT,
    OFFLINE,
    PUT_TRIALS,
    READ_COUNTS,
    READ_GUARDS,
    READ_KEYS,
    READ_SES_TENANT,
    RECORD_NAMES,
    REPLICATE,
    REPORT,
    REQUEST_PRODUCTION,
    SET_DEFAULT,
    TAGGING,
    VERBS,
)
from ses_tenant.core.tenant.policy import READ_ACTIONS

BOUNDARY_NAME = "ses-tenant-boundary"
OPERATOR_NAME = "ses-tenant-operator"

_ACCOUNT_WIDE = (*DETAILS, *REPORT)
_BOUND = (
    "CreateUser",
    "DeleteUserPolicy",
    "DetachUserPolicy",
    "PutUserPermissionsBoundary",
    "PutUserPolicy",
)
_BOUNDARY_EDITS = ("CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion")
_SENDING = (*READ_ACTIONS, "ses:SendEmail", "ses:SendRawEmail")


@dataclass(frozen=True)
class _Statement:
    sid: str
    actions: Iterable[str]
    resource: str
    effect: str = "Allow"
    condition: dict[str, object] | None = None

    def document(self) -> dict[str, object]:
        named = sorted(a if ":" in a else f"iam:{a}" for a in set(self.actions))
        return {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": named,
            "Resource": self.resource,
            **({"Condition": self.condition} if self.condition else {}),
        }


def verbs_of(names: Sequence[str], *, bound: bool) -> tuple[str, ...]:
    """Return the verbs that a policy is wanted for: those named, else all that are possible.

    Raises SesTenantError `usage` for what is no verb, needs no permission, or cannot be done under
    a boundary.
    """
    for name in names:
        if name not in (*VERBS, *OFFLINE):
            raise SesTenantError(
                ErrorCode.USAGE,
                f"'{name}' is no command that calls AWS.",
                f"Commands: {', '.join(VERBS)}.",
            )
    if bound and ADOPT in names:
        raise SesTenantError(
            ErrorCode.USAGE,
            "adopt writes policies on users outside /ses-tenant/ and moves them there. With that, "
            "an operator could take over any user, and no boundary would hold.",
            "Leave adopt to an administrator, or leave --boundary out.",
        )
    wanted = tuple(verb for verb in VERBS if verb in names)
    if names and not wanted:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"Needs no permission, because it works offline: {', '.join(names)}.",
            f"Commands that need some: {', '.join(VERBS)}.",
        )
    return wanted or tuple(verb for verb in VERBS if not (bound and verb == ADOPT))


def operator_policy(
    verbs: Iterable[str], *, partition: str = "aws", boundary: str | None = None
) -> dict[str, object]:
    """Return the policy for an operator who runs `verbs`, as `verbs_of` gave them.

    With `boundary`, the ARN of a managed policy, in the form that is safe against escalation.
    """
    chosen = set(verbs)
    needed = {action for verb in chosen for action in ACTIONS[verb]}
    arn = f"arn:{partition}:iam::*"
    users, tenants = f"{arn}:user/*", f"{arn}:user{PATH_PREFIX}*"
    others = {action for action in needed if ":" in action}
    account = needed & set(_ACCOUNT_WIDE)
    reads = {a for a in needed - others - account if a.startswith(("Get", "List", "Simulate"))}
    devices = needed & {"DeleteVirtualMFADevice"}
    groups = needed & {"RemoveUserFromGroup"}
    writes = needed - others - account - reads - devices - groups
    statements = [
        _Statement("ReadTenants", reads, users),
        _Statement("ReadAccount", account, "*"),
    ]
    if boundary is None:
        statements.append(_Statement("WriteTenants", writes, tenants))
        statements.append(_Statement("LeaveGroups", groups, f"{arn}:group/*"))
    elif writes:
        # No LeaveGroups: IAM checks the group alone, so the operator could take anybody out of a
        # group that denies something, starting with itself.
        statements += _bound_writes(writes, tenants, partition, boundary)
    statements.append(_Statement("DeleteVirtualMFADevices", devices, f"{arn}:mfa/*"))
    if ADOPT in chosen:
        statements.append(_Statement("AdoptUsers", ADOPT_OUTSIDE, users))
    statements += _identity_statements(others, partition)
    statements += _ses_tenant_statements(others, partition)
    statements.append(_Statement("ReadWhoGuardsSecrets", others & set(READ_GUARDS), "*"))
    keys = f"arn:{partition}:kms:*:*:key/*"
    statements.append(_Statement("ReadWhoGuardsKeys", others & set(READ_KEYS), keys))
    counts = f"arn:{partition}:dynamodb:*:*:table/ses-tenant-watch"
    statements.append(_Statement("ReadCounts", others & {READ_COUNTS}, counts))
    bus, source = f"arn:{partition}:events:*:*:event-bus/default", "events:source"
    trials: dict[str, object] = {
        "ForAllValues:StringEquals": {source: "ses-tenant.test"},
        "Null": {source: "false"},
    }
    statements.append(_Statement("PutTrials", others & {PUT_TRIALS}, bus, condition=trials))
    return {
        "Version": "2012-10-17",
        "Statement": [s.document() for s in statements if set(s.actions)],
    }


def _identity_statements(needed: set[str], partition: str) -> list[_Statement]:
    """Return the statements on email identities and their DNS records.

    An identity is changed only with our tag, and made only with it. In Route 53 records may be
    created, never changed or deleted, of the three types and of the names that SES asks for.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
    """
    identities, zones = f"arn:{partition}:ses:*:*:identity/*", f"arn:{partition}:route53:::"
    tagged: dict[str, object] = {
        "StringLike": {f"aws:RequestTag/{TAG_DOMAIN}": "?*"},
        "ForAllValues:StringLike": {"aws:TagKeys": f"{TAG_PREFIX}*"},
    }
    ours: dict[str, object] = {"StringLike": {f"aws:ResourceTag/{TAG_DOMAIN}": "?*"}}
    key = "route53:ChangeResourceRecordSets"
    limits = {
        f"{key}NormalizedRecordNames": list(RECORD_NAMES),
        f"{key}RecordTypes": ["CNAME", "MX", "TXT"],
        f"{key}Actions": ["CREATE"],
    }
    # ForAllValues is true of a key that is absent, so that it has to be there as well.
    records: dict[str, object] = {
        "ForAllValues:StringLike": limits,
        "Null": dict.fromkeys(limits, "false"),
    }
    listed = {"ses:GetAccount", "ses:ListEmailIdentities"}
    return [
        _Statement("ReadIdentities", needed & {"ses:GetEmailIdentity"}, identities),
        _Statement("ReadSendingStatus", needed & listed, "*"),
        _Statement("RequestProduction", needed & {REQUEST_PRODUCTION}, "*"),
        _Statement("CreateIdentities", needed & set(CREATE_IDENTITY), identities, condition=tagged),
        _Statement("ChangeIdentities", needed & set(CHANGE_IDENTITY), identities, condition=ours),
        *_event_statements(needed, f"arn:{partition}:ses:*:*:", ours),
        _Statement("ReplicateDkimKeys", needed & {REPLICATE}, identities),
        _Statement("ReadZones", needed & {"route53:ListHostedZones"}, "*"),
        _Statement(
            "ReadRecords", needed & {"route53:ListResourceRecordSets"}, f"{zones}hostedzone/*"
        ),
        _Statement("AddRecords", needed & {ADD_RECORDS}, f"{zones}hostedzone/*", condition=records),
    ]


def _ses_tenant_statements(needed: set[str], partition: str) -> list[_Statement]:
    """Return the statements on SES tenants; one is made with our tag, so it may be tagged."""
    listed = {*READ_SES_TENANT, *MAKE_SES_TENANT, *LIST_SES_TENANTS}
    tagging = {"ses:TagResource"} if "ses:CreateTenant" in needed else set[str]()
    return [
        _Statement("KeepSesTenants", needed & listed, "*"),
        _Statement("TagSesTenants", tagging, f"arn:{partition}:ses:*:*:tenant/*"),
    ]


def _event_statements(needed: set[str], ses: str, ours: dict[str, object]) -> list[_Statement]:
    """Return the statements on the configuration set of the watch; it is made with its tags."""
    events, own = needed & set(EVENTS), f"{ses}configuration-set/{EVENTS_CONFIGURATION_SET}"
    default = needed & {SET_DEFAULT}
    tagging = {"ses:TagResource"} if "ses:CreateConfigurationSet" in events else set[str]()
    return [
        _Statement("KeepEventsSet", events | tagging | default, own),
        _Statement("ChooseEventsSet", default, f"{ses}identity/*", condition=ours),
    ]


def _bound_writes(
    writes: set[str], tenants: str, partition: str, boundary: str
) -> list[_Statement]:
    """Return the statements that write on tenants so that all of them stay under the boundary."""
    bound: dict[str, object] = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    # A tag of somebody else's could open what resource policies give by tag, past any boundary.
    own_tags: dict[str, object] = {"ForAllValues:StringLike": {"aws:TagKeys": f"{TAG_PREFIX}*"}}
    create = writes & {"CreateUser"}
    return [
        _Statement("CreateTenants", create, tenants, condition={**bound, **own_tags}),
        _Statement("WriteBoundTenants", writes & set(_BOUND) - create, tenants, condition=bound),
        _Statement("TagTenants", _tags(writes), tenants, condition=own_tags),
        _Statement("WriteTenants", writes - set(_BOUND) - set(TAGGING), tenants),
        _Statement(
            "KeepBoundaryOnUsers",
            ("DeleteUserPermissionsBoundary",),
            f"arn:{partition}:iam::*:user/*",
            "Deny",
        ),
        _Statement(
            "KeepBoundaryAsItIs", (*_BOUNDARY_EDITS, "SetDefaultPolicyVersion"), boundary, "Deny"
        ),
    ]


def _tags(writes: set[str]) -> set[str]:
    """Return the tagging that is needed; a user is created with its tags."""
    return writes & set(TAGGING) | ({"TagUser"} if "CreateUser" in writes else set())


def boundary_policy() -> dict[str, object]:
    """Return the most that a tenant may ever do: send, and read the sending quota."""
    return {
        "Version": "2012-10-17",
        "Statement": [_Statement("AtMostSend", _SENDING, "*").document()],
    }


def bootstrap_script(boundary_arn: str, operator: dict[str, object], partition: str) -> str:
    """Return the shell script with which an administrator makes both policies, once.

    `boundary_arn` is where the boundary gets to; `$account` in it is the number of the account.
    """
    path, _, name = boundary_arn.partition(":policy/")[2].rpartition("/")
    option = f" --path /{path}/" if path else ""
    return f"""\
#!/bin/sh
# Run once, with an administrator's credentials: makes the permissions boundary that every tenant
# gets, and the policy of the operator, who can make users under it and no others.
set -eu
account=$(aws sts get-caller-identity --query Account --output text)

aws iam create-policy --policy-name {name}{option} --policy-document "$(cat <<EOF
{json.dumps(boundary_policy(), indent=2)}
EOF
)"

aws iam create-policy --policy-name {OPERATOR_NAME} --policy-document "$(cat <<EOF
{json.dumps(operator, indent=2)}
EOF
)"

# Then give it to whoever runs ses-tenant (a role: attach-role-policy --role-name), in place of
# what they have:
echo "aws iam attach-user-policy --user-name OPERATOR --policy-arn\
 arn:{partition}:iam::$account:policy/{OPERATOR_NAME}"
echo "ses-tenant create shop.example.com --permissions-boundary {boundary_arn}"
"""
