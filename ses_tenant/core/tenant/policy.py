"""The sending policy: the one document that limits a tenant to its own domain.

Each choice below is deliberate; docs/policy.md gives the reasons. In short:

- `StringLike` on ses:FromAddress, never `StringLikeIfExists` or `ForAllValues:`, which allow a
  request that carries no From address.
- `*@domain`, never `*domain`, which lets evildomain send.
- ses:FeedbackAddress (the Return-Path) is absent from most requests, so it alone gets `IfExists`.
- The Deny makes the user worthless for anything else, whatever is attached to it later:
  `StringNotLike` is true for a request without a From address.
- What it may read carries no From address, so it stands outside the condition: the quota, and only
  on request what shows the account or the other tenants.

Condition keys: https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
"""

import json
from collections.abc import Iterable, Mapping
from typing import assert_never

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.regions import partition_of
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.spec import Interface, Scope, SendingOptions, TenantSpec

# Sum over a user's inline policies, white space not counted:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_INLINE_POLICY_SIZE = 2048

_SUSPENDED_SID = "SuspendedActiveWere"

# What plugins ask for besides sending, by the value of `allow_read`: Sid and actions. The quota is
# always there; the others show what belongs to all tenants. None of them carries a From address:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_ses.html
_READS = {
    "quota": ("ReadSendingQuota", ("ses:GetSendQuota", "ses:GetSendStatistics")),
    "account": ("ReadAccount", ("ses:GetAccount",)),
    "identities": ("ReadIdentities", ("ses:ListEmailIdentities", "ses:ListIdentities")),
}
READ_ACTIONS = tuple(action for _, actions in _READS.values() for action in actions)
_SEND_ACTIONS = {
    Interface.API: ("ses:SendEmail", "ses:SendRawEmail"),
    Interface.SMTP: ("ses:SendRawEmail",),
}

_LARGEST_SUSPENSION = ("A" * 32, "A" * 32)  # key IDs have 20 characters today, IAM allows two


def sending_policy(spec: TenantSpec) -> dict[str, object]:
    """Return the inline policy `ses-tenant-sending` of a tenant, as a JSON-able document."""
    sending = spec.sending
    own = (spec.domain, *sending.also)
    from_patterns = sender_patterns(spec)
    bounce_to = [f"*@{sending.return_path}"] if sending.return_path else []
    allow = {
        "Sid": "SendAsOwnDomain",
        "Effect": "Allow",
        "Action": list(_SEND_ACTIONS[spec.interface]),
        "Resource": _resources(spec.regions, own, sending),
        "Condition": {
            "StringLike": {"ses:FromAddress": from_patterns},
            "StringLikeIfExists": {
                "ses:FeedbackAddress": list(dict.fromkeys(from_patterns + bounce_to))
            },
        },
    }
    deny = {
        "Sid": "NothingElse",
        "Effect": "Deny",
        "Resource": "*",
        "Condition": {"StringNotLike": {"ses:FromAddress": list(from_patterns)}},
    }
    match spec.interface:
        case Interface.API:
            reads = [
                read for name, read in _READS.items() if name in ("quota", *sending.allow_read)
            ]
            statements = [
                allow,
                *(
                    {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": "*"}
                    for sid, actions in reads
                ),
                {**deny, "NotAction": [action for _, actions in reads for action in actions]},
            ]
        case Interface.SMTP:
            statements = [allow, {**deny, "Action": "*"}]
        case _:
            assert_never(spec.interface)
    return {"Version": "2012-10-17", "Statement": statements}


def sender_patterns(spec: TenantSpec) -> list[str]:
    """Return the patterns of the From addresses that the tenant may use, such as `*@domain`."""
    return [
        pattern
        for domain in (spec.domain, *spec.sending.also)
        for pattern in (f"*@{domain}", *([f"*@*.{domain}"] if spec.sending.subdomains else []))
    ]


def allowed_configuration_sets(sending: SendingOptions) -> tuple[str, ...]:
    """Return the configuration sets that a policy of the scope `identity` allows.

    That of `watch setup` always is among them, so that it can become the default set of an identity
    and no site stops sending: SES refuses a mail whose configuration set the policy does not allow.
    """
    return tuple(dict.fromkeys((*sending.configuration_sets, naming.EVENTS_CONFIGURATION_SET)))


def suspended_policy(active_key_ids: Iterable[str]) -> dict[str, object]:
    """Return the inline policy `ses-tenant-suspended`, which denies everything.

    Its Sid records the keys that were Active, so that one call both denies and remembers.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": _SUSPENDED_SID + "and".join(active_key_ids),
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
            }
        ],
    }


def keys_before_suspension(document: Mapping[str, object]) -> tuple[str, ...]:
    """Return the key IDs that `suspended_policy` recorded."""
    statements = document.get("Statement")
    first = statements[0] if isinstance(statements, list) and statements else {}
    sid = str(first.get("Sid", "")) if isinstance(first, dict) else ""
    record = sid.removeprefix(_SUSPENDED_SID)
    return tuple(record.split("and")) if record and record != sid else ()


def policy_size(document: Mapping[str, object]) -> int:
    """Return the size of a policy as IAM counts it: characters that are not white space."""
    return sum(not c.isspace() for c in policy_json(document))


def policy_json(document: Mapping[str, object]) -> str:
    """Return the document as the shortest JSON text, which is what is sent to IAM."""
    return json.dumps(document, separators=(",", ":"))


def check_policy_size(document: Mapping[str, object]) -> None:
    """Check that IAM will take the policy, and the suspension policy beside it, on one user.

    Raises SesTenantError `policy_too_large`. A tenant that could not be suspended on the day its
    site is hacked would be worse than one refused now.
    """
    size = policy_size(document)
    limit = MAX_INLINE_POLICY_SIZE - policy_size(suspended_policy(_LARGEST_SUSPENSION))
    if size > limit:
        raise SesTenantError(
            ErrorCode.POLICY_TOO_LARGE,
            f"The sending policy has {size} characters. IAM allows {MAX_INLINE_POLICY_SIZE} of "
            f"inline policy a user, and {limit} leave room to suspend it.",
            "Give fewer other domains (also), Regions or configuration sets, or make a tenant of "
            "its own for some of the domains.",
        )


def _resources(
    regions: Iterable[str], own: Iterable[SendingDomain], sending: SendingOptions
) -> str | list[str]:
    """Return the Resource element: `*`, or the ARNs of the identities and configuration sets.

    The account field is `*`: an identity of that name in another account counts only if its owner
    delegates it to this account with a policy of their own, and From is pinned all the same. So
    the policy is a function of the options alone, and can be printed offline.
    """
    match sending.scope:
        case Scope.ANY:
            return "*"
        case Scope.IDENTITY:
            names = [
                name
                for domain in own
                for name in (
                    # SES checks the most specific identity: an address's own before the domain's.
                    f"identity/{domain}",
                    f"identity/*@{domain}",
                    *(
                        (f"identity/*.{domain}", f"identity/*@*.{domain}")
                        if sending.subdomains
                        else ()
                    ),
                )
            ]
            names += [f"configuration-set/{name}" for name in allowed_configuration_sets(sending)]
            return [
                f"arn:{partition_of(region)}:ses:{region}:*:{name}"
                for region in regions
                for name in names
            ]
