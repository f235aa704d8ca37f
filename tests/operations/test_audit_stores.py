"""`audit` asks what guards secrets and parameters, and says what it could not learn."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.findings.finding import Finding
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.guards import Key, SecretTold
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.registry import SCHEMES
from ses_tenant.operations.audit import audit, audit_saved
from tests.fakes.example_tenant import NAME, REGION, SHOP, run_create
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.ses import FakeSes
from tests.fakes.stores import FakeStores

ACCOUNT = "123456789012"
APP = f"arn:aws:iam::{ACCOUNT}:user/app"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:web/shop-AbCdEf"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
DESTINATION = "ses-tenant:destination"
IN_SECRET, IN_PARAMETER = "secretsmanager:web/shop", "ssm:/web/shop"
DENIED = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it.", "")


def policy(*actions: str, **elements: Any) -> Mapping[str, object]:
    said = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **elements}
    return {"Version": "2012-10-17", "Statement": [said]}


def world(destination: str = IN_SECRET, *may: str) -> FakeIam:
    iam = FakeIam()
    run_create(iam, TenantRequest(SHOP, Interface.SMTP))
    iam.users[NAME].tags[DESTINATION] = destination
    user = iam.add_user("app")
    if may:
        user.policies["own"] = policy(*may)
    return iam


def look(
    iam: FakeIam, stores: FakeStores | None, **options: Any
) -> tuple[list[Finding], tuple[Notice, ...]]:
    age = timedelta(days=90)
    result, notices = audit(iam, FakeSes(), Clock()(), age, stores=stores, **options)
    return [f for f in result.findings if f.rule == "may_read_credentials"], notices


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(f.principal, f.severity.value) for f in findings]


def kept(*, by: Mapping[str, object] | None = None, key: str | None = None) -> FakeStores:
    return FakeStores({"web/shop": SecretTold(SECRET, by, key)})


def test_with_the_key_of_aws_who_reads_is_certain() -> None:
    findings, notices = look(world(IN_SECRET, "secretsmanager:GetSecretValue"), kept())
    assert told(findings) == [(APP, "error")]
    assert findings[0].path[0].resource == SECRET
    assert notices == ()
    parameters = FakeStores(keys_of_parameters={"/web/shop": "alias/aws/ssm"})
    findings, notices = look(world(IN_PARAMETER, "ssm:GetParameter"), parameters)
    assert (told(findings), notices) == ([(APP, "error")], ())
    assert parameters.calls == ["ssm:DescribeParameters"]
    plain = FakeStores(keys_of_parameters={"/web/shop": None})
    assert told(look(world(IN_PARAMETER, "ssm:GetParameter"), plain)[0]) == [(APP, "error")]


def test_whom_the_policy_of_the_secret_alone_names_is_found() -> None:
    given = policy("secretsmanager:GetSecretValue", Principal={"AWS": APP})
    findings, _ = look(world(), kept(by=given))
    assert told(findings) == [(APP, "error")]
    assert f"of the secret {SECRET}" in findings[0].path[0].statement


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (policy("kms:*", Principal={"AWS": APP}), [(APP, "error")]),
        (policy("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), []),
    ],
)
def test_the_key_decides(document: Mapping[str, object], expected: list[tuple[str, str]]) -> None:
    for key_id in ("1234abcd", "alias/site"):
        keys = {key_id: Key(KEY, Policy("of the key", document), ())}
        secret = FakeStores({"web/shop": SecretTold(SECRET, None, key_id)}, keys=keys)
        iam = world(IN_SECRET, "secretsmanager:GetSecretValue")
        assert look(iam, secret)[1] == ()
        assert told(look(iam, secret)[0]) == expected
        parameter = FakeStores(keys_of_parameters={"/web/shop": key_id}, keys=keys)
        iam = world(IN_PARAMETER, "ssm:GetParameter")
        assert told(look(iam, parameter)[0]) == expected


@pytest.mark.parametrize(
    ("destination", "stores", "why"),
    [
        (IN_SECRET, None, "What was saved does not tell of them."),
        (IN_PARAMETER, None, "What was saved does not tell of them."),
        (IN_SECRET, FakeStores({"web/shop": DENIED}), "AWS denies it."),
        (IN_PARAMETER, FakeStores(refused=DENIED), "AWS denies it."),
        (IN_SECRET, FakeStores(), "There is no such secret."),
        (IN_PARAMETER, FakeStores(), "There is no such parameter."),
        (
            f"ssm:arn:aws:ssm:{REGION}:999999999999:parameter/shop",
            FakeStores(),
            "It is of another account.",
        ),
    ],
)
def test_what_could_not_be_read_is_a_condition_and_is_told(
    destination: str, stores: FakeStores | None, why: str
) -> None:
    iam = world(destination, "secretsmanager:GetSecretValue", "ssm:GetParameter")
    findings, notices = look(iam, stores)
    assert told(findings) == [(APP, "warning")]
    assert "not read" in findings[0].message
    assert [notice.code for notice in notices] == ["not_read"]
    assert why in notices[0].message
    assert "shop" in notices[0].message


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (DENIED, "AWS denies it."),
        (Key(KEY, Policy("of the key", policy("kms:Encrypt", Principal="*"))), "not listed"),
    ],
)
def test_a_key_that_could_not_be_read_is_a_condition_and_is_told(
    key: Key | Exception, why: str
) -> None:
    stores = FakeStores({"web/shop": SecretTold(SECRET, None, KEY)}, keys={KEY: key})
    findings, (notice,) = look(world(IN_SECRET, "secretsmanager:GetSecretValue"), stores)
    assert told(findings) == [(APP, "warning")]
    assert KEY in findings[0].message
    assert KEY in notice.message
    assert why in notice.message


def test_a_tenant_without_a_region_is_not_asked_for() -> None:
    iam, stores = world(IN_SECRET, "secretsmanager:GetSecretValue"), FakeStores()
    del iam.users[NAME].tags["ses-tenant:regions"]
    findings, (notice,) = look(iam, stores)
    assert told(findings) == [(APP, "warning")]
    assert "Its Region is not known." in notice.message
    assert stores.calls == []


def test_the_number_of_requests_is_bounded() -> None:
    iam = world(IN_SECRET)
    for number in range(100):
        domain = SendingDomain.parse(f"site{number}.example.com")
        run_create(iam, TenantRequest(domain, Interface.SMTP, destination="-"))
        iam.users[f"ses-{domain}"].tags[DESTINATION] = f"ssm:/web/{number}"
    stores = kept()
    _, (notice,) = look(iam, stores)
    assert stores.calls == []
    assert "more than 100: --secret-policies" in notice.message
    assert "and 96 more" in notice.message
    _, notices = look(iam, stores, secret_policies=True)
    assert [n.message.partition(".")[2] for n in notices] != []
    assert stores.calls.count("ssm:DescribeParameters") == 4
    _, (notice,) = look(iam, kept(), secret_policies=False)
    assert "--secret-policies reads them" in notice.message


def test_offline_it_is_told_that_nothing_was_read() -> None:
    (page,) = world(IN_SECRET, "secretsmanager:GetSecretValue").account_details()
    result, (notice,) = audit_saved(page, Clock()(), timedelta(days=90))
    assert notice.code == "not_read"
    assert "What was saved does not tell of them." in notice.message
    assert [(f.rule, f.severity.value) for f in result.findings] == [
        ("may_read_credentials", "warning")
    ]
    (page,) = world("-", "secretsmanager:GetSecretValue").account_details()
    assert audit_saved(page, Clock()(), timedelta(days=90))[1] == ()


@pytest.mark.parametrize("damaged", [None, "", "unheard-of:place", "secretsmanager:"])
def test_a_destination_that_nobody_can_read_is_a_finding(damaged: str | None) -> None:
    iam = world("-", "secretsmanager:GetSecretValue")
    del iam.users[NAME].tags[DESTINATION]
    if damaged is not None:
        iam.users[NAME].tags[DESTINATION] = damaged
    result, _ = audit(iam, FakeSes(), Clock()(), timedelta(days=90))
    (finding,) = result.findings
    assert (finding.rule, finding.severity.value) == ("unknown_destination", "warning")
    assert finding.principal.endswith(NAME)
    assert [d.domain for d in finding.domains] == [SHOP.name]


def test_every_destination_that_there_is_can_be_looked_for() -> None:
    for name in SCHEMES:
        iam = world("-" if name == "-" else f"{name}:web/shop")
        result, _ = audit(iam, FakeSes(), Clock()(), timedelta(days=90))
        assert result.findings == (), name
