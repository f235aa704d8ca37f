"""A secret comes out in the result and nowhere else."""

import re

import pytest

from .aws_server import OPERATOR_SECRET, Script, error_xml
from .conftest import Run

pytestmark = pytest.mark.usefixtures("server")

SHOP = "shop.example.com"
PLANTED = "Planted/Secret+Access+Key/0123456789abcd"


@pytest.mark.parametrize("interface", ["--api", "--smtp"])
def test_debug_logs_the_calls_and_not_what_they_carry(spawn: Run, interface: str) -> None:
    answer = spawn("create", SHOP, interface, "--debug")
    assert answer.status == 0
    assert re.search(r"-> CreateAccessKey$", answer.stderr, re.MULTILINE)
    secrets = re.findall(r"(?:SECRET_ACCESS_KEY|PASSWORD)=(\S+)", answer.stdout)
    assert len(secrets) == 1
    assert secrets[0] not in answer.stderr
    assert OPERATOR_SECRET not in answer.stdout + answer.stderr


def test_list_show_and_a_second_create_do_not_know_the_secret(run: Run) -> None:
    secret = run("create", SHOP, "-o", "json").json["data"]["credentials"]["secret_access_key"]
    for arguments in (("create", SHOP), ("list",), ("show", SHOP), ("delete", SHOP, "--yes")):
        answer = run(*arguments, "-o", "json", "--debug")
        assert answer.status == 0
        assert secret not in answer.stdout + answer.stderr


def _key_answer(body: str) -> str:
    return (
        "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>u</UserName>"
        f"<AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>{body}"
    )


@pytest.mark.parametrize(
    "answer_to_create_access_key",
    [
        (200, _key_answer(f"<SecretAccessKey>{PLANTED}</SecretAccessKey>")),  # cut off
        (200, f"{PLANTED}"),
        (
            200,
            _key_answer(f"<Secret>{PLANTED}</Secret></AccessKey>")  # a field is missing
            + "</CreateAccessKeyResult></CreateAccessKeyResponse>",
        ),
        (200, _key_answer(f"<SecretAccessKey>{PLANTED}</SecretAccessKey>\n<broken\n")),
    ],
)
@pytest.mark.parametrize("output", ["json", "table"])
def test_a_broken_answer_with_a_secret_in_it_is_not_repeated(
    stub: Script, run: Run, answer_to_create_access_key: tuple[int, str], output: str
) -> None:
    stub.answers = {
        "GetUser": (404, error_xml("NoSuchEntity", "There is no such user.")),
        "CreateUser": (
            200,
            (
                "<CreateUserResponse><CreateUserResult><User><Path>/</Path><UserName>u</UserName>"
                "<UserId>A</UserId><Arn>arn:aws:iam::123456789012:user/u</Arn>"
                "<CreateDate>2030-01-01T00:00:00Z</CreateDate></User></CreateUserResult>"
                "</CreateUserResponse>"
            ),
        ),
        "PutUserPolicy": (200, "<PutUserPolicyResponse/>"),
        "CreateAccessKey": answer_to_create_access_key,
    }
    answer = run("create", SHOP, "--debug", "-o", output)
    assert answer.status != 0
    assert PLANTED not in answer.stdout + answer.stderr
    assert OPERATOR_SECRET not in answer.stdout + answer.stderr


@pytest.mark.parametrize("wrong_region", ["", "Frankfurt"])
def test_smtp_password_never_quotes_its_input(run: Run, wrong_region: str) -> None:
    for region in (wrong_region, "eu-central-1"):
        answer = run("smtp-password", "--region", region, stdin=f"{PLANTED} {PLANTED}")
        assert answer.status != 0
        assert PLANTED not in answer.stdout + answer.stderr
