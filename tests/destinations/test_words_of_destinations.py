"""What is said when a file or a format cannot be had, and how a format is declared."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.file import FileDestination
from ses_tenant.destinations.form import FORMATS, Format, form
from ses_tenant.destinations.formats import get_format
from ses_tenant.destinations.php import define
from ses_tenant.destinations.registry import normalise

from .destination_samples import SHOP, api


def refusal(of: Callable[[], object]) -> tuple[ErrorCode, str, str]:
    with pytest.raises(SesTenantError) as caught:
        of()
    return caught.value.code, caught.value.message, caught.value.hint


def destination(path: Path | str) -> FileDestination:
    return FileDestination(str(path), SHOP, FORMATS["env"], force=False)


def test_a_folder_that_cannot_be_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    code, message, _ = refusal(destination(file / "mail.env").held_key)
    assert code is ErrorCode.DESTINATION_UNAVAILABLE
    assert f"file:{file}/mail.env" in message
    assert os.strerror(errno.ENOTDIR) in message


def test_a_link_in_place_of_the_file(tmp_path: Path) -> None:
    target, link = tmp_path / "real.env", tmp_path / "mail.env"
    link.symlink_to(target)
    _, message, hint = refusal(destination(link).held_key)
    assert f"file:{link}" in message
    assert "it is a symbolic link, which is not followed" in message
    assert hint == f"Name the file itself: {target}"


def test_what_another_run_is_writing(tmp_path: Path) -> None:
    import fcntl

    there = destination(tmp_path / "mail.env")
    second = tmp_path / there._temporary
    with second.open("w") as file:
        second.chmod(0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        _, message, hint = refusal(lambda: there.put(api()))
    assert f"file:{tmp_path}/mail.env" in message
    assert "another run is writing it" in message
    assert hint == "Run the same command again."


def test_a_second_file_that_is_a_link_is_no_second_file(tmp_path: Path) -> None:
    there = destination(tmp_path / "mail.env")
    other = tmp_path / "other"
    other.touch()
    (tmp_path / there._temporary).symlink_to(other)
    folder = os.open(tmp_path, os.O_RDONLY)
    descriptor = os.open(other, os.O_RDONLY)
    try:
        assert there._is_second(folder, descriptor) is False
    finally:
        os.close(folder)
        os.close(descriptor)


@pytest.mark.parametrize("path", ["/srv/.", "/srv/..", "/"])
def test_what_names_no_file(path: str) -> None:
    code, message, hint = refusal(lambda: normalise(f"file:{path}"))
    assert code is ErrorCode.USAGE
    assert f"'file:{path}' is not a destination." in message
    assert hint == "Name a file, such as file:/srv/shop/mail.env."


def test_a_format_for_the_other_interface_is_refused_by_name() -> None:
    of_smtp = next(name for name, f in FORMATS.items() if Interface.API not in f.interfaces)
    _, message, hint = refusal(lambda: get_format(of_smtp, Interface.API))
    assert of_smtp in message
    assert hint == "It is for smtp. Choose another format, or that interface."


def test_a_format_is_what_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "x", FORMATS["env"])  # is put back

    def write(_: object) -> str:
        return "x"

    assert form("x", "somebody")(write) is write
    assert FORMATS["x"] == Format(write, "somebody")
    interfaces = frozenset({Interface.API})
    given = {
        "in_use": "u",
        "file_head": "h{}",
        "language": "l",
        "put": "p",
        "then": "n",
        "test": "t",
    }
    form("x", "somebody", interfaces=interfaces, **given)(write)
    assert FORMATS["x"] == Format(write, "somebody", interfaces=interfaces, **given)
    plain = Format(write, "somebody")
    assert (plain.in_use, plain.file_head, plain.language) == ("", "# {}\n", "text")
    assert (plain.put, plain.then, plain.test) == ("", "", "")
    assert plain.interfaces == {Interface.API, Interface.SMTP}


def test_booleans_and_numbers_of_php() -> None:
    assert define({"A": True, "B": False, "C": 7, "D": "it's \\"}) == (
        "define( 'A', true );\ndefine( 'B', false );\ndefine( 'C', 7 );\n"
        "define( 'D', 'it\\'s \\\\' );\n"
    )
