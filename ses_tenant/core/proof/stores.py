"""Where the tags of tenants say that their credentials are: secrets and parameters."""

from dataclasses import dataclass

from ses_tenant.core.proof.members import Member
from ses_tenant.core.tenant.tags import known

SECRETS, PARAMETERS = "secretsmanager", "ssm"
# Where else credentials are delivered to: that is not to be read by way of AWS.
_NOT_IN_AWS = ("-", "file:", "command:")
_PARTS = 6


@dataclass(frozen=True)
class Store:
    """A secret or a parameter by its name or ARN, in one Region; `service` says which it is.

    Without a Region where the tags of its tenant do not tell it.
    """

    service: str
    name: str
    region: str
    partition: str
    account: str

    @property
    def arn(self) -> str:
        """Return its ARN; that of a secret by its name is without the six characters at the end."""
        if self.name.startswith("arn:"):
            return self.name
        head = f"arn:{self.partition}:{self.service}:{self.region}:{self.account}"
        if self.service == SECRETS:
            return f"{head}:secret:{self.name}"
        return f"{head}:parameter/{self.name.removeprefix('/')}"

    @property
    def names(self) -> tuple[str, ...]:
        """Return what a parameter may be called; of an ARN it is not clear whether with a slash."""
        if not self.name.startswith("arn:"):
            return (self.name,)
        name = self.name.partition(":parameter/")[2]
        return (f"/{name}",) if "/" in name else (name, f"/{name}")

    @property
    def elsewhere(self) -> bool:
        """Tell whether it belongs to another account."""
        parts = self.name.split(":")
        return len(parts) >= _PARTS and parts[0] == "arn" and parts[4] != self.account


def store_of(member: Member) -> Store | None:
    """Return where a tenant's credentials are, if that is a secret or a parameter."""
    service, _, name = (known(member.remembered.destination) or "").partition(":")
    if service not in (SECRETS, PARAMETERS) or not name:
        return None
    arn = name.split(":")
    own = known(member.remembered.regions) or ("",)
    region = arn[3] if arn[0] == "arn" and len(arn) >= _PARTS else own[0]
    return Store(service, name, region, member.arn.split(":")[1], member.account)


def is_lost(member: Member) -> bool:
    """Tell whether the tags of a tenant do not say where its credentials are."""
    told = known(member.remembered.destination) or ""
    return store_of(member) is None and not told.startswith(_NOT_IN_AWS)
