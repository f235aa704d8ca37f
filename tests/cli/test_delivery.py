"""Credentials reach their destination, and nothing else: not the terminal, a log or an argv."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from .account import (
    BLOG,
    SHOP,
    grow_old,
    key_in,
    recorded_secrets,
    secret_value,
    snapshot,
    statuses,
)
from .aws_server import OPERATOR_SECRET, Script, Server, error_xml
from .conftest import Answer, Run

pytestmark = pytest.mark.usefixtures("server")

INTERFACES = ["--api", "--smtp"]
AT_ONCE = ("--grace", "0s", "--quarantine", "0s", "--yes")
FOREIGN = "PASSWORD=of-somebody-else\n"


@pytest.fixture
def secrets() -> Iterator[list[str]]:
    """Every secret access key and SMTP password that this test's account has issued."""
    with recorded_secrets() as secrets:
        yield secrets


@pytest.fixture
def secretly(run: Run, secrets: list[str]) -> Run:
    """Run a command that must not print any secret that was ever issued."""

    def secretly(*arguments: str, **options: Any) -> Answer:
        answer = run(*arguments, **options)
        printed = answer.stdout + answer.stderr
        assert not any(secret in printed for secret in [*secrets, OPERATOR_SECRET])
        return answer

    return secretly


def held_text(server: Server, destination: str) -> str:
    """Return what a destination holds."""
    scheme, _, name = destination.partition(":")
    match scheme:
        case "secretsmanager":
            return json.dumps(secret_value(server, name))
        case "ssm":
            parameter = server.client("ssm").get_parameter(Name=name, WithDecryption=True)
            assert parameter["Parameter"]["Type"] == "SecureString"
            return str(parameter["Parameter"]["Value"])
        case "command":
            return Path(name.removeprefix("cat > ")).read_text()
        case _:
            return Path(name).read_text()


DESTINATIONS = ["file", "secretsmanager", "ssm", "command"]


@pytest.fixture(params=DESTINATIONS)
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {
        "file": f"file:{tmp_path}/mail.env",
        "secretsmanager": "secretsmanager:mail/shop",
        "ssm": "ssm:/mail/shop",
        "command": f"command:cat > {tmp_path}/from-command.json",
    }[str(request.param)]


def _in_pairs() -> list[ParameterSet]:
    """Return each destination with each interface and output; the others of all cases are rare.

    A destination knows nothing of the output, and every two of the three values meet.
    """
    return [
        pytest.param(
            to, interface, output, marks=[pytest.mark.rare] if (one + two + three) % 2 else []
        )
        for one, to in enumerate(DESTINATIONS)
        for two, interface in enumerate(INTERFACES)
        for three, output in enumerate(("table", "json"))
    ]


class TestDestinations:
    @pytest.mark.parametrize(
        ("destination", "interface", "output"), _in_pairs(), indirect=["destination"]
    )
    def test_create_delivers_and_prints_no_secret(
        self,
        server: Server,
        secretly: Run,
        secrets: list[str],
        destination: str,
        interface: str,
        output: str,
    ) -> None:
        answer = secretly("create", SHOP, interface, "--to", destination, "--debug", "-o", output)
        assert answer.status == 0
        text = held_text(server, destination)
        assert sum(json.dumps(secret)[1:-1] in text for secret in secrets) == 1
        assert [key_in(text)] == list(statuses(SHOP))
        if output == "table":
            assert answer.stdout == ""
            assert "shown this once" not in answer.stderr
            return
        data = answer.json["data"]
        assert data["destination"] == destination
        assert list(data["credentials"]) == ["access_key_id", "smtp"]
        assert [list(login) for login in data["credentials"]["smtp"]] == (
            [["region", "host", "port", "user_name"]] if interface == "--smtp" else []
        )

    def test_the_destination_is_remembered(self, run: Run, destination: str) -> None:
        run("create", SHOP, "--to", destination)
        assert run("show", SHOP, "-o", "json").json["data"]["destination"] == destination
        assert run("list", "-o", "json").json["data"]["tenants"][0]["destination"] == destination
        again = run("create", SHOP, "-o", "json")
        assert again.json["data"]["destination"] == destination
        assert again.json["data"]["steps"] == []

    # To a verb, destinations are alike; each keeps the secret in the test above.
    @pytest.mark.parametrize(
        "destination",
        ["ssm", *(pytest.param(to, marks=pytest.mark.rare) for to in DESTINATIONS if to != "ssm")],
        indirect=True,
    )
    def test_every_command_in_a_tenants_life_keeps_the_secret(
        self, server: Server, secretly: Run, secrets: list[str], destination: str
    ) -> None:
        debug = ("--debug", "-o", "json")
        secretly("create", SHOP, "--to", destination, "--verify", *debug)
        for mode in ((), ("--finish",), (), (), ("--compromised",), ("--rollback",)):
            for last in (("--dry-run",), ()):
                assert secretly("rotate-keys", SHOP, *mode, *AT_ONCE, *last, *debug).status == 0
        assert len(secrets) >= 6
        assert key_in(held_text(server, destination)) in statuses(SHOP)
        for verb in (
            ("create", SHOP),
            ("show", SHOP),
            ("list",),
            ("suspend", SHOP),
            ("rotate-keys", SHOP, "--abort"),
            ("rotate-keys",),
            ("resume", SHOP),
            ("delete", SHOP, "--yes"),
        ):
            for output in ("table", "json"):
                secretly(*verb, "--debug", "-o", output)

    def test_delete_tells_that_dead_credentials_are_still_there(
        self, server: Server, run: Run, destination: str
    ) -> None:
        run("create", SHOP, "--to", destination)
        answer = run("delete", SHOP, "--yes")
        assert answer.status == 0
        assert f"The dead credentials are still in {destination}.\n" in answer.stderr
        assert key_in(held_text(server, destination))


class TestFormats:
    @pytest.mark.parametrize(
        ("form", "interface", "begins"),
        [
            ("env", "--api", "AWS_ACCESS_KEY_ID=AKIA"),
            ("env", "--smtp", "SMTP_HOST=email-smtp.eu-central-1.amazonaws.com\n"),
            ("json", "--api", '{\n  "version": 1,\n'),
            ("symfony", "--api", 'MAILER_DSN="ses+https://AKIA'),
            ("symfony", "--smtp", 'MAILER_DSN="ses+smtp://AKIA'),
        ],
    )
    def test_stdout_is_written_in_it(
        self, run: Run, form: str, interface: str, begins: str
    ) -> None:
        answer = run("create", SHOP, interface, "--format", form)
        assert answer.status == 0
        assert answer.stdout.startswith(begins)

    def test_django_is_assignments(self, run: Run, secrets: list[str]) -> None:
        answer = run("create", SHOP, "--smtp", "--format", "django")
        values: dict[str, object] = {}
        exec(answer.stdout, values)
        assert values["EMAIL_HOST"] == "email-smtp.eu-central-1.amazonaws.com"
        assert values["EMAIL_HOST_USER"] in statuses(SHOP)
        assert values["EMAIL_HOST_PASSWORD"] in secrets

    def test_a_file_keeps_its_format_when_keys_rotate(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "mail.php"
        run("create", SHOP, "--to", f"file:{file}", "--format", "wp-mail-smtp")
        before = file.read_text()
        assert before.startswith("<?php")
        run("rotate-keys", SHOP)
        shape = re.compile(r"=> .*|, '.*' \);")
        assert shape.sub("", file.read_text()) == shape.sub("", before)
        assert key_in(file.read_text()) != key_in(before)

    @pytest.mark.parametrize(
        ("form", "interface"),
        [
            ("postfix", "--api"),
            ("msmtp", "--api"),
            ("nodemailer", "--api"),
            ("aws-profile", "--smtp"),
            ("wp-offload-ses", "--smtp"),
            ("no-such-format", "--api"),
        ],
    )
    @pytest.mark.parametrize("to", ["-", "file"])
    def test_one_that_the_interface_cannot_serve_writes_nothing(
        self, server: Server, run: Run, tmp_path: Path, form: str, interface: str, to: str
    ) -> None:
        to = f"file:{tmp_path}/mail" if to == "file" else to
        answer = run("create", SHOP, interface, "--format", form, "--to", to, "-o", "json")
        assert (answer.status, answer.error["code"]) == (2, "usage")
        assert form in answer.error["message"]
        assert server.writes == []
        assert list(tmp_path.iterdir()) == []

    def test_a_mismatch_that_needs_no_tenant_costs_no_request(
        self, server: Server, run: Run
    ) -> None:
        assert run("create", SHOP, "--api", "--format", "postfix").status == 2
        assert server.actions == []


class TestRefusals:
    @pytest.mark.parametrize(
        "to", ["", "file:", "s3:bucket", "/srv/mail.env", "file:/", "secretsmanager", "ssm: "]
    )
    def test_what_is_no_destination(self, server: Server, run: Run, to: str) -> None:
        answer = run("create", SHOP, "--to", to, "-o", "json")
        assert (answer.status, answer.error["code"]) == (2, "usage")
        assert server.actions == []

    def test_a_foreign_file_is_kept_unless_forced(
        self, server: Server, secretly: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "mail.env"
        file.write_text(FOREIGN)
        to = ("--to", f"file:{file}")
        answer = secretly("create", SHOP, *to, "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "destination_unavailable")
        assert "--force" in answer.error["hint"]
        assert file.read_text() == FOREIGN
        assert server.writes == []
        assert secretly("create", SHOP, *to, "--force").status == 0
        assert key_in(file.read_text()) in statuses(SHOP)
        assert file.stat().st_mode & 0o777 == 0o640

    def test_another_tenants_file_is_foreign(self, secretly: Run, tmp_path: Path) -> None:
        file = tmp_path / "mail.env"
        secretly("create", BLOG, "--to", f"file:{file}")
        before = file.read_text()
        assert secretly("create", SHOP, "--to", f"file:{file}").status == 1
        assert file.read_text() == before

    def test_a_folder_that_is_not_there_issues_nothing(
        self, server: Server, secretly: Run, tmp_path: Path
    ) -> None:
        answer = secretly("create", SHOP, "--to", f"file:{tmp_path}/no/mail.env", "-o", "json")
        assert (answer.status, answer.error["code"]) == (1, "destination_unavailable")
        assert server.writes == []

    def test_a_command_that_fails_leaves_no_key_and_repeats_nothing(
        self, secretly: Run, secrets: list[str]
    ) -> None:
        for output in ("table", "json"):
            answer = secretly(
                "create", SHOP, "--to", "command:tee /dev/stderr; exit 3", "--debug", "-o", output
            )
            assert answer.status in (1, 3)
            assert "status 3" in answer.stdout + answer.stderr
            assert statuses(SHOP) == {}
        assert len(secrets) == 4

    def test_a_file_that_became_foreign_stops_a_rotation(
        self, secretly: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "mail.env"
        secretly("create", SHOP, "--to", f"file:{file}")
        file.write_text(FOREIGN)
        before = snapshot(SHOP)
        assert secretly("rotate-keys", SHOP, "--debug").status == 1
        assert (file.read_text(), snapshot(SHOP)) == (FOREIGN, before)


class TestMoving:
    def test_the_new_destination_is_empty_until_the_keys_rotate(
        self, server: Server, run: Run, tmp_path: Path, secrets: list[str]
    ) -> None:
        old_file, new_file = tmp_path / "old.env", tmp_path / "new.env"
        run("create", SHOP, "--to", f"file:{old_file}")
        old = key_in(old_file.read_text())
        server.actions.clear()
        moved = run("create", SHOP, "--to", f"file:{new_file}", "-o", "json")
        assert moved.status == 0
        assert moved.json["data"]["credentials"] is None
        assert moved.json["data"]["destination"] == f"file:{new_file}"
        (warning,) = moved.json["warnings"]
        assert warning["code"] == "destination_empty"
        assert f"ses-tenant rotate-keys {SHOP}" in warning["message"]
        assert server.writes == ["TagUser"]
        assert not new_file.exists()
        rotated = run("rotate-keys", SHOP, "-o", "json").json["data"]["tenants"][0]
        assert (rotated["action"], rotated["state"]) == ("issued", "OVERLAP")
        assert key_in(new_file.read_text()) == rotated["access_key_id"] != old
        assert key_in(old_file.read_text()) == old
        assert statuses(SHOP)[old] == "Active"
        assert len(secrets) == 4

    def test_from_stdout_to_a_file(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "mail.env"
        run("create", SHOP)
        run("create", SHOP, "--to", f"file:{file}")
        (key,) = statuses(SHOP)
        grow_old(SHOP, 91)
        assert run("rotate-keys").status == 0
        assert key_in(file.read_text()) in statuses(SHOP)
        assert statuses(SHOP)[key] == "Active"


def test_a_command_gets_the_secret_on_stdin_and_nowhere_else(
    secretly: Run, secrets: list[str], tmp_path: Path
) -> None:
    for interface, domain in (("--api", SHOP), ("--smtp", BLOG)):
        folder = tmp_path / domain
        folder.mkdir()
        command = (
            f"cd {folder}; cat > stdin; cat /proc/$$/cmdline /proc/$PPID/cmdline > argv; "
            "cat /proc/$$/environ > environ"
        )
        assert secretly("create", domain, interface, "--to", f"command:{command}").status == 0
        assert secretly("rotate-keys", domain).status == 0
        assert any(secret in (folder / "stdin").read_text() for secret in secrets)
        for seen in ("argv", "environ"):
            text = (folder / seen).read_text()
            assert text
            assert not any(secret in text for secret in secrets)


@pytest.fixture
def sts_refuses(stub: Script, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """STS never knows a new key; no pause is slept."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
    stub.default = (403, error_xml("InvalidClientTokenId", "The token is invalid"))
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.mark.usefixtures("sts_refuses")
class TestVerification:
    def test_create_does_not_verify_unless_asked(self, run: Run, tmp_path: Path) -> None:
        assert run("create", SHOP, "--to", f"file:{tmp_path}/a").status == 0
        answer = run("create", BLOG, "--to", f"file:{tmp_path}/b", "--verify", "-o", "json")
        assert (answer.status, answer.json["status"]) == (3, "partial")
        assert answer.error["code"] == "partial_failure"
        assert answer.json["data"]["credentials"]["access_key_id"] in statuses(BLOG)

    def test_rotate_keys_does_and_leaves_the_old_key_alone(
        self, secretly: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "mail.env"
        secretly("create", SHOP, "--to", f"file:{file}")
        old = key_in(file.read_text())
        answer = secretly("rotate-keys", SHOP, "--debug", "-o", "json")
        assert (answer.status, answer.json["status"]) == (3, "partial")
        assert key_in(file.read_text()) in answer.error["message"]
        assert statuses(SHOP) == {old: "Active", key_in(file.read_text()): "Active"}
        assert secretly("rotate-keys", SHOP, "--no-verify").status == 0

    def test_a_printed_key_that_is_not_accepted_is_printed_all_the_same(
        self, run: Run, secrets: list[str]
    ) -> None:
        run("create", SHOP)
        answer = run("rotate-keys", SHOP, "-o", "json")
        assert answer.status == 3
        assert secrets[2] in answer.stdout

    def test_for_people_it_is_printed(self, run: Run, secrets: list[str]) -> None:
        run("create", SHOP)
        answer = run("rotate-keys", SHOP)
        assert answer.status == 3
        assert secrets[2] in answer.stdout

    def test_no_older_key_was_touched_is_only_said_where_it_is_true(
        self, run: Run, tmp_path: Path
    ) -> None:
        run("create", SHOP, "--to", f"file:{tmp_path}/mail.env")
        answer = run("rotate-keys", SHOP, "--compromised", "-o", "json")
        touched = "Inactive" in statuses(SHOP).values()
        assert not (touched and "No older key was touched" in answer.error["hint"])

    def test_the_command_that_the_hint_names_resolves_it(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "mail.env"
        run("create", SHOP, "--to", f"file:{file}")
        hint = run("rotate-keys", SHOP, "-o", "json").error["hint"]
        assert "--abort" not in hint or run("rotate-keys", SHOP, "--abort", "--yes").status == 0
        assert f"ses-tenant show {SHOP}" in hint
