"""A sandbox in this process with two tenants, and clients for them."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.smtp import smtp_password
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.policy import policy_json, sending_policy
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.sandbox.outbox import Entry
from ses_tenant.sandbox.server import Options, Sandbox, serve

REGION = "eu-central-1"
SHOP, BLOG = "shop.example.com", "blog.example.org"


@dataclass(frozen=True)
class Key:
    """An access key of a tenant."""

    user_name: str
    access_key_id: str
    secret_access_key: str

    def password(self, region: str = REGION) -> str:
        return smtp_password(self.secret_access_key, region)


@dataclass(frozen=True)
class Box:
    """A running sandbox."""

    sandbox: Sandbox

    def client(self, service: str, key: Key | None = None, region: str = REGION) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self.sandbox.url,
            aws_access_key_id=key.access_key_id if key else "operator",
            aws_secret_access_key=key.secret_access_key if key else "anything",
            config=Config(retries={"max_attempts": 0}),
        )

    def tenant(self, domain: str, interface: Interface = Interface.API) -> Key:
        """Make a tenant as `create` does."""
        spec = TenantSpec(SendingDomain.parse(domain), interface, (REGION,))
        iam = self.client("iam")
        tags = [{"Key": k, "Value": v} for k, v in spec.tags.items()]
        iam.create_user(UserName=spec.user_name, Path=naming.user_path(spec.domain), Tags=tags)
        iam.put_user_policy(
            UserName=spec.user_name,
            PolicyName=naming.SENDING_POLICY,
            PolicyDocument=policy_json(sending_policy(spec)),
        )
        return self.key(spec.user_name)

    def key(self, user_name: str) -> Key:
        made = self.client("iam").create_access_key(UserName=user_name)["AccessKey"]
        return Key(user_name, made["AccessKeyId"], made["SecretAccessKey"])

    def smtp(self, *, implicit: bool = False) -> smtplib.SMTP:
        """Return a connection with TLS, whose certificate is checked."""
        context = ssl.create_default_context(cafile=str(self.sandbox.ca_file))
        if implicit:
            return smtplib.SMTP_SSL(
                self.sandbox.host, self.sandbox.smtps_port, timeout=20, context=context
            )
        connection = smtplib.SMTP(self.sandbox.host, self.sandbox.smtp_port, timeout=20)
        connection.starttls(context=context)
        return connection

    def mail(
        self,
        key: Key,
        envelope: str,
        header: str | None = None,
        *,
        password: str | None = None,
        to: str = "customer@client.example",
        subject: str = "Order",
        extra: str = "",
        implicit: bool = False,
    ) -> tuple[int, str]:
        """Send one message over SMTP; return the answer to it, or to the login."""
        text = (
            f"From: {header or envelope}\r\nTo: {to}\r\nSubject: {subject}\r\n{extra}\r\nHello\r\n"
        )
        with self.smtp(implicit=implicit) as connection:
            try:
                connection.login(key.access_key_id, password or key.password())
            except smtplib.SMTPAuthenticationError as error:
                assert isinstance(error.smtp_error, bytes)
                return error.smtp_code, error.smtp_error.decode()
            for answer in (connection.mail(envelope), connection.rcpt(to)):
                if answer[0] != 250:
                    return answer[0], answer[1].decode()
            code, line = connection.data(text)
            return code, line.decode()

    @property
    def last(self) -> Entry:
        return self.sandbox.post.outbox.entries()[-1]


Boxes = Callable[..., Box]


@pytest.fixture
def boxes() -> Iterator[Boxes]:
    """Start a sandbox with options."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda **options: Box(stack.enter_context(serve(Options(**options))))


@pytest.fixture
def box(boxes: Boxes) -> Box:
    return boxes()
