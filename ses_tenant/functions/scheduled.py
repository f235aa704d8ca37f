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
from ses_tenant.aws.role import under_role
from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.text import read_text
from ses_tenant.aws.verify import verify_credentials
from ses_tenant.core import naming
from ses_tenant.core.credentials import Credentials
from ses_tenant.core.decision import Action, RotationOptions
from ses_tenant.core.destination import Destination
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.keys import Process
from ses_tenant.core.tenant import Observed, TenantSpec
from ses_tenant.destinations.registry import open_destination
from ses_tenant.functions.boundary import guarded, log
from ses_tenant.functions.settings import rotation_options
from ses_tenant.operations import rotate
from ses_tenant.operations.rotate import Turn, World

TENANTS_FILE = "SES_TENANT_TENANTS_FILE"
_REACHABLE = ("secretsmanager:", "ssm:")
_WORKERS = 8
# What one tenant can take at worst: the requests, and 30 s until a new key is accepted.
_A_TURN = timedelta(seconds=90)


class Context(Protocol):
    """What Lambda tells of the invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it is until Lambda ends the function."""


@dataclass(frozen=True)
class Rule:
    """One tenant that a tenants file names: its account, and the age at which its key is due."""

    role_arn: str | None
    domain: str
    max_age: timedelta | None = None


def handler(event: Mapping[str, object], context: Context) -> dict[str, object]:
    """Run `rotate-keys` for all tenants that are due, and return how many came to what.

    Raises FunctionFailed if a tenant failed; the others are done by then. Lambda may invoke it
    again at once: it goes on where this run stopped.
    """
    del event

    def work() -> dict[str, object]:
        session = open_session(None, None, None, workers=_WORKERS)
        where = os.environ.get(TENANTS_FILE)
        rules = parse(read_text(session, where), where) if where else None
        return run(session, rules, rotation_options(os.environ, named=False), context)

    return guarded(work)


def parse(text: str, where: str) -> Sequence[Rule]:
    """Return what a tenants file asks for."""
    raise NotImplementedError


def run(
    session: AwsSession,
    rules: Sequence[Rule] | None,
    options: RotationOptions,
    context: Context,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dict[str, object]:
    """Rotate the tenants that `rules` name; without rules, all of the session's account."""
    roles = [None] if rules is None else list(dict.fromkeys(rule.role_arn for rule in rules))
    result = {"rotated": 0, "unchanged": 0, "elsewhere": 0, "left": 0, "failed": 0}
    failures = []
    for role in roles:
        max_ages = (
            None
            if rules is None
            else {r.domain: r.max_age or options.max_age for r in rules if r.role_arn == role}
        )
        try:
            there = under_role(session, role) if role else session
            turns = _account(there, max_ages, options, context, sleep, now)
        except SesTenantError as error:
            turns = {"failed": [Turn(role or "this account", error=error)]}
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
    return dict(result)


def _account(
    session: AwsSession,
    max_ages: Mapping[str, timedelta] | None,
    options: RotationOptions,
    context: Context,
    sleep: Callable[[float], None],
    now: Callable[[], datetime],
) -> dict[str, list[Turn]]:
    """Rotate the tenants of one account, and return the turns by what came of them."""
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
    # The report tells for the shortest age which tenants are worth a look; each is then judged by
    # its own.
    shortest = min(max_ages.values(), default=options.max_age) if max_ages else options.max_age
    close, quiet = rotate.choose(iam, [], replace(options, max_age=shortest), now())
    wanted = [o for o in close if max_ages is None or _domain(o) in max_ages]
    reachable = [o for o in wanted if _destination(o).startswith(_REACHABLE)]

    def turn(observed: Observed) -> Turn | None:
        if context.get_remaining_time_in_millis() < _A_TURN.total_seconds() * 1000:
            return None
        age = options.max_age if max_ages is None else max_ages[_domain(observed)]
        prepared = rotate.prepare(iam, observed, replace(options, max_age=age), world)
        return rotate.carry_out(iam, prepared, world)

    with ThreadPoolExecutor(_WORKERS) as pool:
        turns = list(pool.map(turn, reachable))
    done = [t for t in turns if t is not None]
    missing = (
        ()
        if max_ages is None
        else max_ages.keys() - {*(_domain(o) for o in close), *(t.domain for t in quiet)}
    )
    absent = SesTenantError(
        ErrorCode.NOT_FOUND, "There is no such tenant.", "Make it: ses-tenant apply"
    )
    return {
        "rotated": [t for t in done if not t.error and _acted(t)],
        "unchanged": [t for t in done if not t.error and not _acted(t)]
        + [t for t in quiet if max_ages is None or t.domain in max_ages],
        "elsewhere": [Turn(_domain(o)) for o in wanted if o not in reachable],
        "left": [Turn(_domain(o)) for o, t in zip(reachable, turns, strict=True) if t is None],
        "failed": [t for t in done if t.error]
        + [Turn(domain, error=absent) for domain in sorted(missing)],
    }


def _acted(turn: Turn) -> bool:
    return turn.decision is not None and turn.decision.action is not Action.NONE


def _domain(observed: Observed) -> str:
    return observed.user.tags[naming.TAG_DOMAIN]


def _destination(observed: Observed) -> str:
    return naming.untag_text(naming.TAG_DESTINATION, observed.user.tags) or ""


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
