"""Use ses_tenant as a library: `ses-tenant sandbox -- python examples/library.py`.

Offline first: what a policy lets through, and an SMTP password. Then a tenant in the account that
the environment names.
"""

from ses_tenant import api

policy = api.sending_policy("shop.example.com", smtp=True)
for sender in ("info@shop.example.com", "info@blog.example.org"):
    print(sender, api.decide(policy, sender).answer)
print(api.smtp_password("some+secret+key", "eu-central-1"))

account = api.open_account(region="eu-central-1")
credentials = api.create(account, "shop.example.com", smtp=True).credentials
print("a key was issued:", credentials is not None)
print("run again, another one:", api.create(account, "shop.example.com").credentials is not None)
for tenant in api.list_tenants(account).tenants:
    print(tenant.domain, tenant.interface, tenant.state)
for finding in api.audit(account).findings:
    print(finding.rule, finding.principal)
try:
    api.rotate(account, "blog.example.org")
except api.SesTenantError as error:
    print(error.code)
