"""`rotate-keys` over tenants and accounts, as the command line and the function run it."""

from datetime import timedelta

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import RotationOptions
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.operations import rotate_all
from ses_tenant.operations.rotate_all import Wanted
from ses_tenant.operations.runtime import Runtime
from tests.fakes.destination import FakeDestination
from tests.fakes.example_tenant import SHOP, run_create
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.runtime import fake_runtime

BLOG = SendingDomain.parse("blog.example.org")
ALWAYS = RotationOptions(named=False, max_age=timedelta(0))
CLOSED = SesTenantError(ErrorCode.NO_CREDENTIALS, "No profile.")


def account(*domains: SendingDomain) -> tuple[FakeIam, Runtime]:
    """Return an account in which each of these tenants has a key, a day old."""
    clock = Clock()
    iam = FakeIam(clock)
    places = {domain.name: FakeDestination(iam) for domain in domains}
    for domain in domains:
        request = TenantRequest(domain, destination="file:/site.env")
        run_create(iam, request, destination=places[domain.name])
    clock.advance(timedelta(days=1))
    opened = fake_runtime(
        iam, now=clock, open_destination=lambda spec: places[spec.domain.name], workers=1
    )
    return iam, opened


def keys(iam: FakeIam, domain: SendingDomain) -> int:
    return len(iam.users[f"ses-{domain}"].keys)


def test_a_closed_account_and_a_missing_tenant_stop_no_other() -> None:
    iam, runtime = account(SHOP)
    wanted: dict[str | None, Wanted] = {
        "a": Wanted(ALWAYS, max_ages={SHOP.name: None, "new.example.com": None}),
        "b": Wanted(ALWAYS),
    }
    found = rotate_all.look({"a": runtime, "b": CLOSED}, wanted)
    assert found.errors == (("b", CLOSED),)
    assert [(p.account, p.turn.domain) for p in found.absent] == [("a", "new.example.com")]
    (done,) = rotate_all.carry_out_all(rotate_all.plan_all(found.due), verify=False)
    assert (done.account, done.turn.error) == ("a", None)
    assert keys(iam, SHOP) == 2


def test_a_tenant_that_fails_stops_no_other_and_its_plan_is_kept() -> None:
    iam, runtime = account(BLOG, SHOP)
    planned = rotate_all.plan_all(rotate_all.look({None: runtime}, {None: Wanted(ALWAYS)}).due)
    iam.fail_at(1, "before", SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it."))
    failed, done = rotate_all.carry_out_all(planned, verify=False)
    assert failed.turn.error is not None
    assert failed.turn.plan == planned[0].turn.plan
    assert done.turn.error is None
    assert (keys(iam, BLOG), keys(iam, SHOP)) == (1, 2)


def test_what_may_not_begin_any_more_is_left_alone() -> None:
    iam, runtime = account(BLOG, SHOP)
    due = rotate_all.look({None: runtime}, {None: Wanted(ALWAYS, (BLOG, SHOP))}).due
    iam.calls.clear()
    assert rotate_all.rotate_all(due, lambda: False) == [None, None]
    assert iam.calls == []


def test_an_account_in_which_nothing_is_wanted_is_not_asked() -> None:
    iam, runtime = account(SHOP)
    iam.calls.clear()
    assert rotate_all.look({"a": runtime}, {}) == rotate_all.Round()
    assert iam.calls == []
