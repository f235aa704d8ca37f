"""`watch test`: recorded events, decided offline."""

import json
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from ses_tenant.cli.streams import _lines
from tests.core.watch.samples import ACCOUNT, event

from .conftest import Run

AT = ("--now", "2026-03-01T12:00:00Z", "--account", ACCOUNT)


def lines(*events: object) -> str:
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in events)


def test_recorded_events_are_decided(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    hacked = [event("send", n) for n in range(120)] + [event("bounce", n) for n in range(60)]
    well = event("send", 1, "blog.example.org")
    late = event("send", 2, "blog.example.org", before=timedelta(days=3))
    huge = json.dumps({**event(), "padding": "x" * 2**20})
    file.write_text(
        "\ufeff" + lines(*hacked, well, well, late, "{", "7", huge, "[" * 100_000, "\udcff")
        + "\n\n" + lines({**well, "source": "my.app"}, {**well, "account": "999999999999"}),
        encoding="utf-8", errors="surrogateescape",
    )  # fmt: skip
    answer = run("watch", "test", "--events", str(file), *AT, "-o", "json")
    assert answer.status == 0
    assert answer.json["data"] == {
        "events": {"read": 190, "counted": 181, "duplicate": 1, "late": 1, "refused": 7},
        "decisions": [
            {
                "domain": "blog.example.org",
                "rule": None,
                "window": "1d",
                "counts": {"sends": 1, "bounces": 0, "complaints": 0, "rejects": 0},
                "decision": "nothing",
                "reason": "no rule is met",
            },
            {
                "domain": "shop.example.com",
                "rule": "bounce-rate > 20 % of >= 100 in 1h -> suspend",
                "window": "1h",
                "counts": {"sends": 120, "bounces": 60, "complaints": 0, "rejects": 0},
                "decision": "suspend",
                "reason": "60 bounces of 120 sends are 50.0 %, more than 20 %",
            },
        ],
    }
    text = run("watch", "test", "--events", "-", *AT, stdin=file.read_text(errors="replace"))
    assert "shop.example.com: suspend\n" in text.stdout
    assert "60 bounces of 120 sends are 50.0 %" in text.stdout


def test_events_of_no_tenant_are_told(run: Run) -> None:
    stranger = event(caller="wordpress\x1b[2J")
    answer = run("watch", "test", "--events", "-", "-o", "json", stdin=lines(stranger))
    assert answer.json["data"]["decisions"] == []
    (warning,) = answer.json["warnings"]
    assert warning["message"] == "1 event of no tenant, sent by wordpress\\x1b[2J."


@pytest.mark.parametrize("file", ["/dev/zero", "/", "/nowhere/events.jsonl", "/proc/self/mem"])
def test_what_is_no_file_of_events_is_refused(run: Run, file: str) -> None:
    answer = run("watch", "test", "--events", file, "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "usage")


@pytest.mark.parametrize(
    "option",
    [
        ("--deployed", "--account", ACCOUNT),
        ("--now", "yesterday"),
        ("--now", "0001-01-01T00:00:00+10:00"),
        ("--account", "12"),
    ],
)
def test_an_option_that_cannot_be_is_refused(run: Run, option: tuple[str, ...]) -> None:
    answer = run("watch", "test", "--events", "-", *option, "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "usage")


def test_short_lines_without_end_come_to_an_end() -> None:
    with pytest.raises(OSError, match="it has more than 20 lines"):
        list(_lines(BytesIO(b"{}\n" * 30), 100, 10_000))
    assert list(_lines(BytesIO(b"a\n\n" + b"b" * 101 + b"\nc"), 100, 10_000)) == [
        b"a\n", None, b"c",
    ]  # fmt: skip
