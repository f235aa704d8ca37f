"""What moto does not keep of an email identity."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ses_tenant.core.identity.state import Status


@dataclass(frozen=True)
class Held:
    """The keys of an identity, its MAIL FROM domain, and how far SES is with looking them up."""

    selectors: tuple[str, ...] = ()
    origin: str = "AWS_SES"
    signing: bool = True
    dkim: Status = Status.SUCCESS
    mail_from: str | None = None
    mail_from_status: Status = Status.NOT_STARTED
    rejects: bool = False
    feedback: bool = True
    checked_at: str | None = None
    key_length: str = "RSA_2048_BIT"


def new_selectors() -> tuple[str, ...]:
    """Return the names of three new DKIM keys."""
    return tuple(secrets.token_hex(16) for _ in range(3))


def held_data(held: Held) -> dict[str, object]:
    """Return what is kept of an identity in the file of --state."""
    return asdict(held)


def held_from(data: Mapping[str, Any]) -> Held:
    """Return what `held_data` wrote."""
    return Held(
        **{
            **data,
            "selectors": tuple(data["selectors"]),
            "dkim": Status(data["dkim"]),
            "mail_from_status": Status(data["mail_from_status"]),
        }
    )
