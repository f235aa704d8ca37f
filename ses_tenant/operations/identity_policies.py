"""Reading the email identities that SES may authorize a tenant's mail by, in every Region."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ses_tenant.core.errors import Notice, SesTenantError
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.identity.ses import ListedIdentity
from ses_tenant.core.identity.state import EmailIdentity
from ses_tenant.core.proof.delegation import Coverage, IdentityPolicies
from ses_tenant.core.proof.places import Target
from ses_tenant.core.regions import ses_regions
from ses_tenant.operations.many import each_tenant
from ses_tenant.operations.protocols import Ses

# One request an identity: past this, only on demand.
MAX_IDENTITIES = 100
_WORKERS = 8


@dataclass(frozen=True)
class Identities:
    """What SES says: in which Regions a domain is verified, by domain, and identities' policies."""

    verified_in: Mapping[str, tuple[str, ...]]
    policies: tuple[IdentityPolicies, ...]
    notices: tuple[Notice, ...]


def read_identities(ses: Ses, targets: Sequence[Target], *, policies: bool | None) -> Identities:
    """Return what SES says of the identities that cover one of the targets, in all Regions.

    Their policies are read if there are not too many of them, or as `policies` says. What could
    not be read is among the notices.
    """
    if not targets or policies is False:
        return Identities({}, (), ())
    regions = (
        *(region for target in targets for region in target.regions),
        *ses_regions(targets[0].partition),
    )
    listed, notices = _listed(ses, tuple(dict.fromkeys(regions)), targets)
    verified: dict[str, tuple[str, ...]] = {}
    domains = {target.domain for target in targets}
    for region, identity in listed:
        if identity.verified and identity.name in domains:
            verified[identity.name] = (*verified.get(identity.name, ()), region)
    coverage = Coverage(targets)
    wanted = [(region, each.name) for region, each in listed if coverage.of(each.name)]
    if policies is None and len(wanted) > MAX_IDENTITIES:
        notices.append(
            Notice(
                "not_read",
                f"The policies of {len(wanted)} email identities were not read, one request each: "
                "--identity-policies does it.",
            )
        )
        return Identities(verified, (), tuple(notices))
    found, unread = _policies(ses, wanted)
    return Identities(verified, found, (*notices, *unread))


def _listed(
    ses: Ses, regions: Sequence[str], targets: Sequence[Target]
) -> tuple[list[tuple[str, ListedIdentity]], list[Notice]]:
    """Return the identities of each Region; where they may not be listed, those there may be."""

    def listed(region: str) -> tuple[ListedIdentity, ...] | SesTenantError:
        return ses.list_identities(region)

    answers = each_tenant(regions, listed, failed=_refused, workers=_WORKERS)
    found: list[tuple[str, ListedIdentity]] = []
    refused: dict[str, str] = {}
    for region, answer in zip(regions, answers, strict=True):
        if isinstance(answer, SesTenantError):
            refused[region] = answer.message
            names = dict.fromkeys(
                name for t in targets if region in t.regions for name in _above(t.domain)
            )
            found += [(region, ListedIdentity(name, verified=False)) for name in names]
        else:
            found += [(region, identity) for identity in answer]
    return found, [_unread("The email identities were not listed", refused)] if refused else []


def _policies(
    ses: Ses, wanted: Sequence[tuple[str, str]]
) -> tuple[tuple[IdentityPolicies, ...], list[Notice]]:
    def read(at: tuple[str, str]) -> EmailIdentity | SesTenantError | None:
        return ses.identity(*at)

    told = each_tenant(wanted, read, failed=_refused, workers=_WORKERS)
    answers = list(zip(wanted, told, strict=True))
    refused = {at[0]: a.message for at, a in answers if isinstance(a, SesTenantError)}
    found = tuple(
        IdentityPolicies(
            answer.name,
            region,
            tuple(
                Policy(f"{name} of the identity {answer.name}", document)
                for name, document in answer.policies.items()
            ),
        )
        for (region, _), answer in answers
        if isinstance(answer, EmailIdentity) and answer.policies
    )
    unread = "The policies of email identities were not all read"
    return found, [_unread(unread, refused)] if refused else []


def _refused(_: object, error: SesTenantError) -> SesTenantError:
    return error


def _unread(what: str, refused: Mapping[str, str]) -> Notice:
    """Return what was refused in which Regions, and why in the first."""
    return Notice("not_read", f"{what} in {', '.join(refused)}. {next(iter(refused.values()))}")


def _above(domain: str) -> Iterable[str]:
    """Return the domain and those above it, but for the last label."""
    labels = domain.split(".")
    return (".".join(labels[number:]) for number in range(len(labels) - 1))
