"""Secrets Manager's rotation contract: four steps, and the two versions of a secret they work on.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.spec import TenantSpec

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"


class RotationStep(StrEnum):
    """The steps, in their order, as the event names them."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


@dataclass(frozen=True)
class RotationEvent:
    """What Secrets Manager invokes the function with.

    `token` is also the ID of the version that the rotation makes. `rotation_token` is sent where
    the function works under another role or in another account.
    """

    step: RotationStep
    secret_id: str = field(repr=False)
    token: str = field(repr=False)
    rotation_token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, event: Mapping[str, object]) -> Self:
        """Return the event. AWS's documentation spells the steps in snake case as well.

        Raises SesTenantError `usage` for anything else, as when the function is invoked by hand.
        """
        step, secret_id, token = (
            str(event.get(name) or "") for name in ("Step", "SecretId", "ClientRequestToken")
        )
        name = re.sub(r"_([a-z])", lambda found: found[1].upper(), step)
        if name not in list(RotationStep) or not secret_id or not token:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"This is not an event of a rotation: its Step is '{step}'.",
                "Let Secrets Manager invoke the function: aws secretsmanager rotate-secret "
                "--secret-id NAME --rotation-lambda-arn ARN",
            )
        rotation_token = event.get("RotationToken")
        return cls(
            RotationStep(name), secret_id, token, str(rotation_token) if rotation_token else None
        )

    @property
    def process(self) -> Process:
        """Return who announces that it issues a key: this rotation, wherever its steps run.

        No machine has that name, so every other run takes it for alive until its lease is over.
        """
        return Process(f"rotation-{self.token}"[:64], 0)

    @property
    def region(self) -> str | None:
        """Return the Region that the secret's ARN names."""
        parts = self.secret_id.split(":")
        return parts[3] if len(parts) > 3 else None


@dataclass(frozen=True)
class SecretVersions:
    """A secret as DescribeSecret shows it: `stages` are the labels of each version."""

    name: str
    arn: str
    rotation_enabled: bool
    stages: Mapping[str, tuple[str, ...]]

    @property
    def current(self) -> str | None:
        """Return the ID of the version that sites read."""
        return next((id_ for id_, stages in self.stages.items() if CURRENT in stages), None)

    def check(self, token: str) -> bool:
        """Tell whether the rotation is over: its version is what sites read.

        Raises SesTenantError `usage` where the contract wants the function to refuse: rotation is
        off, or the version is not the one that is pending.
        """
        if not self.rotation_enabled:
            raise self._refused("its rotation is not turned on")
        stages = self.stages.get(token)
        if stages is None:
            raise self._refused(f"it has no version {token}")
        if CURRENT in stages:
            return True
        if PENDING not in stages:
            raise self._refused(f"its version {token} is not {PENDING}: that rotation is over")
        return False

    def require_destination_of(self, spec: TenantSpec) -> None:
        """Check that this is the secret that `rotate-keys` delivers to.

        Raises SesTenantError `destination_unavailable` otherwise: of two places that hold a key,
        nobody could tell which one the site reads.
        """
        scheme, _, name = spec.destination.partition(":")
        wanted = name.split(":")[3] if name.startswith("arn:") else spec.regions[0]
        # An ARN may be given without the hyphen and six characters that end it.
        if (
            scheme == "secretsmanager"
            and name in (self.name, self.arn, self.arn[:-7])
            and wanted == self.arn.split(":")[3]
        ):
            return
        raise SesTenantError(
            ErrorCode.DESTINATION_UNAVAILABLE,
            f"The secret {self.name} is not where the credentials of {spec.domain} go, which is "
            f"{spec.destination} in {wanted}.",
            f"ses-tenant create {spec.domain} --to secretsmanager:{self.arn}",
        )

    def _refused(self, why: str) -> SesTenantError:
        return SesTenantError(
            ErrorCode.USAGE,
            f"The secret {self.name} cannot be rotated: {why}.",
            f"To begin anew: aws secretsmanager rotate-secret --secret-id {self.name}",
        )
