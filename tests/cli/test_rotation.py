"""`rotate-keys`, `suspend` and `resume`: what they print, what they refuse, what they leave."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .account import (
    BLOG,
    KEY_ID,
    NEWS,
    SHOP,
    add_key,
    grow_old,
    key_in,
    secret_value,
    set_status,
    snapshot,
    statuses,
    user,
)
from .aws_server import Server
from .conftest import Answer, Run

pytestmark = pytest.mark.usefixtures("server")

TURN = ["domain", "state", "action", "access_key_id", "next_step", "next_step_at"]
AT_ONCE = ("--grace", "0s", "--quarantine", "0s", "--yes")
UTC_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def turn(answer: Answer) -> dict[str, Any]:
    """Return the only element of `data.tenants`."""
    (only,) = answer.json["data"]["tenants"]
    assert isinstance(only, dict)
    return only


def rotate(run: Run, *arguments: str) -> dict[str, Any]:
    """Rotate without a wait, successfully, and return the turn of the one tenant."""
    answer = run("rotate-keys", *arguments, *AT_ONCE, "-o", "json")
    assert (answer.status, answer.stderr) == (0, ""), answer.stdout
    assert answer.json["errors"] == []
    return turn(answer)


def to_file(run: Run, folder: Path, domain: str = SHOP, *options: str) -> Path:
    """Make a tenant whose credentials are in a file, and return the file."""
    file = folder / f"{domain}.env"
    assert run("create", domain, "--to", f"file:{file}", *options).status == 0
    return file


@pytest.fixture
def file(run: Run, tmp_path: Path) -> Path:
    """The file of the tenant SHOP, which has one key."""
    return to_file(run, tmp_path)


class TestStages:
    def test_a_file_tenant_goes_through_all_stages(self, run: Run, file: Path) -> None:
        old = key_in(file.read_text())
        issued = rotate(run, SHOP)
        new = key_in(file.read_text())
        assert new != old
        assert list(issued) == TURN
        assert re.fullmatch(UTC_TIME, issued.pop("next_step_at"))
        assert issued == {
            "domain": SHOP,
            "state": "OVERLAP",
            "action": "issued",
            "access_key_id": new,
            "next_step": "deactivate",
        }
        assert statuses(SHOP) == {old: "Active", new: "Active"}
        deactivated = rotate(run, SHOP)
        assert list(deactivated) == TURN
        assert re.fullmatch(UTC_TIME, deactivated.pop("next_step_at"))
        assert deactivated == {
            "domain": SHOP,
            "state": "RETIRING",
            "action": "deactivated",
            "access_key_id": old,
            "next_step": "delete",
        }
        assert statuses(SHOP) == {old: "Inactive", new: "Active"}
        deleted = rotate(run, SHOP)
        assert list(deleted) == TURN
        assert re.fullmatch(UTC_TIME, deleted.pop("next_step_at"))
        assert deleted == {
            "domain": SHOP,
            "state": "STEADY",
            "action": "deleted",
            "access_key_id": old,
            "next_step": "rotate",
        }
        assert statuses(SHOP) == {new: "Active"}
        assert key_in(file.read_text()) == new
        assert "ses-tenant:retired" not in user(SHOP).tags

    def test_a_secretsmanager_tenant_keeps_the_secret_before_readable(
        self, server: Server, run: Run
    ) -> None:
        run("create", BLOG, "--smtp", "--to", "secretsmanager:mail/blog")
        old = secret_value(server, "mail/blog")["access_key_id"]
        assert rotate(run, BLOG)["state"] == "OVERLAP"
        new = secret_value(server, "mail/blog")["access_key_id"]
        assert new != old
        assert secret_value(server, "mail/blog", "AWSPREVIOUS")["access_key_id"] == old
        for action, state in (("deactivated", "RETIRING"), ("deleted", "STEADY")):
            found = rotate(run, BLOG)
            assert (found["action"], found["state"]) == (action, state)
        assert statuses(BLOG) == {new: "Active"}

    def test_without_domain_the_rotation_goes_on_by_itself(self, run: Run, file: Path) -> None:
        rotate(run, SHOP)
        assert [rotate(run)["state"] for _ in range(4)] == [
            "RETIRING",
            "STEADY",
            "STEADY",
            "STEADY",
        ]
        assert statuses(SHOP) == {key_in(file.read_text()): "Active"}

    def test_the_grace_time_and_the_quarantine_are_kept(
        self, server: Server, run: Run, file: Path
    ) -> None:
        run("rotate-keys", SHOP)
        before = snapshot(SHOP)
        server.actions.clear()
        answer = run("rotate-keys", SHOP, "-o", "json")
        assert (turn(answer)["action"], turn(answer)["next_step"]) == ("none", "deactivate")
        run("rotate-keys", SHOP, "--grace", "0s")
        waiting = turn(run("rotate-keys", SHOP, "-o", "json"))
        assert (waiting["state"], waiting["next_step"]) == ("RETIRING", "delete")
        assert before[0] == dict.fromkeys(statuses(SHOP), "Active")
        assert sorted(statuses(SHOP).values()) == ["Active", "Inactive"]
        assert statuses(SHOP)[key_in(file.read_text())] == "Active"

    def test_an_old_key_that_is_still_used_is_not_deactivated(self, run: Run, file: Path) -> None:
        old = key_in(file.read_text())
        run("rotate-keys", SHOP)
        answer = use(old, run, "rotate-keys", SHOP, "--finish", "-o", "json")
        assert answer.status == 3
        assert answer.error["code"] == "partial_failure"
        assert old in answer.error["message"]
        assert "--force" in answer.error["hint"]
        assert statuses(SHOP)[old] == "Active"
        forced = run("rotate-keys", SHOP, "--finish", "--force", "-o", "json")
        assert [w["code"] for w in forced.json["warnings"]] == ["old_key_in_use"]
        assert statuses(SHOP)[old] == "Inactive"


def use(access_key_id: str, run: Run, *arguments: str) -> Answer:
    """Run a command after a key of SHOP was used."""
    (key,) = [key for key in user(SHOP).access_keys if key.access_key_id == access_key_id]
    key.last_used = Used()
    return run(*arguments)


class Used:
    """A use just now, as moto keeps it."""

    def __init__(self) -> None:
        self.timestamp = datetime.now(UTC).replace(tzinfo=None)
        self.service, self.region = "ses", "eu-central-1"
        self.strftime = self.timestamp.strftime


class TestDryRun:
    def test_it_changes_nothing_and_is_what_is_then_applied(
        self, server: Server, run: Run, file: Path
    ) -> None:
        for action in ("issued", "deactivated", "deleted"):
            before, text = snapshot(SHOP), file.read_text()
            server.actions.clear()
            dry = rotate(run, SHOP, "--dry-run")
            assert list(dry) == [*TURN, "steps"]
            assert server.writes == []
            assert (snapshot(SHOP), file.read_text()) == (before, text)
            assert dry["action"] == action
            applied = rotate(run, SHOP)
            assert applied["action"] == action
            planned = [step["action"] for step in dry["steps"]]
            assert [f"iam:{a}" for a in server.writes] == [
                a for a in planned if a.startswith("iam:")
            ]

    def test_for_people_it_is_the_plan_on_stdout(self, run: Run, file: Path) -> None:
        answer = run("rotate-keys", SHOP, "--dry-run")
        assert answer.status == 0
        assert answer.stdout == (
            "shop.example.com\n"
            "+ iam:TagUser: set the tags ses-tenant:delivered\n"
            "+ iam:CreateAccessKey: issue an access key for ses-shop.example.com\n"
            f"+ file:Put: deliver the credentials to file:{file}\n"
            "+ iam:TagUser: note the delivery in the tag ses-tenant:delivered\n"
        )

    def test_it_needs_no_yes(self, run: Run, file: Path) -> None:
        for _ in range(2):
            rotate(run, SHOP)
        answer = run("rotate-keys", SHOP, "--quarantine", "0s", "--dry-run")
        assert answer.status == 0
        assert "- iam:DeleteAccessKey: delete the access key AKIA" in answer.stdout
        assert key_in(file.read_text()) not in answer.stdout


class TestDue:
    def test_only_due_tenants_are_touched(self, run: Run, tmp_path: Path) -> None:
        files = {domain: to_file(run, tmp_path, domain) for domain in (SHOP, BLOG, NEWS)}
        grow_old(BLOG, 91)
        grow_old(NEWS, 89)
        before = {domain: snapshot(domain) for domain in (SHOP, NEWS)}
        answer = run("rotate-keys", "-o", "json")
        assert answer.status == 0
        found = {t["domain"]: t["action"] for t in answer.json["data"]["tenants"]}
        assert found == {SHOP: "none", BLOG: "issued", NEWS: "none"}
        assert {domain: snapshot(domain) for domain in (SHOP, NEWS)} == before
        assert len(statuses(BLOG)) == 2
        assert key_in(files[BLOG].read_text()) in statuses(BLOG)

    def test_max_age_says_what_is_due(self, run: Run, file: Path) -> None:
        grow_old(SHOP, 31)
        assert rotate(run, "--max-age", "32d")["action"] == "none"
        assert rotate(run, "--max-age", "30d")["action"] == "issued"
        assert key_in(file.read_text()) in statuses(SHOP)

    def test_nothing_due_costs_three_requests_and_writes_nothing(
        self, server: Server, run: Run, tmp_path: Path
    ) -> None:
        for domain in (SHOP, BLOG, NEWS):
            to_file(run, tmp_path, domain)
        server.actions.clear()
        assert run("rotate-keys").status == 0
        assert server.actions == [
            "GetAccountAuthorizationDetails",
            "GenerateCredentialReport",
            "GetCredentialReport",
        ]

    def test_a_due_secret_that_nobody_asked_for_is_not_printed(
        self, server: Server, run: Run
    ) -> None:
        run("create", SHOP)
        grow_old(SHOP, 100)
        before = snapshot(SHOP)
        server.actions.clear()
        document = run("rotate-keys", "--yes", "-o", "json").json
        assert server.writes == ["GenerateCredentialReport"]
        assert [w["code"] for w in document["warnings"]] == ["not_rotated"]
        (only,) = document["data"]["tenants"]
        assert (only["action"], only["next_step"]) == ("none", "rotate")
        assert "credentials" not in only
        answer = run("rotate-keys", "--yes")
        assert (answer.status, answer.stdout) == (0, "")
        assert "Warning: shop.example.com is due, and its credentials go to stdout." in (
            answer.stderr
        )
        assert snapshot(SHOP) == before

    def test_a_stdout_tenant_that_is_named_is_printed(self, run: Run) -> None:
        run("create", SHOP)
        run("create", BLOG, "--smtp")
        shop = rotate(run, SHOP)
        assert list(shop) == [*TURN, "credentials"]
        assert (shop["state"], shop["next_step"], shop["next_step_at"]) == (
            "OVERLAP",
            "finish",
            None,
        )
        assert list(shop["credentials"]) == ["access_key_id", "secret_access_key", "smtp"]
        assert shop["credentials"]["access_key_id"] in statuses(SHOP)
        blog = run("rotate-keys", BLOG)
        assert re.search(r"^SMTP_PASSWORD=[A-Za-z0-9+/]{44}$", blog.stdout, re.MULTILINE)
        assert "not verified" in blog.stderr
        # Nobody can read back what was printed, so no Active key is retired unasked.
        assert rotate(run, SHOP)["action"] == "none"
        assert list(statuses(SHOP).values()) == ["Active", "Active"]
        assert rotate(run, SHOP, "--finish")["action"] == "deactivated"


class TestSeveral:
    def test_one_that_fails_does_not_stop_the_others(self, run: Run, tmp_path: Path) -> None:
        files = {domain: to_file(run, tmp_path, domain) for domain in (SHOP, BLOG, NEWS)}
        files[BLOG].write_text("PASSWORD=of-somebody-else\n")
        before = snapshot(BLOG)
        answer = run("rotate-keys", SHOP, BLOG, NEWS, "-o", "json")
        assert answer.status == 3
        assert answer.json["status"] == "partial"
        assert answer.error["code"] == "destination_unavailable"
        assert str(files[BLOG]) in answer.error["message"]
        assert "--force" in answer.error["hint"]
        tenants = {t["domain"]: t for t in answer.json["data"]["tenants"]}
        assert [list(t) for t in tenants.values()] == [TURN] * 3
        assert {domain: t["action"] for domain, t in tenants.items()} == {
            SHOP: "issued",
            BLOG: "failed",
            NEWS: "issued",
        }
        assert tenants[BLOG]["next_step"] == "resolve"
        assert snapshot(BLOG) == before
        assert files[BLOG].read_text() == "PASSWORD=of-somebody-else\n"

    def test_the_summary_counts_them(self, run: Run, tmp_path: Path) -> None:
        to_file(run, tmp_path)
        answer = run("rotate-keys", SHOP, BLOG)
        assert (answer.status, answer.stdout) == (3, "")
        assert "2 tenants, 1 changed, 1 failed\n" in answer.stderr
        assert "Error: There is no tenant blog.example.org.\n" in answer.stderr

    def test_an_unknown_tenant_is_not_found(self, server: Server, run: Run) -> None:
        answer = run("rotate-keys", SHOP, "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "not_found")
        assert "There is no tenant yet." in answer.error["hint"]
        assert server.writes == []

    def test_no_tenants_at_all_are_nothing_to_do(self, run: Run) -> None:
        answer = run("rotate-keys", "-o", "json")
        assert (answer.status, answer.json["data"]) == (0, {"tenants": []})


class TestUsage:
    @pytest.mark.parametrize(
        "mode",
        [
            ("--finish",),
            ("--abort",),
            ("--rollback",),
            ("--compromised",),
            ("--reactivate", "AKIAIOSFODNN7EXAMPLE"),
        ],
    )
    def test_a_mode_needs_a_domain(self, server: Server, run: Run, mode: tuple[str, ...]) -> None:
        answer = run("rotate-keys", *mode, "-o", "json")
        assert (answer.status, answer.error["code"]) == (2, "usage")
        assert mode[0] in answer.error["message"]
        assert server.actions == []

    @pytest.mark.parametrize(
        "modes",
        [
            ("--finish", "--abort"),
            ("--rollback", "--compromised"),
            ("--abort", "--reactivate", "AKIAIOSFODNN7EXAMPLE"),
        ],
    )
    def test_two_modes_contradict(self, server: Server, run: Run, modes: tuple[str, ...]) -> None:
        answer = run("rotate-keys", SHOP, *modes, "-o", "json")
        assert (answer.status, answer.error["code"]) == (2, "usage")
        assert "contradict" in answer.error["message"]
        assert server.actions == []

    @pytest.mark.parametrize("option", ["--max-age", "--grace", "--quarantine"])
    @pytest.mark.parametrize("text", ["", "5", "h", "-1d", "1.5h", "1w", "1d12h", "9999999d"])
    def test_what_is_no_time(self, server: Server, run: Run, option: str, text: str) -> None:
        answer = run("rotate-keys", SHOP, f"{option}={text}", "-o", "json")
        assert (answer.status, answer.error["code"]) == (2, "usage")
        assert option in answer.error["message"]
        assert server.actions == []

    def test_a_deletion_asks_and_there_is_nobody(
        self, server: Server, run: Run, file: Path
    ) -> None:
        for _ in range(2):
            rotate(run, SHOP)
        before, text = snapshot(SHOP), file.read_text()
        server.actions.clear()
        answer = run("rotate-keys", SHOP, "--quarantine", "0s", "-o", "json")
        assert answer.status == 2
        assert answer.error == {
            "code": "usage",
            "message": "This destroys something, and there is no terminal to ask.",
            "hint": "Add --yes to go ahead, or --dry-run to see the plan.",
        }
        assert server.writes == []
        assert (snapshot(SHOP), file.read_text()) == (before, text)


class TestModes:
    def test_finish_ends_the_grace_time(self, run: Run, file: Path) -> None:
        old = key_in(file.read_text())
        run("rotate-keys", SHOP)
        found = turn(run("rotate-keys", SHOP, "--finish", "-o", "json"))
        assert (found["action"], found["access_key_id"]) == ("deactivated", old)

    def test_finish_of_nothing_issues_nothing(self, run: Run, file: Path) -> None:
        assert rotate(run, SHOP, "--finish")["action"] == "none"
        assert list(statuses(SHOP)) == [key_in(file.read_text())]

    def test_rollback_makes_the_old_key_active_again(self, run: Run, file: Path) -> None:
        old = key_in(file.read_text())
        run("rotate-keys", SHOP)
        run("rotate-keys", SHOP, "--finish")
        found = turn(run("rotate-keys", SHOP, "--rollback", "-o", "json"))
        assert (found["state"], found["action"], found["access_key_id"]) == (
            "OVERLAP",
            "reactivated",
            old,
        )
        assert set(statuses(SHOP).values()) == {"Active"}
        # The grace time starts anew.
        assert turn(run("rotate-keys", SHOP, "-o", "json"))["action"] == "none"

    @pytest.mark.parametrize("mode", ["--rollback", "--abort"])
    def test_there_must_be_a_rotation(self, run: Run, file: Path, mode: str) -> None:
        before, text = snapshot(SHOP), file.read_text()
        answer = run("rotate-keys", SHOP, mode, "--yes", "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "not_found")
        assert f"ses-tenant show {SHOP}" in answer.error["hint"]
        assert (snapshot(SHOP), file.read_text()) == (before, text)

    def test_abort_drops_a_printed_key_that_reached_nobody(self, run: Run) -> None:
        run("create", SHOP)
        old = list(statuses(SHOP))
        issued = rotate(run, SHOP)["access_key_id"]
        found = rotate(run, SHOP, "--abort")
        assert (found["action"], found["access_key_id"]) == ("deleted", issued)
        assert list(statuses(SHOP)) == old

    @pytest.mark.parametrize("force", [(), ("--force",)])
    def test_abort_never_drops_what_the_destination_holds(
        self, run: Run, file: Path, force: tuple[str, ...]
    ) -> None:
        rotate(run, SHOP)
        answer = run("rotate-keys", SHOP, "--abort", "--yes", *force, "-o", "json")
        assert (answer.status, answer.error["code"]) == (3, "partial_failure")
        assert key_in(file.read_text()) in answer.error["message"]
        assert "--compromised" in answer.error["hint"]
        assert len(statuses(SHOP)) == 2

    def test_compromised_leaves_one_active_key(self, run: Run, file: Path) -> None:
        old = key_in(file.read_text())
        found = turn(run("rotate-keys", SHOP, "--compromised", "-o", "json"))
        new = key_in(file.read_text())
        assert (found["action"], found["access_key_id"]) == ("issued", new)
        assert statuses(SHOP) == {old: "Inactive", new: "Active"}

    def test_compromised_in_the_middle_deletes_one_and_asks(self, run: Run, file: Path) -> None:
        rotate(run, SHOP)
        before = snapshot(SHOP)
        assert run("rotate-keys", SHOP, "--compromised").status == 2
        assert snapshot(SHOP) == before
        rotate(run, SHOP, "--compromised")
        new = key_in(file.read_text())
        assert new not in before[0]  # type: ignore[operator]
        assert {key for key, status in statuses(SHOP).items() if status == "Active"} == {new}

    def test_reactivate_refuses_a_key_that_is_not_there(self, run: Run, file: Path) -> None:
        answer = run("rotate-keys", SHOP, "--reactivate", "AKIAIOSFODNN7EXAMPLE", "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "not_found")
        assert key_in(file.read_text()) in answer.error["hint"]

    def test_force_is_for_keys_and_overwrites_no_foreign_file(self, run: Run, file: Path) -> None:
        before = snapshot(SHOP)
        file.write_text("PASSWORD=of-somebody-else\n")
        for force in ((), ("--force",)):
            refused = run("rotate-keys", SHOP, *force, "-o", "json")
            assert (refused.status, refused.error["code"]) == (1, "destination_unavailable")
        assert file.read_text() == "PASSWORD=of-somebody-else\n"
        assert snapshot(SHOP) == before
        file.unlink()
        assert rotate(run, SHOP, "--force")["action"] == "issued"
        assert key_in(file.read_text()) in statuses(SHOP)


def commands_in(hint: str) -> list[list[str]]:
    """Return the arguments of each command that a hint names."""
    return [c.split() for c in re.findall(r"ses-tenant (rotate-keys [\w.-]+(?: [\w-]+)*)", hint)]


class TestRefusalsNameTheirWayOut:
    def test_locked_out_with_a_held_key(self, run: Run, file: Path) -> None:
        held = key_in(file.read_text())
        set_status(SHOP, held, "Inactive")
        answer = run("rotate-keys", SHOP, "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "not_found")
        reactivate, compromised = commands_in(answer.error["hint"])
        assert reactivate == ["rotate-keys", SHOP, "--reactivate", held]
        assert compromised == ["rotate-keys", SHOP, "--compromised"]
        assert run(*reactivate).status == 0
        assert statuses(SHOP) == {held: "Active"}

    def test_locked_out_for_a_new_key(self, run: Run, file: Path) -> None:
        set_status(SHOP, key_in(file.read_text()), "Inactive")
        *_, compromised = commands_in(run("rotate-keys", SHOP, "-o", "json").error["hint"])
        assert run(*compromised).status == 0
        assert statuses(SHOP)[key_in(file.read_text())] == "Active"

    def test_confused_by_an_inactive_held_key(self, server: Server, run: Run, file: Path) -> None:
        held = key_in(file.read_text())
        grow_old(SHOP, 2)
        other = add_key(server, SHOP)
        (key,) = [key for key in user(SHOP).access_keys if key.access_key_id == other]
        key.create_date -= (key.create_date - user(SHOP).access_keys[0].create_date) * 2
        set_status(SHOP, held, "Inactive")
        answer = run("rotate-keys", SHOP, "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "not_found")
        (command,) = commands_in(answer.error["hint"])
        assert command == ["rotate-keys", SHOP, "--reactivate", held]
        assert run(*command).status == 0
        assert statuses(SHOP)[held] == "Active"
        assert turn(run("rotate-keys", SHOP, "-o", "json"))["state"] == "OVERLAP"

    def test_confused_by_a_held_key_that_is_gone(self, run: Run, file: Path) -> None:
        held = key_in(file.read_text())
        file.write_text(file.read_text().replace(held, "AKIAIOSFODNN7EXAMPLE"))
        answer = run("rotate-keys", SHOP, "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "not_found")
        assert "AKIAIOSFODNN7EXAMPLE" in answer.error["message"]
        (command,) = commands_in(answer.error["hint"])
        assert command == ["rotate-keys", SHOP, "--force"]
        assert run(*command).status == 0
        assert re.fullmatch(KEY_ID, key_in(file.read_text()))
        assert key_in(file.read_text()) in statuses(SHOP)
        assert turn(run("rotate-keys", SHOP, "-o", "json"))["state"] == "OVERLAP"


class TestSuspend:
    def test_exactly_the_keys_that_were_active_come_back(self, run: Run, file: Path) -> None:
        run("rotate-keys", SHOP)
        run("rotate-keys", SHOP, "--finish")
        before = statuses(SHOP)
        assert sorted(before.values()) == ["Active", "Inactive"]
        suspended = run("suspend", SHOP, "-o", "json")
        assert (suspended.status, suspended.stderr) == (0, "")
        only = turn(suspended)
        assert list(only) == ["domain", "suspended", "reason", "steps"]
        assert (only["domain"], only["suspended"]) == (SHOP, True)
        assert [step["action"] for step in only["steps"]] == [
            "iam:PutUserPolicy",
            "iam:UpdateAccessKey",
        ]
        assert set(statuses(SHOP).values()) == {"Inactive"}
        assert set(user(SHOP).policies) == {"ses-tenant-sending", "ses-tenant-suspended"}
        resumed = turn(run("resume", SHOP, "-o", "json"))
        assert list(resumed) == ["domain", "resumed", "reason", "steps"]
        assert statuses(SHOP) == before
        assert set(user(SHOP).policies) == {"ses-tenant-sending"}
        assert statuses(SHOP)[key_in(file.read_text())] == "Active"

    @pytest.mark.parametrize("rotations", [0, 1])
    def test_it_costs_at_most_five_requests_and_denies_first(
        self, server: Server, run: Run, file: Path, rotations: int
    ) -> None:
        for _ in range(rotations):
            run("rotate-keys", SHOP)
        server.actions.clear()
        run("suspend", SHOP)
        assert server.actions == [
            "GetUser",
            "ListAccessKeys",
            "PutUserPolicy",
            *["UpdateAccessKey"] * (rotations + 1),
        ]
        assert len(server.actions) <= 5
        assert key_in(file.read_text()) in statuses(SHOP)

    def test_it_is_sticky(self, server: Server, run: Run, file: Path) -> None:
        run("suspend", SHOP)
        before, text = snapshot(SHOP), file.read_text()
        server.actions.clear()
        named = run("rotate-keys", SHOP, "--yes", "-o", "json")
        assert named.status == 0
        assert (turn(named)["state"], turn(named)["action"]) == ("SUSPENDED", "none")
        assert turn(named)["next_step"] == "resume"
        assert turn(run("rotate-keys", "--yes", "-o", "json"))["state"] == "SUSPENDED"
        created = run("create", SHOP, "-o", "json")
        assert created.status == 0
        assert created.json["data"]["credentials"] is None
        assert [w["code"] for w in created.json["warnings"]] == ["suspended"]
        assert run("list", "-o", "json").json["data"]["tenants"][0]["state"] == "SUSPENDED"
        for mode in ("--compromised", "--rollback", "--abort"):
            refused = run("rotate-keys", SHOP, mode, "--yes", "-o", "json")
            assert (refused.status, refused.error["code"]) == (1, "suspended")
            assert f"ses-tenant resume {SHOP}" in refused.error["hint"]
        assert set(server.writes) == {"GenerateCredentialReport"}
        assert (snapshot(SHOP), file.read_text()) == (before, text)

    def test_twice_is_once(self, server: Server, run: Run, file: Path) -> None:
        before = statuses(SHOP)
        run("suspend", SHOP)
        record = dict(user(SHOP).policies)
        server.actions.clear()
        answer = run("suspend", SHOP)
        assert answer.status == 0
        assert "nothing to change" in answer.stderr
        assert server.writes == []
        assert dict(user(SHOP).policies) == record
        run("resume", SHOP)
        assert statuses(SHOP) == before == {key_in(file.read_text()): "Active"}
        assert "nothing to change" in run("resume", SHOP).stderr

    def test_all(self, run: Run) -> None:
        for domain in (SHOP, BLOG, NEWS):
            run("create", domain)
        before = {domain: snapshot(domain) for domain in (SHOP, BLOG, NEWS)}
        suspended = run("suspend", "--all", "-o", "json")
        assert suspended.status == 0
        assert {t["domain"]: t["suspended"] for t in suspended.json["data"]["tenants"]} == (
            dict.fromkeys((SHOP, BLOG, NEWS), True)
        )
        assert all(set(statuses(domain).values()) == {"Inactive"} for domain in (SHOP, BLOG, NEWS))
        assert run("resume", "--all").status == 0
        assert {domain: snapshot(domain) for domain in (SHOP, BLOG, NEWS)} == before

    def test_dry_run_changes_nothing(self, server: Server, run: Run, file: Path) -> None:
        server.actions.clear()
        answer = run("suspend", SHOP, "--dry-run", "-o", "json")
        assert (answer.status, turn(answer)["suspended"]) == (0, False)
        assert len(turn(answer)["steps"]) == 2
        assert server.writes == []
        assert statuses(SHOP) == {key_in(file.read_text()): "Active"}

    def test_the_reason_is_told_until_it_is_resumed(
        self, server: Server, run: Run, file: Path
    ) -> None:
        server.actions.clear()
        assert run("suspend", SHOP, "--reason", "WP 6.1 hacked,  see #12").status == 0
        assert server.writes == ["PutUserPolicy", "UpdateAccessKey", "TagUser"]
        why = r"suspended since \S+ \S+ UTC by hand: WP 6.1 hacked, see #12\n"
        listed = run("list")
        assert re.search(rf"\n\n{SHOP} is {why}", listed.stdout)
        reason = run("list", "-o", "json").json["data"]["tenants"][0]["reason"]
        assert (reason["by"], reason["text"]) == ("person", "WP 6.1 hacked, see #12")
        assert run("show", SHOP, "-o", "json").json["data"]["reason"] == reason
        shown = " ".join(run("show", SHOP).stdout.split())
        assert re.search(r"State suspended\b.* since \S+ \S+ UTC by hand: WP 6.1 hacked,", shown)
        resumed = run("resume", SHOP)
        assert re.search(rf"{SHOP}: resumed; it was {why}", resumed.stderr)
        assert "ses-tenant:suspended" not in dict(user(SHOP).tags)
        assert statuses(SHOP) == {key_in(file.read_text()): "Active"}
        assert run("list", "-o", "json").json["data"]["tenants"][0]["reason"] is None

    @pytest.mark.parametrize("text", ["", " ", "x" * 250])
    def test_a_reason_that_no_tag_can_hold(self, server: Server, run: Run, text: str) -> None:
        refused = run("suspend", SHOP, "--reason", text, "-o", "json")
        assert (refused.status, refused.error["code"]) == (2, "usage")
        assert server.actions == []

    @pytest.mark.parametrize("verb", ["suspend", "resume"])
    @pytest.mark.parametrize("targets", [(), (SHOP, "--all")])
    def test_names_or_all(
        self, server: Server, run: Run, verb: str, targets: tuple[str, ...]
    ) -> None:
        answer = run(verb, *targets, "-o", "json")
        assert (answer.status, answer.error["code"]) == (2, "usage")
        assert "--all" in answer.error["message"]
        assert server.actions == []

    @pytest.mark.parametrize("verb", ["suspend", "resume"])
    def test_an_unknown_tenant(self, run: Run, verb: str) -> None:
        answer = run(verb, SHOP, "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "not_found")
        run("create", BLOG)
        both = run(verb, SHOP, BLOG, "-o", "json")
        assert (both.status, both.json["status"]) == (3, "partial")
        assert both.error["code"] == "not_found"
