"""The search for who can become a tenant, held to a naive closure over small random accounts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.proof.powers import Effect, Power
from ses_tenant.core.proof.takeover import takeovers
from tests.core.proof.accounts import IAM, ROOT, SHOP, account, allow, deny, role, tenant, trusting
from tests.core.proof.accounts import user as user_of
from tests.examples import examples

TENANT = f"{IAM}:user/ses-tenant/{SHOP}/ses-{SHOP}"
USERS = (f"{IAM}:user/u0", f"{IAM}:user/u1")
ROLES = (f"{IAM}:role/r0", f"{IAM}:role/r1")
KEY, PUT, ATTACH = "iam:CreateAccessKey", "iam:PutUserPolicy", "iam:AttachRolePolicy"
ASSUME, TRUST = "sts:AssumeRole", "iam:UpdateAssumeRolePolicy"
ON = {
    KEY: (*USERS, TENANT),
    PUT: USERS,
    ATTACH: ROLES,
    ASSUME: ROLES,
    TRUST: ROLES,
}

Said = tuple[bool, str, str]


@dataclass(frozen=True)
class Somebody:
    arn: str
    said: tuple[Said, ...]
    trust: str = ""


def somebody(arn: str) -> st.SearchStrategy[Somebody]:
    pairs = [(action, on) for action, all_ in ON.items() for on in all_]
    sure = st.sampled_from((True, True, True, False))
    one = st.tuples(sure, st.sampled_from(pairs)).map(lambda found: (found[0], *found[1]))
    said = st.lists(one, max_size=3).map(tuple)
    trusted = st.sampled_from(("lambda.amazonaws.com", ROOT, *USERS, *ROLES))
    return st.builds(Somebody, st.just(arn), said, trusted if ":role/" in arn else st.just(""))


def naive(people: Iterable[Somebody], start: str) -> bool:
    """Tell whether `start` gets an access key of the tenant: all that follows, until no more."""
    by_arn = {person.arn: person for person in people}
    acts, grown = {start}, set[str]()

    def denied(who: str, action: str, on: str) -> bool:
        # A user's one inline policy was overwritten; what is attached to a role takes nothing away.
        if who in grown and ":user/" in who:
            return False
        return (False, action, on) in by_arn[who].said

    def may(who: str, action: str, on: str) -> bool:
        allowed = who in grown or (True, action, on) in by_arn[who].said
        return allowed and not denied(who, action, on)

    def steps() -> Iterator[tuple[set[str], str]]:
        for who in acts:
            yield from ((acts, on) for on in USERS if may(who, KEY, on))
            yield from ((grown, on) for on in acts & set(USERS) if may(who, PUT, on))
            yield from ((grown, on) for on in acts & set(ROLES) if may(who, ATTACH, on))
            for on in ROLES:
                trust = by_arn[on].trust
                named = trust == who and not denied(who, ASSUME, on)
                written = may(who, TRUST, on) and not denied(who, ASSUME, on)
                if named or written or (trust == ROOT and may(who, ASSUME, on)):
                    yield acts, on

    while new := [(into, on) for into, on in steps() if on not in into]:
        for into, on in new:
            into.add(on)
    return any(may(who, KEY, TENANT) for who in acts)


@examples(5)
@given(st.tuples(*map(somebody, (*USERS, *ROLES))))
def test_who_gets_a_key_of_the_tenant_is_who_follows_from_all_that_each_may(
    people: tuple[Somebody, ...],
) -> None:
    def said(person: Somebody) -> list[dict[str, object]]:
        return [(allow if yes else deny)(action, on=on) for yes, action, on in person.said]

    users = [user_of(p.arn.rpartition("/")[2], *said(p)) for p in people if ":user/" in p.arn]
    roles = [
        role(p.arn.rpartition("/")[2], *said(p), trust=[trusting(p.trust)])
        for p in people
        if ":role/" in p.arn
    ]
    result = takeovers(account(tenant(), *users, *roles))
    found = {
        r.principal
        for r in result.routes
        if r.power is Power.TAKE_OVER and r.effect is Effect.SENDS and r.hop.certain
    } | set(result.administrators)
    assert found == {p.arn for p in people if naive(people, p.arn)}
    assert all(r.hop.certain for r in result.routes)
