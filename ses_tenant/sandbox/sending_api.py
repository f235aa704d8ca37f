"""The operations of both SES APIs that send, made of what moto lacks: a ruling on each message."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.message import EmailMessage
from typing import Any
from xml.sax.saxutils import escape

from moto.ses.exceptions import MissingRenderingAttributeException
from moto.ses.template import parse_template
from werkzeug.wrappers import Response

from ses_tenant.sandbox import wire
from ses_tenant.sandbox.account import Account, Key
from ses_tenant.sandbox.mail import (
    InvalidMailError,
    Mail,
    address_of,
    merged,
    parse_addresses,
    read_headers,
    replace_from,
)
from ses_tenant.sandbox.message_tags import fault_of, in_document, in_form
from ses_tenant.sandbox.model import BOTH
from ses_tenant.sandbox.post import Post
from ses_tenant.sandbox.requests import Call, members
from ses_tenant.sandbox.ruling import (
    DENIED,
    NO_SET,
    NO_TEMPLATE,
    REFUSES_ALL,
    THROTTLED,
    Ruling,
)
from ses_tenant.sandbox.wire import Protocol

_V1 = frozenset({"SendEmail", "SendRawEmail", "SendTemplatedEmail", "SendBulkTemplatedEmail"})
_V2 = frozenset({"SendEmail", "SendBulkEmail"})
_MAX_V1, _MAX_V2, _MAX_RECIPIENTS = 10 * 2**20, 40 * 2**20, 50


class _RefusedError(Exception):
    """A request that fails before anybody looks at policies."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _code(error: InvalidMailError | _RefusedError) -> str:
    return error.code if isinstance(error, _RefusedError) else "InvalidParameterValue"


def sends(call: Call) -> bool:
    """Tell whether the call sends mail."""
    if call.service != "ses":
        return False
    return call.operation in (_V2 if call.protocol is Protocol.REST else _V1)


def send(post: Post, key: Key | None, access_key_id: str, call: Call) -> Response:
    """Carry out a call that sends, and return its answer."""
    context = {"aws:sourceip": (call.source_ip,)} if call.source_ip else {}
    try:
        with post.account.lock:
            mails = list(_mails(post.account, call))
    except (InvalidMailError, _RefusedError) as error:
        return wire.error_response(call.protocol, wire.rejected(_code(error), str(error)))
    except (AttributeError, KeyError, TypeError, ValueError):  # the shape is not the API's
        return wire.error_response(call.protocol, wire.odd_parameters())
    if "Bulk" in call.operation:
        # A bulk request is authorized as a whole; then each entry has a status of its own.
        results = post.send_together(key, access_key_id, mails, call.region, context)
        for refused in (ruling for ruling, _ in results if ruling.code in REFUSES_ALL):
            return _refusal(call, refused)
        return _bulk_answer(call, results)
    ruling, message_id = post.send(key, access_key_id, mails[0], call.region, context)
    if ruling.code is not None:
        return _refusal(call, ruling)
    if call.protocol is Protocol.REST:
        return wire.json_result({"MessageId": message_id})
    return wire.xml_result(call.operation, f"<MessageId>{message_id}</MessageId>")


def _refusal(call: Call, ruling: Ruling) -> Response:
    match ruling.code:
        case code if code == DENIED:
            error = wire.access_denied(ruling.answer)
        case code if code == THROTTLED:
            error = wire.sending_throttled(ruling.answer)
        case code:
            error = wire.rejected(str(code), ruling.answer)
    return wire.error_response(call.protocol, error)


# The status of one entry of a bulk request, in the first API and in the second:
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
_ENTRY_STATUS = {
    THROTTLED: ("AccountDailyQuotaExceeded", "ACCOUNT_DAILY_QUOTA_EXCEEDED"),
    NO_SET: ("ConfigurationSetDoesNotExist", "CONFIGURATION_SET_NOT_FOUND"),
    "InvalidParameterValue": ("InvalidParameterValue", "INVALID_PARAMETER"),
}
_REJECTED_ENTRY = ("MessageRejected", "MESSAGE_REJECTED")


def _bulk_answer(call: Call, results: list[tuple[Ruling, str]]) -> Response:
    if call.protocol is Protocol.REST:
        entries = [
            {"Status": "SUCCESS", "MessageId": message_id}
            if ruling.code is None
            else {
                "Status": _ENTRY_STATUS.get(ruling.code, _REJECTED_ENTRY)[1],
                "Error": ruling.answer,
            }
            for ruling, message_id in results
        ]
        return wire.json_result({"BulkEmailEntryResults": entries})
    members = "".join(
        f"<member><Status>Success</Status><MessageId>{message_id}</MessageId></member>"
        if ruling.code is None
        else f"<member><Status>{_ENTRY_STATUS.get(ruling.code, _REJECTED_ENTRY)[0]}</Status>"
        f"<Error>{escape(ruling.answer)}</Error></member>"
        for ruling, message_id in results
    )
    return wire.xml_result(call.operation, f"<Status>{members}</Status>")


def _mails(account: Account, call: Call) -> Iterator[Mail]:
    """Yield the messages that a call sends; raises what `send` expects."""
    limit = _MAX_V2 if call.protocol is Protocol.REST else _MAX_V1
    found = _second(account, call) if call.protocol is Protocol.REST else _first(account, call)
    for mail in found:
        if not mail.recipients:
            raise _RefusedError("InvalidParameterValue", "Missing required parameter: recipients")
        if len(mail.recipients) > _MAX_RECIPIENTS:
            raise _RefusedError("MessageRejected", "Recipient count exceeds 50.")
        if len(mail.raw) > limit:
            text = f"Message length is more than {limit} bytes long: '{len(mail.raw)}'."
            yield replace(mail, raw=b"", fault=("InvalidParameterValue", text))
        else:
            yield replace(mail, fault=mail.fault or fault_of(mail.tags))


def _first(account: Account, call: Call) -> Iterator[Mail]:
    form = call.parameters
    common: dict[str, Any] = {
        "interface": "api",
        "operation": f"{call.operation} (v1)",
        "api_version": "1",
        "return_path": address_of(form["ReturnPath"]) if form.get("ReturnPath") else None,
        "identity_arn": form.get("SourceArn") or form.get("FromArn"),
        "configuration_set": form.get("ConfigurationSetName"),
        "tags": in_form(form, "Tags") + in_form(form, "DefaultTags"),
        "actions": (f"ses:{call.operation}",),
    }
    if call.operation == "SendRawEmail":
        raw = _decoded(form["RawMessage.Data"])
        yield _raw(raw, form.get("Source"), members(form, "Destinations"), common)
        return
    ((name, sender),) = parse_addresses(form["Source"])
    common |= {"senders": (sender,), "display_name": name or None}
    to = _form_destination(form, "Destination")
    if call.operation == "SendEmail":
        body = {kind: form.get(f"Message.Body.{kind}.Data") for kind in ("Text", "Html")}
        subject = form["Message.Subject.Data"]
        yield _composed(form["Source"], to, subject, body["Text"], body["Html"], common)
        return
    template = form["Template"]
    if call.operation == "SendTemplatedEmail":
        data = form.get("TemplateData") or "{}"
        yield _templated(account, call.region, template, data, form["Source"], to, common)
        return
    number, default_tags = 1, common["tags"]
    while any(k.startswith(f"Destinations.member.{number}.") for k in form):
        prefix = f"Destinations.member.{number}"
        data = form.get(f"{prefix}.ReplacementTemplateData") or form["DefaultTemplateData"]
        to = _form_destination(form, f"{prefix}.Destination")
        common["tags"] = default_tags + in_form(form, f"{prefix}.ReplacementTags")
        yield _templated(account, call.region, template, data, form["Source"], to, common)
        number += 1
    if number == 1:
        raise _RefusedError("InvalidParameterValue", "Missing required parameter: Destinations")


def _second(account: Account, call: Call) -> Iterator[Mail]:
    document = call.parameters
    feedback = document.get("FeedbackForwardingEmailAddress")
    common: dict[str, Any] = {
        "interface": "api",
        "operation": f"{call.operation} (v2)",
        "api_version": "2",
        "return_path": address_of(feedback) if feedback else None,
        "identity_arn": document.get("FromEmailAddressIdentityArn"),
        "configuration_set": document.get("ConfigurationSetName"),
        "tags": in_document(document.get("EmailTags") or document.get("DefaultEmailTags")),
    }
    source = str(document.get("FromEmailAddress") or "")
    if call.operation == "SendBulkEmail":
        ((name, sender),) = parse_addresses(source)
        common |= {"senders": (sender,), "display_name": name or None}
        # Both actions are checked: https://anymail.dev/en/stable/esps/amazon_ses/
        common["actions"] = _played(account, "bulk_v2", ("SendBulkEmail", "SendBulkTemplatedEmail"))
        template = document["DefaultContent"]["Template"]
        default_tags = common["tags"]
        for entry in document["BulkEmailEntries"]:
            common["tags"] = default_tags + in_document(entry.get("ReplacementTags"))
            own = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
            data = own.get("ReplacementTemplateData") or template.get("TemplateData") or "{}"
            to = _destination(entry["Destination"])
            yield _v2_template(account, call.region, template, data, source, to, common)
        if not document["BulkEmailEntries"]:
            raise _RefusedError("BadRequestException", "Missing required parameter: entries")
        return
    content = document["Content"]
    to = _destination(document.get("Destination") or {})
    if "Raw" in content:
        raw = _decoded(content["Raw"]["Data"])
        common["actions"] = ("ses:SendRawEmail",)
        recipients = [address for kind in to.values() for address in kind]
        yield _raw(replace_from(raw, source) if source else raw, None, recipients, common)
        return
    ((name, sender),) = parse_addresses(source)
    common |= {"senders": (sender,), "display_name": name or None}
    if "Simple" in content:
        body = content["Simple"]["Body"]
        text, html = (body[k]["Data"] if k in body else None for k in ("Text", "Html"))
        common["actions"] = ("ses:SendEmail",)
        subject = content["Simple"]["Subject"]["Data"]
        yield _composed(source, to, subject, text, html, common)
        return
    # Which of the two AWS checks is documented nowhere; the stricter model asks for both.
    common["actions"] = _played(account, "template_v2", ("SendEmail", "SendTemplatedEmail"))
    template = content["Template"]
    data = template.get("TemplateData") or "{}"
    yield _v2_template(account, call.region, template, data, source, to, common)


def _played(account: Account, point: str, both: tuple[str, ...]) -> tuple[str, ...]:
    answer = account.settings.model.answer(point)
    return tuple(f"ses:{name}" for name in (both if answer == BOTH else (answer,)))


Destination = Mapping[str, list[str]]


def _raw(
    raw: bytes, source: str | None, destinations: list[str], common: Mapping[str, Any]
) -> Mail:
    headers = read_headers(raw)
    named = [address for value in destinations for _, address in parse_addresses(value)]
    return Mail(
        **{
            **common,
            "senders": merged(
                [address_of(source)] if source else (), headers.written, headers.others
            ),
            "written": headers.written,
            "others": headers.others,
            "return_path": common["return_path"] or headers.return_path,
            "configuration_set": common["configuration_set"] or headers.configuration_set,
            "identity_arn": common["identity_arn"] or headers.source_arn,
            "display_name": headers.display_name,
            "recipients": merged(named) or headers.recipients,
            "subject": headers.subject,
            "tags": (*common["tags"], *headers.tags),
            "raw": raw,
        }
    )


def _composed(
    source: str,
    to: Destination,
    subject: str,
    text: str | None,
    html: str | None,
    common: Mapping[str, Any],
    template: str | None = None,
) -> Mail:
    if text is None and html is None:
        raise _RefusedError("InvalidParameterValue", "The message has no body.")
    message = EmailMessage()
    try:
        message["From"] = source
        for kind in ("To", "Cc"):
            if to[kind]:
                message[kind] = ", ".join(to[kind])
        message["Subject"] = subject
    except ValueError as error:  # a line break in a header
        raise InvalidMailError("A header contains a line break.") from error
    if text is not None:
        message.set_content(text)
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    return Mail(
        **common,
        recipients=merged(_recipients(to)),
        raw=message.as_bytes(),
        subject=subject,
        template=template,
    )


def _templated(
    account: Account,
    region: str,
    template: str,
    data: str,
    source: str,
    to: Destination,
    common: Mapping[str, Any],
) -> Mail:
    found = account.ses(region).templates.get(template)
    try:
        if found is None:
            raise _RefusedError(NO_TEMPLATE, f"Template {template} does not exist.")
        parts = {
            "subject": found.get("subject_part") or "",
            "text": found.get("text_part"),
            "html": found.get("html_part"),
        }
        return _filled(parts, data, source, to, common, template)
    except (InvalidMailError, _RefusedError) as error:
        recipients = merged(_recipients(to))
        fault = (_code(error), str(error))
        return Mail(**common, recipients=recipients, raw=b"", template=template, fault=fault)


def _v2_template(
    account: Account,
    region: str,
    template: Mapping[str, Any],
    data: str,
    source: str,
    to: Destination,
    common: Mapping[str, Any],
) -> Mail:
    content = template.get("TemplateContent")
    if content is None:
        name = template.get("TemplateName") or template["TemplateArn"].rpartition("/")[2]
        return _templated(account, region, name, data, source, to, common)
    parts = {
        "subject": content.get("Subject") or "",
        "text": content.get("Text"),
        "html": content.get("Html"),
    }
    return _filled(parts, data, source, to, common, None)


def _filled(
    parts: Mapping[str, str | None],
    data: str,
    source: str,
    to: Destination,
    common: Mapping[str, Any],
    template: str | None,
) -> Mail:
    values = json.loads(data)
    if not isinstance(values, dict):
        raise _RefusedError("InvalidParameterValue", "The template data is no JSON object.")
    try:
        subject, text, html = (
            parse_template(part, as_texts(values)) if part else part
            for part in (parts["subject"], parts["text"], parts["html"])
        )
    except MissingRenderingAttributeException as error:
        recipients = merged(_recipients(to))
        return Mail(
            **common, recipients=recipients, raw=b"", template=template, unrendered=error.message
        )
    return _composed(source, to, subject or "", text, html, common, template)


def as_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template's data as moto fills it in: texts, and what is inside by a dotted name."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        match value:
            case Mapping():
                inner = as_texts(value)
                found |= {name: inner, **{f"{name}.{key}": text for key, text in inner.items()}}
            case list():
                items = (as_texts(v) if isinstance(v, Mapping) else {"this": str(v)} for v in value)
                found[name] = list(items)
            case bool():
                found[name] = "true" if value else ""
            case _:
                found[name] = None if value is None else str(value)
    return found


def _form_destination(form: Mapping[str, Any], prefix: str) -> Destination:
    return {kind: members(form, f"{prefix}.{kind}Addresses") for kind in ("To", "Cc", "Bcc")}


def _destination(document: Mapping[str, Any]) -> Destination:
    return {kind: list(document.get(f"{kind}Addresses") or ()) for kind in ("To", "Cc", "Bcc")}


def _recipients(to: Destination) -> list[str]:
    return [a for kind in to.values() for value in kind for _, a in parse_addresses(value)]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # some wrap its lines
    except binascii.Error as error:
        raise InvalidMailError("The raw message is not base64.") from error
