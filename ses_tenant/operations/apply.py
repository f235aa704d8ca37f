"""Carry out a plan, step by step."""

from collections.abc import Callable
from dataclasses import dataclass

from ses_tenant.core import steps
from ses_tenant.core.credentials import NewAccessKey
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import User
from ses_tenant.operations.protocols import Iam

# IAM is eventually consistent: the first calls on a user just created may not find it yet.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
_PAUSES_FOR_NEW_USER = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Applied:
    """What came back from the steps that answer something."""

    user: User | None = None
    key: NewAccessKey | None = None


def apply(iam: Iam, plan: steps.Plan, sleep: Callable[[float], None]) -> Applied:
    """Carry out `plan` in order and return what was made.

    Raises the SesTenantError of the step that failed, which tells how many were done before it.
    """
    user: User | None = None
    key: NewAccessKey | None = None
    for done, step in enumerate(plan):
        pauses = list(_PAUSES_FOR_NEW_USER if user else ())
        while True:
            try:
                match step:
                    case steps.CreateUser():
                        user = iam.create_user(step)
                    case steps.CreateAccessKey():
                        key = iam.create_access_key(step.user_name)
                    case _:
                        iam.apply(step)
                break
            except SesTenantError as error:
                if error.code is ErrorCode.NOT_FOUND and pauses:
                    sleep(pauses.pop(0))
                    continue
                raise error.after_steps(done, len(plan)) from error
    return Applied(user, key)
