"""What can go wrong, as one exception with a code from a closed set.

Every failure that a user can meet ends as a `SesTenantError`: what failed and what AWS said in
`message`, the command to run next in `hint`. The command line turns `code` into an exit status.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """The codes of `errors[].code` in JSON output; documented in docs/reference.md."""

    ACCESS_DENIED = "access_denied"
    ACCESS_KEY_LIMIT = "access_key_limit"
    ALREADY_EXISTS = "already_exists"
    CREDENTIALS_EXPIRED = "credentials_expired"
    DESTINATION_UNAVAILABLE = "destination_unavailable"
    DNS_UNAVAILABLE = "dns_unavailable"
    INTERNAL = "internal"
    INTERRUPTED = "interrupted"
    INVALID_DOMAIN = "invalid_domain"
    NETWORK = "network"
    NO_CREDENTIALS = "no_credentials"
    NO_REGION = "no_region"
    NOT_FOUND = "not_found"
    NOT_OURS = "not_ours"
    PARTIAL_FAILURE = "partial_failure"
    POLICY_TOO_LARGE = "policy_too_large"
    QUOTA_EXCEEDED = "quota_exceeded"
    SUSPENDED = "suspended"
    THROTTLED = "throttled"
    USAGE = "usage"


class ExitStatus(IntEnum):
    """The exit statuses of every command; documented in docs/reference.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    FINDINGS = 4
    INTERRUPTED = 130


class SesTenantError(Exception):
    """A failure to show to the user: message, hint, code; never a secret in any of them."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        hint: str = "",
        *,
        partly_done: bool = False,
        settings: tuple[str, ...] = (),
    ) -> None:
        """Keep the three parts; `partly_done` says that some steps were carried out before it.

        `settings` are the names of a tenant's settings that are at fault; whoever took their
        values knows where they were given.
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.partly_done = partly_done
        self.settings = settings

    @property
    def exit_status(self) -> ExitStatus:
        """Return the status that a command ends with when this is what stopped it."""
        if self.partly_done or self.code is ErrorCode.PARTIAL_FAILURE:
            return ExitStatus.PARTIAL
        if self.code in (ErrorCode.USAGE, ErrorCode.INVALID_DOMAIN):
            return ExitStatus.USAGE
        if self.code is ErrorCode.INTERRUPTED:
            return ExitStatus.INTERRUPTED
        return ExitStatus.FAILED

    def of_settings(self, *settings: str) -> "SesTenantError":
        """Return the same failure, as one of these settings."""
        return self._again(self.message, self.hint, settings=settings)

    def with_hint(self, more: str) -> "SesTenantError":
        """Return the same failure with one more hint."""
        return self._again(self.message, f"{self.hint} {more}".strip())

    def hinting(self, hint: str) -> "SesTenantError":
        """Return the same failure with another hint."""
        return self._again(self.message, hint)

    def about(self, subject: str) -> "SesTenantError":
        """Return the same failure, saying first whose it is, such as an account's."""
        return self._again(f"{subject}: {self.message}", self.hint)

    def after_steps(self, done: int, total: int) -> "SesTenantError":
        """Return the same failure, saying that `done` of `total` steps had been carried out."""
        if not done:
            return self
        again = "Run the same command again: it goes on where this run stopped."
        return self._again(
            f"{self.message} ({done} of {total} steps were done before.)",
            f"{self.hint} {again}".strip(),
            partly_done=True,
        )

    def _again(
        self,
        message: str,
        hint: str,
        *,
        partly_done: bool | None = None,
        settings: tuple[str, ...] | None = None,
    ) -> "SesTenantError":
        """Return the same failure in other words; what is not given stays."""
        return SesTenantError(
            self.code,
            message,
            hint,
            partly_done=self.partly_done if partly_done is None else partly_done,
            settings=self.settings if settings is None else settings,
        )


@dataclass(frozen=True)
class Notice:
    """Something the user should know although the command went on: `warnings[]` in JSON."""

    code: str
    message: str
