"""What is wrong with one tenant, and the steps that put it right; pure."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.findings.audit import NEVER_USED_AFTER
from ses_tenant.core.findings.finding import AffectedDomain, Finding
from ses_tenant.core.findings.quarantined import replace_keys, told_of_quarantine
from ses_tenant.core.findings.remedy import command, option
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.iam.authorization import Answer, Request, decide
from ses_tenant.core.iam.ses_actions import FROM, identity_arn, mail_context
from ses_tenant.core.identity.readiness import Gap, Missing, RegionReadiness, missing
from ses_tenant.core.identity.records import DnsRecord, records_for
from ses_tenant.core.identity.ses import SesAccount
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.plans.repair import plan_restore, without_quarantine
from ses_tenant.core.proof.members import Member
from ses_tenant.core.rotation.keys import KeyState, Situation
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import Attachments, Observed
from ses_tenant.core.tenant.policy import allowed_configuration_sets
from ses_tenant.core.tenant.quarantine import quarantine_policy
from ses_tenant.core.tenant.spec import Scope, TenantSpec


@dataclass(frozen=True)
class SesView:
    """What SES says in one Region; None stands for what could not be read.

    `identities` are by sending domain: its own, or that of the nearest domain above it.
    """

    region: str
    account: SesAccount | None
    identities: Mapping[str, EmailIdentity | None] | None


def check_tenant(
    spec: TenantSpec,
    observed: Observed,
    situation: Situation,
    views: Iterable[SesView],
    now: datetime,
    max_age: timedelta,
) -> tuple[Finding, ...]:
    """Return what is wrong with the tenant; nothing right after `create`, whatever its options."""
    arn, name = observed.user.user_arn, spec.domain.name
    found = [
        *_of_user(spec, observed),
        *_of_attachments(spec, observed),
        *_of_keys(spec, situation, now, max_age),
        *(fault for view in views for fault in _of_ses(spec, view, arn)),
    ]
    return tuple(
        fault.rule.found(
            fault.principal or arn,
            fault.message,
            fault.remedy,
            domains=(AffectedDomain(name),),
            cause=fault.cause,
            records=fault.records,
        )
        for fault in found
    )


class _Fault(NamedTuple):
    """A finding of the tenant, whose domain goes without saying.

    `principal` is what has the fault, the tenant's user if it is empty: what many tenants share,
    such as the identity of a domain above them, is one finding.
    """

    rule: Rule
    message: str
    remedy: str
    cause: str = ""
    principal: str = ""
    records: tuple[DnsRecord, ...] = ()


_RULES = {
    Gap.SENDING_PAUSED: Rule.SENDING_PAUSED,
    Gap.NO_IDENTITY: Rule.NOT_VERIFIED,
    Gap.NOT_VERIFIED: Rule.NOT_VERIFIED,
    Gap.NO_DKIM: Rule.NO_DKIM,
    Gap.SES_SANDBOX: Rule.SES_SANDBOX,
    Gap.MAIL_FROM_PENDING: Rule.MAIL_FROM_PENDING,
}


def probes(spec: TenantSpec, member: Member) -> tuple[Request, ...]:
    """Return mails that tell whether the tenant is limited: its own, and others'."""
    region = (*spec.regions, "us-east-1")[0]
    partition, own = member.arn.split(":")[1], spec.domain.name
    return tuple(
        Request(
            "ses:SendRawEmail",
            identity_arn(partition, region, member.account, own),
            mail_context(sender) if sender else {},
            member.arn,
        )
        for sender in (f"a@{own}", f"a@{own.upper()}", f"a@evil{own}", f"a@sub.{own}", None)
    )


def disagreement(
    spec: TenantSpec, member: Member, request: Request, *, allowed: bool
) -> Finding | None:
    """Return a finding if AWS's simulator decides otherwise than we do."""
    policies, context = member.principal.policies, member.principal.context
    verdict = decide(policies, replace(request, context={**context, **request.context}))
    if verdict.answer is Answer.CONDITIONAL or (verdict.answer is Answer.ALLOWED) == allowed:
        return None
    sender = request.context.get(FROM, ("no From address",))[0]
    theirs = "allows" if allowed else "denies"
    return Rule.SIMULATOR_DISAGREES.found(
        member.arn,
        f"AWS's simulator {theirs} {request.action} with {sender}; by its policies it is "
        f"{verdict.reason}",
        "Look for service control policies of the organization; else report it as a bug.",
        domains=(AffectedDomain(spec.domain.name, sender),),
        cause=sender,
    )


def _of_user(spec: TenantSpec, observed: Observed) -> Iterator[_Fault]:
    repair = command("ses-tenant", "check", spec.domain.name, "--repair")
    for step in plan_restore(spec, observed):
        match step:
            case steps.PutUserPolicy():
                what = "missing" if observed.sending_policy is None else "not as it should be"
                told = f"the inline policy {naming.SENDING_POLICY} is {what}"
                yield _Fault(Rule.POLICY_DRIFT, told, repair)
            case steps.UpdateUser():
                told = f"its path is {observed.user.path}, not {naming.user_path(spec.domain)}"
                yield _Fault(Rule.PATH_DRIFT, told, repair)
            case steps.TagUser(tags=tags):
                keys = ", ".join(sorted(tags))
                told = f"tags are missing or wrong: {keys}"
                yield _Fault(Rule.TAG_DRIFT, told, repair, "missing")
            case steps.UntagUser(keys=stale):
                told = f"tags are left over: {', '.join(stale)}"
                yield _Fault(Rule.TAG_DRIFT, told, repair, "left over")
            case _:
                continue


def _of_attachments(spec: TenantSpec, observed: Observed) -> Iterator[_Fault]:
    repair = command("ses-tenant", "check", spec.domain.name, "--repair")
    ours = {naming.SENDING_POLICY, naming.SUSPENDED_POLICY}
    extra = observed.attachments or Attachments()
    for arn in extra.managed_policies:
        if policy := quarantine_policy(arn):
            told = told_of_quarantine(policy, observed.user.user_name, arn)
            yield _Fault(Rule.KEY_QUARANTINED, told, replace_keys(spec.domain), policy)
    foreign = [
        *(f"the inline policy {n}" for n in observed.inline_policies if n not in ours),
        *map(str, without_quarantine(extra)),
    ]
    for what in foreign:
        yield _Fault(Rule.ATTACHED, f"a tenant should not have {what}", repair, what)


def _of_keys(
    spec: TenantSpec, situation: Situation, now: datetime, max_age: timedelta
) -> Iterator[_Fault]:
    state = situation.state()
    rotate = command("ses-tenant", "rotate-keys", spec.domain.name)
    show = command("ses-tenant", "show", spec.domain.name)
    match state:
        case KeyState.NO_KEY:
            told = "it has no access key, so it cannot send"
            yield _Fault(Rule.NO_KEY, told, command("ses-tenant", "create", spec.domain.name))
        case KeyState.UNDELIVERED:
            told = "an Active access key has reached nobody"
            yield _Fault(Rule.UNDELIVERED_KEY, told, rotate)
        case KeyState.LOCKED_OUT | KeyState.OVERFULL | KeyState.CONFUSED:
            told = f"its access keys are in the state {state.value}"
            yield _Fault(Rule.KEYS_IN_DISORDER, told, rotate)
        case KeyState.OVERLAP:
            told = (
                "two access keys are Active, as in the middle of a rotation; rotate-keys takes the "
                "old one away after the grace time, or now if the site has the new one"
            )
            yield _Fault(Rule.TWO_ACTIVE_KEYS, told, f"{rotate} --finish")
        case KeyState.STEADY | KeyState.RETIRING | KeyState.SUSPENDED:
            pass
    for key in situation.active:
        age = now - key.created_at
        if age > max_age:
            told = f"the access key {key.access_key_id} is {age.days} days old"
            yield _Fault(Rule.KEY_TOO_OLD, told, rotate, key.access_key_id)
        if key.last_used_at is None and age > NEVER_USED_AFTER:
            told = f"the access key {key.access_key_id} was never used in {age.days} days"
            yield _Fault(Rule.KEY_NEVER_USED, told, show, key.access_key_id)


def _of_ses(spec: TenantSpec, view: SesView, user_arn: str) -> Iterator[_Fault]:
    """Return what SES lacks for the tenant in a Region, by the same rules as after `create`."""
    region = view.region
    partition, account = user_arn.split(":")[1], user_arn.split(":")[4]
    own = RegionReadiness(region, account=view.account)
    for gap in missing(spec.domain.name, [own]):
        yield _gap(gap, f"arn:{partition}:iam::{account}:root", region)
    if (
        view.account is not None
        and not view.account.production
        and spec.sending.scope is Scope.IDENTITY
    ):
        yield _Fault(
            Rule.SANDBOX_SCOPE,
            "in SES's sandbox the identities of recipients are checked as well, which "
            "--scope identity does not allow",
            command("ses-tenant", "create", spec.domain.name, "--scope", "any"),
            region,
        )
    for name, identity in (view.identities or {}).items():
        # Without an identity the domain that can be registered names what is missing: an identity
        # of it would serve all that is below.
        above = name if identity is None else identity.name
        if identity is None:
            above = next((d.registrable for d in _domains(spec) if d.name == name), name)
        principal = identity_arn(partition, region, account, above)
        for gap in missing(name, [RegionReadiness(region, looked=True, identity=identity)]):
            yield _gap(gap, principal, region, _to_add(identity, region))
        if identity is not None:
            yield from _of_identity(spec, region, name, identity)


def _domains(spec: TenantSpec) -> tuple[SendingDomain, ...]:
    return (spec.domain, *spec.sending.also)


def _gap(gap: Missing, principal: str, cause: str, records: tuple[DnsRecord, ...] = ()) -> _Fault:
    """Return the finding on something that is missing; its command is quoted for a shell."""
    remedy = command(*shlex.split(gap.command))
    return _Fault(_RULES[gap.gap], gap.message, remedy, cause, principal, records)


def _to_add(identity: EmailIdentity | None, region: str) -> tuple[DnsRecord, ...]:
    """Return the records without which SES does not verify the identity; none if it has."""
    if identity is None or identity.verified:
        return ()
    return tuple(record for record in records_for(identity, region) if record.required)


def _of_identity(
    spec: TenantSpec, region: str, name: str, identity: EmailIdentity
) -> Iterator[_Fault]:
    """Return where the tenant's own settings are in the way of what SES has."""
    place = f"{name} {region}"
    if identity.name != name and spec.sending.scope is Scope.IDENTITY:
        told = (
            f"{name} is no email identity of its own in {region}, and --scope identity allows no "
            f"other, such as {identity.name}"
        )
        wider = command("ses-tenant", "create", spec.domain.name, "--scope", "any")
        yield _Fault(Rule.IDENTITY_SCOPE, told, wider, place)
    if (
        identity.configuration_set is not None
        and spec.sending.scope is Scope.IDENTITY
        and identity.configuration_set not in allowed_configuration_sets(spec.sending)
    ):
        yield _Fault(
            Rule.CONFIGURATION_SET,
            f"the default configuration set {identity.configuration_set} of {name} in {region} "
            "is not among the resources of its policy, so SES refuses its mail",
            command(
                *("ses-tenant", "create", spec.domain.name),
                *option("--configuration-set", identity.configuration_set),
            ),
            place,
        )
