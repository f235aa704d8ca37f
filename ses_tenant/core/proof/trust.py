"""Whom the trust policy of a role lets assume it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.members import Held
from ses_tenant.core.proof.standing import EVERYTHING, Leave, Standing

ASSUME = "sts:AssumeRole"
OWN_TRUST = Policy("the trust policy that it has written", EVERYTHING.document)
_SERVICE = "Service"
_FEDERATED = "Federated"
_Statement = Mapping[str, object]


def leave_to_assume(actor: Standing, role: Standing, trust: Policy) -> Leave | None:
    """Return the leave to assume a role: its trust policy has to let the actor in, and its own out.

    A trust policy that names the account leaves it to the policies of those who are in it. One
    that names the actor gives by itself, but for the actor's Deny statements and, if it is a role,
    its boundary.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    names, whole = _named(role), _whole(actor)
    if not names & {"*", actor.arn} and not (names & whole and actor.may_allow(ASSUME)):
        return None
    by_name, by_account = _concerned(trust, actor)
    door = replace(actor, held=(Held(by_name), Held(by_account)), limits=None).ask(ASSUME, role.arn)
    if door is None:
        return None
    own = actor.ask(ASSUME, role.arn)
    if _allows(by_name) and (own is None or not own.certain):
        own = given_by_name(actor, role, by_name) or own
    if own is None:
        return None
    words = dict.fromkeys((own.step.statement, door.step.statement))
    told = " and ".join(words).replace("the policy trust of", "the trust policy of")
    return Leave(
        replace(own.step, statement=told),
        own.certain and door.certain,
        tuple(dict.fromkeys((*own.conditions, *door.conditions))),
    )


def given_by_name(actor: Standing, role: Standing, by_name: Policy) -> Leave | None:
    """Return the leave to assume a role whose trust policy names the actor."""
    limits = actor.limits
    held = (*actor.held, Held(by_name))
    if actor.is_user and limits is not None:
        denied = (Held(_only(p, "Deny")) for p in (*actor.policies.identity, *limits))
        held, limits = (*denied, Held(by_name)), None
    return replace(actor, held=held, limits=limits).ask(ASSUME, role.arn)


def services(trust: Policy) -> tuple[str, ...]:
    """Return the services that the trust policy names, such as `lambda.amazonaws.com`."""
    named = (name for s in _listed(trust) if _is_allow(s) for name in _principals(s, _SERVICE))
    return tuple(dict.fromkeys(named))


def leave_of_service(role: Standing, trust: Policy, service: str) -> Leave | None:
    """Return the leave of a service to assume the role on behalf of the role's own account."""
    said = _policy(trust, lambda s: service in _principals(s, _SERVICE))
    context = {"aws:sourceaccount": (role.account,)}
    return replace(role, is_user=False, context=context, held=(Held(said),), limits=None).ask(
        ASSUME, role.arn, {"aws:principalisawsservice": ("true",)}
    )


def federated(trust: Policy) -> tuple[str, ...]:
    """Return the identity providers that the trust policy names."""
    return tuple(
        name for s in _listed(trust) if _is_allow(s) for name in _principals(s, _FEDERATED)
    )


def named_in(standings: Iterable[Standing]) -> Mapping[str, tuple[str, ...]]:
    """Return, by whom trust policies name, the roles that they may assume.

    Under `*` are those that name everybody.
    """
    found: dict[str, dict[str, None]] = {}
    for role in standings:
        for name in _named(role):
            found.setdefault(name, {})[role.arn] = None
    return {name: tuple(roles) for name, roles in found.items()}


def _concerned(trust: Policy, actor: Standing) -> tuple[Policy, Policy]:
    """Return what the trust policy says of the actor by its name, and by its account."""
    whole = _whole(actor)
    self_ = {"*", actor.arn}

    def by_name(statement: _Statement) -> bool:
        if "NotPrincipal" in statement:
            return not self_ & set(_principals(statement, "AWS", "NotPrincipal"))
        return bool(self_ & set(_principals(statement, "AWS")))

    def by_account(statement: _Statement) -> bool:
        return bool(whole & set(_principals(statement, "AWS"))) and not by_name(statement)

    return _policy(trust, by_name), _policy(trust, by_account)


def _whole(actor: Standing) -> frozenset[str]:
    """Return how a trust policy names the actor's whole account."""
    return frozenset({actor.account, f"arn:{actor.partition}:iam::{actor.account}:root"})


@lru_cache(maxsize=1 << 14)
def _named(role: Standing) -> frozenset[str]:
    """Return whom the Allow statements of the role's trust policy name, `*` for everybody."""
    found: set[str] = set()
    for said in _listed(role.trust) if role.trust is not None else ():
        if _is_allow(said):
            found.update(("*",) if "NotPrincipal" in said else _principals(said, "AWS"))
    return frozenset(found)


def _policy(trust: Policy, wanted: Callable[[_Statement], bool]) -> Policy:
    """Return the chosen statements as a policy of whoever they are about.

    They keep what they are called.
    """
    chosen = [
        {
            "Sid": f"number {number}",
            **{k: v for k, v in said.items() if k not in ("Principal", "NotPrincipal")},
            "Resource": "*",
        }
        for number, said in enumerate(_listed(trust), start=1)
        if wanted(said)
    ]
    return Policy(trust.name, {**trust.document, "Statement": chosen})


def _only(policy: Policy, effect: str) -> Policy:
    chosen = [said for said in _listed(policy) if said.get("Effect") == effect]
    return Policy(policy.name, {**policy.document, "Statement": chosen})


def _allows(policy: Policy) -> bool:
    return any(statement.allow for statement in policy.statements)


def _is_allow(statement: _Statement) -> bool:
    return statement.get("Effect") == "Allow"


def _principals(statement: _Statement, kind: str, element: str = "Principal") -> tuple[str, ...]:
    """Return those of a kind that the Principal element lists; `*` alone is one of each kind."""
    said = statement.get(element, {})
    if isinstance(said, Mapping):
        return tuple(map(str, _sequence(said.get(kind, ()))))
    return tuple(map(str, _sequence(said)))


def _listed(policy: Policy) -> tuple[_Statement, ...]:
    return tuple(s for s in _sequence(policy.document.get("Statement")) if isinstance(s, Mapping))


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else () if value is None else (value,)
