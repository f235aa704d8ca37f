"""Many tenants: the work divided among branches, run by the state machine of the template."""

import json
import re
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from moto.iam.models import iam_backends

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.functions import scheduled
from ses_tenant.functions.boundary import FunctionFailed
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.functions.settings import rotation_options
from ses_tenant.operations import create
from ses_tenant.operations.rotate_all import Share
from tests.functions.rotated_account import ACCOUNT, RotatedAccount
from tests.functions.states import Machine, TaskFailedError
from tests.functions.test_scheduled import Context
from tests.functions.test_template import template

SITES = [f"site{number:02}.example.com" for number in range(9)]


def definition(per_branch: int, at_once: int = 4) -> dict[str, Any]:
    given = {
        "RotateKeys.Arn": "arn:rotate-keys", "TenantsPerBranch": per_branch, "AtOnce": at_once,
    }  # fmt: skip
    text = template()["Resources"]["RotateFleet"]["Properties"]["DefinitionString"]["Sub"]
    loaded: dict[str, Any] = json.loads(
        re.sub(r"\$\{([^}]+)\}", lambda found: str(given[found[1]]), text)
    )
    return loaded


@pytest.fixture
def fleet(account: RotatedAccount) -> RotatedAccount:
    """An account of nine tenants beside the one, all due."""
    runtime = account.runtime()
    for site in SITES:
        request = TenantRequest(SendingDomain.parse(site), destination=f"secretsmanager:web/{site}")
        create.carry_out(runtime, create.prepare(runtime, request))
    let_all_be_due()
    return account


def let_all_be_due() -> None:
    for user in iam_backends[ACCOUNT]["aws"].users.values():
        for key in user.access_keys:
            key.create_date -= timedelta(days=91)


def keys() -> dict[str, list[str]]:
    users = iam_backends[ACCOUNT]["aws"].users
    return {name: [k.status for k in user.access_keys] for name, user in users.items()}


def invoke(event: dict[str, Any]) -> Any:
    try:
        return scheduled.handler(event, Context())
    except FunctionFailed as failure:
        raise TaskFailedError("FunctionFailed") from failure


def test_every_tenant_is_in_one_share_and_stays_there() -> None:
    domains = [f"s{n}.example.com" for n in range(1000)]
    held = {d: [n for n in range(7) if Share(n, 7).holds(d)] for d in domains}
    assert all(len(shares) == 1 for shares in held.values())
    sizes = Counter(shares[0] for shares in held.values())
    assert min(sizes.values()) > 100
    assert held["s0.example.com"] == [2]


@pytest.mark.usefixtures("fleet")
def test_the_branches_rotate_every_tenant_once() -> None:
    machine = Machine(definition(3), invoke)
    machine.run({})
    assert set(map(tuple, keys().values())) == {("Active", "Active")}
    assert len(keys()) == 10
    assert machine.waited == []


@pytest.mark.usefixtures("fleet")
def test_a_branch_that_was_ended_is_tried_again_after_its_lease() -> None:
    ended = [True]

    def function(event: dict[str, Any]) -> Any:
        if event.get("branch", {}).get("share") == 1 and ended:
            ended.clear()
            raise TaskFailedError("States.Timeout")
        return invoke(event)

    machine = Machine(definition(3), function)
    machine.run({})
    assert set(map(tuple, keys().values())) == {("Active", "Active")}
    assert machine.waited == [960]


def test_a_branch_that_fails_stops_no_other_and_fails_the_run_in_the_end(
    fleet: RotatedAccount,
) -> None:
    broken = fleet.secret.versions[fleet.secret.default_version_id]
    broken["secret_string"] = "precious"
    with pytest.raises(TaskFailedError, match="partial_failure"):
        Machine(definition(3), invoke).run({})
    found = keys()
    assert found.pop("ses-shop.example.com") == ["Active"]
    assert set(map(tuple, found.values())) == {("Active", "Active")}


@pytest.mark.usefixtures("fleet")
def test_throttling_is_waited_for_longer_and_longer() -> None:
    refusals = ["Lambda.TooManyRequestsException"] * 3

    def function(event: dict[str, Any]) -> Any:
        if "branch" in event and refusals:
            raise TaskFailedError(refusals.pop())
        return invoke(event)

    machine = Machine(definition(20), function)
    machine.run({})
    assert machine.waited == [10, 20, 40]
    assert len(keys()) == 10


def test_a_file_is_divided_by_accounts_without_a_request(account: RotatedAccount) -> None:
    home = "".join(f'[tenants."s{n}.example.com"]\naccount = "home"\n' for n in range(5))
    text = (
        f'{home}[accounts.home]\n[accounts.other]\nrole-arn = "arn:aws:iam::210987654321:role/r"\n'
        '[tenants."far.example.com"]\naccount = "other"\n'
    )
    account.calls.clear()
    branches = scheduled.split(scheduled.fleet_of(text, "ssm:/tenants"), 2, Context())
    assert [b.to_json() for b in branches if b.account == "other"] == [
        {"account": "other", "share": 0, "of": 1}
    ]
    assert len(branches) == 4
    assert account.calls == []


def test_a_tenant_that_is_missing_is_told_by_its_branch_alone(account: RotatedAccount) -> None:
    fleet = scheduled.fleet_of(
        '[tenants."shop.example.com"]\n[tenants."new.example.com"]\n', "ssm:/tenants"
    )
    options = rotation_options({}, named=False)
    runtime_of = partial(make_runtime, sleep=account.slept.append, now=account.clock)
    told = []
    for branch in scheduled.split(fleet, 1, Context()):
        try:
            scheduled.run(fleet, options, Context(), runtime_of, branch)
        except SesTenantError as error:
            told.append(error.message)
    assert told == ["1 of 1 failed: new.example.com: There is no such tenant."]


@pytest.mark.parametrize(
    "event",
    [
        {"branch": None},
        {"branch": {"account": None, "share": 2, "of": 2}},
        {"branch": {"share": 0, "of": 1}},
        {"split": 0},
        {"split": "many"},
    ],
)
def test_an_event_that_is_malformed_rotates_nothing(
    account: RotatedAccount, event: dict[str, Any]
) -> None:
    let_all_be_due()
    with pytest.raises(FunctionFailed, match="usage: "):
        scheduled.handler(event, Context())
    assert list(keys().values()) == [["Active"]]
    assert account.held
