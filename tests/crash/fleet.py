"""Many tenants at once, made inside the account, as `create` would leave them."""

import json

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.rotation.keys import note
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.policy import policy_json, sending_policy
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.destinations.held import WRITTEN_BY
from tests.crash.account import REGION, now
from tests.crash.harness import Harness, Site


def make_fleet(harness: Harness, kind: str, number: int, *, days: float) -> None:
    """Make tenants whose one key is `days` old and held by the destination."""
    harness.reset(kind, *(f"site{n:03}.example.com" for n in range(number)))
    for site in harness.sites:
        _make(harness, site)
        harness.account.age(site.user_name, days)
    harness.observe()


def _make(harness: Harness, site: Site) -> None:
    domain = SendingDomain.parse(site.domain)
    spec = TenantSpec(domain, Interface.API, (REGION,), destination=(*site.to, "-", "-")[1])
    name = site.user_name
    policies = {naming.SENDING_POLICY: policy_json(sending_policy(spec))}
    harness.account.make(name, naming.user_path(domain), spec.tags, policies)
    key = harness.account.issue(name)
    marker = f"{WRITTEN_BY} {domain}"
    match site.kind:
        case "file":
            site.file.write_text(f"# {marker}\nAWS_ACCESS_KEY_ID={key}\n")
            site.file.chmod(0o600)
        case "secretsmanager":
            text = json.dumps({"comment": marker, "access_key_id": key})
            harness.account.put_secret(f"{site.domain}/ses", text)
        case "-":
            return
        case _:
            raise ValueError(site.kind)
    harness.account.tag(name, note(naming.TAG_DELIVERED, (key,), now()))
