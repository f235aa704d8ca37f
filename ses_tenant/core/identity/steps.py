"""Steps on email identities and on the configuration set of the watch.

One frozen dataclass for each call of SES that changes something.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ses_tenant.core.tenant.steps import BaseStep


@dataclass(frozen=True)
class _Call(BaseStep):
    region: str

    service: ClassVar[str] = "ses"

    @property
    def summary(self) -> str:
        """Return one line for people."""
        return f"{self.region}: {super().summary}"


@dataclass(frozen=True)
class _Step(_Call):
    identity: str


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


@dataclass(frozen=True)
class CreateConfigurationSet(_Call):
    """Create the configuration set, with its tags."""

    line: ClassVar[str] = "create the configuration set {configuration_set}"
    configuration_set: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class CreateConfigurationSetEventDestination(_Call):
    """Have SES put events on the default event bus of EventBridge."""

    line: ClassVar[str] = "send the events of {configuration_set} to EventBridge"
    configuration_set: str
    name: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class UpdateConfigurationSetEventDestination(_Call):
    """Put an event destination of ours right that somebody has changed."""

    line: ClassVar[str] = "send the events of {configuration_set} to EventBridge again"
    configuration_set: str
    name: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class PutEmailIdentityConfigurationSetAttributes(_Step):
    """Make a configuration set the default one of an identity, or with None take it away."""

    configuration_set: str | None

    @property
    def summary(self) -> str:
        """Return one line for people."""
        if self.configuration_set is None:
            return f"{self.region}: {self.identity} has no default configuration set any more"
        return (
            f"{self.region}: make {self.configuration_set} the default configuration set of "
            f"{self.identity}"
        )


@dataclass(frozen=True)
class DeleteConfigurationSet(_Call):
    """Delete the configuration set with its event destination: nothing is told of mail any more."""

    line: ClassVar[str] = "delete the configuration set {configuration_set}"
    destructive: ClassVar[bool] = True
    configuration_set: str


EventStep = (
    CreateConfigurationSet
    | CreateConfigurationSetEventDestination
    | UpdateConfigurationSetEventDestination
    | PutEmailIdentityConfigurationSetAttributes
    | DeleteConfigurationSet
)
EventSteps = tuple[EventStep, ...]
