"""`audit`: who may send as whom in the whole account."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.findings.audit import Audit
from ses_tenant.core.findings.audit import audit as find
from ses_tenant.core.findings.finding import MAX_DOMAINS
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.members import Account, read_account, targets_of
from ses_tenant.core.proof.organization import within
from ses_tenant.operations.identity_policies import read_identities
from ses_tenant.operations.protocols import Iam, Ses, SesTenants, Stores
from ses_tenant.operations.ses_tenants import shared_identities
from ses_tenant.operations.store_policies import read_guards


def audit(
    iam: Iam,
    ses: Ses,
    now: datetime,
    max_age: timedelta,
    *,
    identity_policies: bool | None = None,
    stores: Stores | None = None,
    secret_policies: bool | None = None,
    organization: tuple[Policy, ...] | None = None,
    operators: Collection[str] = (),
    ses_tenants: SesTenants | None = None,
    limit: int | None = MAX_DOMAINS,
) -> tuple[Audit, tuple[Notice, ...]]:
    """Return the findings, and warnings of what the operator may not read.

    The policies of email identities are read if there are not too many of them, or as
    `identity_policies` says; in the same way, what guards secrets and parameters with credentials
    is read from `stores`, as `secret_policies` says. `ses_tenants`
    tell which identities they share, if given. `organization` are the service control
    policies, None if they are not known. What `operators` may do is expected. A finding names at
    most `limit` domains; None: all.
    """
    account = _limited(read_account(iam.account_details()), organization)
    people = account.people
    warnings: list[Notice] = []
    try:
        keys = iam.credential_report().users
    except SesTenantError as error:
        if error.code is not ErrorCode.ACCESS_DENIED:
            raise
        keys = {}
        warnings.append(Notice("not_read", f"The access keys were not looked at. {error.message}"))
    targets = targets_of(people)
    identities = read_identities(ses, targets, policies=identity_policies)
    warnings += identities.notices
    people = tuple(replace(member, verified_in=identities.verified_in) for member in people)
    guards, unread = read_guards(stores, people, policies=secret_policies)
    warnings += unread
    shared, not_asked = shared_identities(ses_tenants, people) if ses_tenants else ((), ())
    warnings += not_asked
    result = find(
        replace(account, people=people, guards=guards), keys, identities.policies, now, max_age,
        operators=operators, shared=shared, limit=limit,
    )  # fmt: skip
    return result, tuple(warnings)


def audit_saved(
    details: Mapping[str, object],
    now: datetime,
    max_age: timedelta,
    *,
    organization: tuple[Policy, ...] | None = None,
    operators: Collection[str] = (),
    limit: int | None = MAX_DOMAINS,
) -> tuple[Audit, tuple[Notice, ...]]:
    """Return the findings of a saved answer of GetAccountAuthorizationDetails, offline.

    With warnings of what is not in it.
    Raises SesTenantError `usage` if it is none.
    """
    account = _limited(read_account([details]), organization)
    _, unread = read_guards(None, account.people, policies=None)
    return find(account, {}, (), now, max_age, operators=operators, limit=limit), tuple(unread)


def _limited(account: Account, organization: tuple[Policy, ...] | None) -> Account:
    if organization is None:
        return account
    return replace(account, people=within(account.people, organization))
