"""`identity create`, `records`, `adopt` and `delete`: SES's email identities, Region by Region."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.plan import (
    IdentityPlan,
    RegionView,
    plan_adopt,
    plan_identity,
)
from ses_tenant.core.identity.records import DnsRecord, records_for, unique
from ses_tenant.core.identity.state import EmailIdentity, Status, serving_names
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.tags import known
from ses_tenant.operations.many import Progress, each_tenant, unwatched
from ses_tenant.operations.observe import observe_all
from ses_tenant.operations.protocols import Iam, Identities, IdentityReader

# SES answers about one identity call a second: asking more often gains nothing.
_POLL_S = 15.0


@dataclass(frozen=True)
class Prepared:
    """What is about to be done, Region by Region; a dry run stops here."""

    settings: IdentitySettings
    views: tuple[RegionView, ...]
    plans: tuple[IdentityPlan, ...]

    @property
    def steps(self) -> steps.IdentitySteps:
        """Return all steps, in order."""
        return tuple(step for plan in self.plans for step in plan.steps)


def read_view(
    identities: IdentityReader,
    domain: SendingDomain,
    region: str,
    primary: EmailIdentity | None = None,
) -> RegionView:
    """Return what SES has in a Region: the domain's identity, and without one those above it."""
    chain: dict[str, EmailIdentity | None] = {}
    for name in serving_names(domain.name, domain.registrable):
        chain[name] = identities.get(region, name)
        found = chain[name]
        if found is not None and found.verified:
            break
    return RegionView(region, chain, primary)


def prepare(
    identities: IdentityReader, settings: IdentitySettings, regions: Sequence[str]
) -> Prepared:
    """Observe and plan. Raises SesTenantError `usage`, and what AWS answers.

    The Region to replicate from comes first, so that its identity is there for the others.
    """
    source = settings.replicate_from
    ordered = sorted(dict.fromkeys(regions), key=lambda region: region != source)
    primary = None
    if source is not None:
        primary = identities.get(source, settings.domain.name)
        if primary is None and source in ordered:
            primary = EmailIdentity(settings.domain.name)  # made in the same run, before the others
    views = tuple(read_view(identities, settings.domain, r, primary) for r in ordered)
    plans: list[IdentityPlan] = []
    taken = {
        view.region: own.mail_from.domain
        for view in views
        if (own := view.own(settings.domain)) is not None and own.mail_from.domain is not None
    }
    for view in views:
        others = [name for region, name in taken.items() if region != view.region]
        plan = plan_identity(settings, view, others)
        for step in plan.steps:
            if isinstance(step, steps.PutEmailIdentityMailFromAttributes):
                taken[view.region] = step.mail_from
        plans.append(plan)
    return Prepared(settings, views, tuple(plans))


def prepare_adopt(
    identities: Identities, domain: SendingDomain, regions: Sequence[str]
) -> Prepared:
    """Plan to tag a hand-made identity as ours. Raises SesTenantError `not_found`."""
    views = tuple(read_view(identities, domain, region) for region in regions)
    plans = tuple(plan_adopt(view, domain) for view in views)
    return Prepared(IdentitySettings(domain), views, plans)


def tenants_below(iam: Iam, domain: SendingDomain) -> tuple[SendingDomain, ...]:
    """Return the domains of tenants that send as the domain or below it; all users are read."""
    found = {
        observed.domain
        for observed in observe_all(iam)[0]
        for sending in sending_domains(observed)
        if f".{sending}".endswith(f".{domain}")
    }
    return tuple(sorted(found))


def sending_domains(observed: Observed) -> tuple[SendingDomain, ...]:
    """Return what a tenant sends as, as far as its tags can be read."""
    sending = known(observed.user.remembered.sending)
    return (observed.domain, *(sending.also if sending is not None else ()))


def names_in_use(tenants: Iterable[Observed]) -> dict[str, SendingDomain]:
    """Return each name that a tenant sends as, or that is above one, with the tenant."""
    found: dict[str, SendingDomain] = {}
    for observed in tenants:
        for sending in sending_domains(observed):
            found |= dict.fromkeys(upwards(sending), observed.domain)
    return found


def upwards(domain: SendingDomain) -> Iterable[str]:
    """Return the domain's name and those above it."""
    labels = domain.name.split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))


def check_mail_from(iam: Iam, prepared: Prepared) -> tuple[Notice, ...]:
    """Refuse a MAIL FROM domain that a tenant sends as, or has tenants below it.

    SES wants a name that no mail is sent from. The users are read only if one is to be set; a
    notice tells where the operator may not. Raises SesTenantError `usage`.
    https://docs.aws.amazon.com/ses/latest/dg/mail-from.html
    """
    wanted = _mail_froms(prepared)
    try:
        tenants = observe_all(iam)[0] if wanted else ()
    except SesTenantError as error:
        if error.code is not ErrorCode.ACCESS_DENIED:
            raise
        told = f"Whether a tenant sends as the MAIL FROM domain was not looked at. {error.message}"
        return (Notice("not_read", told),)
    refuse_senders(prepared, names_in_use(tenants))
    return ()


def refuse_senders(prepared: Prepared, in_use: Mapping[str, SendingDomain]) -> None:
    """Raise SesTenantError `usage` if a tenant sends as a MAIL FROM domain, or below it."""
    for name in sorted(_mail_froms(prepared)):
        if name in in_use:
            raise SesTenantError(
                ErrorCode.USAGE,
                f"'{name}' cannot be a MAIL FROM domain: the tenant {in_use[name]} sends as it "
                "or below it.",
                "Choose a name that is used for nothing else, such as 'bounce'.",
                settings=("mail-from",),
            )


def _mail_froms(prepared: Prepared) -> set[str]:
    return {
        step.mail_from
        for step in prepared.steps
        if isinstance(step, steps.PutEmailIdentityMailFromAttributes)
    }


def prepare_delete(
    identities: Identities,
    domain: SendingDomain,
    regions: Sequence[str],
    tenants: Sequence[SendingDomain],
) -> Prepared:
    """Plan to delete the domain's identity.

    `tenants` are those that send as it or below it. Raises SesTenantError `not_ours`, and
    `already_exists` while a tenant needs it.
    """
    if tenants:
        shown = ", ".join(tenant.name for tenant in tenants[:5])
        more = f" and {len(tenants) - 5} more" if len(tenants) > 5 else ""
        raise SesTenantError(
            ErrorCode.ALREADY_EXISTS,
            f"The email identity {domain} is needed by the tenants {shown}{more}.",
            f"First: ses-tenant delete {tenants[0]}",
        )
    views = tuple(read_view(identities, domain, region) for region in regions)
    plans = []
    for view in views:
        own = view.own(domain)
        if own is None:
            plans.append(IdentityPlan(view.region, ()))
            continue
        if not own.ours:
            raise SesTenantError(
                ErrorCode.NOT_OURS,
                f"The email identity {domain} in {view.region} was not made by ses-tenant.",
                f"If it should be looked after: ses-tenant identity adopt {domain} --region "
                f"{view.region}",
            )
        plans.append(
            IdentityPlan(view.region, (steps.DeleteEmailIdentity(view.region, domain.name),))
        )
    # A replica goes before the identity whose keys it uses: SES refuses the other order.
    replicas = {v.region for v in views if (own := v.own(domain)) and own.dkim.replica_of}
    plans.sort(key=lambda plan: plan.region not in replicas)
    return Prepared(IdentitySettings(domain), views, tuple(plans))


def carry_out(identities: Identities, plan: Sequence[steps.IdentityStep]) -> None:
    """Apply the steps in order. Raises the failure of one, which says how many were done before.

    A second run finds what another has made meanwhile, and goes on behind it.
    """
    for done, step in enumerate(plan):
        try:
            identities.apply(step)
        except SesTenantError as error:
            gone = isinstance(step, steps.DeleteEmailIdentity) and error.code is ErrorCode.NOT_FOUND
            there = (
                isinstance(step, steps.CreateEmailIdentity)
                and error.code is ErrorCode.ALREADY_EXISTS
            )
            if gone or there:
                continue
            raise error.after_steps(done, len(plan)) if done else error from error


def records_of(
    views: Iterable[RegionView], domain: SendingDomain, dmarc_rua: str | None = None
) -> tuple[DnsRecord, ...]:
    """Return every record that the domain's identities need, in all the Regions.

    Raises SesTenantError `not_found` where no Region has an identity of the domain or above it.
    """
    found: list[DnsRecord] = []
    for view in views:
        identity = view.own(domain) or view.serving()
        if identity is not None:
            found += records_for(identity, view.region, dmarc_rua)
    if not found:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"SES has no email identity for {domain}, so it has no records yet.",
            f"To make it: ses-tenant identity create {domain}",
        )
    return unique(tuple(found))


def read_records(
    identities: IdentityReader,
    places: Sequence[tuple[SendingDomain, str]],
    dmarc_rua: str | None,
    workers: int,
    progress: Progress = unwatched,
) -> Mapping[SendingDomain, tuple[DnsRecord, ...] | SesTenantError]:
    """Return the records that each domain needs in its Regions, or why they are not known."""
    regions: dict[SendingDomain, list[str]] = {}
    for domain, region in places:
        regions.setdefault(domain, []).append(region)

    def read(domain: SendingDomain) -> tuple[DnsRecord, ...] | SesTenantError:
        views = [read_view(identities, domain, region) for region in regions[domain]]
        return records_of(views, domain, dmarc_rua)

    outcomes = each_tenant(
        list(regions), read, failed=lambda _, error: error, workers=workers, progress=progress
    )
    return dict(zip(regions, outcomes, strict=True))


def wait_until_verified(
    identities: Identities,
    name: str,
    regions: Sequence[str],
    seconds: float,
    *,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> Mapping[str, Status]:
    """Return how far SES has come in each Region, once all are verified or the time is over."""
    until = clock() + seconds
    while True:
        found = {region: identities.get(region, name) for region in regions}
        states = {
            r: identity.status if identity else Status.NOT_STARTED for r, identity in found.items()
        }
        if all(state is Status.SUCCESS for state in states.values()) or clock() >= until:
            return states
        sleep(min(_POLL_S, max(0.0, until - clock())))
