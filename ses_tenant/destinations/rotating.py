"""A secret while Secrets Manager rotates it: the version that sites read, and the one to come."""

import json
from typing import TYPE_CHECKING

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.secret_versions import CURRENT, PENDING, RotationEvent, SecretVersions
from ses_tenant.core.tenant.credentials import Credentials, SmtpCredentials
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.document import DocumentDestination
from ses_tenant.destinations.held import unavailable
from ses_tenant.destinations.secretsmanager import CALL, secretsmanager

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class RotatingSecret:
    """The operations' `RotatingSecret` protocol on Secrets Manager."""

    def __init__(self, session: AwsSession, event: RotationEvent) -> None:
        """Keep which secret it is; nothing is called yet. Raises `no_region` where none is known.

        The Region is the ARN's, which is what Secrets Manager sends, else the session's.
        """
        region = event.region or session.region
        if region is None:
            raise SesTenantError(
                ErrorCode.NO_REGION,
                f"The secret {event.secret_id} names no Region.",
                "Use its ARN.",
            )
        self._session = session
        self._event = event
        self._region = region

    @property
    def _client(self) -> "SecretsManagerClient":
        return self._session.secretsmanager_client(self._region)

    def versions(self) -> SecretVersions:
        """Return the labels of all versions."""
        with self._session.errors():
            answer = self._client.describe_secret(SecretId=self._event.secret_id)
        return SecretVersions(
            answer["Name"],
            answer["ARN"],
            answer.get("RotationEnabled", False),
            {id_: tuple(labels) for id_, labels in answer.get("VersionIdsToStages", {}).items()},
        )

    def domain(self) -> SendingDomain:
        """Return the domain that the current version was written for.

        Raises SesTenantError `destination_unavailable` if ses-tenant has not written it.
        """
        return self._credentials(self._text(None)).domain

    def current(self, domain: SendingDomain) -> DocumentDestination:
        """Return what sites read, as `rotate-keys` sees it."""
        return secretsmanager(
            self._event.secret_id, self._region, domain, self._session, force=False
        )

    def pending(self, domain: SendingDomain) -> DocumentDestination:
        """Return the version to come, which no site reads."""
        event = self._event

        def write(text: str) -> None:
            # Sent again with the same token and text, it changes nothing.
            if event.rotation_token is None:
                self._client.put_secret_value(
                    SecretId=event.secret_id,
                    ClientRequestToken=event.token,
                    SecretString=text,
                    VersionStages=[PENDING],
                )
            else:
                self._client.put_secret_value(
                    SecretId=event.secret_id,
                    ClientRequestToken=event.token,
                    SecretString=text,
                    VersionStages=[PENDING],
                    RotationToken=event.rotation_token,
                )

        where = f"secretsmanager:{event.secret_id}, version {event.token}"
        return DocumentDestination(
            where, domain, self._session, lambda: self._get(event.token), write,
            call=CALL, force=False,
        )  # fmt: skip

    def to_test(self) -> Credentials:
        """Return the credentials to come; where there are none yet, those that sites read.

        Turned on without rotating at once, Secrets Manager runs testSecret alone.
        """
        return self._credentials(self._text(self._event.token) or self._text(None))

    def promote(self, current: str | None) -> None:
        """Make the pending version what sites read, in place of the version `current`."""
        client, event = self._client, self._event
        with self._session.errors():
            if current is None:
                client.update_secret_version_stage(
                    SecretId=event.secret_id, VersionStage=CURRENT, MoveToVersionId=event.token
                )
            else:
                client.update_secret_version_stage(
                    SecretId=event.secret_id,
                    VersionStage=CURRENT,
                    MoveToVersionId=event.token,
                    RemoveFromVersionId=current,
                )

    def discard(self) -> None:
        """Take the label off the pending version, so that another rotation can begin."""
        with self._session.errors():
            self._client.update_secret_version_stage(
                SecretId=self._event.secret_id,
                VersionStage=PENDING,
                RemoveFromVersionId=self._event.token,
            )

    def _text(self, version_id: str | None) -> str | None:
        with self._session.errors():
            return self._get(version_id)

    def _get(self, version_id: str | None) -> str | None:
        client, name = self._client, self._event.secret_id
        try:
            if version_id is None:
                answer = client.get_secret_value(SecretId=name, VersionStage=CURRENT)
            else:
                answer = client.get_secret_value(
                    SecretId=name, VersionId=version_id, VersionStage=PENDING
                )
        except client.exceptions.ResourceNotFoundException:
            return None  # the version has no value yet
        return answer.get("SecretString")

    def _credentials(self, text: str | None) -> Credentials:
        try:
            return credentials_in(text or "")
        except (AttributeError, KeyError, TypeError, ValueError):
            # None of these may be chained: their texts quote what the secret holds.
            failure = unavailable(
                f"secretsmanager:{self._event.secret_id}",
                "it holds no credentials that ses-tenant has written",
                f"ses-tenant create DOMAIN --to secretsmanager:{self._event.secret_id}",
            )
        raise failure


def credentials_in(text: str) -> Credentials:
    """Return the credentials that `formats.secret_document` wrote.

    Raises ValueError, KeyError or TypeError for anything else.
    """
    document = json.loads(text)
    logins = tuple(
        SmtpCredentials(
            login["region"], login["host"], login["port"], login["user_name"], login["password"]
        )
        for login in document.get("smtp", [])
    )
    return Credentials(
        domain=SendingDomain.parse(document["domain"]),
        user_name=document["iam_user"],
        user_arn=None,
        interface=Interface.SMTP if logins else Interface.API,
        regions=tuple(login.region for login in logins) or (document["region"],),
        access_key_id=document["access_key_id"],
        secret_access_key=None if logins else document["secret_access_key"],
        smtp=logins,
    )
