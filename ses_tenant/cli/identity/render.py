"""How identities, records and verdicts are shown."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from ses_tenant.cli.render import timestamp
from ses_tenant.cli.terminal import coloured, wrapped
from ses_tenant.core.identity.records import DnsRecord
from ses_tenant.core.identity.saved import record_data
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.identity.verdicts import Judged, Verdict
from ses_tenant.core.text import shown

if TYPE_CHECKING:
    from ses_tenant.core.identity.plan import RegionView
    from ses_tenant.operations.identity_check import IdentityCheck

_COLOURS = {Verdict.OK: typer.colors.GREEN, Verdict.PENDING: typer.colors.BLUE}


def region_data(view: "RegionView", domain: str) -> dict[str, object]:
    """Return what SES has in a Region as JSON-able data."""
    identity = view.chain.get(domain) or view.serving()
    return {
        "region": view.region,
        "identity": identity.name if identity else None,
        "ses": ses_data(identity),
    }


def ses_data(identity: EmailIdentity | None) -> dict[str, object]:
    """Return SES's own word on an identity; nulls where SES was not asked or knows none."""
    if identity is None:
        return {"status": None, "dkim": None, "mail_from": None, "last_checked_at": None}
    checked = identity.last_look.checked_at
    return {
        "status": identity.status.value,
        "dkim": identity.dkim.status.value,
        "mail_from": identity.mail_from.status.value if identity.mail_from.domain else None,
        "last_checked_at": timestamp(checked) if checked else None,
    }


def records_data(records: Iterable[DnsRecord]) -> list[dict[str, object]]:
    """Return records as JSON-able data."""
    return [record_data(record) for record in records]


def records_text(records: Sequence[DnsRecord]) -> str:
    """Return records for people: what to enter where the domain's DNS is, and why."""
    blocks = []
    for record in records:
        word = "required" if record.required else "recommended, unless a policy stands above"
        blocks.append(
            f"{record.type} {record.name}\n  {record.value}\n"
            + wrapped(f"  {word}: {record.purpose.why}", sys.stdout, 2)
            + "\n"
        )
    return "\n".join(blocks)


def check_data(check: "IdentityCheck") -> dict[str, object]:
    """Return a check as JSON-able data: what SES says and what DNS says, apart."""
    return {
        "domain": check.domain,
        "region": check.region,
        "identity": check.identity.name if check.identity else None,
        "ses": ses_data(check.identity),
        "records": [
            {
                "name": judged.record.name,
                "type": judged.record.type.value,
                "value": judged.record.value,
                "purpose": judged.record.purpose.value,
                "required": judged.record.required,
                "verdict": judged.verdict.value,
                "found": list(judged.found),
                "note": judged.note,
            }
            for judged in check.records
        ],
        "verdict": check.verdict.value,
    }


def check_text(check: "IdentityCheck") -> str:
    """Return a check for people: the verdict, what SES says, and each record."""
    place = f" in {check.region}" if check.region else ""
    lines = [f"{_coloured(check.verdict)}  {check.domain}{place}"]
    lines += [_told(line) for line in _ses_lines(check)]
    if not check.records and check.identity is None:
        lines += [
            _told("SES has no email identity for it."),
            f"  -> ses-tenant identity create {check.domain}"
            + (f" --region {check.region}" if check.region else ""),
        ]
    for judged in check.records:
        lines += _record_lines(judged)
    return "\n".join(lines) + "\n"


def _ses_lines(check: "IdentityCheck") -> Iterable[str]:
    identity = check.identity
    if identity is None:
        return
    if identity.name != check.domain:
        yield f"served by the identity {identity.name}"
    checked = identity.last_look.checked_at
    looked = f", last looked at {checked:%Y-%m-%d %H:%M} UTC" if checked else ""
    if identity.last_look.name_server:
        looked += f" (name server {identity.last_look.name_server})"
    if identity.last_look.error:
        looked += f": {identity.last_look.error}"
    yield f"SES says: {identity.status}{looked}"


def _record_lines(judged: Judged) -> Iterable[str]:
    record = judged.record
    yield f"  {_coloured(judged.verdict)}  {record.type} {record.name}"
    if judged.verdict is not Verdict.OK:
        yield f"      wanted: {record.value}"
        yield from (f"      found:  {shown(value)}" for value in judged.found)
    if judged.note:
        yield wrapped(f"      {judged.note}", sys.stdout, 6)


def _told(text: str) -> str:
    return wrapped(f"  {text}", sys.stdout, 2)


def _coloured(verdict: Verdict) -> str:
    word = verdict.value.replace("_", " ")
    return coloured(word, _COLOURS.get(verdict, typer.colors.RED), sys.stdout, bold=True)
