"""Carry out a plan, step by step; the one place where a secret passes through."""

from dataclasses import dataclass
from datetime import datetime

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.keys import LEASE, note
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.credentials import Credentials, NewAccessKey, credentials_for
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.observed import User
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime

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
    first: bool = False


@dataclass(frozen=True)
class Applied:
    """What came of a plan."""

    user_arn: str | None = None
    credentials: Credentials | None = None


def apply(runtime: Runtime, plan: steps.Plan, issue: Issue | None = None) -> Applied:
    """Carry out `plan` in order; a plan that issues a key needs `issue`.

    A key that could not be delivered is deleted again, because nobody would hold its secret.
    Raises the SesTenantError of the step that failed, which tells how many were done before it.
    """
    run = _Run(runtime, issue, runtime.now())
    # Printing is no step to a person who is told how far the run came.
    total = sum(not (isinstance(s, steps.Deliver) and s.destination == STDOUT) for s in plan)
    for done, step in enumerate(plan):
        try:
            run.carry_out(step)
        except SesTenantError as error:
            if not done:
                raise
            raise error.after_steps(done, total) from error
    known = issue.user_arn if issue else None
    return Applied(run.user.user_arn if run.user else known, run.credentials)


@dataclass
class _Run:
    """A plan under way, and what its steps have made so far."""

    runtime: Runtime
    issue: Issue | None
    begun: datetime
    user: User | None = None
    key: NewAccessKey | None = None
    credentials: Credentials | None = None
    renamed: bool = False

    def carry_out(self, step: steps.Step) -> None:
        """Carry out a step, again as long as IAM does not find a user that was just made."""
        # A delivery that has failed has cleaned up after itself; it is not to be repeated.
        patient = (self.user is not None or self.renamed) and not isinstance(step, steps.Deliver)
        for pause in (*(_PAUSES_FOR_NEW_USER if patient else ()), None):
            try:
                self._call(step)
            except SesTenantError as error:
                if error.code is not ErrorCode.NOT_FOUND or pause is None:
                    raise
                self.runtime.sleep(pause)
            else:
                return

    def _call(self, step: steps.Step) -> None:
        match step, self.issue, self.key:
            case steps.CreateUser(), _, _:
                self.user = self.runtime.iam.create_user(step)
            case steps.CreateAccessKey(), Issue() as issue, _:
                self.key = _create_key(self.runtime, step.user_name, issue)
            case steps.Deliver(), Issue() as issue, NewAccessKey() as key:
                arn = self.user.user_arn if self.user else issue.user_arn
                self.credentials = credentials_for(issue.spec, arn, key, self.runtime.local_ses)
                _deliver(self.runtime, issue, self.credentials, self.begun)
            case steps.MarkDelivered(), _, NewAccessKey() as key:
                known = (key.access_key_id, *step.known)
                tag = note(naming.TAG_DELIVERED, known, self.runtime.now())
                self.runtime.iam.apply(steps.TagUser(step.user_name, tag))
            case ((steps.CreateAccessKey() | steps.Deliver() | steps.MarkDelivered()), _, _):
                raise AssertionError("a plan that issues a key needs to know whose")
            case write, _, _:
                _write(self.runtime.iam, write, renamed=self.renamed)
                self.renamed |= isinstance(write, steps.UpdateUser) and bool(write.new_user_name)


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


def _create_key(runtime: Runtime, user_name: str, issue: Issue) -> NewAccessKey:
    """Issue a key. Where there was none before, make sure that no other run did the same."""
    key = runtime.iam.create_access_key(user_name)
    if issue.first and len(runtime.iam.list_access_keys(user_name)) > 1:
        _, outcome = take_back(runtime, user_name, key.access_key_id)
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{issue.spec.domain}: another run issued a key at the same moment. {outcome}",
            "Run the same command again.",
        )
    return key


def _deliver(runtime: Runtime, issue: Issue, credentials: Credentials, begun: datetime) -> None:
    """Put the credentials; on failure delete the key, unless the destination holds it after all."""
    try:
        if runtime.now() - begun >= LEASE:
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
        gone, outcome = take_back(runtime, credentials.user_name, credentials.access_key_id)
        if isinstance(error, SesTenantError):
            raise SesTenantError(error.code, f"{error.message} {outcome}", error.hint) from error
        if gone:
            raise
        raise SesTenantError(ErrorCode.PARTIAL_FAILURE, outcome) from error


def take_back(runtime: Runtime, name: str, key: str) -> tuple[bool, str]:
    """Delete a key whose secret nobody holds; return whether it is gone, and what to tell.

    `name` is its user's, `key` its ID.
    """
    for pause in (*_PAUSES_FOR_NEW_USER, None):
        try:
            runtime.iam.apply(steps.DeleteAccessKey(name, key))
        except SesTenantError as error:
            if error.code is ErrorCode.NOT_FOUND and pause is not None:
                runtime.sleep(pause)
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
