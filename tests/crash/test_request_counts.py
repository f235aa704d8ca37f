"""How many requests a command sends, counted at the server."""

from collections import Counter

import pytest

from tests.crash.fleet import make_fleet
from tests.crash.harness import Harness

_WRITES = ("Create", "Put", "Delete", "Update", "Tag", "Untag")
_NEW = "new.example.com"
_ONE = "site042.example.com"


# Where a second case sends the same requests for the same reason, it is rare.


@pytest.mark.parametrize("interface", ["--api", pytest.param("--smtp", marks=pytest.mark.rare)])
def test_a_new_tenant_costs_four_requests_and_a_second_create_writes_nothing(
    harness: Harness, interface: str
) -> None:
    harness.reset("-", _NEW)
    assert harness.run("create", _NEW, interface, "--quiet").status == 0
    assert harness.server.requests == [
        "iam:GetUser",
        "iam:CreateUser",
        "iam:PutUserPolicy",
        "iam:CreateAccessKey",
    ]
    assert harness.run("create", _NEW, interface, "--quiet").status == 0
    assert _writes(harness) == []
    assert len(harness.server.requests) == 5


@pytest.mark.parametrize(("kind", "requests"), [("file", 5), ("secretsmanager", 7)])
def test_one_of_a_hundred_tenants_is_rotated_in_at_most_eight(
    harness: Harness, kind: str, requests: int
) -> None:
    make_fleet(harness, kind, 100, days=10)
    run = harness.run("rotate-keys", _ONE, "--no-verify")
    assert (run.status, harness.problems) == (0, []), run.err
    assert len(harness.server.requests) == requests
    assert requests <= 8


@pytest.mark.parametrize("kind", ["file", pytest.param("secretsmanager", marks=pytest.mark.rare)])
def test_a_new_key_is_verified_with_one_request_more(harness: Harness, kind: str) -> None:
    make_fleet(harness, kind, 100, days=10)
    run = harness.run("rotate-keys", _ONE)
    assert (run.status, harness.problems) == (0, []), run.err
    assert harness.server.requests[-1] == "sts:GetCallerIdentity"
    assert len(harness.server.requests) <= 8


def test_a_hundred_tenants_of_which_none_is_due_cost_three(harness: Harness) -> None:
    make_fleet(harness, "file", 100, days=10)
    assert harness.run("rotate-keys").status == 0
    assert harness.server.requests == [
        "iam:GetAccountAuthorizationDetails",
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
    ]


@pytest.mark.parametrize(("keys", "requests"), [(1, 4), (2, 5)])
def test_a_tenant_is_suspended_in_at_most_five(harness: Harness, keys: int, requests: int) -> None:
    make_fleet(harness, "file", 100, days=10)
    site = next(site for site in harness.sites if site.domain == _ONE)
    for _ in range(keys - 1):
        harness.account.issue(site.user_name)
    assert harness.run("suspend", _ONE).status == 0
    assert len(harness.account.active(site.user_name)) == 0
    assert len(harness.server.requests) == requests
    assert harness.run("resume", _ONE).status == 0
    assert len(harness.account.active(site.user_name)) == keys
    assert len(harness.server.requests) == 4 + keys


@pytest.mark.parametrize(("keys", "requests"), [(2, 4), pytest.param(1, 3, marks=pytest.mark.rare)])
def test_all_tenants_are_suspended_in_at_most_five_each(
    harness: Harness, keys: int, requests: int
) -> None:
    make_fleet(harness, "file", 10, days=10)
    for site in harness.sites:
        for _ in range(keys - 1):
            harness.account.issue(site.user_name)
    assert harness.run("suspend", "--all").status == 0
    assert not any(harness.account.active(site.user_name) for site in harness.sites)
    assert Counter(harness.server.requests)["iam:GetAccountAuthorizationDetails"] == 1
    assert len(harness.server.requests) == 1 + 10 * requests


def test_a_list_costs_one_request_and_two_for_each_tenant(harness: Harness) -> None:
    make_fleet(harness, "file", 20, days=10)
    run = harness.run("list", "-o", "json")
    assert run.status == 0
    assert run.out.count('"user_name"') == 20
    assert len(harness.server.requests) == 1 + 2 * 20
    assert _writes(harness) == []


def _writes(harness: Harness) -> list[str]:
    return [r for r in harness.server.requests if r.partition(":")[2].startswith(_WRITES)]
