"""What is wrong with one tenant, and the steps that put it right; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from ses_tenant.core.findings.audit import NEVER_USED_AFTER
from ses_tenant.core.findings.finding import AffectedDomain, Finding, Severity
from ses_tenant.core.findings.remedy import command, option
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.iam.authorization import Answer, Request, decide
from ses_tenant.core.iam.ses_actions import FROM, identity_arn, mail_context
from ses_tenant.core.identity.ses import SesAccount, SesIdentity
from ses_tenant.core.plans.repair import plan_restore
from ses_tenant.core.proof.members import Member
from ses_tenant.core.rotation.keys import KeyState, Situation
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.spec import Scope, TenantSpec


@dataclass(frozen=True)
class SesView:
    """What SES says in one Region; None stands for what could not be read.

    `identities` are by sending domain: its own, or that of the nearest domain above it.
    """

    region: str
    account: SesAccount | None
    identities: Mapping[str, SesIdentity | None] | None


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
        *(finding for view in views for finding in _of_ses(spec, view)),
    ]
    return tuple(
        fault.rule.found(
            arn,
            fault.message,
            fault.remedy,
            severity=fault.severity,
            domains=(AffectedDomain(name),),
            cause=fault.cause,
        )
        for fault in found
    )


class _Fault(NamedTuple):
    """A finding of the tenant, whose user and domain go without saying."""

    rule: Rule
    message: str
    remedy: str
    cause: str = ""
    severity: Severity | None = None


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
    foreign = [
        *(f"the inline policy {n}" for n in observed.inline_policies if n not in ours),
        *map(str, observed.attachments or ()),
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
            told = "two access keys are Active, as in the middle of a rotation"
            yield _Fault(Rule.TWO_ACTIVE_KEYS, told, rotate)
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


def _of_ses(spec: TenantSpec, view: SesView) -> Iterator[_Fault]:
    region = view.region
    if view.account is not None and not view.account.sending:
        told = f"SES has paused sending for the whole account in {region}"
        where = "Look at the SES console's account dashboard."
        yield _Fault(Rule.SENDING_PAUSED, told, where, region)
    if view.account is not None and not view.account.production:
        yield _Fault(
            Rule.SES_SANDBOX,
            f"the account is in SES's sandbox in {region}: mail goes to verified addresses only",
            "Ask AWS to take the account out of the sandbox: "
            "https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html",
            region,
        )
        if spec.sending.scope is Scope.IDENTITY:
            yield _Fault(
                Rule.SANDBOX_SCOPE,
                "in SES's sandbox the identities of recipients are checked as well, which "
                "--scope identity does not allow",
                command("ses-tenant", "create", spec.domain.name, "--scope", "any"),
                region,
            )
    for name, identity in (view.identities or {}).items():
        yield from _of_identity(spec, region, name, identity)


def _of_identity(
    spec: TenantSpec, region: str, name: str, identity: SesIdentity | None
) -> Iterator[_Fault]:
    place = f"{name} {region}"
    if identity is None:
        # A site may be prepared before its domain is: no reason for a bad end.
        told = f"SES knows neither {name} nor a domain above it in {region}, so it cannot send yet"
        verify = _sesv2("create-email-identity", region, name)
        yield _Fault(Rule.NOT_VERIFIED, told, verify, place, Severity.INFO)
        return
    shown = _sesv2("get-email-identity", region, identity.name)
    if not identity.verified:
        told = f"the email identity {identity.name} is not verified in {region}"
        yield _Fault(Rule.NOT_VERIFIED, told, shown, place)
    elif not identity.dkim:
        told = f"mail of {name} is not signed with DKIM in {region}"
        yield _Fault(Rule.NO_DKIM, told, shown, place)
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
        and identity.configuration_set not in spec.sending.configuration_sets
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


def _sesv2(verb: str, region: str, identity: str) -> str:
    return command(
        "aws", "sesv2", verb, *option("--region", region), *option("--email-identity", identity)
    )
