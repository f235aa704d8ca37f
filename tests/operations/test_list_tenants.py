"""`list` on the fake IAM: every tenant of a large account, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.keys import KeyState
from ses_tenant.core.tenant.observed import AccessKey, CredentialReport, KeyStatus, ReportedKey
from ses_tenant.operations.list_tenants import TenantSummary, list_tenants
from tests.fakes.example_tenant import ARN, NAME, PATH, SUSPENDED_POLICY, TAGS, add_shop
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.runtime import fake_runtime


def _add_tenant(iam: FakeIam, domain: str) -> str:
    tags = TAGS | {"ses-tenant:domain": domain}
    return iam.add_user(f"ses-{domain}", f"/ses-tenant/{domain}/", tags).name


def keys_of(tenant: TenantSummary) -> list[AccessKey]:
    """Return a tenant's keys, each as IAM lists it."""
    keys = tenant.access_keys or ()
    assert all(isinstance(key, AccessKey) for key in keys)
    return [key for key in keys if isinstance(key, AccessKey)]


def test_an_empty_account_costs_one_call() -> None:
    iam = FakeIam()

    listing = list_tenants(fake_runtime(iam), fresh=False)

    assert (listing.as_of, listing.tenants, listing.warnings) == (Clock()(), (), ())
    assert iam.calls == ["iam:GetAccountAuthorizationDetails"]


def test_one_tenant_is_told_in_full() -> None:
    clock = Clock()
    iam = FakeIam(clock)
    add_shop(iam)
    key_id = iam.add_key(NAME)
    iam.last_used[key_id] = clock() + timedelta(hours=3)

    (tenant,) = list_tenants(fake_runtime(iam, now=clock), fresh=False).tenants

    assert tenant.domain == "shop.example.com"
    assert tenant.user_name == NAME
    assert tenant.user_arn == ARN
    assert tenant.interface == "api"
    assert tenant.state is KeyState.STEADY
    assert tenant.regions == ("eu-central-1",)
    assert tenant.destination == "-"
    (key,) = keys_of(tenant)
    assert (key.access_key_id, key.status) == (key_id, KeyStatus.ACTIVE)
    assert key.created_at == clock()
    assert key.last_used_at == clock() + timedelta(hours=3)


def test_a_tenant_whose_tags_are_lost_but_one_is_listed_with_what_is_known() -> None:
    iam = FakeIam()
    iam.add_user(NAME, PATH, {"ses-tenant:domain": "shop.example.com"})

    (tenant,) = list_tenants(fake_runtime(iam), fresh=False).tenants

    assert (tenant.interface, tenant.regions, tenant.destination) == (None, (), "-")
    assert tenant.state is KeyState.NO_KEY


@pytest.mark.parametrize(
    ("keys", "suspended", "state"),
    [
        ([], False, KeyState.NO_KEY),
        ([KeyStatus.ACTIVE], False, KeyState.STEADY),
        ([KeyStatus.INACTIVE], False, KeyState.LOCKED_OUT),
        ([KeyStatus.INACTIVE, KeyStatus.INACTIVE], False, KeyState.LOCKED_OUT),
        ([KeyStatus.ACTIVE, KeyStatus.ACTIVE], False, KeyState.OVERLAP),
        ([KeyStatus.ACTIVE, KeyStatus.INACTIVE], False, KeyState.RETIRING),
        ([KeyStatus.ACTIVE] * 3, False, KeyState.OVERFULL),
        ([KeyStatus.ACTIVE], True, KeyState.SUSPENDED),
        ([], True, KeyState.SUSPENDED),
    ],
)
def test_the_state_is_told_by_keys_and_suspension(
    keys: list[KeyStatus], suspended: bool, state: KeyState
) -> None:
    iam = FakeIam()
    user = add_shop(iam)
    for status in keys:
        iam.add_key(NAME, status)
    if suspended:
        user.policies["ses-tenant-suspended"] = SUSPENDED_POLICY

    (tenant,) = list_tenants(fake_runtime(iam), fresh=False).tenants

    assert tenant.state is state


def test_1200_tenants_among_foreign_users() -> None:
    iam = FakeIam()
    domains = [f"site-{n:04}.example.com" for n in range(1200)]
    for n, domain in enumerate(reversed(domains)):
        iam.add_key(_add_tenant(iam, domain))
        if n % 5 == 0:
            iam.add_user(f"person-{n}", "/people/", {"ses-tenant:domain": domain})
            iam.add_key(f"person-{n}")

    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))

    listing = list_tenants(fake_runtime(iam, workers=8), progress, fresh=True)

    assert [t.domain for t in listing.tenants] == domains
    assert len({keys_of(t)[0].access_key_id for t in listing.tenants}) == 1200
    assert all(t.state is KeyState.STEADY for t in listing.tenants)
    assert listing.warnings == ()
    assert told == [(n, 1200) for n in range(1, 1201)]
    assert iam.writes == []
    assert iam.calls.count("iam:GetAccountAuthorizationDetails") == 2
    assert iam.calls.count("iam:ListAccessKeys") == 1200
    assert iam.calls.count("iam:GetAccessKeyLastUsed") == 1200
    assert len(iam.calls) == 2402


def test_each_tenant_is_listed_with_its_own_keys() -> None:
    iam = FakeIam()
    keys = {}
    for n in range(40):
        domain = f"site-{n:02}.example.com"
        keys[domain] = iam.add_key(_add_tenant(iam, domain))

    listing = list_tenants(fake_runtime(iam), fresh=False)

    assert {t.domain: keys_of(t)[0].access_key_id for t in listing.tenants} == keys


def test_a_user_under_our_path_without_our_tag_is_warned_of_and_its_keys_are_not_read() -> None:
    iam = FakeIam()
    add_shop(iam)
    iam.add_user("stray", "/ses-tenant/stray.example.com/")

    listing = list_tenants(fake_runtime(iam), fresh=False)

    assert [t.domain for t in listing.tenants] == ["shop.example.com"]
    (warning,) = listing.warnings
    assert warning.code == "not_ours"
    assert "stray" in warning.message
    assert "/ses-tenant/stray.example.com/" in warning.message
    assert iam.calls.count("iam:ListAccessKeys") == 1


@pytest.mark.parametrize("code", [ErrorCode.THROTTLED, ErrorCode.ACCESS_DENIED])
def test_a_failure_while_keys_are_read_is_raised(code: ErrorCode) -> None:
    iam = FakeIam()
    for n in range(20):
        _add_tenant(iam, str(SendingDomain.parse(f"site-{n:02}.example.com")))
    iam.fail_at(7, "before", SesTenantError(code, "No."))

    with pytest.raises(SesTenantError) as caught:
        list_tenants(fake_runtime(iam), fresh=False)

    assert caught.value.code is code


def test_a_tenant_deleted_while_the_list_is_read_does_not_end_it() -> None:
    iam = FakeIam()
    for n in range(3):
        _add_tenant(iam, f"site-{n}.example.com")
    iam.fail_at(3, "before", SesTenantError(ErrorCode.NOT_FOUND, "NoSuchEntity"))

    listing = list_tenants(fake_runtime(iam), fresh=False)

    assert [t.domain for t in listing.tenants] == ["site-0.example.com", "site-2.example.com"]


def _add_many(iam: FakeIam, number: int) -> None:
    for n in range(number):
        iam.add_key(_add_tenant(iam, f"site-{n:04}.example.com"))


def test_a_large_account_is_listed_from_the_credential_report() -> None:
    clock = Clock()
    iam = FakeIam(clock)
    _add_many(iam, 2001)
    users = list(iam.users.values())
    users[0].policies["ses-tenant-suspended"] = SUSPENDED_POLICY
    users[1].keys.clear()

    listing = list_tenants(fake_runtime(iam, now=lambda: clock() + timedelta(hours=3)), fresh=False)

    assert len(iam.calls) == 3 + 2
    assert (listing.reported, listing.as_of) == (True, clock())
    assert len(listing.tenants) == 2001
    suspended, keyless, other = listing.tenants[:3]
    assert suspended.state is KeyState.SUSPENDED
    assert (keyless.state, keyless.access_keys) == (KeyState.NO_KEY, ())
    assert other.state is KeyState.STEADY
    assert other.access_keys == (ReportedKey(active=True, changed_at=clock()),)


def test_of_a_tenant_that_the_report_does_not_show_the_keys_are_not_known() -> None:
    iam = ReportBefore("ses-site-0000.example.com")
    _add_many(iam, 101)

    new, other = list_tenants(fake_runtime(iam), fresh=False).tenants[:2]

    assert (new.state, new.access_keys) == (None, None)
    assert (other.state, len(other.access_keys or ())) == (KeyState.STEADY, 1)


@pytest.mark.parametrize(("number", "fresh"), [(100, False), (101, True)])
def test_a_small_account_and_a_fresh_list_are_exact(number: int, fresh: bool) -> None:
    iam = FakeIam()
    _add_many(iam, number)

    listing = list_tenants(fake_runtime(iam), fresh=fresh)

    assert not listing.reported
    assert "iam:GetCredentialReport" not in iam.calls
    assert all(keys_of(tenant) for tenant in listing.tenants)


class ReportBefore(FakeIam):
    """Its credential report was made before one of the users."""

    def __init__(self, without: str) -> None:
        super().__init__()
        self.without = without

    def credential_report(self) -> CredentialReport:
        report = super().credential_report()
        arn = self.users[self.without].as_user.user_arn
        return replace(report, users={a: k for a, k in report.users.items() if a != arn})
