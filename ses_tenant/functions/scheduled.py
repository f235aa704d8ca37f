"""The function that a schedule invokes: `ses_tenant.functions.scheduled.handler`.

It does what `rotate-keys --yes` does from cron, for the tenants whose credentials go to Secrets
Manager or Parameter Store; files and commands are on a machine that a function cannot reach.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from ses_tenant.aws.iam import Iam
from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.text import read_text
from ses_tenant.aws.verify import verify_credentials
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.fleet import Account
from ses_tenant.core.fleet.tenants_file import parse_fleet
from ses_tenant.core.rotation.decision import Action, RotationOptions
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.destinations.registry import file_checks, in_lambda, open_destination
from ses_tenant.functions.boundary import guarded, log
from ses_tenant.functions.settings import rotation_options
from ses_tenant.operations import rotate
from ses_tenant.operations.rotate import Turn, World

TENANTS_FILE = "SES_TENANT_TENANTS_FILE"
_WORKERS = 8
# What one tenant can take at worst: the requests, and 30 s until a new key is accepted.
_A_TURN = timedelta(seconds=90)


class Context(Protocol):
    """What Lambda tells of the invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it is until Lambda ends the function."""


@dataclass(frozen=True)
class Part:
    """The tenants of one account, and the age at which each one's key is due.

    Without `max_ages`, all the tenants there are, at the age that the function was told.
    """

    account: Account
    max_ages: Mapping[str, timedelta | None] | None = None


OWN_ACCOUNT = Part(Account("this account"))


def handler(event: Mapping[str, object], context: Context) -> dict[str, int]:
    """Run `rotate-keys` for all tenants that are due, and return how many came to what.

    Raises FunctionFailed if a tenant failed; the others are done by then. Lambda may invoke it
    again at once: it goes on where this run stopped.
    """
    del event

    def work() -> dict[str, int]:
        where = os.environ.get(TENANTS_FILE)
        parts: Sequence[Part] = (OWN_ACCOUNT,)
        if where:
            parts = parts_of(read_text(open_session(None, None, None), where), where)
        return run(parts, rotation_options(os.environ, named=False), context)

    return guarded(work)


def parts_of(text: str, where: str) -> tuple[Part, ...]:
    """Return what a tenants file names, by account. Raises SesTenantError `usage`.

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
    return tuple(
        Part(account, {tenant.domain.name: tenant.max_age for tenant in fleet.of(account.name)})
        for account in fleet.accounts.values()
    )


def run(
    parts: Sequence[Part],
    options: RotationOptions,
    context: Context,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dict[str, int]:
    """Rotate all that is due, log it, and return how many tenants came to what.

    Raises SesTenantError `partial_failure` if any failed.
    """
    result = {"rotated": 0, "unchanged": 0, "elsewhere": 0, "left": 0, "failed": 0}
    failures = []
    for part in parts:
        try:
            turns = _rotate(part, options, context, sleep, now)
        except SesTenantError as error:
            turns = {"failed": [Turn(part.account.name, error=error)]}
        for outcome, some in turns.items():
            result[outcome] += len(some)
            failures += [turn for turn in some if turn.error]
            for turn in some:
                _log(turn, outcome)
    log({"summary": result})
    if failures:
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{len(failures)} of {sum(result.values())} failed: "
            + "; ".join(f"{turn.domain}: {turn.error}" for turn in failures[:10]),
            "The log has a line for each.",
        )
    return result


def _rotate(
    part: Part,
    options: RotationOptions,
    context: Context,
    sleep: Callable[[float], None],
    now: Callable[[], datetime],
) -> dict[str, list[Turn]]:
    """Rotate the tenants of one account, and return the turns by what came of them."""
    account = part.account
    region = next(iter(account.regions), None)
    session = open_session(None, region, None, _WORKERS, role_arn=account.role_arn)
    iam = Iam(session, sleep)
    world = World(
        open_destination=partial(_open, session),
        verify=partial(verify_credentials, session, sleep=sleep),
        sleep=sleep,
        now=now,
        # Nothing else has that name, so every other run takes it for alive until its lease is over.
        me=Process(f"lambda-{context.aws_request_id}"[:64], 0),
        default_region=session.region,
    )
    named = part.max_ages

    def options_of(domain: str) -> RotationOptions | None:
        if named is None:
            return options
        if domain not in named:
            return None
        return replace(options, max_age=named[domain] or options.max_age)

    close, quiet = rotate.choose(iam, [], options_of, now())
    reachable = [o for o in close if in_lambda(_destination(o))]

    def turn(observed: Observed) -> Turn | None:
        if context.get_remaining_time_in_millis() < _A_TURN.total_seconds() * 1000:
            return None
        own = options_of(_domain(observed)) or options
        prepared = rotate.prepare(iam, observed, own, world)
        return rotate.carry_out(iam, prepared, world)

    with ThreadPoolExecutor(_WORKERS) as pool:
        turns = list(pool.map(turn, reachable))
    done = [t for t in turns if t is not None]
    there = {_domain(o) for o in close} | {t.domain for t in quiet}
    absent = SesTenantError(ErrorCode.NOT_FOUND, "There is no such tenant.", "ses-tenant apply")
    return {
        "rotated": [t for t in done if not t.error and _acted(t)],
        "unchanged": [*(t for t in done if not t.error and not _acted(t)), *quiet],
        "elsewhere": [Turn(_domain(o)) for o in close if o not in reachable],
        "left": [Turn(_domain(o)) for o, t in zip(reachable, turns, strict=True) if t is None],
        "failed": [
            *(t for t in done if t.error),
            *(Turn(domain, error=absent) for domain in sorted(set(named or ()) - there)),
        ],
    }


def _acted(turn: Turn) -> bool:
    return turn.decision is not None and turn.decision.action is not Action.NONE


def _domain(observed: Observed) -> str:
    return observed.domain.name


def _destination(observed: Observed) -> str:
    return str(observed.user.remembered.destination or STDOUT)


def _open(session: AwsSession, spec: TenantSpec) -> Destination:
    return open_destination(spec, session, _never_printed, force=False)


def _never_printed(_credentials: Credentials) -> None:
    raise AssertionError("nothing that goes to stdout is rotated here")


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
