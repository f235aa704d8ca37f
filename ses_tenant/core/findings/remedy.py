"""What to run about a finding: a command that can be pasted, whatever stands in the account."""

import shlex

_NO_COMMAND = (
    "Do it in the AWS console: a name in the account holds characters that no shell should read."
)


def command(*arguments: str) -> str:
    """Return the arguments as a command line for a POSIX shell, each quoted where it needs it.

    Where one of them holds control characters, which a terminal might obey when the command is
    shown or pasted, a sentence is returned in place of the command.
    """
    if not all(argument.isprintable() for argument in arguments):
        return _NO_COMMAND
    return shlex.join(arguments)


def option(name: str, value: str) -> tuple[str, ...]:
    """Return an option and its value as arguments; a value like `-x` is not read as an option."""
    return (f"{name}={value}",) if value.startswith("-") else (name, value)
