"""Read the present state of one tenant."""

from collections.abc import Iterable
from dataclasses import replace

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.observed import AccessKey, Observed, User, require_ours
from ses_tenant.core.tenant.similar import meant_hint
from ses_tenant.operations.protocols import Iam


def observe_all(iam: Iam) -> tuple[tuple[Observed, ...], tuple[Notice, ...]]:
    """Return every tenant by domain, without keys; and warnings of users that only look like one.

    A tenant has our path, our tag, and the name that its domain gives.
    """
    return tenants_among(iam.list_tenants())


def tenants_among(
    users: Iterable[Observed],
) -> tuple[tuple[Observed, ...], tuple[Notice, ...]]:
    """Return which of the users are tenants, and warnings of those that only look like one."""
    tenants, warnings = [], []
    for observed in users:
        user = observed.user
        if not user.path.startswith(naming.PATH_PREFIX):
            continue
        if user.tenant is not None:
            tenants.append(observed)
        else:
            warnings.append(
                Notice(
                    "not_ours",
                    f"The IAM user {user.user_name} is under {user.path} and is not a tenant: "
                    f"its tag {naming.TAG_DOMAIN} is {user.remembered.domain or 'missing'}.",
                )
            )
    return tuple(sorted(tenants, key=lambda o: o.domain.name)), tuple(warnings)


def observe(iam: Iam, domain: SendingDomain) -> Observed | None:
    """Return what IAM holds of the tenant, or None: one read where there is none, else four.

    Raises `not_ours` before it reads more of a user that is not this tenant.
    """
    user = iam.get_user(naming.user_name(domain))
    if user is None:
        return None
    require_ours(user, domain)
    return _rest_of(iam, user)


def observe_everything(iam: Iam, domain: SendingDomain) -> Observed:
    """Return all that IAM holds of the tenant, for `show` and `delete`.

    Raises `not_found` and `not_ours`.
    """
    observed = observe(iam, domain)
    if observed is None:
        raise no_tenant(iam, domain)
    return replace(observed, attachments=iam.list_attachments(observed.user.user_name))


def no_tenant(iam: Iam, domain: SendingDomain) -> SesTenantError:
    """Return the failure for a domain that is no tenant, with those that may be meant.

    An operator who may not list tenants is told without them.
    """
    try:
        return unknown_tenant(domain, (observed.domain.name for observed in observe_all(iam)[0]))
    except SesTenantError:
        hint = "To see all tenants: ses-tenant list"
        return SesTenantError(ErrorCode.NOT_FOUND, f"There is no tenant {domain}.", hint)


def unknown_tenant(domain: SendingDomain, tenants: Iterable[str]) -> SesTenantError:
    """Return the failure for a domain that is none of the tenants, with those that may be meant."""
    hint = meant_hint(domain.name, tenants)
    return SesTenantError(ErrorCode.NOT_FOUND, f"There is no tenant {domain}.", hint)


def with_last_use(iam: Iam, keys: Iterable[AccessKey]) -> tuple[AccessKey, ...]:
    """Return the keys with their time of last use: one read a key."""
    return tuple(
        replace(key, last_used_at=iam.access_key_last_used(key.access_key_id)) for key in keys
    )


def _rest_of(iam: Iam, user: User) -> Observed:
    policies = iam.list_user_policies(user.user_name)
    return Observed(
        user=user,
        inline_policies=policies,
        sending_policy=(
            iam.get_user_policy(user.user_name, naming.SENDING_POLICY)
            if naming.SENDING_POLICY in policies
            else None
        ),
        access_keys=iam.list_access_keys(user.user_name),
    )
