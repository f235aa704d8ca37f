"""The watch in Lambda on moto: a rule, a queue, the handler, the table, IAM and the topic."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import botocore.handlers
import pytest
import yaml
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.iam.models import iam_backends

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.functions import watch
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.operations import create
from tests.aws.test_watch_store import make_table
from tests.core.watch.samples import ACCOUNT, NOW, event
from tests.core.watch.test_watch import mails
from tests.fakes.iam import Clock
from tests.functions.rotated_account import REGION
from tests.functions.test_scheduled import Context
from tests.functions.test_template import Recorder, _Loader, allowed, listed, resolved

TEMPLATE = Path(__file__).parents[2] / "examples" / "lambda" / "watch.yaml"
HACKED, BLOG = "shop.example.com", "blog.example.org"
FILE = """
[tenants."shop.example.com"]
regions = ["eu-central-1"]
[tenants."blog.example.org"]
regions = ["eu-central-1"]
"""


def template() -> dict[str, Any]:
    loaded = yaml.load(TEMPLATE.read_text(), _Loader)
    assert isinstance(loaded, dict)
    return loaded


def properties(name: str) -> Any:
    return template()["Resources"][name]["Properties"]


def takes(pattern: Mapping[str, list[str]], one: Mapping[str, Any]) -> bool:
    """Tell whether EventBridge's rule takes an event: each key has one of the values."""
    return all(one.get(key) in values for key, values in pattern.items())


@dataclass
class Deployed:
    """What examples/lambda/watch.yaml makes, with two tenants."""

    session: AwsSession
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    dry: str = "0s"

    def __post_init__(self) -> None:
        make_table()
        self.sqs = boto3.client("sqs", region_name=REGION)
        self.dead = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "5"})
        self.queue = self.sqs.create_queue(
            QueueName="events", Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
        )["QueueUrl"]
        topic = boto3.client("sns", region_name=REGION).create_topic(Name="alerts")["TopicArn"]
        self.told_at = self.sqs.create_queue(QueueName="told")["QueueUrl"]
        boto3.client("sns", region_name=REGION).subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:told"
        )
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="agency")
        boto3.client("s3", region_name="us-east-1").put_object(
            Bucket="agency", Key="tenants.toml", Body=FILE.encode()
        )
        for domain in (HACKED, BLOG):
            request = TenantRequest(
                SendingDomain(domain), destination=f"secretsmanager:web/{domain}"
            )
            runtime = self.runtime(self.session, Process("laptop", 1))
            create.carry_out(runtime, create.prepare(runtime, request))
        self.environ = {
            "SES_TENANT_WATCH_TOPIC": topic,
            "SES_TENANT_WATCH_DRY": self.dry,
            "SES_TENANT_TENANTS_FILE": "s3://agency/tenants.toml",
        }

    def runtime(self, session: AwsSession, process: Process) -> Any:
        runtime = make_runtime(session, process, sleep=lambda _: None, now=self.clock)
        return replace(runtime, verify=lambda _: "", workers=1)  # moto is not for threads

    def run(self, happened: Mapping[str, Any]) -> Any:
        parts = watch.deployed(self.environ, self.session, partial(self.runtime))
        return watch.run(happened, Context(), parts)

    def put(self, *events: Any) -> None:
        """Put events on the bus; what the rule takes reaches the queue."""
        pattern = properties("MailEvents")["EventPattern"]
        for one in events:
            if isinstance(one, str) or takes(pattern, one):
                body = one if isinstance(one, str) else json.dumps(one)
                self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    def drain(self) -> list[Any]:
        """Do what Lambda's event source mapping does, until the queue is empty."""
        answers = []
        while received := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            records = [{"messageId": m["MessageId"], "body": m["Body"]} for m in received]
            answer = self.run({"Records": records})
            failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
            for message in received:
                if message["MessageId"] not in failed:
                    self.sqs.delete_message(
                        QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"]
                    )
            answers.append(answer)
        return answers

    def messages(self, queue: str) -> list[str]:
        found = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]

    def policies(self, domain: str) -> set[str]:
        return set(iam_backends[ACCOUNT]["aws"].users[f"ses-{domain}"].policies)


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    with mock_aws():
        yield Deployed(open_session(None, REGION, None))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    known = [*botocore.handlers.BUILTIN_HANDLERS, ("provide-client-params", made.record)]
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", known)
    return made


def records(*events: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": str(n), "body": json.dumps(e)} for n, e in enumerate(events)]}


def test_from_the_bus_to_the_suspension(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.put(
        *mails(100, 0)[::10], *mails(8, 0, BLOG), {**event(), "source": "my.app"},
        {**event(), "detail-type": "Email Opened"}, "{not json",
    )  # fmt: skip
    deployed.drain()
    assert deployed.messages(deployed.dead) == ["{not json"]
    answer = deployed.run(records(*mails(120, 40), *mails(1, 0, BLOG)))
    assert answer == {"batchItemFailures": []}
    assert deployed.policies(HACKED) == {"ses-tenant-sending", "ses-tenant-suspended"}
    assert deployed.policies(BLOG) == {"ses-tenant-sending"}
    (told,) = deployed.messages(deployed.told_at)
    assert json.loads(told)["Subject"] == f"{HACKED}: was suspended"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (suspended,) = [line for line in lines if line.get("did") == "suspended"]
    assert suspended["counts"] == {"sends": 120, "bounces": 40, "complaints": 0, "rejects": 0}
    assert suspended["rule"] == "bounce-rate > 20 % of >= 100 in 1h -> suspend"
    assert len(suspended["events"]) == 20
    assert lines[-1] == {
        "watch": {"read": 161, "counted": 150, "duplicate": 11, "late": 0, "refused": 0,
                  "strangers": 0, "failed": 0}
    }  # fmt: skip


def test_only_what_failed_comes_again(deployed: Deployed) -> None:
    deployed.session = open_session(None, REGION, None)
    deployed.session.boto.events.register("provide-client-params.iam.PutUserPolicy", _denied)
    events = [*mails(120, 40), *mails(2, 0, BLOG), None]
    answer = deployed.run(records(*events))
    failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
    assert failed == {*(str(n) for n in range(160)), "162"}
    assert deployed.policies(HACKED) == {"ses-tenant-sending"}


def _denied(**_: object) -> None:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutUserPolicy")


def test_without_a_topic_or_a_region_nothing_is_watched(deployed: Deployed) -> None:
    deployed.environ["SES_TENANT_WATCH_TOPIC"] = ""
    with pytest.raises(SesTenantError, match="SES_TENANT_WATCH_TOPIC is not set"):
        deployed.run({})


def test_the_role_allows_what_the_function_calls_and_nothing_else(recorder: Recorder) -> None:
    with mock_aws():
        deployed = Deployed(open_session(None, REGION, None))
        deployed.environ["SES_TENANT_TENANTS_FILE"] = ""
        with recorder.function():
            deployed.run(records(event(sent_as="shop.example.net")))
            deployed.run(records(*mails(120, 40)))
            deployed.run(records(event("bounce", 99)))
            deployed.run({"source": "aws.events"})
            iam = boto3.client("iam")
            iam.delete_user_policy(UserName=f"ses-{HACKED}", PolicyName="ses-tenant-suspended")
            deployed.run(records(event("bounce", 100)))
    (policy,) = properties("WatchRole")["Policies"]
    statements = [
        statement
        for statement in resolved(policy["PolicyDocument"], set())["Statement"]
        if statement["Sid"] not in ("Log", "TakeEvents")
    ]
    granted = {action for statement in statements for action in listed(statement["Action"])}
    # The transaction is made of updates, which is what IAM asks for.
    made = {
        "dynamodb:UpdateItem" if action == "dynamodb:TransactWriteItems" else action
        for action, _ in recorder.made
    } - {"iam:DeleteUserPolicy"}
    assert made == granted
    writes = [a for a in granted if a.startswith("iam:") and not re.match("iam:(Get|List)", a)]
    assert sorted(writes) == ["iam:PutUserPolicy", "iam:TagUser", "iam:UpdateAccessKey"]
    for elsewhere in ("admin", "other/ses-shop.example.com"):
        arn = f"arn:aws:iam::{ACCOUNT}:user/{elsewhere}"
        assert not [action for action in writes if allowed((action, arn), statements)]
    tenant = f"arn:aws:iam::{ACCOUNT}:user/ses-tenant/{HACKED}/ses-{HACKED}"
    assert all(allowed((action, tenant), statements) for action in writes)


def test_with_a_boundary_policies_are_written_on_users_that_have_it_alone() -> None:
    (policy,) = properties("WatchRole")["Policies"]
    for condition, expected in (
        ({"Bounded"}, {"StringEquals": {"iam:PermissionsBoundary": "<TenantBoundaryArn>"}}),
        (set[str](), None),
    ):
        found = resolved(policy["PolicyDocument"], condition)["Statement"]
        (deny,) = [s for s in found if s["Action"] == "iam:PutUserPolicy"]
        assert deny["Condition"] == expected


def test_the_template_makes_what_the_code_needs() -> None:
    module, _, name = properties("Watch")["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    source = Path(watch.__file__).read_text()
    for variable in properties("Watch")["Environment"]["Variables"]:
        assert variable in source or variable == "SES_TENANT_TENANTS_FILE"
    table = properties("Counts")
    assert [k["AttributeName"] for k in table["KeySchema"]] == ["pk", "sk"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    mapping = properties("EventsToWatch")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    assert properties("Events")["VisibilityTimeout"] >= 6 * properties("Watch")["Timeout"]
    assert properties("Events")["RedrivePolicy"]["maxReceiveCount"] == 5
    assert template()["Parameters"]["Dry"]["Default"] == "7d"
    alarms = [
        r["Properties"] for r in template()["Resources"].values()
        if r["Type"] == "AWS::CloudWatch::Alarm"
    ]  # fmt: skip
    assert len(alarms) == 3
    assert all(alarm["AlarmActions"] == [{"Ref": "Alerts"}] for alarm in alarms)


def test_the_rule_takes_what_the_watch_reads() -> None:
    pattern = properties("MailEvents")["EventPattern"]
    for kind in ("send", "delivery", "bounce", "complaint", "reject"):
        assert takes(pattern, event(kind))
    assert takes(pattern, {"source": "ses-tenant.test", "detail-type": "ses-tenant trial"})
    assert not takes(pattern, {**event(), "source": "my.app"})


@pytest.mark.rare
def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, TEMPLATE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_week_after_the_first_batch_it_acts(deployed: Deployed) -> None:
    deployed.environ["SES_TENANT_WATCH_DRY"] = "7d"
    deployed.run(records(event(number=1000)))
    for days, suspended in ((6, False), (1, True)):
        deployed.clock.advance(timedelta(days=days))
        at = deployed.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        deployed.run(records(*({**one, "time": at} for one in mails(120, 40))))
        assert ("ses-tenant-suspended" in deployed.policies(HACKED)) is suspended
