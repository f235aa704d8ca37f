"""The tenant shop.example.com in literals, and short ways to run the operations on it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.observed import Attachments
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.destinations.stdout import StdoutDestination
from ses_tenant.operations import create, delete
from ses_tenant.operations.create import Created
from tests.fakes.iam import Clock, FakeIam, FakeUser
from tests.fakes.runtime import ME, REGION, accept, fake_runtime, refuse_to_sleep

__all__ = ["ME", "REGION"]  # part of the tenant in literals

SHOP = SendingDomain.parse("shop.example.com")
NAME = "ses-shop.example.com"
PATH = "/ses-tenant/shop.example.com/"
ARN = f"arn:aws:iam::123456789012:user{PATH}{NAME}"

TAGS = {
    "ses-tenant:domain": "shop.example.com",
    "ses-tenant:interface": "api",
    "ses-tenant:regions": "eu-central-1",
    "ses-tenant:destination": "-",
    "ses-tenant:version": "1",
}

API_POLICY: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "SendAsOwnDomain",
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": "*",
            "Condition": {
                "StringLike": {"ses:FromAddress": ["*@shop.example.com"]},
                "StringLikeIfExists": {"ses:FeedbackAddress": ["*@shop.example.com"]},
            },
        },
        {
            "Sid": "ReadSendingQuota",
            "Effect": "Allow",
            "Action": ["ses:GetSendQuota", "ses:GetSendStatistics"],
            "Resource": "*",
        },
        {
            "Sid": "NothingElse",
            "Effect": "Deny",
            "NotAction": ["ses:GetSendQuota", "ses:GetSendStatistics"],
            "Resource": "*",
            "Condition": {"StringNotLike": {"ses:FromAddress": ["*@shop.example.com"]}},
        },
    ],
}

SMTP_POLICY: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "SendAsOwnDomain",
            "Effect": "Allow",
            "Action": ["ses:SendRawEmail"],
            "Resource": "*",
            "Condition": {
                "StringLike": {"ses:FromAddress": ["*@shop.example.com"]},
                "StringLikeIfExists": {"ses:FeedbackAddress": ["*@shop.example.com"]},
            },
        },
        {
            "Sid": "NothingElse",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringNotLike": {"ses:FromAddress": ["*@shop.example.com"]}},
        },
    ],
}

SUSPENDED_POLICY: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "SuspendedActiveWere", "Effect": "Deny", "Action": "*", "Resource": "*"}],
}


def tenant_state(keys: dict[str, str], **differences: Any) -> dict[str, dict[str, object]]:
    """Return the snapshot of an account with this one tenant in it."""
    state: dict[str, object] = {
        "path": PATH,
        "tags": TAGS,
        "boundary": None,
        "policies": {"ses-tenant-sending": API_POLICY},
        "keys": keys,
        "attachments": Attachments(),
    }
    return {NAME: state | differences}


def add_shop(iam: FakeIam) -> FakeUser:
    """Put the tenant there as `create` leaves it, but for its key."""
    user = iam.add_user(NAME, PATH, TAGS)
    user.policies["ses-tenant-sending"] = API_POLICY
    return user


def prepare_create(
    iam: FakeIam,
    request: TenantRequest | None = None,
    deliver: Callable[[Credentials], None] | None = None,
    *,
    default_region: str | None = REGION,
    now: datetime | None = None,
    destination: Destination | None = None,
) -> create.Prepared:
    """Prepare `create`; `deliver` prints the credentials, unless another destination is given."""
    place = destination or StdoutDestination(deliver or accept)
    moment = now or Clock()()
    runtime = fake_runtime(iam, place, default_region=default_region, now=lambda: moment)
    return create.prepare(runtime, request or TenantRequest(SHOP))


def finish_create(iam: FakeIam, prepared: create.Prepared) -> Created:
    """Carry out what was prepared, without sleep."""
    return create.carry_out(fake_runtime(iam), prepared)


def run_create(
    iam: FakeIam,
    request: TenantRequest | None = None,
    deliver: Callable[[Credentials], None] | None = None,
    sleep: Callable[[float], None] = refuse_to_sleep,
    *,
    destination: Destination | None = None,
) -> Created:
    """Run `create` as the command line does; by default nothing sleeps and delivery works."""
    prepared = prepare_create(iam, request, deliver, destination=destination)
    return create.carry_out(fake_runtime(iam, sleep=sleep), prepared)


def run_delete(iam: FakeIam, domain: SendingDomain = SHOP) -> delete.Deletion:
    """Run `delete` as the command line does with --yes."""
    runtime = fake_runtime(iam)
    (deletion,) = delete.delete_all(runtime, delete.prepare_all(runtime, [domain]))
    return deletion
