"""A command in a tag is somebody else's text: it runs where this machine has agreed to it."""

import shlex
from pathlib import Path

import pytest

from ses_tenant.core.tenant import naming

from .account import BLOG, SHOP, grow_old
from .aws_server import Server
from .conftest import Run

READS = [
    ["create", SHOP, "--dry-run"],
    ["rotate-keys", SHOP, "--dry-run"],
    ["rotate-keys", "--dry-run"],
    ["check"],
    ["check", SHOP],
    ["list"],
    ["show", SHOP],
    ["plan", "FILE"],
    ["audit"],
    ["export"],
    ["delete", SHOP, "--dry-run"],
    ["suspend", SHOP, "--dry-run"],
]


@pytest.fixture
def mark(server: Server, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands in a tenant's tags write, on a machine that has agreed to nothing."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert run("create", SHOP).status == 0
    grow_old(SHOP, 100)
    mark = tmp_path / "mark"
    tags = naming.tag_text(naming.TAG_DESTINATION, f"command:echo put >> {mark}")
    tags |= naming.tag_text(naming.TAG_READ_BACK, f"echo read >> {mark}")
    server.client("iam").tag_user(
        UserName=f"ses-{SHOP}", Tags=[{"Key": key, "Value": text} for key, text in tags.items()]
    )
    return mark


@pytest.mark.parametrize("verb", READS, ids=" ".join)
def test_what_only_reads_runs_no_command(verb: list[str], mark: Path, run: Run) -> None:
    file = mark.parent / "tenants.toml"
    file.write_text(f'[tenants."{SHOP}"]\n')
    run(*(str(file) if part == "FILE" else part for part in verb))
    assert not mark.exists()


@pytest.mark.parametrize("more", [(), ("--compromised",), ("--force",), ("--finish",)])
def test_rotation_refuses_and_names_what_agrees(
    more: tuple[str, ...], mark: Path, run: Run
) -> None:
    refused = run("rotate-keys", SHOP, *more, "--yes", "-o", "json")
    assert (refused.status, refused.error["code"]) == (1, "destination_unavailable")
    assert not mark.exists()
    command = shlex.split(refused.error["hint"].partition("run here: ")[2])
    assert command[:4] == ["ses-tenant", "create", SHOP, "--to"]
    assert run(*command[1:]).status == 0
    mark.unlink(missing_ok=True)
    run("rotate-keys", SHOP, "--yes")
    assert mark.exists()


def test_a_run_of_cron_refuses_too(mark: Path, spawn: Run) -> None:
    refused = spawn("rotate-keys", "--yes", "--quiet", SHOP)
    assert refused.status == 1
    assert "ses-tenant create shop.example.com --to" in refused.stderr
    assert not mark.exists()


@pytest.mark.usefixtures("mark")
def test_to_apply_a_file_is_to_agree(tmp_path: Path, run: Run) -> None:
    put, file = tmp_path / "put", tmp_path / "tenants.toml"
    file.write_text(f'[tenants."{BLOG}"]\ndestination = "command:cat >> {put}"\n')
    assert run("plan", str(file)).status == 4
    assert not put.exists()
    assert run("apply", str(file), "--yes").status == 0
    assert put.exists()
    put.unlink()
    assert run("rotate-keys", BLOG, "--yes").status == 0
    assert put.exists()
