"""examples/lambda/template.yaml: CloudFormation takes it, and its roles allow what is called.

What the functions call is recorded while they do all they can on moto.
"""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import botocore.handlers
import pytest
import yaml

from ses_tenant.core.errors import SesTenantError
from ses_tenant.functions import scheduled
from ses_tenant.functions.boundary import FunctionFailed
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.functions.settings import rotation_options
from tests.fakes.iam import Crash
from tests.functions.rotated_account import ACCOUNT, REGION, RotatedAccount, open_account
from tests.functions.test_scheduled import FILE, Context

TEMPLATE = Path(__file__).parents[2] / "examples" / "lambda" / "template.yaml"
DAY = timedelta(days=1)
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "mail-keys",
}
ROLE = "arn:aws:iam::210987654321:role/ses-tenant"
PARAMETERS = {
    "SecretPrefix": "web/",
    "ParameterPrefix": "web/",
    "TenantsFile": "s3://agency/tenants.toml",
    "TenantsFileArn": "arn:aws:s3:::agency/tenants.toml",
    "RoleArns": ROLE,
}

Call = tuple[str, str]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's functions, as {"Fn": value}."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, object]:
    match node:
        case yaml.ScalarNode():
            return {suffix: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {suffix: loader.construct_sequence(node, deep=True)}
        case _:
            raise NotImplementedError(suffix)


_Loader.add_multi_constructor("!", _function)


def template() -> dict[str, Any]:
    loaded = yaml.load(TEMPLATE.read_text(), _Loader)
    assert isinstance(loaded, dict)
    return loaded


def resolved(value: Any, conditions: set[str]) -> Any:
    """Return a value with its references filled in."""
    match value:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": name}:
            return {**PSEUDO, **PARAMETERS}.get(name, f"<{name}>")
        case {"GetAtt": name}:
            return f"<{name}>"
        case {"Sub": text}:
            return re.sub(r"\$\{([^}]+)\}", lambda m: {**PSEUDO, **PARAMETERS}[m[1]], text)
        case {"If": [condition, yes, no]}:
            return resolved(yes if condition in conditions else no, conditions)
        case dict():
            return {key: resolved(item, conditions) for key, item in value.items()}
        case list():
            found = [resolved(item, conditions) for item in value]
            return [item for item in found if item is not None]
        case _:
            return value


def statements(role: str, *conditions: str) -> list[dict[str, Any]]:
    (policy,) = template()["Resources"][role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = resolved(policy["PolicyDocument"], set(conditions))["Statement"]
    return [s for s in found if s["Sid"] not in ("Log", "TellOfFailures")]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def allowed(call: Call, policy: list[dict[str, Any]]) -> bool:
    action, resource = call
    return any(
        action in listed(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in policy
    )


@dataclass
class Recorder:
    """The calls that a function has made, each with the resource that IAM judges it by."""

    made: set[Call] = field(default_factory=set)
    on: bool = False

    @contextmanager
    def function(self) -> Iterator[None]:
        """Record what is called while the block runs."""
        self.on = True
        yield
        self.on = False

    def record(self, params: Mapping[str, Any], model: Any, **_: object) -> None:
        service = model.service_model.service_name
        # GetCallerIdentity is signed with the tenant's new key, and needs no permission.
        if self.on and model.name != "GetCallerIdentity":
            self.made.add((f"{service}:{model.name}", resource_of(service, model.name, params)))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    known = [*botocore.handlers.BUILTIN_HANDLERS, ("provide-client-params", made.record)]
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", known)
    return made


def resource_of(service: str, operation: str, params: Mapping[str, Any]) -> str:
    match service:
        case "iam" if "UserName" in params or "AccessKeyId" in params:
            path = "ses-tenant/shop.example.com/ses-shop.example.com"
            return f"arn:aws:iam::{ACCOUNT}:user/{path}"
        case "secretsmanager":
            name = params.get("SecretId") or params["Name"]
            arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-a1B2c3"
            return name if name.startswith("arn:") else arn
        case "ssm":
            return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{params['Name']}"
        case "s3":
            return f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
        case "sts" if operation == "AssumeRole":
            return str(params["RoleArn"])
        case _:
            return "*"


def rotate_all_ways(account: RotatedAccount, recorder: Recorder) -> None:
    """Let Secrets Manager's function do everything that it can do."""
    with recorder.function():
        _rotate_all_ways(account)


def _rotate_all_ways(account: RotatedAccount) -> None:
    token = account.begin()
    account.crash_at_call("CreateAccessKey")
    with pytest.raises(Crash):
        account.step("createSecret", token)
    for step in ("createSecret", "testSecret", "finishSecret", "finishSecret"):
        account.step(step, token)
    for days in (2, 9):
        account.clock.advance(days * DAY)
        token = account.begin()
        if days == 2:
            with pytest.raises(SesTenantError):
                account.step("createSecret", token)
    account.step("createSecret", token)
    account.clock.advance(DAY)
    with pytest.raises(SesTenantError, match="given up"):
        account.step("finishSecret", token)


def run_all_ways(account: RotatedAccount, recorder: Recorder) -> None:
    """Let the scheduled function do everything that it can do, to both stores."""
    options = rotation_options({}, named=False)
    runtime_of = partial(make_runtime, sleep=account.slept.append, now=account.clock)

    def run() -> None:
        with recorder.function():
            scheduled.run(None, options, Context(), runtime_of)

    for uri in ("secretsmanager:web/shop", "ssm:/web/shop", "secretsmanager:web/new"):
        account.create(to=uri)
        for days in (100, 2, 9):
            account.clock.advance(days * DAY)
            run()
    for _ in range(3):
        account.clock.advance(10 * DAY)
        run()
    account.orphan()
    account.clock.advance(DAY)
    run()


@pytest.mark.parametrize(
    ("role", "work"), [("RotateSecretRole", rotate_all_ways), ("RotateKeysRole", run_all_ways)]
)
def test_a_role_allows_what_its_function_calls_and_nothing_else(
    role: str, work: Callable[[RotatedAccount, Recorder], None], recorder: Recorder
) -> None:
    policy = statements(role)
    with open_account() as account:
        work(account, recorder)
    assert {call for call in recorder.made if not allowed(call, policy)} == set()
    granted = {action for statement in policy for action in listed(statement["Action"])}
    # CreateSecret with tags needs TagResource beside it.
    assert granted - {action for action, _ in recorder.made} <= {"secretsmanager:TagResource"}
    writes = {a for a in granted if not re.match(r"iam:(Get|List|Generate)", a)}
    for elsewhere in (
        f"arn:aws:iam::{ACCOUNT}:user/admin",
        f"arn:aws:iam::{ACCOUNT}:user/other/ses-shop.example.com",
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:database-a1B2c3",
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/database",
    ):
        assert not [action for action in writes if allowed((action, elsewhere), policy)]


@pytest.mark.rare
def test_the_linter_has_nothing_to_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), TEMPLATE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_handlers_are_there_and_get_the_variables_they_read() -> None:
    functions = [
        r["Properties"] for r in template()["Resources"].values()
        if r["Type"] == "AWS::Lambda::Function"
    ]  # fmt: skip
    assert len(functions) == 2
    for properties in functions:
        module, _, name = properties["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
        names = set(properties["Environment"]["Variables"])
        assert {"SES_TENANT_GRACE", "SES_TENANT_QUARANTINE"} <= names
        assert names <= {
            *("SES_TENANT_GRACE", "SES_TENANT_QUARANTINE", "SES_TENANT_MAX_AGE"),
            scheduled.TENANTS_FILE,
        }
        # A run that Lambda ends must have lost its lease of 15 minutes by then.
        assert properties["Timeout"] <= 900


def test_secrets_manager_may_invoke_its_function_for_this_account_alone() -> None:
    permission = template()["Resources"]["SecretsManagerMayInvoke"]["Properties"]
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["FunctionName"] == {"GetAtt": "RotateSecret.Arn"}
    assert resolved(permission["SourceAccount"], set()) == ACCOUNT


@pytest.mark.parametrize(
    ("condition", "call"),
    [
        ("FileInS3", ("s3:GetObject", "arn:aws:s3:::agency/tenants.toml")),
        ("OtherAccounts", ("sts:AssumeRole", ROLE)),
    ],
)
def test_a_tenants_file_needs_what_its_condition_adds(
    condition: str, call: Call, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not allowed(call, statements("RotateKeysRole"))
    with open_account() as account:
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(
            Bucket="agency", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        accounts = (
            f'[accounts.other]\nrole-arn = "{ROLE}"\n' if condition == "OtherAccounts" else ""
        )
        s3.put_object(Bucket="agency", Key="tenants.toml", Body=f"{accounts}{FILE}".encode())
        monkeypatch.setenv(scheduled.TENANTS_FILE, PARAMETERS["TenantsFile"])
        assert account.keys
        # moto keeps accounts apart: the tenant of this one is not in the other.
        missing = pytest.raises(FunctionFailed, match="no such tenant")
        with missing if condition == "OtherAccounts" else nullcontext(), recorder.function():
            scheduled.handler({}, Context())
    policy = statements("RotateKeysRole", "FileInS3", condition)
    assert call in recorder.made
    assert {made for made in recorder.made if not allowed(made, policy)} == set()


def test_who_is_told_of_alarms_is_a_parameter() -> None:
    alarms = [
        r["Properties"] for r in template()["Resources"].values()
        if r["Type"] == "AWS::CloudWatch::Alarm"
    ]  # fmt: skip
    assert len(alarms) == 3
    for alarm in alarms:
        assert resolved(alarm["AlarmActions"], {"Alarmed"}) == ["<AlarmTopicArn>"]
        assert resolved(alarm["AlarmActions"], set()) is None


def test_a_run_that_failed_for_good_is_kept() -> None:
    resources = template()["Resources"]
    attempts = resources["RotateKeysAttempts"]["Properties"]
    queue = {"GetAtt": "FailedRuns.Arn"}
    assert attempts["FunctionName"] == {"Ref": "RotateKeys"}
    assert attempts["DestinationConfig"] == {"OnFailure": {"Destination": queue}}
    (target,) = resources["Daily"]["Properties"]["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": queue}
    (policy,) = resources["RotateKeysRole"]["Properties"]["Policies"]
    (told,) = (s for s in policy["PolicyDocument"]["Statement"] if s.get("Sid") == "TellOfFailures")
    assert (told["Action"], told["Resource"]) == ("sqs:SendMessage", queue)


def test_only_one_run_at_once_unless_more_are_wanted() -> None:
    loaded = template()
    reserved = loaded["Resources"]["RotateKeys"]["Properties"]["ReservedConcurrentExecutions"]
    assert resolved(reserved, {"Reserved"}) == "<AtOnce>"
    assert resolved(reserved, set()) is None
    assert loaded["Parameters"]["AtOnce"]["Default"] == 1


@pytest.mark.parametrize("role", ["RotateSecretRole", "RotateKeysRole"])
def test_a_key_of_ones_own_is_used_only_by_way_of_the_stores(role: str) -> None:
    assert not allowed(("kms:Decrypt", "<KmsKeyArn>"), statements(role))
    (use,) = (s for s in statements(role, "OwnKmsKey") if s["Sid"] == "UseKey")
    assert set(use["Action"]) == {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}
    assert use["Condition"] == {
        "StringLike": {"kms:ViaService": ["secretsmanager.*.amazonaws.com", "ssm.*.amazonaws.com"]}
    }


def test_a_tenant_that_is_left_twice_raises_an_alarm() -> None:
    resources = template()["Resources"]
    left, alarm = (resources[name]["Properties"] for name in ("LeftOver", "LeftTwice"))
    # The line that `scheduled.run` logs: {"summary": {..., "left": 2, "overdue": 1, ...}}.
    (metric,) = left["MetricTransformations"]
    assert (left["FilterPattern"], metric["MetricValue"]) == (
        "{ $.summary.overdue = * }", "$.summary.overdue",
    )  # fmt: skip
    assert alarm["MetricName"] == metric["MetricName"]
    assert (alarm["Statistic"], alarm["EvaluationPeriods"]) == ("Maximum", 1)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
