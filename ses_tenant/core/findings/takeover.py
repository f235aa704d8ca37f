"""Who can become a tenant, as findings: every route with its path."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ses_tenant.core.findings.finding import AffectedDomain, Finding, PathStep, Severity
from ses_tenant.core.findings.folding import Folding
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.iam.authorization import Answer
from ses_tenant.core.proof.breaches import Breach
from ses_tenant.core.proof.decryption import DECRYPT
from ses_tenant.core.proof.powers import Effect, Power
from ses_tenant.core.proof.roles import Hop
from ses_tenant.core.proof.standing import Step
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


def sending_through(
    breach: Breach,
    becoming: Iterable[tuple[str, Hop]],
    expected: Expected,
    folding: Folding,
) -> Iterator[Finding]:
    """Return who may send as somebody else's domain by acting as the principal of the breach."""
    witness = breach.witness
    if witness is None:
        return
    verdict = witness.verdict
    last = Step(breach.principal.arn, witness.action, witness.resource, verdict.statement)
    for principal, hop in becoming:
        if principal == breach.target.owner:
            continue
        whole = hop.then(Hop((last,), verdict.conditions, verdict.answer is Answer.ALLOWED))
        if folding.folds_domains(principal, whole, (breach.target.domain,)):
            continue
        usual = _severity(principal, whole, Effect.SENDS)
        yield Rule.MAY_SEND_AS.found(
            principal,
            _told("may send mail as these domains", whole),
            _remedy(whole),
            severity=expected.severity(principal, usual),
            domains=(AffectedDomain(breach.target.domain, witness.address),),
            path=_path(whole),
            cause=whole.cause,
        )


def _of_route(route: Route, expected: Expected, limit: int | None) -> Finding:
    usual = _severity(route.principal, route.hop, route.effect)
    told = _told(route.means, route.hop)
    finding = _RULES[route.power].found(
        route.principal,
        f"{told}{_VOID}" if route.effect is Effect.ADDS else told,
        _remedy(route.hop),
        severity=expected.severity(route.principal, usual),
        domains=[
            AffectedDomain(member.domains[0].name, shown)
            for member, shown in islice(route.touched, limit)
        ],
        path=_path(route.hop),
        cause=f"{route.hop.cause}|{route.effect.name}",
    )
    return replace(finding, domain_count=len(route.touched))


def _severity(principal: str, hop: Hop, effect: Effect) -> Severity:
    """Return how bad a way is: the worst if a stolen access key is all that it takes."""
    if effect is Effect.ADDS:
        return Severity.INFO
    is_user = principal.split(":", 5)[-1].startswith("user/")
    sure = is_user and hop.certain and effect is Effect.SENDS
    return Severity.ERROR if sure else Severity.WARNING


def _told(means: str, hop: Hop) -> str:
    """Return what can be done, through whom, and what it hangs on."""
    who = dict.fromkeys(step.principal.split(":", 5)[-1] for step in hop.steps)
    through = list(who)[1:]
    by = f", acting as {' and then as '.join(through)}" if through else ""
    on = f", if {' and '.join(hop.conditions)}" if hop.conditions else ""
    return f"{means} by {hop.steps[-1].action}{by}{on}"


def _remedy(hop: Hop) -> str:
    first = next((step for step in hop.steps if step.action != DECRYPT), hop.steps[0])
    return (
        f"Limit {first.action} in {first.statement}; name whoever is meant to look after tenants "
        "with --operator."
    )


def _path(hop: Hop) -> tuple[PathStep, ...]:
    return tuple(PathStep(s.principal, s.action, s.resource, s.statement) for s in hop.steps)
