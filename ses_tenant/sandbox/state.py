"""Keep the account in a file between two runs: written in one rename, never over what is damaged.

What is kept: IAM users, groups, managed policies and access keys, SES identities, configuration
sets and templates, secrets and parameters. The outbox is not.
"""

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.iam.models import AccessKeyLastUsed
from moto.secretsmanager.models import secretsmanager_backends
from moto.ses.models import ses_backends
from moto.ssm.models import ssm_backends

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.sandbox.account import Account
from ses_tenant.sandbox.held import held_data, held_from

_VERSION = 1
_SAVE_EVERY_S = 2.0


@contextmanager
def kept(account: Account, file: Path) -> Iterator[None]:
    """Write the account to `file` while the block runs, and when it ends.

    Raises SesTenantError `usage` for a file that cannot be written.
    """
    try:
        save(account, file)
    except OSError as error:
        raise SesTenantError(
            ErrorCode.USAGE, f"The account cannot be kept in {file}: {error.strerror or error}."
        ) from error
    stop = threading.Event()

    def keep() -> None:
        saved = account.changes
        while not stop.wait(_SAVE_EVERY_S):
            if account.changes != saved:
                saved = account.changes
                with suppress(OSError):  # at the end it is reported
                    save(account, file)

    thread = threading.Thread(target=keep, name="sandbox-state", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        save(account, file)


def load(account: Account, file: Path) -> None:
    """Put what `file` holds into an empty account; nothing if there is no file.

    Raises SesTenantError `usage` for a file that cannot be read or was not written by `save`.
    """
    try:
        if not file.is_file() and file.exists():
            raise _damaged(file, "it is not a regular file")
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(file, type(error).__name__) from error
    try:
        document = json.loads(text)
        if document["version"] != _VERSION:
            raise _damaged(file, "it is of another version")
        _restore(account, document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(file, "it is not what the sandbox writes") from error


def save(account: Account, file: Path) -> None:
    """Write the account to `file`, mode 0600, by one rename. Raises OSError."""
    with account.lock:
        text = json.dumps(_snapshot(account), indent=1)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _damaged(file: Path, why: str) -> SesTenantError:
    return SesTenantError(
        ErrorCode.USAGE,
        f"The account cannot be taken from {file}: {why}. It was left as it is.",
        "Name another file with --state, or move this one away.",
    )


def _snapshot(account: Account) -> dict[str, Any]:
    iam = account.iam
    return {
        "version": _VERSION,
        "ports": list(account.ports),
        "issued": sorted(account.issued),
        "seeded": sorted(account.seeded),
        "users": [_user(user) for user in iam.users.values()],
        "managed_policies": [
            {
                "name": p.name, "path": p.path, "description": p.description,
                "document": next(
                    v.document for v in p.versions if v.version_id == p.default_version_id
                ),
            }
            for p in iam.managed_policies.values()
            if p.arn.split(":")[4] != "aws"
        ],
        "groups": [
            {
                "name": group.name, "id": group.id, "path": group.path,
                "created": group.create_date.isoformat(), "policies": dict(group.policies),
                "attached": list(group.managed_policies), "users": [u.name for u in group.users],
            }
            for group in iam.groups.values()
        ],
        "ses": {
            region: _ses(account, region, backend)
            for region, backend in _regions(account, ses_backends)
        },
        "secrets": {
            region: [_secret(secret) for secret in backend.secrets.values()]
            for region, backend in _regions(account, secretsmanager_backends)
        },
        "parameters": {
            region: [_parameter(found[-1]) for found in backend._parameters.values() if found]  # noqa: SLF001
            for region, backend in _regions(account, ssm_backends)
        },
    }  # fmt: skip


def _regions(account: Account, backends: Any) -> list[tuple[str, Any]]:
    return sorted(dict(backends[account.account_id]).items())


def _user(user: Any) -> dict[str, Any]:
    boundary = getattr(user, "permissions_boundary", None)
    return {
        "name": user.name,
        "id": user.id,
        "path": user.path,
        "region": user.region_name,
        "created": user.create_date.isoformat(),
        "tags": user.tags or [],
        "policies": dict(user.policies),
        "attached": list(user.managed_policies),
        "boundary": boundary and boundary["PermissionsBoundaryArn"],
        "keys": [
            {
                "id": key.access_key_id,
                "secret": key.secret_access_key,
                "status": key.status,
                "created": key.create_date.isoformat(),
                "used": key.last_used
                and [
                    key.last_used.timestamp.isoformat(),
                    key.last_used.service,
                    key.last_used.region,
                ],
            }
            for key in user.access_keys
        ],
    }


def _ses(account: Account, region: str, backend: Any) -> dict[str, Any]:
    return {
        "identities": [
            {
                "name": found.email_identity,
                "configuration_set": found.configuration_set_name,
                "policies": dict(found.policies),
                "tags": found.tags or [],
                "held": held_data(account.identity(region, found.email_identity)),
            }
            for found in backend.email_identities.values()
        ],
        "configuration_sets": [
            {
                "name": name,
                "tags": found.tags,
                "events": account.event_destinations.get((region, name), {}),
            }
            for name, found in backend.config_sets.items()
        ],
        "templates": dict(backend.templates),
        "sent": backend.sent_message_count,
    }


def _secret(secret: Any) -> dict[str, Any]:
    return {
        "name": secret.name,
        "value": secret.secret_string,
        "description": secret.description,
        "tags": secret.tags or [],
    }


def _parameter(parameter: Any) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.parameter_type,
        "description": parameter.description,
        "value": parameter.decrypt(parameter.value),
        "key_id": parameter.keyid,
    }


def _restore(account: Account, document: Mapping[str, Any]) -> None:
    iam = account.iam
    http, smtp, smtps = map(int, document.get("ports", account.ports))
    account.ports = (http, smtp, smtps)
    account.issued.update(document["issued"])
    account.seeded.update((region, domain) for region, domain in document["seeded"])
    for given in document["managed_policies"]:
        iam.create_policy(given["description"], given["path"], given["document"], given["name"], {})
    for given in document["users"]:
        _restore_user(account, given)
    for given in document["groups"]:
        _restore_group(account, given)
    for region, given in document["ses"].items():
        _restore_ses(account, region, given)
    for region, secrets in document["secrets"].items():
        for given in secrets:
            secretsmanager_backends[account.account_id][region].create_secret(
                given["name"],
                secret_string=given["value"],
                secret_binary=None,
                description=given["description"],
                tags=given["tags"],
                kms_key_id=None,
                client_request_token=None,
                replica_regions=[],
                force_overwrite=False,
            )
    for region, parameters in document["parameters"].items():
        for given in parameters:
            ssm_backends[account.account_id][region].put_parameter(
                given["name"], given["description"], given["value"], given["type"], "",
                given["key_id"], True, [], "text", None, None,
            )  # fmt: skip


def _restore_group(account: Account, given: Mapping[str, Any]) -> None:
    iam = account.iam
    group = iam.create_group(given["name"], given["path"])
    group.id, group.create_date = given["id"], datetime.fromisoformat(given["created"])
    group.policies.update(given["policies"])
    for arn in given["attached"]:
        iam.attach_group_policy(arn, given["name"])
    for name in given["users"]:
        iam.add_user_to_group(given["name"], name)


def _restore_ses(account: Account, region: str, given: Mapping[str, Any]) -> None:
    backend = ses_backends[account.account_id][region]
    for identity in given["identities"]:
        made = backend.create_email_identity_v2(
            identity["name"], identity.get("tags"), None, identity["configuration_set"]
        )
        made.policies.update(identity["policies"])
        if "held" in identity:
            account.held[region, identity["name"]] = held_from(identity["held"])
    for kept in given["configuration_sets"]:
        name = kept if isinstance(kept, str) else kept["name"]
        backend.create_configuration_set(name)
        if name != kept:  # a state of an older version has the name alone
            backend.config_sets[name].tags = kept["tags"]
            account.event_destinations[region, name] = kept["events"]
    backend.templates.update(given["templates"])
    backend.sent_message_count = given["sent"]


def _restore_user(account: Account, given: Mapping[str, Any]) -> None:
    iam = account.iam
    user = iam.create_user(given["region"], given["name"], given["path"], given["tags"])
    user.id, user.create_date = given["id"], datetime.fromisoformat(given["created"])
    user.policies.update(given["policies"])
    for arn in given["attached"]:
        iam.attach_user_policy(arn, given["name"])
    if given["boundary"]:
        account.set_boundary(given["name"], given["boundary"])
    for held in given["keys"]:
        key: Any = user.create_access_key("AKIA", held["status"])
        key.access_key_id, key.secret_access_key = held["id"], held["secret"]
        key.create_date = datetime.fromisoformat(held["created"])
        if held["used"]:
            at, service, region = held["used"]
            key.last_used = AccessKeyLastUsed(datetime.fromisoformat(at), service, region)
        iam.access_keys[key.access_key_id] = key
