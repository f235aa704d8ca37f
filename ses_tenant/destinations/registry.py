"""From a destination's URI to the destination. To add one: a file of its own, and a line here."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.destinations import command, file, secretsmanager, ssm, stdout
from ses_tenant.destinations.agreement import NO_COMMANDS, Consent
from ses_tenant.destinations.formats import FORMATS, get_format
from ses_tenant.destinations.scheme import Opening, Scheme, Sharing

if TYPE_CHECKING:
    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.fleet.tenants_file import Checks

# In the order in which help names them.
SCHEMES: Mapping[str, Scheme] = {
    module.SCHEME.name: module.SCHEME for module in (stdout, file, secretsmanager, ssm, command)
}


def usages() -> list[str]:
    """Return how each destination is written."""
    return [scheme.usage for scheme in SCHEMES.values()]


def told() -> list[str]:
    """Return the same with what help tells of each."""
    return [scheme.usage + scheme.told for scheme in SCHEMES.values()]


def normalise(uri: str) -> str:
    """Return the URI as it is remembered: a file's path absolute, whatever the working folder.

    Raises SesTenantError `usage` for what is no destination.
    """
    name, colon, rest = uri.partition(":")
    if uri == STDOUT:
        return uri
    known = name in SCHEMES and name != STDOUT
    if not colon or not known or not rest.strip() or "\0" in rest:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'{uri}' is not a destination.",
            f"Destinations: {', '.join(usages())}.",
        )
    return f"{name}:{SCHEMES[name].parse(rest)}"


def open_destination(
    spec: TenantSpec,
    session: "AwsSession",
    write: Callable[[Credentials], None],
    *,
    force: bool,
    consent: Consent = NO_COMMANDS,
) -> Destination:
    """Return the destination of a tenant; `write` prints credentials where it is stdout.

    A command is run only where `consent` says so.

    Raises SesTenantError `usage` for a format that does not fit, and `destination_unavailable`
    for a destination of a tag that this version does not know.
    """
    name, _, rest = spec.destination.partition(":")
    form = get_format(spec.format, spec.interface)
    printed = spec.destination == STDOUT
    if not printed and (name not in SCHEMES or name == STDOUT or not rest.strip()):
        raise SesTenantError(
            ErrorCode.DESTINATION_UNAVAILABLE,
            f"The tag {naming.TAG_DESTINATION} of {spec.domain} names '{spec.destination}', which "
            "is no destination that this version knows.",
            f"Upgrade ses-tenant, or choose another: ses-tenant create {spec.domain} --to "
            "DESTINATION",
        )
    return SCHEMES[name].open(Opening(rest, spec, form, session, write, force, consent))


def in_lambda(uri: str) -> bool:
    """Tell whether a Lambda function can reach it; one that nobody knows it has to look at."""
    scheme = SCHEMES.get(uri.partition(":")[0])
    return scheme is None or scheme.in_lambda


def file_checks() -> "Checks":
    """Return what the reader of a tenants file has to know of destinations and formats."""
    from ses_tenant.core.fleet.tenants_file import Checks

    return Checks(_normalise_in_file, get_format, _place)


def fleet_schema() -> dict[str, object]:
    """Return the JSON Schema of a tenants file, with the destinations and formats there are."""
    from ses_tenant.core.fleet import schema

    patterns = {name: scheme.pattern for name, scheme in SCHEMES.items() if name != STDOUT}
    return schema.fleet_schema(patterns, FORMATS)


def _normalise_in_file(uri: str) -> str:
    """Return the URI as `normalise` does; refuse one that depends on where it is read."""
    name, _, rest = uri.partition(":")
    if name in SCHEMES and SCHEMES[name].relative(rest):
        raise SesTenantError(
            ErrorCode.USAGE,
            f"'{uri}' is not an absolute path, and so depends on where the command is run",
        )
    return normalise(uri)


def _place(uri: str, account: str, region: str) -> str | None:
    """Return what names a place that only one tenant may have, None where several may."""
    match SCHEMES[uri.partition(":")[0]].sharing:
        case Sharing.NOWHERE:
            return None
        case Sharing.ON_THE_MACHINE:
            return uri
        case Sharing.IN_THE_REGION:
            return f"{account} {region} {uri}"


def destination_policy(partition: str = "aws") -> dict[str, object]:
    """Return what the operator needs besides, to deliver to stores of AWS's under `web/`."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": scheme.sid,
                "Effect": "Allow",
                "Action": sorted((*scheme.read, *scheme.write)),
                "Resource": f"arn:{partition}:{scheme.resource}",
            }
            for scheme in SCHEMES.values()
            if scheme.resource
        ],
    }
