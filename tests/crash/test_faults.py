"""Faults of the network and of people, each at the request where it was bad."""

import json

import pytest

from tests.crash.fault_server import Fault, Mode
from tests.crash.harness import Harness

SHOP = "shop.example.com"


@pytest.mark.parametrize("domains", [(SHOP,), (SHOP, "blog.example.com")])
def test_ctrl_c_before_the_document_is_printed_takes_its_keys_back(
    harness: Harness, domains: tuple[str, ...]
) -> None:
    harness.reset("-", *domains)
    harness.watch = False  # two sites cannot be told apart on stdout
    for domain in domains:
        assert harness.run("create", domain).status == 0
    before = [harness.account.keys(site.user_name) for site in harness.sites]
    rotate = ("rotate-keys", *domains, "--yes", "-o", "json")
    # One read for all; of each tenant its keys, a new key, a note, and whether it is accepted.
    run = harness.run(*rotate, fault=Fault(Mode.CTRL_C, 1 + 4 * len(domains)))
    assert harness.server.requests.count("iam:CreateAccessKey") == len(domains)
    assert run.status == 130
    (error,) = json.loads(run.out)["errors"]
    assert error["code"] == "interrupted"
    assert error["message"].startswith("Interrupted before the result was printed. ")
    assert all(f"{d}: The new access key was deleted again." in error["message"] for d in domains)
    assert [harness.account.keys(site.user_name) for site in harness.sites] == before
    assert harness.run(*rotate).status == 0
    assert harness.problems == []
