"""What the operator's policy lets through, judged by the evaluator: enough, and no escalation."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import boto3
import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.tenant.operator_actions import ADOPT, OFFLINE, VERBS
from ses_tenant.core.tenant.operator_policy import (
    boundary_policy,
    operator_policy,
    verbs_of,
)
from ses_tenant.core.tenant.policy import policy_size

ACCOUNT = "arn:aws:iam::123456789012"
BOUNDARY = f"{ACCOUNT}:policy/ses-tenant-boundary"
OTHER_BOUNDARY = f"{ACCOUNT}:policy/everything"
TENANT = f"{ACCOUNT}:user/ses-tenant/shop.example.com/ses-shop.example.com"
NEW = f"{ACCOUNT}:user/ses-tenant/new.example.com/ses-new.example.com"
ADMIN = f"{ACCOUNT}:user/admin"
OPERATOR = f"{ACCOUNT}:user/ops/operator"
NEAR = f"{ACCOUNT}:user/ses-tenants/x"
RESOURCES = (
    TENANT,
    ADMIN,
    OPERATOR,
    NEAR,
    BOUNDARY,
    OTHER_BOUNDARY,
    f"{ACCOUNT}:group/admins",
    f"{ACCOUNT}:role/admin",
    f"{ACCOUNT}:mfa/phone",
    f"{ACCOUNT}:instance-profile/x",
    f"{ACCOUNT}:saml-provider/x",
    f"{ACCOUNT}:oidc-provider/x",
    "*",
)
READS = ("iam:Get", "iam:List", "iam:Generate", "iam:Simulate")


def operator(verbs: tuple[str, ...], *, boundary: str | None = None) -> Policy:
    """Return the policy, which is taken apart once, however often it is asked."""
    return Policy("operator", operator_policy(verbs, boundary=boundary))


BOUND = operator(verbs_of((), bound=True), boundary=BOUNDARY)
FREE = operator(VERBS)


def allows(
    policy: Policy, action: str, resource: str, context: dict[str, str] | None = None
) -> bool:
    values = {key: (value,) for key, value in (context or {}).items()}
    verdict = decide(Policies((policy,)), Request(action, resource, values)).answer
    assert verdict is not Answer.CONDITIONAL
    return verdict is Answer.ALLOWED


@cache
def iam_actions() -> list[str]:
    """Return every action of IAM's API, and others with which permissions change hands."""
    client = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    names = client.meta.service_model.operation_names
    return [f"iam:{name}" for name in names] + ["iam:PassRole", "sts:AssumeRole", "s3:GetObject"]


# --- the safe form, over the whole API ----------------------------------------------------------

ON_TENANTS = {
    *("CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey", "UpdateUser", "DeleteUser"),
    *("TagUser", "UntagUser", "DeactivateMFADevice", "DeleteLoginProfile", "DeleteSSHPublicKey"),
    *("DeleteServiceSpecificCredential", "DeleteSigningCertificate"),
}
UNDER_THE_BOUNDARY = {
    *("CreateUser", "PutUserPolicy", "DeleteUserPolicy", "DetachUserPolicy"),
    "PutUserPermissionsBoundary",
}


@pytest.mark.parametrize("boundary", [None, BOUNDARY, OTHER_BOUNDARY])
def test_of_all_that_iam_can_change_the_bound_operator_changes_only_tenants(
    boundary: str | None,
) -> None:
    context = {"iam:PermissionsBoundary": boundary} if boundary else {}
    expected = {(f"iam:{name}", TENANT) for name in ON_TENANTS}
    expected |= {("iam:DeleteVirtualMFADevice", f"{ACCOUNT}:mfa/phone")}
    if boundary == BOUNDARY:
        expected |= {(f"iam:{name}", TENANT) for name in UNDER_THE_BOUNDARY}
    found = {
        (action, resource)
        for action, resource in product(iam_actions(), RESOURCES)
        if allows(BOUND, action, resource, context) and not action.startswith(READS)
    }
    assert found == expected


def test_reads_of_all_users_and_of_nothing_but_iam_and_ses() -> None:
    for policy in (BOUND, FREE):
        assert allows(policy, "iam:GetUser", f"{ACCOUNT}:user/nobody-yet")
        assert allows(policy, "iam:GetAccountAuthorizationDetails", "*")
        assert not allows(policy, "iam:GetRole", f"{ACCOUNT}:role/admin")
        assert not allows(policy, "secretsmanager:GetSecretValue", "*")
        assert not allows(policy, "ses:SendEmail", "*", {"ses:FromAddress": "a@example.com"})


def test_tags_of_somebody_elses_are_not_set_under_the_boundary() -> None:
    for action in ("iam:TagUser", "iam:UntagUser", "iam:CreateUser"):
        context = {"iam:PermissionsBoundary": BOUNDARY}
        assert allows(BOUND, action, TENANT, {**context, "aws:TagKeys": "ses-tenant:domain"})
        assert not allows(BOUND, action, TENANT, {**context, "aws:TagKeys": "team"})


def test_the_denies_hold_against_what_else_the_operator_may_be_given() -> None:
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}],
    }
    both = Policies((BOUND, Policy("more", everything)))
    for action, resource in (
        ("iam:DeleteUserPermissionsBoundary", TENANT),
        ("iam:CreatePolicyVersion", BOUNDARY),
        ("iam:SetDefaultPolicyVersion", BOUNDARY),
        ("iam:DeletePolicyVersion", BOUNDARY),
        ("iam:DeletePolicy", BOUNDARY),
    ):
        assert decide(both, Request(action, resource, {})).answer is Answer.DENIED


# --- the safe form, over all that can become of a user -------------------------------------------


@dataclass(frozen=True)
class Account:
    """A user as far as it matters: where, under which boundary, with which policy, who has it."""

    arn: str | None
    boundary: str | None
    document: str = "nothing"
    taken: bool = False


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DOCUMENTS = {
    "nothing": Policy("own", {"Version": "2012-10-17", "Statement": []}),
    "send": Policy("own", boundary_policy()),
    "all": Policy("own", {"Version": "2012-10-17", "Statement": [ALL]}),
}
BOUNDARIES = {BOUNDARY: DOCUMENTS["send"], OTHER_BOUNDARY: DOCUMENTS["all"]}
STARTS = (
    Account(None, None),
    Account(ADMIN, None, "all"),
    Account(ADMIN, OTHER_BOUNDARY, "all"),
    Account(NEAR, None, "all"),
    Account(OPERATOR, None, "nothing"),
    Account(TENANT, None, "send"),
    Account(TENANT, BOUNDARY, "send"),
    Account(TENANT, OTHER_BOUNDARY, "send"),
)


def moves(user: Account) -> Iterator[tuple[str, list[str], str | None, Account]]:
    """Yield what may be tried: action, resources that it needs, the boundary that IAM compares."""
    if user.arn is None:
        for arn, boundary in product((NEW, ADMIN, NEAR), (None, *BOUNDARIES)):
            yield "iam:CreateUser", [arn], boundary, Account(arn, boundary)
        return
    for name in DOCUMENTS:
        for action in ("PutUserPolicy", "AttachUserPolicy", "DeleteUserPolicy", "AddUserToGroup"):
            resource = f"{ACCOUNT}:group/admins" if action == "AddUserToGroup" else user.arn
            yield f"iam:{action}", [resource], user.boundary, replace(user, document=name)
    for boundary in BOUNDARIES:
        after = replace(user, boundary=boundary)
        yield "iam:PutUserPermissionsBoundary", [user.arn], boundary, after
    after = replace(user, boundary=None)
    yield "iam:DeleteUserPermissionsBoundary", [user.arn], user.boundary, after
    for arn in (NEW, ADMIN, NEAR):
        yield "iam:UpdateUser", [user.arn, arn], user.boundary, replace(user, arn=arn)
    for action in (
        *("CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "UpdateAccessKey"),
        "CreateServiceSpecificCredential",
    ):
        yield f"iam:{action}", [user.arn], user.boundary, replace(user, taken=True)


def reachable(policy: Policy) -> set[Account]:
    """Return every state of a user that the operator can bring about, in any number of calls."""
    found, open_ = set(STARTS), list(STARTS)
    while open_:
        for action, resources, boundary, after in moves(open_.pop()):
            context = {"iam:PermissionsBoundary": boundary} if boundary else {}
            if after not in found and all(allows(policy, action, r, context) for r in resources):
                found.add(after)
                open_.append(after)
    return found


def can_do_more_than_send(user: Account) -> bool:
    limit = (BOUNDARIES[user.boundary],) if user.boundary else None
    policies = Policies((DOCUMENTS[user.document],), boundary=limit)
    return any(
        decide(policies, Request(action, "*", {})).answer is not Answer.DENIED
        for action in (*iam_actions(), "ses:SendBulkEmail", "ses:DeleteEmailIdentity", "ec2:RunX")
    )


def test_no_user_that_the_bound_operator_can_use_can_do_more_than_send() -> None:
    users = reachable(BOUND)
    taken = {user for user in users if user.taken}
    assert Account(NEW, BOUNDARY, "all", taken=True) in taken
    assert Account(TENANT, None, "send", taken=True) in taken
    assert [user for user in taken if can_do_more_than_send(user)] == []
    assert {user.arn for user in taken} == {TENANT, NEW}


def test_the_search_would_find_an_escalation() -> None:
    for verbs in (VERBS, ("create",)):
        users = reachable(operator(verbs))
        assert Account(NEW, None, "all", taken=True) in users
    assert Account(NEW, None, "all", taken=True) in reachable(FREE)
    # With UpdateUser beyond the path an administrator's user is carried off, boundary or not.
    moving = json.loads(json.dumps(BOUND.document).replace("UpdateUser", "UpdateNothing"))
    moving["Statement"].append(
        {"Effect": "Allow", "Action": "iam:UpdateUser", "Resource": f"{ACCOUNT}:user/*"}
    )
    assert Account(NEW, None, "all", taken=True) in reachable(Policy("moving", moving))


# --- the form without a boundary -----------------------------------------------------------------


def test_without_adopt_nothing_is_written_outside_the_path() -> None:
    policy = operator(tuple(verb for verb in VERBS if verb != ADOPT))
    changed = {
        (action, resource)
        for action, resource in product(iam_actions(), (ADMIN, NEAR, OPERATOR))
        if allows(policy, action, resource) and not action.startswith(READS)
    }
    assert changed == set()


def test_adopt_writes_outside_only_what_comes_before_the_rename() -> None:
    for verbs in (VERBS, (ADOPT,)):
        policy = operator(verbs)
        outside = {
            action
            for action in iam_actions()
            if allows(policy, action, ADMIN) and not action.startswith(READS)
        }
        assert outside == {"iam:PutUserPolicy", "iam:TagUser", "iam:UpdateUser"}


@pytest.mark.parametrize("verb", VERBS)
def test_a_policy_for_one_verb_is_part_of_the_policy_for_all(verb: str) -> None:
    one = operator((verb,))
    named = [a for a in iam_actions() if any(s.names_action(a.lower()) for s in one.statements)]
    for action, resource in product(named, RESOURCES):
        if allows(one, action, resource):
            assert allows(FREE, action, resource)


@pytest.mark.parametrize("policy", [BOUND.document, FREE.document, boundary_policy()])
def test_it_fits_into_a_managed_policy(policy: Mapping[str, object]) -> None:
    assert policy_size(policy) <= 6144
    statements = policy["Statement"]
    assert isinstance(statements, list)
    assert all(statement["Action"] for statement in statements)
    assert "*" not in {action for statement in statements for action in statement["Action"]}


# --- email identities and their records ----------------------------------------------------------

IDENTITY = "arn:aws:ses:eu-central-1:123456789012:identity/shop.example.com"
ZONE = "arn:aws:route53:::hostedzone/Z1"
OUR_TAG = {"aws:RequestTag/ses-tenant:domain": "shop.example.com"}
CHANGES = (
    *("ses:PutEmailIdentityMailFromAttributes", "ses:PutEmailIdentityDkimSigningAttributes"),
    *("ses:PutEmailIdentityDkimAttributes", "ses:DeleteEmailIdentity"),
)
IDENTITY_ONLY = operator(("identity",))


@pytest.mark.parametrize("action", ["ses:CreateEmailIdentity", "ses:TagResource"])
def test_identities_are_made_and_adopted_with_our_tag_alone(action: str) -> None:
    keys = {"aws:TagKeys": "ses-tenant:domain"}
    assert allows(IDENTITY_ONLY, action, IDENTITY, {**OUR_TAG, **keys})
    assert not allows(IDENTITY_ONLY, action, IDENTITY)
    assert not allows(IDENTITY_ONLY, action, IDENTITY, {"aws:RequestTag/team": "web"})
    assert not allows(IDENTITY_ONLY, action, IDENTITY, {**OUR_TAG, "aws:TagKeys": "team"})
    elsewhere = IDENTITY.replace("identity/shop.example.com", "configuration-set/x")
    assert not allows(IDENTITY_ONLY, action, elsewhere, {**OUR_TAG, **keys})


@pytest.mark.parametrize("action", CHANGES)
def test_identities_that_are_not_ours_are_not_changed(action: str) -> None:
    ours = {"aws:ResourceTag/ses-tenant:domain": "shop.example.com"}
    assert allows(IDENTITY_ONLY, action, IDENTITY, ours)
    assert not allows(IDENTITY_ONLY, action, IDENTITY)
    assert not allows(IDENTITY_ONLY, action, IDENTITY, {"aws:ResourceTag/team": "web"})


def test_identity_gives_neither_mail_nor_policies_nor_zones() -> None:
    for action in (
        *("ses:SendEmail", "ses:SendRawEmail", "ses:CreateEmailIdentityPolicy"),
        *("ses:PutEmailIdentityConfigurationSetAttributes", "ses:UntagResource"),
        *("route53:ListHostedZones", "route53:ChangeResourceRecordSets", "iam:PutUserPolicy"),
    ):
        for resource in ("*", IDENTITY, ZONE, TENANT):
            assert not allows(IDENTITY_ONLY, action, resource, OUR_TAG)
    assert allows(IDENTITY_ONLY, "ses:ReplicateEmailIdentityDkimSigningKey", IDENTITY)


def test_the_watch_changes_its_own_set_and_our_identities_alone() -> None:
    watch = operator(("watch",))
    own = IDENTITY.replace("identity/shop.example.com", "configuration-set/ses-tenant-events")
    theirs, ours = f"{own}-2", {"aws:ResourceTag/ses-tenant:domain": "shop.example.com"}
    for action in (
        *("ses:CreateConfigurationSet", "ses:DeleteConfigurationSet", "ses:TagResource"),
        *("ses:CreateConfigurationSetEventDestination", "ses:GetConfigurationSet"),
    ):
        assert allows(watch, action, own)
        assert not any(allows(watch, action, other, ours) for other in (theirs, IDENTITY, "*"))
    default = "ses:PutEmailIdentityConfigurationSetAttributes"
    assert allows(watch, default, IDENTITY, ours)
    assert not allows(watch, default, IDENTITY)
    assert not allows(watch, default, theirs, ours)
    for action in ("ses:SendEmail", "ses:PutConfigurationSetSendingOptions", "iam:CreateAccessKey"):
        assert not any(allows(watch, action, on, ours) for on in (own, IDENTITY, TENANT))


def change(name: str, kind: str = "CNAME", action: str = "CREATE") -> dict[str, str]:
    """Return the keys that Route 53 gives to a change of a record set."""
    key = "route53:ChangeResourceRecordSets"
    return {
        f"{key}NormalizedRecordNames": name,
        f"{key}RecordTypes": kind,
        f"{key}Actions": action,
    }


def test_publishing_adds_the_records_that_ses_asks_for_and_no_others() -> None:
    policy = operator(("publish",))

    def may(context: dict[str, str]) -> bool:
        return allows(policy, "route53:ChangeResourceRecordSets", ZONE, context)

    assert may(change("k1._domainkey.shop.example.com"))
    assert may(change("_dmarc.shop.example.com", "TXT"))
    assert may(change("mail.shop.example.com", "MX"))
    assert may(change("mail-us-east-1.shop.example.com", "MX"))
    assert may(change("mail-us-gov-east-1.shop.example.com", "TXT"))
    for name in ("www.shop.example.com", "shop.example.com", "example.com", "mail2.example.com"):
        assert not may(change(name))
        assert not may(change(name, "MX"))
    for action in ("UPSERT", "DELETE"):
        assert not may(change("_dmarc.shop.example.com", "TXT", action))
    for kind in ("A", "NS", "CAA"):
        assert not may(change("mail.shop.example.com", kind))
    for missing in change("_dmarc.shop.example.com", "TXT"):
        context = change("_dmarc.shop.example.com", "TXT")
        del context[missing]
        assert not may(context)


def test_another_partition() -> None:
    text = json.dumps(operator_policy(VERBS, partition="aws-us-gov"))
    assert "arn:aws:" not in text
    assert "arn:aws-us-gov:ses:*:*:identity/*" in text


@pytest.mark.parametrize("bound", [False, True])
def test_which_verbs(bound: bool) -> None:
    assert set(VERBS) - set(verbs_of((), bound=bound)) == ({ADOPT} if bound else set())
    assert verbs_of(("show", "policy", "list"), bound=bound) == ("list", "show")
    for names in (("creat",), OFFLINE, *([(ADOPT, "list")] if bound else [])):
        with pytest.raises(SesTenantError) as caught:
            verbs_of(names, bound=bound)
        assert caught.value.code is ErrorCode.USAGE
