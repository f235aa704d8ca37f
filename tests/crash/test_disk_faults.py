"""Disks that fail below a file destination: injected at the call of the system, and real ones."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.crash.fork_server import Disk
from tests.crash.harness import Harness

SHOP = "shop.example.com"
ROTATE = ("rotate-keys", SHOP, "--yes", "--no-verify")

# Refused: full, over a quota, read-only. On NFS: a handle that is stale, and calls that are carried
# out although their answer says no, at the second attempt of the client. Each call that can fail is
# run each time, in different ways; what is rare is each call in all other ways.
_FAULTS = [
    Disk("fsync", "ENOSPC"),
    Disk("open", "ESTALE", 2),
    Disk("rename", "EIO", done=True),
    Disk("unlink", "ENOENT", done=True),
]
_RARE_FAULTS = [
    Disk("fsync", "EDQUOT"),
    Disk("open", "EROFS", lasts=True),
    Disk("rename", "EROFS"),
    Disk("open", "ESTALE"),
    Disk("open", "ESTALE", 4),
    Disk("rename", "ESTALE"),
    Disk("rename", "ENOENT", done=True),
    Disk("fsync", "EIO", 2),
    Disk("unlink", "ESTALE"),
]


def steady(harness: Harness) -> None:
    harness.reset("file", SHOP)
    (site,) = harness.sites
    assert harness.run("create", SHOP, *site.to).status == 0
    harness.account.age(site.user_name, 10)


def check_next_run(harness: Harness) -> None:
    """Run again; the site's key is Active, whole, and no other key reached nobody."""
    (site,) = harness.sites
    run = harness.run(*ROTATE)
    assert run.status == 0, run.err
    harness.check_settled()
    assert harness.problems == []
    held = harness.held(site)
    (secret,) = harness.account.secrets_of(site.user_name, held)
    assert secret in site.file.read_text()
    assert harness.account.active(site.user_name) <= harness.delivered


@pytest.mark.parametrize(
    "disk",
    [*_FAULTS, *(pytest.param(fault, marks=pytest.mark.rare) for fault in _RARE_FAULTS)],
    ids=lambda d: f"{d.call} {d.error} {d.number} {d.done}",
)
def test_a_disk_that_fails_loses_nothing(harness: Harness, disk: Disk) -> None:
    steady(harness)
    (site,) = harness.sites
    before = harness.held(site)
    run = harness.run(*ROTATE, disk=disk)
    assert run.status in (0, 1, 3), run.err
    refused = not disk.done and (disk.call in ("open", "rename") or disk.number == 1)
    if disk.call != "unlink":
        assert (run.status != 0) is refused
    if run.status:
        assert f"Error: {SHOP}: " in run.err or "cannot be used: " in run.err
        assert harness.held(site) == before
    check_next_run(harness)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this user may not mount: {done.stderr.strip()}")


@pytest.fixture
def mounted(harness: Harness) -> Iterator[Callable[..., None]]:
    """Return a function that mounts something over the folder of the destinations."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    folder, mounts = str(harness.watched), []

    def mount(*arguments: str) -> None:
        _mount(*arguments, folder)
        mounts.append(folder)

    yield mount
    for _ in mounts:
        subprocess.run(["umount", folder], check=True)


def _fill(file: Path) -> None:
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


def test_a_full_file_system_loses_nothing(harness: Harness, mounted: Callable[..., None]) -> None:
    steady(harness)
    (site,) = harness.sites
    contents = site.file.read_bytes()
    mounted("-t", "tmpfs", "-o", "size=16k,mode=0700", "tmpfs")
    site.file.write_bytes(contents)
    site.file.chmod(0o600)
    filler = Path(site.folder, f"{SHOP}.txt.filler")
    _fill(filler)
    held = harness.held(site)
    run = harness.run(*ROTATE)
    assert run.status != 0
    assert "No space left on device" in run.err
    assert (harness.held(site), harness.account.keys(site.user_name)) == (held, {held: "Active"})
    filler.unlink()
    check_next_run(harness)


@pytest.mark.rare
def test_a_read_only_mount_is_refused_before_a_key_is_issued(
    harness: Harness, mounted: Callable[..., None]
) -> None:
    steady(harness)
    (site,) = harness.sites
    held = harness.held(site)
    mounted("--bind", str(site.folder))
    _mount("-o", "remount,ro,bind", str(site.folder))
    run = harness.run(*ROTATE)
    assert run.status == 1
    assert "Read-only file system" in run.err
    assert "iam:CreateAccessKey" not in harness.server.requests
    assert harness.account.keys(site.user_name) == {held: "Active"}


@pytest.mark.rare
def test_a_rename_that_had_only_removed_the_old_name_is_made_good(harness: Harness) -> None:
    steady(harness)
    (site,) = harness.sites
    start = harness.moment()
    at = 1 + list(harness.run(*ROTATE).events).index("os.rename")
    harness.return_to(start)
    old = harness.held(site)
    assert harness.run(*ROTATE, die_at=at).status == -9
    site.file.unlink()
    check_next_run(harness)
    assert {old, harness.held(site)} == harness.account.active(site.user_name)
