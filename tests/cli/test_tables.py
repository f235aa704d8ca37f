"""What people see: tables in 80 columns, and no escape codes where they do not belong."""

import json
import re
from typing import Any

import pytest

from ses_tenant.cli.console import printable
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.naming import user_name
from ses_tenant.core.text import shown

from .aws_server import Server
from .conftest import Run

pytestmark = pytest.mark.usefixtures("server")

LONG = ".".join(["a" * 63, "b" * 63, "c" * 60, "example.com"])


def add_tenant(iam: Any, domain: str, name: str, keys: int = 1) -> None:
    tags = {"domain": domain, "interface": "api", "regions": "eu-central-1", "version": "1"}
    iam.create_user(
        UserName=name,
        Path=f"/ses-tenant/{domain}/",
        Tags=[{"Key": f"ses-tenant:{key}", "Value": value} for key, value in tags.items()],
    )
    for _ in range(keys):
        iam.create_access_key(UserName=name)


def test_the_table_of_list_fits_eighty_columns(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = server.client("iam")
    assert len(LONG) == 200
    add_tenant(iam, LONG, user_name(SendingDomain(LONG)))
    for number in range(28):
        add_tenant(iam, f"shop{number}.example.com", f"ses-shop{number}.example.com")
    add_tenant(iam, "two-keys.example.com", "ses-two-keys.example.com", keys=2)
    monkeypatch.delenv("COLUMNS", raising=False)
    wide = run("list", env={"COLUMNS": "400"}).stdout.splitlines()
    assert max(map(len, wide)) > 200
    answer = run("list")
    assert (answer.status, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in answer.stdout
    assert re.split(r"\s{2,}", lines[0]) == ["Domain", "State", "Next", "Access key", "Age"]
    assert len(re.findall(r"AKIA[A-Z0-9]{16}", answer.stdout)) == 31
    for number in range(28):
        assert f"shop{number}.example.com " in answer.stdout
    folded = "".join(line.split(" ")[0] for line in lines[2:])
    assert LONG in folded


def test_show_has_no_escape_codes_in_a_pipe(run: Run) -> None:
    run("create", "shop.example.com")
    answer = run("show", "shop.example.com")
    assert "\x1b" not in answer.stdout + answer.stderr
    assert re.search(r"State      ok \(STEADY\)\n +next: rotate in 90 d, on ", answer.stdout)
    assert "Drift      none\n" in answer.stdout


def test_show_tells_what_has_drifted_and_create_repairs_it(server: Server, run: Run) -> None:
    run("create", "shop.example.com")
    iam = server.client("iam")
    name = "ses-shop.example.com"
    iam.delete_user_policy(UserName=name, PolicyName="ses-tenant-sending")
    iam.put_user_policy(
        UserName=name,
        PolicyName="by-hand",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",'
        '"Resource":"*"}]}',
    )
    iam.create_group(GroupName="senders")
    iam.add_user_to_group(UserName=name, GroupName="senders")
    answer = run("show", "shop.example.com")
    assert answer.stderr == "To repair what create sets: ses-tenant create shop.example.com\n"
    assert "Drift      the inline policy ses-tenant-sending is missing\n" in answer.stdout
    assert "           foreign inline policy by-hand\n" in answer.stdout
    assert "           member of the group senders\n" in answer.stdout
    run("create", "shop.example.com")
    drift = run("show", "shop.example.com", "-o", "json").json["data"]["drift"]
    assert drift == ["foreign inline policy by-hand", "member of the group senders"]


# What XML can carry: IAM's answers have no ESC in them, but these do the same to a terminal.
HOSTILE = "a\x9d0;pwned\x9cb\x9b2Jc\u202ed\x7fe"
SHOWN = r"a\x9d0;pwned\x9cb\x9b2Jc\u202ed\x7fe"
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def test_what_a_tag_says_to_the_terminal_is_shown_and_stays_exact_in_json(
    server: Server, run: Run
) -> None:
    run("create", "shop.example.com")
    iam = server.client("iam")
    tag = {"Key": "client", "Value": HOSTILE + "\nState      SUSPENDED"}
    iam.tag_user(UserName="ses-shop.example.com", Tags=[tag])
    answer = run("show", "shop.example.com")
    assert f"client = {SHOWN}" in answer.stdout
    assert not OBEYED.search(answer.stdout + answer.stderr)
    assert "\nState      SUSPENDED" not in answer.stdout
    assert (
        run("show", "shop.example.com", "-o", "json").json["data"]["tags"]["client"] == tag["Value"]
    )


@pytest.mark.parametrize("verb", ["list", "show", "audit", "check", "export"])
def test_no_verb_passes_control_characters_on(server: Server, run: Run, verb: str) -> None:
    run("create", "shop.example.com")
    iam = server.client("iam")
    tags = [
        {"Key": f"ses-tenant:{key}", "Value": HOSTILE}
        for key in ("regions", "destination", "interface", "also", "format")
    ]
    iam.tag_user(UserName="ses-shop.example.com", Tags=tags)
    statement = {"Sid": HOSTILE, "Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")
    iam.put_role_policy(
        RoleName="deploy",
        PolicyName="send",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    answer = run(verb, *(["shop.example.com"] if verb == "show" else []))
    assert "cannot be reached" not in answer.stderr
    assert not OBEYED.search(answer.stdout + answer.stderr)
    if verb == "audit":
        assert SHOWN in answer.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m\nnext", "\x1b[31mred\x1b[0m\nnext"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b[31", r"\x1b[31"),
        ("tab\there", "tab\there"),
        ("M\u00fcller \u4e16\u754c", "M\u00fcller \u4e16\u754c"),
        ("\x00\x7f\x85\u2028\u2066\ud800", r"\x00\x7f\x85\u2028\u2066\ud800"),
    ],
)
def test_what_passes_to_a_terminal(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_a_value_is_one_line_without_colours() -> None:
    assert shown("\x1b[31ma\nb\u00fc") == r"\x1b[31ma\nbü"
