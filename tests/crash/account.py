"""The emulated AWS account, looked at and set up from inside, not through its API."""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.backends import get_backend

from ses_tenant.core.tenant import naming

ACCOUNT_ID = "123456789012"
REGION = "eu-central-1"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now() -> datetime:
    """Return the time, as the command line does."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Snapshot:
    """Everything in the account that a run can change."""

    iam: tuple[Any, ...]
    secrets: dict[str, str]
    parameters: dict[str, str]


class Account:
    """moto's backends."""

    def __init__(self) -> None:
        self.clear()

    # Looked up each time: whoever resets moto puts new backends in their place.

    @property
    def _iam(self) -> Any:
        return get_backend("iam")[ACCOUNT_ID]["aws"]

    @property
    def _secrets(self) -> Any:
        return get_backend("secretsmanager")[ACCOUNT_ID][REGION]

    @property
    def _parameters(self) -> Any:
        return get_backend("ssm")[ACCOUNT_ID][REGION]

    def clear(self) -> None:
        """Leave an account without users, secrets and parameters."""
        self.restore(Snapshot(({}, {}, {}), {}, {}))

    def snapshot(self) -> Snapshot:
        iam = self._iam
        return Snapshot(
            iam=deepcopy((iam.users, iam.access_keys, iam.tagger.tags)),
            secrets={name: self.secret(name) or "" for name in list(self._secrets.secrets)},
            parameters={
                name: self.parameter(name) or ""
                for name in list(self._parameters._parameters)
                if not name.startswith("/aws/")
            },
        )

    def restore(self, snapshot: Snapshot) -> None:
        iam = self._iam
        iam.users, iam.access_keys, iam.tagger.tags = deepcopy(snapshot.iam)
        self._secrets.secrets.clear()
        for name, text in snapshot.secrets.items():
            self.put_secret(name, text)
        own = [n for n in list(self._parameters._parameters) if not n.startswith("/aws/")]
        for name in own:
            del self._parameters._parameters[name]
        for name, text in snapshot.parameters.items():
            self.put_parameter(name, text)

    def exists(self, user_name: str) -> bool:
        return user_name in self._iam.users

    def keys(self, user_name: str) -> dict[str, str]:
        """Return the status of each access key, in the order in which they were made."""
        user = self._iam.users.get(user_name)
        return {k.access_key_id: k.status for k in user.access_keys} if user else {}

    def created(self, user_name: str) -> list[str]:
        """Return when each access key was made."""
        user = self._iam.users.get(user_name)
        return [k.create_date.strftime(_TIME_FORMAT) for k in user.access_keys] if user else []

    def active(self, user_name: str) -> set[str]:
        return {key for key, status in self.keys(user_name).items() if status == "Active"}

    def key_secrets(self, user_name: str) -> set[str]:
        user = self._iam.users.get(user_name)
        return {key.secret_access_key for key in user.access_keys} if user else set()

    def secrets_of(self, user_name: str, key: str | None) -> set[str]:
        """Return the secret of a key, and none if there is no such key."""
        user = self._iam.users.get(user_name)
        found = user.access_keys if user else []
        return {k.secret_access_key for k in found if k.access_key_id == key}

    def path(self, user_name: str) -> str:
        return str(self._iam.users[user_name].path)

    def policies(self, user_name: str) -> dict[str, str]:
        user = self._iam.users.get(user_name)
        return dict(user.policies) if user else {}

    def suspended(self, user_name: str) -> bool:
        return naming.SUSPENDED_POLICY in self.policies(user_name)

    def tags(self, user_name: str) -> dict[str, str]:
        user = self._iam.users.get(user_name)
        return dict(self._iam.tagger.tags.get(user.arn, {})) if user else {}

    def make(
        self, user_name: str, path: str, tags: Mapping[str, str], policies: Mapping[str, str]
    ) -> None:
        """Make a user without keys."""
        self._iam.create_user(
            "us-east-1", user_name, path, [{"Key": k, "Value": v} for k, v in tags.items()]
        )
        for name, document in policies.items():
            self._iam.put_user_policy(user_name, name, document)

    def tag(self, user_name: str, tags: Mapping[str, str]) -> None:
        self._iam.tagger.tags[self._iam.users[user_name].arn].update(tags)

    def issue(self, user_name: str) -> str:
        """Issue an access key of which nobody is told."""
        return str(self._iam.create_access_key(user_name).access_key_id)

    def set_status(self, user_name: str, key: str, status: str) -> None:
        self._iam.update_access_key(user_name, key, status)

    def drop(self, user_name: str, key: str) -> None:
        self._iam.delete_access_key(key, user_name)

    def age(self, user_name: str, days: float) -> None:
        """Move everything that is known of a tenant's keys into the past."""
        user, by = self._iam.users[user_name], timedelta(days=days)
        for key in user.access_keys:
            key.create_date -= by

        def earlier(match: re.Match[str]) -> str:
            then = datetime.strptime(match[0], _TIME_FORMAT).replace(tzinfo=UTC) - by
            return then.strftime(_TIME_FORMAT)

        tags = self._iam.tagger.tags[user.arn]
        for name, value in tags.items():
            tags[name] = _TIME.sub(earlier, value)

    def secret(self, name: str) -> str | None:
        """Return the current value of a secret."""
        if name not in self._secrets.secrets:
            return None
        return str(self._secrets.get_secret_value(name, None, None)["SecretString"])

    def put_secret(self, name: str, text: str) -> None:
        self._secrets.create_secret(
            name,
            secret_string=text,
            secret_binary=None,
            description=None,
            tags=None,
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )

    def parameter(self, name: str) -> str | None:
        """Return the decrypted value of a parameter."""
        found = self._parameters.get_parameter(name)
        return str(found.decrypt(found.value)) if found else None

    def put_parameter(self, name: str, text: str) -> None:
        self._parameters.put_parameter(
            name=name,
            description="",
            value=text,
            parameter_type="SecureString",
            allowed_pattern="",
            keyid="alias/aws/ssm",
            overwrite=True,
            tags=[],
            data_type="text",
            tier=None,
            policies=None,
        )
