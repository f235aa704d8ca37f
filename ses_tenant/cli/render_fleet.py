"""A fleet's plan as JSON-able data and as text."""

from collections import Counter
from typing import TYPE_CHECKING

import typer

from ses_tenant.cli.console import counted
from ses_tenant.cli.render import plan_data
from ses_tenant.cli.terminal import coloured, wrapped
from ses_tenant.core.fleet.changes import Change, summary
from ses_tenant.core.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from ses_tenant.core.fleet.changes import TenantPlan
    from ses_tenant.operations.fleet import FleetPlan

_SIGNS = {
    Change.CREATE: "+",
    Change.UPDATE: "~",
    Change.SUSPEND: "!",
    Change.RESUME: ">",
    Change.DELETE: "-",
}


def fleet_data(plan: "FleetPlan", tenants: "Sequence[TenantPlan]") -> dict[str, object]:
    """Return `data` of `plan` and `apply`."""
    return {
        "tenants": [
            {
                "account": tenant.account,
                "domain": tenant.domain,
                "change": tenant.change.value,
                "steps": plan_data(tenant.plan),
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
        if change is Change.CREATE:
            calls = Counter(step.action for tenant in group for step in tenant.plan)
            lines += [f"      {number} x {action}" for action, number in calls.items()]
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def summary_line(plan: "FleetPlan", tenants: "Sequence[TenantPlan]") -> str:
    """Return the counts in one line."""
    counts = summary(tenants)
    parts = [f"{counts[change]} to {change}" for change in _SIGNS if counts[change]]
    parts.append(f"{counts[Change.NONE]} unchanged")
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [f"{len(plan.unlisted)} not in the file"] if plan.unlisted else []
    return f"{counted(len(tenants), 'tenant')}: {', '.join(parts)}"


def _detail(text: str, stream: "TextIO") -> str:
    return wrapped(f"      {shown(text)}", stream, 10)


def _red(text: str, stream: "TextIO", *, on: bool) -> str:
    return coloured(text, typer.colors.RED, stream) if on else text
