"""What operations need of the world outside; `aws` and `destinations` provide it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.credentials import Credentials, NewAccessKey
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.observed import AccessKey, Attachments, CredentialReport, Observed, User
from ses_tenant.core.tenant.steps import CreateUser, Write

if TYPE_CHECKING:  # each of these rooms is needed by one verb or two, and takes time to import
    from ses_tenant.core.iam.authorization import Request
    from ses_tenant.core.identity.ses import ListedIdentity, SesAccount
    from ses_tenant.core.identity.ses_tenants import SesTenant, SesTenantStep
    from ses_tenant.core.identity.state import EmailIdentity
    from ses_tenant.core.identity.steps import IdentityStep
    from ses_tenant.core.proof.guards import Key, SecretTold
    from ses_tenant.core.rotation.secret_versions import SecretVersions
    from ses_tenant.core.watch.buckets import Span
    from ses_tenant.core.watch.decide import Counts
    from ses_tenant.core.watch.events import MailEvent
    from ses_tenant.core.watch.state import State


class Iam(Protocol):
    """The IAM calls that ses-tenant makes. Every failure is a SesTenantError."""

    def get_user(self, user_name: str) -> User | None:
        """Return the user, or None if there is none of that name."""

    def list_user_policies(self, user_name: str) -> tuple[str, ...]:
        """Return the names of the inline policies."""

    def get_user_policy(self, user_name: str, policy_name: str) -> Mapping[str, object]:
        """Return an inline policy; raises `not_found`."""

    def list_access_keys(self, user_name: str) -> tuple[AccessKey, ...]:
        """Return the access keys, without the time of last use."""

    def access_key_last_used(self, access_key_id: str) -> datetime | None:
        """Return when the key was last used, as far as IAM has recorded it (hours of delay)."""

    def access_key_last_service(self, access_key_id: str) -> str | None:
        """Return the AWS service that the key was last used for, None if it never was."""

    def list_attachments(self, user_name: str) -> Attachments:
        """Return everything else that hangs on the user (seven calls)."""

    def list_tenants(self) -> tuple[Observed, ...]:
        """Return all users under our path, without keys and attachments, page by page.

        With them users elsewhere that have taken a name which a tenant would need.
        """

    def account_details(self) -> Iterable[Mapping[str, object]]:
        """Return the answers of GetAccountAuthorizationDetails: everybody in the account."""

    def simulate(self, request: "Request") -> bool:
        """Return whether AWS's own simulator lets the request of a principal through."""

    def credential_report(self) -> CredentialReport:
        """Return IAM's credential report (up to 4 h old)."""

    def create_user(self, step: CreateUser) -> User:
        """Create the user; raises `already_exists`."""

    def create_access_key(self, user_name: str) -> NewAccessKey:
        """Issue a key. Never repeated by itself: an answer that got lost may have made a key."""

    def apply(self, step: Write) -> None:
        """Carry out any other step."""


class Ses(Protocol):
    """The SES calls that ses-tenant makes. Every failure is a SesTenantError."""

    def account(self, region: str) -> "SesAccount":
        """Return what SES says of the account in the Region."""

    def identity(self, region: str, name: str) -> "EmailIdentity | None":
        """Return the email identity with its policies, or None if there is none of that name."""

    def list_identities(self, region: str) -> "tuple[ListedIdentity, ...]":
        """Return all email identities in the Region; none where it is not enabled."""


class IdentityReader(Protocol):
    """What is read of email identities. Every failure is a SesTenantError."""

    def get(self, region: str, name: str) -> "EmailIdentity | None":
        """Return the email identity, or None if there is none of that name."""


class Identities(IdentityReader, Protocol):
    """The calls on email identities. Every failure is a SesTenantError."""

    def listed(self, region: str) -> "tuple[ListedIdentity, ...]":
        """Return all email identities in the Region; none where it is not enabled."""

    def apply(self, step: "IdentityStep") -> None:
        """Carry out a step."""


class SesTenants(Protocol):
    """The calls on SES tenants. Every failure is a SesTenantError."""

    def get(self, region: str, name: str) -> "SesTenant | None":
        """Return the SES tenant without its resources, or None if there is none of that name."""

    def resources(self, region: str, name: str) -> frozenset[str]:
        """Return what is associated with the SES tenant: the ends of the ARNs."""

    def of_identity(self, region: str, identity: str) -> tuple[str, ...]:
        """Return the names of the SES tenants that an identity is associated with."""

    def apply(self, step: "SesTenantStep") -> None:
        """Carry out a step."""


class Stores(Protocol):
    """What guards the secrets and parameters of a Region. Every failure is a SesTenantError."""

    def secret(self, region: str, name: str) -> "SecretTold | None":
        """Return what is told of a secret, by its name or ARN, None if there is none."""

    def parameters(self, region: str, names: Sequence[str]) -> Mapping[str, str | None]:
        """Return the keys of parameters by their names, None for what is not encrypted.

        What there is no parameter of is left out.
        """

    def key(self, region: str, key_id: str) -> "Key":
        """Return a key of KMS by its ID, ARN or alias; without what may not be read of it."""


class RotatingSecret(Protocol):
    """A secret that Secrets Manager rotates. Every failure is a SesTenantError."""

    def versions(self) -> "SecretVersions":
        """Return the labels of all versions."""

    def domain(self) -> SendingDomain:
        """Return the domain that the current version was written for."""

    def current(self, domain: SendingDomain) -> Destination:
        """Return what sites read."""

    def pending(self, domain: SendingDomain) -> Destination:
        """Return the version to come, which no site reads."""

    def to_test(self) -> Credentials:
        """Return the credentials to come; where there are none yet, those that sites read."""

    def promote(self, current: str | None) -> None:
        """Make the pending version what sites read, in place of the version `current`."""

    def discard(self) -> None:
        """Take the label off the pending version, so that another rotation can begin."""


class WatchStore(Protocol):
    """What is counted and remembered. Every failure is a SesTenantError."""

    def count(self, tenant: str, events: "Sequence[MailEvent]") -> int:
        """Count each event that was not counted before, and return how many."""

    def counts(self, tenant: str, spans: "Iterable[Span]") -> "Counts":
        """Return what the buckets of all spans hold together."""

    def hours(self, tenant: str, since: datetime) -> "Mapping[datetime, Counts]":
        """Return the counts of the hours that begin at `since` or later."""

    def state(self, tenant: str) -> "State":
        """Return what is known of a tenant."""

    def note_suspended(self, tenant: str, at: datetime) -> None:
        """Note that the tenant was suspended."""

    def note_resumed(self, tenant: str, at: datetime) -> None:
        """Note that the tenant was resumed: nothing before that counts any more."""

    def claim(self, tenant: str, now: datetime, most_an_hour: int) -> bool:
        """Take one of the suspensions of this hour, or keep the one taken; False if none is left.

        Of two that ask at once for the last one, one gets it.
        """

    def alerted_at(self, tenant: str, what: str) -> datetime | None:
        """Return when it was last told of this, None if never."""

    def note_alert(self, tenant: str, what: str, at: datetime) -> None:
        """Note that it was told of this."""

    def watched_since(self, now: datetime) -> datetime:
        """Return when the watch began, which is now if this is the first question."""

    def note_trial(self, run: str, tenant: str, events: int, decided: str) -> None:
        """Note what a trial came to: `decided` by the counts of `events` events of the tenant."""

    def note_trial_read(self, run: str, messages: int) -> None:
        """Note that so many messages of a trial were read."""
