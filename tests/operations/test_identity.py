"""Email identities: what is planned, that it settles, and that a run that broke is finished."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.records import Purpose
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom, Status
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.operations.identity import (
    carry_out,
    check_mail_from,
    prepare,
    prepare_adopt,
    prepare_delete,
    read_view,
    records_of,
    wait_until_verified,
)
from tests.fakes.example_tenant import run_create
from tests.fakes.iam import FakeIam
from tests.fakes.identities import FakeIdentities

SHOP = SendingDomain("shop.example.com")
EU, US = "eu-central-1", "us-east-1"
WANTED = IdentitySettings(SHOP)


def made(*regions: str, settings: IdentitySettings = WANTED) -> FakeIdentities:
    ses = FakeIdentities()
    carry_out(ses, prepare(ses, settings, regions).steps)
    return ses


def actions(ses: FakeIdentities, settings: IdentitySettings, *regions: str) -> list[str]:
    return [step.action.removeprefix("ses:") for step in prepare(ses, settings, regions).steps]


CREATE, MAIL_FROM = "CreateEmailIdentity", "PutEmailIdentityMailFromAttributes"
RESTART = "PutEmailIdentityDkimSigningAttributes"


def test_a_bare_domain_gets_an_identity_and_a_mail_from_domain() -> None:
    ses = made(EU)
    identity = ses.identities[EU, SHOP.name]
    assert identity.mail_from == MailFrom("mail.shop.example.com", Status.PENDING)
    assert identity.tags == {"ses-tenant:domain": "shop.example.com", "ses-tenant:version": "1"}
    assert actions(ses, WANTED, EU) == []


def test_each_region_has_a_mail_from_domain_of_its_own_and_keeps_it() -> None:
    ses = made(EU, US)
    names = {region: i.mail_from.domain for (region, _), i in ses.identities.items()}
    assert names == {EU: "mail.shop.example.com", US: "mail-us-east-1.shop.example.com"}
    for regions in ([US, EU], [US], [EU], [EU, US]):
        assert actions(ses, WANTED, *regions) == []


def test_a_region_that_is_added_later_takes_another_name() -> None:
    ses = made(EU)
    carry_out(ses, prepare(ses, WANTED, [EU, US]).steps)
    assert ses.identities[US, SHOP.name].mail_from.domain == "mail-us-east-1.shop.example.com"


def test_an_identity_above_serves_unless_an_own_one_is_asked_for() -> None:
    ses = FakeIdentities()
    ses.identities[EU, "example.com"] = EmailIdentity("example.com", Status.SUCCESS, sending=True)
    served = prepare(ses, WANTED, [EU])
    assert served.steps == ()
    assert [notice.code for notice in served.plans[0].notices] == ["served_by_parent"]
    assert actions(ses, replace(WANTED, own=True), EU) == [CREATE, MAIL_FROM]


def test_an_unverified_identity_above_serves_nobody() -> None:
    ses = FakeIdentities()
    ses.identities[EU, "example.com"] = EmailIdentity("example.com", Status.PENDING)
    assert actions(ses, WANTED, EU) == [CREATE, MAIL_FROM]


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        (EmailIdentity(SHOP.name, Status.FAILED), "not_ours"),
        (
            EmailIdentity(
                SHOP.name, dkim=Dkim(origin="EXTERNAL"), tags={"ses-tenant:domain": SHOP.name}
            ),
            "own_dkim_keys",
        ),
        (EmailIdentity(SHOP.name, tags={"ses-tenant:domain": "other.example.com"}), "not_ours"),
    ],
)
def test_what_is_not_ours_is_left_as_it_is(identity: EmailIdentity, code: str) -> None:
    ses = FakeIdentities()
    ses.identities[EU, SHOP.name] = identity
    found = prepare(ses, replace(WANTED, own=True, mail_from="bounce"), [EU])
    assert (found.steps, [n.code for n in found.plans[0].notices]) == ((), [code])


def test_dkim_that_has_failed_is_started_again_and_the_mail_from_name_kept() -> None:
    ses = made(EU, settings=replace(WANTED, mail_from="bounce"))
    found = ses.identities[EU, SHOP.name]
    ses.identities[EU, SHOP.name] = replace(
        found,
        status=Status.FAILED,
        dkim=replace(found.dkim, status=Status.FAILED, signing=False),
        mail_from=replace(found.mail_from, status=Status.FAILED),
    )
    steps = prepare(ses, WANTED, [EU]).steps
    assert [s.action.removeprefix("ses:") for s in steps] == [
        RESTART, "PutEmailIdentityDkimAttributes", MAIL_FROM,
    ]  # fmt: skip
    assert "bounce.shop.example.com" in steps[-1].summary
    carry_out(ses, steps)
    assert actions(ses, WANTED, EU) == []


def test_replicas_use_the_keys_of_one_region() -> None:
    settings = replace(WANTED, replicate_from=EU)
    ses = made(US, EU, settings=settings)
    assert ses.calls.index("ses:CreateEmailIdentity") < len(ses.calls)
    keys = {region: i.dkim.selectors for (region, _), i in ses.identities.items()}
    assert keys[EU] == keys[US]
    assert ses.identities[US, SHOP.name].dkim.replica_of == EU
    records = records_of([read_view(ses, SHOP, r) for r in (EU, US)], SHOP)
    assert sum(record.purpose is Purpose.DKIM for record in records) == 3
    assert actions(ses, settings, EU, US) == []


@pytest.mark.parametrize(
    "primary",
    [
        None,
        EmailIdentity(SHOP.name, dkim=Dkim(origin="EXTERNAL")),
        EmailIdentity(SHOP.name, dkim=Dkim(origin="AWS_SES_AP_SOUTH_1")),
    ],
)
def test_a_replica_of_what_cannot_be_replicated_is_refused(primary: EmailIdentity | None) -> None:
    ses = FakeIdentities()
    if primary is not None:
        ses.identities[EU, SHOP.name] = primary
    with pytest.raises(SesTenantError) as refused:
        prepare(ses, replace(WANTED, replicate_from=EU), [US])
    assert refused.value.code is ErrorCode.USAGE


@pytest.mark.parametrize(
    "name", ["shop.example.com", "*", "a b", "", "x" * 64, "-", "a..b", "mail@shop.example.com",
             ".".join(["a" * 60] * 4)],
)  # fmt: skip
def test_a_bad_mail_from_domain_is_refused(name: str) -> None:
    with pytest.raises(SesTenantError) as refused:
        prepare(FakeIdentities(), replace(WANTED, mail_from=name), [EU])
    assert refused.value.code is ErrorCode.USAGE


def test_a_whole_name_below_the_domain_is_a_mail_from_domain() -> None:
    ses = made(EU, settings=replace(WANTED, mail_from="Bounce.Shop.Example.com."))
    assert ses.identities[EU, SHOP.name].mail_from.domain == "bounce.shop.example.com"


@given(at=st.integers(0, 9), after=st.booleans(), regions=st.permutations([EU, US]))
def test_a_run_that_broke_anywhere_is_finished_by_the_next(
    at: int, after: bool, regions: list[str]
) -> None:
    ses = FakeIdentities()
    ses.fail_at, ses.after = at, after
    try:
        carry_out(ses, prepare(ses, WANTED, regions).steps)
    except SesTenantError as error:
        assert error.code is ErrorCode.NETWORK
    ses.fail_at = None
    carry_out(ses, prepare(ses, WANTED, regions).steps)
    assert actions(ses, WANTED, *regions) == []
    assert len({i.mail_from.domain for i in ses.identities.values()}) == 2


def test_a_hand_made_identity_is_adopted_by_its_tags_alone() -> None:
    ses = FakeIdentities()
    ses.identities[EU, SHOP.name] = EmailIdentity(SHOP.name, tags={"team": "web"})
    carry_out(ses, prepare_adopt(ses, SHOP, [EU]).steps)
    assert ses.identities[EU, SHOP.name].tags == {
        "team": "web",
        "ses-tenant:domain": "shop.example.com",
        "ses-tenant:version": "1",
    }
    assert prepare_adopt(ses, SHOP, [EU]).steps == ()
    with pytest.raises(SesTenantError) as refused:
        prepare_adopt(ses, SHOP, [US])
    assert refused.value.code is ErrorCode.NOT_FOUND


def test_an_identity_is_deleted_when_nobody_needs_it_replicas_first() -> None:
    ses = made(EU, US, settings=replace(WANTED, replicate_from=EU))
    with pytest.raises(SesTenantError) as refused:
        prepare_delete(ses, SHOP, [EU, US], [SendingDomain("www.shop.example.com")])
    assert "www.shop.example.com" in refused.value.message
    planned = prepare_delete(ses, SHOP, [EU, US], ())
    assert [(s.region, s.destructive) for s in planned.steps] == [(US, True), (EU, True)]
    carry_out(ses, planned.steps)
    assert ses.identities == {}
    assert prepare_delete(ses, SHOP, [EU, US], ()).steps == ()


def test_a_foreign_identity_is_not_deleted() -> None:
    ses = FakeIdentities()
    ses.identities[EU, SHOP.name] = EmailIdentity(SHOP.name)
    with pytest.raises(SesTenantError) as refused:
        prepare_delete(ses, SHOP, [EU], ())
    assert refused.value.code is ErrorCode.NOT_OURS


def test_waiting_ends_when_ses_has_seen_the_records_or_the_time_is_over() -> None:
    ses, slept = made(EU), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            ses.verify(EU, SHOP.name)

    found = wait_until_verified(
        ses, SHOP.name, [EU], 600, sleep=sleep, clock=lambda: float(sum(slept))
    )
    assert (found, slept) == ({EU: Status.SUCCESS}, [15.0, 15.0, 15.0])
    slept.clear()
    ses = made(EU)
    found = wait_until_verified(
        ses, SHOP.name, [EU], 40, sleep=slept.append, clock=lambda: float(sum(slept))
    )
    assert (found, slept) == ({EU: Status.PENDING}, [15.0, 15.0, 10.0])


def test_without_an_identity_there_are_no_records() -> None:
    with pytest.raises(SesTenantError) as refused:
        records_of([read_view(FakeIdentities(), SHOP, EU)], SHOP)
    assert refused.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    ("tenant", "also", "refused"),
    [
        ("mail.shop.example.com", (), True),
        ("a.mail.shop.example.com", (), True),
        ("blog.example.org", ("mail.shop.example.com",), True),
        ("shop.example.com", (), False),
        ("email.shop.example.com", (), False),
    ],
)
def test_a_mail_from_domain_is_nobodys_sending_domain(
    tenant: str, also: tuple[str, ...], refused: bool
) -> None:
    iam = FakeIam()
    others = tuple(SendingDomain.parse(name) for name in also)
    run_create(iam, TenantRequest(SendingDomain.parse(tenant), also=others))
    prepared = prepare(FakeIdentities(), WANTED, [EU])
    if refused:
        with pytest.raises(SesTenantError, match=tenant) as caught:
            check_mail_from(iam, prepared)
        assert caught.value.code is ErrorCode.USAGE
    else:
        assert check_mail_from(iam, prepared) == ()


def test_users_are_read_only_where_a_mail_from_domain_is_set() -> None:
    iam = FakeIam()
    done = prepare(made(EU), WANTED, [EU])
    assert check_mail_from(iam, done) == ()
    assert iam.calls == []
