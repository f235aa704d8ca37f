"""`ses-tenant check`."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import (
    FileOption,
    accounts,
    each_account,
    load_fleet,
    of_account,
    owners_of,
    with_account,
)
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.cli.findings import (
    AllDomainsOption,
    FailOnOption,
    finding_data,
    findings_text,
    status_for,
    summary,
    worst_first,
)
from ses_tenant.core.errors import ExitStatus, SesTenantError
from ses_tenant.core.findings.finding import MAX_DOMAINS, Gathering, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.errors import Notice
    from ses_tenant.operations.check import Checked, World


def check(
    domains: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DOMAIN", help="Tenants to check; without one, all.", show_default=False
        ),
    ] = None,
    file: FileOption = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Put right what can be put right.", show_default=False),
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Ask AWS's own policy simulator as well.", show_default=False),
    ] = False,
    fail_on: FailOnOption = Severity.WARNING,
    all_domains: AllDomainsOption = False,
    max_age: Annotated[
        str, typer.Option(metavar="TIME", help="Report access keys that are older.")
    ] = "90d",
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    region: o.Region = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Check that tenants are as they should be and isolated from each other.

    \b
      ses-tenant check shop.example.com
      ses-tenant check
      ses-tenant check shop.example.com --repair
      ses-tenant check --file tenants.toml

    Policy, tags, what else hangs on the user, access keys, and what SES says of the domain. Ends
    with status 4 if there are findings.
    """
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.rotation.decision import duration

    age = duration("--max-age", max_age)
    named = [SendingDomain.parse(text) for text in domains or ()]
    owners = owners_of(load_fleet(file), file, named) if file else dict.fromkeys(named)
    opened = accounts(file, profile, region, endpoint_url, debug=debug)
    if named:
        opened = [(name, session) for name, session in opened if name in owners.values()]
    from ses_tenant.cli.render import plan_data, plan_text

    console = Console("check", output, quiet)

    def look(name: str | None, session: "AwsSession") -> _Part:
        mine = tuple(domain for domain, owner in owners.items() if owner == name)
        with console.progress("Checking tenants ...") as progress:
            return _look(_world(session, age, live=live), mine, session.workers, progress)

    looked, errors = each_account(opened, look)
    if len(opened) == len(looked) == 1:
        (only,) = looked
        if len(only[1].checked) == 1 and (failed := only[1].checked[0].error):
            raise failed
    mend = [(name, c) for name, part in looked for c in part.checked if c.plan and not c.error]
    text = "".join(f"{_titled(name, c.domain)}\n{plan_text(c.plan)}" for name, c in mend)
    parts = looked
    if repair and mend and not dry_run:
        if any(step.destructive for _, c in mend for step in c.plan):
            question = f"Repair {counted(len(mend), 'tenant')}?"
            console.confirm(question, text.splitlines(), yes=yes)
        with console.progress("Repairing ...") as progress:
            parts = [(name, _repair(part, progress)) for name, part in looked]
        for name, part in parts:
            for domain, failure in part.done.items():
                if failure is None:
                    console.note(f"{_titled(name, domain)}: repaired")
    checked = [(name, part, c) for name, part in parts for c in part.checked]
    errors += [
        of_account(name, error)
        for name, part, c in checked
        if (error := c.error or part.done.get(c.domain))
    ]
    limit = None if all_domains else MAX_DOMAINS
    gathered: dict[str | None, Gathering] = {}
    for name, _, c in checked:
        gathered.setdefault(name, Gathering(limit)).update(c.findings)
    found = worst_first((name, of_one.findings()) for name, of_one in gathered.items())
    status = status_of(errors, len(checked) + len(opened) - len(looked))
    if status is ExitStatus.OK:
        status = status_for([finding for _, finding in found], fail_on)
    told = summary([finding for _, finding in found])
    console.note(f"{counted(len(checked), 'tenant')}: {told}.")
    plans = {(name, c.domain): c.plan for name, part in looked for c in part.checked}
    console.result(
        {
            "tenants": [
                with_account(
                    name,
                    {
                        "domain": c.domain.name,
                        "repaired": c.domain in part.done and part.done[c.domain] is None,
                        "steps": plan_data(plans[name, c.domain]),
                    },
                )
                for name, part, c in checked
            ],
            "findings": [with_account(name, finding_data(finding)) for name, finding in found],
        },
        findings_text(found) + (text if repair and dry_run else ""),
        _once(warning for _, _, c in checked for warning in c.warnings),
        errors,
        status,
    )
    exit_with(status)


def _once(warnings: "Iterable[Notice]") -> "list[Notice]":
    """Return one warning of each kind: where SES denies, it names another identity each time."""
    kinds: dict[tuple[str, str], Notice] = {}
    for warning in warnings:
        kinds.setdefault((warning.code, warning.message.partition(". ")[0]), warning)
    return list(kinds.values())


@dataclass(frozen=True)
class _Part:
    """What was found in one account, and how each repair ended."""

    world: "World"
    wanted: "tuple[SendingDomain, ...]"
    checked: "tuple[Checked, ...]"
    workers: int
    done: "Mapping[SendingDomain, SesTenantError | None]" = field(default_factory=dict)


def _look(
    world: "World",
    named: "tuple[SendingDomain, ...]",
    workers: int,
    progress: "Callable[[int, int], None]",
) -> _Part:
    from ses_tenant.operations import check as operation

    people = operation.read_members(world.iam)
    wanted = named or operation.tenant_domains(people)
    return _Part(world, wanted, operation.check(world, people, wanted, workers, progress), workers)


def _repair(part: _Part, progress: "Callable[[int, int], None]") -> _Part:
    """Repair, and look again at all: what one tenant may do is a finding of others as well."""
    from ses_tenant.operations import check as operation

    done = operation.repair_all(part.world, part.checked, time.sleep)
    if not done:
        return part
    return replace(_look(part.world, part.wanted, part.workers, progress), done=done)


def _world(session: "AwsSession", max_age: timedelta, *, live: bool) -> "World":
    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.ses import Ses
    from ses_tenant.destinations.registry import open_destination
    from ses_tenant.operations.check import World

    return World(
        Iam(session),
        Ses(session),
        lambda spec: open_destination(spec, session, lambda _: None, force=False),
        datetime.now(UTC),
        max_age,
        live=live,
    )


def _titled(account: str | None, domain: "SendingDomain") -> str:
    return f"{account}  {domain}" if account else domain.name
