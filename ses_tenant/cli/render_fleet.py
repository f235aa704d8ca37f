"""A fleet's plan as JSON-able data and as text."""

from collections import Counter
from typing import TYPE_CHECKING

import typer

from ses_tenant.cli.console import counted
from ses_tenant.cli.render import plan_data
from ses_tenant.cli.terminal import coloured, wrapped
from ses_tenant.core.fleet.changes import Change, summary
from ses_tenant.core.identity.saved import record_data
from ses_tenant.core.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from ses_tenant.core.identity.records import DnsRecord
    from ses_tenant.operations.fleet import FleetPlan
    from ses_tenant.operations.fleet_identities import Planned

_SIGNS = {
    Change.CREATE: "+",
    Change.UPDATE: "~",
    Change.SUSPEND: "!",
    Change.RESUME: ">",
    Change.DELETE: "-",
}


def fleet_data(plan: "FleetPlan", tenants: "Sequence[Planned]") -> dict[str, object]:
    """Return `data` of `plan` and `apply`."""
    return {
        "tenants": [
            {
                "account": tenant.account,
                "domain": tenant.domain,
                "change": tenant.change.value,
                "steps": plan_data(tenant.plan),
                "records": [record_data(record) for record in tenant.records],
            }
            for tenant in tenants
        ],
        "summary": summary(tenants) | {"not_in_file": len(plan.unlisted)},
    }


def fleet_text(plan: "FleetPlan", stream: "TextIO") -> str:
    """Return the plan for people: grouped by change, counted, what destroys in red.

    What is created is told once for the whole group; all else in its steps, tenant by tenant.
    """
    accounts = len({tenant.account for tenant in plan.tenants}) > 1
    lines: list[str] = []
    for change, sign in _SIGNS.items():
        group = [tenant for tenant in plan.changes if tenant.change is change]
        if not group:
            continue
        lines.append(f"{change.value} {counted(len(group), 'tenant')}:")
        for tenant in group:
            name = f"{tenant.account}/{tenant.domain}" if accounts else tenant.domain
            lines.append(_red(f"  {sign} {name}", stream, on=change is Change.DELETE))
            if change is not Change.CREATE:
                lines += [_detail(line, stream) for line in tenant.differences]
                lines += [
                    _red(_detail(step.summary, stream), stream, on=step.destructive)
                    for step in tenant.plan
                ]
                lines += _dns(tenant.records, stream)
        if change is Change.CREATE:
            calls = Counter(step.action for tenant in group for step in tenant.plan)
            lines += [f"      {number} x {action}" for action, number in calls.items()]
            lines += _dns([record for tenant in group for record in tenant.records], stream)
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def summary_line(plan: "FleetPlan", tenants: "Sequence[Planned]") -> str:
    """Return the counts in one line."""
    counts = summary(tenants)
    parts = [f"{counts[change]} to {change}" for change in _SIGNS if counts[change]]
    parts.append(f"{counts[Change.NONE]} unchanged")
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [f"{len(plan.unlisted)} not in the file"] if plan.unlisted else []
    return f"{counted(len(tenants), 'tenant')}: {', '.join(parts)}"


def _dns(records: "Sequence[DnsRecord]", stream: "TextIO") -> list[str]:
    """Return in a line how many records are then to be added to DNS."""
    kinds = Counter(record.type.value for record in records)
    told = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return [_detail(f"then to add to DNS: {told}", stream)] if told else []


def _detail(text: str, stream: "TextIO") -> str:
    return wrapped(f"      {shown(text)}", stream, 10)


def _red(text: str, stream: "TextIO", *, on: bool) -> str:
    return coloured(text, typer.colors.RED, stream) if on else text
