# ruff: noqa: T201 - a report on stdout is what this is for
"""Kill `apply` at random moments: `python -m tests.crash.apply_crashes 50`.

After each kill the next run has to finish the fleet: every site holds an Active key, and no other
key is Active. Ends with status 1 if one did not hold.
"""

import random
import sys
import tempfile
from pathlib import Path

from tests.crash.fault_server import Fault, Mode
from tests.crash.harness import Harness, open_harness

NUMBER = 12
# One read of the account, then four writes for each tenant.
REQUESTS = 1 + 4 * NUMBER
_KILLS = [Mode.BEFORE, Mode.LOST, Mode.AFTER]


def write_file(harness: Harness) -> Path:
    """Write the tenants file of the harness's sites; return its path."""
    file = harness.folder / "tenants.toml"
    sites = "".join(f'[tenants."{site.domain}"]\n' for site in harness.sites)
    destination = f"file:{harness.watched}/{{domain}}.txt"
    file.write_text(f'[defaults]\ndestination = "{destination}"\n\n{sites}')
    return file


def kill_and_finish(harness: Harness, kill: Fault | int) -> list[str]:
    """Kill a run at a request, or before its n-th event on this machine; return what is wrong."""
    harness.reset("file", *(f"site{n:02}.example.com" for n in range(NUMBER)))
    file = write_file(harness)
    at_request = isinstance(kill, Fault)
    first = harness.run(
        "apply", str(file), "--yes",
        fault=kill if isinstance(kill, Fault) else None,
        die_at=0 if isinstance(kill, Fault) else kill,
    )  # fmt: skip
    found = [] if first.status == -9 else [f"was not killed at {kill}: {first.status} {first.err}"]
    second = harness.run("apply", str(file), "--yes")
    if second.status != 0:
        found.append(f"the next run ended with {second.status}: {second.err}")
    settled = harness.run("plan", str(file))
    if settled.status != 0:
        found.append(f"plan still finds something: {settled.out}")
    for site in harness.sites:
        held, active = harness.held(site), harness.account.active(site.user_name)
        if active != {held}:
            found.append(f"{site.domain} holds {held}, Active are {sorted(active)}")
    # A file that was being written when a run was killed stays beside the real one, 0600.
    stray = f"after a kill at {'a request' if at_request else 'an event'}"
    found += [f"{problem} ({stray})" for problem in harness.problems]
    return found


def random_kill(chance: random.Random) -> Fault | int:
    """Return a moment: mostly a request, else an event while credentials are written."""
    if chance.random() < 0.75:
        return Fault(chance.choice(_KILLS), chance.randint(1, REQUESTS - 1))
    return chance.randint(1, 3 * NUMBER)


def main(arguments: list[str]) -> int:
    """Kill as often as asked for; return the exit status."""
    runs = int(arguments[0]) if arguments else 50
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(10**6)
    chance, failed = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder, open_harness(Path(folder)) as harness:
        for number in range(1, runs + 1):
            kill = random_kill(chance)
            found = kill_and_finish(harness, kill)
            failed += bool(found)
            for line in found:
                print(f"run {number}, {kill}: {line}")
    print(f"apply was killed {runs} times (seed {seed}), {failed} not finished by the next run")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
