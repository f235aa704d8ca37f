"""SES tenants: which one a domain should have, and the steps to it.

An SES tenant keeps the reputation of some mail apart; it authorizes nobody. Who may send may name
any tenant that the identity is associated with, and IAM cannot tie SMTP or raw mail to one.
https://docs.aws.amazon.com/ses/latest/dg/tenants.html
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.steps import BaseStep


@dataclass(frozen=True)
class SesTenant:
    """An SES tenant: whether SES lets it send, whose it is, and its resources.

    `status` is ENABLED, REINSTATED or DISABLED. `domain` is that of its tag, None without one. A
    resource is the end of its ARN, such as `identity/shop.example.com`.
    """

    name: str
    status: str
    domain: str | None = None
    resources: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Step(BaseStep):
    service: ClassVar[str] = "ses"

    region: str
    ses_tenant: str

    @property
    def summary(self) -> str:
        """Return one line for people."""
        return f"{self.region}: {super().summary}"


@dataclass(frozen=True)
class CreateTenant(_Step):
    """Create the SES tenant, with the tag that says whose it is."""

    line: ClassVar[str] = "create the SES tenant {ses_tenant}"
    domain: str


@dataclass(frozen=True)
class CreateTenantResourceAssociation(_Step):
    """Let mail by an identity or configuration set name the SES tenant."""

    line: ClassVar[str] = "associate {resource} with the SES tenant {ses_tenant}"
    resource: str


SesTenantStep = CreateTenant | CreateTenantResourceAssociation
SesTenantSteps = tuple[SesTenantStep, ...]


def plan_ses_tenant(
    domain: SendingDomain,
    region: str,
    found: SesTenant | None,
    configuration_sets: Collection[str],
) -> SesTenantSteps:
    """Return the steps that give the domain's identity, and the sets, an SES tenant."""
    name = naming.ses_tenant_name(domain.name)
    resources = [f"identity/{domain}", *(f"configuration-set/{s}" for s in configuration_sets)]
    there = found.resources if found else frozenset()
    return (
        *(() if found else (CreateTenant(region, name, domain.name),)),
        *(
            CreateTenantResourceAssociation(region, name, resource)
            for resource in dict.fromkeys(resources)
            if resource not in there
        ),
    )


@dataclass(frozen=True)
class SharedIdentity:
    """An identity that is associated with several SES tenants, by their names."""

    domain: str
    region: str
    ses_tenants: Sequence[str]
