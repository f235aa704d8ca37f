"""examples/operator-policy.json allows what ses-tenant calls, on no more than it needs."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import boto3
import pytest
from moto import mock_aws

from ses_tenant.aws.production import account_status, request_production
from ses_tenant.aws.route53 import Route53
from ses_tenant.aws.session import open_session
from ses_tenant.core.identity import steps as identity_steps
from ses_tenant.core.identity.answers import Answer, Outcome
from ses_tenant.core.identity.events import ConfigurationSet
from ses_tenant.core.identity.production import ProductionRequest
from ses_tenant.core.identity.state import EmailIdentity, Status
from ses_tenant.core.proof.guards import SecretTold
from ses_tenant.core.rotation.decision import Mode, RotationOptions
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.operator_policy import operator_policy
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface, SendingOptions, TenantSpec
from ses_tenant.operations import check, identity, rotate_all, ses_tenants, suspend, watch_setup
from ses_tenant.operations.audit import audit
from ses_tenant.operations.list_tenants import list_tenants
from ses_tenant.operations.publish import prepare_publish
from ses_tenant.operations.show import show
from tests.fakes.destination import FakeDestination
from tests.fakes.event_publishing import FakeEventPublishing
from tests.fakes.example_tenant import (
    NAME,
    SHOP,
    SUSPENDED_POLICY,
    run_create,
    run_delete,
)
from tests.fakes.iam import BOUNDARY, EVERYTHING, Clock, FakeIam
from tests.fakes.identities import FakeIdentities
from tests.fakes.runtime import fake_runtime
from tests.fakes.ses import FakeSes
from tests.fakes.ses_tenants import FakeSesTenants
from tests.fakes.stores import FakeStores

_FILE = Path(__file__).parents[2] / "examples" / "operator-policy.json"

_USERS = "arn:aws:iam::*:user/*"
_TENANTS = "arn:aws:iam::*:user/ses-tenant/*"
_DEVICES = "arn:aws:iam::*:mfa/*"
_KEYS = "arn:aws:kms:*:*:key/*"
_GROUPS = "arn:aws:iam::*:group/*"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _statements() -> list[dict[str, Any]]:
    return _of(json.loads(_FILE.read_text()))


def _of(policy: dict[str, Any]) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = policy["Statement"]
    return statements


def _resources_of_actions() -> dict[str, set[str]]:
    """Return, for each action allowed, the resources it is allowed on."""
    allowed: dict[str, set[str]] = {}
    for statement in _statements():
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            allowed.setdefault(action, set()).update(_listed(statement["Resource"]))
    return allowed


def _called() -> set[str]:
    """Return every action that the operations call when there is most to do."""
    iam = FakeIam()
    elsewhere = FakeDestination(iam)
    run_create(iam, TenantRequest(SHOP, destination="file:/shop.env"), destination=elsewhere)
    user = iam.users[NAME]
    user.path = "/ses-tenant/moved/"
    user.tags["ses-tenant:regions.3"] = "left over"
    user.policies["foreign"] = SUSPENDED_POLICY
    request = TenantRequest(SHOP, Interface.SMTP, permissions_boundary=BOUNDARY)
    run_create(iam, request, destination=elsewhere)
    _suspend_and_resume(iam)
    _rotate(iam, elsewhere)
    iam.attach(NAME, EVERYTHING)
    list_tenants(fake_runtime(iam), fresh=True)
    show(iam, SHOP)
    _check_and_audit(iam, elsewhere)
    assert run_delete(iam).error is None
    assert iam.users == {}
    iam.calls += _make_and_delete_identities()
    iam.calls += _set_up_and_remove_the_watch()
    iam.calls += _make_and_see_an_ses_tenant()
    # What the destination was asked for is counted with the calls and is none of IAM's.
    return {call for call in iam.calls if not call.startswith("iam:Destination")}


def _check_and_audit(iam: FakeIam, destination: FakeDestination) -> None:
    ses, now = FakeSes(), Clock()()
    options = check.CheckOptions(timedelta(days=90), live=True)
    runtime = fake_runtime(iam, destination, ses=ses)
    (checked,) = check.inspect(runtime, [SHOP], options).checked
    assert checked.error is None
    for destination_ in ("secretsmanager:shop", "ssm:/shop"):
        iam.users[NAME].tags["ses-tenant:destination"] = destination_
        stores = FakeStores(
            secrets={
                "shop": SecretTold("arn:aws:secretsmanager:x:1:secret:shop-x", None, "alias/x")
            },
            keys_of_parameters={"/shop": "alias/x"},
        )
        audit(iam, ses, now, timedelta(days=90), stores=stores)
        iam.calls += stores.calls
    iam.calls += ses.calls


_EU, _US = "eu-central-1", "us-east-1"


def _make_and_delete_identities() -> list[str]:
    """Adopt, repair and delete an identity, one with keys of its own and one with the keys of it.

    The permission for the keys is no call, so it is noted with the step that needs it.
    """
    fake = FakeIdentities()
    fake.identities[_EU, SHOP.name] = EmailIdentity(SHOP.name, Status.FAILED)
    identity.carry_out(fake, identity.prepare_adopt(fake, SHOP, [_EU]).steps)
    settings = IdentitySettings(SHOP, replicate_from=_EU)
    made = identity.prepare(fake, settings, [_EU, _US]).steps
    identity.carry_out(fake, made)
    identity.carry_out(fake, identity.prepare_delete(fake, SHOP, [_EU, _US], ()).steps)
    assert fake.identities == {}
    if any(isinstance(s, identity_steps.CreateEmailIdentity) and s.replicate_from for s in made):
        fake.calls.append("ses:ReplicateEmailIdentityDkimSigningKey")
    return fake.calls


def _set_up_and_remove_the_watch() -> list[str]:
    """Watch an identity, put its event destination right, and stop watching."""
    ses, iam = FakeSes(), FakeIam()
    ses.identities[_EU, SHOP.name] = EmailIdentity(SHOP.name, tags={"ses-tenant:domain": SHOP.name})
    fake, runtime = FakeEventPublishing(ses), fake_runtime(iam, ses=ses)

    def run(prepare: Any) -> None:
        assert watch_setup.carry_out(runtime, fake, prepare(runtime, fake, [_EU])).failures == ()

    run(watch_setup.prepare_setup)
    found = fake.sets[_EU]
    assert isinstance(found, ConfigurationSet)
    off = replace(found.destinations[0], enabled=False)
    fake.sets[_EU] = replace(found, destinations=(off,))
    run(watch_setup.prepare_setup)
    run(watch_setup.prepare_remove)
    assert fake.sets == {}
    return [*iam.calls, *ses.calls, *fake.calls]


def _make_and_see_an_ses_tenant() -> list[str]:
    """Make an SES tenant, complete it as the next run does, show it, and look who shares it."""
    spec = TenantSpec(SHOP, regions=(_EU,), sending=SendingOptions(ses_tenant=True))
    identities, fake = FakeIdentities(), FakeSesTenants()
    identities.identities[_EU, SHOP.name] = EmailIdentity(SHOP.name)
    for _ in range(2):
        assert ses_tenants.arrange(fake, identities, spec)[1] == ()
    (seen,) = ses_tenants.see(fake, spec)
    assert seen.found is not None
    assert len(fake.of_identity(_EU, SHOP.name)) == 1
    # One that is made with a tag needs the permission to tag it.
    return [*fake.calls, "ses:TagResource"]


class _NoDns:
    """DNS without any record."""

    def ask(self, _name: str, _kind: str) -> Answer:
        return Answer(Outcome.NO_NAME)

    def authoritative(self, _name: str) -> None:
        return None


@pytest.fixture(scope="module")
def published() -> set[str]:
    """Return the calls of `identity publish`, as boto3 makes them."""
    found: set[str] = set()
    fake = FakeIdentities()
    identity.carry_out(fake, identity.prepare(fake, IdentitySettings(SHOP), [_EU]).steps)
    records = identity.records_of([identity.read_view(fake, SHOP, _EU)], SHOP)
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        zones = boto3.client("route53", region_name=_EU)
        zones.create_hosted_zone(Name="example.com", CallerReference="1")
        session = open_session(None, _EU, None)
        session.route53_client().meta.events.register(
            "before-call.route53", lambda model, **_: found.add(f"route53:{model.name}")
        )
        route53 = Route53(session)
        plan = prepare_publish(route53, _NoDns(), SHOP, records)
        assert plan.records == records
        route53.add(plan)
    return found


@pytest.fixture(scope="module")
def requested() -> set[str]:
    """Return the calls of `identity request-production`, as boto3 makes them; nothing is sent."""
    found: set[str] = set()

    def answer(model: Any, **_: object) -> tuple[object, dict[str, object]]:
        found.add(f"ses:{model.name}")
        return SimpleNamespace(status_code=200, headers={}, content=b"{}"), {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        session = open_session(None, _EU, None)
        session.sesv2_client(_EU).meta.events.register(
            "before-call.sesv2",
            answer,  # type: ignore[arg-type]  # an answer here takes the place of AWS's
        )
        assert account_status(session, _EU).production
        wanted = ProductionRequest("https://example.com", "Receipts of orders.")
        request_production(session, _EU, wanted)
    return found


def _suspend_and_resume(iam: FakeIam) -> None:
    for prepare in (suspend.prepare_suspend, suspend.prepare_resume):
        (done,) = suspend.carry_out_all(fake_runtime(iam), prepare, [(SHOP, None)])
        assert done.error is None


def _rotate(iam: FakeIam, destination: FakeDestination) -> None:
    """Run `rotate-keys` for all tenants, the one there is being due, and replace its key."""
    options = RotationOptions(named=False, max_age=timedelta(0), mode=Mode.COMPROMISED)
    runtime = fake_runtime(iam, destination)
    found = rotate_all.look({None: runtime}, {None: rotate_all.Wanted(options)})
    assert found.settled == ()
    (done,) = rotate_all.carry_out_all(rotate_all.plan_all(found.due), verify=False)
    assert done.turn.error is None
    assert destination.key == iam.issued[-1].access_key_id


def test_the_operations_met_every_kind_of_step() -> None:
    to_destinations = {steps.Deliver, steps.MarkDelivered}
    known = {f"iam:{kind.__name__}" for kind in set(get_args(steps.Step)) - to_destinations}
    assert known - _called() == set()


def test_what_notes_a_delivery_is_an_action_of_iam_and_what_delivers_is_not() -> None:
    assert steps.MarkDelivered(NAME).action in _called()
    for place in ("-", "file:/shop.env", "secretsmanager:shop", "ssm:/shop", "command:keep"):
        assert not steps.Deliver(NAME, place).action.startswith("iam:")


def test_the_operations_met_every_step_on_an_identity() -> None:
    kinds = get_args(identity_steps.IdentityStep) + get_args(identity_steps.EventStep)
    known = {f"ses:{kind.__name__}" for kind in kinds}
    assert known - _called() == set()


def test_the_actions_allowed_are_the_actions_called(
    published: set[str], requested: set[str]
) -> None:
    of_the_watch = {"dynamodb:Query", "events:PutEvents"}  # as tests/aws/test_bus.py shows
    assert set(_resources_of_actions()) == _called() | published | requested | of_the_watch
    asking = operator_policy(("request-production",))
    actions = [action for s in _of(asking) for action in s["Action"]]
    assert set(actions) == requested


def test_no_action_is_a_pattern() -> None:
    assert [a for a in _resources_of_actions() if "*" in a or "?" in a] == []


def test_reads_are_of_all_users_and_writes_only_of_tenants() -> None:
    # A user that does not exist has no path: a read limited to ours would be denied, not empty.
    expected = {
        "iam:GetAccountAuthorizationDetails": {"*"},
        "iam:GenerateCredentialReport": {"*"},
        "iam:GetCredentialReport": {"*"},
        "iam:DeleteVirtualMFADevice": {_DEVICES},
        "ses:GetAccount": {"*"},
        "ses:ListEmailIdentities": {"*"},
        "ses:PutAccountDetails": {"*"},
        "route53:ListHostedZones": {"*"},
        "route53:ListResourceRecordSets": {"arn:aws:route53:::hostedzone/*"},
        "route53:ChangeResourceRecordSets": {"arn:aws:route53:::hostedzone/*"},
        "secretsmanager:DescribeSecret": {"*"},
        "secretsmanager:GetResourcePolicy": {"*"},
        "ssm:DescribeParameters": {"*"},
        "kms:DescribeKey": {_KEYS},
        "events:PutEvents": {"arn:aws:events:*:*:event-bus/default"},
        "dynamodb:Query": {"arn:aws:dynamodb:*:*:table/ses-tenant-watch"},
        "kms:GetKeyPolicy": {_KEYS},
        "kms:ListGrants": {_KEYS},
    }
    identities = {"arn:aws:ses:*:*:identity/*"}
    events = {"arn:aws:ses:*:*:configuration-set/ses-tenant-events"}
    of_ses_tenants = (
        *("ses:CreateTenant", "ses:CreateTenantResourceAssociation", "ses:GetTenant"),
        *("ses:ListResourceTenants", "ses:ListTenantResources"),
    )
    expected |= {key: {"*"} for key in of_ses_tenants}
    both = ("ses:TagResource", "ses:PutEmailIdentityConfigurationSetAttributes")
    expected |= dict.fromkeys(both, identities | events)
    expected["ses:TagResource"] = identities | events | {"arn:aws:ses:*:*:tenant/*"}
    for action, resources in _resources_of_actions().items():
        if action == "iam:RemoveUserFromGroup":
            assert _GROUPS in resources
            assert resources <= {_GROUPS, _TENANTS}
            continue
        is_read = action.startswith(("iam:Get", "iam:List", "iam:Simulate"))
        usual = {_USERS} if is_read else {_TENANTS}
        if action[:4] == "ses:":
            usual = events if "ConfigurationSet" in action else identities
        assert resources == expected.get(action, usual), action


def test_nothing_is_left_out_or_turned_round() -> None:
    for statement in _statements():
        assert not {"NotAction", "NotResource"} & statement.keys()
