"""What a format is: how one is declared, and looked up by its name."""

from collections.abc import Callable
from dataclasses import dataclass

from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.held import WRITTEN_BY

API = frozenset({Interface.API})
SMTP = frozenset({Interface.SMTP})


def marker(credentials: Credentials) -> str:
    """Return the words by which a file is known to be this tenant's."""
    return f"{WRITTEN_BY} {credentials.domain}"


@dataclass(frozen=True)
class Format:
    """A way of writing: the text, what makes a file of it, and the interfaces it can serve.

    `file_head` stands before the text in a file; `{}` in it is the marker. Empty where the text
    carries the marker itself. `consumer` reads it,
    `in_use` is what to know then, and `language` how it is marked, all three in documents.
    `put` says where the text belongs that was printed, and `then` what has to be done after that.
    `test` is the command by which the site itself sends a test mail.
    """

    write: Callable[[Credentials], str]
    consumer: str
    in_use: str = ""
    file_head: str = "# {}\n"
    interfaces: frozenset[Interface] = API | SMTP
    language: str = "text"
    put: str = ""
    then: str = ""
    test: str = ""

    def test_mail(self, domain: str, interface: Interface) -> str | None:
        """Return the command, run on the site's machine, that mails SES's mailbox simulator.

        None for a format that does not tell what reads it. The simulator takes mail in SES's
        sandbox, too: https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
        """
        sender = "boto3" if interface is Interface.API else "smtplib"
        return self.test.replace("DOMAIN", domain).replace("SENDER", sender) or None

    def file(self, credentials: Credentials) -> str:
        """Return the contents of a file."""
        return self.file_head.format(marker(credentials)) + self.write(credentials)


# In the order in which help names them.
FORMATS: dict[str, Format] = {}
_Write = Callable[[Credentials], str]


def form(
    name: str,
    consumer: str,
    *,
    in_use: str = "",
    file_head: str = "# {}\n",
    interfaces: frozenset[Interface] = API | SMTP,
    language: str = "text",
    put: str = "",
    then: str = "",
    test: str = "",
) -> Callable[[_Write], _Write]:
    """Declare the function below as the format `name`."""

    def declare(write: _Write) -> _Write:
        FORMATS[name] = Format(
            write, consumer, in_use, file_head, interfaces, language, put, then, test
        )
        return write

    return declare
