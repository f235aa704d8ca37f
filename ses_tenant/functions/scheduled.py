"""The function that a schedule invokes: `ses_tenant.functions.scheduled.handler`.

It does what `rotate-keys --yes` does from cron, for the tenants whose credentials go to Secrets
Manager or Parameter Store; files and commands are on a machine that a function cannot reach.

For more tenants than one invocation can do, a state machine invokes the same handler: first with
`{"split": 500}`, which tells into which branches of about that many tenants the work is divided,
then with each branch, `{"branch": {"account": null, "share": 0, "of": 7}}`.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.text import read_text
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.fleet import Account, Fleet
from ses_tenant.core.fleet.tenants_file import parse_fleet
from ses_tenant.core.rotation.decision import Action, RotationOptions
from ses_tenant.core.tenant.notes import Process
from ses_tenant.destinations.registry import file_checks, in_lambda
from ses_tenant.functions.boundary import guarded, log
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.functions.settings import rotation_options
from ses_tenant.operations.many import Accounts
from ses_tenant.operations.observe import observe_all
from ses_tenant.operations.rotate import Turn
from ses_tenant.operations.rotate_all import (
    Due,
    Planned,
    Share,
    Wanted,
    longest_due_first,
    look,
    rotate_all,
    wanted_of,
)
from ses_tenant.operations.runtime import Runtime

TENANTS_FILE = "SES_TENANT_TENANTS_FILE"
_OWN_ACCOUNT = Account("this account")
_WORKERS = 8
# Left out by the last daily run as well, if it was due by then.
_OVERDUE = timedelta(days=1)
# What one tenant can take at worst: the requests, and 30 s until a new key is accepted.
_A_TURN = timedelta(seconds=90)


class Context(Protocol):
    """What Lambda tells of the invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it is until Lambda ends the function."""


def handler(event: Mapping[str, object], context: Context) -> Mapping[str, object]:
    """Run `rotate-keys` for all tenants that are due, and return how many came to what.

    Raises FunctionFailed if a tenant failed; the others are done by then. Lambda may invoke it
    again at once: it goes on where this run stopped.
    """

    def work() -> Mapping[str, object]:
        where = os.environ.get(TENANTS_FILE)
        text = read_text(open_session(None, None, None), where) if where else None
        fleet = None if where is None or text is None else fleet_of(text, where)
        if "split" in event:
            return {"branches": [b.to_json() for b in split(fleet, _size(event), context)]}
        branch = Branch.parse(event["branch"]) if "branch" in event else None
        return run(fleet, rotation_options(os.environ, named=False), context, branch=branch)

    return guarded(work)


@dataclass(frozen=True)
class Branch:
    """A part of the work: a share of the tenants of one account, None for the function's own."""

    account: str | None
    share: Share

    @classmethod
    def parse(cls, value: object) -> "Branch":
        """Return what `to_json` has made. Raises SesTenantError `usage` for anything else."""
        match value:
            case {"account": str() | None as account, "share": int(number), "of": int(of)} if (
                0 <= number < of
            ):
                return cls(account, Share(number, of))
            case _:
                raise SesTenantError(ErrorCode.USAGE, "The event's branch is none.")

    def to_json(self) -> dict[str, object]:
        """Return it as the state machine hands it back."""
        return {"account": self.account, "share": self.share.number, "of": self.share.of}


def split(
    fleet: Fleet | None,
    size: int,
    context: Context,
    runtime_of: Callable[[AwsSession, Process], Runtime] = make_runtime,
) -> list[Branch]:
    """Return the branches into which the work is divided, of about `size` tenants each.

    With a tenants file that takes no request, else it lists the account's tenants.
    """
    counts: dict[str | None, int]
    if fleet is not None:
        counts = {name: len(fleet.of(name)) for name in fleet.accounts}
    else:
        runtime = runtime_of(open_session(None, None, None), _process(context))
        counts = {None: len(observe_all(runtime.iam)[0])}
    return [
        Branch(account, Share(number, shares))
        for account, count in counts.items()
        for shares in (-(-count // size),)
        for number in range(shares)
    ]


def _size(event: Mapping[str, object]) -> int:
    size = event["split"]
    if not isinstance(size, int) or size < 1:
        raise SesTenantError(ErrorCode.USAGE, "The event's split is no number of tenants.")
    return size


def _process(context: Context) -> Process:
    # Nothing else has that name, so every other run takes it for alive until its lease is over.
    return Process(f"lambda-{context.aws_request_id}"[:64], 0)


def fleet_of(text: str, where: str) -> Fleet:
    """Return what a tenants file says. Raises SesTenantError `usage`.

    A function has no profiles: an account without a role is the function's own, unless it names a
    profile, which could be any.
    """
    fleet = parse_fleet(text, where, file_checks())
    for account in fleet.accounts.values():
        if account.profile and not account.role_arn:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"{where}: the account {account.name} is reached by a profile, and a function has "
                "none.",
                "Give it a role-arn that the function may assume.",
            )
    return fleet


def run(
    fleet: Fleet | None,
    options: RotationOptions,
    context: Context,
    runtime_of: Callable[[AwsSession, Process], Runtime] = make_runtime,
    branch: Branch | None = None,
) -> dict[str, int]:
    """Rotate all that is due, log it, and return how many tenants came to what.

    Without a tenants file that is every tenant of the function's own account; with a branch, only
    its share. Raises SesTenantError `partial_failure` if any failed.
    """
    process = _process(context)

    def opened(account: Account) -> Runtime | SesTenantError:
        try:
            region = next(iter(account.regions), None)
            session = open_session(None, region, None, _WORKERS, role_arn=account.role_arn)
            return runtime_of(session, process)
        except SesTenantError as error:
            return error

    accounts: Accounts = {None: opened(_OWN_ACCOUNT)}
    wanted: Mapping[str | None, Wanted] = {None: Wanted(options)}
    if fleet is not None:
        wanted = wanted_of(fleet, options, {})
    if branch is not None:
        wanted = {
            a: replace(w, share=branch.share) for a, w in wanted.items() if a == branch.account
        }
    if fleet is not None:
        accounts = {a.name: opened(a) for a in fleet.accounts.values() if a.name in wanted}
    outcomes = _rotate(accounts, wanted, context)
    for outcome, turns in outcomes.items():
        for turn in turns:
            _log(turn, outcome)
    result = {outcome: len(turns) for outcome, turns in outcomes.items()}
    log({"summary": result})
    _raise_failures(outcomes)
    return result


def _rotate(
    accounts: Accounts, wanted: Mapping[str | None, Wanted], context: Context
) -> dict[str, list[Turn]]:
    """Rotate what is due, and return the turns by what came of them.

    The time did not suffice for those in `left`; of these, `overdue` were due a day ago as well.
    """

    def time_is_left() -> bool:
        return context.get_remaining_time_in_millis() >= _A_TURN.total_seconds() * 1000

    found = look(accounts, wanted)
    reachable = longest_due_first(due for due in found.due if in_lambda(due.destination))
    elsewhere = [due for due in found.due if not in_lambda(due.destination)]
    results = rotate_all(reachable, time_is_left)
    done = [planned.turn for planned in results if planned is not None]
    left = [due for due, result in zip(reachable, results, strict=True) if result is None]
    return {
        "rotated": [t for t in done if not t.error and _acted(t)],
        "unchanged": [
            *(t for t in done if not t.error and not _acted(t)),
            *_turns(found.settled),
        ],
        "elsewhere": [Turn(due.domain) for due in elsewhere],
        "left": [Turn(due.domain) for due in left],
        "overdue": [Turn(due.domain) for due in left if _overdue(due)],
        "failed": [
            *(t for t in done if t.error),
            *_turns(found.absent),
            *(Turn(name or _OWN_ACCOUNT.name, error=error) for name, error in found.errors),
        ],
    }


def _overdue(due: Due) -> bool:
    return due.since is not None and due.runtime.now() - due.since > _OVERDUE


def _turns(planned: Sequence[Planned]) -> list[Turn]:
    return [one.turn for one in planned]


def _raise_failures(outcomes: Mapping[str, Sequence[Turn]]) -> None:
    failed = outcomes["failed"]
    if failed:
        total = sum(len(turns) for name, turns in outcomes.items() if name != "overdue")
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{len(failed)} of {total} failed: "
            + "; ".join(f"{turn.domain}: {turn.error}" for turn in failed[:10]),
            "The log has a line for each.",
        )


def _acted(turn: Turn) -> bool:
    return turn.decision is not None and turn.decision.action is not Action.NONE


def _log(turn: Turn, outcome: str) -> None:
    if outcome == "unchanged":
        return  # thousands a day, of no interest
    record: dict[str, object] = {"tenant": turn.domain, "outcome": outcome}
    if turn.decision:
        record |= {
            "action": turn.decision.action,
            "state": turn.decision.state,
            "warnings": [w.message for w in turn.decision.warnings],
        }
    if turn.error:
        record |= {"code": turn.error.code, "error": turn.error.message, "hint": turn.error.hint}
    log(record)
