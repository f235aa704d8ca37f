"""Steps on email identities: one frozen dataclass for each call of SES that changes something."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class _Step:
    region: str
    identity: str

    line: ClassVar[str]
    destructive: ClassVar[bool] = False

    @property
    def action(self) -> str:
        """Return the IAM action, such as ses:CreateEmailIdentity."""
        return f"ses:{type(self).__name__}"

    @property
    def summary(self) -> str:
        """Return one line for people."""
        return f"{self.region}: {self.line.format(**vars(self))}"


@dataclass(frozen=True)
class CreateEmailIdentity(_Step):
    """Create the identity with Easy DKIM, or with the keys of another Region.

    A key of 2,048 bits is asked for by name: which length SES takes by itself is not documented.
    """

    line: ClassVar[str] = "create the email identity {identity} with Easy DKIM"
    tags: Mapping[str, str]
    replicate_from: str | None = None

    @property
    def summary(self) -> str:
        """Return one line for people."""
        told = super().summary
        return f"{told}, with the keys of {self.replicate_from}" if self.replicate_from else told


@dataclass(frozen=True)
class PutEmailIdentityMailFromAttributes(_Step):
    """Set the custom MAIL FROM domain; mail goes on without it until its MX record is seen."""

    line: ClassVar[str] = "set the MAIL FROM domain {mail_from} of {identity}"
    mail_from: str


@dataclass(frozen=True)
class PutEmailIdentityDkimSigningAttributes(_Step):
    """Start Easy DKIM, or start it again after SES has given up looking for the records."""

    line: ClassVar[str] = "start Easy DKIM of {identity} again"


@dataclass(frozen=True)
class PutEmailIdentityDkimAttributes(_Step):
    """Switch DKIM signing on."""

    line: ClassVar[str] = "sign the mail of {identity} with DKIM"


@dataclass(frozen=True)
class TagResource(_Step):
    """Tag the identity as ours."""

    line: ClassVar[str] = "tag the email identity {identity}"
    tags: Mapping[str, str]


@dataclass(frozen=True)
class DeleteEmailIdentity(_Step):
    """Delete the identity: nobody can send as the domain in that Region any more."""

    line: ClassVar[str] = "delete the email identity {identity}"
    destructive: ClassVar[bool] = True


IdentityStep = (
    CreateEmailIdentity
    | PutEmailIdentityMailFromAttributes
    | PutEmailIdentityDkimSigningAttributes
    | PutEmailIdentityDkimAttributes
    | TagResource
    | DeleteEmailIdentity
)
IdentitySteps = tuple[IdentityStep, ...]
