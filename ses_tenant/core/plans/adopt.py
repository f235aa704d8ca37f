"""Taking a hand-made IAM user over as a tenant, its keys unchanged: its site goes on sending.

Our policy comes first: with the old permissions beside it the site can send at every moment. Then
the tags, which tell a second run what this one was about; then the one call that moves and renames
the user; and only then what is foreign goes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.plans.create import moved_note
from ses_tenant.core.plans.repair import remove_attachments, repair_user, without_quarantine
from ses_tenant.core.regions import smtp_warning
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import Attachments, Observed, User, require_ours
from ses_tenant.core.tenant.policy import (
    MAX_INLINE_POLICY_SIZE,
    policy_size,
    sender_patterns,
    sending_policy,
)
from ses_tenant.core.tenant.spec import STDOUT, Interface, TenantSpec

# What the SES console makes for "Create SMTP credentials":
# https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
CONSOLE_GROUP = "AWSSESSendingGroupDoNotRename"
_CONSOLE_TAG = ("InvokedBy", "SESConsole")

_OURS = (naming.SENDING_POLICY, naming.SUSPENDED_POLICY)
_USER_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_SES_IN_LAST_USED = ("ses", "sesv2", "email")


@dataclass(frozen=True)
class Candidate:
    """The user to be adopted, and all that decides about it.

    `documents` are its inline policies by name, `services` the AWS services that its keys were
    last used for, by key ID.
    """

    observed: Observed
    documents: Mapping[str, Mapping[str, object]]
    services: Mapping[str, str]

    @property
    def foreign(self) -> dict[str, Mapping[str, object]]:
        """Return the inline policies that are not ours."""
        return {name: doc for name, doc in self.documents.items() if name not in _OURS}


def check_user_name(user_name: str) -> None:
    """Raise SesTenantError `usage` for what cannot be the name of an IAM user."""
    if not _USER_NAME.fullmatch(user_name):
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'{user_name}' is not the name of an IAM user.",
            "Give the name alone, as aws iam list-users shows it under UserName; no ARN, no path.",
        )


def choose_user(
    domain: SendingDomain, user_name: str, named: User | None, tenant: User | None
) -> User:
    """Return the user to adopt: `named`, or after the rename `tenant`, which has the new name.

    Both are what IAM has under the name given and under the name of the domain's tenant. Raises
    SesTenantError `not_found`, `already_exists` where the two are different users, `not_ours` for
    the tenant of another domain.
    """
    own = naming.user_name(domain)
    if named is None:
        if tenant is not None:
            require_ours(tenant, domain)
            return tenant
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"There is no IAM user {user_name}.",
            "aws iam list-users --query 'Users[].UserName' shows all; upper and lower case count.",
        )
    if tenant is not None and tenant.user_name != named.user_name:
        ours = tenant.remembered.domain == domain
        raise SesTenantError(
            ErrorCode.ALREADY_EXISTS,
            f"{user_name} would get the name {own}, and there is an IAM user of that name already"
            + (f": the tenant of {domain}." if ours else ", which is no tenant."),
            f"If no site uses it: ses-tenant delete {domain}, then run this again."
            if ours
            else f"If no site uses it, delete it; to adopt that one instead: "
            f"ses-tenant adopt {domain} --user-name {own}",
        )
    tag, of_path = named.remembered.domain, naming.domain_of_path(named.path)
    other = str(of_path if tag is None and of_path is not None else tag or domain)
    if other not in ("", domain.name):
        raise SesTenantError(
            ErrorCode.NOT_OURS,
            f"The IAM user {user_name} belongs to {other}, as its tags or its path say.",
            f"To let that tenant send as {domain}, too: ses-tenant create {other} --also {domain}",
        )
    return named


def plan_adopt(spec: TenantSpec, candidate: Candidate, now: datetime) -> steps.Plan:
    """Return the steps that make the user the tenant of `spec`; empty if it is so already.

    Raises SesTenantError `access_key_limit`, and `policy_too_large` where the old policies leave no
    room for ours beside them.
    """
    observed = candidate.observed
    user, was, own = observed.user, observed.user.user_name, spec.user_name
    if len(observed.access_keys) > 2:
        raise SesTenantError(
            ErrorCode.ACCESS_KEY_LIMIT,
            f"{was} has {len(observed.access_keys)} access keys; a tenant has two at most.",
            f"Delete those that no site uses: aws iam list-access-keys --user-name {was}",
        )
    plan: list[steps.Step] = []
    policy = steps.PutUserPolicy(was, naming.SENDING_POLICY, sending_policy(spec))
    if observed.sending_policy != policy.document:
        _check_room(was, candidate, policy.document)
        plan.append(policy)
    repairs = repair_user(spec, observed, _delivered_elsewhere(spec, observed, now))
    plan += [step for step in repairs if isinstance(step, steps.TagUser)]
    path = naming.user_path(spec.domain)
    if user.path != path or was != own:
        plan.append(steps.UpdateUser(was, path, own if was != own else None))
    for step in repairs:
        if isinstance(step, steps.PutUserPermissionsBoundary | steps.UntagUser):
            plan.append(replace(step, user_name=own))
    plan += remove_attachments(own, without_quarantine(observed.attachments or Attachments()))
    plan += [steps.DeleteUserPolicy(own, name) for name in sorted(candidate.foreign)]
    return tuple(plan)


def arn_of(spec: TenantSpec, user: User) -> str:
    """Return the ARN that the user has as the tenant."""
    account = user.user_arn.partition(":user/")[0]
    return f"{account}:user{naming.user_path(spec.domain)}{spec.user_name}"


def adoption_warnings(
    spec: TenantSpec,
    candidate: Candidate,
    plan: steps.Plan,
    user_name: str,
    *,
    interface_given: bool,
) -> tuple[Notice, ...]:
    """Return what the operator should know before the plan is carried out."""
    observed = candidate.observed
    user, domain = observed.user, spec.domain
    warnings: list[Notice] = []
    if spec.interface is Interface.SMTP:
        warnings += [w for region in spec.regions if (w := smtp_warning(region))]
    elif not interface_given and (sign := _sign_of_smtp(candidate)):
        warnings.append(
            Notice(
                "interface_guessed",
                f"{user.user_name} looks like a user for SMTP: {sign}. It is adopted for the SES "
                "API, which lets SMTP go on as well; new credentials would be for the API. Give "
                "the interface, smtp or api, to say which is right.",
            )
        )
    if user.user_name != user_name:
        warnings.append(
            Notice(
                "already_adopted",
                f"There is no IAM user {user_name}, but the tenant {user.user_name}; this is taken "
                "for the same user, renamed by an earlier run.",
            )
        )
    if any(isinstance(step, steps.PutUserPolicy) for step in plan):
        warnings += _lost(spec, candidate)
    if user.user_arn != arn_of(spec, user):
        warnings.append(
            Notice(
                "arn_changed",
                f"Its ARN changes from {user.user_arn} to {arn_of(spec, user)}. Policies elsewhere "
                "that name the old one, such as those of SES identities and S3 buckets, have to be "
                "changed.",
            )
        )
    if not observed.access_keys:
        warnings.append(
            Notice(
                "no_access_key",
                f"{user.user_name} has no access key. To issue one: ses-tenant create {domain}",
            )
        )
    elif spec.destination != STDOUT:
        warnings.append(
            Notice(
                "destination_empty",
                f"The keys stay where they are; nothing was delivered to {spec.destination}. To "
                f"deliver a new one there: ses-tenant rotate-keys {domain}",
            )
        )
    return tuple(warnings)


def _delivered_elsewhere(spec: TenantSpec, observed: Observed, now: datetime) -> dict[str, str]:
    """Return the note that the keys are out and not at the destination, unless it is stdout.

    A hand-made user is like a tenant whose credentials were printed.
    """
    moved = moved_note(spec, observed, now, otherwise=STDOUT)
    return {naming.TAG_DELIVERED: moved.to_tag()} if moved else {}


def _check_room(was: str, candidate: Candidate, policy: Mapping[str, object]) -> None:
    others = {n: d for n, d in candidate.documents.items() if n != naming.SENDING_POLICY}
    size = sum(map(policy_size, others.values()))
    if size + policy_size(policy) > MAX_INLINE_POLICY_SIZE:
        raise SesTenantError(
            ErrorCode.POLICY_TOO_LARGE,
            f"The inline policies of {was} have {size} characters, ours {policy_size(policy)}, and "
            f"IAM allows {MAX_INLINE_POLICY_SIZE} a user. They have to stand side by side for a "
            "moment, or the site would stop sending.",
            f"Attach what {', '.join(sorted(others))} allow as a managed policy (aws iam "
            "create-policy, attach-user-policy), delete the inline policies, and run this again; "
            "it detaches the managed policy at the end.",
        )


def _sign_of_smtp(candidate: Candidate) -> str:
    """Return why the user looks like one for SMTP, or nothing."""
    extra = candidate.observed.attachments or Attachments()
    key, value = _CONSOLE_TAG
    if CONSOLE_GROUP in extra.groups:
        return f"it is in the group {CONSOLE_GROUP} of the SES console"
    if candidate.observed.user.remembered.others.get(key) == value:
        return "the SES console made it, which makes users for SMTP"
    sends = {a for a in _allowed(candidate.foreign.values()) if a.lower().startswith("ses:send")}
    if {action.lower() for action in sends} == {"ses:sendrawemail"}:
        return "its policies allow ses:SendRawEmail and no other way to send"
    return ""


def _lost(spec: TenantSpec, candidate: Candidate) -> list[Notice]:
    """Return the warning of what the user can do now and cannot as a tenant."""
    kept = {a.lower() for a in _allowed([sending_policy(spec)])}
    more = sorted({a for a in _allowed(candidate.foreign.values()) if a.lower() not in kept})
    extra = candidate.observed.attachments or Attachments()
    elsewhere = {
        key: service
        for key, service in candidate.services.items()
        if service not in _SES_IN_LAST_USED
    }
    told = [f"its inline policies also allow {', '.join(more)}"] if more else []
    if extra.managed_policies or extra.groups:
        told.append("its managed policies and groups may allow more")
    told += [f"its key {key} was last used for {service}" for key, service in elsewhere.items()]
    if not told:
        return []
    return [
        Notice(
            "permissions_lost",
            f"{candidate.observed.user.user_name} will be able to send as "
            f"{', '.join(sender_patterns(spec))} and to do nothing else, from the first step on; "
            f"so far {'; '.join(told)}.",
        )
    ]


def _allowed(documents: Iterable[Mapping[str, object]]) -> set[str]:
    """Return the actions that the Allow statements name, as they are written."""
    found: set[str] = set()
    for document in documents:
        statements = document.get("Statement")
        for statement in statements if isinstance(statements, list) else [statements]:
            if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
                continue
            if "NotAction" in statement:
                found.add("*")
            named = statement.get("Action", [])
            found |= {str(a) for a in (named if isinstance(named, list) else [named])}
    return found
