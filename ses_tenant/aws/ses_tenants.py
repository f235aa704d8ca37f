"""SES tenants: what SES says of them, and the calls that make them."""

from typing import TYPE_CHECKING, assert_never

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.identity import ses_tenants as steps
from ses_tenant.core.regions import partition_of
from ses_tenant.core.tenant.naming import TAG_DOMAIN

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


class SesTenants:
    """The operations' `SesTenants` protocol on boto3. Every failure is a SesTenantError."""

    def __init__(self, session: AwsSession) -> None:
        """Keep the session."""
        self._session = session

    def get(self, region: str, name: str) -> steps.SesTenant | None:
        """Return the SES tenant without its resources, or None if there is none of that name."""
        client = self._client(region)
        with self._session.errors():
            try:
                found = client.get_tenant(TenantName=name)["Tenant"]
            except client.exceptions.NotFoundException:
                return None
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
        return steps.SesTenant(name, found.get("SendingStatus", "?"), tags.get(TAG_DOMAIN))

    def resources(self, region: str, name: str) -> frozenset[str]:
        """Return what is associated with the SES tenant: the ends of the ARNs."""
        client, found, token = self._client(region), list[str](), ""
        with self._session.errors():
            while True:
                answer = (
                    client.list_tenant_resources(TenantName=name, NextToken=token)
                    if token
                    else client.list_tenant_resources(TenantName=name)
                )
                found += [entry["ResourceArn"] for entry in answer.get("TenantResources", ())]
                token = answer.get("NextToken", "")
                if not token:
                    return frozenset(arn.split(":", 5)[-1] for arn in found)

    def of_identity(self, region: str, identity: str) -> tuple[str, ...]:
        """Return the names of the SES tenants that an identity is associated with."""
        client, arn = self._client(region), self._arn(region, f"identity/{identity}")
        found, token = list[str](), ""
        with self._session.errors():
            while True:
                answer = (
                    client.list_resource_tenants(ResourceArn=arn, NextToken=token)
                    if token
                    else client.list_resource_tenants(ResourceArn=arn)
                )
                found += [entry["TenantName"] for entry in answer.get("ResourceTenants", ())]
                token = answer.get("NextToken", "")
                if not token:
                    return tuple(sorted(found))

    def apply(self, step: steps.SesTenantStep) -> None:
        """Carry out a step."""
        client = self._client(step.region)
        match step:
            case steps.CreateTenant():
                with self._session.errors():
                    client.create_tenant(
                        TenantName=step.ses_tenant, Tags=[{"Key": TAG_DOMAIN, "Value": step.domain}]
                    )
            case steps.CreateTenantResourceAssociation():
                arn = self._arn(step.region, step.resource)
                with self._session.errors():
                    client.create_tenant_resource_association(
                        TenantName=step.ses_tenant, ResourceArn=arn
                    )
            case _:
                assert_never(step)

    def _arn(self, region: str, resource: str) -> str:
        with self._session.errors():
            account = self._session.sts_client(region).get_caller_identity()["Account"]
        return f"arn:{partition_of(region)}:ses:{region}:{account}:{resource}"

    def _client(self, region: str) -> "SESV2Client":
        return self._session.sesv2_client(region)
