"""One account, one client at a time, some sites, and what must hold for them at every moment."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.smtp import smtp_password
from ses_tenant.core.tenant import naming
from ses_tenant.sandbox.run import aws_variables
from tests.crash import fault_server
from tests.crash.account import REGION, Account, Snapshot
from tests.crash.client import Clients, ForkServer, Run, start_fork_server
from tests.crash.fault_server import Fault, FaultServer, Throttle
from tests.crash.fork_server import Disk, Order

_KEY = re.compile(r"(?<![A-Z0-9])AKIA[A-Z0-9]{16}(?![A-Z0-9])")
_KEY_ON_STDOUT = re.compile(r"^\w+=(AKIA[A-Z0-9]{16})$", re.MULTILINE)
_KEY_IN_JSON = re.compile(r'"credentials": \{\s*"access_key_id": "(AKIA[A-Z0-9]{16})"')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ISSUER = re.compile(r"issuing\+[A-Za-z0-9.+-]*")


@dataclass(frozen=True)
class Site:
    """A tenant and where its credentials go: `kind` is `-` or a scheme of `--to`."""

    domain: str
    kind: str
    folder: Path

    @property
    def user_name(self) -> str:
        return naming.user_name(SendingDomain.parse(self.domain))

    @property
    def file(self) -> Path:
        """The file that a file destination or a command writes."""
        return self.folder / f"{self.domain}.txt"

    @property
    def to(self) -> tuple[str, ...]:
        """The options of `create` that name the destination."""
        match self.kind:
            case "file":
                return ("--to", f"file:{self.file}")
            case "secretsmanager":
                return ("--to", f"secretsmanager:{self.domain}/ses")
            case "ssm":
                return ("--to", f"ssm:/{self.domain}/ses")
            case "command":
                return ("--to", f"command:cat > {self.file}", "--read-back", f"cat {self.file}")
            case _:
                return ()


@dataclass(frozen=True)
class Moment:
    """Everything that a run can change, to come back to."""

    account: Snapshot
    files: Mapping[str, bytes]
    sites: tuple[Site, ...]
    printed: tuple[str, ...]
    delivered: frozenset[str]


@dataclass
class Harness:
    """Runs the command line against the server and watches over the sites.

    `problems` is what did not hold. `printed` are the key IDs that came out on stdout, in order:
    what an operator knows of a destination that is stdout. `delivered` are all key IDs that any
    destination has ever held.
    """

    server: FaultServer
    account: Account
    folder: Path
    forked: ForkServer
    sites: tuple[Site, ...] = ()
    clients: Clients | None = None
    hurry: bool = False
    watch: bool = True
    environ: Mapping[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    @property
    def watched(self) -> Path:
        """The folder in which destinations lie; nothing else may be found in it."""
        return self.folder / "sites"

    def reset(self, kind: str, *names: str) -> None:
        """Start with an empty account and folder, and sites that are no tenants yet."""
        self.account.clear()
        shutil.rmtree(self.watched, ignore_errors=True)
        self.watched.mkdir()
        self.sites = tuple(Site(name, kind, self.watched) for name in names)
        self._begin()

    def reset_mixed(self, kinds: Mapping[str, str]) -> None:
        """Start with sites of several kinds of destinations; `kinds` is the kind of each domain."""
        self.reset("-")
        self.sites = tuple(Site(name, kind, self.watched) for name, kind in kinds.items())
        self._begin()

    def _begin(self) -> None:
        self.printed, self.delivered, self.secrets, self.problems = [], set(), set(), []
        self.watch = True
        for site in self.sites:
            if site.kind == "command":
                site.file.touch()

    def moment(self) -> Moment:
        files = {path.name: path.read_bytes() for path in self.watched.iterdir()}
        return Moment(
            self.account.snapshot(), files, self.sites, tuple(self.printed),
            frozenset(self.delivered),
        )  # fmt: skip

    def return_to(self, moment: Moment) -> None:
        self.account.restore(moment.account)
        for path in list(self.watched.iterdir()):
            path.unlink()
        for name, contents in moment.files.items():
            (self.watched / name).write_bytes(contents)
            (self.watched / name).chmod(0o600)
        self.sites = moment.sites
        self.printed, self.delivered = list(moment.printed), set(moment.delivered)
        self.secrets, self.problems = set(), []

    def run(
        self,
        *argv: str,
        fault: Fault | None = None,
        throttle: Throttle | None = None,
        die_at: int = 0,
        die_after_s: float | None = None,
        disk: Disk | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Run:
        """Run the command line; `{held}` in `argv` is the key that the first site holds.

        With `die_after_s` it is killed after that time, wherever it is.
        """
        target = self.server.begin(fault, throttle)
        given = {
            **aws_variables(self.server.url, REGION, {"PATH": os.environ["PATH"]}),
            **self.environ,
            **(environ or {}),
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_SDK_UA_APP_ID": self.server.run,
        }
        order = Order(
            argv=[arg.replace("{held}", self.held(self.sites[0]) or "") for arg in argv],
            env=given,
            stdout=str(self.folder / "out"),
            stderr=str(self.folder / "err"),
            trace=str(self.folder / "trace"),
            watched=str(self.watched),
            die_at=die_at,
            hurry=self.hurry,
            disk=asdict(disk) if disk else None,
        )
        Path(order.stdout).write_text("")
        killer = Timer(die_after_s, target.kill) if die_after_s is not None else None
        if killer:
            killer.start()
        run = (self.clients or self.forked).run(order, target)
        if killer:
            killer.cancel()
            killer.join()
        self.server.end()
        self.observe()
        self.printed += [key for key in self._on_stdout() if key not in self.printed]
        self._no_secret_in(run)
        Path(order.stdout).write_text("")
        return run

    def held(self, site: Site) -> str | None:
        """Return the key that the site uses: what its destination holds."""
        text: str | None
        match site.kind:
            case "file" | "command":
                text = site.file.read_text() if site.file.exists() else ""
            case "secretsmanager":
                text = self.account.secret(f"{site.domain}/ses")
            case "ssm":
                text = self.account.parameter(f"/{site.domain}/ses")
            case _:
                known = [*self.printed, *self._on_stdout()]
                return known[-1] if known else None
        found = set(_KEY.findall(text or ""))
        if len(found) > 1:
            self.problems.append(f"{site.domain}: its destination holds {len(found)} keys")
        return found.pop() if found else None

    def _on_stdout(self) -> list[str]:
        out = self.folder / "out"
        if not out.exists() or not any(site.kind == "-" for site in self.sites):
            return []
        text = out.read_text()
        found = [*_KEY_ON_STDOUT.findall(text), *_KEY_IN_JSON.findall(text)]
        return list(dict.fromkeys(found))

    def observe(self) -> None:
        """Look at all sites; called after every request and every run."""
        for site in self.sites:
            name = site.user_name
            keys, held = self.account.keys(name), self.held(site)
            if held:
                self.delivered.add(held)
            for secret in self.account.key_secrets(name):
                self.secrets |= {secret, smtp_password(secret, REGION)}
            if len(keys) > 2:
                self.problems.append(f"{site.domain} has {len(keys)} keys")
            stopped = not self.account.exists(name) or self.account.suspended(name)
            if self.watch and held and not stopped and keys.get(held) != "Active":
                status, last = keys.get(held, "deleted"), [*self.server.requests][-1:]
                self.problems.append(
                    f"{site.domain}: its destination holds a key that is {status}, after {last}"
                )

    def check_settled(self) -> None:
        """Check what must hold after any run that was not stopped by force."""
        files = {site.file.name for site in self.sites}
        stray = sorted(path.name for path in self.watched.iterdir() if path.name not in files)
        if stray:
            self.problems.append(f"left in the folder: {', '.join(stray)}")
        for site in self.sites:
            name, held = site.user_name, self.held(site)
            if site.kind != "-":
                orphans = self.account.active(name) - {held} - self.delivered
                if orphans:
                    self.problems.append(f"{site.domain}: an orphan is Active")
            if site.kind == "file" and site.file.exists() and site.file.stat().st_mode & 0o77:
                self.problems.append(f"{site.domain}: its file can be read by others")
            noted = json.dumps([self.account.tags(name), self.account.policies(name)])
            if any(secret in noted for secret in self.secrets):
                self.problems.append(f"{site.domain}: a secret stands in IAM")

    def _no_secret_in(self, run: Run) -> None:
        printing = any(site.kind == "-" for site in self.sites)
        shown = run.err if printing else run.out + run.err
        if any(secret in shown for secret in self.secrets):
            self.problems.append(f"{' '.join(run.argv)} showed a secret")
        if "Traceback" in run.err or "in a way it should not" in run.err:
            self.problems.append(f"{' '.join(run.argv)} failed as it should not: {run.err[-300:]}")

    def state(self) -> object:
        """Return everything there is, without what differs from run to run."""
        return [self._state_of(site) for site in self.sites]

    def fingerprint(self) -> str:
        """Return everything that a next run can see, and nothing else; ages in whole days.

        From two states with one fingerprint every run does the same.
        """
        now = datetime.now(UTC)
        names: dict[str, str] = {}

        def key(match: re.Match[str]) -> str:
            return names.setdefault(match[0], f"KEY{len(names)}")

        def age(match: re.Match[str]) -> str:
            then = datetime.strptime(match[0], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            return f"T-{round((now - then) / timedelta(days=1))}d"

        everything = [
            [
                self.account.exists(site.user_name),
                self.account.keys(site.user_name),
                self.account.created(site.user_name),
                self.account.tags(site.user_name),
                self.account.policies(site.user_name),
                self.held(site),
            ]
            for site in self.sites
        ]
        files = sorted((path.name, path.stat().st_size > 0) for path in self.watched.iterdir())
        text = _KEY.sub(key, json.dumps([everything, files, self.printed]))
        known = sorted(names[k] for k in self.delivered if k in names)
        return _TIME.sub(age, _ISSUER.sub("issuing", text)) + str(known)

    def _state_of(self, site: Site) -> object:
        name, held = site.user_name, self.held(site)
        keys = self.account.keys(name)

        def plain(text: str) -> str:
            def role(match: re.Match[str]) -> str:
                return "HELD" if match[0] == held else "OTHER" if match[0] in keys else "GONE"

            return _ISSUER.sub("issuing", _TIME.sub("TIME", _KEY.sub(role, text)))

        tags = {key: plain(value) for key, value in sorted(self.account.tags(name).items())}
        if site.kind == "-":
            tags.pop(naming.TAG_DELIVERED, None)  # a delivery to stdout is not always noted
        return {
            "exists": self.account.exists(name),
            "path": self.account.path(name) if self.account.exists(name) else None,
            "tags": tags,
            "policies": {k: plain(v) for k, v in sorted(self.account.policies(name).items())},
            "keys": sorted(f"{plain(key)} {status}" for key, status in keys.items()),
            "held": held in keys,
        }


@contextmanager
def open_harness(folder: Path) -> Iterator[Harness]:
    """Start the server and the process to fork clients from; credentials go into `folder`."""
    environ = {name: os.environ[name] for name in ("PATH",)}
    with fault_server.serve() as server, start_fork_server(environ) as forked:
        made = Harness(server, Account(), folder, forked)
        server.observe = made.observe
        yield made
