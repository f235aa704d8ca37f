"""What is wrong with a hand-made sending policy, whoever's mail it lets through today.

Each rule is a mistake that looks right. docs/audit.md explains them.
"""

from collections.abc import Iterable, Iterator

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.findings.finding import AffectedDomain, Finding, Severity
from ses_tenant.core.findings.remedy import command, option
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.iam import ses_actions
from ses_tenant.core.iam.authorization import Statement
from ses_tenant.core.iam.conditions import Condition, Quantifier, negated
from ses_tenant.core.iam.globs import glob, matches, readable
from ses_tenant.core.plans.adopt import CONSOLE_GROUP
from ses_tenant.core.proof.members import Member

_NO_ACTION = "ses:an-action-that-is-not"
_QUOTA = ("ses:getsendquota", "ses:getsendstatistics")
# They send, and a condition on the From address cannot limit them, or hardly.
_UNLIMITED = ("ses:SendBulkEmail", "ses:SendCustomVerificationEmail", "ses:SendBounce")
_KNOWN_KEYS = frozenset().union(*ses_actions.CARRIED.values()) | {
    "ses:clicktrackingenabled",
    "ses:configurationsetoptions",
    "ses:exportsourcetype",
    "ses:opentrackingenabled",
    "ses:replicaregion",
}


def lint(member: Member) -> Iterator[Finding]:
    """Return what is wrong with the sending policies of a user or role that is no tenant."""
    if CONSOLE_GROUP in member.groups:
        yield Rule.CONSOLE_GROUP.found(
            member.arn,
            f"is in the SES console's group {CONSOLE_GROUP}, which lets it send as every domain "
            "of the account",
            command("ses-tenant", "adopt", "DOMAIN", *option("--user-name", member.name)),
        )
    for policy in member.principal.policies.identity:
        for statement in policy.statements:
            if statement.allow and _names_sending(statement):
                yield from _of_statement(member, statement)


def _names_sending(statement: Statement) -> bool:
    return any(statement.names_action(action) for action in ses_actions.CARRIED)


def _of_statement(member: Member, statement: Statement) -> Iterator[Finding]:
    on_from = [c for c in statement.conditions if c.key == ses_actions.FROM]
    broad = any(matches(a, _NO_ACTION) for a in statement.actions)
    for condition in on_from:
        yield from _of_from(member, statement, condition)
    for condition in statement.conditions:
        if condition.key.startswith("ses:") and condition.key not in _KNOWN_KEYS:
            yield Rule.UNKNOWN_KEY.found(
                member.arn,
                f"{statement.label} has a condition on {condition.key}, a key that SES does not "
                "have: " + _effect(condition),
                "Use ses:FromAddress.",
                cause=f"{statement.label} {condition.key}",
            )
    if on_from and any(statement.names_action(action) for action in _QUOTA):
        yield Rule.QUOTA_DENIED.found(
            member.arn,
            f"{statement.label} allows the quota actions under a condition on ses:FromAddress, "
            "which they do not carry, so they are denied",
            "Allow ses:GetSendQuota and ses:GetSendStatistics in a statement of their own.",
            cause=statement.label,
        )
    if any(a.startswith("ses:") and matches(a, _NO_ACTION) for a in statement.actions):
        yield Rule.EVERY_ACTION.found(
            member.arn,
            f"{statement.label} allows every action of SES, "
            + (
                "also those on which a later SES may not demand a From address"
                if on_from
                else "such as deleting identities and letting others send as them"
            ),
            "Allow ses:SendEmail and ses:SendRawEmail alone.",
            severity=Severity.INFO if on_from else Severity.WARNING,
            cause=statement.label,
        )
    for action in _UNLIMITED:
        if not broad and not statement.not_actions and statement.names_action(action.lower()):
            yield Rule.UNLIMITED_ACTION.found(
                member.arn,
                f"{statement.label} allows {action}, which a condition on ses:FromAddress does "
                "not limit",
                f"Take {action} out.",
                cause=f"{statement.label} {action}",
            )


def _effect(condition: Condition) -> str:
    always = condition.if_exists or condition.quantifier is Quantifier.ALL or negated(condition)
    return "it always holds" if always else "it never holds, so the statement allows nothing"


def _of_from(member: Member, statement: Statement, condition: Condition) -> Iterator[Finding]:
    if condition.if_exists or condition.quantifier is Quantifier.ALL:
        word = "IfExists" if condition.if_exists else "ForAllValues"
        yield Rule.ABSENT_FROM_ALLOWED.found(
            member.arn,
            f"{statement.label} uses {word} on ses:FromAddress, which holds for a request that "
            "carries no From address, such as ses:SendBulkEmail",
            "Use StringLike alone.",
            cause=statement.label,
        )
    if negated(condition) or not condition.operator.startswith("string"):
        return
    for value in condition.values:
        if condition.operator != "stringlike":
            if "*" in value or "?" in value:
                yield Rule.LITERAL_WILDCARD.found(
                    member.arn,
                    f"{statement.label} compares ses:FromAddress with {value} by "
                    f"{condition.operator}, which knows no wildcards, so it denies every mail",
                    "Use StringLike.",
                    cause=f"{statement.label} {value}",
                )
            continue
        yield from _of_pattern(member, statement, value)


def _of_pattern(member: Member, statement: Statement, value: str) -> Iterator[Finding]:
    """Return whether the pattern lets in more domains than the one that it names."""
    host = value.rpartition("@")[2]
    named = host.lstrip("*?").lstrip(".")
    if not named or "*" in named or "?" in named or "${" in named:
        return  # no domain is named: whoever may be impersonated is found by the audit itself
    other = next(
        (
            address
            for address in (f"a@evil{named}", f"a@evil.{named}")
            if matches(glob(value), address) and not value.rpartition("@")[2].startswith("*.")
        ),
        None,
    )
    if "@" not in value or (other and host != named):
        domain = _domain(named)
        yield Rule.MISSING_AT.found(
            member.arn,
            f"{statement.label} allows From addresses like {readable(glob(value))}, where the @ "
            "does not stand right before the domain: other domains that end so may send, too",
            f"Write *@{domain}." if domain else "Put the @ right before the domain.",
            domains=(AffectedDomain(domain, other),) if domain else (),
            cause=f"{statement.label} {value}",
        )


def named_domains(member: Member) -> tuple[str, ...]:
    """Return the domains that the From patterns of its policies name, to guess whose user it is.

    What is no domain is left out: it would end up in a command to run.
    """
    found: dict[str, None] = {}
    for policy in member.principal.policies.identity:
        for statement in policy.statements:
            if statement.allow:
                found |= dict.fromkeys(_hosts(statement.conditions))
    return tuple(found)


def _hosts(conditions: Iterable[Condition]) -> Iterator[str]:
    for condition in conditions:
        if condition.key == ses_actions.FROM and not negated(condition):
            for value in condition.values:
                domain = _domain(value.rpartition("@")[2].lstrip("*?."))
                if domain is not None:
                    yield domain


def _domain(text: str) -> str | None:
    try:
        return SendingDomain.parse(text).name
    except SesTenantError:
        return None
