"""From what is wanted of an email identity, and what SES has, to steps; pure and settling.

An identity is ours by its tag. One that is not is read and never changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.state import EmailIdentity, Status
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.identity import DEFAULT_MAIL_FROM, IdentitySettings


@dataclass(frozen=True)
class RegionView:
    """What SES has in one Region that matters for the domain.

    `chain` holds the identities of the domain and of those above it, the nearest first, None where
    there is none. `primary` is the domain's identity in the Region to replicate from.
    """

    region: str
    chain: Mapping[str, EmailIdentity | None]
    primary: EmailIdentity | None = None

    def own(self, domain: SendingDomain) -> EmailIdentity | None:
        """Return the domain's own identity."""
        return self.chain.get(domain.name)

    def serving(self) -> EmailIdentity | None:
        """Return the identity that SES signs with: the nearest verified one, else the nearest."""
        there = [identity for identity in self.chain.values() if identity is not None]
        verified = [identity for identity in there if identity.verified]
        return next(iter((*verified, *there)), None)


@dataclass(frozen=True)
class IdentityPlan:
    """The steps in one Region, and what a person should know."""

    region: str
    steps: steps.IdentitySteps
    notices: tuple[Notice, ...] = ()


def our_tags(domain: SendingDomain) -> dict[str, str]:
    """Return the tags of an identity of ours."""
    return {naming.TAG_DOMAIN: domain.name, naming.TAG_VERSION: naming.SCHEMA_VERSION}


def plan_identity(
    settings: IdentitySettings, view: RegionView, mail_from_taken: Collection[str] = ()
) -> IdentityPlan:
    """Return the steps that make the domain's identity in a Region; none if it is as wanted.

    `mail_from_taken` are the MAIL FROM domains of the other Regions: each needs its own. Raises
    SesTenantError `usage` for a replica that SES would refuse.
    """
    domain, own = settings.domain, view.own(settings.domain)
    if own is not None:
        return _plan_existing(settings, view.region, own, mail_from_taken)
    serving = view.serving()
    if serving is not None and serving.verified and not settings.own:
        told = (
            f"{domain} is served by the verified identity {serving.name} in {view.region}: no "
            "records are needed for it to send. --own gives it an identity of its own."
        )
        return IdentityPlan(view.region, (), (Notice("served_by_parent", told),))
    if settings.replicate_from is not None and settings.replicate_from != view.region:
        _check_primary(settings.replicate_from, view.primary, domain)
    source = settings.replicate_from if settings.replicate_from != view.region else None
    made = steps.CreateEmailIdentity(view.region, domain.name, our_tags(domain), source)
    return IdentityPlan(
        view.region, (made, *_mail_from_steps(settings, view.region, None, mail_from_taken))
    )


def plan_adopt(view: RegionView, domain: SendingDomain) -> IdentityPlan:
    """Return the step that makes a hand-made identity ours: its tags. Raises `not_found`."""
    own = view.own(domain)
    if own is None:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"SES has no email identity {domain} in {view.region}.",
            f"To make it: ses-tenant identity create {domain} --region {view.region}",
        )
    if own.ours:
        return IdentityPlan(view.region, ())
    tag = steps.TagResource(view.region, domain.name, our_tags(domain))
    return IdentityPlan(view.region, (tag,))


def _plan_existing(
    settings: IdentitySettings, region: str, own: EmailIdentity, taken: Collection[str]
) -> IdentityPlan:
    domain = settings.domain
    if not own.ours:
        told = (
            f"The email identity {domain} in {region} was not made by ses-tenant and is left as it "
            f"is. To have it looked after: ses-tenant identity adopt {domain} --region {region}"
        )
        return IdentityPlan(region, (), (Notice("not_ours", told),))
    if own.dkim.external:
        told = f"{domain} has DKIM keys of its own (BYODKIM) in {region}; they are left alone."
        return IdentityPlan(region, (), (Notice("own_dkim_keys", told),))
    plan: list[steps.IdentityStep] = []
    if own.dkim.status in (Status.FAILED, Status.NOT_STARTED):
        plan.append(steps.PutEmailIdentityDkimSigningAttributes(region, own.name))
    if not own.dkim.signing:
        plan.append(steps.PutEmailIdentityDkimAttributes(region, own.name))
    return IdentityPlan(region, (*plan, *_mail_from_steps(settings, region, own, taken)))


def _mail_from_steps(
    settings: IdentitySettings, region: str, own: EmailIdentity | None, taken: Collection[str]
) -> steps.IdentitySteps:
    """Return the step that sets the MAIL FROM domain; one that stands is changed only if asked."""
    name = settings.mail_from_in(region, taken)
    if name is None:
        return ()
    if own is not None and own.mail_from.domain is not None:
        if settings.mail_from == DEFAULT_MAIL_FROM:
            name = own.mail_from.domain
        if own.mail_from.domain == name and own.mail_from.status is not Status.FAILED:
            return ()
    return (steps.PutEmailIdentityMailFromAttributes(region, settings.domain.name, name),)


def _check_primary(region: str, primary: EmailIdentity | None, domain: SendingDomain) -> None:
    why = (
        f"there is no identity {domain} in {region}"
        if primary is None
        else "it has DKIM keys of its own (BYODKIM)"
        if primary.dkim.external
        else f"it is itself a replica of {primary.dkim.replica_of}"
        if primary.dkim.replica_of
        else None
    )
    if why is not None:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"{domain} cannot use the DKIM keys of {region}: {why}.",
            f"First: ses-tenant identity create {domain} --region {region}",
        )
