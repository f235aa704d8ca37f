"""The SES tenant of a domain: planned, made, shown, and looked at for `audit`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.identity.ses_tenants import (
    SesTenant,
    SesTenantStep,
    SesTenantSteps,
    SharedIdentity,
    plan_ses_tenant,
)
from ses_tenant.core.tenant.naming import ses_tenant_name
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.protocols import IdentityReader, SesTenants

if TYPE_CHECKING:
    from ses_tenant.core.proof.members import Member


@dataclass(frozen=True)
class Seen:
    """The SES tenant of a domain in a Region; `found` is None where there is none.

    `error` says why it could not be read.
    """

    region: str
    name: str
    found: SesTenant | None = None
    error: SesTenantError | None = None


def prepare(
    ses_tenants: SesTenants,
    identities: IdentityReader,
    spec: TenantSpec,
    to_come: Iterable[str] = (),
) -> tuple[SesTenantSteps, tuple[Notice, ...]]:
    """Plan the SES tenant of a spec that wants one, with notices where there can be none yet.

    `to_come` are the Regions in which the same run makes the domain's identity. Raises
    SesTenantError `not_ours` for an SES tenant of that name which is not this domain's.
    """
    if not spec.sending.ses_tenant:
        return (), ()
    found: list[SesTenantStep] = []
    notices: list[Notice] = []
    for region in spec.regions:
        identity = identities.get(region, spec.domain.name)
        if identity is None and region not in set(to_come):
            notices.append(
                Notice(
                    "no_ses_tenant",
                    f"{spec.domain} has no email identity of its own in {region}, so it gets no "
                    f"SES tenant there. First: ses-tenant identity create {spec.domain} --own "
                    f"--region {region}; then: ses-tenant create {spec.domain}",
                )
            )
            continue
        default = identity.configuration_set if identity else None
        sets = (*([default] if default else []), *spec.sending.configuration_sets)
        found += plan_ses_tenant(spec.domain, region, _read(ses_tenants, region, spec), sets)
    return tuple(found), tuple(notices)


def _read(ses_tenants: SesTenants, region: str, spec: TenantSpec) -> SesTenant | None:
    name = ses_tenant_name(spec.domain.name)
    found = ses_tenants.get(region, name)
    if found is None:
        return None
    if found.domain != spec.domain.name:
        raise SesTenantError(
            ErrorCode.NOT_OURS,
            f"The SES tenant {name} in {region} was not made for {spec.domain} by ses-tenant.",
            f"It is left as it is. Without one of its own: ses-tenant create {spec.domain} "
            "--no-ses-tenant",
        )
    return SesTenant(name, found.status, found.domain, ses_tenants.resources(region, name))


def carry_out(ses_tenants: SesTenants, plan: Sequence[SesTenantStep]) -> None:
    """Apply the steps in order; what another run has made meanwhile is as good."""
    for done, step in enumerate(plan):
        try:
            ses_tenants.apply(step)
        except SesTenantError as error:
            if error.code is not ErrorCode.ALREADY_EXISTS:
                raise error.after_steps(done, len(plan)) if done else error from error


def arrange(
    ses_tenants: SesTenants, identities: IdentityReader, spec: TenantSpec
) -> tuple[SesTenantSteps, tuple[Notice, ...]]:
    """Give a tenant that is there its SES tenant; return what was done, and notices.

    The credentials are issued and may be used: a failure is a notice.
    """
    try:
        plan, notices = prepare(ses_tenants, identities, spec)
        carry_out(ses_tenants, plan)
    except SesTenantError as error:
        return (), (failure(spec.domain.name, error),)
    return plan, notices


def failure(domain: str, error: SesTenantError) -> Notice:
    """Return the notice that a domain's SES tenant could not be looked at or made."""
    told = f"{domain} has no complete SES tenant. {error.message}"
    again = f"Run again, when that is mended: ses-tenant create {domain}"
    return Notice("ses_tenant_failed", f"{told} {error.hint or again}")


def see(ses_tenants: SesTenants, spec: TenantSpec) -> tuple[Seen, ...]:
    """Return the SES tenants of a spec that wants them, Region by Region."""
    if not spec.sending.ses_tenant:
        return ()
    name, found = ses_tenant_name(spec.domain.name), []
    for region in spec.regions:
        try:
            found.append(Seen(region, name, ses_tenants.get(region, name)))
        except SesTenantError as error:
            found.append(Seen(region, name, error=error))
    return tuple(found)


def shared_identities(
    ses_tenants: SesTenants, people: "Iterable[Member]"
) -> tuple[tuple[SharedIdentity, ...], tuple[Notice, ...]]:
    """Return the identities of domains with an SES tenant that are associated with several.

    One request for each domain that has the setting, and each of its Regions.
    """
    shared: list[SharedIdentity] = []
    try:
        for domain, region in _with_ses_tenant(people):
            names = ses_tenants.of_identity(region, domain)
            if len(names) > 1:
                shared.append(SharedIdentity(domain, region, names))
    except SesTenantError as error:
        told = f"The SES tenants of email identities were not all read. {error.message}"
        return tuple(shared), (Notice("not_read", told),)
    return tuple(shared), ()


def _with_ses_tenant(people: "Iterable[Member]") -> Iterator[tuple[str, str]]:
    for member in people:
        if member.tenant is not None:
            sending = known(member.remembered.sending)
            if sending is not None and sending.ses_tenant:
                for region in known(member.remembered.regions) or ():
                    yield member.tenant.name, region
