"""What is run under every fault: each verb, each stage of a rotation, each destination."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from tests.crash.fault_server import Fault, Mode
from tests.crash.lab import Lab, Site

SHOP = "shop.example.com"
FLEET = ("blog.example.com", "news.example.org", "shop.example.com")
KINDS = ("file", "secretsmanager", "ssm", "command", "-")

_CRON = ("rotate-keys", "--yes", "--no-verify")
_NOW = ("--grace", "0s", "--quarantine", "0s")
_SHOP = ("rotate-keys", SHOP, "--yes", "--no-verify")
WALK = (*_CRON, *_NOW)


class After(Enum):
    """How to go on after a run that was disturbed."""

    REPEAT = "the same command until it says that nothing is to do"
    WALK = "the same command once, then all that is due until nothing is"
    SHOWN = "the same command once, then what an operator does who reads stdout"


@dataclass(frozen=True)
class Scenario:
    """A run, from a state that `prepare` makes.

    `stable`: run twice, it leaves what it leaves the first time. `watch`: the key that the
    destination holds is Active all the time.
    """

    stage: str
    kind: str
    prepare: Callable[[Lab], None]
    argv: Sequence[str]
    after: After = After.REPEAT
    stable: bool = True
    watch: bool = True
    names: tuple[str, ...] = (SHOP,)

    @property
    def name(self) -> str:
        return f"{self.stage} {'stdout' if self.kind == '-' else self.kind}"


def _site(lab: Lab) -> Site:
    return lab.sites[0]


def _well(lab: Lab, *argv: str) -> None:
    run = lab.run(*argv)
    if run.status != 0:
        raise AssertionError(f"{run.argv} ended with {run.status}: {run.err}{run.out}")


def _nothing(_: Lab) -> None:
    return


def _steady(lab: Lab) -> None:
    for site in lab.sites:
        _well(lab, "create", site.domain, *site.to)
        lab.account.age(site.user_name, 10)


def _due(lab: Lab) -> None:
    _steady(lab)
    for site in lab.sites:
        lab.account.age(site.user_name, 90)


def _overlap(lab: Lab) -> None:
    _steady(lab)
    for site in lab.sites:
        _well(lab, "rotate-keys", site.domain, "--no-verify")
        lab.account.age(site.user_name, 2)


def _overlap_put_back(lab: Lab) -> None:
    """Leave the new key to nobody: the operator has put the old one back."""
    _steady(lab)
    site, before = _site(lab), lab.moment()
    _well(lab, *_SHOP)
    if site.file.name in before.files:
        site.file.write_bytes(before.files[site.file.name])
    account = lab.account.snapshot()
    after = type(account)(account.iam, before.account.secrets, before.account.parameters)
    lab.account.restore(after)
    lab.printed = lab.printed[:1]
    lab.account.age(site.user_name, 2)


def _retiring(lab: Lab) -> None:
    _overlap(lab)
    finish = ("--finish",) if _site(lab).kind == "-" else ()
    _well(lab, *_SHOP, "--grace", "0s", *finish)


def _quarantined(lab: Lab) -> None:
    _retiring(lab)
    lab.account.age(_site(lab).user_name, 8)


def _crashed_issue(lab: Lab) -> None:
    """Leave an orphan: a key was made, and the run died before it knew."""
    _steady(lab)
    _die_at_key(lab, *_SHOP)


def _crashed_create(lab: Lab) -> None:
    _die_at_key(lab, "create", SHOP, *_site(lab).to)


def _die_at_key(lab: Lab, *argv: str) -> None:
    before = lab.moment()
    lab.run(*argv)
    number = 1 + lab.server.requests.index("iam:CreateAccessKey")
    lab.return_to(before)
    lab.run(*argv, fault=Fault(Mode.LOST, number))


def _locked_out(lab: Lab) -> None:
    _steady(lab)
    site = _site(lab)
    for key in lab.account.keys(site.user_name):
        lab.account.set_status(site.user_name, key, "Inactive")


def _confused(lab: Lab) -> None:
    """Let somebody else replace the key in IAM, but not where the site reads it."""
    _steady(lab)
    name = _site(lab).user_name
    for key in lab.account.keys(name):
        lab.account.drop(name, key)
    lab.delivered.add(lab.account.issue(name))


def _suspended(start: Callable[[Lab], None]) -> Callable[[Lab], None]:
    def prepare(lab: Lab) -> None:
        start(lab)
        _well(lab, "suspend", "--all")

    return prepare


def of_kind(kind: str) -> Iterator[Scenario]:
    """Return the scenarios of one tenant with one kind of destination."""
    shown = kind == "-"
    after = After.SHOWN if shown else After.WALK

    def scenario(
        stage: str,
        prepare: Callable[[Lab], None],
        *argv: str,
        after: After = After.REPEAT,
        stable: bool = True,
        watch: bool = True,
    ) -> Scenario:
        return Scenario(stage, kind, prepare, argv, after, stable, watch)

    repeat = After.SHOWN if shown else After.REPEAT
    to = ("{to}",)
    yield scenario("create", _nothing, "create", SHOP, *to, after=repeat, stable=not shown)
    yield scenario(
        "create-smtp", _nothing, "create", SHOP, "--smtp", *to, after=repeat, stable=not shown
    )
    yield scenario("create-again", _steady, "create", SHOP, "--subdomains")
    yield scenario("issue", _steady, *_SHOP, after=after, stable=False)
    if not shown:
        yield scenario("create-orphan", _crashed_create, "create", SHOP, *to)
        yield scenario("issue-due", _due, *_CRON)
        yield scenario("issue-verified", _due, "rotate-keys", "--yes")
        yield scenario("deactivate", _overlap, *_SHOP, *_NOW, after=after, stable=False)
        yield scenario("deactivate-due", _overlap, *_CRON)
        yield scenario("delete-key-due", _quarantined, *_CRON)
        yield scenario("orphan", _crashed_issue, *_SHOP, after=after, stable=False)
        yield scenario("orphan-due", _crashed_issue, *_CRON)
        yield scenario("abort-orphan", _crashed_issue, *_SHOP, "--abort", after=after)
        yield scenario(
            "force", _confused, *_SHOP, "--force", after=after, stable=False, watch=False
        )
        yield scenario(
            "reactivate", _locked_out, *_SHOP, "--reactivate", "{held}", after=after, watch=False
        )
    yield scenario("delete-key", _retiring, *_SHOP, *_NOW, after=after, stable=False)
    yield scenario("finish", _overlap, *_SHOP, "--finish", after=after)
    yield scenario("abort", _overlap_put_back, *_SHOP, "--abort", after=after)
    yield scenario("rollback", _retiring, *_SHOP, "--rollback", after=after)
    for start, state in ((_steady, "steady"), (_overlap, "overlap"), (_retiring, "retiring")):
        # A person copies a printed key by hand, so the site stands still until then anyway; run
        # again after a crash, the oldest, which is the compromised one, makes room first.
        yield scenario(
            f"compromised-{state}", start, *_SHOP, "--compromised",
            after=after, stable=not shown, watch=not shown,
        )  # fmt: skip
        yield scenario(f"suspend-{state}", start, "suspend", SHOP)
        yield scenario(f"resume-{state}", _suspended(start), "resume", SHOP)
        yield scenario(f"delete-{state}", start, "delete", SHOP, "--yes", watch=False)
    yield scenario("delete-suspended", _suspended(_overlap), "delete", SHOP, "--yes", watch=False)


def fleets() -> Iterator[Scenario]:
    """Return the scenarios of several tenants in one run."""
    yield Scenario("fleet-issue", "file", _due, _CRON, names=FLEET)
    yield Scenario("fleet-issue", "ssm", _due, _CRON, names=FLEET)
    yield Scenario("fleet-deactivate", "secretsmanager", _overlap, _CRON, names=FLEET)
    yield Scenario("fleet-suspend", "file", _overlap, ("suspend", "--all"), names=FLEET)
    yield Scenario("fleet-resume", "file", _suspended(_overlap), ("resume", "--all"), names=FLEET)


def all_scenarios() -> list[Scenario]:
    return [s for kind in KINDS for s in of_kind(kind)] + list(fleets())
