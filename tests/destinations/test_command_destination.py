"""Commands: what they get, what of theirs is used, and where the secret never is."""

import errno
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ses_tenant.core.errors import ErrorCode
from ses_tenant.destinations.command import CommandDestination

from .destination_samples import (
    HOST,
    KEY_ID,
    NEXT_KEY_ID,
    PASSWORD,
    SECRET,
    api,
    assert_no_secret,
    refused,
    smtp,
)

UNAVAILABLE = ErrorCode.DESTINATION_UNAVAILABLE


def keep(file: Path) -> str:
    return f"cat > {shlex.quote(str(file))}"


def test_the_document_comes_on_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "got"
    CommandDestination(keep(file), None).put(api())
    assert file.read_text() == (
        '{"version": 1, "comment": "written by ses-tenant for shop.example.com", '
        '"domain": "shop.example.com", "region": "eu-central-1", '
        '"iam_user": "ses-shop.example.com", "access_key_id": "AKIAIOSFODNN7EXAMPLE", '
        '"secret_access_key": "w/alrXUt+FEMI/K7MDENG=bPxRfiCY+/EXAMPLE="}\n'
    )


def test_an_smtp_tenant_s_document_has_no_secret_access_key(tmp_path: Path) -> None:
    file = tmp_path / "got"
    CommandDestination(keep(file), None).put(smtp())
    document = json.loads(file.read_text())
    assert "secret_access_key" not in document
    assert (document["smtp_host"], document["smtp_port"]) == (HOST, 587)
    assert (document["smtp_username"], document["smtp_password"]) == (KEY_ID, PASSWORD)


def test_a_path_with_spaces_and_quotes_is_the_shell_s_business(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s a "folder" $HOME'
    folder.mkdir()
    CommandDestination(f"umask 077 && {keep(folder / 'got')} && true | true", None).put(api())
    assert json.loads((folder / "got").read_text())["access_key_id"] == KEY_ID


def test_output_is_thrown_away(capfd: pytest.CaptureFixture[str]) -> None:
    CommandDestination("tee /dev/stderr", None).put(api())
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_a_command_that_reads_nothing_and_ends_well_has_delivered() -> None:
    CommandDestination("exec true", None).put(api())


def test_check_runs_nothing(tmp_path: Path) -> None:
    touch = f"touch {shlex.quote(str(tmp_path / 'ran'))}"
    CommandDestination(touch, touch).check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("exit 3", "status 3"),
        ("cat >&2; exit 1", "status 1"),
        ("cat; exit 1", "status 1"),
        ("no-such-command-anywhere", "status 127"),
        ("kill -9 $$", "status -9"),
    ],
)
def test_a_command_that_fails(command: str, why: str, capfd: pytest.CaptureFixture[str]) -> None:
    with refused(UNAVAILABLE, f"command:{command}", why, "Run it by hand"):
        CommandDestination(command, None).put(api())
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_a_command_that_never_ends(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    subprocess.run(["mkfifo", pipe], check=True)
    with refused(UNAVAILABLE, "it did not end within 0.2 s"):
        CommandDestination(f"cat; exec cat {pipe}", None, timeout_s=0.2).put(api())


def test_a_command_that_cannot_be_started() -> None:
    with refused(UNAVAILABLE, os.strerror(errno.E2BIG)):
        CommandDestination("true " + "x" * 200_000, None).put(api())


def test_a_failure_s_chain_holds_no_output() -> None:
    """Whoever walks the chain, as a crash reporter does, finds no attribute with the secret."""
    with pytest.raises(Exception, match="status 1") as caught:
        CommandDestination("cat; exit 1", None).put(api())
    error: BaseException | None = caught.value
    while error is not None:
        assert_no_secret(repr(vars(error)))
        error = error.__cause__ or error.__context__


def test_the_secret_is_in_no_arguments_and_no_environment(tmp_path: Path) -> None:
    seen, got = tmp_path / "seen", tmp_path / "got"
    look = f"tr '\\0' '\\n' < /proc/$$/cmdline > {seen}; env >> {seen}"
    if shutil.which("ps"):
        look += f"; ps -e -o args >> {seen}"
    # Secrets of their own, because `ps` shows what other tests run meanwhile.
    key, password = f"{SECRET[:-1]}/argv=", f"{PASSWORD[:-1]}/argv="
    for credentials, secret in ((api(key), key), (smtp(password), password)):
        CommandDestination(f"{look}; {keep(got)}", None).put(credentials)
        assert secret in got.read_text()
        assert "/proc/$$/cmdline" in seen.read_text()
        assert secret not in seen.read_text()


def test_without_a_read_back_command_nothing_is_known() -> None:
    here = CommandDestination("cat", None)
    assert here.readable is False
    assert here.held_key() is None


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (KEY_ID, KEY_ID),
        (f'{{"access_key_id": "{KEY_ID}", "secret_access_key": "{SECRET}"}}\n', KEY_ID),
        (f"{KEY_ID}\n{KEY_ID}\n", KEY_ID),
        ("nothing here\n", None),
        ("", None),
    ],
)
def test_the_read_back_command_tells_the_key(text: str, held: str | None, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    here = CommandDestination("false", f"cat {file}")
    assert here.readable is True
    assert here.held_key() == held


def test_what_was_delivered_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "file"
    here = CommandDestination(keep(file), f"cat {file}")
    here.put(api())
    assert here.held_key() == KEY_ID
    here.put(smtp(access_key_id=NEXT_KEY_ID))
    assert here.held_key() == NEXT_KEY_ID


def test_bytes_that_are_no_text_are_read_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff\xfe" + KEY_ID.encode() + b"\x00\xff")
    assert CommandDestination("false", f"cat {file}").held_key() == KEY_ID


def test_a_read_back_command_gets_an_empty_input() -> None:
    here = CommandDestination("false", f'test -z "$(cat)" && echo {KEY_ID}')
    assert here.held_key() == KEY_ID


@pytest.mark.parametrize(
    ("read_back", "why"),
    [(f"echo {KEY_ID} {NEXT_KEY_ID}", "several access keys"), (f"echo {KEY_ID}; exit 2", "2")],
)
def test_a_read_back_command_that_cannot_be_trusted(read_back: str, why: str) -> None:
    with refused(UNAVAILABLE, why):
        CommandDestination("cat", read_back).held_key()


def test_a_read_back_command_that_shows_the_secret_does_not_leak_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    here = CommandDestination(keep(file), f"cat {file}; echo {NEXT_KEY_ID}")
    here.put(api())
    with refused(UNAVAILABLE, "several access keys"):
        here.held_key()
