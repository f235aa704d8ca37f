"""`simulate` as a command: one mail of a tenant, a policy document, a file of cases."""

import json
from pathlib import Path

import pytest

from .account import BLOG, SHOP
from .aws_server import Server
from .conftest import Run

CASES = Path(__file__).parents[2] / "examples" / "cases.json"


@pytest.mark.parametrize(("sender", "decision"), [(SHOP, "allowed"), (BLOG, "denied")])
def test_a_mail_of_a_tenant(server: Server, run: Run, sender: str, decision: str) -> None:
    run("create", SHOP, "--smtp")
    server.actions.clear()
    answer = run("simulate", SHOP, "--from", f"info@{sender}", "-o", "json")
    assert answer.status == 0
    data = answer.json["data"]
    assert data | {"results": None} == {
        "domain": SHOP,
        "from": f"info@{sender}",
        "action": "ses:SendRawEmail",
        "results": None,
    }
    ((name, found, reason),) = (tuple(result.values()) for result in data["results"])
    assert (name, found) == (f"info@{sender}", decision)
    assert "of the policy ses-tenant-sending" in reason
    assert server.actions == ["GetAccountAuthorizationDetails"]


@pytest.mark.usefixtures("server")
def test_a_suspended_tenant_sends_nothing(run: Run) -> None:
    run("create", SHOP)
    run("suspend", SHOP)
    answer = run("simulate", SHOP, "--from", f"info@{SHOP}")
    assert answer.stdout.startswith(f"denied  info@{SHOP}: denied by the statement Suspended")


@pytest.mark.usefixtures("server")
def test_a_return_path_elsewhere_is_denied(run: Run) -> None:
    run("create", SHOP)
    mail = ("simulate", SHOP, "--from", f"info@{SHOP}")
    assert run(*mail, "--return-path", f"bounce@{SHOP}").stdout.startswith("allowed")
    assert run(*mail, "--return-path", "bounce@elsewhere.example").stdout.startswith("denied")
    assert run(*mail, "--recipient", "a@b.example", "--region", "us-east-1").status == 0


@pytest.mark.usefixtures("server")
def test_a_tenant_that_is_not_there(run: Run) -> None:
    answer = run("simulate", SHOP, "--from", f"info@{SHOP}", "-o", "json")
    assert (answer.status, answer.error["code"]) == (1, "not_found")


def test_a_policy_document_decides_offline(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(run("policy", SHOP).stdout)
    for sender, decision in ((SHOP, "allowed"), (BLOG, "denied")):
        mail = ("simulate", SHOP, "--from", f"info@{sender}", "--policy")
        assert run(*mail, str(file)).stdout.startswith(decision)
        assert run(*mail, "-", stdin=file.read_text()).stdout.startswith(decision)


def test_cases_from_a_file_and_from_standard_input(run: Run) -> None:
    answer = run("simulate", "--cases", str(CASES), "-o", "json")
    assert answer.status == 0
    results = answer.json["data"]["results"]
    assert [r["decision"] for r in results] == [c["expect"] for c in json.loads(CASES.read_text())]
    assert set(results[0]) == {"name", "decision", "reason"}
    piped = run("simulate", "--cases", "-", "-o", "json", stdin=CASES.read_text())
    assert piped.stdout == answer.stdout


def test_an_answer_that_was_not_expected_ends_with_4(run: Run) -> None:
    cases = json.loads(CASES.read_text())
    cases[0]["expect"] = "denied"
    answer = run("simulate", "--cases", "-", stdin=json.dumps(cases))
    assert answer.status == 4
    assert "(expected: denied)" in " ".join(answer.stdout.split("\n")[:3])
    assert "4 cases, 1 not as expected." in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (SHOP,),
        ("--from", f"info@{SHOP}"),
        (SHOP, "--cases", str(CASES)),
        ("--cases", str(CASES), "--from", "a@b.c"),
        ("--cases", "/nowhere.json"),
        (SHOP, "--from", "a@b.c", "--policy", "/nowhere.json"),
        (SHOP, "--from", "a@b.c", "--policy", "-"),
        (SHOP, "--from", "a@b.c", "--action", "ses:Send"),
        (SHOP, "--from", "a@b.c", "--policy", str(CASES)),
        ("not a domain", "--from", "a@b.c"),
    ],
)
def test_wrong_use(run: Run, arguments: tuple[str, ...]) -> None:
    answer = run("simulate", *arguments, "-o", "json", stdin="x")
    assert answer.status == 2
    assert answer.error["message"]
