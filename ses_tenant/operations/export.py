"""`export`: a tenants file from the tenants that an account has."""

from dataclasses import dataclass

from ses_tenant.core.errors import Notice
from ses_tenant.core.fleet.export import fleet_toml
from ses_tenant.core.fleet.fleet import Account
from ses_tenant.operations.observe import observe_all
from ses_tenant.operations.protocols import Iam


@dataclass(frozen=True)
class Exported:
    """The text of the file, and how many tenants stand in it."""

    toml: str
    tenants: int
    warnings: tuple[Notice, ...]


def export(iam: Iam, account: Account | None) -> Exported:
    """Return the file for which `plan` changes nothing; `account` is how the operator came here.

    Raises SesTenantError `internal` for a tenant that a newer version made.
    """
    tenants, warnings = observe_all(iam)
    return Exported(fleet_toml(tenants, account), len(tenants), warnings)
