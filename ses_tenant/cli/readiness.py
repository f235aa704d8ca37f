"""What a tenant lacks before its mail arrives, as `create` tells it; and `create --identity`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_tenant.core.errors import ErrorCode, SesTenantError

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.cli.console import Console
    from ses_tenant.core.errors import Notice
    from ses_tenant.core.identity.readiness import RegionReadiness
    from ses_tenant.core.identity.records import DnsRecord
    from ses_tenant.core.identity.ses_tenants import SesTenantSteps
    from ses_tenant.core.identity.steps import IdentitySteps
    from ses_tenant.core.tenant.spec import TenantSpec
    from ses_tenant.operations.identity import Prepared
    from ses_tenant.operations.protocols import Iam
    from ses_tenant.operations.runtime import Runtime


@dataclass(frozen=True)
class Readiness:
    """What SES says of a tenant's domain, Region by Region."""

    domain: str
    regions: "tuple[RegionReadiness, ...]"

    def data(self) -> dict[str, object]:
        """Return `data.readiness`."""
        from ses_tenant.cli.identity.render import ses_data
        from ses_tenant.core.identity.readiness import is_ready, missing

        gaps = missing(self.domain, self.regions)
        return {
            "ready": is_ready(self.domain, self.regions),
            "regions": [
                {
                    "region": seen.region,
                    "identity": seen.identity.name if seen.identity else None,
                    "ses": ses_data(seen.identity),
                    "production": seen.account.production if seen.account else None,
                    "sending": seen.account.sending if seen.account else None,
                }
                for seen in self.regions
            ],
            "missing": [
                {
                    "code": gap.gap.value,
                    "region": gap.region,
                    "message": gap.message,
                    "command": gap.command,
                }
                for gap in gaps
            ],
            "next": gaps[0].command if gaps else None,
        }

    def tell(self, console: "Console") -> None:
        """Tell a person what is missing, and the one command that comes next."""
        from ses_tenant.core.identity.readiness import missing

        gaps = missing(self.domain, self.regions)
        if not gaps:
            return
        console.note("\nBefore mail arrives:")
        for gap in gaps:
            console.note(f"- {gap.message}")
        console.note(f"Next: {gaps[0].command}")


def read_readiness(
    console: "Console", session: "AwsSession", spec: "TenantSpec"
) -> Readiness | None:
    """Return what SES says of the tenant's domain; None with --quiet, which asks nothing."""
    if console.quiet:
        return None
    from ses_tenant.aws.identities import Identities
    from ses_tenant.aws.ses import Ses
    from ses_tenant.operations.readiness import read_readiness as read

    found = read(Identities(session), Ses(session), spec.domain, spec.regions)
    return Readiness(spec.domain.name, found)


@dataclass(frozen=True)
class IdentityWork:
    """The identity that `create --identity` makes beside the tenant."""

    prepared: "Prepared"

    @property
    def steps(self) -> "IdentitySteps":
        """Return what is to be done."""
        return self.prepared.steps

    def carry_out(self, session: "AwsSession") -> "tuple[DnsRecord, ...]":
        """Make the identity; return the records that it needs."""
        from ses_tenant.aws.identities import Identities
        from ses_tenant.operations import identity as operation

        identities, domain = Identities(session), self.prepared.settings.domain
        operation.carry_out(identities, self.steps)
        views = [
            operation.read_view(identities, domain, view.region) for view in self.prepared.views
        ]
        return operation.records_of(views, domain)


def prepare_identity(session: "AwsSession", iam: "Iam", spec: "TenantSpec") -> IdentityWork:
    """Plan the identity as `identity create` does. Raises `usage`, and what AWS answers."""
    from ses_tenant.aws.identities import Identities
    from ses_tenant.core.tenant.identity import IdentitySettings
    from ses_tenant.operations import identity as operation

    settings = IdentitySettings(spec.domain)
    prepared = operation.prepare(Identities(session), settings, spec.regions)
    operation.check_mail_from(iam, prepared)
    return IdentityWork(prepared)


def prepare_ses_tenant(
    runtime: "Runtime", spec: "TenantSpec", work: IdentityWork | None
) -> "tuple[SesTenantSteps, tuple[Notice, ...]]":
    """Plan the SES tenant for a dry run. Raises `not_ours`, and what AWS answers."""
    if not spec.sending.ses_tenant:
        return (), ()
    from ses_tenant.operations import ses_tenants as operation

    to_come = [plan.region for plan in work.prepared.plans if plan.steps] if work else []
    return operation.prepare(runtime.ses_tenants, runtime.identities, spec, to_come)


def arrange_ses_tenant(
    runtime: "Runtime", spec: "TenantSpec"
) -> "tuple[SesTenantSteps, tuple[Notice, ...]]":
    """Give a tenant that is there its SES tenant, if it wants one; a failure is a notice."""
    if not spec.sending.ses_tenant:
        return (), ()
    from ses_tenant.operations import ses_tenants as operation

    return operation.arrange(runtime.ses_tenants, runtime.identities, spec)


def require_own_channel(records: str | None, destination: str, *, identity: bool) -> None:
    """Raise SesTenantError `usage` where records and credentials would share stdout."""
    from ses_tenant.cli.identity.create import get_form
    from ses_tenant.core.tenant.spec import STDOUT

    get_form(records)
    if records is not None and not identity:
        raise SesTenantError(
            ErrorCode.USAGE, "--records has a meaning only with --identity.", "Add --identity."
        )
    if records is not None and destination == STDOUT:
        raise SesTenantError(
            ErrorCode.USAGE,
            "Credentials and records cannot both go to stdout.",
            "Deliver the credentials with --to, or print the records later: ses-tenant identity "
            "records DOMAIN --format FORMAT",
        )
