import dataclasses
import importlib
import pkgutil

import ses_tenant.core
from ses_tenant.core.tenant.credentials import (
    Credentials,
    NewAccessKey,
    SmtpCredentials,
    credentials_for,
)
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from tests.core.samples import SHOP

SECRET = "some+secret+key"
PASSWORD = "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"  # of SECRET in eu-central-1
KEY = NewAccessKey("AKIAIOSFODNN7EXAMPLE", SECRET)
HOST = "email-smtp.eu-central-1.amazonaws.com"
SMTP = SmtpCredentials("eu-central-1", HOST, 587, "AKIAIOSFODNN7EXAMPLE", PASSWORD)


ARN = "arn:aws:iam::123456789012:user/ses-tenant/shop.example.com/ses-shop.example.com"


def issued(interface: Interface, *regions: str) -> Credentials:
    return credentials_for(TenantSpec(SHOP, interface, regions), ARN, KEY)


def test_api_tenant_gets_the_key_and_no_passwords() -> None:
    assert issued(Interface.API, "eu-central-1") == Credentials(
        domain=SHOP,
        user_name="ses-shop.example.com",
        user_arn=ARN,
        interface=Interface.API,
        regions=("eu-central-1",),
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=SECRET,
        smtp=(),
    )


def test_smtp_tenant_gets_a_password_for_each_region_and_not_the_key() -> None:
    assert issued(Interface.SMTP, "eu-central-1", "us-west-1") == Credentials(
        domain=SHOP,
        user_name="ses-shop.example.com",
        user_arn=ARN,
        interface=Interface.SMTP,
        regions=("eu-central-1", "us-west-1"),
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=None,
        smtp=(
            SMTP,
            SmtpCredentials(
                "us-west-1",
                "email-smtp.us-west-1.amazonaws.com",
                587,
                "AKIAIOSFODNN7EXAMPLE",
                "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj",
            ),
        ),
    )


def test_no_secret_is_shown() -> None:
    holders = (
        KEY,
        SMTP,
        issued(Interface.API, "eu-central-1"),
        issued(Interface.SMTP, "eu-central-1"),
    )
    for holder in holders:
        for shown in (repr(holder), str(holder), f"{holder}", repr([holder]), f"{holder=}"):
            assert SECRET not in shown
            assert PASSWORD not in shown
            assert "AKIAIOSFODNN7EXAMPLE" in shown


def secret_fields() -> dict[str, bool]:
    """Every field of a dataclass of the core that is named like a secret: is it in the repr?"""
    found = {}
    for module_info in pkgutil.walk_packages(ses_tenant.core.__path__, "ses_tenant.core."):
        for value in vars(importlib.import_module(module_info.name)).values():
            if isinstance(value, type) and dataclasses.is_dataclass(value):
                for field in dataclasses.fields(value):
                    if any(word in field.name for word in ("secret", "password", "token")):
                        found[f"{value.__name__}.{field.name}"] = field.repr
    return found


def test_every_field_named_like_a_secret_is_left_out_of_the_repr() -> None:
    found = secret_fields()
    assert {
        "NewAccessKey.secret_access_key",
        "SmtpCredentials.password",
        "Credentials.secret_access_key",
    } <= found.keys()
    assert [name for name, shown in found.items() if shown] == []
