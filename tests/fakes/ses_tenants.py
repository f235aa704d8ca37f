"""SES tenants in memory: as SES, they refuse a second one of a name and a second association."""

from dataclasses import replace

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity import ses_tenants as steps


class FakeSesTenants:
    """SES tenants by Region and name; with `failure`, every call raises it."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], steps.SesTenant] = {}
        self.failure: SesTenantError | None = None
        self.calls: list[str] = []

    def get(self, region: str, name: str) -> steps.SesTenant | None:
        self._called("ses:GetTenant")
        found = self.there.get((region, name))
        return replace(found, resources=frozenset()) if found else None

    def resources(self, region: str, name: str) -> frozenset[str]:
        self._called("ses:ListTenantResources")
        return self.there[region, name].resources

    def of_identity(self, region: str, identity: str) -> tuple[str, ...]:
        self._called("ses:ListResourceTenants")
        wanted = f"identity/{identity}"
        return tuple(n for (r, n), t in self.there.items() if r == region and wanted in t.resources)

    def apply(self, step: steps.SesTenantStep) -> None:
        self._called(step.action)
        key = (step.region, step.ses_tenant)
        found = self.there.get(key)
        if isinstance(step, steps.CreateTenant):
            if found is not None:
                raise SesTenantError(ErrorCode.ALREADY_EXISTS, "There is one of that name.")
            self.there[key] = steps.SesTenant(step.ses_tenant, "ENABLED", step.domain)
            return
        if found is None:
            raise SesTenantError(ErrorCode.NOT_FOUND, "There is no such SES tenant.")
        if step.resource in found.resources:
            raise SesTenantError(ErrorCode.ALREADY_EXISTS, "It is associated already.")
        self.there[key] = replace(found, resources=found.resources | {step.resource})

    def _called(self, action: str) -> None:
        self.calls.append(action)
        if self.failure is not None:
            raise self.failure
