"""What the functions are told in environment variables: the times of `rotate-keys`."""

from collections.abc import Mapping
from datetime import timedelta

from ses_tenant.core.rotation.decision import RotationOptions, duration


def rotation_options(environ: Mapping[str, str], *, named: bool) -> RotationOptions:
    """Return SES_TENANT_MAX_AGE, _GRACE and _QUARANTINE, with the defaults of `rotate-keys`.

    Raises SesTenantError `usage` for what is no time.
    """
    return RotationOptions(
        named=named,
        max_age=_time(environ, "SES_TENANT_MAX_AGE", "90d"),
        grace=_time(environ, "SES_TENANT_GRACE", "24h"),
        quarantine=_time(environ, "SES_TENANT_QUARANTINE", "7d"),
    )


def _time(environ: Mapping[str, str], variable: str, otherwise: str) -> timedelta:
    return duration(variable, environ.get(variable) or otherwise)
