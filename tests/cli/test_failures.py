"""What AWS or the network answers becomes one message, one hint, one code, and no traceback."""

import socket

import pytest

from .aws_server import LOOPBACK, Script, Server, error_xml
from .conftest import Answer, Run

pytestmark = pytest.mark.usefixtures("server")

SHOP = "shop.example.com"


def one_failure(answer: Answer, status: int) -> tuple[str, str]:
    """Check the form of a failure in JSON, and return its code and its hint."""
    assert answer.status == status
    assert answer.stderr == ""
    assert list(answer.error) == ["code", "message", "hint"]
    assert answer.error["message"]
    assert "Traceback" not in answer.stdout
    return answer.error["code"], answer.error["hint"]


@pytest.mark.parametrize(
    ("http_status", "aws_code", "said", "code", "hint"),
    [
        (403, "ExpiredToken", "The security token is expired", "credentials_expired", "sso login"),
        (403, "InvalidClientTokenId", "The token is invalid", "no_credentials", "aws sts get-call"),
        (403, "SignatureDoesNotMatch", "No match", "no_credentials", "aws sts get-caller-identity"),
        (
            403,
            "AccessDenied",
            (
                "User: arn:aws:iam::123456789012:user/op is not authorized to perform: "
                "iam:GetUser on resource: user ses-shop.example.com"
            ),
            "access_denied",
            "Allow iam:GetUser to the operator",
        ),
        (400, "Throttling", "Rate exceeded", "throttled", "Wait a minute"),
        (429, "TooManyRequestsException", "Slow down", "throttled", "Wait a minute"),
        (500, "ServiceFailure", "Sorry", "network", "Run the same command again"),
        (503, "ServiceUnavailable", "Sorry", "network", "Run the same command again"),
    ],
)
@pytest.mark.parametrize("verb", ["create", "show", "list"])
def test_what_aws_answers(
    stub: Script,
    run: Run,
    verb: str,
    http_status: int,
    aws_code: str,
    said: str,
    code: str,
    hint: str,
) -> None:
    stub.default = (http_status, error_xml(aws_code, said))
    answer = run(verb, *([] if verb == "list" else [SHOP]), "-o", "json")
    found, told = one_failure(answer, 1)
    assert found == code
    assert said in answer.error["message"]
    if verb != "list" or code != "access_denied":
        assert hint in told


def test_access_denied_without_a_named_action_names_the_one_that_was_called(
    stub: Script, run: Run
) -> None:
    stub.default = (403, error_xml("AccessDenied", "No."))
    answer = run("list", "-o", "json")
    assert answer.error["code"] == "access_denied"
    assert "iam:GetAccountAuthorizationDetails" in answer.error["message"]
    assert "ses-tenant operator-policy" in answer.error["hint"]


def test_the_same_for_people_is_a_message_and_a_hint_on_stderr(stub: Script, run: Run) -> None:
    stub.default = (403, error_xml("ExpiredToken", "The security token is expired"))
    answer = run("list")
    assert (answer.status, answer.stdout) == (1, "")
    assert answer.stderr == (
        "Error: The AWS credentials have expired (GetAccountAuthorizationDetails: The security "
        "token is expired).\n"
        "Hint: With SSO: aws sso login. Otherwise get new temporary credentials.\n"
    )


def test_a_failure_after_the_first_step_is_partial(stub: Script, run: Run) -> None:
    created = (
        "<CreateUserResponse><CreateUserResult><User><Path>/ses-tenant/shop.example.com/</Path>"
        "<UserName>ses-shop.example.com</UserName><UserId>AIDAEXAMPLE</UserId>"
        "<Arn>arn:aws:iam::123456789012:user/x</Arn><CreateDate>2030-01-01T00:00:00Z</CreateDate>"
        "</User></CreateUserResult></CreateUserResponse>"
    )
    stub.answers = {
        "GetUser": (404, error_xml("NoSuchEntity", "There is no such user.")),
        "CreateUser": (200, created),
        "PutUserPolicy": (403, error_xml("AccessDenied", "No.")),
    }
    answer = run("create", SHOP, "-o", "json")
    code, hint = one_failure(answer, 3)
    assert code == "access_denied"
    assert answer.json["status"] == "partial"
    assert "1 of 3 steps" in answer.error["message"]
    assert "Run the same command again" in hint
    assert stub.actions == ["GetUser", "CreateUser", "PutUserPolicy"]


def test_no_credentials(server: Server, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    code, hint = one_failure(run("list", "-o", "json"), 1)
    assert code == "no_credentials"
    assert "--profile" in hint
    assert "ses-tenant sandbox" in hint
    assert server.actions == []


def test_no_such_profile(run: Run) -> None:
    answer = run("list", "--profile", "agency", "-o", "json")
    code, hint = one_failure(answer, 1)
    assert (code, hint) == ("no_credentials", "aws configure list-profiles shows them.")
    assert "agency" in answer.error["message"]


def test_no_region(server: Server, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    code, hint = one_failure(run("create", SHOP, "-o", "json"), 1)
    assert code == "no_region"
    assert "The option is --region." in hint
    assert server.writes == []


@pytest.mark.parametrize("arguments", [("policy", SHOP, "--scope", "identity"), ("smtp-password",)])
def test_no_region_offline(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.delenv("AWS_REGION")
    code, _ = one_failure(run(*arguments, "-o", "json", stdin="some+secret+key"), 1)
    assert code == "no_region"


def test_unreachable_endpoint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket.socket() as closed:  # bound and not listening, so nobody else gets the port
        closed.bind((LOOPBACK, 0))
        url = f"http://{LOOPBACK}:{closed.getsockname()[1]}"
        answer = run("list", "--endpoint-url", url, "-o", "json")
    code, hint = one_failure(answer, 1)
    assert code == "network"
    assert url in answer.error["message"]
    assert "--endpoint-url" in hint


def test_an_endpoint_that_is_no_aws(stub: Script, run: Run) -> None:
    stub.default = (200, "<html><body>It works!")
    code, _ = one_failure(run("list", "-o", "json"), 1)
    assert code == "network"


def test_a_user_of_that_name_that_is_not_ours_is_left_alone(server: Server, run: Run) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="ses-shop.example.com")
    server.actions.clear()
    for arguments in (("create", SHOP), ("show", SHOP), ("delete", SHOP, "--yes")):
        code, hint = one_failure(run(*arguments, "-o", "json"), 1)
        assert code == "not_ours"
        assert "ses-tenant adopt shop.example.com --user-name ses-shop.example.com" in hint
    assert set(server.actions) == {"GetUser"}
