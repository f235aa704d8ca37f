"""What the operator asks of a tenant's settings, and how it meets what a tenant already is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.policy import check_policy_size, sending_policy
from ses_tenant.core.tenant.spec import (
    SENDING,
    SETTINGS,
    TAGGED,
    Interface,
    Scope,
    SendingOptions,
    TenantSpec,
)
from ses_tenant.core.tenant.tags import Remembered, known, required


@dataclass(frozen=True, init=False)
class TenantRequest:
    """The settings that were given, by field; what was not given keeps what it is.

    A setting that can be cleared, and holds one value, is given as a tuple of one or none.
    """

    domain: SendingDomain
    given: Mapping[str, object]

    def __init__(
        self,
        domain: SendingDomain,
        interface: Interface | None = None,
        regions: tuple[str, ...] | None = None,
        **given: object,
    ) -> None:
        """Keep what is not None. Raises SesTenantError for what AWS would refuse.

        `given` are fields of the settings in `spec.SETTINGS`.
        """
        given |= {"interface": interface, "regions": regions}
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "given", {k: v for k, v in given.items() if v is not None})
        unknown = self.given.keys() - {setting.field for setting in SETTINGS}
        if unknown:
            raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
        for setting in SETTINGS:
            if setting.field in self.given:
                setting.check(self.given[setting.field])
        naming.check_user_tags(self.user_tags)

    @property
    def interface(self) -> Interface | None:
        """Return the interface, None if it was not given."""
        return cast("Interface | None", self.given.get("interface"))

    @property
    def regions(self) -> tuple[str, ...] | None:
        """Return the Regions, None if they were not given."""
        return cast("tuple[str, ...] | None", self.given.get("regions"))

    @property
    def destination(self) -> str | None:
        """Return the destination, None if it was not given."""
        return cast("str | None", self.given.get("destination"))

    @property
    def permissions_boundary(self) -> str | None:
        """Return the permissions boundary, None if it was not given."""
        return cast("str | None", self.given.get("permissions_boundary"))

    @property
    def user_tags(self) -> Mapping[str, str]:
        """Return the operator's own tags."""
        return cast("Mapping[str, str]", self.given.get("user_tags", {}))


def resolve(
    request: TenantRequest, observed: Observed | None, default_region: str | None
) -> TenantSpec:
    """Return the tenant that is wanted: what was given, else what its tags say, else the default.

    So `create DOMAIN` run again repairs a tenant without undoing the options it was made with.
    `default_region` is the session's. What comes out may be impossible: `check_spec` refuses that.
    """
    tags = observed.user.remembered if observed else Remembered.read({})
    texts: dict[str, Any] = {
        s.field: request.given.get(s.field) or required(tags.texts.get(s.field)) or s.default
        for s in TAGGED
    }
    regions = request.regions
    if regions is None:
        regions = required(tags.regions) or ()
    if not regions and default_region is not None:
        regions = (default_region,)
    return TenantSpec(
        domain=request.domain,
        interface=request.interface or known(tags.interface) or Interface.API,
        regions=tuple(dict.fromkeys(regions)),
        sending=_sending(request, required(tags.sending) or SendingOptions()),
        **texts,
        permissions_boundary=request.permissions_boundary,
        user_tags=request.user_tags,
    )


def _sending(request: TenantRequest, before: SendingOptions) -> SendingOptions:
    changes: dict[str, Any] = {}
    for setting in SENDING:
        value = request.given.get(setting.field)
        if isinstance(value, tuple) and not setting.kind.many:
            changes[setting.field] = next(iter(value), None)
        elif value is not None:
            changes[setting.field] = value
    sending = replace(before, **changes)
    also = tuple(dict.fromkeys(d for d in sending.also if d != request.domain))
    return replace(sending, also=also)


def check_spec(spec: TenantSpec) -> None:
    """Check what only the whole can tell.

    Raises SesTenantError `usage` for settings that contradict each other, `no_region` where the
    policy names ARNs and no Region is known, `policy_too_large` where IAM would refuse the policy.
    """
    if spec.sending.configuration_sets and spec.sending.scope is not Scope.IDENTITY:
        raise SesTenantError(
            ErrorCode.USAGE,
            "configuration-sets has a meaning only where scope is 'identity'.",
            "Without that every configuration set is allowed: leave configuration-sets out, or "
            "set scope to 'identity'.",
            settings=("configuration-sets", "scope"),
        )
    more = [name for name in spec.sending.allow_read if name != "quota"]
    if more and spec.interface is Interface.SMTP:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"allow-read {', '.join(more)} has a meaning only for the API: an SMTP password cannot "
            "read anything.",
            "Set allow-read to none, or leave it out.",
            settings=("allow-read", "interface"),
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
            "Name one, such as eu-central-1, or set AWS_REGION.",
            settings=("regions",),
        )
