"""What people see: tables in 80 columns, and no escape codes where they do not belong."""

import re
from typing import Any

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.naming import user_name

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
    assert re.split(r"\s{2,}", lines[0]) == ["Domain", "Via", "State", "Access key", "Age", "Used"]
    assert len(re.findall(r"AKIA[A-Z0-9]{16}", answer.stdout)) == 31
    for number in range(28):
        assert f"shop{number}.example.com " in answer.stdout
    folded = "".join(line.split(" ")[0] for line in lines[2:])
    assert LONG in folded


def test_show_has_no_escape_codes_in_a_pipe(run: Run) -> None:
    run("create", "shop.example.com")
    answer = run("show", "shop.example.com")
    assert "\x1b" not in answer.stdout + answer.stderr
    assert "State      STEADY\n" in answer.stdout
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
