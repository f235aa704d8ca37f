"""A command in a tag is somebody else's text: it runs only where this machine has agreed to it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.destinations.agreement import (
    NO_COMMANDS,
    Consent,
    agreement_file,
    digests,
    read_agreed,
    remember,
)
from ses_tenant.destinations.registry import open_destination

from .destination_samples import KEY_ID, SHOP, api, refused

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession

UNAVAILABLE = ErrorCode.DESTINATION_UNAVAILABLE
OTHER = SendingDomain("blog.example.org")


def spec(folder: Path) -> TenantSpec:
    return TenantSpec(
        SHOP,
        Interface.API,
        ("eu-central-1",),
        destination=f"command:touch {folder}/put; cat > {folder}/got",
        read_back=f"touch {folder}/read; cat {folder}/got",
    )


def opened(wanted: TenantSpec, consent: Consent) -> Destination:
    no_session = cast("AwsSession", None)
    return open_destination(wanted, no_session, lambda _: None, force=True, consent=consent)


def agreed(wanted: TenantSpec) -> Consent:
    return Consent(digests(wanted.domain, wanted.destination, wanted.read_back))


def test_what_was_agreed_to_is_run(tmp_path: Path) -> None:
    here = opened(spec(tmp_path), agreed(spec(tmp_path)))
    here.check()
    here.put(api())
    assert here.held_key() == KEY_ID


@pytest.mark.parametrize("change", ["nothing", "command", "read_back", "domain", "swapped"])
def test_nothing_else_is_run(change: str, tmp_path: Path) -> None:
    wanted = spec(tmp_path)
    consent = {
        "nothing": Consent(),
        "command": agreed(replace(wanted, destination=f"{wanted.destination} ")),
        "read_back": agreed(replace(wanted, read_back="true")),
        "domain": agreed(replace(wanted, domain=OTHER)),
        "swapped": Consent(
            digests(SHOP, f"command:{wanted.read_back}", wanted.destination.partition(":")[2])
        ),
    }[change]
    here = opened(wanted, consent)
    assert here.readable
    for attempt in (here.check, lambda: here.put(api()), here.held_key):
        with refused(UNAVAILABLE, "nobody has agreed", "ses-tenant create shop.example.com --to"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_only_reads_starts_none(tmp_path: Path) -> None:
    consent = replace(agreed(spec(tmp_path)), runs=False)
    for given in (consent, NO_COMMANDS):
        here = opened(spec(tmp_path), given)
        here.check()
        for attempt in (lambda h=here: h.put(api()), here.held_key):
            with refused(UNAVAILABLE, "dry run"):
                attempt()
    assert opened(spec(tmp_path), replace(consent, unread=True)).readable is False
    assert list(tmp_path.iterdir()) == []


def test_commands_are_refused_where_nothing_is_said_of_them(tmp_path: Path) -> None:
    no_session = cast("AwsSession", None)
    here = open_destination(spec(tmp_path), no_session, lambda _: None, force=True)
    with refused(UNAVAILABLE):
        here.put(api())
    assert list(tmp_path.iterdir()) == []


def test_agreements_are_kept_as_hashes_for_their_owner_alone(tmp_path: Path) -> None:
    file = agreement_file({"XDG_CONFIG_HOME": str(tmp_path)})
    assert file == tmp_path / "ses-tenant" / "agreed-commands"
    assert read_agreed(file) == frozenset()
    given = digests(SHOP, "command:vault kv put x -", "vault kv get x")
    remember(file, given)
    remember(file, digests(OTHER, "command:true", None))
    assert read_agreed(file) > given
    assert len(read_agreed(file)) == 3
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "vault" not in file.read_text()
    assert [path.name for path in file.parent.iterdir()] == ["agreed-commands"]


def test_a_list_that_others_could_have_written_is_none(tmp_path: Path) -> None:
    file = tmp_path / "agreed-commands"
    remember(file, digests(SHOP, "command:true", None))
    link = tmp_path / "link"
    link.symlink_to(file)
    assert read_agreed(link) == frozenset()
    file.chmod(0o620)
    assert read_agreed(file) == frozenset()
    file.chmod(0o600)
    assert len(read_agreed(file)) == 1


def test_what_is_no_command_needs_no_agreement() -> None:
    assert digests(SHOP, "file:/srv/mail.env", None) == frozenset()
    assert digests(SHOP, None, None) == frozenset()
