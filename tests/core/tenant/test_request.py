from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.request import TenantRequest, check_spec, require_regions, resolve
from ses_tenant.core.tenant.spec import Interface, Scope, SendingOptions, TenantSpec
from tests.core.samples import (
    SHOP,
    domains,
    interfaces,
    regions,
    sending_options,
    steady,
    user,
)

NEWS, BOUNCES = SendingDomain("news.example.org"), SendingDomain("bounces.example.net")
BOUNDARY = "arn:aws:iam::123456789012:policy/limits/web"


def remembered(tags: dict[str, str]) -> Observed:
    tags = {"ses-tenant:domain": "shop.example.com", **tags}
    return Observed(user(tags=tags), ("ses-tenant-sending",), {}, ())


FULL = remembered(
    {
        "ses-tenant:interface": "smtp",
        "ses-tenant:regions": "eu-west-1+us-east-1",
        "ses-tenant:sending": (
            "subdomains+also=news.example.org+return-path=bounces.example.net"
            "+scope=identity+configuration-set=shop"
        ),
        "ses-tenant:destination": "file:/srv/shop.env",
        "client": "Shop",
    }
)
FULL_SPEC = TenantSpec(
    domain=SHOP,
    interface=Interface.SMTP,
    regions=("eu-west-1", "us-east-1"),
    sending=SendingOptions(True, (NEWS,), BOUNCES, Scope.IDENTITY, ("shop",)),
    destination="file:/srv/shop.env",
)

# --- given, else remembered, else default -------------------------------------------------------


def test_defaults() -> None:
    assert resolve(TenantRequest(SHOP), None, "eu-central-1") == TenantSpec(
        domain=SHOP,
        interface=Interface.API,
        regions=("eu-central-1",),
        sending=SendingOptions(False, (), None, Scope.ANY, ()),
        destination="-",
        permissions_boundary=None,
        user_tags={},
    )


def test_given_for_a_new_tenant() -> None:
    request = TenantRequest(
        SHOP,
        interface=Interface.SMTP,
        regions=("eu-west-1", "us-east-1", "eu-west-1"),
        subdomains=True,
        also=(NEWS, SHOP, NEWS),
        return_path=(BOUNCES,),
        scope=Scope.IDENTITY,
        configuration_sets=("shop",),
        permissions_boundary=BOUNDARY,
        user_tags={"client": "Shop"},
    )
    assert resolve(request, None, "eu-central-1") == replace(
        FULL_SPEC, destination="-", permissions_boundary=BOUNDARY, user_tags={"client": "Shop"}
    )


def test_not_given_is_what_the_tags_remember() -> None:
    assert resolve(TenantRequest(SHOP), FULL, "eu-central-1") == FULL_SPEC


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"interface": Interface.API}, replace(FULL_SPEC, interface=Interface.API)),
        ({"regions": ("eu-north-1",)}, replace(FULL_SPEC, regions=("eu-north-1",))),
        ({"subdomains": False}, {"subdomains": False}),
        ({"also": (BOUNCES,)}, {"also": (BOUNCES,)}),
        ({"also": ()}, {"also": ()}),
        ({"also": (SHOP,)}, {"also": ()}),
        ({"return_path": (NEWS,)}, {"return_path": NEWS}),
        ({"return_path": ()}, {"return_path": None}),
        ({"scope": Scope.ANY}, {"scope": Scope.ANY}),
        ({"configuration_sets": ("b", "c")}, {"configuration_sets": ("b", "c")}),
        ({"configuration_sets": ()}, {"configuration_sets": ()}),
    ],
    ids=str,
)
def test_given_replaces_what_is_remembered_and_nothing_else(
    given_: dict[str, Any], expected: TenantSpec | dict[str, Any]
) -> None:
    if isinstance(expected, dict):
        expected = replace(FULL_SPEC, sending=replace(FULL_SPEC.sending, **expected))
    assert resolve(TenantRequest(SHOP, **given_), FULL, "eu-central-1") == expected


@pytest.mark.parametrize("none_given", [None, ()])
def test_no_region_given_or_remembered_is_the_sessions(none_given: tuple[str, ...] | None) -> None:
    request = TenantRequest(SHOP, regions=none_given)
    assert resolve(request, remembered({}), "eu-central-1").regions == ("eu-central-1",)
    assert resolve(request, None, "eu-central-1").regions == ("eu-central-1",)
    assert resolve(request, None, None).regions == ()


def test_remembered_regions_win_over_the_sessions() -> None:
    assert resolve(TenantRequest(SHOP), FULL, "ap-south-1").regions == ("eu-west-1", "us-east-1")


def test_unreadable_interface_is_the_default() -> None:
    observed = remembered({"ses-tenant:interface": "fax"})
    assert resolve(TenantRequest(SHOP), observed, None).interface is Interface.API


def test_unknown_remembered_option_is_not_overridden_in_silence() -> None:
    observed = remembered({"ses-tenant:sending": "recipients=x"})
    with pytest.raises(SesTenantError) as caught:
        resolve(TenantRequest(SHOP, subdomains=True), observed, "eu-central-1")
    assert caught.value.code is ErrorCode.INTERNAL


@steady
@given(interfaces(), regions(), sending_options())
def test_create_again_without_options_changes_nothing(
    interface: Interface, regions: tuple[str, ...], sending: SendingOptions
) -> None:
    also = tuple(domain for domain in sending.also if domain != SHOP)
    spec = TenantSpec(SHOP, interface, regions, replace(sending, also=also), "file:/srv/x")
    assert resolve(TenantRequest(SHOP), remembered(spec.tags), "eu-north-1") == spec


@steady
@given(st.lists(domains() | st.just(SHOP), max_size=6))
def test_also_is_without_itself_and_repeats(also: list[SendingDomain]) -> None:
    found = resolve(TenantRequest(SHOP, also=tuple(also)), None, None).sending.also
    assert SHOP not in found
    assert len(set(found)) == len(found)
    assert {*found, SHOP} == {*also, SHOP}
    assert list(found) == sorted(found, key=also.index)


# --- refused before AWS is asked ----------------------------------------------------------------


@pytest.mark.parametrize(
    "arn",
    [
        BOUNDARY,
        "arn:aws:iam::aws:policy/AmazonSESFullAccess",
        "arn:aws-us-gov:iam::123456789012:policy/b",
        "arn:aws-eusc:iam::123456789012:policy/b",
    ],
)
def test_boundaries(arn: str) -> None:
    assert TenantRequest(SHOP, permissions_boundary=arn).permissions_boundary == arn


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "web",
        "policy/web",
        "arn:aws:iam::123456789012:role/web",
        "arn:aws:iam::12345678901:policy/web",
        "arn:aws:iam:eu-central-1:123456789012:policy/web",
        "arn:aws:iam::123456789012:policy/",
        "arn:aws:iam::123456789012:policy/a b",
        "arn:aws:iam::123456789012:policy/a\n",
        "arn:aws:iam::*:policy/web",
        "arn:gcp:iam::123456789012:policy/web",
    ],
)
def test_not_a_boundary(arn: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        TenantRequest(SHOP, permissions_boundary=arn)
    assert caught.value.code is ErrorCode.USAGE
    assert "is not the ARN of a managed policy" in caught.value.message
    assert "arn:aws:iam::123456789012:policy/name" in caught.value.hint


@pytest.mark.parametrize(
    "tags", [{"ses-tenant:domain": "x"}, {"aws:x": "y"}, {"k": "a,b"}, {"": "v"}, {"k": "v" * 257}]
)
def test_bad_tags(tags: dict[str, str]) -> None:
    with pytest.raises(SesTenantError) as caught:
        TenantRequest(SHOP, user_tags=tags)
    assert caught.value.code is ErrorCode.USAGE
    assert "is not possible" in caught.value.message
    assert caught.value.hint == "Change the tags."


@pytest.mark.parametrize("name", ["a", "News_2", "x-1", "n" * 64])
def test_configuration_set_names(name: str) -> None:
    assert TenantRequest(SHOP, configuration_sets=(name,)).given == {"configuration_sets": (name,)}


@pytest.mark.parametrize(
    "name", ["", "*", "a b", "a/b", "a:b", "a+b", "ü", "n" * 65, "a\n", "${x}"]
)
def test_not_a_configuration_set_name(name: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        TenantRequest(SHOP, configuration_sets=("good", name))
    assert caught.value.code is ErrorCode.USAGE
    assert "is not the name of a configuration set" in caught.value.message


# --- what only the whole can tell ---------------------------------------------------------------


def test_configuration_set_without_scope() -> None:
    spec = resolve(TenantRequest(SHOP, configuration_sets=("shop",)), None, "eu-central-1")
    with pytest.raises(SesTenantError) as caught:
        check_spec(spec)
    assert caught.value.code is ErrorCode.USAGE
    assert "configuration-sets has a meaning only where scope is 'identity'" in caught.value.message
    assert caught.value.settings == ("configuration-sets", "scope")


def test_a_reading_that_an_smtp_password_cannot_do_is_refused() -> None:
    read = TenantRequest(SHOP, allow_read=("account",))
    check_spec(resolve(read, None, "eu-central-1"))
    smtp = TenantRequest(SHOP, interface=Interface.SMTP, allow_read=("quota", "account"))
    with pytest.raises(SesTenantError, match="allow-read account has a meaning only") as caught:
        check_spec(resolve(smtp, None, "eu-central-1"))
    assert (caught.value.code, caught.value.settings) == (
        ErrorCode.USAGE, ("allow-read", "interface"),
    )  # fmt: skip


def test_scope_any_over_remembered_configuration_sets_is_not_silent() -> None:
    with pytest.raises(SesTenantError) as caught:
        check_spec(resolve(TenantRequest(SHOP, scope=Scope.ANY), FULL, None))
    assert caught.value.code is ErrorCode.USAGE
    check_spec(resolve(TenantRequest(SHOP, scope=Scope.ANY, configuration_sets=()), FULL, None))


def test_no_region() -> None:
    spec = resolve(TenantRequest(SHOP), None, None)
    check_spec(spec)  # the policy is the same in every Region
    with pytest.raises(SesTenantError) as caught:
        require_regions(spec)
    assert caught.value.code is ErrorCode.NO_REGION
    assert "shop.example.com" in caught.value.message
    assert "AWS_REGION" in caught.value.hint
    require_regions(replace(spec, regions=("eu-central-1",)))


def test_scope_identity_needs_a_region() -> None:
    spec = resolve(TenantRequest(SHOP, scope=Scope.IDENTITY), None, None)
    with pytest.raises(SesTenantError) as caught:
        check_spec(spec)
    assert caught.value.code is ErrorCode.NO_REGION
    check_spec(replace(spec, regions=("eu-central-1",)))


def test_policy_that_is_too_large() -> None:
    also = tuple(SendingDomain(f"{'a' * 40}{n}.example.com") for n in range(20))
    spec = resolve(TenantRequest(SHOP, also=also), None, "eu-central-1")
    with pytest.raises(SesTenantError) as caught:
        check_spec(spec)
    assert caught.value.code is ErrorCode.POLICY_TOO_LARGE
    check_spec(replace(spec, sending=SendingOptions(also=also[:5])))
