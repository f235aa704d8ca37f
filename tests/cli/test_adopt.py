"""`adopt` as a command: plan, question, result."""

import json

import pytest

from .account import SHOP, statuses, user
from .aws_server import Server
from .conftest import Run

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}],
    }
)
ADOPT = ("adopt", SHOP, "--user-name", "wordpress")


def _handmade(server: Server, name: str = "wordpress") -> str:
    """Put a user there as a person does; return its access key ID."""
    client = server.client("iam")
    client.create_user(UserName=name)
    client.put_user_policy(UserName=name, PolicyName="send", PolicyDocument=POLICY)
    client.create_group(GroupName="AWSSESSendingGroupDoNotRename")
    client.add_user_to_group(UserName=name, GroupName="AWSSESSendingGroupDoNotRename")
    key = client.create_access_key(UserName=name)
    server.actions.clear()
    return str(key["AccessKey"]["AccessKeyId"])


def test_a_dry_run_prints_the_plan_and_writes_nothing(server: Server, run: Run) -> None:
    _handmade(server)
    answer = run(*ADOPT, "--smtp", "--dry-run")
    assert answer.status == 0
    assert [line.split(":", 2)[:2] for line in answer.stdout.splitlines()] == [
        ["+ iam", "PutUserPolicy"],
        ["+ iam", "TagUser"],
        ["+ iam", "UpdateUser"],
        ["- iam", "RemoveUserFromGroup"],
        ["- iam", "DeleteUserPolicy"],
    ]
    assert server.writes == []


def test_it_asks_and_without_a_terminal_it_refuses(server: Server, run: Run) -> None:
    _handmade(server)
    answer = run(*ADOPT)
    assert answer.status == 2
    assert "--yes" in answer.stderr
    assert server.writes == []


def test_the_user_is_a_tenant_afterwards_with_the_key_it_had(server: Server, run: Run) -> None:
    key = _handmade(server)

    answer = run(*ADOPT, "--smtp", "--yes", "-o", "json")

    assert (answer.status, answer.stderr) == (0, "")
    data = answer.json["data"]
    assert data["adopted"]
    assert data["user_name"] == "ses-shop.example.com"
    assert data["former_user_arn"] == "arn:aws:iam::123456789012:user/wordpress"
    assert data["user_arn"].endswith("/ses-tenant/shop.example.com/ses-shop.example.com")
    assert statuses(SHOP) == {key: "Active"}
    assert list(user(SHOP).policies) == ["ses-tenant-sending"]
    shown = run("show", SHOP, "-o", "json").json["data"]
    assert (shown["drift"], shown["groups"]) == ([], [])
    (tenant,) = run("list", "-o", "json").json["data"]["tenants"]
    assert tenant["access_keys"][0]["access_key_id"] == key

    server.actions.clear()
    again = run(*ADOPT, "--yes")
    assert again.status == 0
    assert "nothing to change" in again.stderr
    assert server.writes == []


def test_a_user_of_the_tenants_name_is_refused_with_the_command_that_adopts_it(
    server: Server, run: Run
) -> None:
    _handmade(server, "ses-shop.example.com")
    error = run("create", SHOP, "-o", "json").error
    assert error["code"] == "not_ours"
    command = error["hint"].partition("ses-tenant ")[2].split()
    assert run(*command, "--yes").status == 0
    assert run("create", SHOP).status == 0


def test_the_user_that_runs_it_is_refused(server: Server, run: Run) -> None:
    key = _handmade(server)
    answer = run(*ADOPT, "--yes", "-o", "json", env={"AWS_ACCESS_KEY_ID": key})
    assert answer.status == 2
    assert "This run itself uses an access key of wordpress" in answer.error["message"]
    assert server.writes == []


@pytest.mark.usefixtures("server")
def test_no_such_user(run: Run) -> None:
    answer = run(*ADOPT, "-o", "json")
    assert (answer.status, answer.error["code"]) == (1, "not_found")
