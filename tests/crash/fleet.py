"""Many tenants at once, made inside the account, as `create` would leave them."""

import json

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.rotation.keys import note
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.policy import policy_json, sending_policy
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.destinations.held import WRITTEN_BY
from tests.crash.account import REGION, now
from tests.crash.lab import Lab, Site


def make_fleet(lab: Lab, kind: str, number: int, *, days: float) -> None:
    """Make tenants whose one key is `days` old and held by the destination."""
    lab.reset(kind, *(f"site{n:03}.example.com" for n in range(number)))
    for site in lab.sites:
        _make(lab, site)
        lab.account.age(site.user_name, days)
    lab.observe()


def _make(lab: Lab, site: Site) -> None:
    domain = SendingDomain.parse(site.domain)
    spec = TenantSpec(domain, Interface.API, (REGION,), destination=(*site.to, "-", "-")[1])
    name = site.user_name
    policies = {naming.SENDING_POLICY: policy_json(sending_policy(spec))}
    lab.account.make(name, naming.user_path(domain), spec.tags, policies)
    key = lab.account.issue(name)
    marker = f"{WRITTEN_BY} {domain}"
    match site.kind:
        case "file":
            site.file.write_text(f"# {marker}\nAWS_ACCESS_KEY_ID={key}\n")
            site.file.chmod(0o600)
        case "secretsmanager":
            text = json.dumps({"comment": marker, "access_key_id": key})
            lab.account.put_secret(f"{site.domain}/ses", text)
        case "-":
            return
        case _:
            raise ValueError(site.kind)
    lab.account.tag(name, note(naming.TAG_DELIVERED, (key,), now()))
