"""Tenants in moto's memory, seen and changed from the other side of the command line."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.iam.models import AccessKey, iam_backends

from ses_tenant.core.smtp import smtp_password

from .aws_server import Server
from .conftest import Run

SHOP, BLOG, NEWS = "shop.example.com", "blog.example.org", "news.example.net"
KEY_ID = r"AKIA[A-Z0-9]{16}"


_made: dict[tuple[str, ...], Any] = {}


def make_tenants(run: Run, *domains: str) -> None:
    """Make tenants in an empty account as `create` does, which runs once a process for the same."""
    iam = iam_backends["123456789012"]["aws"]
    if domains not in _made:
        for domain in domains:
            assert run("create", domain).status == 0
        _made[domains] = deepcopy((iam.users, iam.access_keys, iam.tagger.tags))
    iam.users, iam.access_keys, iam.tagger.tags = deepcopy(_made[domains])


def user(domain: str) -> Any:
    """Return moto's own user of a tenant."""
    return iam_backends["123456789012"]["aws"].users[f"ses-{domain}"]


def statuses(domain: str) -> dict[str, str]:
    """Return the status of each of a tenant's keys."""
    return {key.access_key_id: key.status for key in user(domain).access_keys}


def snapshot(domain: str) -> tuple[object, ...]:
    """Return all that a command could change at a tenant."""
    of = user(domain)
    return statuses(domain), dict(of.policies), dict(of.tags)


def grow_old(domain: str, days: int) -> None:
    """Make a tenant's keys as old as that."""
    for key in user(domain).access_keys:
        key.create_date = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)


def add_key(server: Server, domain: str) -> str:
    """Issue a key by other means than ours; return its ID."""
    key = server.client("iam").create_access_key(UserName=f"ses-{domain}")
    return str(key["AccessKey"]["AccessKeyId"])


def set_status(domain: str, access_key_id: str, status: str) -> None:
    (key,) = [key for key in user(domain).access_keys if key.access_key_id == access_key_id]
    key.status = status


def key_in(text: str) -> str:
    """Return the only access key ID in a text."""
    (found,) = set(re.findall(KEY_ID, text))
    return str(found)


def secret_value(server: Server, name: str, stage: str = "AWSCURRENT") -> dict[str, Any]:
    """Return the document in Secrets Manager."""
    answer = server.client("secretsmanager").get_secret_value(SecretId=name, VersionStage=stage)
    document: dict[str, Any] = json.loads(answer["SecretString"])
    return document


@contextmanager
def recorded_secrets() -> Iterator[list[str]]:
    """Record each secret access key that moto issues, and its SMTP password."""
    secrets: list[str] = []
    issue = AccessKey.__init__

    def recording(self: AccessKey, *args: Any, **kwargs: Any) -> None:
        issue(self, *args, **kwargs)
        secrets.extend(
            [self.secret_access_key, smtp_password(self.secret_access_key, "eu-central-1")]
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccessKey, "__init__", recording)
        yield secrets
