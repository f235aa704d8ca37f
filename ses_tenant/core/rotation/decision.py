"""What `rotate-keys` can be asked and can decide, and the sequences of steps it decides on."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.rotation.keys import KeyState, Situation, issuing, known_keys, note
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus

# A new key is probed right after it is delivered; a use so early is no site's.
PROBED_WITHIN = timedelta(minutes=2)
# IAM shows a use some minutes late, so that a shorter grace time is none.
SHORTEST_GRACE = timedelta(minutes=15)


class Mode(StrEnum):
    """What `rotate-keys` was asked to do, other than the next step."""

    NEXT = "next"
    FINISH = "finish"
    ABORT = "abort"
    ROLLBACK = "rollback"
    COMPROMISED = "compromised"
    REACTIVATE = "reactivate"


class Action(StrEnum):
    """What a run does to a tenant's keys: `action` in JSON."""

    NONE = "none"
    ISSUED = "issued"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    REACTIVATED = "reactivated"
    FAILED = "failed"


class NextStep(StrEnum):
    """What comes next: `next_step` in JSON."""

    ROTATE = "rotate"
    FINISH = "finish"
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    RESUME = "resume"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class RotationOptions:
    """The options of `rotate-keys`. `named`: the tenant was named, so it is due at any age."""

    named: bool
    max_age: timedelta = timedelta(days=90)
    grace: timedelta = timedelta(hours=24)
    quarantine: timedelta = timedelta(days=7)
    mode: Mode = Mode.NEXT
    reactivate: str | None = None
    force: bool = False


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(name: str, text: str) -> timedelta:
    """Return the time that `text` stands for, such as 30m or 90d.

    Raises SesTenantError `usage`; `name` is the option that `text` was given for.
    """
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'{text}' is not a time for {name}.",
            "A number and a unit: 0s, 30m, 24h, 7d.",
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


@dataclass(frozen=True)
class Tenant:
    """The tenant whose keys are rotated, as far as steps need it."""

    domain: str
    user_name: str
    destination: str


@dataclass(frozen=True)
class Decision:
    """The next move: its plan, and what the tenant is found in and comes to."""

    found: KeyState
    state: KeyState
    action: Action = Action.NONE
    plan: steps.Plan = ()
    access_key_id: str | None = None
    next_step: NextStep | None = None
    next_step_at: datetime | None = None
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Case:
    """All that decides about one tenant's keys `at` a time; `process` carries it out."""

    tenant: Tenant
    situation: Situation
    at: datetime
    process: Process
    options: RotationOptions = RotationOptions(named=True)

    @property
    def grace_ends(self) -> datetime | None:
        """Return when a grace time that begins now is over; None where only a person can tell."""
        return self.at + self.options.grace if self.situation.readable else None


def issue(case: Case) -> tuple[steps.Step, ...]:
    """Return the steps that issue a key and deliver it: announce, create, deliver, note."""
    situation, name = case.situation, case.tenant.user_name
    announced = issuing(situation, case.process, case.at)
    announce = (steps.TagUser(name, announced),) if situation.readable else ()
    return (
        *announce,
        steps.CreateAccessKey(name),
        steps.Deliver(name, case.tenant.destination, situation.call),
        steps.MarkDelivered(name, known_keys(situation)),
    )


def used_by_a_site(key: AccessKey) -> bool:
    """Tell whether a key was used, other than by the probe right after it was issued."""
    return key.last_used_at is not None and not key.probed


def deactivate(case: Case, key: AccessKey) -> tuple[steps.Step, ...]:
    """Return the steps that note and deactivate a key."""
    name = case.tenant.user_name
    # The note first: a crash between the two leaves a note too many, never a key forgotten.
    return (
        steps.TagUser(name, note(naming.TAG_RETIRED, (key.access_key_id,), case.at)),
        steps.UpdateAccessKey(name, key.access_key_id, KeyStatus.INACTIVE),
    )


def tidy(case: Case) -> tuple[steps.Step, ...]:
    """Return the steps that close the notes of a tenant with one key, after a run that could not.

    A run may have been killed before its last note, or met another run. An empty destination
    still waits for its key; the note that says so stays.
    """
    situation = case.situation
    if situation.readable and situation.held is None:
        return ()
    name, noted = case.tenant.user_name, situation.delivered
    tag = note(naming.TAG_DELIVERED, (situation.active[0].access_key_id,), case.at)
    return (
        *((steps.TagUser(name, tag),) if noted and noted.open else ()),
        *((steps.UntagUser(name, (naming.TAG_RETIRED,)),) if situation.retired else ()),
    )


def refuse_in_flight(case: Case) -> None:
    """Raise `partial_failure` while another run may be about to deliver a key."""
    if case.situation.in_flight(case.at):
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{case.tenant.domain}: a key has been issued that its destination does not hold yet. "
            "Another run may be about to deliver it.",
            "Run the same command again in 15 minutes; by then that run is over.",
        )
