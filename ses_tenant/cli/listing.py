"""The tenants of `list` as a table that fits its terminal, and as CSV."""

import csv
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_tenant.cli.list_tenants import Order
from ses_tenant.cli.render import table_text, table_width
from ses_tenant.cli.terminal import wrapped
from ses_tenant.core.rotation.decision import NextStep
from ses_tenant.core.rotation.outlook import WORDS, StateWord, is_due
from ses_tenant.core.tenant.observed import AccessKey, ReportedKey
from ses_tenant.core.text import shown
from ses_tenant.operations.create import age

if TYPE_CHECKING:
    from ses_tenant.operations.list_tenants import TenantSummary

    Listed = tuple[str | None, TenantSummary]

_NARROWEST_DOMAIN = 24
_GAP = 2
_COLOURS = {StateWord.OK: "green", StateWord.ROTATING: "cyan", StateWord.OLD_KEY_OFF: "cyan"}
_NEXT = {NextStep.DEACTIVATE: "disable"}
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Column:
    """A column; that with the highest `gives_way` is left out first where there is no room."""

    title: str
    gives_way: int
    cell: "Callable[[Listed, datetime], str]"


def chosen(
    tenants: "Sequence[Listed]",
    states: Sequence[StateWord],
    order: Order,
    now: datetime,
    *,
    due: bool,
) -> "list[Listed]":
    """Return the tenants in these states, with `due` those with something to do, in this order."""
    found = [
        (account, tenant)
        for account, tenant in tenants
        if (not states or (tenant.state is not None and WORDS[tenant.state] in states))
        and (not due or _is_due(tenant, now))
    ]
    keys: dict[Order, Callable[[TenantSummary], object]] = {
        Order.DOMAIN: lambda _: "",
        Order.STATE: lambda tenant: tenant.state.value if tenant.state else "",
        Order.NEXT: lambda tenant: tenant.next_step_at or _LATEST,
        Order.AGE: lambda tenant: min(_times(tenant, _since), default=_LATEST),
        Order.USED: lambda tenant: max(_times(tenant, lambda k: k.last_used_at), default=_EARLIEST),
    }
    by = keys[order]
    return sorted(found, key=lambda one: (by(one[1]), one[1].domain))


def _is_due(tenant: "TenantSummary", now: datetime) -> bool:
    if tenant.state is None or tenant.next_step is None:
        return False
    return is_due(tenant.state, tenant.next_step, tenant.next_step_at, now)


def _times(
    tenant: "TenantSummary", time: Callable[[AccessKey | ReportedKey], datetime | None]
) -> list[datetime]:
    return [at for key in tenant.access_keys or () if (at := time(key)) is not None]


def _since(key: AccessKey | ReportedKey) -> datetime | None:
    return key.created_at if isinstance(key, AccessKey) else key.changed_at


def table(tenants: "Sequence[Listed]", now: datetime) -> str:
    """Return the tenants as a table. The domain is never left out, whatever the width."""
    columns = [
        *([_Column("Account", 1, lambda one, _: one[0] or "")] if _named(tenants) else []),
        _Column("State", 0, lambda one, _: state(one[1])),
        _Column("Next", 2, lambda one, now: next_text(one[1], now)),
        _Column("Access key", 3, lambda one, _: _per_key(one[1], _key_id)),
        _Column("Age", 4, lambda one, now: _per_key(one[1], lambda k: _ago(_since(k), now, "?"))),
        _Column("Used", 5, lambda one, now: _per_key(one[1], lambda k: _used(k, now))),
        _Column("Via", 6, lambda one, _: one[1].interface or "?"),
    ]
    cells = {c.title: [c.cell(one, now) for one in tenants] for c in columns}
    widths = {
        title: max(len(shown(line)) for cell in (title, *column) for line in cell.split("\n"))
        for title, column in cells.items()
    }
    colours = [_colour(tenant) for _, tenant in tenants]
    longest = max(len("Domain"), *(len(tenant.domain) for _, tenant in tenants))
    kept = fitting(columns, widths, table_width() - min(longest, _NARROWEST_DOMAIN))
    titles = [column.title for column in kept]
    rows = [
        (one[1].domain, *(cells[title][number] for title in titles))
        for number, one in enumerate(tenants)
    ]
    text = table_text(("Domain", *titles), rows, {titles.index("State") + 1: colours})
    why = [
        wrapped(shown(f"{tenant.domain} is suspended {tenant.reason}"), sys.stdout, indent=2)
        for _, tenant in tenants
        if tenant.reason
    ]
    return "".join((text, *("\n" if why else ""), *(f"{line}\n" for line in why)))


def _colour(tenant: "TenantSummary") -> str:
    return _COLOURS.get(WORDS[tenant.state], "red") if tenant.state else ""


def fitting(columns: Sequence[_Column], widths: dict[str, int], room: int) -> list[_Column]:
    """Return the columns that fit, each with a gap before it, in their order."""
    kept = list(columns)
    while kept and sum(widths[c.title] + _GAP for c in kept) > room:
        kept.remove(max(kept, key=lambda column: column.gives_way))
    return kept


def state(tenant: "TenantSummary") -> str:
    """Return the state in plain words."""
    return WORDS[tenant.state].replace("-", " ") if tenant.state else "?"


def next_text(tenant: "TenantSummary", now: datetime) -> str:
    """Return what comes next for the keys, with its date."""
    if tenant.next_step is None:
        return "?"
    word, at = _NEXT.get(tenant.next_step, tenant.next_step.value), tenant.next_step_at
    if at is None:
        return word
    return f"{word} now" if at <= now else f"{word} {at.astimezone(UTC):%Y-%m-%d}"


def csv_text(tenants: "Sequence[Listed]") -> str:
    """Return the tenants as CSV, a line each, with a head (RFC 4180 but for the line ends)."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        ("account", "domain", "user_name", "interface", "state", "next_step", "next_step_at",
         "regions", "destination", "access_key_ids", "created_at", "last_used_at")
    )  # fmt: skip
    for account, tenant in tenants:
        values = (
            account or "",
            tenant.domain,
            tenant.user_name,
            tenant.interface or "",
            WORDS[tenant.state].value if tenant.state else "",
            tenant.next_step.value if tenant.next_step else "",
            _iso(tenant.next_step_at),
            " ".join(tenant.regions),
            "stdout" if tenant.destination == "-" else tenant.destination,
            " ".join(k.access_key_id for k in tenant.access_keys or () if isinstance(k, AccessKey)),
            _iso(max(_times(tenant, _since), default=None)),
            _iso(max(_times(tenant, lambda k: k.last_used_at), default=None)),
        )
        writer.writerow(map(_cell, values))
    return file.getvalue()


def _cell(value: str) -> str:
    """Return a value that a spreadsheet does not take for a formula."""
    value = shown(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def _iso(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def _named(tenants: "Sequence[Listed]") -> bool:
    return any(account for account, _ in tenants)


def _per_key(tenant: "TenantSummary", told: Callable[[AccessKey | ReportedKey], str]) -> str:
    if not tenant.access_keys:
        return "?" if tenant.access_keys is None else "-"
    return "\n".join(told(key) for key in tenant.access_keys)


def _key_id(key: AccessKey | ReportedKey) -> str:
    return key.access_key_id if isinstance(key, AccessKey) else "?"


def _ago(at: datetime | None, now: datetime, unknown: str) -> str:
    return age(at, now) if at else unknown


def _used(key: AccessKey | ReportedKey, now: datetime) -> str:
    return _ago(key.last_used_at, now, "never")
