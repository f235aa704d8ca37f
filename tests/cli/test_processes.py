"""What only a process of its own can show: pipes, terminals, signals, the sandbox."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from .aws_server import Script, Server, error_xml
from .conftest import Run, without_progress

pytestmark = pytest.mark.usefixtures("server")

SHOP = "shop.example.com"
SES_TENANT = [sys.executable, "-m", "ses_tenant"]


def access_keys(server: Server) -> list[str]:
    keys = server.client("iam").list_access_keys(UserName="ses-shop.example.com")
    return [key["AccessKeyId"] for key in keys["AccessKeyMetadata"]]


def test_the_result_goes_into_a_file_and_the_notes_to_the_terminal(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    with env_file.open("w") as stdout:
        done = subprocess.run(
            [*SES_TENANT, "create", SHOP],
            stdout=stdout,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=True,
        )
    names = [line.partition("=")[0] for line in env_file.read_text().splitlines()]
    assert names == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ]
    assert without_progress(done.stderr).splitlines() == [
        (
            "shop.example.com: create the IAM user ses-shop.example.com under "
            "/ses-tenant/shop.example.com/: done"
        ),
        "shop.example.com: attach the inline policy ses-tenant-sending: done",
        "shop.example.com: issue an access key for ses-shop.example.com: done",
        "These credentials send only as *@shop.example.com.",
        "They are shown this once. IAM may need some seconds until they work.",
        "",
        "Put them into the .env file that the site reads.",
        (
            "To send a test mail, where the site runs: python3 examples/send_boto3.py "
            "test@shop.example.com success@simulator.amazonses.com"
        ),
        "To see whether all is well: ses-tenant check shop.example.com",
        "",
        "Before mail arrives:",
        (
            "- SES has no email identity for shop.example.com in eu-central-1, so it refuses its "
            "mail."
        ),
        "Next: ses-tenant identity create shop.example.com --region eu-central-1",
    ]


def on_a_full_disk(*arguments: str) -> tuple[int, str]:
    """Run a command with stdout on a full disk; return its status and its stderr."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*SES_TENANT, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
    return done.returncode, done.stderr


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_full_disk_leaves_no_key_behind(server: Server, output: str) -> None:
    status, stderr = on_a_full_disk("create", SHOP, "-o", output)
    assert status != 0
    assert "Traceback" not in stderr
    if output == "table":
        assert status == 3
        assert (
            "Error: The credentials of shop.example.com could not be printed: No space left on "
            "device. The new access key was deleted again. " in stderr
        )
    of_iam = [action for action in server.actions if "/v2/" not in action]  # SES is asked meanwhile
    assert of_iam[-2:] == ["CreateAccessKey", "DeleteAccessKey"]
    assert access_keys(server) == []


@pytest.mark.parametrize(
    "command",
    [
        ("policy", SHOP),
        pytest.param(("list",), marks=pytest.mark.rare),
        pytest.param(("show", SHOP), marks=pytest.mark.rare),
    ],
)
def test_a_full_disk_is_no_traceback_with_json_either(command: tuple[str, ...]) -> None:
    status, stderr = on_a_full_disk(*command, "-o", "json")
    assert status != 0
    assert "Traceback" not in stderr


def test_a_closed_pipe_leaves_no_key_behind(server: Server) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*SES_TENANT, "create", SHOP],
        stdout=writer,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert access_keys(server) == []


def test_delete_without_a_terminal_and_without_yes_is_refused(server: Server, spawn: Run) -> None:
    server.client("iam").create_user(
        UserName="ses-shop.example.com",
        Path="/ses-tenant/shop.example.com/",
        Tags=[{"Key": "ses-tenant:domain", "Value": SHOP}],
    )
    server.actions.clear()
    answer = spawn("delete", SHOP, "-o", "json")
    assert answer.status == 2
    assert answer.error == {
        "code": "usage",
        "message": "This destroys something, and there is no terminal to ask.",
        "hint": "Add --yes to go ahead, or --dry-run to see the plan.",
    }
    assert server.writes == []


@contextmanager
def terminal(*command: str, env: dict[str, str] | None = None) -> Iterator["Terminal"]:
    """Run a command on a terminal of its own, 80 columns wide."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


class Terminal:
    """The other side of a terminal."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]") -> None:
        self._descriptor = descriptor
        self._process = process
        self.text = ""

    def read_until(self, text: str) -> None:
        while text not in self.text:
            chunk = os.read(self._descriptor, 4096)
            assert chunk
            self.text += chunk.decode()

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def finish(self) -> int:
        """Read the rest; return the exit status."""
        while True:
            try:
                chunk = os.read(self._descriptor, 4096)
            except OSError:  # Linux says so where the other side is closed
                break
            if not chunk:
                break
            self.text += chunk.decode()
        return self._process.wait(60)


@pytest.mark.parametrize(
    ("reply", "status", "left"),
    [("y\r", 0, 0), ("\r", 130, 1), pytest.param("n\r", 130, 1, marks=pytest.mark.rare)],
)
def test_delete_asks_on_a_terminal(run: Run, reply: str, status: int, left: int) -> None:
    run("create", SHOP)
    with terminal(*SES_TENANT, "delete", SHOP) as screen:
        screen.read_until("[y/N]")
        assert "- iam:DeleteUser: delete the IAM user ses-shop.example.com" in screen.text
        screen.type(reply)
        assert screen.finish() == status
    assert len(run("list", "-o", "json").json["data"]["tenants"]) == left


def test_ctrl_c_at_the_question_changes_nothing(server: Server, run: Run) -> None:
    run("create", SHOP)
    with terminal(*SES_TENANT, "delete", SHOP) as screen:
        screen.read_until("[y/N]")
        screen.interrupt()
        assert screen.finish() == 130
    assert "Traceback" not in screen.text
    assert "DeleteUser" not in server.actions


def test_no_color_is_kept_on_a_terminal(run: Run) -> None:
    run("create", SHOP)
    for command in (("list",), ("show", "blog.example.org")):
        with terminal(*SES_TENANT, *command, env={"NO_COLOR": "1"}) as screen:
            screen.finish()
        assert "\x1b[3" not in screen.text
        assert "\x1b[1" not in screen.text


def test_ctrl_c_in_the_middle_is_130_and_says_how_to_go_on(stub: Script) -> None:
    stub.hang_at = "CreateUser"
    stub.answers = {"GetUser": (404, error_xml("NoSuchEntity", "There is no such user."))}
    process = subprocess.Popen(
        [*SES_TENANT, "create", SHOP, "-o", "json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert stub.reached.wait(60)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    (error,) = json.loads(stdout)["errors"]
    assert (error["code"], error["message"]) == ("interrupted", "Interrupted.")
    assert "Run the same command again" in error["hint"]


def test_work_that_takes_longer_than_a_second_is_told_on_stderr(stub: Script) -> None:
    stub.hang_at = "GetAccountAuthorizationDetails"
    process = subprocess.Popen(
        [*SES_TENANT, "list"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert process.stderr.readline() == "Reading tenants ...\n"
    stub.released.set()
    stdout, _ = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (1, "")


IN_SANDBOX = """
import json, os, shutil, sys
print(json.dumps({
    "which": shutil.which("ses-tenant"),
    "aws": {name: value for name, value in os.environ.items() if name.startswith("AWS_")},
}))
sys.exit(7)
"""


def test_sandbox_passes_status_path_and_no_foreign_variable(spawn: Run) -> None:
    answer = spawn(
        "sandbox",
        "--",
        sys.executable,
        "-c",
        IN_SANDBOX,
        env={
            "AWS_PROFILE": "agency",
            "AWS_SESSION_TOKEN": "real",
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/real",
            "AWS_ENDPOINT_URL_IAM": "https://iam.amazonaws.com",
            "AWS_REGION": "eu-west-3",
            "AWS_DEFAULT_REGION": "",
        },
    )
    assert answer.status == 7
    seen = answer.json
    assert seen["which"] == str(Path(sys.executable).parent / "ses-tenant")
    url = seen["aws"].pop("AWS_ENDPOINT_URL")
    assert url.startswith("http://127.0.0.1:")
    assert seen["aws"] == {
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "eu-west-3",
        "AWS_DEFAULT_REGION": "eu-west-3",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.mark.rare  # .ci/run does it too
def test_sandbox_runs_the_main_job_with_its_options(spawn: Run) -> None:
    answer = spawn("sandbox", "--", "ses-tenant", "create", SHOP, "-o", "json")
    assert answer.status == 0
    assert answer.json["data"]["credentials"]["access_key_id"].startswith("AKIA")


def test_sandbox_passes_a_signal_as_a_shell_does(run: Run) -> None:
    answer = run("sandbox", "--", "sh", "-c", "kill -TERM $$")
    assert answer.status == 128 + signal.SIGTERM


def test_sandbox_says_which_command_does_not_exist(run: Run) -> None:
    answer = run("sandbox", "--", "no-such-command")
    assert (answer.status, answer.stdout) == (127, "")
    assert answer.stderr == (
        "Error: 'no-such-command' cannot be run: No such file or directory.\n"
        "Hint: After -- comes the command: ses-tenant sandbox -- ses-tenant list\n"
    )


def test_sandbox_without_a_command_serves_until_it_is_stopped() -> None:
    process = subprocess.Popen(
        [*SES_TENANT, "sandbox"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    lines = [process.stdout.readline() for _ in range(16)]
    assert lines[0].startswith("export AWS_ENDPOINT_URL=http://127.0.0.1:")
    assert [line.partition("=")[0] for line in lines[1:3]] == [
        "export AWS_ACCESS_KEY_ID",
        "export AWS_SECRET_ACCESS_KEY",
    ]
    url = lines[0].strip().partition("=")[2]
    assert process.stderr.readline() == f"The sandbox serves at {url} until Ctrl-C.\n"
    assert process.stderr.readline().startswith("SMTP: 127.0.0.1:")
    assert process.stderr.readline() == f"Outbox: {url}/_ses-tenant/\n"
    with urlopen(f"{url}/_ses-tenant/", timeout=10) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
    with pytest.raises(URLError):
        urlopen(f"{url}/_ses-tenant/", timeout=10)


def test_sandbox_without_its_extra_says_how_to_install_it(tmp_path: Path, spawn: Run) -> None:
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").write_text("raise ImportError('gone', name='moto')\n")
    answer = spawn("sandbox", "--", "true", env={"PYTHONPATH": str(tmp_path)})
    assert answer.status == 2
    assert answer.stderr == (
        "Error: The sandbox needs the package 'moto', which is not installed.\n"
        "Hint: Install the extra: pip install 'ses-tenant[sandbox]'\n"
    )


def test_python_m_and_the_script_are_the_same(spawn: Run) -> None:
    script = shutil.which("ses-tenant", path=str(Path(sys.executable).parent))
    assert script
    done = subprocess.run(
        [script, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == spawn("--help").stdout
