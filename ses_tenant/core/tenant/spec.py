"""A tenant as it should be; each field that somebody can set is declared here, once."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.settings import (
    DOMAIN,
    DOMAINS,
    FLAG,
    REGIONS,
    TAGS,
    TEXT,
    Setting,
    choice,
    matching,
    setting,
    settings_of,
)

STDOUT = "-"
DEFAULT_FORMAT = "env"


class Interface(StrEnum):
    """The SES interface that a tenant's credentials are for."""

    API = "api"
    SMTP = "smtp"


class Scope(StrEnum):
    """Which resources the sending policy allows, besides limiting From."""

    ANY = "any"
    IDENTITY = "identity"


@dataclass(frozen=True)
class SendingOptions:
    """What a tenant may send as, beyond its own domain; the sending policy is made of it."""

    subdomains: bool = setting(
        FLAG,
        default=False,
        option="--subdomains/--no-subdomains",
        help="Let it send as every domain below DOMAIN, too.",
        described="Let it send as every domain below its own, too.",
        sends=True,
    )
    also: tuple[SendingDomain, ...] = setting(
        DOMAINS,
        default=(),
        metavar="DOMAIN",
        clears=True,
        help="Another domain that it may send as; may be repeated, 'none' clears.",
        described="Other domains that it may send as.",
        sends=True,
    )
    return_path: SendingDomain | None = setting(
        DOMAIN,
        default=None,
        metavar="DOMAIN",
        clears=True,
        help="Let bounces go to this domain, too; 'none' clears.",
        described="Let bounces go to this domain, too.",
        sends=True,
    )
    scope: Scope = setting(
        choice(Scope),
        default=Scope.ANY,
        help="'identity' also limits the policy to the domain's identities and configuration "
        "sets. Not while the account is in the SES sandbox.  [default: any]",
        described="'identity' also limits the policy to the domain's own identities.",
        sends=True,
    )
    configuration_sets: tuple[str, ...] = setting(
        matching(
            "[A-Za-z0-9_-]{1,64}",
            "is not the name of a configuration set",
            "Such a name has up to 64 letters, digits, hyphens and underscores.",
            many=True,
        ),
        default=(),
        option="--configuration-set",
        metavar="NAME",
        clears=True,
        help="With --scope identity: a configuration set that it may use, the identity's "
        "default one included; may be repeated, 'none' clears.",
        described='With scope = "identity": configuration sets that it may use.',
        sends=True,
    )

    allow_read: tuple[str, ...] = setting(
        matching(
            "(quota|account|identities)",
            "is nothing that a tenant can be allowed to read",
            "It is quota, account or identities.",
            many=True,
        ),
        default=(),
        metavar="READ",
        clears=True,
        help="What it may read through the API: 'quota' (always), 'account' (the contact data and "
        "state of the account, too) or 'identities' (the names of all your clients' domains); may "
        "be repeated, 'none' clears. Remembered.  [default: quota]",
        described='What it may read besides the quota: "account" shows the contact data of the '
        'account, "identities" the names of all clients.',
        sends=True,
    )
    # No policy asks for it: IAM cannot tie SMTP or raw mail to an SES tenant.
    ses_tenant: bool = setting(
        FLAG,
        default=False,
        option="--ses-tenant/--no-ses-tenant",
        help="Associate its email identity and configuration sets with an SES tenant of its own, "
        "whose reputation SES keeps apart. Remembered.",
        described="Associate its identity and configuration sets with an SES tenant of its own.",
    )

    def to_tags(self) -> dict[str, str]:
        """Return the options as the tag `ses-tenant:sending`; no tag for the default options."""
        items = [item for s in SENDING for item in s.items(getattr(self, s.field))]
        return naming.tag_list(naming.TAG_SENDING, items)

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "SendingOptions":
        """Return the options that `to_tags` wrote.

        Raises SesTenantError `internal` for an option this version does not know: dropping it
        would cut off a site that a newer version set up.
        """
        found: dict[str, Any] = {}
        known = {s.item: s for s in SENDING}
        for item in naming.untag_list(naming.TAG_SENDING, tags):
            name, equals, text = item.partition("=")
            known_setting = known.get(name)
            if known_setting is None or not _may_say(known_setting, equals, text):
                raise SesTenantError(
                    ErrorCode.INTERNAL,
                    f"The tag {naming.TAG_SENDING} holds '{item}', unknown to this version.",
                    "Upgrade ses-tenant, or correct the tag.",
                )
            kind, field = known_setting.kind, known_setting.field
            value = True if kind.flag else kind.parse(text)
            found[field] = (*found.get(field, ()), value) if kind.many else value
        return cls(**found)


def _may_say(known: Setting, equals: str, text: str) -> bool:
    """Tell whether an item of the tag is one that `Setting.items` writes."""
    if known.kind.flag:
        return not equals
    if known.kind.choice is not None:
        return text in list(known.kind.choice) and text != known.default
    return True


@dataclass(frozen=True)
class TenantSpec:
    """A tenant as it should be."""

    domain: SendingDomain
    interface: Interface = setting(
        choice(Interface),
        default=Interface.API,
        option="--smtp/--api",
        help="Credentials for the SMTP interface, or for the SES API.  [default: api]",
        described="The SES interface that its credentials are for.",
        sends=True,
    )
    regions: tuple[str, ...] = setting(
        REGIONS,
        default=(),
        option="--region",
        metavar="REGION",
        help="AWS Region that the site sends in; may be repeated.  [default: the profile's]",
        described="AWS Regions, such as eu-central-1.",
        sends=True,
    )
    sending: SendingOptions = SendingOptions()
    destination: str = setting(
        TEXT,
        default=STDOUT,
        option="--to",
        metavar="DESTINATION",
        help="Where credentials go: {destinations}. Remembered.  [default: -]",
        described="Where its credentials go; {domain} stands for the domain.",
        tag=naming.TAG_DESTINATION,
        tag_default=True,
    )
    format: str = setting(
        TEXT,
        default=DEFAULT_FORMAT,
        metavar="FORMAT",
        help="How they are written on stdout or in a file: {formats}. Remembered.  [default: env]",
        described="How they are written in a file.",
        tag=naming.TAG_FORMAT,
    )
    read_back: str | None = setting(
        TEXT,
        default=None,
        metavar="CMD",
        help="With --to command:CMD: a command that prints what is held now, or nothing. "
        "Remembered.",
        described="With command: destinations, a command that prints what is held now.",
        tag=naming.TAG_READ_BACK,
    )
    permissions_boundary: str | None = setting(
        matching(
            "arn:aws[A-Za-z0-9_-]*:iam::([0-9]{12}|aws):policy/[!-~]{1,512}",
            "is not the ARN of a managed policy",
            "A permissions boundary looks like arn:aws:iam::123456789012:policy/name.",
        ),
        default=None,
        metavar="ARN",
        help="Permissions boundary of the IAM user.",
        described="ARN of the permissions boundary of its IAM user.",
        sends=True,
    )
    user_tags: Mapping[str, str] = setting(
        TAGS,
        default={},
        name="tags",
        option="--tag",
        metavar="KEY=VALUE",
        help="Tag of your own on the IAM user; may be repeated.",
        described="Tags of your own on its IAM user.",
        sends=True,
    )

    @property
    def user_name(self) -> str:
        """Return the name of the tenant's IAM user."""
        return naming.user_name(self.domain)

    @property
    def tags(self) -> dict[str, str]:
        """Return every tag that the IAM user should carry."""
        return {
            **self.user_tags,
            naming.TAG_DOMAIN: self.domain.name,
            naming.TAG_INTERFACE: self.interface.value,
            **naming.tag_list(naming.TAG_REGIONS, self.regions),
            **self.sending.to_tags(),
            **{k: v for s in TAGGED for k, v in s.tags(getattr(self, s.field)).items()},
            naming.TAG_VERSION: naming.SCHEMA_VERSION,
        }

    def value(self, wanted: Setting) -> object:
        """Return the value of a setting."""
        return getattr(self.sending if wanted in SENDING else self, wanted.field)


# What shapes the sending policy alone, texts with a tag of their own, and all settings, in the
# order of help and of files.
SENDING = settings_of(fields(SendingOptions))
_OWN = settings_of(fields(TenantSpec))
TAGGED = tuple(s for s in _OWN if s.tag)
SETTINGS = (*_OWN[:2], *SENDING, *_OWN[2:])
