"""Who may send as whom, in the account as it is: each user with a key against each domain."""

from ses_tenant.sandbox.account import Account
from ses_tenant.sandbox.mail import Mail
from ses_tenant.sandbox.ruling import rule

_LOCAL_PART = "noreply"


def matrix(account: Account) -> dict[str, object]:
    """Return for every IAM user with an access key whether it may send as every domain.

    A cell answers for a raw message from noreply@DOMAIN, which is what SMTP sends, and tells
    whether the user is meant to send as that domain. The identity of a tenant that was deleted
    is no domain to protect, unless somebody made it.
    """
    region = account.settings.region
    with account.lock:
        tenants = {*account.tenant_domains(region)}
        domains = sorted(
            tenants
            | {
                name.rpartition("@")[2]
                for name in account.ses(region).email_identities
                if (region, name) not in account.seeded
            }
        )
        keys = {
            key.user_name: key
            for user in list(account.iam.users.values())
            for held in user.access_keys
            if (key := account.key(held.access_key_id))
        }
        rows = []
        for name, key in sorted(keys.items()):
            cells = []
            for domain in domains:
                mail = Mail(
                    "smtp",
                    "SMTP",
                    ("ses:SendRawEmail",),
                    "2",
                    (f"{_LOCAL_PART}@{domain}",),
                    (),
                    b"",
                )
                ruling = rule(account, key, mail, region, {})
                cells.append(
                    {
                        "domain": domain,
                        "may_send": ruling.code is None,
                        "expected": account.is_meant(name, domain),
                        "reason": ruling.reason,
                    }
                )
            rows.append({"user_name": name, "domain": key.domain, "cells": cells})
    return {"region": region, "domains": domains, "users": rows}
