"""How many requests a command sends, counted at the server."""

from collections import Counter

import pytest

from tests.crash.fleet import make_fleet
from tests.crash.lab import Lab

_WRITES = ("Create", "Put", "Delete", "Update", "Tag", "Untag")
_NEW = "new.example.com"
_ONE = "site042.example.com"


@pytest.mark.parametrize("interface", ["--api", "--smtp"])
def test_a_new_tenant_costs_four_requests_and_a_second_create_writes_nothing(
    lab: Lab, interface: str
) -> None:
    lab.reset("-", _NEW)
    assert lab.run("create", _NEW, interface).status == 0
    assert lab.server.requests == [
        "iam:GetUser",
        "iam:CreateUser",
        "iam:PutUserPolicy",
        "iam:CreateAccessKey",
    ]
    assert lab.run("create", _NEW, interface).status == 0
    assert _writes(lab) == []
    assert len(lab.server.requests) == 5


@pytest.mark.parametrize(("kind", "requests"), [("file", 5), ("secretsmanager", 7)])
def test_one_of_a_hundred_tenants_is_rotated_in_at_most_eight(
    lab: Lab, kind: str, requests: int
) -> None:
    make_fleet(lab, kind, 100, days=10)
    run = lab.run("rotate-keys", _ONE, "--no-verify")
    assert (run.status, lab.problems) == (0, []), run.err
    assert len(lab.server.requests) == requests
    assert requests <= 8


@pytest.mark.parametrize("kind", ["file", "secretsmanager"])
def test_a_new_key_is_verified_with_one_request_more(lab: Lab, kind: str) -> None:
    make_fleet(lab, kind, 100, days=10)
    run = lab.run("rotate-keys", _ONE)
    assert (run.status, lab.problems) == (0, []), run.err
    assert lab.server.requests[-1] == "sts:GetCallerIdentity"
    assert len(lab.server.requests) <= 8


def test_a_hundred_tenants_of_which_none_is_due_cost_three(lab: Lab) -> None:
    make_fleet(lab, "file", 100, days=10)
    assert lab.run("rotate-keys").status == 0
    assert lab.server.requests == [
        "iam:GetAccountAuthorizationDetails",
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
    ]


@pytest.mark.parametrize(("keys", "requests"), [(1, 4), (2, 5)])
def test_a_tenant_is_suspended_in_at_most_five(lab: Lab, keys: int, requests: int) -> None:
    make_fleet(lab, "file", 100, days=10)
    site = next(site for site in lab.sites if site.domain == _ONE)
    for _ in range(keys - 1):
        lab.account.issue(site.user_name)
    assert lab.run("suspend", _ONE).status == 0
    assert len(lab.account.active(site.user_name)) == 0
    assert len(lab.server.requests) == requests
    assert lab.run("resume", _ONE).status == 0
    assert len(lab.account.active(site.user_name)) == keys
    assert len(lab.server.requests) == 4 + keys


@pytest.mark.parametrize(("keys", "requests"), [(1, 3), (2, 4)])
def test_all_tenants_are_suspended_in_at_most_five_each(lab: Lab, keys: int, requests: int) -> None:
    make_fleet(lab, "file", 10, days=10)
    for site in lab.sites:
        for _ in range(keys - 1):
            lab.account.issue(site.user_name)
    assert lab.run("suspend", "--all").status == 0
    assert not any(lab.account.active(site.user_name) for site in lab.sites)
    assert Counter(lab.server.requests)["iam:GetAccountAuthorizationDetails"] == 1
    assert len(lab.server.requests) == 1 + 10 * requests


def test_a_list_costs_one_request_and_two_for_each_tenant(lab: Lab) -> None:
    make_fleet(lab, "file", 20, days=10)
    run = lab.run("list", "-o", "json")
    assert run.status == 0
    assert run.out.count('"user_name"') == 20
    assert len(lab.server.requests) == 1 + 2 * 20
    assert _writes(lab) == []


def _writes(lab: Lab) -> list[str]:
    return [r for r in lab.server.requests if r.partition(":")[2].startswith(_WRITES)]
