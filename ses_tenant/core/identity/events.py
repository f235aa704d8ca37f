"""The configuration set by which SES tells what becomes of mail, and whose mail goes by it; pure.

A configuration set sends events to EventBridge; it becomes the default set of each identity of
ours, so that no site has to name it. The policies come first: SES refuses a mail whose
configuration set its sender's policy does not allow.
https://docs.aws.amazon.com/ses/latest/dg/managing-configuration-sets.html
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-eventbridge.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.state import EmailIdentity, serving_names
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant import steps as tenant_steps
from ses_tenant.core.tenant.policy import check_policy_size, sending_policy
from ses_tenant.core.tenant.spec import TenantSpec

NAME = naming.EVENTS_CONFIGURATION_SET
DESTINATION = "eventbridge"
EVENT_TYPES = ("BOUNCE", "COMPLAINT", "DELIVERY", "REJECT", "SEND")
OUR_TAGS = {naming.TAG_VERSION: naming.SCHEMA_VERSION}


@dataclass(frozen=True)
class EventDestination:
    """Where a configuration set sends events; `event_bus` is an ARN, None if it is elsewhere."""

    name: str
    enabled: bool = True
    types: frozenset[str] = frozenset(EVENT_TYPES)
    event_bus: str | None = None


@dataclass(frozen=True)
class ConfigurationSet:
    """The configuration set as it is; `sending` is False while mail by it is stopped."""

    sending: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    destinations: tuple[EventDestination, ...] = ()

    @property
    def ours(self) -> bool:
        """Tell whether ses-tenant has made it."""
        return naming.TAG_VERSION in self.tags


@dataclass(frozen=True)
class EventsView:
    """What SES has in a Region: the configuration set, if there is one, and all identities."""

    region: str
    configuration_set: ConfigurationSet | None
    identities: tuple[EmailIdentity, ...]


@dataclass(frozen=True)
class Sender:
    """A tenant that may send by an identity.

    `plan` makes its policy allow the configuration set; `refused` is why that cannot be, "" if it
    can or need not.
    """

    spec: TenantSpec
    plan: tenant_steps.Plan = ()
    refused: str = ""

    def sends_in(self, region: str) -> bool:
        """Tell whether it may send in a Region; one whose Regions are not known may in all."""
        return not self.spec.regions or region in self.spec.regions

    def may_use(self, identity: str) -> bool:
        """Tell whether SES may send its mail by an identity: its own, or one above or below."""
        return any(
            f".{own}".endswith(f".{identity}")
            or (self.spec.sending.subdomains and f".{identity}".endswith(f".{own}"))
            for own in (self.spec.domain, *self.spec.sending.also)
        )


@dataclass(frozen=True)
class EventsPlan:
    """The steps in one Region, the identities whose mail is watched then, and what to know."""

    region: str
    steps: steps.EventSteps
    watched: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def sender(spec: TenantSpec, document: Mapping[str, object] | None) -> Sender:
    """Return the tenant whose sending policy is `document`, with what its policy needs.

    A policy is rewritten only if it lacks nothing but the configuration set: what else is wrong
    with it may be somebody's intention.
    """
    wanted = sending_policy(spec)
    if document in (None, wanted):
        return Sender(spec)
    if document != _without_the_set(wanted):
        return Sender(spec, refused="is not as ses-tenant writes it")
    try:
        check_policy_size(wanted)
    except SesTenantError as error:
        return Sender(spec, refused=f"would become too large: {error.message}")
    put = tenant_steps.PutUserPolicy(spec.user_name, naming.SENDING_POLICY, wanted)
    return Sender(spec, (put,))


def plan_setup(
    view: EventsView,
    senders: Iterable[Sender],
    others: Mapping[str, str] = MappingProxyType({}),
) -> EventsPlan:
    """Return the steps that make all of ours in the Region be watched; none if they are.

    `others` are the ARNs of principals that are no tenants, by the identity of which SES would
    refuse their mail.

    Raises SesTenantError `not_ours` for a configuration set of somebody else's, and `suspended`
    for one by which nothing is sent: it would stop every site.
    """
    found, region = _ours(view), view.region
    if found is not None and not found.sending:
        raise SesTenantError(
            ErrorCode.SUSPENDED,
            f"Sending by the configuration set {NAME} in {region} is switched off. As a default "
            "set it would stop all mail.",
            f"To switch it on: aws sesv2 put-configuration-set-sending-options --region {region} "
            f"--configuration-set-name {NAME} --sending-enabled",
        )
    senders = tuple(s for s in senders if s.sends_in(region))
    plan, watched = list(_make(found, region)), []
    notices = list(_not_ours(view, senders))
    for identity in view.identities:
        if not identity.ours:
            continue
        hindrance = _hindrance(view.region, identity, senders, others.get(identity.name))
        if hindrance is not None:
            notices.append(hindrance)
            continue
        watched.append(identity.name)
        if identity.configuration_set is None:
            plan.append(
                steps.PutEmailIdentityConfigurationSetAttributes(region, identity.name, NAME)
            )
    return EventsPlan(region, tuple(plan), tuple(watched), tuple(notices))


def plan_remove(view: EventsView) -> EventsPlan:
    """Return the steps that undo `plan_setup`, the last first; the policies may stay as they are.

    The configuration set stays where an identity that is not ours has it as its default: SES would
    refuse its mail. Raises SesTenantError `not_ours`.
    """
    found, region = _ours(view), view.region
    using = [identity for identity in view.identities if identity.configuration_set == NAME]
    plan: list[steps.EventStep] = [
        steps.PutEmailIdentityConfigurationSetAttributes(region, identity.name, None)
        for identity in using
        if identity.ours
    ]
    others = [identity.name for identity in using if not identity.ours]
    if others:
        told = (
            f"The configuration set {NAME} in {region} stays: it is the default of "
            f"{', '.join(others)}, which ses-tenant has not made. To change that: aws sesv2 "
            f"put-email-identity-configuration-set-attributes --region {region} --email-identity "
            f"{others[0]}"
        )
        return EventsPlan(region, tuple(plan), tuple(others), (Notice("not_ours", told),))
    if found is not None:
        plan.append(steps.DeleteConfigurationSet(region, NAME))
    return EventsPlan(region, tuple(plan))


def _ours(view: EventsView) -> ConfigurationSet | None:
    found = view.configuration_set
    if found is not None and not found.ours:
        raise SesTenantError(
            ErrorCode.NOT_OURS,
            f"The configuration set {NAME} in {view.region} was not made by ses-tenant.",
            f"If nobody needs it: aws sesv2 delete-configuration-set --region {view.region} "
            f"--configuration-set-name {NAME}",
        )
    return found


def _make(found: ConfigurationSet | None, region: str) -> Iterator[steps.EventStep]:
    if found is None:
        yield steps.CreateConfigurationSet(region, NAME, OUR_TAGS)
    there = {each.name: each for each in found.destinations} if found else {}
    if DESTINATION not in there:
        yield steps.CreateConfigurationSetEventDestination(region, NAME, DESTINATION, EVENT_TYPES)
        return
    now = there[DESTINATION]
    right = (
        now.enabled
        and now.types == frozenset(EVENT_TYPES)
        and (now.event_bus or "").endswith(":event-bus/default")
    )
    if not right:
        yield steps.UpdateConfigurationSetEventDestination(region, NAME, DESTINATION, EVENT_TYPES)


def _hindrance(
    region: str, identity: EmailIdentity, senders: Iterable[Sender], stopped: str | None
) -> Notice | None:
    """Return why the configuration set cannot become the default one of an identity of ours."""
    place, other = f"{identity.name} in {region}", identity.configuration_set
    if other not in (None, NAME):
        return Notice(
            "not_watched",
            f"The mail of {place} is not watched: its default configuration set is {other}, which "
            "is left as it is. If nobody needs that set: aws sesv2 "
            f"put-email-identity-configuration-set-attributes --region {region} --email-identity "
            f"{identity.name}, and then the same command again. Else give it an event destination "
            "of its own on EventBridge's default bus.",
        )
    for each in senders:
        if each.refused and each.may_use(identity.name) and other is None:
            return Notice(
                "not_watched",
                f"The mail of {place} is not watched: the sending policy of {each.spec.domain} "
                f"{each.refused}, so that SES might refuse its mail. First: ses-tenant check "
                f"{each.spec.domain} --repair",
            )
    if stopped is not None and other is None:
        return Notice(
            "not_watched",
            f"The mail of {place} is not watched: {stopped} may send by this identity, and its "
            f"policy does not allow the configuration set, so that SES would refuse its mail. Add "
            f"the ARN of configuration-set/{NAME} to its policy, or make it a tenant.",
        )
    return None


def _not_ours(view: EventsView, senders: Iterable[Sender]) -> Iterator[Notice]:
    """Return a notice for each identity that tenants send by and that is not ours."""
    names = {identity.name: identity for identity in view.identities}
    seen = set[str]()
    for each in senders:
        for own in (each.spec.domain, *each.spec.sending.also):
            chain = serving_names(own.name, own.registrable)
            serving = next((names[name] for name in chain if name in names), None)
            if serving is None or serving.ours or serving.name in seen:
                continue
            seen.add(serving.name)
            if serving.configuration_set != NAME:
                yield Notice(
                    "not_ours",
                    f"The mail of {serving.name} in {view.region} is not watched: ses-tenant has "
                    "not made that identity and leaves it alone. To have it looked after: "
                    f"ses-tenant identity adopt {serving.name} --region {view.region}",
                )


def _without_the_set(policy: Mapping[str, object]) -> Mapping[str, object]:
    """Return the policy as it was before the configuration set was a part of it."""
    statements = policy["Statement"]
    assert isinstance(statements, list)
    return {
        **policy,
        "Statement": [
            {
                name: [arn for arn in value if not arn.endswith(f":configuration-set/{NAME}")]
                if name == "Resource" and isinstance(value, list)
                else value
                for name, value in statement.items()
            }
            for statement in statements
        ],
    }
