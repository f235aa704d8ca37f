"""What is decided about keys, situation by situation: the whole decision, spelled out."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.rotation.decision import Case, Decision, Mode, RotationOptions, Tenant
from ses_tenant.core.rotation.keys import Situation
from ses_tenant.core.rotation.next_move import decide
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.notes import Note, Process
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
OLD, NEW, LOST = "AKIAOLDOLDOLDOLDOLD1", "AKIANEWNEWNEWNEWNEW1", "AKIALOSTLOSTLOSTLOS1"
NAMES = {"O": OLD, "N": NEW, "L": LOST}
TENANT = Tenant("shop.example.com", "ses-shop.example.com", "file:/srv/mail.env")
US = Process("host", 1)


def key(word: str) -> AccessKey:
    """Return the key that a word means: `O100d` is OLD, Active, issued 100 days ago.

    `-` is Inactive; behind `u` stands how long ago it was used.
    """
    found = re.fullmatch(r"([ONL])(-?)(\d+[dhm])(?:u(\d+[dhm]))?", word)
    assert found is not None, word
    status = KeyStatus.INACTIVE if found[2] else KeyStatus.ACTIVE
    used = NOW - ago(found[4]) if found[4] else None
    return AccessKey(NAMES[found[1]], status, NOW - ago(found[3]), used)


def ago(text: str) -> timedelta:
    return int(text[:-1]) * {"d": DAY, "h": HOUR, "m": MINUTE}[text[-1]]


def noted(text: str) -> Note:
    """Return the note that a text means: `NO@1h`, with `!` of an issue that is under way.

    With `>` the destination was changed then.
    """
    ids, _, at = text.partition("@")
    issuer = Process("other", 7) if at.endswith("!") else None
    time = NOW - ago(at.rstrip("!>"))
    return Note(tuple(NAMES[c] for c in ids), time, issuer, elsewhere=at.endswith(">"))


def situation(text: str) -> Situation:
    """Return the situation that a text means: keys, then what is held, noted, retired ..."""
    words = dict(word.split("=") for word in text.split() if "=" in word)
    flags = {word for word in text.split() if "=" not in word}
    keys = [word for word in text.split() if re.match(r"[ONL]-?\d", word)]
    return Situation(
        tuple(map(key, keys)),
        readable="unreadable" not in flags,
        held=NAMES.get(words.get("held", "")),
        suspended="suspended" in flags,
        delivered=noted(words["noted"]) if "noted" in words else None,
        retired=noted(words["retired"]) if "retired" in words else None,
        issuer_alive="dead" not in flags,
    )


def told(decision: Decision) -> list[str]:
    """Return a decision in words."""
    at = decision.next_step_at
    return [
        f"{decision.found}>{decision.state}",
        decision.action.value,
        named(decision.access_key_id or "-"),
        f"next {decision.next_step.value if decision.next_step else '-'}",
        *([f"in {span(at - NOW)}"] if at else []),
        *(named(step_text(step)) for step in decision.plan),
        *(f"warns {w.code}: {named(w.message)}" for w in decision.warnings),
    ]


def step_text(step: steps.Step) -> str:
    values = (getattr(step, field.name) for field in fields(step) if field.name != "user_name")
    assert step.user_name == TENANT.user_name
    text = " ".join(str(value) for value in values if value not in ((), False))
    return f"{type(step).__name__} {text}".strip()


def named(text: str) -> str:
    for short, long in NAMES.items():
        text = text.replace(long, short)
    return text.replace("2026-05-01T12:00:00Z", "now")


def span(delta: timedelta) -> str:
    return f"{delta // HOUR}h" if delta % HOUR == timedelta(0) else str(delta)


def outcome(text: str, mode: str, options: dict[str, Any]) -> list[str]:
    given = {"named": True, **options}
    if "grace" in given:
        given["grace"] = ago(given["grace"])
    if "reactivate" in given:
        given["reactivate"] = NAMES[given["reactivate"]]
    asked = RotationOptions(**given, mode=Mode(mode))
    try:
        return told(decide(Case(TENANT, situation(text), NOW, US, asked)))
    except SesTenantError as error:
        return [named(f"{error.code.value}: {error.message}"), named(error.hint)]


CASES = json.loads(Path(__file__).with_name("decisions.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['mode']}: {c['situation']}")
def test_the_decision_in_a_situation(case: dict[str, Any]) -> None:
    found = outcome(case["situation"], case["mode"], case.get("options", {}))
    assert found == case["decision"]
