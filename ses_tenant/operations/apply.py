"""Carry out a plan, step by step; the one place where a secret passes through."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.keys import LEASE, note
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.credentials import Credentials, LocalSes, NewAccessKey, credentials_for
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.operations.protocols import Iam

if TYPE_CHECKING:
    from ses_tenant.core.tenant.observed import User

# IAM is eventually consistent: the first calls on a user just created or renamed may not find it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
_PAUSES_FOR_NEW_USER = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Issue:
    """What is needed to issue a key: whose it is and where it goes.

    `first` tells that the user exists and has no key: another run may see the same.
    """

    spec: TenantSpec
    user_arn: str | None
    destination: Destination
    now: Callable[[], datetime]
    first: bool = False
    local: LocalSes | None = None


@dataclass(frozen=True)
class Applied:
    """What came of a plan."""

    user_arn: str | None = None
    credentials: Credentials | None = None


def apply(
    iam: Iam, plan: steps.Plan, sleep: Callable[[float], None], issue: Issue | None = None
) -> Applied:
    """Carry out `plan` in order; a plan that issues a key needs `issue`.

    A key that could not be delivered is deleted again, because nobody would hold its secret.
    Raises the SesTenantError of the step that failed, which tells how many were done before it.
    """
    user: User | None = None
    key: NewAccessKey | None = None
    credentials: Credentials | None = None
    begun = issue.now() if issue else None
    renamed = False
    # Printing is no step to a person who is told how far the run came.
    total = sum(not (isinstance(s, steps.Deliver) and s.destination == STDOUT) for s in plan)
    for done, step in enumerate(plan):
        # A delivery that has failed has cleaned up after itself; it is not to be repeated.
        patient = (user is not None or renamed) and not isinstance(step, steps.Deliver)
        pauses = list(_PAUSES_FOR_NEW_USER if patient else ())
        while True:
            try:
                match step, issue:
                    case steps.CreateUser(), _:
                        user = iam.create_user(step)
                    case steps.CreateAccessKey(), Issue():
                        key = _create_key(iam, step.user_name, issue, sleep)
                    case steps.Deliver(), Issue() if key and begun:
                        arn = user.user_arn if user else issue.user_arn
                        credentials = credentials_for(issue.spec, arn, key, issue.local)
                        _deliver(iam, issue, credentials, begun, sleep)
                    case steps.MarkDelivered(), Issue() if key:
                        tag = note(
                            naming.TAG_DELIVERED, (key.access_key_id, *step.known), issue.now()
                        )
                        iam.apply(steps.TagUser(step.user_name, tag))
                    case ((steps.CreateAccessKey() | steps.Deliver() | steps.MarkDelivered()), _):
                        raise AssertionError("a plan that issues a key needs to know whose")
                    case write, _:
                        _write(iam, write, renamed=renamed)
                        renamed |= isinstance(write, steps.UpdateUser) and bool(write.new_user_name)
                break
            except SesTenantError as error:
                if error.code is ErrorCode.NOT_FOUND and pauses:
                    sleep(pauses.pop(0))
                    continue
                if not done:
                    raise
                raise error.after_steps(done, total) from error
    return Applied(user.user_arn if user else issue.user_arn if issue else None, credentials)


def _write(iam: Iam, step: steps.Write, *, renamed: bool) -> None:
    """Carry out a step. What is to go and is gone already, another run has removed.

    But a user that was just renamed may not be found yet, with all that hangs on it: so it counts
    as gone only if it is missing once more after the user was seen.
    """
    try:
        iam.apply(step)
    except SesTenantError as error:
        if error.code is not ErrorCode.NOT_FOUND or not isinstance(step, steps.REMOVALS):
            raise
        if renamed:
            if iam.get_user(step.user_name) is None:
                raise
            _write(iam, step, renamed=False)


def _create_key(
    iam: Iam, user_name: str, issue: Issue, sleep: Callable[[float], None]
) -> NewAccessKey:
    """Issue a key. Where there was none before, make sure that no other run did the same."""
    key = iam.create_access_key(user_name)
    if issue.first and len(iam.list_access_keys(user_name)) > 1:
        _, told = _take_back(iam, user_name, key.access_key_id, sleep)
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{issue.spec.domain}: another run issued a key at the same moment. {told}",
            "Run the same command again.",
        )
    return key


def _deliver(
    iam: Iam,
    issue: Issue,
    credentials: Credentials,
    begun: datetime,
    sleep: Callable[[float], None],
) -> None:
    """Put the credentials; on failure delete the key, unless the destination holds it after all."""
    try:
        if issue.now() - begun >= LEASE:
            raise SesTenantError(
                ErrorCode.PARTIAL_FAILURE,
                f"{issue.spec.domain}: issuing the key took longer than {LEASE}.",
                "Run the same command again.",
            )
        issue.destination.put(credentials)
    except BaseException as error:
        if _reached(issue.destination, credentials):
            if isinstance(error, SesTenantError):
                return  # only the answer was lost
            raise
        gone, told = _take_back(iam, credentials.user_name, credentials.access_key_id, sleep)
        if isinstance(error, SesTenantError):
            raise SesTenantError(error.code, f"{error.message} {told}", error.hint) from error
        if gone:
            raise
        raise SesTenantError(ErrorCode.PARTIAL_FAILURE, told) from error


def _take_back(iam: Iam, name: str, key: str, sleep: Callable[[float], None]) -> tuple[bool, str]:
    """Delete a key whose secret nobody holds; return whether it is gone, and what to tell."""
    for pause in (*_PAUSES_FOR_NEW_USER, None):
        try:
            iam.apply(steps.DeleteAccessKey(name, key))
        except SesTenantError as error:
            if error.code is ErrorCode.NOT_FOUND and pause is not None:
                sleep(pause)
                continue
            return False, (
                f"The new access key {key} could not be deleted again ({error.message}); nobody "
                f"holds its secret: aws iam delete-access-key --user-name {name} "
                f"--access-key-id {key}"
            )
        break
    return True, "The new access key was deleted again."


def _reached(destination: Destination, credentials: Credentials) -> bool:
    """Tell whether the destination holds the key although `put` failed.

    Raises the destination's error if it cannot be asked; the key is left alone then, and the next
    run finds out what became of it.
    """
    return destination.readable and destination.held_key() == credentials.access_key_id
