"""examples/operator-policy.json allows what ses-tenant calls, on no more than it needs."""

import json
from pathlib import Path
from typing import Any, get_args

from ses_tenant.core import steps
from ses_tenant.core.request import TenantRequest
from ses_tenant.core.tenant import Interface
from ses_tenant.operations.list_tenants import list_tenants
from ses_tenant.operations.show import show
from tests.fakes.iam import BOUNDARY, EVERYTHING, Clock, FakeIam
from tests.fakes.shop import NAME, SHOP, SUSPENDED_POLICY, run_create, run_delete

_FILE = Path(__file__).parents[2] / "examples" / "operator-policy.json"

# Allowed and not called by create, list, show and delete.
_EXTRAS = {
    "iam:UpdateAccessKey",  # switches keys off and on
}

_USERS = "arn:aws:iam::*:user/*"
_TENANTS = "arn:aws:iam::*:user/ses-tenant/*"
_DEVICES = "arn:aws:iam::*:mfa/*"
_GROUPS = "arn:aws:iam::*:group/*"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _statements() -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(_FILE.read_text())["Statement"]
    return [s for s in statements if any(a.startswith("iam:") for a in _listed(s["Action"]))]


def _resources_of_actions() -> dict[str, set[str]]:
    """Return, for each IAM action allowed, the resources it is allowed on."""
    allowed: dict[str, set[str]] = {}
    for statement in _statements():
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            allowed.setdefault(action, set()).update(_listed(statement["Resource"]))
    return allowed


def _called() -> set[str]:
    """Return every action that create, list, show and delete call when there is most to do."""
    iam = FakeIam()
    run_create(iam)
    user = iam.users[NAME]
    user.path = "/ses-tenant/moved/"
    user.tags["ses-tenant:regions.3"] = "left over"
    user.policies["foreign"] = SUSPENDED_POLICY
    request = TenantRequest(SHOP, Interface.SMTP, permissions_boundary=BOUNDARY)
    run_create(iam, request)
    iam.attach(NAME, EVERYTHING)
    list_tenants(iam, Clock()(), 2, lambda _done, _total: None)
    show(iam, SHOP)
    assert run_delete(iam).error is None
    assert iam.users == {}
    return set(iam.calls)


def test_the_operations_met_every_kind_of_step() -> None:
    steps_known = {f"iam:{kind.__name__}" for kind in get_args(steps.Step)}
    assert steps_known - _called() == _EXTRAS


def test_the_actions_allowed_are_the_actions_called() -> None:
    assert set(_resources_of_actions()) == _called() | _EXTRAS


def test_no_action_is_a_pattern() -> None:
    assert [a for a in _resources_of_actions() if "*" in a or "?" in a] == []


def test_reads_are_of_all_users_and_writes_only_of_tenants() -> None:
    # A user that does not exist has no path: a read limited to ours would be denied, not empty.
    expected = {
        "iam:GetAccountAuthorizationDetails": {"*"},
        "iam:DeleteVirtualMFADevice": {_DEVICES},
    }
    for action, resources in _resources_of_actions().items():
        if action == "iam:RemoveUserFromGroup":
            assert _GROUPS in resources
            assert resources <= {_GROUPS, _TENANTS}
            continue
        is_read = action.startswith(("iam:Get", "iam:List"))
        usual = {_USERS} if is_read else {_TENANTS}
        assert resources == expected.get(action, usual), action


def test_nothing_is_left_out_or_turned_round() -> None:
    for statement in _statements():
        assert not {"NotAction", "NotResource"} & statement.keys()
