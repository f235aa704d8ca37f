"""The account that the sandbox plays: what moto holds of IAM and SES, and what it leaves out.

moto keeps users, policies, keys and identities. It forgets which keys were deleted, drops
permissions boundaries and verifies nothing, so those are kept here.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import AccessKeyLastUsed, iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ses.models import ses_backends

from ses_tenant.core.iam.authorization import Policies, Policy
from ses_tenant.core.identity.state import Status
from ses_tenant.core.regions import partition_of
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.tags import Remembered, known
from ses_tenant.sandbox.held import Held, new_selectors
from ses_tenant.sandbox.model import ABSENT, Model

SIMULATOR = "simulator.amazonses.com"  # takes mail also from an account in the SES sandbox


@dataclass(frozen=True)
class Key:
    """An access key of an IAM user, with the secret to check signatures and passwords against."""

    access_key_id: str
    active: bool
    user_name: str
    user_arn: str
    domain: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """What the account is like.

    With `verifies`, an identity is PENDING until its records have been seen in DNS.
    """

    region: str
    unverified: bool = False
    ses_sandbox: bool = False
    verifies: bool = False
    model: Model = field(default_factory=Model)

    @property
    def daily_quota(self) -> int:
        """Return how many recipients a Region takes in 24 hours."""
        return 200 if self.ses_sandbox else 50_000

    @property
    def rate(self) -> int:
        """Return how many recipients a second SES would take."""
        return 1 if self.ses_sandbox else 14


@dataclass
class Account:
    """The account; hold `lock` while moto is read or written.

    `sent` counts recipients by Region since the sandbox began. `ports` are those of HTTP, SMTP with
    STARTTLS, SMTP with TLS and HTTPS, 0 before it is served.
    """

    settings: Settings
    changes: int = 0
    issued: set[str] = field(default_factory=set)
    seeded: set[tuple[str, str]] = field(default_factory=set)
    held: dict[tuple[str, str], Held] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    ses_tenants: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    event_destinations: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    ports: tuple[int, int, int, int] = (0, 0, 0, 0)
    sent: Counter[str] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def account_id(self) -> str:
        """Return the twelve digits of the account."""
        return str(DEFAULT_ACCOUNT_ID)

    @property
    def iam(self) -> Any:
        """Return moto's IAM, of the partition of the Region."""
        return iam_backends[self.account_id][partition_of(self.settings.region)]

    def has_region(self, service: str, region: str) -> bool:
        """Tell whether a Region exists, and for SES whether SES is in it."""
        backends = ses_backends if service == "ses" else secretsmanager_backends
        return region in backends[self.account_id].regions

    def ses(self, region: str) -> Any:
        """Return moto's SES in `region`, with the identities that count as verified in it."""
        backend = ses_backends[self.account_id][region]
        if not (self.settings.unverified or self.settings.verifies):
            for domain in self.tenant_domains(region):
                if (region, domain) not in self.seeded:
                    self.seeded.add((region, domain))
                    self._seed(backend, domain)
        for name, identity in backend.email_identities.items():
            verified = self.is_verified(region, name)
            identity.verified_for_sending_status = verified
            identity.verification_status = "Success" if verified else "Pending"
        return backend

    def _seed(self, backend: Any, domain: str) -> None:
        """Verify a tenant's domain by itself, as if `identity create` had made its identity."""
        if domain not in backend.email_identities:
            tags = {naming.TAG_DOMAIN: domain, naming.TAG_VERSION: naming.SCHEMA_VERSION}
            listed = [{"Key": key, "Value": value} for key, value in tags.items()]
            backend.create_email_identity_v2(domain, listed, None, None)

    def identity(self, region: str, name: str) -> Held:
        """Return what is kept of an identity; one made by the first API gets it here."""
        key = (region, name)
        if key not in self.held:
            self.held[key] = Held(new_selectors(), dkim=self.begun(name))
        return self.held[key]

    def begun(self, name: str) -> Status:
        """Return how far a new identity is: verified at once, unless that is for DNS to say.

        One whose name begins with `unverified` is never verified by itself.
        """
        waits = self.settings.verifies or name.startswith("unverified.")
        return Status.PENDING if waits else Status.SUCCESS

    def is_verified(self, region: str, name: str) -> bool:
        """Tell whether SES has seen the records of an identity; an address is believed."""
        return "@" in name or self.identity(region, name).dkim is Status.SUCCESS

    def tenant_domains(self, region: str) -> Iterator[str]:
        """Yield the domains that tenants send as in a Region."""
        for user in list(self.iam.users.values()):
            if not user.path.startswith(naming.PATH_PREFIX):
                continue
            remembered = _remembered(user)
            regions = known(remembered.regions)
            if remembered.domain is not None and (regions is None or region in regions):
                yield str(remembered.domain)
                sending = known(remembered.sending)
                yield from (also.name for also in sending.also) if sending else ()

    def suspensions(self) -> Iterator[tuple[str, str]]:
        """Yield the tenants that are suspended, by domain, each with since when and why."""
        for user in list(self.iam.users.values()):
            if naming.SUSPENDED_POLICY in user.policies:
                remembered = _remembered(user)
                yield str(remembered.domain or user.name), str(remembered.suspended or "")

    def is_meant(self, user_name: str, domain: str) -> bool:
        """Tell whether a user's tags say that it sends as a domain."""
        user = self.iam.users.get(user_name)
        own = known(_remembered(user).domain) if user else None
        if user is None or own is None:
            return False
        sending = known(_remembered(user).sending)
        domains = [own.name, *(also.name for also in sending.also)] if sending else [own.name]
        below = sending is not None and sending.subdomains
        return domain in domains or (below and domain.endswith(tuple(f".{d}" for d in domains)))

    def key(self, access_key_id: str) -> Key | None:
        """Return the access key of an IAM user, or None if no user has it."""
        found = self.iam.access_keys.get(access_key_id)
        user = self.iam.users.get(found.user_name) if found else None
        if user is None or found not in user.access_keys:
            return None
        return Key(
            access_key_id=access_key_id,
            active=found.status == "Active",
            user_name=user.name,
            user_arn=user.arn,
            domain=str(_remembered(user).domain or ""),
            secret_access_key=found.secret_access_key,
        )

    def note_keys(self) -> None:
        """Remember the keys there are, so that they are known once they are deleted."""
        self.issued.update(self.iam.access_keys)

    def note_use(self, key: Key, region: str, service: str = "ses") -> None:
        """Record the use of a key, for GetAccessKeyLastUsed."""
        if service == ABSENT:
            return
        self.iam.access_keys[key.access_key_id].last_used = AccessKeyLastUsed(
            timestamp=datetime.now(UTC).replace(tzinfo=None), service=service, region=region
        )

    def policies_of(self, user_name: str) -> Policies:
        """Return every policy that decides what the user may do, but for resource policies."""
        user = self.iam.users[user_name]
        holders = [user, *self.iam.get_groups_for_user(user_name)]
        boundary = getattr(user, "permissions_boundary", None)
        return Policies(
            identity=tuple(policy for holder in holders for policy in _policies(holder)),
            boundary=None if not boundary else self._boundary(boundary["PermissionsBoundaryArn"]),
        )

    def _boundary(self, arn: str) -> tuple[Policy, ...]:
        """Return the boundary; one that does not exist allows nothing."""
        found = self.iam.managed_policies.get(arn)
        return () if found is None else (_managed(found),)

    def resource_policies(self, region: str, resource: str) -> tuple[Policy, ...]:
        """Return the sending authorization policies of the identity whose ARN is `resource`."""
        identity = self.ses(region).email_identities.get(resource.partition(":identity/")[2])
        found = identity.policies if identity else {}
        return tuple(Policy(name, _document(text)) for name, text in found.items())

    def set_boundary(self, user_name: str, arn: str | None) -> None:
        """Give a user a permissions boundary, or take it away."""
        user = self.iam.get_user(user_name)
        user.permissions_boundary = arn and {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": arn,
        }

    def verified_identity(self, region: str, address: str) -> str | None:
        """Return the most specific verified identity that covers `address`.

        A verified domain covers its subdomains:
        https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
        """
        identities = set(self.ses(region).email_identities)
        if self.settings.model.answer("unverified_child") == "parent_serves":
            identities = {name for name in identities if self.is_verified(region, name)}
        labels = address.rpartition("@")[2].lower().split(".")
        names = [address, *(".".join(labels[start:]) for start in range(len(labels)))]
        found = next((name for name in names if name in identities), None)
        return found if found is None or self.is_verified(region, found) else None

    def arn(self, region: str, resource: str) -> str:
        """Return the ARN of something in SES."""
        return f"arn:{partition_of(region)}:ses:{region}:{self.account_id}:{resource}"

    def identity_arn(self, region: str, address: str) -> str:
        """Return the identity that SES authorizes for a From address.

        That is the address if it is an identity of its own, else its domain if that is one, else,
        as users report, the address as it stands.
        """
        identity = self.verified_identity(region, address)
        domain = address.rpartition("@")[2].lower()
        if identity in (address, domain):
            return self.arn(region, f"identity/{identity}")
        served = {"address": address, "subdomain": domain, "parent": identity or address}
        name = served[self.settings.model.answer("subdomain_identity")]
        return self.arn(region, f"identity/{name}")


def _remembered(user: Any) -> Remembered:
    return Remembered.read({tag["Key"]: tag["Value"] for tag in user.tags or ()})


def _policies(holder: Any) -> Iterator[Policy]:
    for name, text in holder.policies.items():
        yield Policy(name, _document(text))
    for managed in holder.managed_policies.values():
        yield _managed(managed)


def _managed(policy: Any) -> Policy:
    version = next(v for v in policy.versions if v.version_id == policy.default_version_id)
    return Policy(policy.name, _document(version.document))


def _document(text: Any) -> dict[str, object]:
    loaded = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    return loaded if isinstance(loaded, dict) else {}
