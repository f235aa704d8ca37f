"""What a site is given: API keys, or SMTP user name and password for each Region."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.regions import smtp_host
from ses_tenant.core.smtp import SMTP_PORT, smtp_password
from ses_tenant.core.tenant import Interface


@dataclass(frozen=True)
class NewAccessKey:
    """An access key at the one moment when its secret can be read."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class SmtpCredentials:
    """A login for the SMTP interface of one Region."""

    region: str
    host: str
    port: int
    user_name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Credentials:
    """What is delivered for a tenant.

    An SMTP tenant gets passwords and no secret access key: a password is good for one Region and
    cannot be turned back into the key. An API tenant gets the key and no passwords.
    """

    domain: SendingDomain
    regions: tuple[str, ...]
    access_key_id: str
    secret_access_key: str | None = field(repr=False)
    smtp: tuple[SmtpCredentials, ...] = ()


def credentials_for(
    domain: SendingDomain, interface: Interface, regions: Iterable[str], key: NewAccessKey
) -> Credentials:
    """Return what the site of `domain` needs of `key`, and no more."""
    regions = tuple(regions)
    match interface:
        case Interface.API:
            return Credentials(domain, regions, key.access_key_id, key.secret_access_key)
        case Interface.SMTP:
            smtp = tuple(
                SmtpCredentials(
                    region=region,
                    host=smtp_host(region),
                    port=SMTP_PORT,
                    user_name=key.access_key_id,
                    password=smtp_password(key.secret_access_key, region),
                )
                for region in regions
            )
            return Credentials(domain, regions, key.access_key_id, None, smtp)
