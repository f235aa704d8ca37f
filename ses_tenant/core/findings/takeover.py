"""Who can become a tenant, as findings: every route with its path."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ses_tenant.core.findings.finding import AffectedDomain, Finding, PathStep, Severity
from ses_tenant.core.findings.folding import Folding
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.proof.decryption import DECRYPT
from ses_tenant.core.proof.powers import Effect, Power
from ses_tenant.core.proof.roles import Hop
from ses_tenant.core.proof.takeover import Route, Takeovers

_RULES = {
    Power.TAKE_OVER: Rule.MAY_TAKE_OVER,
    Power.READ: Rule.MAY_READ_CREDENTIALS,
    Power.DELEGATE: Rule.MAY_DELEGATE,
    Power.TAMPER: Rule.MAY_TAMPER,
    Power.SEND: Rule.MAY_SEND_AS,
}
_VOID = "; the Deny in the policy of the tenant keeps it from sending as anybody else"


@dataclass(frozen=True)
class Expected:
    """Those who are meant to have power over tenants: what they may do is told as info."""

    operators: Collection[str] = ()

    def severity(self, principal: str, usual: Severity) -> Severity:
        """Return how bad it is that the principal may do something."""
        return Severity.INFO if principal in self.operators else usual


def takeover_findings(
    found: Takeovers, expected: Expected, folding: Folding, limit: int | None
) -> Iterator[Finding]:
    """Return what the search found, each route as a finding; administrators are not among them.

    What `folding` folds is counted with another. A finding names at most `limit` domains; None:
    all.
    """
    for route in [route for route in found.routes if not folding.folds(route)]:
        finding = _of_route(route, expected, limit)
        yield replace(finding, message=f"{finding.message}{folding.told(route)}")
    for principal in found.cut_short:
        yield Rule.SEARCH_CUT_SHORT.found(
            principal,
            "may become so many others that not all of them were looked at",
            "Limit which roles it may assume and pass, and whose credentials it may make.",
        )


def _of_route(route: Route, expected: Expected, limit: int | None) -> Finding:
    usual = severity_of_way(route.principal, route.hop, route.effect)
    told = told_of(route.means, route.hop)
    finding = _RULES[route.power].found(
        route.principal,
        f"{told}{_VOID}" if route.effect is Effect.ADDS else told,
        remedy_of_way(route.hop),
        severity=expected.severity(route.principal, usual),
        domains=[
            AffectedDomain(member.domains[0].name, shown)
            for member, shown in islice(route.touched, limit)
        ],
        path=path_of(route.hop),
        cause=f"{route.hop.cause}|{route.effect.name}",
    )
    return replace(finding, domain_count=len(route.touched))


def severity_of_way(principal: str, hop: Hop, effect: Effect) -> Severity:
    """Return how bad a way is: the worst if a stolen access key is all that it takes."""
    if effect is Effect.ADDS:
        return Severity.INFO
    is_user = principal.split(":", 5)[-1].startswith("user/")
    sure = is_user and hop.certain and effect is Effect.SENDS
    return Severity.ERROR if sure else Severity.WARNING


def told_of(means: str, hop: Hop) -> str:
    """Return what can be done, through whom, and what it hangs on."""
    who = dict.fromkeys(step.principal.split(":", 5)[-1] for step in hop.steps)
    through = list(who)[1:]
    by = f", acting as {' and then as '.join(through)}" if through else ""
    on = f", if {' and '.join(hop.conditions)}" if hop.conditions else ""
    return f"{means} by {hop.steps[-1].action}{by}{on}"


def remedy_of_way(hop: Hop) -> str:
    """Return what to limit so that the way is closed, the first of its steps."""
    first = next((step for step in hop.steps if step.action != DECRYPT), hop.steps[0])
    return (
        f"Limit {first.action} in {first.statement}; name whoever is meant to look after tenants "
        "with --operator."
    )


def path_of(hop: Hop) -> tuple[PathStep, ...]:
    """Return the steps of a way, as a finding shows them."""
    return tuple(PathStep(s.principal, s.action, s.resource, s.statement) for s in hop.steps)
