"""What other programs may import; everything else in this package may change without notice.

`import ses_tenant.api` needs neither Typer nor Rich, and `open_account` is what loads boto3.
Every failure is a `SesTenantError` with a code of the documented set.

    from ses_tenant import api

    account = api.open_account(region="eu-central-1")
    created = api.create(account, "shop.example.com", smtp=True)
    if created.credentials:
        print(created.credentials.access_key_id)
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Answer, Verdict
from ses_tenant.core.iam.authorization import decide as _decide
from ses_tenant.core.proof.simulation import Mail, case_of_policy
from ses_tenant.core.regions import check_region
from ses_tenant.core.smtp import check_secret_access_key
from ses_tenant.core.smtp import smtp_password as _smtp_password
from ses_tenant.core.tenant.policy import sending_policy as _sending_policy
from ses_tenant.core.tenant.request import TenantRequest, check_spec, resolve
from ses_tenant.core.tenant.spec import Interface

if TYPE_CHECKING:
    from ses_tenant.core.findings.audit import Audit
    from ses_tenant.operations.create import Created
    from ses_tenant.operations.list_tenants import Listing
    from ses_tenant.operations.rotate import Turn
    from ses_tenant.operations.runtime import Runtime

__all__ = [
    "Answer",
    "ErrorCode",
    "SesTenantError",
    "audit",
    "create",
    "decide",
    "list_tenants",
    "open_account",
    "rotate",
    "sending_policy",
    "smtp_password",
]


def sending_policy(
    domain: str, *, smtp: bool = False, subdomains: bool = False, also: Iterable[str] = ()
) -> dict[str, object]:
    """Return the policy document that `create` attaches, offline.

    Raises SesTenantError `invalid_domain`, and `policy_too_large` where IAM would refuse it.
    """
    request = TenantRequest(
        SendingDomain.parse(domain),
        Interface.SMTP if smtp else Interface.API,
        subdomains=subdomains,
        also=tuple(SendingDomain.parse(other) for other in also),
    )
    spec = resolve(request, None, None)
    check_spec(spec)
    return _sending_policy(spec)


def smtp_password(secret_access_key: str, region: str) -> str:
    """Return the SES SMTP password for a secret access key in one Region, offline.

    Raises SesTenantError `usage` for what is no secret access key, `no_region` for no Region.
    """
    check_region(region)
    return _smtp_password(check_secret_access_key(secret_access_key), region)


def decide(
    policy: Mapping[str, object],
    sender: str,
    *,
    action: str = "ses:SendRawEmail",
    region: str = "us-east-1",
    partition: str = "aws",
) -> Verdict:
    """Return whether a user with this policy alone may send as the address, and why, offline.

    `Verdict.answer` is an `Answer`: conditional where it hangs on what is not known beforehand,
    such as the source address. Raises SesTenantError `usage` for what is no address or no policy.
    """
    mail = Mail(sender, action)
    owner = SendingDomain.parse(mail.domain)
    case = case_of_policy(mail, policy, "The policy", owner, partition, region)
    return _decide(case.policies, case.request)


def open_account(
    *, profile: str | None = None, region: str | None = None, endpoint_url: str | None = None
) -> "Runtime":
    """Return an AWS account for the functions below; what is not given, boto3 finds.

    It is to be passed on and not to be looked into. Raises SesTenantError `no_credentials` for an
    unknown profile, `usage` for a malformed URL.
    """
    from ses_tenant.aws.session import open_session
    from ses_tenant.wiring import make_runtime

    return make_runtime(open_session(profile, region, endpoint_url))


def create(
    account: "Runtime",
    domain: str,
    *,
    smtp: bool | None = None,
    regions: Iterable[str] | None = None,
    destination: str | None = None,
) -> "Created":
    """Make a tenant, or put right what has drifted; None keeps what it has.

    `Created.credentials` are those of a new key, None if none was issued. Without a destination
    they are nowhere but there. Raises SesTenantError for what AWS or the destination refuses.
    """
    from ses_tenant.operations import create as operation

    request = TenantRequest(
        SendingDomain.parse(domain),
        None if smtp is None else Interface.SMTP if smtp else Interface.API,
        None if regions is None else tuple(regions),
        destination=destination,
    )
    return operation.carry_out(account, operation.prepare(account, request))


def rotate(account: "Runtime", domain: str, *, verify: bool = True) -> "Turn":
    """Take the next step in replacing the tenant's access key, at any age of it.

    One step a call, as `rotate-keys DOMAIN`: `Turn.decision` says which, `Turn.credentials` are
    those of a new key, `Turn.error` what failed after one was issued. Raises SesTenantError
    `not_found` and for what AWS or the destination refuses.
    """
    from ses_tenant.core.rotation.decision import RotationOptions
    from ses_tenant.operations import rotate as operation

    options = RotationOptions(named=True)
    close, settled = operation.choose(
        account.iam, [SendingDomain.parse(domain)], lambda _: options, account.now()
    )
    if not close:
        (turn,) = settled
        if turn.error:
            raise turn.error
        return turn
    return operation.carry_out(
        account, operation.prepare(account, close[0][0], options), verify=verify
    )


def list_tenants(account: "Runtime", *, fresh: bool = False) -> "Listing":
    """Return all tenants with their keys, as `list` does.

    With more than a hundred tenants the keys are those of IAM's credential report, up to four hours
    old and without IDs, unless `fresh`.
    """
    from ses_tenant.operations.list_tenants import list_tenants as listed

    return listed(account, fresh=fresh)


def audit(account: "Runtime", *, max_age: timedelta = timedelta(days=90)) -> "Audit":
    """Return who else may send as a tenant's domain or become it, and what is wrong with tenants.

    Each of `Audit.findings` has its principal, the domains with a From address that gets through,
    and the statements that decide. `max_age` is the age from which an access key is found old.
    Raises SesTenantError for what the operator may not read.
    """
    from ses_tenant.operations.audit import audit as found

    return found(
        account.iam, account.ses, account.now(), max_age, stores=account.stores, limit=None
    )[0]
