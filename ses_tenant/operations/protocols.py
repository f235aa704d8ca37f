"""What operations need of the world outside; `ses_tenant.aws` provides it, tests have a fake."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from ses_tenant.core.credentials import NewAccessKey
from ses_tenant.core.steps import CreateUser, Write
from ses_tenant.core.tenant import AccessKey, Attachments, CredentialReport, Observed, User


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

    def list_attachments(self, user_name: str) -> Attachments:
        """Return everything else that hangs on the user (seven calls)."""

    def list_tenants(self) -> tuple[Observed, ...]:
        """Return all users under our path, without keys and attachments, page by page.

        With them users elsewhere that have taken a name which a tenant would need.
        """

    def credential_report(self) -> CredentialReport:
        """Return IAM's credential report (up to 4 h old)."""

    def create_user(self, step: CreateUser) -> User:
        """Create the user; raises `already_exists`."""

    def create_access_key(self, user_name: str) -> NewAccessKey:
        """Issue a key. Never repeated by itself: an answer that got lost may have made a key."""

    def apply(self, step: Write) -> None:
        """Carry out any other step."""
