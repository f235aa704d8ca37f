"""plan, apply and export, and --file of other verbs, against an account in memory."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend

from .account import BLOG, NEWS, SHOP, grow_old, recorded_secrets, snapshot, statuses, user
from .aws_server import Server
from .conftest import Run

pytestmark = pytest.mark.usefixtures("server")

Write = Callable[..., str]
ROLE = "arn:aws:iam::222222222222:role/ses-tenant"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a tenants file whose tenants' credentials go to files; return its path."""

    def write(*lines: str) -> str:
        head = f'[defaults]\ndestination = "file:{tmp_path}/{{domain}}.env"\n'
        file = tmp_path / "tenants.toml"
        file.write_text("\n".join([head, *lines, ""]))
        return str(file)

    return write


def table(domain: str, *lines: str) -> str:
    return "\n".join([f'[tenants."{domain}"]', *lines])


def changes(answer: object) -> dict[str, str]:
    tenants = answer["data"]["tenants"]  # type: ignore[index]
    return {tenant["domain"]: tenant["change"] for tenant in tenants}


def test_a_fleet_is_planned_applied_and_then_unchanged(
    server: Server, run: Run, write: Write, tmp_path: Path
) -> None:
    file = write(table(SHOP), table(BLOG, 'interface = "smtp"'), table(NEWS, "suspended = true"))
    planned = run("plan", file, "-o", "json")
    assert planned.status == 4
    assert server.writes == []
    assert planned.json["status"] == "ok"
    assert planned.json["data"]["summary"] == {
        "create": 3,
        "update": 0,
        "suspend": 0,
        "resume": 0,
        "delete": 0,
        "none": 0,
        "failed": 0,
        "not_in_file": 0,
    }
    assert [step["action"] for step in planned.json["data"]["tenants"][2]["steps"]] == [
        *("iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey", "file:Put", "iam:TagUser"),
    ]
    assert {key for tenant in planned.json["data"]["tenants"] for key in tenant} == {
        *("account", "domain", "change", "steps", "records"),
    }
    with recorded_secrets() as secrets:
        applied = run("apply", file, "--yes", "-o", "json")
    assert applied.status == 0
    assert not any(secret in applied.stdout + applied.stderr for secret in secrets)
    assert (tmp_path / f"{SHOP}.env").read_text().count("AWS_SECRET_ACCESS_KEY=") == 1
    assert "SMTP_PASSWORD=" in (tmp_path / f"{BLOG}.env").read_text()
    assert not (tmp_path / f"{NEWS}.env").exists()
    assert set(user(NEWS).policies) == {"ses-tenant-sending", "ses-tenant-suspended"}
    server.actions.clear()
    again = run("plan", file)
    assert (again.status, again.stdout) == (0, "3 tenants: 3 unchanged\n")
    assert len(server.actions) == 3
    assert run("apply", file).status == 0  # nothing to ask about
    assert [action for action in server.writes if not action.startswith("Generate")] == []


def test_tenants_unchanged_cost_three_requests_in_all(
    server: Server, run: Run, write: Write
) -> None:
    file = write(*(table(f"site{n:03}.example.com") for n in range(25)))
    assert run("apply", file, "--yes", "--quiet").status == 0
    assert Counter(server.actions) == {
        **dict.fromkeys(["CreateUser", "PutUserPolicy", "CreateAccessKey", "TagUser"], 25),
        "GetAccountAuthorizationDetails": 1,
    }
    server.actions.clear()
    assert run("plan", file).status == 0
    assert len(server.actions) <= 5


def test_drift_is_found_and_put_right(server: Server, run: Run, write: Write) -> None:
    file = write(table(SHOP), table(BLOG), table(NEWS))
    run("apply", file, "--yes")
    iam = server.client("iam")
    before = [snapshot(domain) for domain in (SHOP, BLOG, NEWS)]
    iam.delete_user_policy(UserName=f"ses-{SHOP}", PolicyName="ses-tenant-sending")
    iam.tag_user(UserName=f"ses-{BLOG}", Tags=[{"Key": "ses-tenant:regions", "Value": "x"}])
    run("suspend", NEWS)
    write(table(SHOP), table(BLOG, 'regions = ["eu-central-1"]'), table(NEWS, "suspended = false"))
    server.actions.clear()
    planned = run("plan", file)
    assert planned.status == 4
    assert "      ses-tenant:regions: x -> eu-central-1\n" in planned.stdout
    assert "3 tenants: 2 to update, 1 to resume, 0 unchanged\n" in planned.stdout
    assert changes(run("plan", file, "-o", "json").json) == {
        SHOP: "update",
        BLOG: "update",
        NEWS: "resume",
    }
    assert run("apply", file, "--yes").status == 0
    assert [snapshot(domain) for domain in (SHOP, BLOG, NEWS)] == before


def test_a_suspension_that_the_file_says_nothing_of_lasts(run: Run, write: Write) -> None:
    file = write(table(SHOP))
    run("apply", file, "--yes")
    run("suspend", SHOP)
    assert run("plan", file).status == 0
    write(table(SHOP, "suspended = true"))
    assert run("plan", file).status == 0


def test_a_key_that_was_deleted_by_hand_is_replaced(server: Server, run: Run, write: Write) -> None:
    file = write(table(SHOP))
    run("apply", file, "--yes")
    (key,) = statuses(SHOP)
    server.client("iam").delete_access_key(UserName=f"ses-{SHOP}", AccessKeyId=key)
    assert changes(run("plan", file, "-o", "json").json) == {SHOP: "update"}
    assert run("apply", file, "--yes").status == 0
    assert statuses(SHOP).keys() != {key}
    assert run("plan", file).status == 0


def test_a_tenant_without_a_destination_stops_all_before_anything_is_written(
    server: Server, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(
        f'[tenants."{SHOP}"]\ndestination = "file:{tmp_path}/x"\n[tenants."{BLOG}"]\n'
        f'[tenants."{NEWS}"]\ndestination = "-"\n'
    )
    answer = run("apply", str(file), "--yes")
    assert answer.status == 2
    for domain in (BLOG, NEWS):
        assert f"{domain} needs credentials, and the file names no destination" in answer.stderr
    assert "destination =" in answer.stderr
    assert server.writes == []
    assert not (tmp_path / "x").exists()


def test_a_tenant_whose_credentials_were_printed_needs_no_destination(
    run: Run, tmp_path: Path
) -> None:
    run("create", SHOP)
    file = tmp_path / "tenants.toml"
    file.write_text(f'[tenants."{SHOP}"]\nsubdomains = true\n')
    before = statuses(SHOP)
    assert run("apply", str(file), "--yes").status == 0
    assert "*@*.shop.example.com" in json.dumps(user(SHOP).policies)
    assert statuses(SHOP) == before


def test_a_user_that_is_not_ours_fails_alone(server: Server, run: Run, write: Write) -> None:
    server.client("iam").create_user(UserName=f"ses-{BLOG}")
    file = write(table(SHOP), table(BLOG))
    answer = run("apply", file, "--yes", "-o", "json")
    assert (answer.status, answer.json["status"]) == (3, "partial")
    assert (answer.error["code"], BLOG in answer.error["message"]) == ("not_ours", True)
    assert f"ses-tenant adopt {BLOG} --user-name ses-{BLOG}" in answer.error["hint"]
    assert changes(answer.json) == {SHOP: "create", BLOG: "none"}
    assert len(statuses(SHOP)) == 1
    assert statuses(BLOG) == {}


def test_a_failure_does_not_stop_the_others_and_the_next_run_finishes(
    run: Run, write: Write, tmp_path: Path
) -> None:
    taken = tmp_path / f"{BLOG}.env"
    taken.write_text("somebody else's\n")
    file = write(table(SHOP), table(BLOG), table(NEWS))
    answer = run("apply", file, "--yes")
    assert answer.status == 3
    assert "3 tenants, 2 changed, 1 failed\n" in answer.stderr
    assert taken.read_text() == "somebody else's\n"
    taken.unlink()
    assert run("apply", file, "--yes").status == 0
    assert run("plan", file).status == 0


def test_what_is_not_in_the_file_is_deleted_only_with_prune(run: Run, write: Write) -> None:
    run("create", NEWS)
    file = write(table(SHOP))
    answer = run("apply", file, "--yes")
    assert f"Warning: Not in the file, and left as they are: {NEWS}.\n" in answer.stderr
    assert len(statuses(NEWS)) == 1
    assert run("plan", file).status == 0
    pruned = run("plan", file, "--prune", "-o", "json")
    assert (pruned.status, changes(pruned.json)) == (4, {SHOP: "none", NEWS: "delete"})
    refused = run("apply", file, "--prune")
    assert (refused.status, "no terminal to ask" in refused.stderr) == (2, True)
    assert run("apply", file, "--prune", "--yes").status == 0
    with pytest.raises(KeyError):
        user(NEWS)


def test_without_a_terminal_and_yes_nothing_is_applied(
    server: Server, run: Run, write: Write
) -> None:
    answer = run("apply", write(table(SHOP)))
    assert (answer.status, server.writes) == (2, [])
    assert "This changes 1 tenant, and there is no terminal to ask." in answer.stderr


def test_export_writes_a_file_in_which_plan_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("create", SHOP, "--to", f"file:{tmp_path}/a b.env", "--format", "json", "--tag", "a=b c")
    run(
        *("create", BLOG, "--smtp", "--region", "eu-west-1", "--region", "us-east-1"),
        *("--subdomains", "--also", "x.example.org", "--return-path", "y.example.org"),
    )
    run("create", NEWS, "--scope", "identity", "--configuration-set", "web")
    run("suspend", NEWS)
    exported = run("export")
    assert (exported.status, exported.stderr) == (0, "3 tenants written\n")
    file = tmp_path / "tenants.toml"
    file.write_text(exported.stdout)
    planned = run("plan", str(file))
    assert (planned.status, planned.stdout) == (0, "3 tenants: 3 unchanged\n")
    assert run("export", "-o", "json").json["data"]["toml"] == exported.stdout


def test_several_accounts(server: Server, run: Run, write: Write) -> None:
    head = f'[accounts.agency]\n[accounts.hoster]\nrole-arn = "{ROLE}"\n'
    file = write(
        head, table(SHOP, 'account = "agency"'), table(BLOG, 'account = "hoster"', 'max-age = "5d"')
    )
    applied = run("apply", file, "--yes", "-o", "json")
    assert applied.status == 0
    assert [(t["account"], t["domain"]) for t in applied.json["data"]["tenants"]] == [
        *(("agency", SHOP), ("hoster", BLOG)),
    ]
    assert server.actions.count("AssumeRole") == 1
    assert len(statuses(SHOP)) == 1
    with pytest.raises(KeyError):
        user(BLOG)  # it is in the other account
    listed = run("list", "--file", file)
    # Eighty columns have no room for those that tell least, the interface and the last use.
    assert listed.stdout.splitlines()[0].split() == [
        *("Domain", "Account", "State", "Next", "Access", "key", "Age"),
    ]
    assert max(map(len, listed.stdout.splitlines())) <= 80
    tenants = run("list", "--file", file, "-o", "json").json["data"]["tenants"]
    assert [(t["account"], t["domain"]) for t in tenants] == [("hoster", BLOG), ("agency", SHOP)]
    assert BLOG not in run("list").stdout
    rotated = run("rotate-keys", "--file", file, "--no-verify", "--max-age", "0s", "-o", "json")
    assert [(t["account"], t["action"]) for t in rotated.json["data"]["tenants"]] == [
        *(("agency", "issued"), ("hoster", "none")),
    ]
    named = run("rotate-keys", BLOG, "--file", file, "--no-verify", "-o", "json")
    assert [(t["account"], t["action"]) for t in named.json["data"]["tenants"]] == [
        *(("hoster", "issued"),),
    ]


def test_one_account_under_two_names_is_refused(server: Server, run: Run, write: Write) -> None:
    run("create", SHOP)
    server.actions.clear()
    file = write("[accounts.a]\n[accounts.b]\n", table(BLOG, 'account = "a"'))
    answer = run("apply", file, "--prune", "--yes")
    assert (answer.status, server.writes) == (2, ["GenerateCredentialReport"] * 2)
    assert "The accounts 'a' and 'b' are one AWS account, 123456789012." in answer.stderr


def test_an_account_that_cannot_be_reached_does_not_stop_the_others(run: Run, write: Write) -> None:
    file = write(
        '[accounts.a]\n[accounts.b]\nprofile = "nobody"\n',
        table(SHOP, 'account = "a"'),
        table(BLOG, 'account = "b"'),
    )
    answer = run("apply", file, "--yes", "-o", "json")
    assert answer.status == 3
    assert answer.error["message"].startswith("Account b: ")
    assert len(statuses(SHOP)) == 1
    for command in (("list",), ("rotate-keys", "--no-verify"), ("check",), ("audit",)):
        assert run(*command, "--file", file).status == 3


def test_check_and_audit_work_on_all_accounts(server: Server, run: Run, write: Write) -> None:
    head = f'[accounts.agency]\n[accounts.hoster]\nrole-arn = "{ROLE}"\n'
    file = write(head, table(SHOP, 'account = "agency"'), table(BLOG, 'account = "hoster"'))
    run("apply", file, "--yes")
    policy = {"Statement": {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}}
    intruder = server.client("iam")
    intruder.create_user(UserName="intruder")
    intruder.put_user_policy(
        UserName="intruder",
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", **policy}),
    )
    intruder.untag_user(UserName=f"ses-{SHOP}", TagKeys=["ses-tenant:version"])
    audited = run("audit", "--file", file, "-o", "json")
    assert (audited.status, audited.json["data"]["tenants"]) == (4, 2)
    found = {
        (f["account"], touched["domain"])
        for f in audited.json["data"]["findings"]
        for touched in f["domains"]
    }
    assert ("agency", SHOP) in found
    assert ("agency", BLOG) not in found
    assert "error  agency  " in run("audit", "--file", file).stdout
    checked = run("check", "--file", file, "--fail-on", "error", "-o", "json")
    tenants = checked.json["data"]["tenants"]
    assert [(t["account"], t["domain"]) for t in tenants] == [("agency", SHOP), ("hoster", BLOG)]
    assert {f["account"] for f in checked.json["data"]["findings"]} == {"agency", "hoster"}
    named = run("check", BLOG, "--file", file, "-o", "json").json["data"]["tenants"]
    assert [(t["account"], t["domain"]) for t in named] == [("hoster", BLOG)]
    assert run("check", NEWS, "--file", file).status == 1
    repaired = run("check", SHOP, "--file", file, "--repair", "--yes")
    assert f"agency  {SHOP}: repaired\n" in repaired.stderr
    assert "ses-tenant:version" in str(user(SHOP).tags)
    assert run("audit", "--file", file, "--from", file).status == 2


def test_a_repair_that_stops_half_way_ends_with_status_3_with_a_file_too(
    server: Server, run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("[accounts.agency]", table(SHOP))
    run("apply", file, "--yes")
    client, name = server.client("iam"), f"ses-{SHOP}"
    everything = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": everything})
    client.put_user_policy(UserName=name, PolicyName="extra", PolicyDocument=document)

    def refuse(*_: object, **__: object) -> None:
        raise LimitExceededException("Not now.")

    monkeypatch.setattr(IAMBackend, "delete_user_policy", refuse)
    for arguments, account in (((), ""), (("--file", file), "Account agency: ")):
        user(SHOP).policies.pop("ses-tenant-sending")
        answer = run("check", SHOP, *arguments, "--repair", "--yes", "-o", "json")
        assert answer.status == 3
        assert answer.error["message"].startswith(account)
        assert "(1 of 2 steps were done before.)" in answer.error["message"]


def test_rotate_keys_with_a_file_leaves_all_other_tenants_alone(run: Run, write: Write) -> None:
    file = write(table(SHOP), table(BLOG, 'max-age = "300d"'))
    run("apply", file, "--yes")
    run("create", NEWS)
    for domain in (SHOP, BLOG, NEWS):
        grow_old(domain, 100)
    answer = run("rotate-keys", "--file", file, "--no-verify", "-o", "json")
    assert {t["domain"]: t["action"] for t in answer.json["data"]["tenants"]} == {
        SHOP: "issued",
        BLOG: "none",
    }
    assert run("rotate-keys", NEWS, "--file", file).status == 1


def test_the_schema_is_printed_without_a_file(run: Run) -> None:
    answer = run("plan", "no-such-file.toml", "--schema")
    assert (answer.status, answer.stderr) == (0, "")
    assert answer.json["title"] == "ses-tenant tenants.toml"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file"),
        (b"\n\xff", "tenants.toml:2: not UTF-8"),
        (b"[tenant.x]", "tenants.toml:1: unknown key 'tenant' in the file; did you mean"),
    ],
)
def test_a_file_that_is_no_tenants_file(
    server: Server, run: Run, tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "tenants.toml"
    if content is not None:
        file.write_bytes(content)
    for command in (["plan", str(file)], ["apply", str(file)], ["list", "--file", str(file)]):
        answer = run(*command)
        assert answer.status == 2
        assert told in answer.stderr
    assert server.actions == []


def test_the_file_tells_who_operates_and_what_is_accepted(
    server: Server, run: Run, write: Write
) -> None:
    run("create", SHOP)
    statement = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    operator = server.client("iam")
    operator.create_user(UserName="operator")
    operator.put_user_policy(
        UserName="operator",
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    bare = write("", table(SHOP))
    before = run("audit", "--file", bare, "-o", "json").json["data"]["findings"]
    assert [f["severity"] for f in before if f["rule"] == "may_send_as"] == ["error"]
    arn = "arn:aws:iam::123456789012:user/operator"
    file = write(f'[audit]\noperators = ["{arn}"]\naccept = "known.toml"\n', table(SHOP))
    hand_made = "hand_made_user:123456789012:user/operator"
    drift = "tag_drift:123456789012:user/gone"
    Path(file).with_name("known.toml").write_text(
        "".join(
            f'[[accepted]]\nid = "{id_}"\nreason = "known"\nuntil = 2999-12-31\n'
            for id_ in (hand_made, drift)
        )
    )
    data = run("audit", "--file", file, "-o", "json").json["data"]
    assert [(f["rule"], f["severity"]) for f in data["findings"]] == [("may_send_as", "info")]
    assert [entry["id"] for entry in data["accepted"]] == [hand_made]
    checked = run("check", "--file", file, "-o", "json")
    assert "accepted_stale" in [w["code"] for w in checked.json["warnings"]]
