"""What the tags of a user say; and that nothing else reads them."""

import ast
from pathlib import Path

import pytest

import ses_tenant
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.spec import Interface, SendingOptions
from ses_tenant.core.tenant.tags import Damaged, Remembered, known, required, tenant_of
from tests.core.samples import SHOP, user

WHOLE = {
    "ses-tenant:domain": "shop.example.com",
    "ses-tenant:interface": "smtp",
    "ses-tenant:regions": "eu-central-1+us-east-1",
    "ses-tenant:sending": "subdomains",
    "ses-tenant:destination": "file:/srv/a=20b.env",
    "ses-tenant:format": "json",
    "ses-tenant:read-back": "cat=20x",
    "ses-tenant:version": "1",
    "client": "ACME",
    "aws:cloudformation:stack": "x",
}


def test_every_tag_is_read() -> None:
    found = Remembered.read(WHOLE)
    assert found.domain == SHOP
    assert found.interface is Interface.SMTP
    assert found.regions == ("eu-central-1", "us-east-1")
    assert found.sending == SendingOptions(subdomains=True)
    assert found.destination == "file:/srv/a b.env"
    assert found.texts == {
        "destination": "file:/srv/a b.env",
        "format": "json",
        "read_back": "cat x",
    }
    assert found.version == "1"
    assert found.others == {"client": "ACME"}


def test_what_is_missing_is_no_default() -> None:
    found = Remembered.read({})
    assert found.domain is found.interface is found.regions is found.sending is None
    assert found.destination is found.delivered is found.retired is None
    assert found.texts == {}


@pytest.mark.parametrize(
    ("field", "tags"),
    [
        ("domain", {"ses-tenant:domain": ""}),
        ("domain", {"ses-tenant:domain": "Shop.example.com"}),
        ("domain", {"ses-tenant:domain": "co.uk"}),
        ("interface", {"ses-tenant:interface": "fax"}),
        ("interface", {"ses-tenant:interface": ""}),
        ("regions", {"ses-tenant:regions": ""}),
        ("regions", {"ses-tenant:regions": "eu-central-1+Frankfurt"}),
        ("regions", {"ses-tenant:regions": "eu-central-1+us-@"}),
        ("regions", {"ses-tenant:regions": "eu-central-1@", "ses-tenant:regions.3": "+us-east-1"}),
        ("sending", {"ses-tenant:sending": "recipients=x"}),
        ("sending", {"ses-tenant:sending": "also=localhost"}),
        ("sending", {"ses-tenant:sending": "also=shop.example@"}),
        ("destination", {"ses-tenant:destination": ""}),
        ("destination", {"ses-tenant:destination": "file:/=FF"}),
        ("destination", {"ses-tenant:destination": "file:/a@"}),
        ("read_back", {"ses-tenant:read-back": "cat=20@"}),
        ("delivered", {"ses-tenant:delivered": "yesterday"}),
        ("retired", {"ses-tenant:retired": "AKIAIOSFODNN7EXAMPLE"}),
    ],
)
def test_what_cannot_be_read_is_neither_missing_nor_a_value(
    field: str, tags: dict[str, str]
) -> None:
    remembered = Remembered.read(tags)
    found = remembered.texts[field] if field == "read_back" else getattr(remembered, field)
    assert isinstance(found, Damaged)
    assert (found.tag, found.text) == next(iter(tags.items()))
    assert known(found) is None
    with pytest.raises(SesTenantError):
        required(found)


@pytest.mark.parametrize(
    ("name", "path", "domain"),
    [
        ("ses-shop.example.com", "/ses-tenant/shop.example.com/", SHOP),
        ("ses-shop.example.com", "/ses-tenant/elsewhere/", SHOP),
        ("ses-shop.example.com", "/", None),
        ("shop", "/ses-tenant/shop.example.com/", None),
        ("SES-shop.example.com", "/ses-tenant/shop.example.com/", None),
    ],
)
def test_a_tenant_by_path_tag_and_name(name: str, path: str, domain: SendingDomain | None) -> None:
    assert tenant_of(name, path, Remembered.read(WHOLE)) == domain


@pytest.mark.parametrize("tags", [{}, {"ses-tenant:domain": "other.example.com"}])
def test_a_user_without_the_tag_is_no_tenant(tags: dict[str, str]) -> None:
    stranger = user(tags=tags)
    assert stranger.tenant is None
    with pytest.raises(SesTenantError, match="is no tenant"):
        _ = Observed(stranger, (), None, ()).domain


def test_tags_are_read_in_one_module() -> None:
    root = Path(ses_tenant.__file__).parent
    readers = set[str]()
    for path in root.rglob("*.py"):
        if "tenant import naming" not in (source := path.read_text("utf-8")):
            continue  # other things have tags as well
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Attribute(attr="untag_list" | "untag_text" | "from_tags"):
                    readers.add(path.relative_to(root).as_posix())
                case (
                    ast.Subscript(value=ast.Attribute(attr="tags") | ast.Name(id="tags"))
                    | ast.Call(
                        func=ast.Attribute(
                            attr="get", value=ast.Attribute(attr="tags") | ast.Name(id="tags")
                        )
                    )
                ):
                    readers.add(path.relative_to(root).as_posix())
                case _:
                    pass
    # How they are written, what they hold before and after, and nothing else.
    assert readers - {"core/tenant/naming.py", "core/tenant/spec.py"} == {
        "core/tenant/tags.py",
        "core/plans/repair.py",
        "core/fleet/changes.py",
    }
