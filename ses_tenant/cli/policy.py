"""`ses-tenant policy`."""

import json
import os

from ses_tenant.cli import options as o
from ses_tenant.cli.console import Console, Output
from ses_tenant.core.tenant.spec import SETTINGS


@o.takes_settings([s for s in SETTINGS if s.sends])
def policy(
    domain: o.Domain,
    *,
    given: o.Given,
    output: o.OutputOption = Output.TABLE,
    quiet: o.Quiet = False,
) -> None:
    """Print the policy that `create` attaches; works offline.

    \b
      ses-tenant policy shop.example.com
      ses-tenant policy shop.example.com --smtp --subdomains

    To read, review or paste. It takes the options of `create`. Boundary and tags stand beside the
    policy and change nothing in it. With --scope identity it needs --region, or AWS_REGION.
    """
    request = o.tenant_request(domain, given)
    from ses_tenant.core.tenant.policy import policy_size, sending_policy
    from ses_tenant.core.tenant.request import check_spec, resolve

    configured = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    spec = resolve(request, None, configured)
    check_spec(spec)
    document = sending_policy(spec)
    Console("policy", output, quiet).result(
        {"domain": spec.domain.name, "policy": document, "size": policy_size(document)},
        json.dumps(document, indent=2) + "\n",
    )
