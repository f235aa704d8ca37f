"""Secrets Manager, Parameter Store and KMS in memory: what guards secrets and parameters."""

from collections.abc import Mapping, Sequence

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.proof.guards import AWS_KEY, Key, SecretTold

_AT_ONCE = 50


class FakeStores:
    """Secrets and keys by name, keys of parameters by the parameter; the same in each Region.

    An exception in place of one is raised. `refused` is what DescribeParameters raises.
    """

    def __init__(
        self,
        secrets: Mapping[str, SecretTold | Exception] | None = None,
        keys_of_parameters: Mapping[str, str | None] | None = None,
        keys: Mapping[str, Key | Exception] | None = None,
        refused: Exception | None = None,
    ) -> None:
        self.secrets = dict(secrets or {})
        self.keys_of_parameters = dict(keys_of_parameters or {})
        self.keys = dict(keys or {})
        self.refused = refused
        self.calls: list[str] = []

    def secret(self, region: str, name: str) -> SecretTold | None:
        assert region
        self.calls += ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"]
        found = self.secrets.get(name)
        if isinstance(found, Exception):
            raise found
        return found

    def parameters(self, region: str, names: Sequence[str]) -> Mapping[str, str | None]:
        assert region
        assert 0 < len(names) <= _AT_ONCE
        self.calls.append("ssm:DescribeParameters")
        if self.refused is not None:
            raise self.refused
        return {name: key for name, key in self.keys_of_parameters.items() if name in names}

    def key(self, region: str, key_id: str) -> Key:
        assert region
        self.calls += ["kms:DescribeKey"] if "alias/" in key_id else []
        self.calls += ["kms:GetKeyPolicy", "kms:ListGrants"]
        found = self.keys.get(key_id, AWS_KEY if "alias/" in key_id else None)
        if found is None:
            raise SesTenantError(ErrorCode.NOT_FOUND, f"AWS knows no key {key_id}.", "")
        if isinstance(found, Exception):
            raise found
        return found
