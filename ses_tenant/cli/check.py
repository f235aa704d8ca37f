"""`ses-tenant check`."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import completion
from ses_tenant.cli import options as o
from ses_tenant.cli.accounts import (
    FileOption,
    accept_of,
    accounts,
    in_each,
    load_fleet,
    owners_of,
    with_account,
)
from ses_tenant.cli.console import Console, Output, counted, exit_with, status_of
from ses_tenant.cli.findings import (
    AcceptOption,
    AllDomainsOption,
    FailOnOption,
    Judged,
    read_accepted,
)
from ses_tenant.core.errors import ExitStatus
from ses_tenant.core.findings.accepted import Accepted, set_aside
from ses_tenant.core.findings.finding import MAX_DOMAINS, Gathering, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.errors import Notice, SesTenantError
    from ses_tenant.core.tenant.steps import Plan
    from ses_tenant.operations.check import Checked, Inspection
    from ses_tenant.operations.many import Accounts
    from ses_tenant.operations.runtime import Runtime

    Found = tuple[str | None, Inspection]


def check(
    domains: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DOMAIN",
            help="Tenants to check; without one, all.",
            show_default=False,
            autocompletion=completion.tenants,
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
    accept: AcceptOption = None,
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
    """Check that tenants are as they should be, and isolated.

    \b
      ses-tenant check shop.example.com
      ses-tenant check
      ses-tenant check shop.example.com --repair
      ses-tenant check --file tenants.toml

    Policy, tags, what else hangs on the user, access keys, and what SES says of the domain: what
    is not verified comes with the records to add. Of one tenant it also tells how its site sends a
    test mail. Ends with status 4 if there are findings.
    """
    from ses_tenant.core.rotation.decision import duration
    from ses_tenant.operations import check as operation

    options = operation.CheckOptions(duration("--max-age", max_age), live)
    fleet = load_fleet(file) if file else None
    accepted = read_accepted(accept or accept_of(file, fleet))
    named = o.tenants_named(domains or (), profile, region, endpoint_url)
    owners = owners_of(fleet, file, named) if file and fleet else dict.fromkeys(named)
    opened = accounts(file, profile, region, endpoint_url, debug=debug)
    if named:
        opened = {name: r for name, r in opened.items() if name in owners.values()}

    def look(name: str | None, runtime: "Runtime") -> "Inspection":
        mine = [domain for domain, owner in owners.items() if owner == name]
        return operation.inspect(runtime, mine, options, progress)

    console = Console("check", output, quiet)
    with console.progress("Checking tenants ...") as progress:
        looked, errors = in_each(opened, look)
    _raise_if_alone(opened, looked)
    seen = looked
    if repair and not dry_run and _to_repair(looked):
        _confirm(console, looked, yes=yes)
        with console.progress("Repairing ...") as progress:
            seen, failed = in_each(
                {name: opened[name] for name, _ in looked},
                lambda name, runtime: operation.repair(
                    runtime, dict(looked)[name], options, progress
                ),
            )
        errors += failed
    plans = {(name, c.domain): c.plan for name, part in looked for c in part.checked}
    dry_text = _plans_text(looked, sys.stdout) if repair and dry_run else ""
    limit = None if all_domains or any(e.domains for e in accepted) else MAX_DOMAINS
    judged = _judged(seen, accepted, limit, everything=not domains)
    _report(console, seen, errors, plans, dry_text, judged=judged, fail_on=fail_on)


def _judged(
    seen: "Sequence[Found]", accepted: "Sequence[Accepted]", limit: int | None, *, everything: bool
) -> Judged:
    """Return the findings that count. Who does not look at all tenants can call nothing stale."""
    today = datetime.now(UTC).date()
    accounts_seen = None if everything else ()
    judged = []
    for name, part in seen:
        gathering = Gathering(limit)
        for c in part.checked:
            gathering.update(c.findings)
        known = set_aside(gathering.findings(), accepted, today, "check", accounts_seen)
        judged.append((name, known))
    return Judged(tuple(judged))


def _raise_if_alone(opened: "Accounts", looked: "Sequence[Found]") -> None:
    """Raise the failure of the only tenant that the command is about."""
    if len(opened) == len(looked) == 1:
        checked = looked[0][1].checked
        if len(checked) == 1 and checked[0].error:
            raise checked[0].error


def _to_repair(looked: "Sequence[Found]") -> "list[tuple[str | None, Checked]]":
    return [(name, c) for name, part in looked for c in part.checked if c.plan and not c.error]


def _plans_text(looked: "Sequence[Found]", stream: "TextIO") -> str:
    from ses_tenant.cli.render import plan_text

    plans = ((_titled(name, c.domain), plan_text(c.plan, stream)) for name, c in _to_repair(looked))
    return "".join(f"{title}\n{text}" for title, text in plans)


def _confirm(console: Console, looked: "Sequence[Found]", *, yes: bool) -> None:
    """Ask, if a repair takes something away."""
    mend = _to_repair(looked)
    if any(step.destructive for _, c in mend for step in c.plan):
        question = f"Repair {counted(len(mend), 'tenant')}?"
        console.confirm(question, _plans_text(looked, sys.stderr).splitlines(), yes=yes)


def _report(
    console: Console,
    seen: "Sequence[Found]",
    failed: "Sequence[SesTenantError]",
    plans: "Mapping[tuple[str | None, SendingDomain], Plan]",
    dry_text: str,
    *,
    judged: Judged,
    fail_on: Severity,
) -> None:
    """Tell what was found and repaired, and end with the status that stands for it."""
    from ses_tenant.cli.render import plan_data
    from ses_tenant.operations.many import of_account

    checked = [(name, part, c) for name, part in seen for c in part.checked]
    for name, part, c in checked:
        if c.domain in part.repairs and part.repairs[c.domain] is None:
            console.note(f"{_titled(name, c.domain)}: repaired")
    errors = [
        *failed,
        *(
            of_account(name, error)
            for name, part, c in checked
            if (error := c.error or part.repairs.get(c.domain))
        ),
    ]
    status = status_of(errors, len(checked) + len(failed))
    if status is ExitStatus.OK:
        status = judged.status(fail_on)
    console.note(f"{counted(len(checked), 'tenant')}: {judged.summary}.")
    if len(checked) == 1 and (command := _test_mail(checked[0][2])):
        console.note(f"To send a test mail with the site's own settings, where they are: {command}")
    console.result(
        {
            "tenants": [
                with_account(
                    name,
                    {
                        "domain": c.domain.name,
                        "repaired": c.domain in part.repairs and part.repairs[c.domain] is None,
                        "steps": plan_data(plans[name, c.domain]),
                        "test_mail": _test_mail(c),
                    },
                )
                for name, part, c in checked
            ],
            **judged.data,
        },
        judged.text + dry_text,
        [
            *_once(warning for _, _, c in checked for warning in c.warnings),
            *judged.notices,
        ],
        errors,
        status,
    )
    exit_with(status)


def _test_mail(checked: "Checked") -> str | None:
    """Return the command by which the tenant's site sends a test mail with its own settings."""
    from ses_tenant.destinations.formats import get_format

    spec = checked.spec
    if spec is None:
        return None
    return get_format(spec.format, spec.interface).test_mail(spec.domain.name, spec.interface)


def _once(warnings: "Iterable[Notice]") -> "list[Notice]":
    """Return one warning of each kind: where SES denies, it names another identity each time."""
    kinds: dict[tuple[str, str], Notice] = {}
    for warning in warnings:
        kinds.setdefault((warning.code, warning.message.partition(". ")[0]), warning)
    return list(kinds.values())


def _titled(account: str | None, domain: "SendingDomain") -> str:
    return f"{account}  {domain}" if account else domain.name
