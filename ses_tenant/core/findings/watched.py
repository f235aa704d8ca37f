"""Email identities that `watch setup` has not seen, because they were made after it."""

from collections.abc import Iterator, Sequence

from ses_tenant.core.findings.check import SesView
from ses_tenant.core.findings.finding import AffectedDomain, Finding
from ses_tenant.core.findings.remedy import command
from ses_tenant.core.findings.rules import Rule
from ses_tenant.core.iam.ses_actions import identity_arn
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.proof.members import Member
from ses_tenant.core.tenant.naming import EVENTS_CONFIGURATION_SET

Looked = Sequence[tuple[Member, Sequence[SesView]]]


def not_watched(looked: Looked) -> Iterator[tuple[str, Finding]]:
    """Yield the findings by tenant: identities of ours in Regions where others are watched.

    One with another default set is left out, as `watch setup` leaves it alone and says so.
    """
    watched = {
        view.region
        for _, view, identity in _identities(looked)
        if identity.configuration_set == EVENTS_CONFIGURATION_SET
    }
    for member, view, identity in _identities(looked):
        if view.region not in watched or identity.configuration_set or not identity.ours:
            continue
        arn = identity_arn(member.arn.split(":")[1], view.region, member.account, identity.name)
        for domain in member.domains[:1]:
            yield (
                domain.name,
                Rule.NOT_WATCHED.found(
                    arn,
                    f"nobody is told what becomes of the mail of {identity.name} in {view.region}, "
                    "as of that of others: it has no default configuration set",
                    command("ses-tenant", "watch", "setup", "--region", view.region),
                    domains=(AffectedDomain(domain.name),),
                ),
            )


def _identities(looked: Looked) -> Iterator[tuple[Member, SesView, EmailIdentity]]:
    for member, views in looked:
        for view in views:
            for identity in (view.identities or {}).values():
                if identity is not None:
                    yield member, view, identity
