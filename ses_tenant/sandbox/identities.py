"""The email identities of the sandbox: the operations of the second SES API that moto lacks.

Answers and errors are those that live accounts are known to give: fields that are absent, 400 for
a duplicate, 404 for what is unknown. An identity is verified at once, or, with a resolver, when
the sandbox has seen its records in DNS.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Response

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.identity.answers import Answer
from ses_tenant.core.identity.records import Purpose, records_for
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom, Status, dkim_zone
from ses_tenant.core.identity.verdicts import Verdict, first_questions, judge
from ses_tenant.sandbox import ses_tenants, wire
from ses_tenant.sandbox.account import Account
from ses_tenant.sandbox.held import Held, new_selectors
from ses_tenant.sandbox.requests import Call

Ask = Callable[[str, str], Answer]

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_PAGE = 25
_MAX_PAGE = 1000


def handle(account: Account, path: str, call: Call) -> Response | None:
    """Return the answer to a call on email identities, or None if it is about something else."""
    if call.operation == "ListEmailIdentities":
        return _list(account, call)
    if call.operation == "CreateEmailIdentity":
        return _create(account, call)
    if call.operation in ("TagResource", "UntagResource"):
        return _tag(account, call)
    work = _ON_ONE.get(call.operation)
    if work is None:
        return None
    name = unquote(path.split("/")[4]).lower()
    found = account.ses(call.region).email_identities.get(name)
    if found is None:
        if call.operation in ("GetEmailIdentity", "DeleteEmailIdentity"):
            message = f"Email identity {name} does not exist."
            return _error(404, "NotFoundException", message)
        return _error(400, "BadRequestException", f"Email identity {name} does not exist.")
    return work(account, call, name)


def verify_pending(account: Account, ask: Ask, now: Callable[[], datetime]) -> None:
    """Look up the records of every identity that is not verified yet, as SES does."""
    with account.lock:
        pending = [
            (region, name, held)
            for (region, name), held in account.held.items()
            if Status.PENDING in (held.dkim, held.mail_from_status)
        ]
    for region, name, held in pending:
        seen = _looked_up(region, name, held, ask)
        with account.lock:
            if account.held.get((region, name)) == held:
                looked = replace(seen, checked_at=now().astimezone(UTC).isoformat())
                account.held[region, name] = looked
                account.changes += seen != held


def _looked_up(region: str, name: str, held: Held, ask: Ask) -> Held:
    identity = EmailIdentity(
        name,
        dkim=Dkim(selectors=held.selectors, hosted_zone=dkim_zone(region)),
        mail_from=MailFrom(held.mail_from),
    )
    right: dict[Purpose, bool] = {}
    for record in records_for(identity, region):
        if record.purpose in (Purpose.DKIM, Purpose.MAIL_FROM_MX):  # SES looks at no others
            answers = {question: ask(*question) for question in first_questions(record)}
            well = judge(record, answers).verdict is Verdict.OK
            right[record.purpose] = right.get(record.purpose, True) and well
    if held.dkim is Status.PENDING and right.get(Purpose.DKIM):
        held = replace(held, dkim=Status.SUCCESS)
    if held.mail_from_status is Status.PENDING and right.get(Purpose.MAIL_FROM_MX):
        held = replace(held, mail_from_status=Status.SUCCESS)
    return held


def _create(account: Account, call: Call) -> Response:
    name = str(call.parameters.get("EmailIdentity") or "").lower()
    backend = account.ses(call.region)
    if not _ADDRESS.fullmatch(name):
        try:
            SendingDomain.parse(name)
        except SesTenantError as error:
            return _error(400, "BadRequestException", f"Invalid email identity: {error.message}")
    if name in backend.email_identities:
        return _error(400, "AlreadyExistsException", f"Email identity {name} already exist.")
    attributes = call.parameters.get("DkimSigningAttributes") or {}
    origin = str(attributes.get("DomainSigningAttributesOrigin") or "AWS_SES")
    selectors = new_selectors()
    if attributes.get("DomainSigningPrivateKey"):
        origin, selectors = "EXTERNAL", (str(attributes.get("DomainSigningSelector", "")),)
    elif origin != "AWS_SES":
        source = origin.removeprefix("AWS_SES_").lower().replace("_", "-")
        primary = account.held.get((source, name))
        if primary is None or primary.origin != "AWS_SES":
            return _error(400, "BadRequestException", f"{name} cannot be replicated from {source}.")
        selectors = primary.selectors
    backend.create_email_identity_v2(
        name,
        call.parameters.get("Tags") or [],
        attributes or None,
        call.parameters.get("ConfigurationSetName"),
    )
    account.held[call.region, name] = Held(
        selectors,
        origin,
        dkim=account.begun(name),
        key_length=str(
            attributes.get("NextSigningKeyLength")
            or account.settings.model.answer("default_key_length")
        ),
    )
    answer = _shown(account, call.region, name)
    kept = ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")
    return wire.json_result({key: answer[key] for key in kept if key in answer})


def _get(account: Account, call: Call, name: str) -> Response:
    return wire.json_result(_shown(account, call.region, name))


def _delete(account: Account, call: Call, name: str) -> Response:
    replicas = [
        region
        for (region, other), held in account.held.items()
        if other == name and held.origin == f"AWS_SES_{call.region.upper().replace('-', '_')}"
    ]
    if replicas:
        message = f"{name} has replicas in {', '.join(replicas)}. Delete them first."
        return _error(400, "BadRequestException", message)
    if associated := ses_tenants.refused(account, call.region, f"identity/{name}"):
        return associated
    del account.ses(call.region).email_identities[name]
    account.held.pop((call.region, name), None)
    return wire.json_result({})


def _mail_from(account: Account, call: Call, name: str) -> Response:
    wanted = str(call.parameters.get("MailFromDomain") or "").lower() or None
    if wanted is not None and (wanted == name or not wanted.endswith(f".{_domain(name)}")):
        message = f"Provided MAIL-FROM domain <{wanted}> is not subdomain of the domain <{name}>."
        return _error(400, "BadRequestException", message)
    behaviour = call.parameters.get("BehaviorOnMxFailure")
    held = account.identity(call.region, name)
    taken = wanted in account.ses(call.region).email_identities
    if taken and account.settings.model.answer("mail_from_taken") == "refused":
        return _error(400, "BadRequestException", f"MAIL-FROM domain <{wanted}> is an identity.")
    if wanted == held.mail_from:
        status = held.mail_from_status
    else:
        status = account.begun(name) if wanted else Status.NOT_STARTED
    account.held[call.region, name] = replace(
        held,
        mail_from=wanted,
        mail_from_status=status,
        rejects=behaviour == "REJECT_MESSAGE",
    )
    return wire.json_result({})


def _dkim_signing(account: Account, call: Call, name: str) -> Response:
    held = account.identity(call.region, name)
    given = call.parameters.get("SigningAttributes") or {}
    if call.parameters.get("SigningAttributesOrigin") == "EXTERNAL":
        selector = str(given.get("DomainSigningSelector", ""))
        held = replace(held, origin="EXTERNAL", selectors=(selector,), dkim=account.begun(name))
    elif held.dkim is not Status.SUCCESS or given.get("NextSigningKeyLength"):
        # Another length makes other keys; the identity stays verified for sending.
        fresh = new_selectors()
        kept = held.selectors if held.origin == "AWS_SES" and not given else fresh
        held = replace(held, origin="AWS_SES", selectors=kept, dkim=account.begun(name))
    account.held[call.region, name] = held
    return wire.json_result(
        {
            "DkimStatus": held.dkim.value,
            "DkimTokens": list(held.selectors),
            "SigningHostedZone": dkim_zone(call.region),
        }
    )


def _dkim(account: Account, call: Call, name: str) -> Response:
    held = account.identity(call.region, name)
    signing = bool(call.parameters.get("SigningEnabled"))
    account.held[call.region, name] = replace(held, signing=signing)
    return wire.json_result({})


def _feedback(account: Account, call: Call, name: str) -> Response:
    held = account.identity(call.region, name)
    forwarding = bool(call.parameters.get("EmailForwardingEnabled"))
    account.held[call.region, name] = replace(held, feedback=forwarding)
    return wire.json_result({})


def _configuration_set(account: Account, call: Call, name: str) -> Response:
    backend = account.ses(call.region)
    wanted = call.parameters.get("ConfigurationSetName")
    if wanted and wanted not in backend.config_sets:
        message = f"Configuration set <{wanted}> does not exist."
        return _error(404, "NotFoundException", message)
    backend.email_identities[name].configuration_set_name = wanted
    return wire.json_result({})


_ON_ONE: Mapping[str, Callable[[Account, Call, str], Response]] = {
    "GetEmailIdentity": _get,
    "DeleteEmailIdentity": _delete,
    "PutEmailIdentityMailFromAttributes": _mail_from,
    "PutEmailIdentityDkimSigningAttributes": _dkim_signing,
    "PutEmailIdentityDkimAttributes": _dkim,
    "PutEmailIdentityFeedbackAttributes": _feedback,
    "PutEmailIdentityConfigurationSetAttributes": _configuration_set,
}


def _list(account: Account, call: Call) -> Response:
    names = sorted(account.ses(call.region).email_identities)
    try:
        size = min(int(call.parameters.get("PageSize") or _PAGE), _MAX_PAGE)
        start = int(call.parameters.get("NextToken") or 0)
    except ValueError:
        return _error(400, "BadRequestException", "The token or the size of a page is malformed.")
    page = names[start : start + size]
    following = {"NextToken": str(start + size)} if start + size < len(names) else {}
    listed = []
    for name in page:
        shown = _shown(account, call.region, name)
        listed.append(
            {
                "IdentityType": shown["IdentityType"],
                "IdentityName": name,
                "SendingEnabled": shown["VerifiedForSendingStatus"],
                "VerificationStatus": shown["VerificationStatus"],
            }
        )
    return wire.json_result({"EmailIdentities": listed, **following})


def _tag(account: Account, call: Call) -> Response | None:
    arn = str(call.parameters.get("ResourceArn") or "")
    name = arn.partition(":identity/")[2].lower()
    if call.operation == "UntagResource" or not name:
        return None
    found = account.ses(call.region).email_identities.get(name)
    if found is None:
        return _error(404, "NotFoundException", f"Email identity {name} does not exist.")
    tags = {tag["Key"]: tag["Value"] for tag in found.tags or ()}
    tags |= {tag["Key"]: tag["Value"] for tag in call.parameters.get("Tags") or ()}
    found.tags = [{"Key": key, "Value": value} for key, value in tags.items()]
    return wire.json_result({})


def _shown(account: Account, region: str, name: str) -> dict[str, Any]:
    """Return an identity as GetEmailIdentity does, without what a live answer leaves out."""
    found = account.ses(region).email_identities[name]
    held = account.identity(region, name)
    verified = account.is_verified(region, name)
    mail_from: dict[str, object] = {
        "BehaviorOnMxFailure": "REJECT_MESSAGE" if held.rejects else "USE_DEFAULT_VALUE"
    }
    if held.mail_from is not None:
        mail_from |= {
            "MailFromDomain": held.mail_from,
            "MailFromDomainStatus": held.mail_from_status.value,
        }
    shown: dict[str, Any] = {
        "IdentityType": "EMAIL_ADDRESS" if "@" in name else "DOMAIN",
        "FeedbackForwardingStatus": held.feedback,
        "VerifiedForSendingStatus": verified,
        "VerificationStatus": (Status.SUCCESS if verified else held.dkim).value,
        "MailFromAttributes": mail_from,
        "Policies": dict(found.policies),
        "Tags": found.tags or [],
        "VerificationInfo": {},
    }
    if "@" not in name:
        shown["DkimAttributes"] = {
            "SigningEnabled": held.signing,
            "Status": held.dkim.value,
            "Tokens": list(held.selectors),
            "SigningHostedZone": dkim_zone(_zone_of(account, region, held)),
            "SigningAttributesOrigin": held.origin,
            "NextSigningKeyLength": held.key_length,
            "CurrentSigningKeyLength": held.key_length,
        }
    if held.checked_at is not None:
        checked = datetime.fromisoformat(held.checked_at).timestamp()
        shown["VerificationInfo"] = {"LastCheckedTimestamp": checked}
    if found.configuration_set_name:
        shown["ConfigurationSetName"] = found.configuration_set_name
    return shown


def _zone_of(account: Account, region: str, held: Held) -> str:
    replica = held.origin.startswith("AWS_SES_")
    if replica and account.settings.model.answer("replica_zone") == "primary":
        return held.origin.removeprefix("AWS_SES_").lower().replace("_", "-")
    return region


def _domain(name: str) -> str:
    return name.rpartition("@")[2]


def _error(status: int, code: str, message: str) -> Response:
    error = wire.AwsError(status, code, message, code, status)
    return wire.error_response(wire.Protocol.REST, error)
