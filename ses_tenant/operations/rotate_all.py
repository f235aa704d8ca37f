"""`rotate-keys` for all tenants that are due, in one account or in several."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.fleet import Fleet
from ses_tenant.core.rotation.decision import RotationOptions
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.spec import STDOUT
from ses_tenant.operations.many import Accounts, Progress, each_account, each_tenant, unwatched
from ses_tenant.operations.rotate import Turn, carry_out, choose, prepare
from ses_tenant.operations.runtime import Runtime


@dataclass(frozen=True)
class Share:
    """One of `of` shares of about the same size, counted from 0, into which tenants are divided.

    A tenant is in the same share in every run, whoever else comes or goes.
    """

    number: int
    of: int

    def holds(self, domain: str) -> bool:
        """Tell whether a tenant is in it."""
        return int.from_bytes(sha256(domain.encode()).digest()[:8]) % self.of == self.number


EVERYTHING = Share(0, 1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """Which tenants of one account are looked at: those `named`, or all that may be due.

    Of all, only those of `share`. `max_ages` says which tenants the run is about, and at which age
    the key of each is due, None for that of `options`. Without it, the run is about all tenants of
    the account.
    """

    options: RotationOptions
    named: tuple[SendingDomain, ...] = ()
    max_ages: Mapping[str, timedelta | None] | None = None
    share: Share = EVERYTHING

    def options_of(self, domain: str) -> RotationOptions | None:
        """Return the options for a tenant, None if the run is not about it."""
        if not self.share.holds(domain):
            return None
        if self.max_ages is None:
            return self.options
        if domain not in self.max_ages:
            return None
        return replace(self.options, max_age=self.max_ages[domain] or self.options.max_age)


@dataclass(frozen=True)
class Due:
    """A tenant that may be due, and what its turn is planned and carried out with.

    `since` is when it became due, None where only a close look can tell.
    """

    account: str | None
    runtime: Runtime
    observed: Observed
    options: RotationOptions
    since: datetime | None = None

    @property
    def domain(self) -> str:
        """Return its domain."""
        return self.observed.domain.name

    @property
    def destination(self) -> str:
        """Return where its credentials go."""
        return str(self.observed.user.remembered.destination or STDOUT)


@dataclass(frozen=True)
class Planned:
    """A tenant's turn, planned or carried out; `due` is None where nothing is to be done."""

    account: str | None
    turn: Turn
    due: Due | None = None


@dataclass(frozen=True)
class Round:
    """What a look at all accounts has shown: whom to look at closely, and what is known already.

    `absent` are the tenants that the run is about and that are not there, as turns that failed.
    """

    due: tuple[Due, ...] = ()
    settled: tuple[Planned, ...] = ()
    absent: tuple[Planned, ...] = ()
    errors: tuple[tuple[str | None, SesTenantError], ...] = ()


def wanted_of(
    fleet: Fleet, options: RotationOptions, named: Mapping[SendingDomain, str | None]
) -> dict[str | None, Wanted]:
    """Return what is wanted in each account of a tenants file that has anything to do.

    `named` gives the account of each tenant that was asked for; if it is empty, all are meant.
    """
    wanted: dict[str | None, Wanted] = {}
    for account in fleet.accounts:
        max_ages = {t.domain.name: t.max_age for t in fleet.of(account)}
        here = tuple(domain for domain, owner in named.items() if owner == account)
        if max_ages and (here or not named):
            wanted[account] = Wanted(options, here, max_ages)
    return wanted


def look(accounts: Accounts, wanted: Mapping[str | None, Wanted]) -> Round:
    """Return whom to look at closely: of each account that is wanted, two or three requests."""

    def one(account: str | None, runtime: Runtime) -> Round:
        asked = wanted[account]
        close, quiet = choose(runtime.iam, asked.named, asked.options_of, runtime.now())
        due = tuple(
            Due(account, runtime, observed, options, since)
            for observed, since in close
            if (options := asked.options_of(observed.domain.name))
        )
        there = {d.domain for d in due} | {turn.domain for turn in quiet}
        meant = {d for d in asked.max_ages or () if asked.share.holds(d)}
        missing = sorted(meant - there) if not asked.named else []
        return Round(
            due,
            tuple(Planned(account, turn) for turn in quiet),
            tuple(Planned(account, Turn(domain, error=_absent())) for domain in missing),
        )

    rounds, errors = each_account({a: r for a, r in accounts.items() if a in wanted}, one)
    return Round(
        tuple(due for _, of_one in rounds for due in of_one.due),
        tuple(planned for _, of_one in rounds for planned in of_one.settled),
        tuple(planned for _, of_one in rounds for planned in of_one.absent),
        tuple(errors),
    )


def plan_all(dues: Sequence[Due]) -> list[Planned]:
    """Return what would be done for each."""
    return each_tenant(dues, _plan, failed=_not_planned, workers=_workers(dues))


def carry_out_all(
    planned: Sequence[Planned], progress: Progress = unwatched, *, verify: bool
) -> list[Planned]:
    """Carry out what was planned, and verify new keys if asked."""
    return each_tenant(
        planned,
        lambda one: _carry_out(one, verify=verify),
        failed=_not_done,
        workers=_workers([one.due for one in planned if one.due]),
        progress=progress,
    )


def longest_due_first(dues: Iterable[Due]) -> list[Due]:
    """Return them in the order in which a run whose time is limited leaves nobody every time."""
    return sorted(dues, key=lambda due: due.since or _LONG_AGO)


def rotate_all(dues: Sequence[Due], may_begin: Callable[[], bool]) -> list[Planned | None]:
    """Plan and carry out the turn of each tenant at once; None for one that was not begun.

    For a run whose time is limited: it asks `may_begin` before each tenant.
    """

    def work(due: Due) -> Planned | None:
        if not may_begin():
            return None
        planned = _plan(due)
        try:
            return _carry_out(planned, verify=True)
        except SesTenantError as error:
            return _not_done(planned, error)

    return each_tenant(dues, work, failed=_not_planned, workers=_workers(dues))


def _plan(due: Due) -> Planned:
    return Planned(due.account, prepare(due.runtime, due.observed, due.options), due)


def _carry_out(planned: Planned, *, verify: bool) -> Planned:
    if planned.due is None:
        return planned
    return replace(planned, turn=carry_out(planned.due.runtime, planned.turn, verify=verify))


def _not_planned(due: Due, error: SesTenantError) -> Planned:
    return Planned(due.account, Turn(due.domain, observed=due.observed, error=error), due)


def _not_done(planned: Planned, error: SesTenantError) -> Planned:
    return replace(planned, turn=replace(planned.turn, error=error))


def _workers(dues: Sequence[Due]) -> int:
    return max((due.runtime.workers for due in dues), default=1)


def _absent() -> SesTenantError:
    return SesTenantError(ErrorCode.NOT_FOUND, "There is no such tenant.", "ses-tenant apply")
