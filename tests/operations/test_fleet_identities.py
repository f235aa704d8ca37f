"""Email identities that a tenants file asks for: planned, made, told, finished by the next run."""

from dataclasses import replace
from typing import Any

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.changes import Change
from ses_tenant.core.fleet.fleet import Account, Fleet, FleetTenant
from ses_tenant.core.fleet.tenants_file import parse_fleet
from ses_tenant.core.identity.state import EmailIdentity, Status
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.destinations.registry import file_checks
from ses_tenant.operations.export import export
from ses_tenant.operations.fleet import FleetPlan, carry_out, plan
from tests.fakes.destination import FakeDestination
from tests.fakes.iam import FakeIam
from tests.fakes.identities import FakeIdentities
from tests.fakes.runtime import fake_runtime

EU, US = "eu-central-1", "us-east-1"
SHOP, BLOG, WWW = (
    SendingDomain(name) for name in ("shop.example.com", "blog.example.org", "www.example.org")
)
CREATE, MAIL_FROM = "ses:CreateEmailIdentity", "ses:PutEmailIdentityMailFromAttributes"


def tenant(
    domain: SendingDomain, *regions: str, identity: bool = True, **wanted: Any
) -> FleetTenant:
    request = TenantRequest(
        domain, regions=regions or (EU,), destination=f"file:/srv/{domain}.env", interface=None
    )
    settings = IdentitySettings(domain, **wanted) if identity else None
    return FleetTenant("default", request, identity=settings)


class World:
    """One account in memory, and a file."""

    def __init__(self, *tenants: FleetTenant) -> None:
        self.iam, self.ses = FakeIam(), FakeIdentities()
        places: dict[str, FakeDestination] = {}
        self.runtime = fake_runtime(
            self.iam,
            identities=self.ses,
            open_destination=lambda spec: places.setdefault(
                spec.destination, FakeDestination(self.iam)
            ),
        )
        self.fleet = Fleet({"default": Account("default")}, tenants)

    def plan(self) -> FleetPlan:
        self.ses.calls.clear()
        return plan(self.fleet, {None: self.runtime}, prune=False)

    def apply(self) -> list[SesTenantError | None]:
        return [p.error for p in carry_out(self.plan().changes, {"default": self.runtime})]

    def actions(self) -> dict[str, list[str]]:
        return {
            p.domain: [s.action for s in p.plan if s.action.startswith("ses:")]
            for p in self.plan().tenants
        }


def test_identities_are_made_beside_the_tenants_and_then_left_alone() -> None:
    world = World(tenant(SHOP, EU, US), tenant(BLOG, identity=False), tenant(WWW, mail_from="none"))
    planned = world.plan()
    assert [p.change for p in planned.tenants] == [Change.CREATE] * 3
    assert world.actions() == {
        SHOP.name: [CREATE, MAIL_FROM, CREATE, MAIL_FROM],
        BLOG.name: [],
        WWW.name: [CREATE],
    }
    # No identity is read where the list has none.
    assert world.ses.calls == ["ses:ListEmailIdentities"] * 2
    assert world.apply() == [None, None, None]
    assert set(world.ses.identities) == {(EU, SHOP.name), (US, SHOP.name), (EU, WWW.name)}
    assert {u.tags["ses-tenant:domain"] for u in world.iam.users.values()} == {
        SHOP.name, BLOG.name, WWW.name,
    }  # fmt: skip
    again = world.plan()
    assert again.changes == ()
    assert world.ses.calls.count("ses:GetEmailIdentity") == 3


def test_an_identity_that_is_asked_for_later_is_an_update() -> None:
    world = World(tenant(SHOP, identity=False))
    world.apply()
    world.fleet = Fleet(world.fleet.accounts, (tenant(SHOP, dmarc_rua="dmarc@example.com"),))
    (planned,) = world.plan().changes
    assert planned.change is Change.UPDATE
    assert [s.action for s in planned.plan] == [CREATE, MAIL_FROM]
    assert [(r.type.value, r.name, r.value) for r in planned.records] == [
        *[("CNAME", "<key>._domainkey.shop.example.com", "<key>.<zone>.")] * 3,
        ("MX", "mail.shop.example.com", "10 feedback-smtp.eu-central-1.amazonses.com."),
        ("TXT", "mail.shop.example.com", '"v=spf1 include:amazonses.com ~all"'),
        ("TXT", "_dmarc.shop.example.com", '"v=DMARC1; p=none; rua=mailto:dmarc@example.com;"'),
    ]
    assert world.apply() == [None]
    assert world.plan().changes == ()


def test_a_run_that_broke_at_any_call_of_ses_is_finished_by_the_next() -> None:
    wanted = (tenant(SHOP, EU, US, replicate_from=EU), tenant(WWW))
    whole = World(*wanted)
    whole.apply()
    calls = len(whole.ses.calls)
    for number in range(calls):
        for after in (False, True):
            world = World(*wanted)
            planned = world.plan()
            world.ses.fail_at, world.ses.after = number, after
            if number < len(world.ses.calls):
                planned = world.plan()  # a failed read is told, and nothing is lost
                assert [p.error.code for p in planned.tenants if p.error]
                world.ses.fail_at = None
            outcomes = carry_out(planned.changes, {"default": world.runtime})
            world.ses.fail_at = None
            failed = [p for p in outcomes if p.error]
            assert all(p.domain in p.error.message for p in failed if p.error)
            world.apply()
            assert world.plan().changes == (), (number, after)
            assert set(world.ses.identities) == set(whole.ses.identities)
            assert len(world.iam.users) == 2


def test_a_failure_of_one_identity_stops_no_other() -> None:
    world = World(tenant(SHOP), tenant(WWW))
    planned = world.plan()
    world.ses.fail_at = len(world.ses.calls) + 1  # the MAIL FROM domain of the first
    outcomes = carry_out(planned.changes, {"default": world.runtime})
    errors = {p.domain: p.error for p in outcomes}
    assert errors[WWW.name] is None
    told = errors[SHOP.name]
    assert told is not None
    assert told.partly_done
    assert "shop.example.com" in told.message
    assert len(world.iam.users) == 2


def test_whoever_may_not_read_identities_still_gets_tenants() -> None:
    world = World(tenant(SHOP), tenant(BLOG, identity=False))
    world.ses.fail_at = 0
    planned = world.plan()
    assert [p.error.code if p.error else None for p in planned.tenants] == [None, ErrorCode.NETWORK]
    assert [p.domain for p in planned.changes] == [BLOG.name]


def test_what_is_not_ours_is_left_alone_and_told_once() -> None:
    sites = [SendingDomain(f"site{n}.example.net") for n in range(7)]
    world = World(*(tenant(site) for site in sites))
    for site in sites:
        world.ses.identities[EU, site.name] = EmailIdentity(site.name, Status.SUCCESS)
    planned = world.plan()
    assert all(p.identity and not p.identity.steps for p in planned.tenants)
    (warning,) = planned.warnings
    assert warning.code == "not_ours"
    assert "site0.example.net, " in warning.message
    assert " and 2 more were not made by ses-tenant" in warning.message


def test_a_verified_identity_above_serves_and_nothing_is_said() -> None:
    world = World(tenant(SHOP), tenant(WWW, own=True))
    for name in ("example.com", "example.org"):
        world.ses.identities[EU, name] = EmailIdentity(name, Status.SUCCESS, sending=True)
    assert world.actions() == {SHOP.name: [], WWW.name: [CREATE, MAIL_FROM]}
    assert world.plan().warnings == ()


def test_a_mail_from_domain_that_a_tenant_sends_as_is_a_mistake_of_the_file() -> None:
    world = World(tenant(SHOP), tenant(SendingDomain("mail.shop.example.com"), identity=False))
    (mistaken,) = [p for p in world.plan().tenants if p.mistaken]
    assert mistaken.domain == SHOP.name
    assert mistaken.error is not None
    assert mistaken.error.settings == ("mail-from",)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"mail_from": "none"},
        {"mail_from": "bounce"},
        {"own": True},
        {"replicate_from": EU},
        {"mail_from": "bounce", "own": True, "replicate_from": EU},
    ],
)
@pytest.mark.parametrize("parent", [False, True])
def test_export_writes_what_plan_finds_unchanged(wanted: dict[str, Any], parent: bool) -> None:
    world = World(tenant(SHOP, EU, US, **wanted), tenant(BLOG, identity=False))
    if parent:
        world.ses.identities[EU, "example.com"] = world.ses.identities[US, "example.com"] = (
            EmailIdentity("example.com", Status.SUCCESS, sending=True)
        )
    world.apply()
    exported = export(world.iam, None, world.ses)
    world.fleet = parse_fleet(exported.toml, "tenants.toml", file_checks())
    assert world.plan().changes == ()
    shop = next(t for t in world.fleet.tenants if t.domain == SHOP)
    made = (EU, SHOP.name) in world.ses.identities
    assert made == (not parent or bool(wanted.get("own")))
    expected = IdentitySettings(SHOP, **wanted) if made else None
    if expected and not parent:
        expected = replace(expected, own=False)
    assert shop.identity == expected
    assert exported.warnings == ()


def test_export_leaves_out_what_it_may_not_read_and_says_so() -> None:
    world = World(tenant(SHOP))
    world.apply()
    world.ses.calls.clear()
    world.ses.fail_at = 0
    exported = export(world.iam, None, world.ses)
    assert '[tenants."shop.example.com"]' in exported.toml
    assert "identity" not in exported.toml
    assert [warning.code for warning in exported.warnings] == ["not_read"]
