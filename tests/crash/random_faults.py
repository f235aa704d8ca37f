"""Kill runs at random moments over mixed destinations: `python -m tests.crash.random_faults 500`.

A trial lets time pass, disturbs a run, and runs the same command again. The run is first made
undisturbed and taken back, so that the moment of the blow lies inside it. What must hold is in
`Harness`: at every request the key that a site holds is Active, and no tenant has three keys; after
the next run no key is Active that reached nobody, and each site holds the secret of its key.

It goes on until `kill -9` has ended a run in as many trials as asked for; other faults and kills
that came too late are counted apart. Ends with status 1 if a trial did not hold. The second
argument is the seed.
"""

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.crash.client import Run
from tests.crash.fault_cases import until_quiet
from tests.crash.fault_server import Fault, Mode
from tests.crash.fork_server import Disk
from tests.crash.harness import Harness, Site, open_harness

SITES = {
    "one.example.com": "file",
    "two.example.com": "secretsmanager",
    "three.example.com": "ssm",
    "four.example.com": "command",
}
WALK = ("rotate-keys", "--yes", "--no-verify")
_DISKS = [("open", "EROFS"), ("open", "ESTALE"), ("rename", "EDQUOT"), ("rename", "ESTALE"),
          ("fsync", "ENOSPC"), ("fsync", "EIO"), ("unlink", "ESTALE")]  # fmt: skip
_FAULTS = [mode for mode in Mode if not mode.kills]
_KILLS = [mode for mode in Mode if mode.kills]
# A world is given up after so many trials, and a new one begins.
_TRIALS = 25


@dataclass(frozen=True)
class Undisturbed:
    """What a run takes when nothing happens to it: its time, and how many moments there are."""

    time_s: float
    requests: int
    events: int


def undisturbed(harness: Harness, argv: tuple[str, ...]) -> Undisturbed:
    """Run a command, take back what it did, and return what it took."""
    before, problems = harness.moment(), list(harness.problems)
    began = time.monotonic()
    run = harness.run(*argv)
    took = Undisturbed(time.monotonic() - began, len(harness.server.requests), len(run.events))
    problems += harness.problems
    harness.return_to(before)
    harness.problems = problems
    return took


@dataclass(frozen=True)
class Blow:
    """What happens to a run: killed after a time, or a fault of the network or of the disk."""

    name: str
    after_s: float | None = None
    fault: Fault | None = None
    event: int = 0
    disk: Disk | None = None

    @property
    def kills(self) -> bool:
        """Tell whether it is meant to end the run by `kill -9`."""
        return (
            self.after_s is not None or self.event > 0 or bool(self.fault and self.fault.mode.kills)
        )

    def strike(self, harness: Harness, argv: tuple[str, ...]) -> Run:
        """Run a command under it."""
        return harness.run(
            *argv, fault=self.fault, die_at=self.event, die_after_s=self.after_s, disk=self.disk
        )


def random_blow(chance: random.Random, within: Undisturbed) -> Blow:
    """Return a blow inside such a run: in six of ten cases `kill -9` at any time."""
    kind = chance.choices(("time", "request", "event", "network", "disk"), (6, 1, 1, 1, 1))[0]
    if kind == "event" and not within.events:
        kind = "time"
    number = chance.randint(1, max(within.requests, 1))
    match kind:
        case "time":
            return Blow("killed at a time", after_s=chance.uniform(0, within.time_s))
        case "request":
            return Blow("killed at a request", fault=Fault(chance.choice(_KILLS), number))
        case "event":
            return Blow("killed at the disk", event=chance.randint(1, within.events))
        case "network":
            fault = Fault(chance.choice(_FAULTS), number)
            return Blow(fault.mode.value, fault=fault)
        case _:
            call, error = chance.choice(_DISKS)
            disk = Disk(
                call, error, chance.randint(1, 6), chance.random() < 0.5, chance.random() < 0.5
            )
            return Blow(f"{error} at {call}", disk=disk)


def new_world(harness: Harness) -> None:
    """Begin with a steady tenant at each site."""
    harness.reset_mixed(SITES)
    harness.hurry = True
    for site in harness.sites:
        run = harness.run("create", site.domain, *site.to)
        if run.status != 0:
            raise AssertionError(run.err)


@dataclass(frozen=True)
class Trial:
    """One trial: what was done, what did not hold, and how many kills hit and came too late."""

    told: str
    found: list[str]
    killed: int
    missed: int


def trial(harness: Harness, chance: random.Random) -> Trial:
    """Disturb a run once or more often and go on."""
    for site in harness.sites:
        harness.account.age(site.user_name, chance.choice((0, 0.1, 2, 8, 40, 95)))
    argv = _verb(harness, chance)
    told, killed, missed = [" ".join(argv)], 0, 0
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        blow = random_blow(chance, undisturbed(harness, argv))
        run = blow.strike(harness, argv)
        hit = run.status == -signal.SIGKILL
        killed, missed = killed + hit, missed + (blow.kills and not hit)
        told.append(f"{blow} -> {run.status}")
    _again(harness, argv)
    harness.check_settled()
    found = [*harness.problems, *not_whole(harness)]
    return Trial("; ".join(told), list(dict.fromkeys(found)), killed, missed)


def finish(harness: Harness) -> list[str]:
    """Let days pass until nothing is to do; return what is left that should not be."""
    retire = (*WALK, "--max-age", "9999d")  # so that no rotation begins meanwhile
    harness.run("resume", "--all")
    for days in (0, 2, 8, 2, 8):
        for site in harness.sites:
            harness.account.age(site.user_name, days)
        _again(harness, retire)
    until_quiet(harness, *retire)
    left = [
        f"{site.domain}: in the end there is {harness.account.keys(site.user_name)}, "
        f"held is {harness.held(site)}"
        for site in harness.sites
        if harness.account.keys(site.user_name) != {harness.held(site): "Active"}
    ]
    return [*harness.problems, *left, *not_whole(harness)]


def _verb(harness: Harness, chance: random.Random) -> tuple[str, ...]:
    site = chance.choice(harness.sites).domain
    suspended = any(harness.account.suspended(s.user_name) for s in harness.sites)
    if suspended:
        return ("resume", "--all")
    return chance.choices(
        (
            WALK,
            ("rotate-keys", site, "--yes", "--no-verify"),
            ("rotate-keys", site, "--yes", "--no-verify", "--compromised"),
            ("suspend", "--all"),
            ("create", site, *chance.choice((("--subdomains",), ("--also", "other.example.com")))),
        ),
        (6, 3, 1, 1, 1),
    )[0]


def _again(harness: Harness, argv: tuple[str, ...]) -> None:
    run = harness.run(*argv)
    if run.status not in (0, 1, 3) or (run.status and "Error:" not in run.err):
        harness.problems.append(f"run again, {argv} ended with {run.status}: {run.err[-300:]}")


def not_whole(harness: Harness) -> list[str]:
    """Return the sites whose destination does not hold the secret of the key that it holds."""
    return [
        f"{site.domain}: the secret of {harness.held(site)} is lost"
        for site in harness.sites
        if not any(secret in _text(harness, site) for secret in _secrets(harness, site))
    ]


def _secrets(harness: Harness, site: Site) -> list[str]:
    return list(harness.account.secrets_of(site.user_name, harness.held(site)))


def _text(harness: Harness, site: Site) -> str:
    match site.kind:
        case "secretsmanager":
            return harness.account.secret(f"{site.domain}/ses") or ""
        case "ssm":
            return harness.account.parameter(f"/{site.domain}/ses") or ""
        case _:
            return site.file.read_text() if site.file.exists() else ""


def main(arguments: list[str], write: Callable[[str], None] = print) -> int:
    """Run until as many trials as asked for were killed; return the exit status."""
    wanted = int(arguments[0]) if arguments else 500
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(10**6)
    chance, began = random.Random(seed), time.monotonic()
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory() as folder, open_harness(Path(folder)) as harness:
        while sum(done.killed > 0 for done in trials) < wanted:
            if len(trials) % _TRIALS == 0 or harness.problems:
                new_world(harness)
            done = trial(harness, chance)
            if not done.found and len(trials) % _TRIALS == _TRIALS - 1:
                done = replace(done, found=finish(harness))
            for line in done.found:
                write(f"trial {len(trials)}: {line}\n  {done.told}")
                harness.problems.append("given up")
            trials.append(done)
    failed = sum(bool(done.found) for done in trials)
    write(
        f"{wanted} random trials killed (seed {seed}), {len(trials)} in all: "
        f"{sum(done.killed for done in trials)} kills hit, {sum(done.missed for done in trials)} "
        f"came too late, {failed} trials did not hold ({time.monotonic() - began:.0f} s)"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    os.nice(10)
    raise SystemExit(main(sys.argv[1:]))
