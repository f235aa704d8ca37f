"""The account that is asked: users for one question each, mail from them, and cleaning up."""

import json
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from ses_tenant.core.smtp import smtp_password

PATH = "/ses-tenant-live/"
TAG = "ses-tenant-live"
NOBODY = "success@simulator.amazonses.com"  # SES's own simulator takes it; nobody gets it
POLICY = "live"
_PATIENCE_S = 90.0


@dataclass(frozen=True)
class Login:
    """A user with one access key."""

    name: str
    access_key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Said:
    """What SES answered to one attempt."""

    ok: bool
    text: str


@dataclass
class LiveAccount:
    """The account, as its operator; `sleep` and `clock` are those of the machine.

    `first` and `second` are two domains that are verified in the Region.
    """

    session: Any
    region: str
    first: str
    second: str
    run: str
    endpoint: str | None = None
    smtp_host: str | None = None
    smtp_port: int = 587
    ca_file: str | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    made: int = 0

    def client(self, service: str, login: Login | None = None, region: str | None = None) -> Any:
        """Return a client of the operator, or of a user."""
        session = self.session
        if login is not None:
            session = boto3.Session(login.access_key_id, login.secret)
        return session.client(
            service,
            region_name=region or self.region,
            endpoint_url=self.endpoint,
            config=Config(retries={"max_attempts": 0 if login else 8}),
        )

    def user(self, *statements: Mapping[str, object]) -> Login:
        """Make a user with these statements and one key; its tag says which run it is of."""
        self.made += 1
        iam = self.client("iam")
        name = f"ses-tenant-live-{self.run}-{self.made}"
        iam.create_user(UserName=name, Path=PATH, Tags=[{"Key": TAG, "Value": self.run}])
        self.permit(name, *statements)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Login(name, key["AccessKeyId"], key["SecretAccessKey"])

    def permit(self, name: str, *statements: Mapping[str, object]) -> None:
        """Give a user these statements in place of those that it has."""
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        self.client("iam").put_user_policy(
            UserName=name, PolicyName=POLICY, PolicyDocument=json.dumps(document)
        )

    def remove(self, name: str) -> None:
        """Delete a user with all that hangs on it."""
        iam = self.client("iam")
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=policy)
        iam.delete_user(UserName=name)

    def identity(self, name: str, **attributes: object) -> None:
        """Make an email identity that carries the tag."""
        self.client("sesv2").create_email_identity(
            EmailIdentity=name, Tags=[{"Key": TAG, "Value": self.run}], **attributes
        )

    def smtp(
        self, login: Login, envelope: str, header: str | None = None, *, extra: str = ""
    ) -> Said:
        """Send a mail over SMTP to the simulator."""
        text = (
            f"From: {header or envelope}\r\nTo: {NOBODY}\r\nSubject: ses-tenant live\r\n"
            f"{extra}\r\nA question.\r\n"
        )
        host = self.smtp_host or f"email-smtp.{self.region}.amazonaws.com"
        with smtplib.SMTP(host, self.smtp_port, timeout=30) as connection:
            connection.starttls(context=ssl.create_default_context(cafile=self.ca_file))
            try:
                connection.login(login.access_key_id, smtp_password(login.secret, self.region))
            except smtplib.SMTPAuthenticationError as error:
                return Said(ok=False, text=f"{error.smtp_code} {_line(error.smtp_error)}")
            for code, line in (connection.mail(envelope), connection.rcpt(NOBODY)):
                if code != 250:
                    return Said(ok=False, text=f"{code} {_line(line)}")
            code, line = connection.data(text)
            return Said(ok=code == 250, text=f"{code} {_line(line)}")

    def api(self, login: Login, operation: str, **parameters: object) -> Said:
        """Call an operation of the second SES API as a user."""
        try:
            getattr(self.client("sesv2", login), operation)(**parameters)
        except ClientError as error:
            details = error.response["Error"]
            return Said(ok=False, text=f"{details['Code']}: {details['Message']}")
        return Said(ok=True, text="Ok")

    def settled(self, attempt: Callable[[], Said]) -> Said:
        """Try until it succeeds, while AWS hears of a new key or policy; return the last answer."""
        until = self.clock() + _PATIENCE_S
        said = attempt()
        while not said.ok and self.clock() < until:
            self.sleep(2.0)
            said = attempt()
        return said


def clean(account: LiveAccount, run: str | None = None) -> list[str]:
    """Delete what the live suite has made, of one run or of all; return the names."""
    gone = []
    iam = account.client("iam")
    for page in iam.get_paginator("list_users").paginate(PathPrefix=PATH):
        for user in page["Users"]:
            tags = _tags(iam.list_user_tags(UserName=user["UserName"])["Tags"])
            if TAG in tags and run in (None, tags[TAG]):
                account.remove(user["UserName"])
                gone.append(user["UserName"])
    ses = account.client("sesv2")
    token: dict[str, str] = {}
    while True:
        page = ses.list_email_identities(PageSize=1000, **token)
        for found in page["EmailIdentities"]:
            name = found["IdentityName"]
            if not name.startswith(("live-", "unverified.")):  # all that is ever made
                continue
            shown = ses.get_email_identity(EmailIdentity=name)
            tags = _tags(shown.get("Tags", []))
            if TAG in tags and run in (None, tags[TAG]):
                ses.delete_email_identity(EmailIdentity=name)
                gone.append(name)
        if "NextToken" not in page:
            return gone
        token = {"NextToken": page["NextToken"]}


def _tags(listed: list[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in listed}


def _line(text: object) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
