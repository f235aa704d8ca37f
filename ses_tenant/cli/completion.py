"""What a shell completes: the tenants of the account, and values of which there is a list."""

from collections.abc import Iterable, Mapping
from threading import Thread
from typing import Any

import typer

_PATIENCE_S = 3.0


def tenants(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the tenants whose domain begins so; none if AWS does not answer soon."""
    return _beginning(tenants_of(ctx.params), incomplete)


def tenants_of(given: Mapping[str, Any]) -> list[str]:
    """Return the tenants of the account that these options are about; none without an answer."""
    found: list[str] = []

    def read() -> None:
        found.extend(_read(given))

    thread = Thread(target=read, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    return found


def regions(incomplete: str) -> list[str]:
    """Return the Regions with SES that begin so."""
    from ses_tenant.core.regions import ses_regions

    return _beginning(ses_regions("aws"), incomplete)


def formats(incomplete: str) -> list[str]:
    """Return the formats that begin so."""
    from ses_tenant.destinations.formats import FORMATS

    return _beginning(FORMATS, incomplete)


def destinations(incomplete: str) -> list[str]:
    """Return the schemes of destinations that begin so, each with its colon."""
    from ses_tenant.destinations.registry import SCHEMES

    return _beginning((name if name == "-" else f"{name}:" for name in SCHEMES), incomplete)


# By the name of a tenant's setting.
OF_SETTINGS = {"regions": regions, "format": formats, "destination": destinations}


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _read(given: Mapping[str, Any]) -> list[str]:
    """Return the tenants of the account that the options so far are about, else none."""
    from ses_tenant.aws.iam import Iam
    from ses_tenant.aws.session import open_session
    from ses_tenant.core.errors import SesTenantError
    from ses_tenant.operations.observe import observe_all

    region = given.get("region")
    try:
        session = open_session(
            given.get("profile"), region if isinstance(region, str) else None,
            given.get("endpoint_url"),
        )  # fmt: skip
        return [observed.domain.name for observed in observe_all(Iam(session))[0]]
    except SesTenantError:
        return []
