"""The rules of `check` and `audit`: the closed set of what a finding can be.

A rule is declared here and nowhere else. The table in docs/audit.md, the JSON Schema of a finding
and the explanations in reports are made of these declarations.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from ses_tenant.core.findings.finding import AffectedDomain, Finding, PathStep, Severity

if TYPE_CHECKING:
    from ses_tenant.core.identity.records import DnsRecord

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Rule(StrEnum):
    """A rule: its id, how bad it usually is, the verbs that report it, and what it means."""

    severity: Severity
    verbs: tuple[str, ...]
    meaning: str

    def __new__(cls, id_: str, severity: Severity, verbs: str, meaning: str) -> Self:
        """Make a member whose value is its id."""
        rule = str.__new__(cls, id_)
        rule._value_ = id_
        rule.severity, rule.verbs, rule.meaning = severity, tuple(verbs.split()), meaning
        return rule

    def found(
        self,
        principal: str,
        message: str,
        remedy: str,
        *,
        severity: Severity | None = None,
        domains: Iterable[AffectedDomain] = (),
        path: Iterable[PathStep] = (),
        cause: str = "",
        records: "Iterable[DnsRecord]" = (),
    ) -> Finding:
        """Return a finding of this rule, as bad as the rule usually is unless `severity` says."""
        return Finding(
            self.value,
            severity or self.severity,
            principal,
            message,
            remedy,
            tuple(domains),
            tuple(path),
            cause,
            records=tuple(records),
        )

    MAY_SEND_AS = (
        "may_send_as",
        _ERROR,
        "audit check",
        "it may send mail as a domain that is another's",
    )
    MAY_TAKE_OVER = (
        "may_take_over",
        _ERROR,
        "audit",
        (
            "it can make itself credentials of a tenant's user, or undo what limits it, by itself "
            "or over roles, services, policies and groups"
        ),
    )
    MAY_READ_CREDENTIALS = (
        "may_read_credentials",
        _ERROR,
        "audit",
        "it can read the secret or parameter that a tenant's credentials are delivered to",
    )
    MAY_DELEGATE = (
        "may_delegate",
        _ERROR,
        "audit",
        "it can write a sending authorization policy, with which anybody may send as the domain",
    )
    MAY_TAMPER = (
        "may_tamper",
        _WARNING,
        "audit",
        (
            "it can delete or change the identity, the DKIM signature, the MAIL FROM domain, the "
            "configuration set or the templates of a tenant's mail"
        ),
    )
    SEARCH_CUT_SHORT = (
        "search_cut_short",
        _WARNING,
        "audit",
        "it can become so many others that not all of them were looked at",
    )
    IDENTITY_POLICY = (
        "identity_policy",
        _WARNING,
        "audit",
        "the sending authorization policy of an identity lets somebody else send as the domain",
    )
    SHARED_DOMAIN = (
        "shared_domain",
        _WARNING,
        "audit check",
        "two tenants may send as one domain, by their options `--also` or `--subdomains`",
    )
    SHARED_IDENTITY = (
        "shared_identity",
        _INFO,
        "audit",
        "an email identity is associated with several SES tenants, and mail may name any of them",
    )
    UNDECIDED = (
        "undecided",
        _WARNING,
        "audit check",
        "the policies are too intricate to decide; treat it as if it may send",
    )
    UNREAD_POLICY = (
        "unread_policy",
        _WARNING,
        "audit",
        "a managed policy or permissions boundary is not in the saved output",
    )
    UNKNOWN_DESTINATION = (
        "unknown_destination",
        _WARNING,
        "audit",
        "the tag that says where a tenant's credentials are is missing or damaged",
    )
    HAND_MADE_USER = (
        "hand_made_user",
        _INFO,
        "audit",
        "a user that may send mail and is no tenant: one to adopt",
    )
    CONSOLE_GROUP = (
        "console_group",
        _WARNING,
        "audit",
        (
            "a member of `AWSSESSendingGroupDoNotRename`, the group of the SES console's SMTP "
            "credentials"
        ),
    )
    MISSING_AT = (
        "missing_at",
        _ERROR,
        "audit",
        "`*example.net` in place of `*@example.net`, so that `evilexample.net` is let through, too",
    )
    ABSENT_FROM_ALLOWED = (
        "absent_from_allowed",
        _ERROR,
        "audit",
        (
            "`IfExists` or `ForAllValues` on `ses:FromAddress`: a request without a From address "
            "gets through"
        ),
    )
    LITERAL_WILDCARD = (
        "literal_wildcard",
        _WARNING,
        "audit",
        "a `*` in `StringEquals`, which compares it literally: every mail is denied",
    )
    UNLIMITED_ACTION = (
        "unlimited_action",
        _WARNING,
        "audit",
        "an action that sends, and that a condition on the From address cannot limit",
    )
    EVERY_ACTION = (
        "every_action",
        _WARNING,
        "audit",
        "`ses:*` is allowed, which is far more than sending",
    )
    UNKNOWN_KEY = (
        "unknown_key",
        _WARNING,
        "audit",
        "a condition on a key that SES does not have, such as `ses:FromDomain`",
    )
    QUOTA_DENIED = (
        "quota_denied",
        _INFO,
        "audit",
        "quota actions under a condition on the From address, which they do not carry",
    )
    ATTACHED = (
        "attached",
        _ERROR,
        "check",
        "the tenant's user has something that a tenant should not have, such as a group",
    )
    KEY_QUARANTINED = (
        "key_quarantined",
        _ERROR,
        "audit check",
        (
            "AWS has found an access key of the tenant in public, and attached its policy "
            "`AWSCompromisedKeyQuarantine…`, which does not stop it from sending"
        ),
    )
    POLICY_DRIFT = (
        "policy_drift",
        _ERROR,
        "check",
        "the inline policy is not the one that the tenant's options make",
    )
    PATH_DRIFT = ("path_drift", _WARNING, "check", "the user was moved to another path")
    TAG_DRIFT = ("tag_drift", _WARNING, "check", "tags are missing, wrong or left over")
    KEYS_IN_DISORDER = (
        "keys_in_disorder",
        _ERROR,
        "check",
        "the destination holds no key that works, or there are too many keys",
    )
    NO_KEY = ("no_key", _WARNING, "check", "the tenant has no access key")
    UNDELIVERED_KEY = (
        "undelivered_key",
        _WARNING,
        "check",
        "an Active access key has reached nobody",
    )
    KEY_TOO_OLD = (
        "key_too_old",
        _WARNING,
        "audit check",
        "an Active access key is older than `--max-age`",
    )
    KEY_NEVER_USED = (
        "key_never_used",
        _INFO,
        "audit check",
        "an Active access key was not used once in 30 days",
    )
    TWO_ACTIVE_KEYS = (
        "two_active_keys",
        _INFO,
        "audit check",
        "two access keys are Active, as in the middle of a rotation",
    )
    NOT_VERIFIED = (
        "not_verified",
        _WARNING,
        "check",
        "SES does not know the domain yet, or it is not verified",
    )
    NOT_WATCHED = (
        "not_watched",
        _WARNING,
        "check",
        "`watch setup` was run in the Region, and not since the email identity was made",
    )
    MAIL_FROM_PENDING = (
        "mail_from_pending",
        _INFO,
        "check",
        "SES has not seen the MX record of the MAIL FROM domain, and sends without it",
    )
    NO_DKIM = ("no_dkim", _WARNING, "check", "mail of the domain is not signed with DKIM")
    IDENTITY_SCOPE = (
        "identity_scope",
        _WARNING,
        "check",
        "`--scope identity`, but SES would send by the identity of a domain above",
    )
    CONFIGURATION_SET = (
        "configuration_set",
        _ERROR,
        "check",
        (
            "SES refuses the mail, because its default configuration set is not a resource of the "
            "policy"
        ),
    )
    SENDING_PAUSED = (
        "sending_paused",
        _ERROR,
        "check",
        "SES has paused sending for the whole account",
    )
    SES_SANDBOX = (
        "ses_sandbox",
        _WARNING,
        "check",
        "the account is in SES's own sandbox",
    )
    SANDBOX_SCOPE = (
        "sandbox_scope",
        _WARNING,
        "check",
        "in SES's sandbox `--scope identity` keeps recipients from being reached",
    )
    SIMULATOR_DISAGREES = (
        "simulator_disagrees",
        _ERROR,
        "check",
        "AWS's policy simulator decides otherwise (`--live`)",
    )


BY_ID = {rule.value: rule for rule in Rule}
