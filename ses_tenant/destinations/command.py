"""A command that takes the credentials as JSON on its standard input."""

import json
import shlex
import subprocess
from typing import assert_never

from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.destinations.agreement import Refused, Role
from ses_tenant.destinations.formats import secret_document
from ses_tenant.destinations.held import key_id_in, unavailable
from ses_tenant.destinations.scheme import Opening, Scheme

# Well inside keys.LEASE, so that a run that hangs here is over when its lease is.
_TIMEOUT_S = 300


class CommandDestination:
    """Credentials handed to a shell command, such as `op`, `vault kv put -`, or one over ssh.

    Its output is thrown away, because it might repeat the secret. An optional second command
    prints what is held now; the access key ID is looked for in its output.
    """

    call = "Put"

    def __init__(
        self, command: str, read_back: str | None, *, timeout_s: float = _TIMEOUT_S
    ) -> None:
        """Keep the commands; nothing is run yet."""
        self._command = command
        self._read_back = read_back
        self._timeout_s = timeout_s
        self._where = f"command:{command}"

    @property
    def readable(self) -> bool:
        """Tell whether there is a command that reads back."""
        return self._read_back is not None

    def check(self) -> None:
        """Do nothing: whether a command works shows when it is run."""

    def put(self, credentials: Credentials) -> None:
        """Run the command with the JSON document on its standard input."""
        self._run(self._command, json.dumps(secret_document(credentials)) + "\n")

    def held_key(self) -> str | None:
        """Return the key ID in what the second command prints; None without one."""
        if self._read_back is None:
            return None
        return key_id_in(self._run(self._read_back, ""), self._where)

    def _run(self, command: str, text: str) -> str:
        try:
            # The operator wrote the command; a shell is what makes pipes and ssh possible.
            done = subprocess.run(  # noqa: S602
                command,
                shell=True,
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                errors="replace",
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise self._failed(f"it did not end within {self._timeout_s} s") from None
        except OSError as error:
            raise self._failed(error.strerror or type(error).__name__) from error
        if done.returncode != 0:
            raise self._failed(f"it ended with status {done.returncode}")
        return done.stdout

    def _failed(self, why: str) -> SesTenantError:
        return unavailable(
            self._where, why, "Run it by hand with {} on its standard input to see what it prints."
        )


class HeldBackCommand:
    """A command that is not run: this run only reads, or nobody on this machine agreed to it."""

    call = "Put"

    def __init__(self, spec: TenantSpec, command: str, why: Refused, *, unread: bool) -> None:
        """Keep why; with `unread` it counts as one that cannot be read back."""
        self._spec = spec
        self._command = command
        self._why = why
        self.readable = spec.read_back is not None and not unread

    def check(self) -> None:
        """Refuse before a key is issued, unless no key will be."""
        if self._why is Refused.NOT_AGREED:
            raise self._refusal()

    def put(self, _credentials: Credentials) -> None:
        """Refuse."""
        raise self._refusal()

    def held_key(self) -> str | None:
        """Refuse: what is held is not known."""
        raise self._refusal()

    def _refusal(self) -> SesTenantError:
        where = f"command:{self._command}"
        match self._why:
            case Refused.ONLY_READS:
                return unavailable(
                    where,
                    "a run that only reads, and a dry run, start no command of a tag",
                    f"To see what is held, read its tags: ses-tenant show {self._spec.domain}",
                )
            case Refused.NOT_AGREED:
                read_back = self._spec.read_back
                commands = ["--to", where, *(["--read-back", read_back] if read_back else [])]
                return unavailable(
                    where,
                    "it stands in the IAM user's tags, and nobody has agreed to it on this machine",
                    "Whoever may tag the user wrote it. Read it, and if you want it run here: "
                    f"{shlex.join(['ses-tenant', 'create', self._spec.domain.name, *commands])}",
                )
            case _:
                assert_never(self._why)


def _open(opening: Opening) -> Destination:
    spec, command, consent = opening.spec, opening.rest, opening.consent
    refused = consent.refusal(spec.domain, Role.DELIVER, command)
    if spec.read_back is not None:
        refused = refused or consent.refusal(spec.domain, Role.READ_BACK, spec.read_back)
    if refused is not None:
        return HeldBackCommand(spec, command, refused, unread=consent.unread)
    return CommandDestination(command, spec.read_back)


SCHEME = Scheme(
    "command",
    "command:CMD",
    _open,
    told=", which gets JSON on its stdin",
    written="the JSON document, on the standard input of `CMD`",
    read_by="`--read-back CMD`, if given",
)
