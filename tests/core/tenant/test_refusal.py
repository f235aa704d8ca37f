"""The cause of a refusal in plain words."""

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.policy import sending_policy
from ses_tenant.core.tenant.refusal import cause
from ses_tenant.core.tenant.spec import SendingOptions, TenantSpec

SHOP = "shop.example.com"
POLICY = sending_policy(TenantSpec(SendingDomain(SHOP)))
ALSO = sending_policy(
    TenantSpec(SendingDomain(SHOP), sending=SendingOptions(also=(SendingDomain("shop.test"),)))
)


@pytest.mark.parametrize(
    ("sender", "return_path", "expected"),
    [
        ("info@shop.example.com", None, ""),
        ("info@shop.example.com", "bounces@shop.example.com", ""),
        (
            "Info@Shop.Example.COM",
            None,
            "IAM tells upper case from lower case: send as info@shop.example.com",
        ),
        (
            "a@www.shop.example.com",
            None,
            (
                "www.shop.example.com is a subdomain of shop.example.com: send as an address at "
                "shop.example.com, or allow all subdomains: ses-tenant create shop.example.com "
                "--subdomains"
            ),
        ),
        (
            "a@example.com",
            None,
            (
                "this tenant is shop.example.com, below example.com: send as an address at "
                "shop.example.com, or allow it: ses-tenant create shop.example.com "
                "--also example.com"
            ),
        ),
        (
            "a@blog.example.org",
            None,
            "blog.example.org is another domain than the tenant's, shop.example.com",
        ),
        (
            "info@shop.example.com",
            "b@bounces.test",
            (
                "bounces would go to bounces.test, another domain; to allow it: ses-tenant create "
                "shop.example.com --return-path bounces.test"
            ),
        ),
    ],
)
def test_the_cause_is_in_the_addresses(sender: str, return_path: str | None, expected: str) -> None:
    assert cause(SHOP, sender, return_path, [POLICY]) == expected


def test_what_the_policy_allows_is_no_cause() -> None:
    assert cause(SHOP, "a@shop.test", None, [ALSO]) == ""
    assert "bounces.test" in cause(SHOP, "a@shop.test", "b@bounces.test", [ALSO])
