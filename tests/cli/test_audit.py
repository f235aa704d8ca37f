"""`check` and `audit` as commands: what is printed, and how they end."""

import json
from pathlib import Path

import pytest

from .account import BLOG, SHOP, make_tenants, statuses, user
from .aws_server import Server
from .conftest import Run

EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "ses:*", "Resource": "*"}],
    }
)


@pytest.fixture(autouse=True)
def _two_tenants(server: Server, run: Run) -> None:
    make_tenants(run, SHOP, BLOG)
    ses = server.client("sesv2")
    for domain in (SHOP, BLOG):
        ses.create_email_identity(EmailIdentity=domain)
    server.actions.clear()


def _add_wordpress(server: Server) -> None:
    client = server.client("iam")
    client.create_user(UserName="wordpress")
    sending = EVERYTHING.replace("ses:*", "ses:Send*")
    client.put_user_policy(UserName="wordpress", PolicyName="send", PolicyDocument=sending)
    server.actions.clear()


def test_an_audit_without_findings_prints_nothing_and_ends_with_0(run: Run) -> None:
    answer = run("audit")
    assert (answer.status, answer.stdout) == (0, "")
    assert answer.stderr.startswith(
        "2 principals, 2 tenants, no service control policies given: no findings.\n"
    )


def test_an_audit_tells_who_may_send_by_what_and_what_to_do(server: Server, run: Run) -> None:
    _add_wordpress(server)
    answer = run("audit", env={"COLUMNS": "80"})
    assert answer.status == 4
    first = answer.stdout.split("\n\n")[0].splitlines()
    assert first[0] == "error  may_send_as  arn:aws:iam::123456789012:user/wordpress"
    assert first[1].startswith("  domains: blog.example.org, shop.example.com (such as ")
    assert "All" in " ".join(first)
    assert first[-1] == "  -> ses-tenant adopt DOMAIN --user-name wordpress"
    assert server.writes == ["GenerateCredentialReport"]


def test_the_json_of_an_audit(server: Server, run: Run) -> None:
    _add_wordpress(server)
    answer = run("audit", "-o", "json")
    assert answer.status == 4
    data = answer.json["data"]
    assert (data["principals"], data["tenants"]) == (3, 2)
    finding = data["findings"][0]
    assert list(finding) == [
        *("id", "rule", "severity", "principal", "domains", "domain_count", "message"),
        *("path", "remedy"),
    ]
    assert finding["id"].startswith("may_send_as:123456789012:user/wordpress:")
    assert (finding["rule"], finding["domain_count"]) == ("may_send_as", 2)
    assert [touched["domain"] for touched in finding["domains"]] == [BLOG, SHOP]
    assert finding["domains"][1]["witness"].endswith(f"@{SHOP}")
    (step,) = finding["path"]
    assert list(step) == ["principal", "action", "resource", "statement"]
    assert "All" in step["statement"]


def test_the_first_audit_of_an_account_with_one_administrator_is_two_lines(
    server: Server, run: Run
) -> None:
    client = server.client("iam")
    client.create_user(UserName="admin")
    everything = EVERYTHING.replace("ses:*", "*")
    client.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=everything)
    answer = run("audit")
    assert answer.status == 0
    assert (answer.stdout + answer.stderr).splitlines() == [
        (
            "info  may_send_as  arn:aws:iam::123456789012:user/admin  is an administrator of the "
            "account and may do everything"
        ),
        (
            "3 principals, 2 tenants, no service control policies given: 0 errors, 0 warnings, "
            "1 for information."
        ),
    ]


@pytest.mark.parametrize(
    ("policy_action", "fail_on", "status"),
    [
        ("ses:*", "error", 4),
        ("ses:GetSendQuota", "info", 0),
        ("*", "error", 0),
        ("*", "warning", 0),
        ("*", "info", 4),
    ],
)
def test_from_which_severity_on_it_ends_with_4(
    server: Server, run: Run, policy_action: str, fail_on: str, status: int
) -> None:
    client = server.client("iam")
    client.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")
    policy = EVERYTHING.replace("ses:*", policy_action)
    name = "user" if policy_action == "ses:*" else "role"
    if name == "user":
        _add_wordpress(server)
    else:
        client.put_role_policy(RoleName="deploy", PolicyName="p", PolicyDocument=policy)
    # Identities are looked for in every Region, which is not what this is about.
    answer = run("audit", "--no-identity-policies", "--fail-on", fail_on)
    assert answer.status == status


def test_a_saved_answer_is_audited_without_aws(server: Server, run: Run, tmp_path: Path) -> None:
    _add_wordpress(server)
    details = server.client("iam").get_account_authorization_details()
    saved = tmp_path / "account.json"
    saved.write_text(json.dumps(details, default=str))
    server.actions.clear()
    live = run("audit", "-o", "json", "--no-identity-policies")
    server.actions.clear()
    answer = run("audit", "--from", str(saved), "-o", "json")
    assert answer.json["data"] == live.json["data"]
    assert server.actions == []


@pytest.mark.parametrize("content", ["", "[]", "{}x", '{"UserDetailList": [{}]}', "\udcff"])
def test_a_file_that_is_no_saved_answer(run: Run, tmp_path: Path, content: str) -> None:
    saved = tmp_path / "account.json"
    saved.write_bytes(content.encode("utf-8", "surrogateescape"))
    answer = run("audit", "--from", str(saved), "-o", "json")
    if content == "[]":
        assert answer.json["data"]["findings"] == []
        return
    assert (answer.status, answer.error["code"]) == (2, "usage")
    assert "get-account-authorization-details" in answer.error["hint"]


def test_a_check_without_findings(run: Run) -> None:
    answer = run("check", "-o", "json", "--fail-on", "error")
    assert answer.status == 0
    assert [t["domain"] for t in answer.json["data"]["tenants"]] == [BLOG, SHOP]
    assert all(t["steps"] == [] and not t["repaired"] for t in answer.json["data"]["tenants"])


def test_a_check_names_the_fault_and_ends_with_4(server: Server, run: Run) -> None:
    client = server.client("iam")
    client.put_user_policy(
        UserName=f"ses-{SHOP}", PolicyName="ses-tenant-sending", PolicyDocument=EVERYTHING
    )
    server.actions.clear()
    answer = run("check", SHOP)
    assert answer.status == 4
    assert "error  policy_drift  " in answer.stdout
    assert f"-> ses-tenant check {SHOP} --repair" in answer.stdout
    assert server.writes == []


def test_a_repair_of_what_destroys_nothing_asks_nothing(server: Server, run: Run) -> None:
    client = server.client("iam")
    client.delete_user_policy(UserName=f"ses-{SHOP}", PolicyName="ses-tenant-sending")
    keys = statuses(SHOP)
    answer = run("check", SHOP, "--repair", "-o", "json", "--fail-on", "error")
    assert answer.status == 0
    (tenant,) = answer.json["data"]["tenants"]
    assert tenant["repaired"] is True
    assert [step["action"] for step in tenant["steps"]] == ["iam:PutUserPolicy"]
    assert list(user(SHOP).policies) == ["ses-tenant-sending"]
    assert statuses(SHOP) == keys


def test_a_repair_that_takes_something_away_wants_a_yes(server: Server, run: Run) -> None:
    client = server.client("iam")
    client.put_user_policy(UserName=f"ses-{SHOP}", PolicyName="extra", PolicyDocument=EVERYTHING)
    server.actions.clear()
    answer = run("check", "--repair")
    assert answer.status == 2
    assert "--yes" in answer.stderr
    assert server.writes == []
    dry = run("check", "--repair", "--dry-run")
    assert dry.status == 4
    assert "- iam:DeleteUserPolicy" in dry.stdout
    assert server.writes == []
    done = run("check", "--repair", "--yes", "--fail-on", "error")
    assert done.status == 0
    assert f"{SHOP}: repaired" in done.stderr
    assert server.writes == ["DeleteUserPolicy"]


def test_a_tenant_that_is_not_there(run: Run) -> None:
    answer = run("check", "gone.example.com", "-o", "json")
    assert (answer.status, answer.error["code"]) == (1, "not_found")
    both = run("check", "gone.example.com", SHOP, "-o", "json")
    assert both.status == 3


def test_what_cannot_be_read_of_any_tenant_is_told_once(run: Run) -> None:
    answer = run("check", "--live", "-o", "json", "--fail-on", "error")
    told = [w["message"].partition(". ")[0] for w in answer.json["warnings"]]
    assert len(answer.json["data"]["tenants"]) == 2
    assert told
    assert sorted(set(told)) == sorted(told)


def test_live_without_a_simulator_is_a_warning(run: Run) -> None:
    answer = run("check", SHOP, "--live", "-o", "json", "--fail-on", "error")
    assert answer.status == 0
    assert [w["code"] for w in answer.json["warnings"]].count("not_read") >= 1


def test_service_control_policies_limit_and_are_told(
    server: Server, run: Run, tmp_path: Path
) -> None:
    _add_wordpress(server)
    scp = tmp_path / "scp.json"
    scp.write_text('{"Statement": [{"Effect": "Deny", "Action": "ses:Send*", "Resource": "*"}]}')
    for options, given, may_send in ((["--scp", str(scp)], [str(scp)], False), ([], None, True)):
        data = run("audit", *options, "-o", "json").json["data"]
        assert data["service_control_policies"] == given
        assert ("may_send_as" in {f["rule"] for f in data["findings"]}) is may_send
    assert "service control policies of 1 file: " in run("audit", "--scp", str(scp)).stderr


@pytest.mark.parametrize(("text", "told"), [("{", "as JSON"), ("{}", "no service control policy")])
def test_what_is_no_service_control_policy(run: Run, tmp_path: Path, text: str, told: str) -> None:
    scp = tmp_path / "scp.json"
    scp.write_text(text)
    answer = run("audit", "--scp", str(scp), "--from", str(scp))
    assert answer.status == 2
    assert told in answer.stderr
    assert "aws organizations describe-policy" in answer.stderr


def _accept(tmp_path: Path, **entries: str) -> str:
    """Return a file that accepts findings by id until a day."""
    file = tmp_path / "known.toml"
    file.write_text("".join(
        f'[[accepted]]\nid = "{id_}"\nreason = "decided"\nuntil = {until}\n'
        for id_, until in entries.items()
    ))  # fmt: skip
    return str(file)


def test_accepted_findings_neither_count_nor_end_with_4(
    server: Server, run: Run, tmp_path: Path
) -> None:
    _add_wordpress(server)
    ids = [finding["id"] for finding in run("audit", "-o", "json").json["data"]["findings"]]
    file = _accept(tmp_path, **dict.fromkeys(ids, "2999-12-31"))
    answer = run("audit", "--accept", file)
    assert (answer.status, answer.stdout) == (0, "")
    assert f"no findings, {len(ids)} accepted." in answer.stderr
    data = run("audit", "--accept", file, "-o", "json").json["data"]
    assert data["findings"] == []
    assert [entry["id"] for entry in data["accepted"]] == ids
    assert {(entry["reason"], entry["until"]) for entry in data["accepted"]} == {
        ("decided", "2999-12-31")
    }


def test_what_has_expired_or_become_stale_is_told(server: Server, run: Run, tmp_path: Path) -> None:
    _add_wordpress(server)
    first, *others = [f["id"] for f in run("audit", "-o", "json").json["data"]["findings"]]
    gone = "may_send_as:123456789012:user/gone:01234567"
    days = {first: "2020-01-01", **dict.fromkeys(others, "2999-12-31"), gone: "2999-12-31"}
    answer = run("audit", "--accept", _accept(tmp_path, **days), "-o", "json")
    assert answer.status == 4
    assert [f["id"] for f in answer.json["data"]["findings"]] == [first]
    told = {w["code"]: w["message"] for w in answer.json["warnings"]}
    assert told["accepted_expired"].startswith(f"{first} ")
    assert told["accepted_stale"].startswith(f"{gone} ")


def test_a_check_takes_the_same_file_and_calls_nothing_stale_that_it_did_not_look_at(
    server: Server, run: Run, tmp_path: Path
) -> None:
    client = server.client("iam")
    client.put_user_policy(
        UserName=f"ses-{SHOP}", PolicyName="ses-tenant-sending", PolicyDocument=EVERYTHING
    )
    ids = [f["id"] for f in run("check", "-o", "json").json["data"]["findings"]]
    drift = next(i for i in ids if i.startswith("policy_drift:"))
    stale = "tag_drift:123456789012:user/gone"
    days = dict.fromkeys([*ids, stale, "missing_at:123456789012:user/x:01234567"], "2999-12-31")
    file = _accept(tmp_path, **days)
    every = run("check", "--accept", file, "-o", "json")
    assert every.status == 0
    assert drift in [entry["id"] for entry in every.json["data"]["accepted"]]
    assert [w["code"] for w in every.json["warnings"]].count("accepted_stale") == 1
    one = run("check", BLOG, "--accept", file, "-o", "json")
    assert "accepted_stale" not in [w["code"] for w in one.json["warnings"]]


@pytest.mark.parametrize("verb", ["audit", "check"])
def test_a_file_of_accepted_findings_that_is_none(run: Run, tmp_path: Path, verb: str) -> None:
    missing = run(verb, "--accept", str(tmp_path / "none.toml"), "-o", "json")
    assert (missing.status, missing.error["code"]) == (2, "usage")
    broken = tmp_path / "known.toml"
    broken.write_text("[[accepted]]\nid = 3")
    answer = run(verb, "--accept", str(broken), "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "usage")
    assert "'reason' must say why" in answer.error["message"]


def test_what_an_operator_may_do_is_a_note(server: Server, run: Run) -> None:
    _add_wordpress(server)
    operator = "arn:aws:iam::123456789012:user/wordpress"
    answer = run("audit", "--operator", operator, "--fail-on", "error", "-o", "json")
    assert answer.status == 0
    (finding,) = [f for f in answer.json["data"]["findings"] if f["rule"] == "may_send_as"]
    assert (finding["severity"], finding["domain_count"]) == ("info", 2)
    assert run("audit", "--operator", f"{operator}2", "--fail-on", "error").status == 4


def test_the_report_is_one_page_on_stdout(server: Server, run: Run) -> None:
    _add_wordpress(server)
    answer = run("audit", "-o", "html")
    assert answer.status == 4
    assert answer.stdout.startswith("<!doctype html>\n")
    assert answer.stdout.endswith("</html>\n")
    assert answer.stdout.isascii() is False
    assert "2 of 2 sending domains can be impersonated" in answer.stdout
    assert "principals, 2 tenants" in answer.stderr
