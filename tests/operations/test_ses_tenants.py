"""The SES tenant of a domain, on fakes: made, repaired, refused, shown, and found shared."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.findings.finding import Severity
from ses_tenant.core.fleet.changes import Change
from ses_tenant.core.fleet.fleet import Fleet
from ses_tenant.core.fleet.tenants_file import parse_fleet
from ses_tenant.core.identity.ses_tenants import (
    CreateTenant,
    CreateTenantResourceAssociation,
    SesTenant,
    plan_ses_tenant,
)
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.tenant.policy import sending_policy
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import SendingOptions, TenantSpec
from ses_tenant.destinations.registry import file_checks
from ses_tenant.operations import fleet, ses_tenants
from ses_tenant.operations.audit import audit
from ses_tenant.operations.runtime import Runtime
from tests.fakes.example_tenant import SHOP, run_create
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.identities import FakeIdentities
from tests.fakes.runtime import REGION, fake_runtime
from tests.fakes.ses import FakeSes
from tests.fakes.ses_tenants import FakeSesTenants

NAME = "shop-example-com"
IDENTITY, EVENTS = "identity/shop.example.com", "configuration-set/ses-tenant-events"
SPEC = TenantSpec(SHOP, regions=(REGION,), sending=SendingOptions(ses_tenant=True))
DENIED = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS refused ses:CreateTenant.", "Allow it.")


def with_identity(configuration_set: str | None = "ses-tenant-events") -> FakeIdentities:
    identities = FakeIdentities()
    identities.identities[REGION, "shop.example.com"] = EmailIdentity(
        "shop.example.com", configuration_set=configuration_set
    )
    return identities


def test_identity_and_configuration_sets_are_associated_once() -> None:
    there, identities = FakeSesTenants(), with_identity()
    done, notices = ses_tenants.arrange(there, identities, SPEC)
    first, *associated = done
    assert first.summary == "eu-central-1: create the SES tenant shop-example-com"
    assert [step.summary for step in associated] == [
        f"eu-central-1: associate {resource} with the SES tenant shop-example-com"
        for resource in (IDENTITY, EVENTS)
    ]
    assert notices == ()
    assert there.there[REGION, NAME].resources == {IDENTITY, EVENTS}
    assert ses_tenants.arrange(there, identities, SPEC) == ((), ())


def test_only_what_is_missing_is_planned() -> None:
    half = SesTenant(NAME, "ENABLED", "shop.example.com", frozenset({IDENTITY}))
    steps = plan_ses_tenant(SHOP, REGION, half, ["news", "news"])
    assert steps == (CreateTenantResourceAssociation(REGION, NAME, "configuration-set/news"),)


def test_who_does_not_ask_for_it_gets_none_and_costs_no_call() -> None:
    there, identities = FakeSesTenants(), with_identity()
    assert ses_tenants.arrange(there, identities, replace(SPEC, sending=SendingOptions())) == (
        (),
        (),
    )
    assert (there.calls, identities.calls) == ([], [])


def test_the_policy_is_the_same_and_the_tag_remembers_it() -> None:
    assert sending_policy(SPEC) == sending_policy(replace(SPEC, sending=SendingOptions()))
    assert SPEC.tags["ses-tenant:sending"] == "ses-tenant"
    assert SendingOptions.from_tags(SPEC.tags).ses_tenant


def test_without_an_identity_of_its_own_it_tells_what_to_do() -> None:
    there = FakeSesTenants()
    done, (notice,) = ses_tenants.arrange(there, FakeIdentities(), SPEC)
    assert (done, there.there) == ((), {})
    assert "ses-tenant identity create shop.example.com --own" in notice.message
    steps, notices = ses_tenants.prepare(there, FakeIdentities(), SPEC, to_come=[REGION])
    assert steps[0] == CreateTenant(REGION, NAME, "shop.example.com")
    assert notices == ()


def test_a_failure_is_a_notice() -> None:
    there = FakeSesTenants()
    there.failure = DENIED
    done, (notice,) = ses_tenants.arrange(there, with_identity(), SPEC)
    assert done == ()
    assert notice.code == "ses_tenant_failed"
    assert "AWS refused ses:CreateTenant. Allow it." in notice.message


@pytest.mark.parametrize("domain", [None, "shop-example.com"])
def test_the_ses_tenant_of_another_is_left_alone(domain: str | None) -> None:
    there = FakeSesTenants()
    there.there[REGION, NAME] = SesTenant(NAME, "ENABLED", domain)
    with pytest.raises(SesTenantError) as refused:
        ses_tenants.prepare(there, with_identity(), SPEC)
    assert refused.value.code is ErrorCode.NOT_OURS
    assert there.there[REGION, NAME].resources == frozenset()


def test_another_run_that_was_faster_does_no_harm() -> None:
    there, identities = FakeSesTenants(), with_identity()
    plan, _ = ses_tenants.prepare(there, identities, SPEC)
    ses_tenants.carry_out(there, plan)
    ses_tenants.carry_out(there, plan)
    assert there.there[REGION, NAME].resources == {IDENTITY, EVENTS}


def test_show_sees_the_status_or_why_not() -> None:
    there = FakeSesTenants()
    (none,) = ses_tenants.see(there, SPEC)
    assert (none.name, none.found, none.error) == (NAME, None, None)
    there.there[REGION, NAME] = SesTenant(NAME, "DISABLED", "shop.example.com")
    (found,) = ses_tenants.see(there, SPEC)
    assert found.found is not None
    assert found.found.status == "DISABLED"
    there.failure = DENIED
    (unread,) = ses_tenants.see(there, SPEC)
    assert unread.error is DENIED


def file(text: str) -> Fleet:
    return parse_fleet(text, "tenants.toml", file_checks())


def account(there: FakeSesTenants) -> Mapping[str | None, Runtime]:
    runtime = fake_runtime(FakeIam(), identities=with_identity(), ses_tenants=there)
    return {"default": runtime}


def test_a_file_makes_and_repairs_it() -> None:
    there = FakeSesTenants()
    accounts = account(there)
    wanted = file('[tenants."shop.example.com"]\nses-tenant = true\nsuspended = true\n')
    planned = fleet.plan(wanted, accounts, prune=False)
    (outcome,) = fleet.carry_out(planned.changes, accounts)
    assert outcome.error is None
    assert there.there[REGION, NAME].resources == {IDENTITY, EVENTS}
    assert fleet.plan(wanted, accounts, prune=False).changes == ()
    there.there[REGION, NAME] = SesTenant(NAME, "ENABLED", "shop.example.com")
    (repair,) = fleet.plan(wanted, accounts, prune=False).changes
    assert repair.change is Change.UPDATE
    assert [step.action for step in repair.plan] == ["ses:CreateTenantResourceAssociation"] * 2
    there.failure = DENIED
    (unread,) = fleet.plan(wanted, accounts, prune=False).tenants
    assert (unread.error, [w.code for w in unread.warnings]) == (None, ["ses_tenant_failed"])
    there.failure = None
    fleet.carry_out([repair], accounts)
    assert there.there[REGION, NAME].resources == {IDENTITY, EVENTS}


def test_an_identity_with_two_ses_tenants_is_found() -> None:
    iam, there = FakeIam(), FakeSesTenants()
    run_create(iam, TenantRequest(SHOP, ses_tenant=True))
    run_create(iam, TenantRequest(SendingDomain.parse("blog.example.org")))
    for name in ("else", NAME):
        there.there[REGION, name] = SesTenant(name, "ENABLED", None, frozenset({IDENTITY}))
    ask: dict[str, Any] = {"now": Clock()(), "max_age": timedelta(days=90), "ses_tenants": there}
    (finding,) = audit(iam, FakeSes(), **ask)[0].findings
    assert (finding.rule, finding.severity) == ("shared_identity", Severity.INFO)
    assert finding.principal.endswith("ses-shop.example.com")
    assert "the SES tenants else, shop-example-com in eu-central-1" in finding.message
    assert "--tenant-name else" in finding.remedy
    assert there.calls == ["ses:ListResourceTenants"]

    del there.there[REGION, "else"]
    assert audit(iam, FakeSes(), **ask)[0].findings == ()
    there.failure = DENIED
    (notice,) = audit(iam, FakeSes(), **ask)[1]
    assert notice.message.startswith("The SES tenants of email identities were not all read.")
