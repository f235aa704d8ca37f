"""Tell people over SNS."""

from collections.abc import Callable

from ses_tenant.aws.session import AwsSession


def teller(session: AwsSession, topic_arn: str) -> Callable[[str, str], None]:
    """Return what sends a subject and a text to all who have subscribed to the topic.

    It raises SesTenantError. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    region = topic_arn.split(":")[3]

    def tell(subject: str, text: str) -> None:
        client = session.sns_client(region)
        with session.errors():
            client.publish(TopicArn=topic_arn, Subject=subject[:100], Message=text)

    return tell
