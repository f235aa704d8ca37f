"""`watch setup` and `remove`: policies before default sets, and nothing that is not ours."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.events import ConfigurationSet, EventDestination
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Scope
from ses_tenant.operations.watch_setup import (
    Prepared,
    carry_out,
    prepare_remove,
    prepare_setup,
)
from tests.fakes.event_publishing import FakeEventPublishing
from tests.fakes.example_tenant import SHOP, run_create
from tests.fakes.iam import FakeIam
from tests.fakes.runtime import fake_runtime
from tests.fakes.ses import FakeSes, verified

EU, US = "eu-central-1", "us-east-1"
BLOG = SendingDomain.parse("blog.example.org")
SET = "ses-tenant-events"
TYPES = frozenset({"SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"})
BUS = f"arn:aws:events:{EU}:123456789012:event-bus/default"
SENDING = "ses-tenant-sending"
MADE = [
    f"{EU} CreateConfigurationSet",
    f"{EU} CreateConfigurationSetEventDestination",
]
DEFAULT = f"{EU} PutEmailIdentityConfigurationSetAttributes shop.example.com"


@dataclass
class World:
    iam: FakeIam = field(default_factory=FakeIam)
    ses: FakeSes = field(default_factory=FakeSes)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events = FakeEventPublishing(self.ses)
        self.runtime = fake_runtime(self.iam, ses=self.ses, sleep=self.slept.append)

    def tenant(
        self,
        domain: SendingDomain = SHOP,
        *,
        regions: tuple[str, ...] = (EU,),
        old: bool = True,
    ) -> None:
        """Make a tenant of the scope `identity`, with the policy from before there was a watch."""
        run_create(self.iam, TenantRequest(domain, regions=regions, scope=Scope.IDENTITY))
        if old:
            self.policy(domain)[0]["Resource"] = [
                arn for arn in self.policy(domain)[0]["Resource"] if SET not in arn
            ]

    def policy(self, domain: SendingDomain = SHOP) -> list[dict[str, list[str]]]:
        policy = self.iam.users[f"ses-{domain}"].policies[SENDING]
        return policy["Statement"]  # type: ignore[return-value]

    def allows(self, domain: SendingDomain = SHOP, region: str = EU) -> bool:
        return (
            f"arn:aws:ses:{region}:*:configuration-set/{SET}"
            in (self.policy(domain)[0]["Resource"])
        )

    def identity(
        self, name: str = SHOP.name, region: str = EU, default: str | None = None, *,
        ours: bool = True,
    ) -> None:  # fmt: skip
        tags = {"ses-tenant:domain": name} if ours else {}
        self.ses.identities[region, name] = replace(
            verified(name), configuration_set=default, tags=tags
        )

    def default(self, name: str = SHOP.name, region: str = EU) -> str | None:
        found = self.ses.identities[region, name]
        assert isinstance(found, EmailIdentity)
        return found.configuration_set

    def plan(self, *regions: str, remove: bool = False) -> Prepared:
        prepare = prepare_remove if remove else prepare_setup
        return prepare(self.runtime, self.events, regions or (EU,))

    def run(self, *regions: str, remove: bool = False) -> Prepared:
        return carry_out(self.runtime, self.events, self.plan(*regions, remove=remove))


def told(prepared: Prepared) -> list[str]:
    return [notice.code for plan in prepared.plans for notice in plan.notices]


def planned(prepared: Prepared) -> list[str]:
    policies = [step.action for sender in prepared.senders for step in sender.plan]
    return policies + [step.action for plan in prepared.plans for step in plan.steps]


def test_the_policy_allows_the_set_before_it_becomes_the_default() -> None:
    world = World()
    world.tenant()
    world.identity()
    calls = len(world.iam.calls)
    ready: list[tuple[str, bool, int]] = []
    world.events.when_default = lambda name: ready.append((name, world.allows(), len(world.slept)))
    done = world.run()
    assert ready == [(SHOP.name, True, 1)]
    assert [c for c in world.iam.calls[calls:] if "Put" in c] == ["iam:PutUserPolicy"]
    assert world.allows()
    assert world.slept == [15.0]  # until IAM has told SES
    assert world.events.done == [*MADE, DEFAULT]
    assert world.events.sets[EU] == ConfigurationSet(
        tags={"ses-tenant:version": "1"},
        destinations=(EventDestination("eventbridge", True, TYPES, BUS),),
    )
    assert (world.default(), done.failures) == (SET, ())
    assert [plan.watched for plan in done.plans] == [(SHOP.name,)]
    assert planned(world.plan()) == []


def test_where_no_policy_changes_nothing_is_waited_for() -> None:
    world = World()
    world.tenant(old=False)
    world.identity()
    world.run()
    assert (world.default(), world.slept) == (SET, [])


def test_a_policy_that_could_not_be_changed_keeps_its_identity_as_it_is() -> None:
    world = World()
    for domain in (SHOP, BLOG):
        world.tenant(domain)
        world.identity(domain.name)
    world.identity("example.org")  # BLOG may send by it
    prepared = world.plan()
    world.iam.fail_at(1, "before", SesTenantError(ErrorCode.ACCESS_DENIED, "not allowed"))
    done = carry_out(world.runtime, world.events, prepared)
    (failure,) = done.failures
    assert "blog.example.org" in failure.message
    assert (world.default(), world.allows()) == (SET, True)
    assert (world.default(BLOG.name), world.default("example.org")) == (None, None)
    assert told(done) == ["not_watched", "not_watched"]
    assert world.run().failures == ()
    assert (world.default(BLOG.name), world.allows(BLOG)) == (SET, True)


def test_a_policy_that_somebody_has_changed_is_neither_overwritten_nor_endangered() -> None:
    world = World()
    world.tenant()
    world.policy()[0]["Resource"].pop()
    before = world.policy()
    world.identity()
    done = world.run()
    assert (told(done), world.default(), world.policy()) == (["not_watched"], None, before)
    assert "ses-tenant check shop.example.com --repair" in done.plans[0].notices[0].message


def test_a_tenant_of_another_region_does_not_matter() -> None:
    world = World()
    world.tenant(regions=(US,))
    world.policy()[0]["Resource"].pop()
    world.identity()
    assert planned(world.plan())[-1] == "ses:PutEmailIdentityConfigurationSetAttributes"
    assert told(world.plan()) == []


def test_a_policy_is_changed_only_for_an_identity_that_is_watched() -> None:
    world = World()
    world.tenant()
    world.tenant(BLOG)
    world.identity()
    assert planned(world.plan()).count("iam:PutUserPolicy") == 1


@pytest.mark.parametrize(
    ("default", "ours", "notices"),
    [("metrics", True, ["not_watched"]), (None, False, ["not_ours"]), (SET, False, [])],
)
def test_what_is_not_ours_or_has_another_default_is_left_alone(
    default: str | None, ours: bool, notices: list[str]
) -> None:
    world = World()
    world.tenant(old=False)
    world.identity(default=default, ours=ours)
    world.identity("else.example.net", ours=False)  # no tenant sends by it
    done = world.run()
    assert (told(done), world.default(), done.plans[0].watched) == (notices, default, ())
    assert world.events.done == MADE


def test_a_configuration_set_of_somebody_else_is_not_touched() -> None:
    world = World()
    world.identity()
    world.events.sets[EU] = ConfigurationSet()
    for remove in (False, True):
        (failure,) = world.run(remove=remove).failures
        assert failure.code is ErrorCode.NOT_OURS
        assert failure.message.startswith(f"{EU}: ")
    assert (world.events.done, world.default()) == ([], None)


def test_a_set_by_which_nothing_is_sent_never_becomes_a_default() -> None:
    world = World()
    world.run()
    world.identity()
    world.events.sets[EU] = replace(world.events.sets[EU], sending=False)  # type: ignore[type-var]
    (failure,) = world.run().failures
    assert (failure.code, world.default()) == (ErrorCode.SUSPENDED, None)


@pytest.mark.parametrize(
    "wrong",
    [
        EventDestination("eventbridge", False, TYPES, BUS),
        EventDestination("eventbridge", True, TYPES - {"BOUNCE"}, BUS),
        EventDestination("eventbridge", True, TYPES, None),
    ],
)
def test_an_event_destination_that_somebody_has_changed_is_put_right(
    wrong: EventDestination,
) -> None:
    world = World()
    world.run()
    right = world.events.sets[EU]
    world.events.sets[EU] = replace(right, destinations=(wrong,))  # type: ignore[type-var]
    assert planned(world.run()) == ["ses:UpdateConfigurationSetEventDestination"]
    assert world.events.sets[EU] == right


def test_a_region_that_fails_stops_no_other() -> None:
    world = World()
    world.identity(region=US)
    world.events.sets[EU] = SesTenantError(ErrorCode.ACCESS_DENIED, "not allowed")
    done = world.run(EU, US)
    assert [failure.message for failure in done.failures] == [f"{EU}: not allowed"]
    assert world.default(region=US) == SET


def test_an_identity_that_cannot_be_read_fails_its_region() -> None:
    world = World()
    world.ses.identities[EU, "a.example.net"] = SesTenantError(ErrorCode.THROTTLED, "slow down")
    assert [f.code for f in world.run(remove=True).failures] == [ErrorCode.THROTTLED]


def states() -> Sequence[tuple[int, bool]]:
    return [(at, after) for at in range(3) for after in (False, True)]


@pytest.mark.parametrize(("at", "after"), states())
@pytest.mark.parametrize("remove", [False, True])
def test_the_next_run_finishes_what_one_began(at: int, after: bool, remove: bool) -> None:
    world = World()
    world.tenant()
    world.identity()
    if remove:
        world.identity("other.example.net")
        world.run()
    world.events.fail_at, world.events.after = at + (4 if remove else 0), after
    first = world.run(remove=remove)
    (failure,) = first.failures
    assert failure.partly_done == (at > 0)
    assert world.run(remove=remove).failures == ()
    assert planned(world.plan(remove=remove)) == []
    assert world.default() == (None if remove else SET)
    assert (EU in world.events.sets) != remove


def test_remove_takes_the_default_away_first_and_leaves_the_policies() -> None:
    world = World()
    world.tenant()
    world.identity()
    world.identity("metered.example.net", default="metrics")
    world.run()
    del world.events.done[:]
    assert world.run(remove=True).failures == ()
    assert world.events.done == [DEFAULT, f"{EU} DeleteConfigurationSet"]
    assert (world.default(), world.default("metered.example.net")) == (None, "metrics")
    assert world.allows()


def test_a_set_that_others_use_is_not_deleted() -> None:
    world = World()
    world.identity()
    world.identity("theirs.example.net", ours=False, default=SET)
    world.run()
    done = world.run(remove=True)
    assert told(done) == ["not_ours"]
    assert (world.default(), world.default("theirs.example.net")) == (None, SET)
    assert EU in world.events.sets


def test_a_default_that_is_left_of_a_deleted_set_is_taken_away() -> None:
    world = World()
    world.identity(default=SET)
    world.run(remove=True)
    assert world.default() is None


def test_a_tenant_whose_tags_cannot_be_read_is_told_of() -> None:
    world = World()
    world.tenant()
    world.iam.users["ses-shop.example.com"].tags["ses-tenant:regions"] = "nowhere"
    world.identity()
    done = world.run()
    assert (told(done), world.default()) == (["not_watched"], None)
    assert "ses-tenant:regions" in done.plans[0].notices[0].message


ARN = f"arn:aws:ses:{EU}:123456789012"


@pytest.mark.parametrize(
    ("resource", "sender", "stopped"),
    [
        (f"{ARN}:identity/shop.example.com", "*", True),
        (f"{ARN}:identity/*", "wordpress@shop.example.com", True),
        ([f"{ARN}:identity/*", f"{ARN}:configuration-set/{SET}"], "*", False),
        (f"{ARN}:*", "*", False),
        ("*", "*@shop.example.com", False),
        (f"{ARN}:identity/else.example.net", "*", False),
        (f"arn:aws:ses:{US}:123456789012:identity/shop.example.com", "*", False),
    ],
)
def test_nobody_who_is_no_tenant_is_stopped(
    resource: str | list[str], sender: str, stopped: bool
) -> None:
    world = World()
    world.identity()
    as_sender = {"StringLike": {"ses:FromAddress": sender}}
    allow = {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Condition": as_sender}]}
    world.iam.add_user("wordpress").policies["send"] = policy
    done = world.run()
    assert (told(done), world.default()) == ((["not_watched"], None) if stopped else ([], SET))
    if stopped:
        assert ":user/wordpress may send by this identity" in done.plans[0].notices[0].message
