"""Requests to decide, of one mail or from a file of cases, and what is decided of each."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam import ses_actions
from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.proof.members import Member

DEFAULT_ACTION = "ses:SendRawEmail"
_ACTIONS = {action.lower(): action for action in ses_actions.SEND_ACTIONS}
_ELEMENTS = (
    *("name", "policies", "boundary", "session_policies", "resource_policies"),
    *("principal", "action", "resource", "context", "expect"),
)
_EXAMPLE = 'A case: {"name": "own domain", "policies": [{...}], "action": "ses:SendRawEmail"}'


@dataclass(frozen=True)
class Mail:
    """A mail that somebody wants to send; addresses are bare."""

    sender: str
    action: str = DEFAULT_ACTION
    return_path: str | None = None
    recipients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no address, and an action that sends nothing; raises `usage`."""
        named = [("--from", self.sender), ("--return-path", self.return_path)]
        named += [("--recipient", recipient) for recipient in self.recipients]
        for option, address in named:
            if address is not None and not _is_address(address):
                raise SesTenantError(
                    ErrorCode.USAGE,
                    f"{option} '{address}' is no e-mail address.",
                    "It looks like info@shop.example.com, without a name and angle brackets.",
                )
        if self.action.lower() not in _ACTIONS:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"'{self.action}' is no action that sends mail.",
                f"Actions: {', '.join(ses_actions.SEND_ACTIONS)}.",
            )

    @property
    def domain(self) -> str:
        """Return the domain of the From address, in lower case."""
        return self.sender.rpartition("@")[2].lower()

    def request(self, partition: str, region: str, account: str, principal: str = "") -> Request:
        """Return the request that asks SES to send it, by the identity of the From domain."""
        return Request(
            _ACTIONS[self.action.lower()],
            ses_actions.identity_arn(partition, region, account, self.domain),
            ses_actions.mail_context(
                self.sender, return_path=self.return_path, recipients=self.recipients
            ),
            principal,
        )


@dataclass(frozen=True)
class Case:
    """A request and the policies that decide it; `expect` is the answer wanted, if any."""

    name: str
    policies: Policies
    request: Request
    expect: Answer | None = None


@dataclass(frozen=True)
class Result:
    """What was decided of a case, and why."""

    name: str
    decision: Answer
    reason: str
    expect: Answer | None = None

    @property
    def unexpected(self) -> bool:
        """Tell whether another answer was wanted."""
        return self.expect not in (None, self.decision)


def simulate(cases: Iterable[Case]) -> tuple[Result, ...]:
    """Return the decision of each case, in order.

    Raises SesTenantError `usage` for a policy that IAM would not take, naming its case.
    """
    found = []
    for case in cases:
        try:
            verdict = decide(case.policies, case.request)
        except SesTenantError as error:
            raise SesTenantError(
                error.code, f"Case '{case.name}': {error.message}", error.hint
            ) from error
        found.append(Result(case.name, verdict.answer, verdict.reason, case.expect))
    return tuple(found)


def case_of_tenant(mail: Mail, member: Member, region: str) -> Case:
    """Return the case of a mail that a tenant wants to send in a Region."""
    request = mail.request(member.arn.split(":")[1], region, member.account, member.arn)
    whole = Request(
        request.action,
        request.resource,
        {**member.principal.context, **request.context, "aws:requestedregion": (region,)},
        request.principal,
        member.principal.unknown,
    )
    return Case(mail.sender, member.principal.policies, whole)


def case_of_policy(
    mail: Mail, document: object, name: str, domain: SendingDomain, partition: str, region: str
) -> Case:
    """Return the case of a mail that the tenant would send with a policy, offline.

    Raises SesTenantError `usage` if the document is no policy.
    """
    if not isinstance(document, Mapping):
        _refuse(f"{name} holds no policy document.")
    policies = Policies((Policy(name, document),))
    user = f"arn:{partition}:iam::123456789012:user/ses-tenant/{domain}/ses-{domain}"
    return Case(mail.sender, policies, mail.request(partition, region, "123456789012", user))


def parse_cases(text: str) -> tuple[Case, ...]:
    """Return the cases that a JSON list holds.

    Raises SesTenantError `usage` that names the case and the element which is wrong.
    """
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as error:
        _refuse(f"The cases are no JSON: {error}.")
    if not isinstance(listed, list):
        _refuse("The cases are no JSON list.")
    return tuple(_case(entry, number) for number, entry in enumerate(listed, start=1))


def _case(entry: object, number: int) -> Case:
    where = f"Case {number}"
    if not isinstance(entry, Mapping):
        _refuse(f"{where} is no JSON object.")
    name = _text(entry, "name", where, f"case {number}")
    where = f"{where} ('{name}')"
    for key in entry:
        # A boundary that is misspelt would silently limit nothing; other remarks do no harm.
        meant = get_close_matches(str(key), _ELEMENTS, n=1, cutoff=0.75)
        if key not in _ELEMENTS and meant:
            _refuse(f"{where} has '{key}'; is '{meant[0]}' meant?")
    for needed in ("policies", "action"):
        if needed not in entry:
            _refuse(f"{where} has no '{needed}'.")
    expect = entry.get("expect")
    if expect is not None and expect not in list(Answer):
        _refuse(f"{where}: 'expect' is none of {', '.join(Answer)}.")
    return Case(
        name,
        Policies(
            _policies(where, "policies", entry["policies"]),
            _policies(where, "boundary", entry.get("boundary")) or None,
            _policies(where, "session_policies", entry.get("session_policies")) or None,
            _policies(where, "resource_policies", entry.get("resource_policies")),
        ),
        Request(
            _text(entry, "action", where),
            _text(entry, "resource", where, "*"),
            _context(entry.get("context"), where),
            _text(entry, "principal", where, ""),
        ),
        Answer(expect) if expect is not None else None,
    )


def _policies(where: str, element: str, value: object) -> tuple[Policy, ...]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    for document in listed:
        if not isinstance(document, Mapping):
            _refuse(f"{where}: '{element}' holds what is no policy document.")
    return tuple(Policy(f"{element}[{n}]", document) for n, document in enumerate(listed))


def _context(value: object, where: str) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        _refuse(f"{where}: 'context' is no JSON object.")
    return {str(key): tuple(_values(item, str(key), where)) for key, item in value.items()}


def _values(value: object, key: str, where: str) -> Iterable[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bool):
            yield str(item).lower()
        elif isinstance(item, str | int | float):
            yield str(item)
        else:
            _refuse(f"{where}: the value of '{key}' is neither text nor a list of texts.")


def _text(entry: Mapping[str, object], element: str, where: str, default: str | None = None) -> str:
    value = entry.get(element, default)
    if not isinstance(value, str):
        _refuse(f"{where}: '{element}' is no text.")
    return value


def _is_address(address: str) -> bool:
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and not set(address) & set(" <>,;\t\r\n")


def _refuse(message: str) -> NoReturn:
    raise SesTenantError(ErrorCode.USAGE, message, _EXAMPLE)
