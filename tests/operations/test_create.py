"""`create` on the fake IAM: what it costs, what it repairs, what it refuses."""

from datetime import timedelta

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.observed import KeyStatus
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface, Scope
from ses_tenant.operations import create
from tests.fakes.example_tenant import (
    API_POLICY,
    ARN,
    NAME,
    PATH,
    REGION,
    SHOP,
    SMTP_POLICY,
    SUSPENDED_POLICY,
    TAGS,
    add_shop,
    finish_create,
    prepare_create,
    run_create,
    tenant_state,
)
from tests.fakes.iam import BOUNDARY, MANAGED_POLICY, Clock, FakeIam

_NEW_TENANT = ["iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey"]
_PRINT = "stdout:Put"  # a step of the plan that costs no call


def test_a_new_tenant_costs_one_read_and_three_writes() -> None:
    iam = FakeIam()
    delivered: list[Credentials] = []

    created = run_create(iam, deliver=delivered.append)

    assert iam.calls == ["iam:GetUser", *_NEW_TENANT]
    key = iam.issued[0]
    assert iam.snapshot() == tenant_state({key.access_key_id: "Active"})
    assert delivered == [created.credentials]
    assert created.user_arn == ARN
    assert created.prepared.warnings == ()
    assert created.credentials is not None
    assert created.credentials.access_key_id == key.access_key_id
    assert created.credentials.secret_access_key == key.secret_access_key
    assert created.credentials.smtp == ()
    assert created.credentials.regions == ("eu-central-1",)


def test_an_smtp_tenant_gets_passwords_and_no_secret_access_key() -> None:
    iam = FakeIam()
    request = TenantRequest(SHOP, Interface.SMTP, regions=("eu-central-1", "us-west-1"))

    created = run_create(iam, request)

    assert iam.users[NAME].policies == {"ses-tenant-sending": SMTP_POLICY}
    assert iam.users[NAME].tags == TAGS | {
        "ses-tenant:interface": "smtp",
        "ses-tenant:regions": "eu-central-1+us-west-1",
    }
    assert created.credentials is not None
    assert created.credentials.secret_access_key is None
    key_id = iam.issued[0].access_key_id
    assert [(s.host, s.port, s.user_name) for s in created.credentials.smtp] == [
        ("email-smtp.eu-central-1.amazonaws.com", 587, key_id),
        ("email-smtp.us-west-1.amazonaws.com", 587, key_id),
    ]


def test_boundary_and_tags_go_into_the_call_that_creates_the_user() -> None:
    iam = FakeIam()

    run_create(
        iam, TenantRequest(SHOP, permissions_boundary=BOUNDARY, user_tags={"client": "ACME"})
    )

    assert iam.writes == _NEW_TENANT
    assert iam.users[NAME].permissions_boundary == BOUNDARY
    assert iam.users[NAME].tags == TAGS | {"client": "ACME"}


def test_the_second_create_writes_nothing_and_issues_no_key() -> None:
    clock = Clock()
    iam = FakeIam(clock)
    run_create(iam)
    before, key_id = iam.snapshot(), iam.issued[0].access_key_id
    iam.calls.clear()
    clock.advance(timedelta(days=40))
    iam.last_used[key_id] = clock() - timedelta(hours=5)

    again = finish_create(iam, prepare_create(iam, now=clock()))

    assert iam.writes == []
    assert iam.calls == [
        "iam:GetUser",
        "iam:ListUserPolicies",
        "iam:GetUserPolicy",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
    ]
    assert iam.snapshot() == before
    assert (again.prepared.plan, again.credentials, again.user_arn) == ((), None, ARN)
    assert [w.code for w in again.prepared.warnings] == ["access_key_exists"]
    assert (
        f"{key_id} (Active, created 40 d ago, last used 5 h ago)"
        in again.prepared.warnings[0].message
    )
    assert "ses-tenant rotate-keys shop.example.com" in again.prepared.warnings[0].message


def test_a_key_that_was_never_used_is_shown_so() -> None:
    clock = Clock()
    iam = FakeIam(clock)
    run_create(iam)
    clock.advance(timedelta(seconds=12))

    prepared = prepare_create(iam, now=clock())

    assert "(Active, created 12 s ago, never used)" in prepared.warnings[0].message


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86399, "23 h"),
        (86400, "1 d"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds: int, shown: str) -> None:
    now = Clock()()
    assert create.age(now - timedelta(seconds=seconds), now) == shown


@pytest.mark.parametrize(
    "request_",
    [
        TenantRequest(SHOP),
        TenantRequest(SHOP, Interface.SMTP, user_tags={"client": "ACME"}),
        TenantRequest(SHOP, permissions_boundary=BOUNDARY),
    ],
)
def test_a_dry_run_shows_the_calls_that_are_then_made(request_: TenantRequest) -> None:
    iam = FakeIam()

    prepared = prepare_create(iam, request_)

    assert iam.writes == []
    assert iam.users == {}
    assert [step.action for step in prepared.plan] == [*_NEW_TENANT, _PRINT]
    assert [step.destructive for step in prepared.plan] == [False, False, False, False]
    created = finish_create(iam, prepared)
    assert created.prepared == prepared
    assert iam.writes == _NEW_TENANT


def test_a_dry_run_of_a_repair_shows_the_calls_that_are_then_made() -> None:
    iam = FakeIam()
    user = add_shop(iam)
    user.path = "/ses-tenant/old/"
    user.tags |= {"ses-tenant:version": "0", "ses-tenant:regions.3": "left over"}
    user.policies.clear()

    prepared = prepare_create(iam, TenantRequest(SHOP, permissions_boundary=BOUNDARY))

    assert iam.writes == []
    finish_create(iam, prepared)
    assert [step.action for step in prepared.plan] == [*iam.writes, _PRINT]
    assert iam.writes == [
        "iam:UpdateUser",
        "iam:PutUserPermissionsBoundary",
        "iam:TagUser",
        "iam:UntagUser",
        "iam:PutUserPolicy",
        "iam:CreateAccessKey",
    ]
    assert iam.snapshot() == tenant_state(
        {iam.issued[0].access_key_id: "Active"}, boundary=BOUNDARY
    )


class TestDelivery:
    """A key whose secret reached nobody must not stay."""

    @pytest.mark.parametrize(
        ("failure", "raised"),
        [
            (OSError(28, "No space left on device"), SesTenantError),
            (BrokenPipeError(32, "Broken pipe"), SesTenantError),
            (KeyboardInterrupt(), KeyboardInterrupt),
            (RuntimeError("a defect"), RuntimeError),
        ],
    )
    def test_a_key_that_cannot_be_delivered_is_deleted(
        self, failure: BaseException, raised: type[BaseException]
    ) -> None:
        iam = FakeIam()

        def deliver(_credentials: Credentials) -> None:
            raise failure

        with pytest.raises(raised) as caught:
            run_create(iam, deliver=deliver)

        assert iam.writes == [*_NEW_TENANT, "iam:DeleteAccessKey"]
        assert iam.snapshot() == tenant_state({})
        assert iam.issued[0].secret_access_key not in repr(caught.value)

    def test_the_failure_says_what_to_do(self) -> None:
        def deliver(_credentials: Credentials) -> None:
            raise OSError(28, "No space left on device")

        with pytest.raises(SesTenantError) as caught:
            run_create(FakeIam(), deliver=deliver)

        error = caught.value
        assert error.code is ErrorCode.DESTINATION_UNAVAILABLE
        assert error.partly_done
        assert "No space left on device" in error.message
        assert "The new access key was deleted again" in error.message
        assert "shop.example.com" in error.message
        assert "Run the same command again" in error.hint

    def test_run_again_it_issues_a_new_key(self) -> None:
        iam = FakeIam()

        def deliver(_credentials: Credentials) -> None:
            raise OSError(28, "No space left on device")

        with pytest.raises(SesTenantError):
            run_create(iam, deliver=deliver)
        created = run_create(iam)

        assert created.credentials is not None
        assert iam.snapshot() == tenant_state({iam.issued[1].access_key_id: "Active"})
        assert len(iam.issued) == 2

    def test_where_no_key_was_issued_nothing_is_delivered_and_none_is_deleted(self) -> None:
        iam = FakeIam()
        run_create(iam)
        before = iam.snapshot()
        iam.calls.clear()

        delivered: list[Credentials] = []

        again = run_create(iam, deliver=delivered.append)

        assert again.credentials is None
        assert delivered == []
        assert iam.writes == []
        assert iam.snapshot() == before


class TestRefusals:
    """What is not ours stays as it is."""

    @pytest.mark.parametrize(
        ("path", "tags", "why"),
        [
            ("/", {}, "its path is /"),
            ("/web/", TAGS, "its path is /web/"),
            ("/ses-tenants/shop.example.com/", TAGS, "its path is /ses-tenants/"),
            (PATH, {}, "it has no tag ses-tenant:domain"),
            (PATH, {"ses-tenant:domain": "other.example.com"}, "is 'other.example.com'"),
        ],
    )
    def test_a_user_that_is_not_ours_is_read_once_and_not_touched(
        self, path: str, tags: dict[str, str], why: str
    ) -> None:
        iam = FakeIam()
        iam.add_user(NAME, path, tags)
        before = iam.snapshot()

        with pytest.raises(SesTenantError) as caught:
            run_create(iam)

        assert caught.value.code is ErrorCode.NOT_OURS
        assert why in caught.value.message
        assert f"ses-tenant adopt shop.example.com --user-name {NAME}" in caught.value.hint
        assert iam.calls == ["iam:GetUser"]
        assert iam.snapshot() == before

    def test_the_hint_makes_the_user_a_tenant(self) -> None:
        iam = FakeIam()
        user = iam.add_user(NAME)
        key_id = iam.add_key(NAME)

        user.path, user.tags = PATH, {"ses-tenant:domain": "shop.example.com"}
        run_create(iam)

        assert iam.snapshot() == tenant_state({key_id: "Active"})

    def test_a_user_whose_name_differs_only_in_case_is_left_alone(self) -> None:
        iam = FakeIam()
        iam.add_user("SES-Shop.Example.com")
        before = iam.snapshot()

        with pytest.raises(SesTenantError) as caught:
            run_create(iam)

        assert caught.value.code is ErrorCode.ALREADY_EXISTS
        assert iam.snapshot() == before

    def test_without_a_region_nothing_is_written(self) -> None:
        iam = FakeIam()

        with pytest.raises(SesTenantError) as caught:
            prepare_create(iam, default_region=None)

        assert caught.value.code is ErrorCode.NO_REGION
        assert iam.writes == []

    def test_a_policy_that_is_too_large_is_refused_before_any_call(self) -> None:
        iam = FakeIam()
        also = tuple(SendingDomain.parse(f"a{n}.a-rather-long-name.example") for n in range(40))

        with pytest.raises(SesTenantError) as caught:
            prepare_create(iam, TenantRequest(SHOP, also=also))

        assert caught.value.code is ErrorCode.POLICY_TOO_LARGE
        assert iam.calls == []

    def test_a_policy_that_is_too_large_with_what_is_remembered_is_not_written(self) -> None:
        iam = FakeIam()
        half = tuple(SendingDomain.parse(f"a{n}.a-long-name.example") for n in range(9))
        regions = ("eu-central-1", "eu-west-1", "us-east-1")
        run_create(iam, TenantRequest(SHOP, also=half))
        before = iam.snapshot()
        iam.calls.clear()

        with pytest.raises(SesTenantError) as caught:
            run_create(iam, TenantRequest(SHOP, scope=Scope.IDENTITY, regions=regions))

        assert caught.value.code is ErrorCode.POLICY_TOO_LARGE
        assert iam.writes == []
        assert iam.snapshot() == before

    def test_foreign_inline_policies_can_leave_too_little_room(self) -> None:
        iam = FakeIam()
        user = add_shop(iam)
        user.policies = {"foreign": {"Version": "2012-10-17", "Statement": ["x" * 1500]}}

        with pytest.raises(SesTenantError) as caught:
            run_create(iam)

        assert caught.value.code is ErrorCode.POLICY_TOO_LARGE
        assert user.policies.keys() == {"foreign"}
        assert user.keys == {}

    def test_an_unknown_boundary_makes_no_user(self) -> None:
        iam = FakeIam()
        iam.known_policies.clear()

        with pytest.raises(SesTenantError) as caught:
            run_create(iam, TenantRequest(SHOP, permissions_boundary=BOUNDARY))

        assert caught.value.code is ErrorCode.NOT_FOUND
        assert iam.writes == ["iam:CreateUser"]
        assert iam.users == {}

    @pytest.mark.parametrize("value", ["a\tb", "a\nb"])
    def test_control_characters_in_tags_are_refused_before_any_call(self, value: str) -> None:
        iam = FakeIam()

        with pytest.raises(SesTenantError) as caught:
            run_create(iam, TenantRequest(SHOP, user_tags={"client": value}))

        assert caught.value.code is ErrorCode.USAGE
        assert iam.calls == []


class TestRepairs:
    """Drift is put right with the one call it needs."""

    def test_a_path_elsewhere_under_ours_is_moved_back(self) -> None:
        iam = FakeIam()
        user = add_shop(iam)
        user.path = "/ses-tenant/moved/"
        key_id = iam.add_key(NAME)

        run_create(iam)

        assert iam.writes == ["iam:UpdateUser"]
        assert iam.snapshot() == tenant_state({key_id: "Active"})

    def test_foreign_tags_policies_and_attachments_are_left_alone(self) -> None:
        iam = FakeIam()
        user = add_shop(iam)
        user.tags["CostCenter"] = "17"
        user.policies["foreign"] = SUSPENDED_POLICY
        iam.attach(NAME)
        iam.add_key(NAME)
        before = iam.snapshot()

        run_create(iam)

        assert iam.writes == []
        assert iam.snapshot() == before

    def test_a_suspended_tenant_stays_suspended_and_gets_no_key(self) -> None:
        iam = FakeIam()
        user = add_shop(iam)
        user.policies = {"ses-tenant-suspended": SUSPENDED_POLICY}

        created = run_create(iam)

        assert iam.writes == ["iam:PutUserPolicy"]
        assert created.credentials is None
        assert [w.code for w in created.prepared.warnings] == ["suspended"]
        assert iam.snapshot() == tenant_state(
            {},
            policies={
                "ses-tenant-suspended": SUSPENDED_POLICY,
                "ses-tenant-sending": API_POLICY,
            },
        )

    def test_a_tenant_with_an_inactive_key_gets_no_second_one(self) -> None:
        iam = FakeIam()
        add_shop(iam)
        key_id = iam.add_key(NAME, KeyStatus.INACTIVE)

        created = run_create(iam)

        assert iam.writes == []
        assert iam.snapshot() == tenant_state({key_id: "Inactive"})
        assert f"{key_id} (Inactive, " in created.prepared.warnings[0].message

    def test_a_boundary_once_set_stays_when_it_is_not_asked_for(self) -> None:
        iam = FakeIam()
        run_create(iam, TenantRequest(SHOP, permissions_boundary=BOUNDARY))
        iam.calls.clear()

        run_create(iam)

        assert iam.writes == []
        assert iam.users[NAME].permissions_boundary == BOUNDARY

    def test_another_boundary_is_set(self) -> None:
        iam = FakeIam()
        run_create(iam, TenantRequest(SHOP, permissions_boundary=BOUNDARY))
        iam.calls.clear()

        run_create(iam, TenantRequest(SHOP, permissions_boundary=MANAGED_POLICY))

        assert iam.writes == ["iam:PutUserPermissionsBoundary"]
        assert iam.users[NAME].permissions_boundary == MANAGED_POLICY


class TestOptionsStick:
    """`create DOMAIN` run again keeps the options that the tenant was made with."""

    _FULL = TenantRequest(
        SHOP,
        Interface.SMTP,
        regions=("eu-west-1",),
        subdomains=True,
        also=(SendingDomain.parse("news.example.org"),),
        return_path=(SendingDomain.parse("bounces.example.net"),),
        scope=Scope.IDENTITY,
        configuration_sets=("shop-events",),
        user_tags={"client": "ACME"},
    )

    def test_run_again_without_options_nothing_changes(self) -> None:
        iam = FakeIam()
        run_create(iam, self._FULL)
        before = iam.snapshot()
        iam.calls.clear()

        again = run_create(iam)

        assert iam.writes == []
        assert iam.snapshot() == before
        assert again.prepared.spec.interface is Interface.SMTP
        assert again.prepared.spec.regions == ("eu-west-1",)

    def test_with_default_options_again_it_equals_a_default_tenant(self) -> None:
        iam = FakeIam()
        run_create(iam, self._FULL)
        key_id = iam.issued[0].access_key_id

        run_create(
            iam,
            TenantRequest(
                SHOP,
                Interface.API,
                regions=(REGION,),
                subdomains=False,
                also=(),
                return_path=(),
                scope=Scope.ANY,
                configuration_sets=(),
            ),
        )

        assert iam.snapshot() == tenant_state({key_id: "Active"}, tags={"client": "ACME"} | TAGS)
        assert len(iam.issued) == 1

    def test_one_option_changes_only_what_it_means(self) -> None:
        iam = FakeIam()
        run_create(iam, self._FULL)
        iam.calls.clear()
        tags = dict(iam.users[NAME].tags)

        run_create(iam, TenantRequest(SHOP, regions=("us-east-1",)))

        assert iam.writes == ["iam:TagUser", "iam:PutUserPolicy"]
        assert iam.users[NAME].tags == tags | {"ses-tenant:regions": "us-east-1"}

    def test_smtp_on_an_api_tenant_changes_policy_and_tag_only(self) -> None:
        iam = FakeIam()
        run_create(iam)
        key_id = iam.issued[0].access_key_id
        iam.calls.clear()

        created = run_create(iam, TenantRequest(SHOP, Interface.SMTP))

        assert iam.writes == ["iam:TagUser", "iam:PutUserPolicy"]
        assert created.credentials is None
        assert iam.snapshot() == tenant_state(
            {key_id: "Active"},
            tags=TAGS | {"ses-tenant:interface": "smtp"},
            policies={"ses-tenant-sending": SMTP_POLICY},
        )

    def test_the_default_region_does_not_move_a_tenant(self) -> None:
        iam = FakeIam()
        run_create(iam)

        prepared = prepare_create(iam, default_region="ap-south-1")

        assert prepared.plan == ()
        assert prepared.spec.regions == ("eu-central-1",)

    def test_options_of_a_newer_version_are_not_dropped(self) -> None:
        iam = FakeIam()
        user = add_shop(iam)
        user.tags[naming.TAG_SENDING] = "quantum=yes"

        with pytest.raises(SesTenantError, match="unknown to this version"):
            run_create(iam)

        assert iam.writes == []


def test_smtp_in_a_region_without_a_confirmed_endpoint_warns() -> None:
    created = run_create(
        FakeIam(), TenantRequest(SHOP, Interface.SMTP, regions=("eu-central-2", "eu-west-1"))
    )

    assert [w.code for w in created.prepared.warnings] == ["smtp_region_unconfirmed"]
    assert "eu-central-2" in created.prepared.warnings[0].message
