"""Ways that add nothing to what a principal may do for certain: they are counted, not listed."""

from collections.abc import Collection, Iterable
from itertools import islice

from ses_tenant.core.proof.powers import Effect, Power
from ses_tenant.core.proof.roles import Hop
from ses_tenant.core.proof.takeover import Route


class Folding:
    """Who takes over tenants for certain, and how many other ways each has to the same tenants.

    Only a conditional way is folded, and only if all domains that it would be told with are told
    with the certain ones, of which at most `limit` are named in a finding (None: all).
    """

    def __init__(self, routes: Iterable[Route], limit: int | None) -> None:
        """Note what the certain routes are about."""
        self._limit = limit
        self._first: dict[str, Route] = {}
        self._taken: dict[str, int] = {}
        self._named: dict[str, set[str]] = {}
        self._folded: dict[str, set[str]] = {}
        for route in routes:
            taking = route.power is Power.TAKE_OVER and route.effect is Effect.SENDS
            if taking and route.hop.certain:
                self._first.setdefault(route.principal, route)
                mask = self._taken.get(route.principal, 0)
                self._taken[route.principal] = mask | route.touched.mask
                self._named.setdefault(route.principal, set()).update(self._names(route))

    def folds(self, route: Route) -> bool:
        """Tell whether a route is only to be counted, and count it."""
        if route.touched.mask & ~self._taken.get(route.principal, 0):
            return False
        return self.folds_domains(route.principal, route.hop, self._names(route))

    def folds_domains(self, principal: str, hop: Hop, domains: Collection[str]) -> bool:
        """Tell whether a way to domains is only to be counted, and count it."""
        named = self._named.get(principal, set())
        if hop.certain or not named.issuperset(domains):
            return False
        self._folded.setdefault(principal, set()).add(hop.cause)
        return True

    def told(self, route: Route) -> str:
        """Return what is said, with the first certain route of a principal, of its other ways."""
        ways = len(self._folded.get(route.principal, ()))
        if not ways or self._first.get(route.principal) is not route:
            return ""
        return f"; further ways to the same tenants, each on a condition: {ways}"

    def _names(self, route: Route) -> list[str]:
        return [member.domains[0].name for member, _ in islice(route.touched, self._limit)]
