"""A remedy that is a command can be pasted, whatever somebody put into the account."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.findings.audit import audit
from ses_tenant.core.findings.check import SesView, check_tenant
from ses_tenant.core.findings.finding import Finding
from ses_tenant.core.findings.remedy import command, option
from ses_tenant.core.identity.ses import SesAccount
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.proof.members import read_account
from ses_tenant.core.tenant.naming import user_path
from ses_tenant.core.tenant.observed import Attachments, ReportedKey
from ses_tenant.core.tenant.policy import sending_policy
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface, Scope, TenantSpec
from ses_tenant.operations.observe import observe_everything
from ses_tenant.operations.situation import read_situation
from tests.examples import examples
from tests.fakes.destination import FakeDestination
from tests.fakes.example_tenant import SHOP, run_create
from tests.fakes.iam import Clock, FakeIam
from tests.fakes.runtime import fake_runtime

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOSTILE = [
    "*@x;touch pwned;#",
    "$(touch pwned)",
    "`touch pwned`",
    "it's",
    'a "quoted" one',
    "two\nlines; touch pwned",
    "--yes",
    "-x",
    "~/x && touch pwned",
    "a|b>c<d(e)",
    "\x1b]0;pwned\x07",
    "a\u202eb",
    "!!",
    "*",
    "x\\",
]


def hostile_account(text: str) -> list[dict[str, object]]:
    """Return an account in which everything that can be named is named `text`."""
    spec = TenantSpec(SHOP, Interface.API, ("eu-central-1",))
    path = user_path(SHOP)
    tenant = {
        "UserName": spec.user_name,
        "Arn": f"arn:aws:iam::123456789012:user{path}{spec.user_name}",
        "Path": path,
        "Tags": [{"Key": key, "Value": value} for key, value in spec.tags.items()],
        "UserPolicyList": [{"PolicyName": "sending", "PolicyDocument": sending_policy(spec)}],
    }
    people = []
    for number, pattern in enumerate((text, f"*@{text}", f"*{text}", "*", "*@shop.example.com")):
        statement = {
            "Sid": text,
            "Effect": "Allow",
            "Action": ["ses:SendRawEmail", "ses:SendBulkEmail"],
            "Resource": "*",
            "Condition": {"StringLike": {"ses:FromAddress": pattern}, "Bool": {f"ses:{text}": "1"}},
        }
        document = {"Statement": [statement, {**statement, "Condition": {}}]}
        people.append({
            "UserName": text,
            "Arn": f"arn:aws:iam::123456789012:user/{number}{text}",
            "Path": "/",
            "GroupList": ["AWSSESSendingGroupDoNotRename"],
            "UserPolicyList": [{"PolicyName": text, "PolicyDocument": document}],
            "AttachedManagedPolicies": [{"PolicyName": text, "PolicyArn": f"arn:aws:{text}"}],
        })  # fmt: skip
    return [{"UserDetailList": [tenant, *people], "RoleDetailList": []}]


def of_an_audit(text: str) -> tuple[Finding, ...]:
    account = read_account(hostile_account(text))
    old = ReportedKey(active=True, changed_at=NOW - timedelta(days=400), last_used_at=None)
    keys = {member.arn: (old, old) for member in account.people}
    return audit(account, keys, (), NOW, timedelta(days=90)).findings


def of_a_check(text: str) -> tuple[Finding, ...]:
    clock = Clock()
    iam = FakeIam(clock)
    run_create(iam, TenantRequest(SHOP, scope=Scope.IDENTITY))
    observed = observe_everything(iam, SHOP)
    situation = read_situation(fake_runtime(iam), observed, FakeDestination(iam))
    observed = replace(
        observed,
        inline_policies=(text,),
        attachments=Attachments(groups=(text,), managed_policies=(text,)),
    )
    spec = TenantSpec(SHOP, Interface.SMTP, (text,))
    spec = replace(spec, sending=replace(spec.sending, scope=Scope.IDENTITY))
    identities = (
        None,
        EmailIdentity(text),
        EmailIdentity(text, sending=True, configuration_set=text),
    )
    views = [
        SesView(text, SesAccount(production=False, sending=False), {name: identity})
        for name, identity in zip(
            ("b.example", "shop.example.com", "a.example"), identities, strict=True
        )
    ]
    return check_tenant(spec, observed, situation, views, clock(), timedelta(days=90))


def commands(findings: tuple[Finding, ...]) -> Iterator[str]:
    """Return the remedies that are commands; the others are sentences."""
    for finding in findings:
        if finding.remedy.startswith(("ses-tenant ", "aws ")):
            yield finding.remedy
        else:
            assert re.match(r"[A-Z][a-z]+ .*\S$|$", finding.remedy)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_shell_reads_a_remedy_as_it_is_meant_and_runs_nothing_else(
    text: str, tmp_path: Path
) -> None:
    found = list(commands((*of_an_audit(text), *of_a_check(text))))
    assert len(found) > 10
    script = 'ses-tenant() { printf "%s\\0" "$@" "END OF IT"; }; aws() { ses-tenant "$@"; }\n'
    read = subprocess.run(
        ["bash", "-ec", script + "\n".join(found)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    *answers, rest = read.stdout.split("END OF IT\0")
    assert rest == ""
    for remedy, answer in zip(found, answers, strict=True):
        assert remedy.isprintable()
        arguments = answer.split("\0")[:-1]
        assert arguments == shlex.split(remedy)[1:]
        # No name from the account becomes an option of its own.
        assert text not in {"--yes", "-x"} & set(arguments)
    assert list(tmp_path.iterdir()) == []


def test_what_a_terminal_might_obey_is_in_no_command() -> None:
    refused = "Do it in the AWS console: a name in the account holds characters that no shell"
    assert command("aws", "iam", "get-user", *option("--user-name", "a\x1b[2Jb")).startswith(
        refused
    )
    assert any(f.remedy.startswith(refused) for f in of_an_audit("a\x07b"))


@pytest.mark.parametrize("pattern", ["*@x;touch pwned;#", "*@$(touch pwned).example", "*@a b.de"])
def test_what_is_no_domain_is_not_named_as_one_to_adopt(pattern: str) -> None:
    account = read_account(hostile_account(pattern))
    remedies = {f.remedy for f in audit(account, {}, (), NOW, timedelta(days=90)).findings}
    assert not any("pwned" in r.partition("--user-name")[0] for r in remedies)


@given(st.lists(st.text(), min_size=1))
@examples()
def test_a_command_is_read_back_as_the_arguments_that_it_was_made_of(arguments: list[str]) -> None:
    line = command("aws", *arguments)
    if all(argument.isprintable() for argument in arguments):
        assert shlex.split(line) == ["aws", *arguments]
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", line)
        assert re.fullmatch(r"[\w@%+=:,./ -]*", bare, re.ASCII)
    assert line.isprintable()


def test_a_value_is_never_read_as_an_option() -> None:
    assert option("--user-name", "anna") == ("--user-name", "anna")
    assert option("--user-name", "-rf") == ("--user-name=-rf",)


def test_the_domain_that_a_pattern_names_stands_in_the_command() -> None:
    domain = SendingDomain.parse("new.example")
    (finding, *_) = [f for f in of_an_audit(f"*@{domain}") if f.rule == "hand_made_user"]
    assert shlex.split(finding.remedy)[:3] == ["ses-tenant", "adopt", "new.example"]
