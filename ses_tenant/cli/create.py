"""`ses-tenant create`."""

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ses_tenant.cli import options as o
from ses_tenant.cli.consent import agree, consent, unread
from ses_tenant.cli.console import (
    Console,
    Output,
    envelope,
    exit_with,
    print_error,
    status_of,
    write_stdout,
)
from ses_tenant.cli.readiness import (
    IdentityWork,
    Readiness,
    arrange_ses_tenant,
    prepare_identity,
    prepare_ses_tenant,
    read_readiness,
    require_own_channel,
)
from ses_tenant.core.errors import SesTenantError
from ses_tenant.wiring import make_runtime

if TYPE_CHECKING:
    from ses_tenant.core.errors import Notice
    from ses_tenant.core.identity.records import DnsRecord
    from ses_tenant.core.identity.ses_tenants import SesTenantSteps
    from ses_tenant.core.tenant.credentials import Credentials
    from ses_tenant.core.tenant.spec import TenantSpec
    from ses_tenant.operations.create import Created, Prepared


@o.takes_settings()
def create(
    domain: o.Domain,
    *,
    given: o.Given,
    force: o.Force = False,
    verify: o.Verify = False,
    identity: Annotated[
        bool,
        typer.Option(
            "--identity",
            help="Create the domain's email identity as well, and show its DNS records.",
            show_default=False,
        ),
    ] = False,
    records: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="With --identity: print its DNS records, as zone, route53, cloudflare, "
            "terraform, octodns or csv.",
            show_default=False,
        ),
    ] = None,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    profile: o.Profile = None,
    endpoint_url: o.EndpointUrl = None,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Create a tenant: an IAM user that can send only as DOMAIN.

    \b
      ses-tenant create shop.example.com
      ses-tenant create shop.example.com --smtp --region eu-central-1
      ses-tenant create shop.example.com --to file:/srv/shop/.env
      ses-tenant create shop.example.com --identity
      ses-tenant create shop.example.com --dry-run

    Creates the IAM user ses-DOMAIN under the path /ses-tenant/DOMAIN/, attaches the inline policy
    that `ses-tenant policy DOMAIN` prints, issues one access key and delivers it. Run again, it
    puts right what has drifted, keeps the options it was made with, and issues no second key. What
    would stop mail that the site may send now, it asks about. At the end it tells what is missing
    before mail arrives; --quiet does not look.
    """
    request = o.tenant_request(domain, given)
    session = o.connect(profile, o.first_region(request), endpoint_url, debug=debug)
    if request.regions:
        session.check_regions(request.regions)
    from ses_tenant.operations import create as operation

    console = Console("create", output, quiet)

    def show(_spec: "TenantSpec", credentials: "Credentials") -> None:
        # Printing is the delivery: if it fails, the key is deleted again. What is missing is asked
        # once the tenant is there, and in JSON it stands in the document that is printed here.
        seen = read_readiness(console, session, prepared.spec) if output is Output.JSON else None
        _print(console, prepared, credentials, seen)

    allowed = unread() if dry_run else consent([request])
    runtime = make_runtime(session, show, force=force, consent=allowed)
    with console.progress(f"Creating {request.domain} ..."):
        prepared = operation.prepare(runtime, request)
        require_own_channel(records, prepared.spec.destination, identity=identity)
        work = None
        if identity:
            work = prepare_identity(session, runtime.iam, prepared.spec)
        if dry_run:
            associate = prepare_ses_tenant(runtime, prepared.spec, work)
            _show_plan(console, prepared, work, associate)
            return
    if any(step.destructive for step in prepared.plan):
        from ses_tenant.cli.render import plan_text

        console.confirm(
            f"Change {request.domain}?",
            plan_text(prepared.plan, sys.stderr).splitlines(),
            yes=yes,
            why="This stops mail that the site may send now",
        )
    agree(console, [request])
    with console.progress(f"Creating {request.domain} ..."):
        wanted = work.carry_out(session) if work else ()
        created = operation.carry_out(runtime, prepared)
        associated, notices = arrange_ses_tenant(runtime, prepared.spec)
        created = replace(
            created, prepared=replace(prepared, warnings=(*prepared.warnings, *notices))
        )
        readiness = None
        if output is Output.TABLE or not created.printed:
            readiness = read_readiness(console, session, prepared.spec)
    failure, verified = None, ""
    if verify and created.credentials:
        try:
            with console.progress("Waiting until AWS accepts the key ..."):
                verified = runtime.verify(created.credentials)
        except SesTenantError as error:
            failure = error
    _report(
        console, created, verified, readiness, failure, _Records(work, wanted, records, associated)
    )


@dataclass(frozen=True)
class _Records:
    """The identity that was made beside the tenant, its records, and the form to print them in."""

    work: IdentityWork | None
    records: "tuple[DnsRecord, ...]"
    form: str | None
    ses_tenant: "SesTenantSteps"

    def tell(self, console: Console) -> None:
        """Tell what was done in SES, and print the records: on stdout only if asked for."""
        for associated in self.ses_tenant:
            console.note(f"{associated.summary}: done")
        if self.work is None:
            return
        from ses_tenant.cli.identity.create import get_form

        for step in self.work.steps:
            console.note(f"{step.summary}: done")
        if self.form is not None and console.output is Output.TABLE:
            write_stdout(get_form(self.form)(self.records))
        elif self.records:
            console.note("Add these records to the DNS of the domain:\n")
            console.note(get_form(None)(self.records))


def _print(
    console: Console,
    prepared: "Prepared",
    credentials: "Credentials",
    readiness: Readiness | None,
) -> None:
    """Print the result with the credentials in it."""
    from ses_tenant.cli.render import create_data
    from ses_tenant.destinations.formats import get_format

    spec = prepared.spec
    if console.output is Output.JSON:
        data = create_data(spec, prepared.plan, credentials.user_arn, credentials)
        data["readiness"] = readiness.data() if readiness else None
        write_stdout(envelope(console.command, data, prepared.warnings))
    else:
        write_stdout(get_format(spec.format, spec.interface).write(credentials))


def _report(
    console: Console,
    created: "Created",
    verified: str,
    readiness: Readiness | None,
    failure: SesTenantError | None,
    identity: _Records,
) -> None:
    """Tell what was done; print the result, unless the credentials were printed with it."""
    from ses_tenant.cli.render import create_data, plan_lines
    from ses_tenant.core.tenant.policy import sender_patterns
    from ses_tenant.core.tenant.spec import STDOUT

    prepared, credentials = created.prepared, created.credentials
    spec = prepared.spec
    errors = [failure] if failure else []
    status = status_of(errors, 1)
    for line in plan_lines(prepared.plan):
        console.note(f"{spec.domain}: {line}: done")
    if not prepared.plan:
        console.note(f"{spec.domain}: nothing to change, everything is as it should be")
    if verified:
        console.note(verified)
    if credentials:
        console.note(
            f"These credentials send only as {', '.join(sender_patterns(spec))}.\n"
            f"{'They are shown this once. ' if spec.destination == STDOUT else ''}"
            f"{'' if verified else 'IAM may need some seconds until they work.'}".rstrip()
        )
        _tell_use(console, spec)
    identity.tell(console)
    if readiness is not None:
        readiness.tell(console)
    if not created.printed:
        data = create_data(spec, prepared.plan, created.user_arn, credentials)
        data["readiness"] = readiness.data() if readiness else None
        console.result(data, "", prepared.warnings, errors, status)
    else:
        for warning in prepared.warnings:
            console.warn(warning)
        for error in errors:
            print_error(error)
    exit_with(status)


def _tell_use(console: Console, spec: "TenantSpec") -> None:
    """Tell where the printed credentials belong, and how to see that mail goes out."""
    from ses_tenant.core.tenant.spec import STDOUT
    from ses_tenant.destinations.formats import get_format

    form = get_format(spec.format, spec.interface)
    if spec.destination == STDOUT:
        console.note(f"\nPut them into {form.put}.")
    if form.then:
        console.note(form.then)
    if test := form.test_mail(spec.domain.name, spec.interface):
        console.note(f"To send a test mail, where the site runs: {test}")
    console.note(f"To see whether all is well: ses-tenant check {spec.domain}")


def _show_plan(
    console: Console,
    prepared: "Prepared",
    work: IdentityWork | None,
    associate: "tuple[SesTenantSteps, tuple[Notice, ...]]",
) -> None:
    from ses_tenant.cli.render import create_data, plan_data, plan_text

    steps = (*(work.steps if work else ()), *prepared.plan, *associate[0])
    if not steps:
        console.note(f"{prepared.spec.domain}: nothing to change")
    data = create_data(prepared.spec, prepared.plan, prepared.user_arn, None)
    data |= {"steps": plan_data(steps), "readiness": None}
    console.result(data, plan_text(steps, sys.stdout), (*prepared.warnings, *associate[1]))
