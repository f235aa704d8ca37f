import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.observed import Observed, require_ours
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
ALL_OPTIONS = SendingOptions(
    subdomains=True,
    also=(NEWS, SendingDomain("b.example")),
    return_path=BOUNCES,
    scope=Scope.IDENTITY,
    configuration_sets=("shop", "News_2"),
)
ALL_OPTIONS_TAG = (
    "subdomains+also=news.example.org+also=b.example+return-path=bounces.example.net"
    "+scope=identity+configuration-set=shop+configuration-set=News_2"
)

# --- options in tags ----------------------------------------------------------------------------


def test_default_options_need_no_tag() -> None:
    assert SendingOptions().to_tags() == {}
    assert SendingOptions.from_tags({}) == SendingOptions()
    assert SendingOptions.from_tags({"ses-tenant:sending": ""}) == SendingOptions()


def test_options_as_a_tag() -> None:
    assert ALL_OPTIONS.to_tags() == {"ses-tenant:sending": ALL_OPTIONS_TAG}
    assert SendingOptions.from_tags({"ses-tenant:sending": ALL_OPTIONS_TAG}) == ALL_OPTIONS


@steady
@given(sending_options())
def test_options_come_back_from_tags(options: SendingOptions) -> None:
    tags = options.to_tags()
    for key, value in tags.items():
        assert re.fullmatch(r"ses-tenant:sending(\.[2-9]|\.\d\d)?", key)
        assert re.fullmatch(r"[A-Za-z0-9_.:/=+@-]{1,256}", value)
    assert SendingOptions.from_tags({"client": "x", **tags}) == options


@pytest.mark.parametrize(
    "item", ["recipients=x", "scope=account", "scope=any", "subdomains=no", "Subdomains", "a b"]
)
def test_unknown_option_stops_this_version(item: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        SendingOptions.from_tags({"ses-tenant:sending": f"subdomains+{item}"})
    assert caught.value.code is ErrorCode.INTERNAL
    assert f"holds '{item}', unknown to this version" in caught.value.message
    assert "Upgrade" in caught.value.hint


@pytest.mark.parametrize("item", ["also=co.uk", "also=", "also", "return-path=localhost"])
def test_damaged_domain_in_a_tag_is_not_dropped(item: str) -> None:
    with pytest.raises(SesTenantError):
        SendingOptions.from_tags({"ses-tenant:sending": f"subdomains+{item}"})


# --- what is wanted -----------------------------------------------------------------------------


def test_user_name_of_a_tenant() -> None:
    assert TenantSpec(SHOP, Interface.API, ()).user_name == "ses-shop.example.com"


def test_tags_of_a_plain_tenant() -> None:
    assert TenantSpec(SHOP, Interface.API, ("eu-central-1",)).tags == {
        "ses-tenant:domain": "shop.example.com",
        "ses-tenant:interface": "api",
        "ses-tenant:regions": "eu-central-1",
        "ses-tenant:destination": "-",
        "ses-tenant:version": "1",
    }


def test_tags_of_a_tenant_with_everything() -> None:
    spec = TenantSpec(
        SHOP,
        Interface.SMTP,
        ("eu-central-1", "us-east-1"),
        ALL_OPTIONS,
        destination="ssm:/sites/shop",
        permissions_boundary="arn:aws:iam::123456789012:policy/b",
        user_tags={"client": "Müller"},
    )
    assert spec.tags == {
        "client": "Müller",
        "ses-tenant:domain": "shop.example.com",
        "ses-tenant:interface": "smtp",
        "ses-tenant:regions": "eu-central-1+us-east-1",
        "ses-tenant:sending": ALL_OPTIONS_TAG,
        "ses-tenant:destination": "ssm:/sites/shop",
        "ses-tenant:version": "1",
    }


def test_user_tags_never_replace_ours() -> None:
    tags = {"ses-tenant:domain": "other.example.com", "ses-tenant:version": "9"}
    spec = TenantSpec(SHOP, Interface.API, ("eu-central-1",), user_tags=tags)
    assert spec.tags["ses-tenant:domain"] == "shop.example.com"
    assert spec.tags["ses-tenant:version"] == "1"


@steady
@given(st.builds(TenantSpec, domains(), interfaces(), regions(), sending_options()))
def test_tags_are_what_iam_takes(spec: TenantSpec) -> None:
    assert len(spec.tags) <= 50
    for key, value in spec.tags.items():
        assert re.fullmatch(r"[a-z0-9:.-]{1,128}", key)
        assert re.fullmatch(r"[A-Za-z0-9_.:/=+@-]{0,256}", value)


# --- what is there ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policies", "suspended"),
    [
        ((), False),
        (("ses-tenant-sending",), False),
        (("ses-tenant-sending", "ses-tenant-suspended"), True),
        (("ses-tenant-suspended",), True),
        (("ses-tenant-suspended-2",), False),
    ],
)
def test_suspended(policies: tuple[str, ...], suspended: bool) -> None:
    assert Observed(user(), policies, None, ()).suspended is suspended


# --- whose user it is ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", [None, "/ses-tenant/", "/ses-tenant/old.example.com/"])
def test_ours_by_tag_and_path(path: str | None) -> None:
    require_ours(user(path=path), SHOP)


@pytest.mark.parametrize(
    ("tags", "path", "why"),
    [
        ({"ses-tenant:domain": "shop.example.com"}, "/", "its path is /."),
        ({"ses-tenant:domain": "shop.example.com"}, "/web/", "its path is /web/."),
        (
            {"ses-tenant:domain": "shop.example.com"},
            "/ses-tenants/shop.example.com/",
            "its path is /ses-tenants/shop.example.com/.",
        ),
        ({}, None, "it has no tag ses-tenant:domain."),
        ({"client": "shop.example.com"}, None, "it has no tag ses-tenant:domain."),
        ({"ses-tenant:domain": ""}, None, "it has no tag ses-tenant:domain."),
        (
            {"ses-tenant:domain": "other.example.com"},
            None,
            "its tag ses-tenant:domain is 'other.example.com'.",
        ),
        ({"ses-tenant:domain": "Shop.example.com"}, None, "is 'Shop.example.com'."),
        ({}, "/", "its path is /."),
    ],
)
def test_not_ours(tags: dict[str, str], path: str | None, why: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        require_ours(user(tags=tags, path=path), SHOP)
    error = caught.value
    assert error.code is ErrorCode.NOT_OURS
    assert "The IAM user ses-shop.example.com exists and is not the tenant of shop.example.com" in (
        error.message
    )
    assert error.message.endswith(why)
    assert error.hint.endswith("ses-tenant adopt shop.example.com --user-name ses-shop.example.com")
