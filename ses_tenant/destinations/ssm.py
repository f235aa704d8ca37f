"""AWS Systems Manager Parameter Store: a SecureString that holds the document."""

from typing import TYPE_CHECKING

from ses_tenant.core.domain import SendingDomain
from ses_tenant.destinations.document import DocumentDestination
from ses_tenant.destinations.scheme import Opening, Scheme, Sharing

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession


def ssm(
    name: str, region: str, domain: SendingDomain, session: "AwsSession", *, force: bool
) -> DocumentDestination:
    """Return the parameter `name` of `region`, of type SecureString, under the key alias/aws/ssm.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
    """
    client = session.ssm_client(region)

    def read() -> str | None:
        try:
            answer = client.get_parameter(Name=name, WithDecryption=True)
        except client.exceptions.ParameterNotFound:
            return None
        return answer["Parameter"].get("Value", "")

    def write(text: str) -> None:
        client.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True)

    return DocumentDestination(
        f"ssm:{name}", domain, session, read, write, call="PutParameter", force=force
    )


def _open(opening: Opening) -> DocumentDestination:
    spec = opening.spec
    return ssm(opening.rest, spec.regions[0], spec.domain, opening.session, force=opening.force)


SCHEME = Scheme(
    "ssm",
    "ssm:/NAME",
    _open,
    sharing=Sharing.IN_THE_REGION,
    in_lambda=True,
    sid="DeliverToParameterStore",
    read=("ssm:GetParameter",),
    write=("ssm:PutParameter",),
    resource="ssm:*:*:parameter/web/*",
    written="the JSON document, as a SecureString",
    read_by="`GetParameter`",
)
