"""The decision on a message: its principal may send it, and its sender is verified."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.iam.authorization import Answer, Policies, Request, Verdict, decide
from ses_tenant.core.iam.ses_actions import mail_context
from ses_tenant.core.tenant.refusal import cause, is_related
from ses_tenant.sandbox.account import SIMULATOR, Account, Key
from ses_tenant.sandbox.mail import Mail
from ses_tenant.sandbox.model import BOTH, ENVELOPE, HEADER, Model

DENIED = "AccessDenied"
REJECTED = "MessageRejected"
NO_TEMPLATE = "TemplateDoesNotExist"
REFUSES_ALL = (DENIED, NO_TEMPLATE)  # of a bulk request, what refuses one entry
NO_SET = "ConfigurationSetDoesNotExist"
THROTTLED = "Throttling"
OPERATOR = "the operator's credentials are not limited"


Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Ruling:
    """What SES answers: `code` is None where it takes the message, else the API's error code.

    `sent` is false where it takes the message and cannot send it: a rendering failure.
    """

    code: str | None
    answer: str
    reason: str
    sent: bool = True

    @property
    def accepted(self) -> bool:
        """Tell whether the message goes out."""
        return self.code is None and self.sent


def rule(
    account: Account,
    key: Key | None,
    mail: Mail,
    region: str,
    context: Context,
) -> Ruling:
    """Return the ruling on `mail` from the holder of `key`, None for the operator.

    IAM decides first; whom it refuses learns nothing of what the account holds. Then SES checks the
    message, and that the identities are verified.
    """
    model = account.settings.model
    if model.answer("several_from") == "refused" and len(mail.written) > 1:
        return Ruling(REJECTED, "The From header has several addresses.", "as the model says")
    allowed = OPERATOR
    if key is not None:
        policies = account.policies_of(key.user_name)
        verdicts = []
        for request in requests(account, key, mail, region, context):
            by_owner = account.resource_policies(region, request.resource)
            verdict = _decide(replace(policies, resource=by_owner), request)
            if verdict.answer is not Answer.ALLOWED:
                why = _cause(key, policies, request)
                return Ruling(
                    DENIED,
                    f"User `{key.user_arn}' is not authorized to perform `{request.action}' on "
                    f"resource `{request.resource}'{_aside(key, request, why)}",
                    f"{why}; {verdict.reason}" if why else verdict.reason,
                )
            verdicts.append(verdict)
        allowed = verdicts[0].reason
    if mail.fault is not None:
        return Ruling(*mail.fault, "the message cannot be made")
    name = mail.configuration_set
    if name is not None and name not in account.ses(region).config_sets:
        return Ruling(NO_SET, f"Configuration set <{name}> does not exist.", "SES does not know it")
    unverified = [
        address
        for address in _to_verify(account, mail)
        if account.verified_identity(region, address) is None
    ]
    if unverified:
        return Ruling(
            REJECTED,
            "Email address is not verified. The following identities failed the check in region "
            f"{region.upper()}: {', '.join(unverified)}",
            "no verified identity covers it",
        )
    if mail.unrendered is not None:
        return Ruling(None, "Ok", f"rendering failure: {mail.unrendered}", sent=False)
    if account.sent[region] + len(mail.recipients) > account.settings.daily_quota:
        return Ruling(
            THROTTLED, "Daily message quota exceeded.", f"{account.sent[region]} have been sent"
        )
    return Ruling(None, "Ok", allowed)


def requests(
    account: Account, key: Key, mail: Mail, region: str, context: Context
) -> list[Request]:
    """Return everything that IAM is asked about one message: each action on each resource.

    A configuration set and a template are authorized beside the identity, and while the account is
    in the SES sandbox the recipients' identities are, too.
    """
    found = []
    model = account.settings.model
    absent = mail.interface == "smtp" and model.answer("smtp_feedback") != ENVELOPE
    for sender in judged(mail, model):
        resources = [mail.identity_arn or account.identity_arn(region, sender)]
        default = account.ses(region).email_identities.get(
            account.verified_identity(region, sender)
        )
        name = mail.configuration_set or (default and default.configuration_set_name)
        resources += [account.arn(region, f"configuration-set/{name}")] if name else []
        resources += [account.arn(region, f"template/{mail.template}")] if mail.template else []
        if account.settings.ses_sandbox:
            resources += [account.identity_arn(region, to) for to in mail.recipients]
        for action in mail.actions:
            for resource in dict.fromkeys(resources):
                carried = mail_context(
                    sender,
                    return_path=None if absent else mail.return_path,
                    recipients=mail.recipients,
                    display_name=mail.display_name,
                    api_version=mail.api_version,
                )
                found.append(request_by(key, action, resource, {**context, **carried}))
    return found


def judged(mail: Mail, model: Model) -> tuple[str, ...]:
    """Return the addresses that are ses:FromAddress in turn; one refusal counts.

    That is every one that a message says it is from, unless the model knows better.
    """
    found = mail.senders
    if mail.written:
        first = model.answer("several_from") == "first"
        dropped = set(mail.written[1:]) if first else set()
        dropped |= set(mail.others) if model.answer("sender_header") == "ignored" else set()
        if mail.interface == "smtp" and model.answer("smtp_from") != BOTH:
            only = mail.written if model.answer("smtp_from") == HEADER else (mail.return_path,)
            found = tuple(sender for sender in found if sender in (*only, *mail.others))
        found = tuple(sender for sender in found if sender not in dropped)
    if model.answer("from_case") == "lowered":
        found = tuple("@".join((s.rpartition("@")[0], s.rpartition("@")[2].lower())) for s in found)
    return found


def _aside(key: Key, request: Request, why: str) -> str:
    """Return what the answer says beyond AWS's: the cause, where the site's own domain is meant."""
    sender = next(iter(request.context.get("ses:fromaddress", ())), "")
    return f" ({why})" if why and is_related(key.domain, sender) else ""


def _cause(key: Key, policies: Policies, request: Request) -> str:
    """Return in plain words why a mail of a tenant was denied, as far as its addresses tell."""
    sender = next(iter(request.context.get("ses:fromaddress", ())), "")
    if not key.domain or not sender:
        return ""
    return_path = next(iter(request.context.get("ses:feedbackaddress", ())), None)
    documents = (policy.document for policy in policies.identity)
    return cause(key.domain, sender, return_path, documents)


def may_call(account: Account, key: Key, request: Request) -> Ruling:
    """Return the ruling on a call that sends nothing."""
    verdict = _decide(account.policies_of(key.user_name), request)
    if verdict.answer is Answer.ALLOWED:
        return Ruling(None, "Ok", verdict.reason)
    return Ruling(
        DENIED,
        f"User: {key.user_arn} is not authorized to perform: {request.action} on resource: "
        f"{request.resource}",
        verdict.reason,
    )


def request_by(key: Key, action: str, resource: str, context: Context) -> Request:
    """Return a request of the user who has the key; nothing of it is unknown."""
    principal = {
        "aws:principalarn": (key.user_arn,),
        "aws:principaltype": ("User",),
        "aws:principalaccount": (key.user_arn.split(":")[4],),
        "aws:username": (key.user_name,),
        "aws:securetransport": ("true",),  # AWS's endpoints take nothing else
    }
    return Request(action, resource, {**principal, **context}, key.user_arn, frozenset())


def _decide(policies: Policies, request: Request) -> Verdict:
    try:
        return decide(policies, request)
    except SesTenantError as error:  # moto took a policy that IAM would not
        return Verdict(Answer.DENIED, error.message)


def _to_verify(account: Account, mail: Mail) -> tuple[str, ...]:
    found = [*mail.senders, *([mail.return_path] if mail.return_path else [])]
    if account.settings.ses_sandbox:
        found += [to for to in mail.recipients if to.rpartition("@")[2] != SIMULATOR]
    return tuple(dict.fromkeys(found))
