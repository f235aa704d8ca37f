"""A boto3 session as the user configured it, and clients made the same way everywhere."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from difflib import get_close_matches
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.hooks import BaseEventHooks

from ses_tenant import __version__
from ses_tenant.aws.answers import careful_session, refuse_what_is_no_answer
from ses_tenant.aws.clients import DynamoDbClient, EventsClient, KmsClient, SnsClient
from ses_tenant.aws.errors import aws_errors
from ses_tenant.aws.pace import Pace
from ses_tenant.aws.role import assuming
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

_log = logging.getLogger(__name__)

# With 20 requests a second, three attempts lose calls and ten lose none.
_ATTEMPTS = 10
# IAM is one service for all Regions of a partition; botocore wants one to sign with.
_ANY_REGION = "us-east-1"
_CONNECT_TIMEOUT_S = 10
_READ_TIMEOUT_S = 60
_PROBE_TIMEOUT_S = 3
_PROBE_ATTEMPTS = 3


_Client = TypeVar("_Client")


class _Model(Protocol):
    name: str


@dataclass(frozen=True)
class AwsSession:
    """Where calls go and with whose credentials; `region` is the one configured, or None."""

    boto: boto3.session.Session = field(repr=False)
    profile: str | None
    region: str | None
    endpoint_url: str | None
    workers: int
    _clients: dict[str, object] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _pace: Pace = field(default_factory=lambda: Pace(_attempts()), repr=False)

    def errors(self) -> AbstractContextManager[None]:
        """Return a context in which boto3's exceptions become SesTenantErrors."""
        return aws_errors(self.profile)

    @property
    def attempts(self) -> int:
        """Return how often a request is sent at most."""
        return _attempts()

    def load_credentials(self) -> None:
        """Get the credentials now, so that a profile asks for its MFA code before work begins.

        boto3 itself asks, in its own words, when they are first needed. Raises SesTenantError.
        """
        with self.errors(), self._lock:
            credentials = self.boto.get_credentials()
            if credentials is not None:
                credentials.get_frozen_credentials()

    @property
    def emulated(self) -> bool:
        """Tell whether requests go to an endpoint of the user's own instead of AWS."""
        return bool(self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL"))

    def access_key_id(self) -> str | None:
        """Return the ID of the access key that calls are signed with, or None without one."""
        with self.errors():
            credentials = self.boto.get_credentials()
        return credentials.access_key if credentials else None

    def iam_client(self) -> "IAMClient":
        """Return the IAM client."""
        return self._once(
            "iam",
            lambda: self._paced(self._config(), again=True),
        )

    def iam_client_without_retries(self) -> "IAMClient":
        """Return an IAM client that sends each request exactly once."""
        config = self._config().merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
        return self._once(
            "iam once",
            lambda: self._paced(config, again=False),
        )

    def _paced(self, config: Config, *, again: bool) -> "IAMClient":
        client = self.boto.client(
            "iam",
            region_name=self.region or _ANY_REGION,
            endpoint_url=self.endpoint_url,
            config=config,
        )
        self._keep_pace(client.meta.events, self._pace, again=again)
        return client

    def _keep_pace(self, events: BaseEventHooks, pace: Pace, *, again: bool) -> None:
        if "AWS_RETRY_MODE" not in os.environ:
            pace.keep(events, again=again)

    def secretsmanager_client(self, region: str) -> "SecretsManagerClient":
        """Return the Secrets Manager client of a Region."""
        return self._once(
            f"secretsmanager {region}",
            lambda: self.boto.client(
                "secretsmanager",
                region_name=region,
                endpoint_url=self.endpoint_url,
                config=self._config(),
            ),
        )

    def sesv2_client(self, region: str) -> "SESV2Client":
        """Return the SES client of a Region, which lets about one request through a second."""

        def make() -> "SESV2Client":
            client = self.boto.client(
                "sesv2",
                region_name=region,
                endpoint_url=self.endpoint_url,
                config=self._config(),
            )
            pace = Pace(self._pace.attempts, sleep=self._pace.sleep)  # each Region has its own
            self._keep_pace(client.meta.events, pace, again=True)
            return client

        return self._once(f"sesv2 {region}", make)

    def ses_lister(self, region: str) -> "SESV2Client":
        """Return an SES client of a Region that may not be there: it gives up soon."""
        config = self._config().merge(
            Config(
                connect_timeout=_PROBE_TIMEOUT_S,
                retries={"mode": "standard", "total_max_attempts": _PROBE_ATTEMPTS},
            )
        )
        return self._once(
            f"sesv2 probe {region}",
            lambda: self.boto.client(
                "sesv2", region_name=region, endpoint_url=self.endpoint_url, config=config
            ),
        )

    def ssm_client(self, region: str) -> "SSMClient":
        """Return the Systems Manager client of a Region."""
        return self._once(
            f"ssm {region}",
            lambda: self.boto.client(
                "ssm",
                region_name=region,
                endpoint_url=self.endpoint_url,
                config=self._config(),
            ),
        )

    def kms_client(self, region: str) -> KmsClient:
        """Return the KMS client of a Region."""

        def make() -> KmsClient:
            client: KmsClient = self.boto.client(
                "kms", region_name=region, endpoint_url=self.endpoint_url, config=self._config()
            )
            return client

        return self._once(f"kms {region}", make)

    def dynamodb_client(self, region: str) -> DynamoDbClient:
        """Return the DynamoDB client of a Region."""

        def make() -> DynamoDbClient:
            client: DynamoDbClient = self.boto.client(
                "dynamodb",
                region_name=region,
                endpoint_url=self.endpoint_url,
                config=self._config(),
            )
            return client

        return self._once(f"dynamodb {region}", make)

    def sns_client(self, region: str) -> SnsClient:
        """Return the SNS client of a Region."""

        def make() -> SnsClient:
            client: SnsClient = self.boto.client(
                "sns", region_name=region, endpoint_url=self.endpoint_url, config=self._config()
            )
            return client

        return self._once(f"sns {region}", make)

    def events_client(self, region: str) -> EventsClient:
        """Return the EventBridge client of a Region."""

        def make() -> EventsClient:
            client: EventsClient = self.boto.client(
                "events", region_name=region, endpoint_url=self.endpoint_url, config=self._config()
            )
            return client

        return self._once(f"events {region}", make)

    def s3_client(self, region: str) -> "S3Client":
        """Return the S3 client of a Region."""
        return self._once(
            f"s3 {region}",
            lambda: self.boto.client(
                "s3", region_name=region, endpoint_url=self.endpoint_url, config=self._config()
            ),
        )

    def route53_client(self) -> "Route53Client":
        """Return the Route 53 client; it is one service for all Regions of a partition."""
        return self._once(
            "route53",
            lambda: self.boto.client(
                "route53",
                region_name=self.region or _ANY_REGION,
                endpoint_url=self.endpoint_url,
                config=self._config(),
            ),
        )

    def sts_client(self, region: str) -> "STSClient":
        """Return the STS client of a Region."""
        return self._once(
            f"sts {region}",
            lambda: self.boto.client(
                "sts", region_name=region, endpoint_url=self.endpoint_url, config=self._config()
            ),
        )

    def sts_client_for(self, credentials: Credentials) -> "STSClient":
        """Return a new STS client that signs with a tenant's key, and tries once."""
        with self.errors(), self._lock:
            return self.boto.client(
                "sts",
                region_name=credentials.regions[0],
                endpoint_url=self.endpoint_url,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 1},
                    connect_timeout=_CONNECT_TIMEOUT_S,
                    read_timeout=_CONNECT_TIMEOUT_S,
                ),
            )

    def check_regions(self, regions: tuple[str, ...]) -> None:
        """Raise SesTenantError `no_region` for a Region in which botocore knows no SES."""
        known = {
            region
            for partition in self.boto.get_available_partitions()
            for region in self.boto.get_available_regions("sesv2", partition)
        }
        for region in regions:
            if region not in known:
                near = get_close_matches(region, known, n=1)
                raise SesTenantError(
                    ErrorCode.NO_REGION,
                    f"Amazon SES is not offered in a Region '{region}', as far as the installed "
                    "botocore knows.",
                    f"Did you mean {near[0]}?" if near else "A newer boto3 may know the Region.",
                )

    def _once(self, name: str, make: Callable[[], _Client]) -> _Client:
        """Return the client of that name, made at its first use.

        boto3's clients may be shared by threads, its sessions may not.
        """
        with self.errors(), self._lock:
            if name not in self._clients:
                try:
                    self._clients[name] = make()
                except ValueError as error:  # botocore has no type for a malformed endpoint
                    raise SesTenantError(
                        ErrorCode.USAGE,
                        f"The AWS endpoint cannot be used: {error}.",
                        "Correct AWS_ENDPOINT_URL; it looks like http://127.0.0.1:5000.",
                    ) from error
            return cast("_Client", self._clients[name])

    def _config(self) -> Config:
        common = Config(
            user_agent_extra=f"ses-tenant/{__version__}",
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            max_pool_connections=max(self.workers, 10),
        )
        if "AWS_MAX_ATTEMPTS" in os.environ or "AWS_RETRY_MODE" in os.environ:
            return common
        return common.merge(Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}))


def _attempts() -> int:
    text = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return int(text) if text.isdigit() else _ATTEMPTS


def open_session(
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    workers: int = 8,
    role_arn: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> AwsSession:
    """Return a session of boto3's own chain: options first, then environment, then profiles.

    With `role_arn`, its credentials are used to assume that role, and the role's are renewed as
    they run out. `sleep` is how its requests wait for their turn.

    AWS_REGION counts before AWS_DEFAULT_REGION, as in other SDKs; botocore reads only the latter.
    Raises SesTenantError `no_credentials` for an unknown profile, `usage` for a bad endpoint URL.
    """
    if endpoint_url is not None:
        parts = urlsplit(endpoint_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"'{endpoint_url}' is not the URL of an endpoint.",
                "It looks like http://127.0.0.1:5000.",
            )
    with aws_errors(profile):
        boto = boto3.session.Session(botocore_session=careful_session(), profile_name=profile)
        region = region or os.environ.get("AWS_REGION") or boto.region_name
        if role_arn is not None:
            boto = assuming(boto, role_arn, region or _ANY_REGION, endpoint_url)
    refuse_what_is_no_answer(boto)
    _log_calls(boto)
    pace = Pace(_attempts(), sleep=sleep)
    return AwsSession(boto, profile, region, endpoint_url, workers, _pace=pace)


def _log_calls(boto: boto3.session.Session) -> None:
    """Log each call's name, status and attempts at DEBUG, and nothing of its contents.

    botocore's own DEBUG log prints the answer to CreateAccessKey, secret included.
    """

    def before(model: _Model, **_: object) -> None:
        _log.debug("-> %s", model.name)

    def after(parsed: Mapping[str, Mapping[str, object]], model: _Model, **_: object) -> None:
        answer = parsed.get("ResponseMetadata", {})
        _log.debug(
            "<- %s status=%s attempts=%s request=%s",
            model.name,
            answer.get("HTTPStatusCode"),
            int(str(answer.get("RetryAttempts", 0))) + 1,
            answer.get("RequestId"),
        )

    if _log.isEnabledFor(logging.DEBUG):
        boto.events.register("before-call", before)
        boto.events.register("after-call", after)
