"""What the operator asks of `create` and `policy`, and how it meets what a tenant already is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.policy import check_policy_size, sending_policy
from ses_tenant.core.tenant.spec import (
    DEFAULT_FORMAT,
    STDOUT,
    Interface,
    Scope,
    SendingOptions,
    TenantSpec,
)
from ses_tenant.core.tenant.tags import Remembered, known, required

_T = TypeVar("_T")

_BOUNDARY = re.compile(r"arn:aws[\w-]*:iam::(\d{12}|aws):policy/[\x21-\x7e]{1,512}")
_CONFIGURATION_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class TenantRequest:
    """Options as given on the command line; None stands for "not given: keep what it is"."""

    domain: SendingDomain
    interface: Interface | None = None
    regions: tuple[str, ...] | None = None
    subdomains: bool | None = None
    also: tuple[SendingDomain, ...] | None = None
    return_path: tuple[SendingDomain, ...] | None = None
    scope: Scope | None = None
    configuration_sets: tuple[str, ...] | None = None
    destination: str | None = None
    format: str | None = None
    read_back: str | None = None
    permissions_boundary: str | None = None
    user_tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that AWS would refuse, before AWS is asked."""
        naming.check_user_tags(self.user_tags)
        boundary = self.permissions_boundary
        if boundary is not None and not _BOUNDARY.fullmatch(boundary):
            raise SesTenantError(
                ErrorCode.USAGE,
                f"'{boundary}' is not the ARN of a managed policy.",
                "A permissions boundary looks like arn:aws:iam::123456789012:policy/name.",
            )
        for name in self.configuration_sets or ():
            if not _CONFIGURATION_SET.fullmatch(name):
                raise SesTenantError(
                    ErrorCode.USAGE,
                    f"'{name}' is not the name of a configuration set.",
                    "Such a name has up to 64 letters, digits, hyphens and underscores.",
                )


def resolve(
    request: TenantRequest, observed: Observed | None, default_region: str | None
) -> TenantSpec:
    """Return the tenant that is wanted: what was given, else what its tags say, else the default.

    So `create DOMAIN` run again repairs a tenant without undoing the options it was made with.
    `default_region` is the session's. What comes out may be impossible: `check_spec` refuses that.
    """
    tags = observed.user.remembered if observed else Remembered.read({})
    before = required(tags.sending) or SendingOptions()
    sending = replace(
        before,
        subdomains=_given(request.subdomains, before.subdomains),
        also=tuple(
            dict.fromkeys(d for d in _given(request.also, before.also) if d != request.domain)
        ),
        scope=_given(request.scope, before.scope),
        configuration_sets=_given(request.configuration_sets, before.configuration_sets),
        return_path=(
            before.return_path
            if request.return_path is None
            else next(iter(request.return_path), None)
        ),
    )
    regions = request.regions
    if regions is None:
        regions = required(tags.regions) or ()
    if not regions and default_region is not None:
        regions = (default_region,)
    return TenantSpec(
        domain=request.domain,
        interface=_given(request.interface, known(tags.interface) or Interface.API),
        regions=tuple(dict.fromkeys(regions)),
        sending=sending,
        destination=request.destination or required(tags.destination) or STDOUT,
        format=_given(request.format, tags.format or DEFAULT_FORMAT),
        read_back=request.read_back or required(tags.read_back),
        permissions_boundary=request.permissions_boundary,
        user_tags=request.user_tags,
    )


def check_spec(spec: TenantSpec) -> None:
    """Check what only the whole can tell.

    Raises SesTenantError `usage` for options that contradict each other, `no_region` where the
    policy names ARNs and no Region is known, `policy_too_large` where IAM would refuse the policy.
    """
    if spec.sending.configuration_sets and spec.sending.scope is not Scope.IDENTITY:
        raise SesTenantError(
            ErrorCode.USAGE,
            "--configuration-set has a meaning only with --scope identity.",
            "Without it every configuration set is allowed. Leave the option out, or add "
            "--scope identity.",
        )
    if spec.sending.scope is Scope.IDENTITY:
        require_regions(spec)
    check_policy_size(sending_policy(spec))


def require_regions(spec: TenantSpec) -> None:
    """Raise SesTenantError `no_region` if no Region was given, remembered or configured."""
    if not spec.regions:
        raise SesTenantError(
            ErrorCode.NO_REGION,
            f"It is not known in which AWS Region {spec.domain} sends.",
            "Add --region REGION, such as --region eu-central-1, or set AWS_REGION.",
        )


def _given(value: _T | None, otherwise: _T) -> _T:
    return otherwise if value is None else value
