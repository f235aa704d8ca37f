"""What a site is given: API keys, or SMTP user name and password for each Region."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.regions import smtp_host
from ses_tenant.core.smtp import SMTP_PORT, smtp_password
from ses_tenant.core.tenant.spec import Interface, TenantSpec


@dataclass(frozen=True)
class NewAccessKey:
    """An access key at the one moment when its secret can be read."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class SmtpCredentials:
    """A login for the SMTP interface of one Region.

    `ca_file` names who vouches for the host where that is nobody whom programs trust anyway.
    """

    region: str
    host: str
    port: int
    user_name: str
    password: str = field(repr=False)
    ca_file: str | None = None


@dataclass(frozen=True)
class LocalSes:
    """An SES on this machine that stands in for AWS's: `ses-tenant sandbox`."""

    smtp_host: str
    smtp_port: int
    ca_file: str | None = None
    endpoint_url: str | None = None
    https_url: str | None = None

    @classmethod
    def named_by(cls, environ: Mapping[str, str]) -> Self | None:
        """Return the one that these environment variables name in place of SES, if they name any.

        They are SES_TENANT_SMTP_HOST, SES_TENANT_SMTP_PORT, SES_TENANT_CA_FILE,
        SES_TENANT_HTTPS_URL and AWS_ENDPOINT_URL. Raises SesTenantError `usage` for a port that is
        none.
        """
        host = environ.get("SES_TENANT_SMTP_HOST")
        if not host:
            return None
        port = environ.get("SES_TENANT_SMTP_PORT") or str(SMTP_PORT)
        if not port.isdecimal():
            raise SesTenantError(ErrorCode.USAGE, "SES_TENANT_SMTP_PORT is not a port number.")
        return cls(
            host,
            int(port),
            environ.get("SES_TENANT_CA_FILE"),
            environ.get("AWS_ENDPOINT_URL"),
            environ.get("SES_TENANT_HTTPS_URL"),
        )


@dataclass(frozen=True)
class Credentials:
    """What is delivered for a tenant, and to whom it belongs.

    An SMTP tenant gets passwords and no secret access key: a password is good for one Region and
    cannot be turned back into the key. An API tenant gets the key and no passwords.
    """

    domain: SendingDomain
    user_name: str
    user_arn: str | None
    interface: Interface
    regions: tuple[str, ...]
    access_key_id: str
    secret_access_key: str | None = field(repr=False)
    smtp: tuple[SmtpCredentials, ...] = ()
    endpoint_url: str | None = None
    https_url: str | None = None


def credentials_for(
    spec: TenantSpec, user_arn: str | None, key: NewAccessKey, local: LocalSes | None = None
) -> Credentials:
    """Return what the tenant's site needs of `key`, and no more; with `local`, to send there."""
    whose = (spec.domain, spec.user_name, user_arn, spec.interface, spec.regions)
    match spec.interface:
        case Interface.API:
            return Credentials(
                *whose,
                key.access_key_id,
                key.secret_access_key,
                endpoint_url=local.endpoint_url if local else None,
                https_url=local.https_url if local else None,
            )
        case Interface.SMTP:
            smtp = tuple(
                SmtpCredentials(
                    region=region,
                    host=local.smtp_host if local else smtp_host(region),
                    port=local.smtp_port if local else SMTP_PORT,
                    ca_file=local.ca_file if local else None,
                    user_name=key.access_key_id,
                    password=smtp_password(key.secret_access_key, region),
                )
                for region in spec.regions
            )
            return Credentials(*whose, key.access_key_id, None, smtp)
