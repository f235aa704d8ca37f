"""The finding that an email identity is associated with several SES tenants."""

from collections.abc import Iterable, Iterator, Mapping

from ses_tenant.core.findings.finding import AffectedDomain, Finding
from ses_tenant.core.findings.remedy import command, option
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.identity.ses_tenants import SharedIdentity
from ses_tenant.core.tenant.naming import ses_tenant_name


def shared_identities(
    shared: Iterable[SharedIdentity], owners: Mapping[str, str]
) -> Iterator[Finding]:
    """Return the findings; `owners` are the ARNs of the tenants' users by their domains."""
    for each in shared:
        others = [name for name in each.ses_tenants if name != ses_tenant_name(each.domain)]
        yield Rule.SHARED_IDENTITY.found(
            owners[each.domain],
            f"may name any of the SES tenants {', '.join(each.ses_tenants)} in {each.region}, and "
            "so put its mail down to the reputation of another",
            command(
                *("aws", "sesv2", "list-tenant-resources"),
                *option("--region", each.region),
                *option("--tenant-name", others[0]),
            ),
            domains=(AffectedDomain(each.domain),),
            cause=f"{each.region} {' '.join(each.ses_tenants)}",
        )
