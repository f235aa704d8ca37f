"""Lines on a terminal: broken between words, commands that can be copied, one status line."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from ses_tenant.cli import console as consoles
from ses_tenant.cli.render import plan_text
from ses_tenant.cli.terminal import STATUS, broken, coloured
from ses_tenant.core.tenant.steps import CreateUser, DeleteUser
from ses_tenant.destinations.formats import FORMATS

HINT = "Hint: To see all tenants: ses-tenant list. To make this one: ses-tenant create "


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it, both streams in their order."""

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> str:
        """What is left to see: a line that was cleared is gone."""
        return "\n".join(line.rpartition("\r\x1b[K")[2] for line in self.getvalue().split("\n"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


@contextmanager
def writing_to(terminal: Terminal) -> Iterator[None]:
    with redirect_stdout(terminal), redirect_stderr(terminal):
        yield


@pytest.mark.parametrize(
    ("line", "width", "indent", "expected"),
    [
        ("short", 80, 0, "short"),
        ("one two three", 8, 2, "one two\n  three"),
        ("    one two three", 12, 4, "    one two\n    three"),
        ("a-long-word-that-does-not-fit b", 10, 0, "a-long-word-that-does-not-fit\nb"),
        (
            f"{HINT}shop.exmaple.com",
            80,
            0,
            (
                "Hint: To see all tenants: ses-tenant list. To make this one:\n"
                "  ses-tenant create shop.exmaple.com"
            ),
        ),
        (
            "  -> ses-tenant rotate-keys shop.example.com --reactivate AKIAIOSFODNN7EXAMPLE",
            50,
            5,
            (
                "  -> ses-tenant rotate-keys shop.example.com \\\n"
                "       --reactivate AKIAIOSFODNN7EXAMPLE"
            ),
        ),
        ("Test: wp eval 'a b c d e f g h'.", 20, 0, "Test:\n  wp eval \\\n    'a b c d e f g h'."),
        ("\x1b[31mError:\x1b[0m one two", 14, 0, "\x1b[31mError:\x1b[0m one two"),
    ],
)
def test_lines_are_broken_between_words_and_commands_stay_whole(
    line: str, width: int, indent: int, expected: str
) -> None:
    assert broken(line, width, indent) == expected


@pytest.mark.parametrize(
    ("term", "no_color", "expected"),
    [("xterm", "", "\x1b[31m\x1b[22mx\x1b[0m"), ("dumb", "", "x"), ("xterm", "1", "x")],
)
def test_colours_go_where_a_terminal_has_them(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal, term: str, no_color: str, expected: str
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_color)
    assert coloured("x", "red", terminal) == expected
    assert coloured("x", "red", io.StringIO()) == "x"


def test_the_status_never_shares_a_line_with_a_result_or_a_note(terminal: Terminal) -> None:
    console = consoles.Console("create")
    with writing_to(terminal), console.progress("Creating shop.example.com ..."):
        STATUS.show("Creating shop.example.com ...")
        assert terminal.screen == "Creating shop.example.com ..."
        consoles.write_stdout("define( 'WPMS_ON', true );\n")
        STATUS.show("Creating shop.example.com ...")
        console.note("done")
        STATUS.show("Creating shop.example.com ...")
    assert terminal.screen == "define( 'WPMS_ON', true );\ndone\n"


def test_the_status_begins_no_line_within_a_result(terminal: Terminal) -> None:
    with writing_to(terminal):
        consoles.write_stdout("secret")
        STATUS.show("Working ...")
        assert terminal.screen == "secret"
        consoles.write_stdout("\n")
        STATUS.show("Working ...")
        STATUS.clear()
        assert terminal.screen == "secret\n"


def test_a_terminal_that_takes_nothing_back_gets_the_status_once(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with writing_to(terminal):
        STATUS.show("Working ...")
        STATUS.show("Working ... 1/2")
        STATUS.clear()
        assert terminal.getvalue() == "Working ...\n"


def test_a_long_status_takes_one_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    with writing_to(terminal):
        STATUS.show("Creating shop.example.com ...")
        assert terminal.screen == "Creating sh"
        STATUS.clear()


def test_a_plan_shows_what_it_destroys_in_words_and_in_red(terminal: Terminal) -> None:
    plan = (CreateUser("ses-a.example", "/ses-tenant/a.example/", {}), DeleteUser("ses-a.example"))
    plain = (
        "+ iam:CreateUser: create the IAM user ses-a.example under /ses-tenant/a.example/\n"
        "- iam:DeleteUser: delete the IAM user ses-a.example\n"
    )
    assert plan_text(plan, io.StringIO()) == plain
    coloured_lines = plan_text(plan, terminal).splitlines()
    assert coloured_lines[0] == plain.splitlines()[0]
    assert coloured_lines[1].startswith("\x1b[31m")


def test_every_format_says_where_it_belongs() -> None:
    assert [name for name, form in FORMATS.items() if not form.put] == []
