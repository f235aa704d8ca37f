"""Who may send as whom, over all pairs: the same as asked pair by pair, and each proof holds."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.iam.authorization import Answer, Policies, Policy, Request, decide
from ses_tenant.core.proof.breaches import Breach, Targets, breaches
from ses_tenant.core.proof.places import Target
from ses_tenant.core.proof.ways import Principal, ways_to_send
from ses_tenant.core.proof.witness import find_witness
from ses_tenant.core.tenant.policy import sending_policy
from ses_tenant.core.tenant.spec import Interface, SendingOptions, TenantSpec
from tests.examples import examples

ACCOUNT = "123456789012"
REGION = "eu-central-1"
DOMAINS = ("example.com", "shop.example.com", "evilshop.example.com", "blog.example.org", "a.b.net")
PATTERNS = (
    *("*", "*@*", "*@shop.example.com", "*shop.example.com", "*.example.com", "*@*.example.com"),
    *("*@SHOP.example.com", "info@*", "*@blog.example.???", "a@shop.example.com", "*@a.b.net*"),
    *("*@shop*", "*@*B.n*", "a@*.example.c*", "*@e*", "*shop*"),
)


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def target(domain: str, *, subdomains: bool = False, owner: str = "") -> Target:
    return Target(domain, subdomains, (REGION,), ACCOUNT, "aws", owner or arn(domain))


def principal(name: str, *statements: dict[str, Any]) -> Principal:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return Principal(arn(name), Policies((Policy("p", document),)), {})


def statement(effect: str, operator: str, patterns: list[str]) -> dict[str, Any]:
    condition = {"Condition": {operator: {"ses:FromAddress": patterns}}} if patterns else {}
    return {"Effect": effect, "Action": "ses:*", "Resource": "*", **condition}


few = examples(0.5)  # an account takes up to a quarter of a second

patterns = st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True)
allows = st.builds(statement, st.just("Allow"), st.sampled_from(["StringLike"]), patterns)
denies = st.builds(
    statement, st.just("Deny"), st.sampled_from(["StringLike", "StringNotLike"]), patterns
)
accounts = st.lists(st.lists(st.one_of(allows, denies), min_size=1, max_size=3), max_size=4)
owned = st.lists(
    st.builds(target, st.sampled_from(DOMAINS), subdomains=st.booleans()),
    min_size=1,
    max_size=5,
    unique_by=lambda t: t.domain,
)


def found(principals: list[Principal], targets: list[Target]) -> list[Breach]:
    return list(breaches(((p, ways_to_send(p)) for p in principals), Targets(targets)))


@few
@given(accounts, owned)
def test_all_at_once_finds_what_is_found_pair_by_pair(
    policies: list[list[dict[str, Any]]], targets: list[Target]
) -> None:
    people = [principal(f"user{n}", *statements) for n, statements in enumerate(policies)]
    pairs = {
        (p.arn, t.domain)
        for p in people
        for t in targets
        if find_witness(p, ways_to_send(p), t) is not None
    }
    assert {(b.principal.arn, b.target.domain) for b in found(people, targets)} == pairs


@pytest.mark.parametrize(
    ("subdomains", "expected"), [(False, {"shop.example.com"}), (True, set(DOMAINS))]
)
def test_a_pattern_without_an_end_is_about_what_stands_behind_the_at(
    subdomains: bool, expected: set[str]
) -> None:
    targets = [target(domain, subdomains=subdomains) for domain in DOMAINS]
    shop = principal("x", statement("Allow", "StringLike", ["a@shop.ex*"]))
    assert {b.target.domain for b in found([shop], targets)} == expected  # a@shop.ex.a.b.net


def test_a_pattern_without_an_end_may_stand_in_quotes() -> None:
    shop = principal("x", statement("Allow", "StringLike", ["*@shop.ex*"]))
    told = {
        b.target.domain: b.witness.verdict.conditions
        for b in found([shop], list(map(target, DOMAINS)))
        if b.witness is not None
    }
    assert set(told) == set(DOMAINS)
    assert told.pop("shop.example.com") == ()
    assert set(told.values()) == {("SES takes an address with a second @, in quotes",)}


def test_no_witness_is_what_a_deny_without_an_end_is_about() -> None:
    denied = ("*@shop*", "*@S*", "*@*b.n*")
    everything = statement("Allow", "StringLike", [])
    someone = principal("x", everything, statement("Deny", "StringLike", [*denied]))
    breached = found([someone], list(map(target, DOMAINS)))
    assert {b.target.domain for b in breached} == set(DOMAINS)
    for breach in breached:
        assert breach.witness is not None
        assert not any(fnmatchcase(breach.witness.address, each) for each in denied)


@few
@given(accounts, owned)
def test_a_witness_is_of_the_domain_and_gets_through(
    policies: list[list[dict[str, Any]]], targets: list[Target]
) -> None:
    people = [principal(f"user{n}", *statements) for n, statements in enumerate(policies)]
    for breach in found(people, targets):
        witness, domain = breach.witness, breach.target.domain
        assert witness is not None
        host = witness.address.rpartition("@")[2].lower()
        below = breach.target.subdomains and host.endswith(f".{domain}")
        assert host == domain or below
        request = Request(
            witness.action,
            witness.resource,
            {"ses:FromAddress": (witness.address,), "aws:SecureTransport": ("true",)},
            breach.principal.arn,
        )
        assert decide(breach.principal.policies, request).answer is not Answer.DENIED


@few
@given(accounts, owned, denies)
def test_a_deny_more_never_finds_more(
    policies: list[list[dict[str, Any]]], targets: list[Target], deny: dict[str, Any]
) -> None:
    before = [principal(f"user{n}", *statements) for n, statements in enumerate(policies)]
    after = [principal(f"user{n}", *statements, deny) for n, statements in enumerate(policies)]
    pairs = {(b.principal.arn, b.target.domain) for b in found(before, targets)}
    assert {(b.principal.arn, b.target.domain) for b in found(after, targets)} <= pairs


names = st.sampled_from(DOMAINS).map(SendingDomain.parse)


@few
@given(
    names,
    st.sampled_from(Interface),
    st.builds(
        SendingOptions, subdomains=st.booleans(), also=st.lists(names, max_size=2).map(tuple)
    ),
)
def test_a_tenant_sends_as_what_its_options_say_and_nothing_else(
    domain: SendingDomain, interface: Interface, options: SendingOptions
) -> None:
    spec = TenantSpec(domain, interface, (REGION,), options)
    policy = Policy("ses-tenant-sending", sending_policy(spec))
    tenant = Principal(arn("tenant"), Policies((policy,)), {})
    own = {domain.name, *(other.name for other in options.also)}
    for name in DOMAINS:
        below = options.subdomains and any(name.endswith(f".{mine}") for mine in own)
        may = find_witness(tenant, ways_to_send(tenant), target(name)) is not None
        assert may is (name in own or below), json.dumps(policy.document)


def test_a_tenants_own_domain_below_another_is_no_breach_and_more_of_it_is() -> None:
    agency = target("example.com", subdomains=True)
    shop = target("shop.example.com")
    own = principal("shop.example.com", statement("Allow", "StringLike", ["*@shop.example.com"]))
    assert found([own], [agency, shop]) == []
    stranger = principal("x", statement("Allow", "StringLike", ["*@shop.example.com"]))
    assert len(found([stranger], [agency, shop])) == 2
    wider = principal("shop.example.com", statement("Allow", "StringLike", ["*@*.example.com"]))
    (breach,) = found([wider], [agency, shop])
    assert breach.witness is not None
    assert not breach.witness.address.endswith("@shop.example.com")


FOUR = ("a.b.net", "blog.example.org", "example.com", "shop.example.com")


@pytest.mark.parametrize(
    "denied", ["*@*.example.com", "*example.com", "*@a.b.net", "a@shop.example.com", "a@*"]
)
def test_a_deny_of_patterns_leaves_another_case_or_address(denied: str) -> None:
    # SES takes a@SHOP.example.com for a mail of the shop, and the pattern does not match it.
    deny = statement("Deny", "StringLike", [denied])
    someone = principal("x", statement("Allow", "StringLike", []), deny)
    breached = found([someone], [target(domain) for domain in FOUR])
    assert {b.target.domain for b in breached} == set(FOUR)
    for breach in breached:
        assert breach.witness is not None
        assert not fnmatchcase(breach.witness.address, denied)


@pytest.mark.parametrize(
    ("spared", "left"),
    [
        ("*@*.example.com", {"shop.example.com"}),
        ("*example.com", {"example.com", "shop.example.com"}),
        ("*@a.b.net", {"a.b.net"}),
        ("a@*", set(FOUR)),
    ],
)
def test_a_deny_of_all_but_patterns_leaves_those(spared: str, left: set[str]) -> None:
    deny = statement("Deny", "StringNotLike", [spared])
    someone = principal("x", statement("Allow", "StringLike", []), deny)
    breached = found([someone], [target(domain) for domain in FOUR])
    assert {b.target.domain for b in breached} == left
