"""Whom the Principal element of a resource policy names, and what that is worth.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from ses_tenant.core.iam.conditions import Context, any_of
from ses_tenant.core.iam.statements import Statement


class Named(Enum):
    """How a statement names the caller: that decides which limits its Allow passes by."""

    ACCOUNT = "by its account"
    ROLE = "by the role of the session"
    USER = "by the user"
    SELF = "as it is"  # the session itself, a federated or foreign principal, or everybody


@dataclass(frozen=True)
class Caller:
    """Who makes a request: `arn`, the role whose session it is if any, and the account.

    `any_session` if the ARN is the role's own, which then stands for whatever session of it.
    """

    arn: str
    account: str
    role_name: str = ""
    role: str = ""
    any_session: bool = False

    @classmethod
    def of(cls, arn: str, context: Context) -> "Caller":
        """Return the caller that an ARN (or the ID of an account) means."""
        # The ARN of a session leaves the path of its role out.
        return _caller(arn, context.values.get("aws:principalarn", ("",))[0])


@lru_cache(maxsize=1 << 14)
def _caller(arn: str, told: str) -> Caller:
    if arn.isdigit():
        return Caller(arn, arn)
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return Caller(arn, "")
    kind, _, name = parts[5].partition("/")
    if kind == "role":
        return Caller(arn, parts[4], name.rpartition("/")[2], arn, any_session=True)
    if kind == "assumed-role":
        return Caller(arn, parts[4], name.partition("/")[0], told if ":role/" in told else "")
    return Caller(arn, parts[4])


def named(statement: Statement, caller: Caller) -> dict[Named, bool | None]:
    """Return how the Principal element names the caller; None where it may do so.

    NotPrincipal names everybody else. Whether it leaves out somebody whose account alone it lists
    is not clear.
    """
    found: dict[Named, bool | None] = {}
    for listed in statement.principals or ():
        how, sure = _how(listed, caller)
        if how is not None:
            found[how] = any_of((found.get(how, False), sure))
    if not statement.not_principals:
        return found
    certain = any(sure for how, sure in found.items() if how is not Named.ACCOUNT)
    return {} if certain else {Named.SELF: None if found else True}


def concerns(statement: Statement, caller: Caller) -> bool | None:
    """Tell whether a statement is about the caller; one without Principal always is."""
    if statement.principals is None:
        return True
    return any_of(named(statement, caller).values())


def _how(listed: str, caller: Caller) -> tuple[Named | None, bool | None]:
    if listed == "*":
        return Named.SELF, True
    parts = listed.split(":", 5)
    kind, _, name = parts[-1].partition("/")
    if listed == caller.arn:
        return {"role": Named.ROLE, "user": Named.USER}.get(kind, Named.SELF), True
    account = parts[4] if len(parts) == 6 else listed
    if not caller.account or account != caller.account:
        return None, False
    if len(parts) < 6 or kind == "root":
        return Named.ACCOUNT, True
    return _as_role(kind, name, listed, caller)


def _as_role(kind: str, name: str, listed: str, caller: Caller) -> tuple[Named | None, bool | None]:
    """Return how a principal of the caller's account names the role that the caller is of."""
    if kind == "assumed-role" and caller.any_session and name.startswith(f"{caller.role_name}/"):
        return Named.SELF, None
    its_role = name.rpartition("/")[2] == caller.role_name and caller.role in ("", listed)
    if kind == "role" and not caller.any_session and its_role:
        return Named.ROLE, True
    return None, False
