"""A fleet: the tenants of one or several accounts, as a `tenants.toml` says they should be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.watch.rules import Rule
from ses_tenant.core.watch.settings import WatchSettings

DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True)
class Account:
    """An AWS account and how to reach it; with neither profile nor role, as the operator does.

    A role is assumed with the credentials of the profile.
    """

    name: str
    profile: str | None = None
    role_arn: str | None = None
    regions: tuple[str, ...] = ()


@dataclass(frozen=True)
class FleetTenant:
    """A tenant as its table says, `[defaults]` and the account's Regions filled in.

    `suspended` is None where the file leaves that to `suspend` and `resume`. `rules` are its own
    of the watch; without any, those of the whole file hold for it. `identity` is None where the
    file says nothing of the domain's email identity.
    """

    account: str
    request: TenantRequest
    max_age: timedelta | None = None
    suspended: bool | None = None
    rules: tuple[Rule, ...] = ()
    identity: IdentitySettings | None = None

    @property
    def domain(self) -> SendingDomain:
        """Return the sending domain."""
        return self.request.domain


@dataclass(frozen=True)
class Fleet:
    """The whole file; `accounts` in the order in which it names them.

    `operators` are the ARNs of those who look after tenants, and `accept` the file of accepted
    findings, as the tenants file names it; both for `audit`, the latter for `check` as well.
    `watch` is by which rules the sites' mail is watched.
    """

    accounts: Mapping[str, Account]
    tenants: tuple[FleetTenant, ...]
    operators: tuple[str, ...] = ()
    accept: str | None = None
    watch: WatchSettings = field(default_factory=WatchSettings)

    def of(self, account: str) -> tuple[FleetTenant, ...]:
        """Return the tenants of an account."""
        return tuple(tenant for tenant in self.tenants if tenant.account == account)
