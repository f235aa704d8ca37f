"""The manual page and the completions of shells, made from the commands themselves."""

from collections.abc import Iterator, Mapping

from typer._completion_shared import get_completion_script
from typer.main import get_command

from ses_tenant import __version__
from ses_tenant.cli.app import app
from ses_tenant.cli.options import fill_help
from ses_tenant.core.errors import ExitStatus

# Where each shell looks below a prefix such as /usr.
COMPLETIONS: Mapping[str, str] = {
    "bash": "bash-completion/completions/ses-tenant",
    "zsh": "zsh/site-functions/_ses-tenant",
    "fish": "fish/vendor_completions.d/ses-tenant.fish",
}
_SEE_ALSO = "aws(1), crontab(5), systemd.timer(5)"
_STATUSES = {
    ExitStatus.OK: "Done, or nothing to do.",
    ExitStatus.FAILED: "Failed.",
    ExitStatus.USAGE: "Used wrongly, or there was no terminal to ask; nothing was changed.",
    ExitStatus.PARTIAL: "Partly done; run the same command again to go on.",
    ExitStatus.FINDINGS: "check, audit or simulate found something, or plan has something to do.",
    ExitStatus.INTERRUPTED: "Interrupted by Ctrl-C, or a question was answered with no.",
}


def completion(shell: str) -> str:
    """Return the completion file of a shell, as `--show-completion` prints it."""
    script = get_completion_script(
        prog_name="ses-tenant", complete_var="_SES_TENANT_COMPLETE", shell=shell
    )
    return f"{script.rstrip()}\n"


def manual_page() -> str:
    """Return ses-tenant(1) in the man macros of man(7)."""
    root = get_command(app)
    lines = [
        f'.TH SES-TENANT 1 "" "ses-tenant {__version__}" "User Commands"',
        ".ad l",
        ".SH NAME",
        r"ses-tenant \- credentials on one Amazon SES account that send only as one domain",
        ".SH SYNOPSIS",
        ".B ses-tenant",
        r".I COMMAND",
        r"[\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        *_prose(root.help or ""),
        ".SH COMMANDS",
        *_commands(root, "ses-tenant", None),
        ".SH EXIT STATUS",
        *(
            line
            for status, told in _STATUSES.items()
            for line in (".TP", str(int(status)), _text(told))
        ),
        ".SH SEE ALSO",
        _SEE_ALSO,
    ]
    return "\n".join(lines) + "\n"


def _statuses() -> Iterator[str]:
    for status, told in _STATUSES.items():
        yield from (".TP", str(int(status)), _text(told))


def _commands(group: object, path: str, parent: object) -> Iterator[str]:
    context = group.make_context(path, [], parent=parent, resilient_parsing=True)  # type: ignore[attr-defined]
    for name, command in getattr(group, "commands", {}).items():
        if command.hidden:
            continue
        if getattr(command, "commands", {}):
            yield from _commands(command, f"{path} {name}", context)
            continue
        own = command.make_context(name, [], parent=context, resilient_parsing=True)
        usage = " ".join(command.collect_usage_pieces(own))
        yield f'.SS "{_text(f"{path} {name} {usage}")}"'
        yield from _prose(command.help or "")
        for parameter in command.get_params(own):
            record = parameter.get_help_record(own)
            if record:
                told = " ".join(fill_help(record[1]).split())
                yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(told))


def _prose(text: str) -> Iterator[str]:
    r"""Yield the paragraphs of a docstring; one that begins with \b stands as it is."""
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("\b"):
            example = paragraph.removeprefix("\b").strip("\n").splitlines()
            yield from (".PP", ".nf", *(_text(line) for line in example), ".fi")
        else:
            yield from (".PP", _text(" ".join(paragraph.split())))


def _text(text: str) -> str:
    """Return text for roff: a backslash, a hyphen and a first dot mean something there."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text
