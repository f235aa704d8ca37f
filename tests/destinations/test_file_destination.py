"""Files: mode, atomic replacement, what is refused, what a killed run leaves."""

import errno
import fcntl
import json
import os
import resource
import stat
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.file import FileDestination
from ses_tenant.destinations.formats import FORMATS, get_format
from ses_tenant.destinations.registry import normalise

from .destination_samples import (
    KEY_ID,
    NEXT_KEY_ID,
    NEXT_SECRET,
    SECRET,
    SHOP,
    api,
    refused,
    smtp,
)

UNAVAILABLE = ErrorCode.DESTINATION_UNAVAILABLE
NOBODY = 65534
ENV = FORMATS["env"]
OLD, NEW = ENV.file(api()), ENV.file(api(NEXT_SECRET, access_key_id=NEXT_KEY_ID))
NEXT = api(NEXT_SECRET, access_key_id=NEXT_KEY_ID)

is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change a file's owner")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can reach, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Do the block as a user whom modes stop; root would pass them."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def give_away(path: Path) -> None:
    """Make a folder that of `unprivileged`."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """Let no file grow past `size` while the block runs, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def destination(path: Path, *, force: bool = False) -> FileDestination:
    return FileDestination(str(path), SHOP, ENV, force=force)


@pytest.fixture(autouse=True)
def private_folders() -> Iterator[None]:
    """Let nobody else write to what tests make, whatever the umask of who runs them."""
    with umask(0o022):
        yield


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def left_over(path: Path) -> Path:
    return path.with_name(f".{path.name}.ses-tenant")


# --- writing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_new_file_is_readable_by_its_owner_alone(mask: int, tmp_path: Path) -> None:
    with umask(mask):
        destination(tmp_path / "mail.env").check()
        destination(tmp_path / "mail.env").put(api())
    assert mode(tmp_path / "mail.env") == 0o600
    assert (tmp_path / "mail.env").read_text() == OLD
    assert names(tmp_path) == ["mail.env"]


def test_replacing_a_file_that_others_could_read_takes_that_away(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    file.chmod(0o644)
    with umask(0):
        destination(file).put(NEXT)
    assert (mode(file), file.read_text(), names(tmp_path)) == (0o640, NEW, ["mail.env"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0o600, 0o600),
        (0o640, 0o640),
        (0o400, 0o400),
        (0o440, 0o440),
        (0o666, 0o640),
        (0o777, 0o640),
    ],
)
def test_a_file_keeps_its_mode_less_what_lets_others_in(
    before: int, after: int, tmp_path: Path
) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    file.chmod(before)
    destination(file).check()
    destination(file).put(NEXT)
    assert (mode(file), file.read_text()) == (after, NEW)


ACL = "system.posix_acl_access"


def acl(user: int, mask: int) -> bytes:
    """Return an ACL that lets one more user read: linux/posix_acl_xattr.h."""
    entries = [(0x01, 6, -1), (0x02, 4, user), (0x04, 0, -1), (0x10, mask, -1), (0x20, 0, -1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


def test_a_file_keeps_its_acl_and_extended_attributes(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    try:
        os.setxattr(file, ACL, acl(NOBODY, 4))
        os.setxattr(file, "user.owner", b"shop")
    except OSError as error:
        pytest.skip(f"the file system has no ACL or no attributes: {error}")
    destination(file).check()
    destination(file).put(NEXT)
    assert os.getxattr(file, ACL) == acl(NOBODY, 4)
    assert os.getxattr(file, "user.owner") == b"shop"


def test_a_default_acl_of_the_folder_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    file.chmod(0o640)
    try:
        os.setxattr(tmp_path, "system.posix_acl_default", acl(NOBODY, 7))
    except OSError as error:
        pytest.skip(f"the file system has no ACL: {error}")
    destination(file).put(NEXT)
    assert ACL not in os.listxattr(file)
    assert mode(file) == 0o640


def test_the_secret_is_never_in_a_file_that_others_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    flush = os.fsync

    def watched(descriptor: int) -> None:
        modes.extend(mode(path) for path in tmp_path.iterdir())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    with umask(0):
        destination(tmp_path / "mail.env").put(api())
    assert modes
    assert set(modes) == {0o600}


def test_a_reader_sees_the_old_file_or_the_new_one_whole(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    destination(file).put(api())
    seen: set[str] = set()
    reads = 0
    stop = threading.Event()

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            seen.add(file.read_text())
            reads += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(50):
            destination(file).put(NEXT)
            destination(file).put(api())
    finally:
        stop.set()
        reader.join()
    assert reads > 0
    assert seen <= {OLD, NEW}


def test_who_has_the_old_file_open_goes_on_reading_it(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    destination(file).put(api())
    with file.open() as reader:
        destination(file).put(NEXT)
        assert reader.read() == OLD
    assert file.read_text() == NEW


def test_file_is_flushed_before_and_folder_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    flushed: list[tuple[str, str]] = []
    flush = os.fsync

    def watched(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        flushed.append((kind, file.read_text()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    destination(file).put(NEXT)
    assert flushed == [("file", OLD), ("folder", NEW)]


@is_root
def test_the_owner_stays_so_that_the_site_can_go_on_reading(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    os.chown(file, 1234, 2345)
    file.chmod(0o640)
    destination(file).put(NEXT)
    found = file.stat()
    assert (found.st_uid, found.st_gid, mode(file)) == (1234, 2345, 0o640)


def test_a_hard_link_keeps_the_old_contents(tmp_path: Path) -> None:
    file, link = tmp_path / "mail.env", tmp_path / "link"
    file.write_text(OLD)
    link.hardlink_to(file)
    destination(file).put(NEXT)
    assert (file.read_text(), link.read_text()) == (NEW, OLD)


# --- failing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [0, 10, len(NEW) - 1])
def test_no_room_leaves_the_old_file_whole(room: int, tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    with refused(UNAVAILABLE, str(file), os.strerror(errno.EFBIG)), no_room(room):
        destination(file).put(NEXT)
    assert (file.read_text(), names(tmp_path)) == (OLD, ["mail.env"])


def test_no_room_leaves_no_new_file(tmp_path: Path) -> None:
    with refused(UNAVAILABLE), no_room(10):
        destination(tmp_path / "mail.env").put(api())
    assert names(tmp_path) == []


@pytest.mark.parametrize("method", ["fsync", "rename"])
def test_ctrl_c_while_writing_leaves_the_old_file_and_nothing_else(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, method, interrupt)
    with pytest.raises(KeyboardInterrupt):
        destination(file).put(NEXT)
    assert (file.read_text(), names(tmp_path)) == (OLD, ["mail.env"])


def test_a_disk_that_fails_is_an_error_and_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with refused(UNAVAILABLE, os.strerror(errno.EIO)):
        destination(file).put(NEXT)
    assert (file.read_text(), names(tmp_path)) == (OLD, ["mail.env"])


def test_a_folder_that_cannot_be_flushed_is_an_error_with_the_new_file_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key reached the file, which `held_key` shows; only its safety in a crash is unknown."""
    file = tmp_path / "mail.env"
    flush = os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with refused(UNAVAILABLE, os.strerror(errno.EIO)):
        destination(file).put(api())
    assert destination(file).held_key() == KEY_ID


def test_a_folder_that_may_be_written_to_but_not_listed(folder: Path) -> None:
    drop = folder / "drop"
    drop.mkdir()
    give_away(drop)
    drop.chmod(0o300)
    with unprivileged():
        destination(drop / "mail.env").check()
        destination(drop / "mail.env").put(api())
        assert destination(drop / "mail.env").held_key() == KEY_ID
    drop.chmod(0o755)


# --- check refuses what put would ------------------------------------------------------------


def test_check_of_a_good_place_leaves_nothing(tmp_path: Path) -> None:
    destination(tmp_path / "mail.env").check()
    assert names(tmp_path) == []


def test_check_leaves_our_own_file_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    before = file.stat()
    destination(file).check()
    assert (file.stat().st_ino, file.read_text()) == (before.st_ino, OLD)
    assert names(tmp_path) == ["mail.env"]


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFSOCK)


def make_nothing(path: Path) -> None:
    del path


@pytest.mark.parametrize("make", [make_folder, make_pipe, make_socket])
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("method", ["check", "held_key"])
def test_what_is_no_file_is_refused(
    make: Callable[[Path], None], force: bool, method: str, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    make(place)
    with refused(UNAVAILABLE, str(place)):
        getattr(destination(place, force=force), method)()
    assert names(tmp_path) == ["place"]


@pytest.mark.parametrize("method", ["check", "put"])
@pytest.mark.parametrize("make", [make_nothing, lambda path: path.write_text("")])
def test_a_missing_folder_is_refused(
    make: Callable[[Path], object], method: str, tmp_path: Path
) -> None:
    """Missing, or a file where the folder should be."""
    parent = tmp_path / "parent"
    make(parent)
    with refused(UNAVAILABLE, str(parent / "mail.env")):
        here = destination(parent / "mail.env")
        here.check() if method == "check" else here.put(api())


@pytest.mark.parametrize("method", ["check", "put"])
def test_a_folder_that_may_not_be_written_to_is_refused(method: str, folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o555)
    with refused(UNAVAILABLE, os.strerror(errno.EACCES)), unprivileged():
        here = destination(closed / "mail.env")
        here.check() if method == "check" else here.put(api())
    assert names(closed) == []


def test_a_file_that_may_not_be_read_is_refused_at_check(folder: Path) -> None:
    give_away(folder)
    file = folder / "mail.env"
    file.write_text(OLD)
    file.chmod(0o000)
    for force in (False, True):
        with refused(UNAVAILABLE, os.strerror(errno.EACCES)), unprivileged():
            destination(file, force=force).check()
    assert names(folder) == ["mail.env"]


@is_root
def test_an_owner_that_cannot_be_kept_is_refused_at_check(folder: Path) -> None:
    """Otherwise each run would issue a key, fail to deliver it and delete it."""
    give_away(folder)
    file = folder / "mail.env"
    file.write_text(OLD)
    os.chown(file, 1234, 1234)
    file.chmod(0o644)
    for method in ("check", "put"):
        with refused(UNAVAILABLE, os.strerror(errno.EPERM)), unprivileged():
            here = destination(file)
            here.check() if method == "check" else here.put(NEXT)
    assert (file.read_text(), names(folder)) == (OLD, ["mail.env"])


@pytest.mark.parametrize("target", ["target", "missing"])
@pytest.mark.parametrize("method", ["check", "held_key"])
@pytest.mark.parametrize("force", [False, True])
def test_a_symbolic_link_is_not_followed(
    target: str, method: str, force: bool, tmp_path: Path
) -> None:
    (tmp_path / "target").write_text(OLD)
    link = tmp_path / "mail.env"
    link.symlink_to(tmp_path / target)
    with refused(UNAVAILABLE, "symbolic link", str(tmp_path / target)):
        getattr(destination(link, force=force), method)()
    assert link.is_symlink()
    assert (tmp_path / "target").read_text() == OLD
    assert names(tmp_path) == ["mail.env", "target"]


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "mail.env"
    link.symlink_to(link)
    with refused(UNAVAILABLE, "symbolic link"):
        destination(link).check()


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    for size in (250, 300):
        with refused(UNAVAILABLE, os.strerror(errno.ENAMETOOLONG)):
            destination(tmp_path / ("x" * size)).check()
    assert names(tmp_path) == []


def test_a_folder_that_may_not_be_entered_is_refused(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    closed.chmod(0o700 if os.geteuid() == 0 else 0o000)
    for method in ("check", "held_key"):
        with refused(UNAVAILABLE, os.strerror(errno.EACCES)), unprivileged():
            getattr(destination(closed / "mail.env"), method)()
    closed.chmod(0o700)


def test_put_never_writes_through_a_link_made_after_check(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "mail.env"
    target.write_text("precious")
    here = destination(link)
    here.check()
    link.symlink_to(target)
    with refused(UNAVAILABLE, "symbolic link"):
        here.put(api())
    assert target.read_text() == "precious"
    assert names(tmp_path) == ["mail.env", "target"]


def test_a_link_at_the_second_file_is_not_followed(tmp_path: Path) -> None:
    file, target = tmp_path / "mail.env", tmp_path / "target"
    target.write_text("precious")
    left_over(file).symlink_to(target)
    for method in ("check", "held_key", "put"):
        with refused(UNAVAILABLE):
            here = destination(file)
            here.put(api()) if method == "put" else getattr(here, method)()
    assert target.read_text() == "precious"


@pytest.mark.parametrize("make", [make_folder, make_pipe])
def test_what_is_no_file_at_the_second_file_is_no_crash(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    """A pipe there must not hang the run either: whoever may write to the folder can make one."""
    file = tmp_path / "mail.env"
    make(left_over(file))
    if make is make_folder:
        with refused(UNAVAILABLE, str(file)):
            destination(file).check()
    else:
        destination(file).check()
        assert names(tmp_path) == []


# --- whose file it is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "contents",
    [
        b"\n",
        b"DB_PASSWORD=precious\n",
        b"\x00\xff\xfe binary",
        b"# written by ses-tenant for shop.example.com.au\n",
        b"# written by ses-tenant for myshop.example.com\n",
        b"# written by ses-tenant for example.com\n",
        b"# written by ses-tenant for shop.example.community\n",
        b"# written by ses-tenant for shop.example.com-x.org\n",
        b"# written by ses-tenant for shopXexample.com\n",
    ],
)
def test_a_file_of_somebody_else_is_refused(contents: bytes, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(contents)
    file.chmod(0o640)
    before = file.stat()
    with refused(UNAVAILABLE, str(file), "not written by ses-tenant for shop.example.com", "force"):
        destination(file).check()
    assert file.read_bytes() == contents
    assert (file.stat().st_ino, mode(file)) == (before.st_ino, 0o640)
    assert names(tmp_path) == [".env"]


def test_an_empty_file_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text("")
    file.chmod(0o640)
    destination(file).check()
    destination(file).put(api())
    assert (file.read_text(), mode(file)) == (OLD, 0o640)


def test_force_takes_a_file_of_somebody_else(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DB_PASSWORD=precious\n")
    here = destination(file, force=True)
    here.check()
    here.put(api())
    assert (file.read_text(), mode(file)) == (OLD, 0o640)


# --- folders ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0o777, 0o1777, 0o775, 0o2775, 0o757])
def test_a_folder_that_others_may_write_to_is_refused(bits: int, tmp_path: Path) -> None:
    """A marker that another user has put there would be taken for ours."""
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chown(shared, -1, NOBODY) if os.geteuid() == 0 else None
    shared.chmod(bits)
    file = shared / "mail.env"
    file.write_text(OLD)
    for method in ("check", "put", "held_key"):
        with refused(UNAVAILABLE, f"others may write to the folder {shared}", "--force"):
            here = destination(file)
            here.put(NEXT) if method == "put" else getattr(here, method)()
    assert (file.read_text(), names(shared)) == (OLD, ["mail.env"])
    here = destination(file, force=True)
    here.check()
    here.put(NEXT)
    assert (file.read_text(), here.held_key()) == (NEW, NEXT_KEY_ID)


def test_a_folder_on_the_way_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "shared" / "own"
    inner.mkdir(parents=True)
    (tmp_path / "shared").chmod(0o777)
    with refused(UNAVAILABLE, f"others may write to the folder {tmp_path / 'shared'}"):
        destination(inner / "mail.env").check()
    (tmp_path / "shared").chmod(0o1777)  # as /tmp: what is ours cannot be replaced there
    destination(inner / "mail.env").check()


@is_root
def test_in_a_folder_with_the_sticky_bit_what_is_another_s_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "shared" / "theirs"
    inner.mkdir(parents=True)
    os.chown(inner, NOBODY, NOBODY)
    (tmp_path / "shared").chmod(0o1777)
    with refused(UNAVAILABLE, "others may write"):
        destination(inner / "mail.env").check()


@is_root
def test_the_folder_of_one_other_user_is_taken(tmp_path: Path) -> None:
    """Whose folder it is, theirs is the site."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    os.chown(home, NOBODY, NOBODY)
    destination(home / "mail.env").check()


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_was_swapped_for_a_link_is_not_followed(force: bool, tmp_path: Path) -> None:
    (tmp_path / "site" / "conf").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    here = destination(tmp_path / "site" / "conf" / "mail.env", force=force)
    here.check()
    (tmp_path / "site" / "conf").rmdir()
    (tmp_path / "site" / "conf").symlink_to(tmp_path / "elsewhere")
    for method in ("check", "put", "held_key"):
        with refused(UNAVAILABLE, f"{tmp_path}/site/conf is a symbolic link", "elsewhere"):
            here.put(NEXT) if method == "put" else getattr(here, method)()
    assert names(tmp_path / "elsewhere") == []


def test_links_that_we_made_are_resolved_when_a_destination_is_given(tmp_path: Path) -> None:
    (tmp_path / "srv" / "www").mkdir(parents=True)
    (tmp_path / "www").symlink_to("srv/www")
    (tmp_path / "abs").symlink_to(tmp_path / "www")
    (tmp_path / "loop").symlink_to("loop")
    real = f"file:{tmp_path}/srv/www/mail.env"
    for given in ("www", "abs", "srv/../www", "srv/www/."):
        assert normalise(f"file:{tmp_path}/{given}/mail.env") == real
    assert normalise(f"file:{tmp_path}/absent/mail.env") == f"file:{tmp_path}/absent/mail.env"
    assert normalise(f"file:{tmp_path}/loop/mail.env") == f"file:{tmp_path}/loop/mail.env"
    (tmp_path / "srv" / "www" / "mail.env").symlink_to("other")
    assert normalise(f"file:{tmp_path}/www/mail.env") == real


def test_a_link_that_others_could_make_is_not_resolved(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    (tmp_path / "shared" / "conf").symlink_to("/etc")
    given = f"file:{tmp_path}/shared/conf/mail.env"
    assert normalise(given) == given


@pytest.mark.parametrize("other", ["shop.example.com.au", "myshop.example.com", "example.com"])
def test_tenants_with_similar_names_do_not_take_each_other_s_files(
    other: str, tmp_path: Path
) -> None:
    file = tmp_path / "mail.env"
    FileDestination(str(file), SendingDomain(other), ENV, force=False).put(
        api(domain=SendingDomain(other))
    )
    with refused(UNAVAILABLE, "shop.example.com"):
        destination(file).check()
    destination(tmp_path / "own.env").put(api())
    with refused(UNAVAILABLE, f"for {other}"):
        FileDestination(str(tmp_path / "own.env"), SendingDomain(other), ENV, force=False).check()


# --- reading back ----------------------------------------------------------------------------


def test_nothing_is_held_where_there_is_no_file(tmp_path: Path) -> None:
    assert destination(tmp_path / "mail.env").held_key() is None
    assert destination(tmp_path / "mail.env").readable is True


@pytest.mark.parametrize("contents", ["", "DB_PASSWORD=precious\n"])
def test_nothing_is_held_by_a_file_without_a_key(contents: str, tmp_path: Path) -> None:
    (tmp_path / "mail.env").write_text(contents)
    assert destination(tmp_path / "mail.env").held_key() is None


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("interface", list(Interface))
def test_the_key_is_found_in_every_format(name: str, interface: Interface, tmp_path: Path) -> None:
    if interface not in FORMATS[name].interfaces:
        return
    form = get_format(name, interface)
    here = FileDestination(str(tmp_path / "file"), SHOP, form, force=False)
    first = api() if interface is Interface.API else smtp(two_regions=True)
    second = NEXT if interface is Interface.API else smtp(access_key_id=NEXT_KEY_ID)
    here.put(first)
    assert here.held_key() == KEY_ID
    here.check()
    here.put(second)
    assert here.held_key() == NEXT_KEY_ID


def test_several_keys_in_a_file_are_not_guessed_between(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(OLD + NEW)
    with refused(UNAVAILABLE, str(file), "several access keys"):
        destination(file).held_key()


# --- killed runs, and two at once ------------------------------------------------------------


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    for method in ("held_key", "check", "put"):
        left_over(file).write_text(NEW)
        here = destination(file)
        here.put(NEXT) if method == "put" else getattr(here, method)()
        assert names(tmp_path) == ["mail.env"]


def test_what_a_running_run_writes_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    left_over(file).write_text(NEW)
    with left_over(file).open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for method in ("check", "held_key", "put"):
            with refused(UNAVAILABLE, "another run"):
                here = destination(file)
                here.put(api()) if method == "put" else getattr(here, method)()
        assert left_over(file).read_text() == NEW
    assert destination(file).held_key() is None
    assert names(tmp_path) == []


CHILD = """
import json, os, signal, sys
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.file import FileDestination
from ses_tenant.destinations.formats import FORMATS

def wait(_):
    print("written", flush=True)
    signal.pause()

path, key_id, secret = json.loads(sys.stdin.readline())
os.fsync = wait
shop = SendingDomain("shop.example.com")
FileDestination(path, shop, FORMATS["env"], force=False).put(
    Credentials(shop, "u", None, Interface.API, ("eu-central-1",), key_id, secret)
)
"""


def test_a_run_killed_while_it_writes(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    file.chmod(0o600)
    arguments = json.dumps([str(file), NEXT_KEY_ID, NEXT_SECRET])
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{arguments}\n")
        child.stdin.flush()
        assert child.stdout.readline() == "written\n"
        assert left_over(file).read_text() == NEW
        assert mode(left_over(file)) == 0o600
        try:
            with refused(UNAVAILABLE, "another run is writing it"):
                destination(file).held_key()
            assert left_over(file).read_text() == NEW
        finally:
            child.kill()
    assert destination(file).held_key() == KEY_ID
    assert (file.read_text(), names(tmp_path)) == (OLD, ["mail.env"])


def test_a_second_file_that_is_gone_before_it_is_locked_is_not_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between creating and locking, another run may take it for a left-over and make its own."""
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    lock = fcntl.flock
    others: list[int] = []

    def raced(descriptor: int, operation: int) -> None:
        if not others:
            left_over(file).unlink()
            others.append(os.open(left_over(file), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            lock(others[0], fcntl.LOCK_EX)
            os.write(others[0], b"# half of what the ot")
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", raced)
    with refused(UNAVAILABLE, "another run"):
        destination(file).put(NEXT)
    assert file.read_text() == OLD
    assert left_over(file).read_text() == "# half of what the ot"
    os.close(others[0])


def test_a_second_file_that_was_renamed_before_it_is_locked_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run finishes between our opening and locking, and a third one has begun."""
    file = tmp_path / "mail.env"
    left_over(file).write_text(NEW)
    lock = fcntl.flock

    def raced(descriptor: int, operation: int) -> None:
        if not file.exists():
            left_over(file).rename(file)
            left_over(file).write_text("# a third run's")
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", raced)
    with refused(UNAVAILABLE, "another run"):
        destination(file).held_key()
    assert file.read_text() == NEW
    assert left_over(file).read_text() == "# a third run's"


def test_many_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "mail.env"
    file.write_text(OLD)
    texts = {OLD}
    failures: list[BaseException] = []

    def write(number: int) -> None:
        credentials = api(access_key_id=f"AKIAEXAMPLE{number:09}")
        texts.add(ENV.file(credentials))
        for _ in range(30):
            try:
                with refused(UNAVAILABLE, "another run"):
                    destination(file).put(credentials)
                    raise InterruptedError
            except InterruptedError:
                continue
            except (SesTenantError, AssertionError, OSError) as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert file.read_text() in texts
    assert names(tmp_path) == ["mail.env"]


@pytest.mark.parametrize("secret", [SECRET])
def test_nothing_about_a_destination_shows_a_secret(secret: str, tmp_path: Path) -> None:
    here = destination(tmp_path / "mail.env")
    here.put(api(secret))
    assert secret not in repr(here) + repr(vars(here)) + str(here)
