"""The JSON documents and the split between stdout and stderr: what scripts rely on."""

import re

import pytest

from .aws_server import Server
from .conftest import Run

pytestmark = pytest.mark.usefixtures("server")

ENVELOPE = ["schema", "command", "status", "data", "warnings", "errors"]
ERROR = ["code", "message", "hint"]
CREATE = [
    "domain",
    "user_name",
    "user_arn",
    "interface",
    "policy_name",
    "regions",
    "destination",
    "credentials",
    "steps",
    "readiness",
]
TENANT = [
    "domain",
    "user_name",
    "user_arn",
    "interface",
    "state",
    "regions",
    "destination",
    "access_keys",
    "reason",
]
KEY = ["access_key_id", "status", "created_at", "last_used_at"]
STEP = ["action", "summary", "destructive"]
UTC_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
SHOP, BLOG = "shop.example.com", "blog.example.org"
SECRET = "some+secret+key"
LENGTH = (
    "Warning: IAM's secret access keys have 40 characters, this one has 15. If it was cut off, "
    "the password will not work.\n"
)


def test_create_for_the_api(run: Run) -> None:
    answer = run("create", SHOP, "-o", "json")
    assert (answer.status, answer.stderr) == (0, "")
    document = answer.json
    assert list(document) == ENVELOPE
    assert (document["schema"], document["command"], document["status"]) == (1, "create", "ok")
    assert (document["warnings"], document["errors"]) == ([], [])
    data = document["data"]
    assert list(data) == CREATE
    credentials = data.pop("credentials")
    assert data.pop("readiness")["ready"] is False
    assert list(credentials) == ["access_key_id", "secret_access_key", "smtp"]
    assert re.fullmatch(r"AKIA[A-Z0-9]{16}", credentials["access_key_id"])
    assert len(credentials["secret_access_key"]) == 40
    assert credentials["smtp"] == []
    assert data == {
        "domain": SHOP,
        "user_name": "ses-shop.example.com",
        "user_arn": "arn:aws:iam::123456789012:user/ses-tenant/shop.example.com/"
        "ses-shop.example.com",
        "interface": "api",
        "policy_name": "ses-tenant-sending",
        "regions": ["eu-central-1"],
        "destination": "-",
        "steps": [
            {
                "action": "iam:CreateUser",
                "summary": "create the IAM user ses-shop.example.com under "
                "/ses-tenant/shop.example.com/",
                "destructive": False,
            },
            {
                "action": "iam:PutUserPolicy",
                "summary": "attach the inline policy ses-tenant-sending",
                "destructive": False,
            },
            {
                "action": "iam:CreateAccessKey",
                "summary": "issue an access key for ses-shop.example.com",
                "destructive": False,
            },
        ],
    }


def test_create_for_smtp_gives_a_login_a_region_and_no_secret_access_key(run: Run) -> None:
    answer = run(
        "create", BLOG, "--smtp", "--region", "eu-central-1", "--region", "us-east-1", "-o", "json"
    )
    assert answer.status == 0
    data = answer.json["data"]
    assert list(data) == CREATE
    assert (data["interface"], data["regions"]) == ("smtp", ["eu-central-1", "us-east-1"])
    credentials = data["credentials"]
    assert list(credentials) == ["access_key_id", "smtp"]
    assert [list(smtp) for smtp in credentials["smtp"]] == [
        ["region", "host", "port", "user_name", "password"]
    ] * 2
    first, second = credentials["smtp"]
    assert (first["region"], first["port"]) == ("eu-central-1", 587)
    assert first["host"] == "email-smtp.eu-central-1.amazonaws.com"
    assert second["host"] == "email-smtp.us-east-1.amazonaws.com"
    assert first["user_name"] == second["user_name"] == credentials["access_key_id"]
    assert re.fullmatch(r"B[A-Za-z0-9+/]{43}", first["password"])
    assert first["password"] != second["password"]


def test_dry_run_has_the_plan_and_changes_nothing(server: Server, run: Run) -> None:
    dry = run("create", SHOP, "--dry-run", "-o", "json").json["data"]
    assert server.writes == []
    assert (dry["credentials"], dry["user_arn"]) == (None, None)
    applied = run("create", SHOP, "-o", "json").json["data"]
    assert dry["steps"] == applied["steps"]


def test_dry_run_for_people_is_a_line_a_step_on_stdout(run: Run) -> None:
    answer = run("create", SHOP, "--dry-run")
    assert (answer.status, answer.stderr) == (0, "")
    assert answer.stdout == (
        "+ iam:CreateUser: create the IAM user ses-shop.example.com under "
        "/ses-tenant/shop.example.com/\n"
        "+ iam:PutUserPolicy: attach the inline policy ses-tenant-sending\n"
        "+ iam:CreateAccessKey: issue an access key for ses-shop.example.com\n"
    )


def test_second_create_warns_and_issues_nothing(run: Run) -> None:
    run("create", SHOP)
    document = run("create", SHOP, "-o", "json").json
    assert document["status"] == "ok"
    assert document["data"]["credentials"] is None
    assert document["data"]["steps"] == []
    (warning,) = document["warnings"]
    assert list(warning) == ["code", "message"]
    assert warning["code"] == "access_key_exists"


def test_list(run: Run) -> None:
    run("create", SHOP)
    run("create", BLOG, "--smtp")
    answer = run("list", "-o", "json")
    assert (answer.status, answer.stderr) == (0, "")
    document = answer.json
    assert list(document) == ENVELOPE
    assert document["command"] == "list"
    data = document["data"]
    assert list(data) == ["as_of", "tenants"]
    assert re.fullmatch(UTC_TIME, data["as_of"])
    assert [list(tenant) for tenant in data["tenants"]] == [TENANT, TENANT]
    blog, shop = data["tenants"]
    assert (blog["domain"], blog["interface"]) == (BLOG, "smtp")
    assert (shop["domain"], shop["interface"], shop["state"]) == (SHOP, "api", "STEADY")
    (key,) = shop["access_keys"]
    assert list(key) == KEY
    assert (key["status"], key["last_used_at"]) == ("Active", None)
    assert re.fullmatch(UTC_TIME, key["created_at"])


def test_list_of_nothing_is_an_empty_stdout_and_a_note(run: Run) -> None:
    assert run("list", "-o", "json").json["data"]["tenants"] == []
    answer = run("list")
    assert (answer.status, answer.stdout) == (0, "")
    assert answer.stderr == (
        "There is no tenant yet. To make one: ses-tenant create shop.example.com\n"
    )


def test_show(run: Run) -> None:
    run("create", SHOP, "--subdomains", "--also", "example.net", "--return-path", "b.example.com")
    data = run("show", SHOP, "-o", "json").json["data"]
    assert list(data) == [
        *TENANT,
        "path",
        "created_at",
        "permissions_boundary",
        "tags",
        "subdomains",
        "also",
        "return_path",
        "scope",
        "configuration_sets",
        "allow_read",
        "ses_tenant",
        "policy",
        "inline_policies",
        "attached_policies",
        "groups",
        "ses_tenants",
        "drift",
    ]
    assert data["path"] == "/ses-tenant/shop.example.com/"
    assert (data["subdomains"], data["also"]) == (True, ["example.net"])
    assert (data["return_path"], data["scope"]) == ("b.example.com", "any")
    assert data["inline_policies"] == ["ses-tenant-sending"]
    assert (data["attached_policies"], data["groups"], data["drift"]) == ([], [], [])
    assert data["tags"] == {
        "ses-tenant:domain": SHOP,
        "ses-tenant:interface": "api",
        "ses-tenant:regions": "eu-central-1",
        "ses-tenant:sending": "subdomains+also=example.net+return-path=b.example.com",
        "ses-tenant:destination": "-",
        "ses-tenant:version": "1",
    }


def test_delete(run: Run) -> None:
    run("create", SHOP)
    answer = run("delete", SHOP, "--yes", "-o", "json")
    assert (answer.status, answer.stderr) == (0, "")
    data = answer.json["data"]
    assert list(data) == ["tenants"]
    (tenant,) = data["tenants"]
    assert list(tenant) == ["domain", "deleted", "steps"]
    assert (tenant["domain"], tenant["deleted"]) == (SHOP, True)
    assert [list(step) for step in tenant["steps"]] == [STEP] * 3
    assert [(step["action"], step["destructive"]) for step in tenant["steps"]] == [
        ("iam:DeleteAccessKey", True),
        ("iam:DeleteUserPolicy", True),
        ("iam:DeleteUser", True),
    ]
    assert run("list", "-o", "json").json["data"]["tenants"] == []


def test_delete_of_some_that_exist_and_one_that_does_not_is_partial(run: Run) -> None:
    run("create", SHOP)
    answer = run("delete", SHOP, BLOG, "--yes", "-o", "json")
    assert answer.status == 3
    assert answer.json["status"] == "partial"
    assert answer.error["code"] == "not_found"
    assert [(t["domain"], t["deleted"]) for t in answer.json["data"]["tenants"]] == [
        (SHOP, True),
        (BLOG, False),
    ]


def test_policy(server: Server, run: Run) -> None:
    document = run("policy", SHOP, "-o", "json").json
    assert list(document) == ENVELOPE
    assert list(document["data"]) == ["domain", "policy", "size"]
    assert list(document["data"]["policy"]) == ["Version", "Statement"]
    bare = run("policy", SHOP)
    assert bare.stderr == ""
    assert bare.json == document["data"]["policy"]
    assert server.actions == []


def test_policy_is_what_create_attaches(server: Server, run: Run) -> None:
    options = ("--smtp", "--subdomains", "--also", "example.net", "--scope", "identity")
    run("create", SHOP, *options)
    attached = server.client("iam").get_user_policy(
        UserName="ses-shop.example.com", PolicyName="ses-tenant-sending"
    )["PolicyDocument"]
    assert run("policy", SHOP, *options).json == attached


def test_smtp_password(run: Run) -> None:
    password = "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"
    bare = run("smtp-password", "--region", "eu-central-1", stdin=f"{SECRET}\n")
    assert (bare.status, bare.stdout, bare.stderr) == (0, f"{password}\n", LENGTH)
    document = run("smtp-password", "--region", "eu-central-1", "-o", "json", stdin=SECRET).json
    assert list(document) == ENVELOPE
    assert document["data"] == {
        "region": "eu-central-1",
        "host": "email-smtp.eu-central-1.amazonaws.com",
        "port": 587,
        "password": password,
    }


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2", "SMTP password already"),
        ("AKIAIOSFODNN7EXAMPLE", "access key ID"),
        ("", "no secret access key on standard input"),
        ("two words", "one word"),
    ],
)
def test_smtp_password_says_what_was_pasted_instead_and_never_quotes_it(
    run: Run, pasted: str, said: str
) -> None:
    answer = run("smtp-password", "--region", "eu-central-1", stdin=pasted)
    assert (answer.status, answer.stdout) == (2, "")
    assert said in answer.stderr
    if pasted:
        assert pasted not in answer.stderr


def test_smtp_password_warns_where_smtp_is_not_certain(run: Run) -> None:
    answer = run("smtp-password", "--region", "eu-central-2", stdin=SECRET)
    assert answer.status == 0
    assert answer.stderr.startswith("Warning: SMTP in eu-central-2:")
    document = run("smtp-password", "--region", "eu-central-2", "-o", "json", stdin=SECRET).json
    assert [warning["code"] for warning in document["warnings"]] == [
        "smtp_region_unconfirmed",
        "secret_length",
    ]


VERBS = ["create", "list", "show", "delete", "policy", "smtp-password"]


@pytest.mark.parametrize("verb", VERBS)
def test_wrong_usage_is_one_document_too(server: Server, run: Run, verb: str) -> None:
    answer = run(verb, "--no-such-option", "-o", "json")
    assert (answer.status, answer.stderr) == (2, "")
    assert list(answer.json) == ENVELOPE
    assert (answer.json["command"], answer.json["status"]) == (verb, "error")
    assert (answer.json["data"], answer.json["warnings"]) == (None, [])
    assert list(answer.error) == ERROR
    assert answer.error["code"] == "usage"
    assert f"ses-tenant {verb} --help" in answer.error["hint"]
    assert server.actions == []


@pytest.mark.parametrize("verb", VERBS)
def test_wrong_usage_for_people_goes_to_stderr(run: Run, verb: str) -> None:
    answer = run(verb, "--no-such-option")
    assert (answer.status, answer.stdout) == (2, "")
    assert "No such option: --no-such-option" in answer.stderr


def test_unknown_command_is_one_document_too(run: Run) -> None:
    answer = run("remove", "-o", "json")
    assert answer.status == 2
    assert answer.error["message"] == "No such command 'remove'. Did you mean 'resume'?"


def test_wrong_usage_before_the_command_is_one_document_too(run: Run) -> None:
    answer = run("--no-such-option", "list", "-o", "json")
    assert answer.status == 2
    assert answer.error["code"] == "usage"


@pytest.mark.parametrize("verb", ["show", "delete"])
def test_failure_is_one_document_too(run: Run, verb: str) -> None:
    answer = run(verb, SHOP, "-o", "json")
    assert (answer.status, answer.stderr) == (1, "")
    assert list(answer.json) == ENVELOPE
    assert (answer.json["status"], answer.json["data"]) == ("error", None)
    assert list(answer.error) == ERROR
    assert answer.error["code"] == "not_found"
    assert answer.error["hint"] == "There is no tenant yet. To make one: ses-tenant create DOMAIN"


def test_create_for_people_prints_the_env_file_and_nothing_else_on_stdout(run: Run) -> None:
    answer = run("create", SHOP)
    assert answer.status == 0
    assert re.fullmatch(
        r"AWS_ACCESS_KEY_ID=AKIA[A-Z0-9]{16}\n"
        r"AWS_SECRET_ACCESS_KEY=[A-Za-z0-9+/]{40}\n"
        r"AWS_REGION=eu-central-1\n"
        r"AWS_DEFAULT_REGION=eu-central-1\n",
        answer.stdout,
    )
    assert "These credentials send only as *@shop.example.com." in answer.stderr


def test_create_smtp_for_people(run: Run) -> None:
    answer = run("create", BLOG, "--smtp", "--region", "eu-west-1", "--region", "us-east-1")
    assert [line.partition("=")[0] for line in answer.stdout.splitlines()] == [
        "SMTP_HOST",
        "SMTP_PORT",
        "SMTP_USERNAME",
        "SMTP_PASSWORD",
        "SMTP_HOST_US_EAST_1",
        "SMTP_PORT_US_EAST_1",
        "SMTP_USERNAME_US_EAST_1",
        "SMTP_PASSWORD_US_EAST_1",
    ]


def test_quiet_leaves_only_the_result(run: Run) -> None:
    answer = run("create", SHOP, "--quiet")
    assert answer.stderr == ""
    assert answer.stdout.startswith("AWS_ACCESS_KEY_ID=")


def test_create_costs_at_most_five_requests_and_a_second_run_writes_nothing(
    server: Server, run: Run
) -> None:
    run("create", SHOP, "--quiet")
    assert server.actions == ["GetUser", "CreateUser", "PutUserPolicy", "CreateAccessKey"]
    server.actions.clear()
    run("create", SHOP, "--quiet")
    assert server.writes == []
    assert server.actions == [
        "GetUser",
        "ListUserPolicies",
        "GetUserPolicy",
        "ListAccessKeys",
        "GetAccessKeyLastUsed",
    ]


def test_whether_mail_arrives_costs_at_most_two_requests_more(server: Server, run: Run) -> None:
    run("create", SHOP)
    looked = [action for action in server.actions if action.startswith("Get /v2/")]
    assert looked == [
        "Get /v2/email/identities/shop.example.com",
        "Get /v2/email/identities/example.com",
    ]
    assert len(server.actions) == 4 + len(looked)


def test_what_is_missing_before_mail_arrives_is_told(run: Run) -> None:
    told = run("create", SHOP)
    command = "ses-tenant identity create shop.example.com --region eu-central-1"
    assert told.stderr.endswith(f"\nNext: {command}\n")
    data = run("create", SHOP, "-o", "json").json["data"]["readiness"]
    assert (data["ready"], data["next"]) == (False, command)
    assert [gap["code"] for gap in data["missing"]] == ["no_identity"]
    assert run("create", SHOP, "-o", "json", "--quiet").json["data"]["readiness"] is None
    assert "Next:" not in run("create", SHOP, "--quiet").stderr


def test_changing_the_interface_says_what_becomes_of_the_key(run: Run) -> None:
    run("create", SHOP)
    document = run("create", SHOP, "--smtp", "--yes", "-o", "json").json
    assert document["data"]["interface"] == "smtp"
    assert {warning["code"] for warning in document["warnings"]} > {"access_key_exists"}


def test_the_hint_for_an_unknown_command_can_be_run(run: Run) -> None:
    hint = run("remove", "-o", "json").error["hint"]
    assert "ses-tenant --help" in hint
