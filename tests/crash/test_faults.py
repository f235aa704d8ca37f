"""Faults of the network and of people, each at the request where it was bad."""

import json

import pytest

from tests.crash.apply_crashes import NUMBER, REQUESTS, write_file
from tests.crash.fault_server import Fault, Mode
from tests.crash.harness import Harness

SHOP = "shop.example.com"


@pytest.mark.parametrize(
    "domains", [(SHOP, "blog.example.com"), pytest.param((SHOP,), marks=pytest.mark.rare)]
)
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


@pytest.mark.parametrize("mode", [Mode.EXPIRED, pytest.param(Mode.OUTAGE, marks=pytest.mark.rare)])
def test_an_apply_that_is_cut_off_in_the_middle_is_finished_by_the_next(
    harness: Harness, mode: Mode
) -> None:
    harness.reset("file", *(f"site{n:02}.example.com" for n in range(NUMBER)))
    harness.hurry = True
    file = write_file(harness)
    run = harness.run("apply", str(file), "--yes", fault=Fault(mode, REQUESTS // 2))
    harness.hurry = False
    assert run.status == 3
    words = "credentials have expired" if mode is Mode.EXPIRED else "cannot be reached"
    assert words in run.err
    harness.check_settled()
    again = harness.run("apply", str(file), "--yes")
    assert again.status == 0, again.err
    assert harness.problems == []
    for site in harness.sites:
        assert harness.account.active(site.user_name) == {harness.held(site)}
