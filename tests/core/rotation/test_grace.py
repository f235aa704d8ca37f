"""When the old key may go: a probe is no site, and a grace time of nothing promises nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.rotation.decision import Action, Case, Decision, Mode, RotationOptions, Tenant
from ses_tenant.core.rotation.keys import Situation
from ses_tenant.core.rotation.next_move import decide
from ses_tenant.core.tenant.notes import Note, Process
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OLD, NEW = "AKIAOLDOLDOLDOLDOLD1", "AKIANEWNEWNEWNEWNEW1"
TENANT = Tenant("shop.example.com", "ses-shop.example.com", "file:/srv/mail.env")
FINISH = RotationOptions(named=True, mode=Mode.FINISH)
AT_ONCE = RotationOptions(named=True, grace=timedelta(0))


def overlap(
    *, old_created: datetime, old_used: datetime | None, new_used: datetime | None = None
) -> Situation:
    """Return two Active keys, the new one delivered an hour ago."""
    return Situation(
        (
            AccessKey(OLD, KeyStatus.ACTIVE, old_created, old_used),
            AccessKey(NEW, KeyStatus.ACTIVE, NOW - HOUR, new_used),
        ),
        readable=True,
        held=NEW,
        delivered=Note((NEW, OLD), NOW - HOUR),
    )


def turn(situation: Situation, options: RotationOptions) -> Decision:
    return decide(Case(TENANT, situation, NOW, Process("host", 1), options))


def test_the_probe_of_create_is_not_a_site_that_still_sends() -> None:
    created = NOW - 2 * HOUR
    sent = overlap(old_created=created, old_used=created + MINUTE)
    old, new = sent.access_keys
    probed = replace(sent, access_keys=(replace(old, probed=True), new))
    assert turn(probed, FINISH).action is Action.DEACTIVATED
    with pytest.raises(SesTenantError, match="something still sends with it"):
        turn(sent, FINISH)


def test_a_grace_of_nothing_is_warned_of() -> None:
    quiet = overlap(old_created=NOW - 90 * 24 * HOUR, old_used=NOW - 2 * HOUR)
    found = turn(quiet, AT_ONCE)
    assert found.action is Action.DEACTIVATED
    assert [w.code for w in found.warnings] == ["short_grace"]
    steady = replace(quiet, access_keys=quiet.access_keys[:1], held=OLD, delivered=None)
    issued = turn(steady, AT_ONCE)
    assert issued.action is Action.ISSUED
    assert [w.code for w in issued.warnings] == ["short_grace"]
    patient = turn(steady, RotationOptions(named=True))
    assert patient.warnings == ()


@pytest.mark.parametrize("mode", [Mode.NEXT, Mode.FINISH])
def test_a_grace_of_nothing_does_not_end_a_key_that_is_in_use(mode: Mode) -> None:
    used = overlap(old_created=NOW - 90 * 24 * HOUR, old_used=NOW - MINUTE)
    options = replace(AT_ONCE, mode=mode)
    with pytest.raises(SesTenantError, match="nothing tells that the site has changed") as caught:
        turn(used, options)
    assert "--force" in caught.value.hint
    forced = turn(used, replace(options, force=True))
    assert forced.action is Action.DEACTIVATED
    moved = overlap(old_created=NOW - 90 * 24 * HOUR, old_used=NOW - 5 * MINUTE, new_used=NOW)
    assert turn(moved, options).action is Action.DEACTIVATED
