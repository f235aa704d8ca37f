"""What is run under every fault: each verb, each stage of a rotation, each destination."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from tests.crash.fault_server import Fault, Mode
from tests.crash.harness import Harness, Site

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
    prepare: Callable[[Harness], None]
    argv: Sequence[str]
    after: After = After.REPEAT
    stable: bool = True
    watch: bool = True
    names: tuple[str, ...] = (SHOP,)

    @property
    def name(self) -> str:
        return f"{self.stage} {'stdout' if self.kind == '-' else self.kind}"


def _site(harness: Harness) -> Site:
    return harness.sites[0]


def _well(harness: Harness, *argv: str) -> None:
    run = harness.run(*argv)
    if run.status != 0:
        raise AssertionError(f"{run.argv} ended with {run.status}: {run.err}{run.out}")


def _nothing(_: Harness) -> None:
    return


def _steady(harness: Harness) -> None:
    for site in harness.sites:
        _well(harness, "create", site.domain, *site.to, "--quiet")
        harness.account.age(site.user_name, 10)


def _due(harness: Harness) -> None:
    _steady(harness)
    for site in harness.sites:
        harness.account.age(site.user_name, 90)


def _overlap(harness: Harness) -> None:
    _steady(harness)
    for site in harness.sites:
        _well(harness, "rotate-keys", site.domain, "--no-verify")
        harness.account.age(site.user_name, 2)


def _overlap_put_back(harness: Harness) -> None:
    """Leave the new key to nobody: the operator has put the old one back."""
    _steady(harness)
    site, before = _site(harness), harness.moment()
    _well(harness, *_SHOP)
    if site.file.name in before.files:
        site.file.write_bytes(before.files[site.file.name])
    account = harness.account.snapshot()
    after = type(account)(account.iam, before.account.secrets, before.account.parameters)
    harness.account.restore(after)
    harness.printed = harness.printed[:1]
    harness.account.age(site.user_name, 2)


def _retiring(harness: Harness) -> None:
    _overlap(harness)
    finish = ("--finish",) if _site(harness).kind == "-" else ()
    _well(harness, *_SHOP, "--grace", "0s", *finish)


def _quarantined(harness: Harness) -> None:
    _retiring(harness)
    harness.account.age(_site(harness).user_name, 8)


def _crashed_issue(harness: Harness) -> None:
    """Leave an orphan: a key was made, and the run died before it knew."""
    _steady(harness)
    _die_at_key(harness, *_SHOP)


def _crashed_create(harness: Harness) -> None:
    _die_at_key(harness, "create", SHOP, "--quiet", *_site(harness).to)


def _die_at_key(harness: Harness, *argv: str) -> None:
    before = harness.moment()
    harness.run(*argv)
    number = 1 + harness.server.requests.index("iam:CreateAccessKey")
    harness.return_to(before)
    harness.run(*argv, fault=Fault(Mode.LOST, number))


def _locked_out(harness: Harness) -> None:
    _steady(harness)
    site = _site(harness)
    for key in harness.account.keys(site.user_name):
        harness.account.set_status(site.user_name, key, "Inactive")


def _confused(harness: Harness) -> None:
    """Let somebody else replace the key in IAM, but not where the site reads it."""
    _steady(harness)
    name = _site(harness).user_name
    for key in harness.account.keys(name):
        harness.account.drop(name, key)
    harness.delivered.add(harness.account.issue(name))


def _suspended(start: Callable[[Harness], None]) -> Callable[[Harness], None]:
    def prepare(harness: Harness) -> None:
        start(harness)
        _well(harness, "suspend", "--all")

    return prepare


def of_kind(kind: str) -> Iterator[Scenario]:
    """Return the scenarios of one tenant with one kind of destination."""
    shown = kind == "-"
    after = After.SHOWN if shown else After.WALK

    def scenario(
        stage: str,
        prepare: Callable[[Harness], None],
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
        "create-smtp",
        _nothing,
        "create",
        SHOP,
        "--smtp",
        *to,
        after=repeat,
        stable=not shown,
    )
    yield scenario("create-again", _steady, "create", SHOP, "--subdomains")
    yield scenario("issue", _steady, *_SHOP, after=after, stable=False)
    if shown:
        in_json = ("rotate-keys", SHOP, "--yes", "-o", "json")
        yield scenario("issue-json", _steady, *in_json, after=after, stable=False)
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
