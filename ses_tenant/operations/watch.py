"""Watch the sites' mail: count events, decide by the rules, and do what they lead to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ses_tenant.core.fleet.fleet import Fleet, FleetTenant
from ses_tenant.core.tenant.request import resolve
from ses_tenant.core.watch.decide import Limits
from ses_tenant.core.watch.rules import DEFAULT_RULES, Rule, parse_rule
from ses_tenant.core.watch.tally import Watched


@dataclass(frozen=True)
class Watch:
    """What is watched and by which rules; `tenants` by IAM user name, None for all there are.

    `dry` tells that nobody is suspended; None leaves that to the time since the watch began.
    """

    rules: tuple[Rule, ...] = tuple(parse_rule(rule) for rule in DEFAULT_RULES)
    tenants: Mapping[str, Watched] | None = None
    limits: Limits = field(default_factory=Limits)
    dry: bool | None = None


def watch_of(fleet: Fleet | None) -> Watch:
    """Return what a tenants file says of the watch, without a file the defaults."""
    if fleet is None:
        return Watch()
    tenants = [_watched(tenant) for tenant in fleet.tenants]
    by_name = {tenant.user_name: tenant for tenant in tenants}
    return Watch(fleet.watch.rules, by_name, fleet.watch.limits, fleet.watch.dry)


def _watched(tenant: FleetTenant) -> Watched:
    spec = resolve(tenant.request, None, None)
    return Watched(
        spec.domain.name,
        spec.user_name,
        tuple(domain.name for domain in spec.sending.also),
        spec.sending.subdomains,
        tenant.rules,
    )
