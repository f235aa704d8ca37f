"""AWS Secrets Manager: a secret that holds the document."""

from typing import TYPE_CHECKING

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.rotation.secret_versions import CURRENT
from ses_tenant.destinations.document import DocumentDestination
from ses_tenant.destinations.scheme import Opening, Scheme, Sharing

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession

CALL = "PutSecretValue"


def secretsmanager(
    name: str, region: str, domain: SendingDomain, session: "AwsSession", *, force: bool
) -> DocumentDestination:
    """Return the secret `name` of `region`, or of the Region that it names if it is an ARN.

    It is made if there is none.
    PutSecretValue moves AWSCURRENT to the new version, and the one before stays AWSPREVIOUS:
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    """
    arn = name.split(":")
    client = session.secretsmanager_client(arn[3] if arn[0] == "arn" and len(arn) > 3 else region)

    def read() -> str | None:
        try:
            answer = client.get_secret_value(SecretId=name, VersionStage=CURRENT)
        except client.exceptions.ResourceNotFoundException:
            return None  # no such secret, or one without a value yet
        # A binary secret is never ours, and is not to be taken for an empty one.
        return answer.get("SecretString") or answer.get("SecretBinary", b"").decode(
            errors="replace"
        )

    def write(text: str) -> None:
        try:
            client.put_secret_value(SecretId=name, SecretString=text)
        except client.exceptions.ResourceNotFoundException:
            client.create_secret(
                Name=name,
                SecretString=text,
                Description=f"SES credentials of {domain}",
                Tags=[{"Key": "ses-tenant:domain", "Value": domain.name}],
            )

    return DocumentDestination(
        f"secretsmanager:{name}", domain, session, read, write, call=CALL, force=force
    )


def _open(opening: Opening) -> DocumentDestination:
    spec = opening.spec
    return secretsmanager(
        opening.rest, spec.regions[0], spec.domain, opening.session, force=opening.force
    )


SCHEME = Scheme(
    "secretsmanager",
    "secretsmanager:NAME",
    _open,
    sharing=Sharing.IN_THE_REGION,
    in_lambda=True,
    sid="DeliverToSecretsManager",
    read=("secretsmanager:GetSecretValue",),
    # The first delivery makes the secret, with its tag.
    write=(f"secretsmanager:{CALL}", "secretsmanager:CreateSecret", "secretsmanager:TagResource"),
    resource="secretsmanager:*:*:secret:web/*",
    written="the [JSON document](#the-json-document)",
    read_by="`GetSecretValue`",
)
