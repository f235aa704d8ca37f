"""The configuration set by which SES tells what becomes of mail."""

from typing import TYPE_CHECKING, assert_never

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.events import NAME, ConfigurationSet, EventDestination
from ses_tenant.core.regions import partition_of

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import EventDestinationDefinitionTypeDef


class EventPublishing:
    """The operations' `EventPublishing` protocol on boto3. Every failure is a SesTenantError."""

    def __init__(self, session: AwsSession) -> None:
        """Keep the session."""
        self._session = session

    def configuration_set(self, region: str) -> ConfigurationSet | None:
        """Return the configuration set `ses-tenant-events` of a Region, None if there is none."""
        client = self._session.sesv2_client(region)
        with self._session.errors():
            try:
                found = client.get_configuration_set(ConfigurationSetName=NAME)
                events = client.get_configuration_set_event_destinations(ConfigurationSetName=NAME)
            except client.exceptions.NotFoundException:
                return None
        return ConfigurationSet(
            sending=found.get("SendingOptions", {}).get("SendingEnabled", True),
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
            destinations=tuple(
                EventDestination(
                    each["Name"],
                    each.get("Enabled", False),
                    frozenset(each["MatchingEventTypes"]),
                    each.get("EventBridgeDestination", {}).get("EventBusArn"),
                )
                for each in events.get("EventDestinations", [])
            ),
        )

    def apply(self, step: steps.EventStep) -> None:
        """Carry out a step."""
        client = self._session.sesv2_client(step.region)
        with self._session.errors():
            match step:
                case steps.CreateConfigurationSet():
                    client.create_configuration_set(
                        ConfigurationSetName=step.configuration_set,
                        Tags=[{"Key": key, "Value": value} for key, value in step.tags.items()],
                    )
                case steps.CreateConfigurationSetEventDestination():
                    client.create_configuration_set_event_destination(
                        ConfigurationSetName=step.configuration_set,
                        EventDestinationName=step.name,
                        EventDestination=self._definition(step),
                    )
                case steps.UpdateConfigurationSetEventDestination():
                    client.update_configuration_set_event_destination(
                        ConfigurationSetName=step.configuration_set,
                        EventDestinationName=step.name,
                        EventDestination=self._definition(step),
                    )
                case steps.PutEmailIdentityConfigurationSetAttributes():
                    name = step.configuration_set
                    client.put_email_identity_configuration_set_attributes(
                        EmailIdentity=step.identity,
                        **({"ConfigurationSetName": name} if name is not None else {}),
                    )
                case steps.DeleteConfigurationSet():
                    client.delete_configuration_set(ConfigurationSetName=step.configuration_set)
                case _:
                    assert_never(step)

    def _definition(
        self,
        step: steps.CreateConfigurationSetEventDestination
        | steps.UpdateConfigurationSetEventDestination,
    ) -> "EventDestinationDefinitionTypeDef":
        """Return the destination: the default bus of the account, the only one that SES takes."""
        region = step.region
        account = self._session.sts_client(region).get_caller_identity()["Account"]
        bus = f"arn:{partition_of(region)}:events:{region}:{account}:event-bus/default"
        return {
            "Enabled": True,
            "MatchingEventTypes": list(step.types),  # type: ignore[arg-type]  # five of its texts
            "EventBridgeDestination": {"EventBusArn": bus},
        }
