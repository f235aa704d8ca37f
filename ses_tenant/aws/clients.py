"""The calls that are made of services for which boto3 has no types here."""

from collections.abc import Mapping
from typing import Protocol, TypedDict


class _Grants(TypedDict, total=False):
    Grants: list["_Grant"]
    Truncated: bool


class _Grant(TypedDict, total=False):
    GranteePrincipal: str
    Operations: list[str]


class KmsClient(Protocol):
    """The calls of KMS that are made; boto3 names their parameters."""

    def describe_key(self, *, KeyId: str) -> Mapping[str, Mapping[str, str]]:  # noqa: N803
        """Return the key that an alias stands for."""

    def get_key_policy(self, *, KeyId: str, PolicyName: str) -> Mapping[str, str]:  # noqa: N803
        """Return the policy of a key."""

    def list_grants(self, *, KeyId: str, Limit: int) -> _Grants:  # noqa: N803
        """Return the grants of a key, on one page."""


Item = Mapping[str, Mapping[str, object]]


class _Answer(TypedDict, total=False):
    Item: Item
    Items: list[Item]
    LastEvaluatedKey: Item


class DynamoDbClient(Protocol):
    """The calls of DynamoDB that are made."""

    def get_item(self, **parameters: object) -> _Answer:
        """Return an item by its key."""

    def put_item(self, **parameters: object) -> object:
        """Write an item."""

    def update_item(self, **parameters: object) -> object:
        """Change an item."""

    def query(self, **parameters: object) -> _Answer:
        """Return items of a partition, on one page."""

    def transact_write_items(self, **parameters: object) -> object:
        """Change several items or none."""


class SnsClient(Protocol):
    """The calls of SNS that are made."""

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> object:  # noqa: N803
        """Send a message to all who have subscribed."""


class _PutAnswer(TypedDict):
    FailedEntryCount: int
    Entries: list[Mapping[str, str]]


class EventsClient(Protocol):
    """The calls of EventBridge that are made."""

    def put_events(self, *, Entries: list[dict[str, str]]) -> _PutAnswer:  # noqa: N803
        """Put up to ten events on the default bus."""
