"""What comes next for a tenant's keys, as `list` tells it without reading a destination."""

from datetime import UTC, datetime, timedelta

import pytest

from ses_tenant.core.rotation.decision import NextStep
from ses_tenant.core.rotation.keys import KeyState
from ses_tenant.core.rotation.outlook import WORDS, is_due, outlook
from ses_tenant.core.tenant.notes import Note
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus

T = datetime(2026, 1, 1, tzinfo=UTC)
OLD = AccessKey("AKIAIOSFODNN7EXAMPLE", KeyStatus.ACTIVE, T)
NEW = AccessKey("AKIAI44QH8DHBEXAMPLE", KeyStatus.ACTIVE, T + timedelta(days=90))
BOTH = (NEW.access_key_id, OLD.access_key_id)


def test_every_state_has_plain_words_of_its_own() -> None:
    assert set(WORDS) == set(KeyState)
    assert len(set(WORDS.values())) == len(KeyState)


@pytest.mark.parametrize(
    ("state", "keys", "delivered", "retired", "readable", "expected"),
    [
        ("STEADY", (OLD,), None, None, True, ("rotate", datetime(2026, 4, 1, tzinfo=UTC))),
        ("OVERLAP", (OLD, NEW), None, None, True, ("deactivate", datetime(2026, 4, 2, tzinfo=UTC))),
        (
            "OVERLAP", (OLD, NEW), Note(BOTH, datetime(2026, 4, 3, tzinfo=UTC)), None, True,
            ("deactivate", datetime(2026, 4, 4, tzinfo=UTC)),
        ),
        ("OVERLAP", (OLD, NEW), None, None, False, ("finish", None)),
        (
            "RETIRING", (OLD, NEW), None, Note(BOTH[1:], T), True,
            ("delete", datetime(2026, 1, 8, tzinfo=UTC)),
        ),
        ("RETIRING", (OLD, NEW), None, None, True, ("delete", None)),
        ("SUSPENDED", (OLD,), None, None, True, ("resume", None)),
        ("NO_KEY", (), None, None, True, ("rotate", None)),
        ("LOCKED_OUT", (OLD,), None, None, True, ("resolve", None)),
    ],
)  # fmt: skip
def test_the_next_step_and_its_date(
    state: str,
    keys: tuple[AccessKey, ...],
    delivered: Note | None,
    retired: Note | None,
    readable: bool,
    expected: tuple[str, datetime | None],
) -> None:
    assert outlook(KeyState(state), keys, delivered, retired, readable=readable) == expected


def test_what_is_due_is_what_can_be_done_now() -> None:
    assert is_due(KeyState.STEADY, NextStep.ROTATE, T, T)
    assert not is_due(KeyState.STEADY, NextStep.ROTATE, T + timedelta(seconds=1), T)
    assert is_due(KeyState.NO_KEY, NextStep.ROTATE, None, T)
    assert is_due(KeyState.CONFUSED, NextStep.RESOLVE, None, T)
    assert not is_due(KeyState.SUSPENDED, NextStep.RESUME, None, T)
