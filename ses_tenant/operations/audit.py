"""`audit`: who may send as whom in the whole account."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.findings.audit import Audit, IdentityPolicies
from ses_tenant.core.findings.audit import audit as find
from ses_tenant.core.findings.finding import MAX_DOMAINS
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.identity.ses import SesIdentity
from ses_tenant.core.proof.members import Member, members
from ses_tenant.operations.protocols import Iam, Ses

# One request an identity: past this, only on demand.
MAX_IDENTITIES = 100


def audit(
    iam: Iam,
    ses: Ses,
    now: datetime,
    max_age: timedelta,
    *,
    identity_policies: bool | None = None,
    limit: int | None = MAX_DOMAINS,
) -> tuple[Audit, tuple[Notice, ...]]:
    """Return the findings, and warnings of what the operator may not read.

    The policies of email identities are read if there are not too many of them, or as
    `identity_policies` says. A finding names at most `limit` domains; None: all.
    """
    people = members(iam.account_details())
    warnings: list[Notice] = []
    try:
        keys = iam.credential_report().users
    except SesTenantError as error:
        if error.code is not ErrorCode.ACCESS_DENIED:
            raise
        keys = {}
        warnings.append(Notice("not_read", f"The access keys were not looked at. {error.message}"))
    places = {(t.domain, region) for m in people for t in m.targets() for region in t.regions}
    if identity_policies is None and len(places) > MAX_IDENTITIES:
        warnings.append(
            Notice(
                "not_read",
                f"The policies of {len(places)} email identities were not read, one request each: "
                "--identity-policies does it.",
            )
        )
    wanted = len(places) <= MAX_IDENTITIES if identity_policies is None else identity_policies
    identities: list[IdentityPolicies] = []
    if wanted:
        try:
            identities = list(_identities(ses, people))
        except SesTenantError as error:
            warnings.append(
                Notice("not_read", f"The email identities were not read. {error.message}")
            )
    return find(people, keys, identities, now, max_age, limit=limit), tuple(warnings)


def audit_saved(
    details: Mapping[str, object],
    now: datetime,
    max_age: timedelta,
    *,
    limit: int | None = MAX_DOMAINS,
) -> tuple[Audit, tuple[Notice, ...]]:
    """Return the findings of a saved answer of GetAccountAuthorizationDetails, offline.

    Raises SesTenantError `usage` if it is none.
    """
    return find(members([details]), {}, (), now, max_age, limit=limit), ()


def _identities(ses: Ses, people: Iterable[Member]) -> Iterator[IdentityPolicies]:
    for member in people:
        for target in member.targets():
            for region in target.regions:
                identity = ses.identity(region, target.domain)
                if identity is not None and identity.policies:
                    yield IdentityPolicies(target, region, _policies(identity))


def _policies(identity: SesIdentity) -> tuple[Policy, ...]:
    return tuple(
        Policy(f"{name} of the identity {identity.name}", document)
        for name, document in identity.policies.items()
    )
