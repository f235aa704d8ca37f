"""The JSON Schema of a tenants file, for editors; what a tenant may have follows its settings."""

from collections.abc import Iterable, Mapping

from ses_tenant.core.tenant.identity import IDENTITY
from ses_tenant.core.tenant.settings import Setting
from ses_tenant.core.tenant.spec import SETTINGS, STDOUT
from ses_tenant.core.watch.decide import Limits
from ses_tenant.core.watch.rules import RULE_PATTERN

_AUDIT: dict[str, object] = {
    "description": "What `audit` and `check` are told with --file.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "operators": {
            "description": "ARNs of users and roles that look after tenants; what they may do is a "
            "note.",
            "type": "array",
            "items": {
                "type": "string",
                "pattern": "^arn:aws[A-Za-z0-9_-]*:iam::[0-9]{12}:(user|role)/[!-~]{1,576}$",
            },
        },
        "accept": {
            "description": "File of findings that are known, beside this one.",
            "type": "string",
            "minLength": 1,
        },
    },
}
_RULES: dict[str, object] = {
    "type": "array",
    "items": {"type": "string", "pattern": RULE_PATTERN},
}
_WATCH: dict[str, object] = {
    "description": "By which rules the sites' mail is watched.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "rules": {
            "description": "Rules such as `bounce-rate > 10 % of >= 50 in 1h -> suspend`, in place "
            "of those that hold by default.",
            **_RULES,
        },
        "dry": {
            "description": "true only tells who would be suspended, false suspends at once; left "
            "out, it is true for the first week.",
            "type": "boolean",
        },
        "max-suspensions-an-hour": {
            "description": "So many tenants are suspended in an hour at most; of more it is told.",
            "type": "integer",
            "minimum": 0,
            "default": Limits().most_an_hour,
        },
    },
}
_REGIONS: dict[str, object] = {"$ref": "#/definitions/regions"}

_ACCOUNT: dict[str, object] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "profile": {
            "description": "AWS profile to use; one with an MFA device asks for its code.",
            "type": "string",
            "minLength": 1,
        },
        "role-arn": {
            "description": "IAM role to assume, with the credentials of the profile.",
            "type": "string",
            "pattern": "^arn:aws[A-Za-z0-9_-]*:iam::[0-9]{12}:role/[!-~]{1,576}$",
        },
        "regions": _REGIONS,
    },
}


def fleet_schema(destinations: Mapping[str, str], formats: Iterable[str]) -> dict[str, object]:
    """Return the schema; `destinations` gives the pattern of what follows each scheme."""
    regions = next(setting for setting in SETTINGS if setting.name == "regions")
    places = [STDOUT, *(f"{name}:{pattern}" for name, pattern in destinations.items())]
    more: dict[str, dict[str, object]] = {
        "destination": {"type": "string", "pattern": f"^({'|'.join(places)})$"},
        "format": {"enum": list(formats)},
        "regions": _REGIONS,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "ses-tenant tenants.toml",
        "description": "The tenants of one or several AWS accounts, for `ses-tenant plan` and "
        "`apply`.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "accounts": {
                "description": "AWS accounts by a name of your own. Without any, the one that the "
                "command reaches.",
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z0-9_-]{1,32}$"},
                "additionalProperties": {"$ref": "#/definitions/account"},
            },
            "defaults": {
                "description": "What a tenant has that does not say otherwise.",
                "$ref": "#/definitions/tenant",
            },
            "tenants": {
                "description": "A table for each sending domain; an empty one is a tenant.",
                "type": "object",
                "additionalProperties": {"$ref": "#/definitions/tenant"},
            },
            "audit": _AUDIT,
            "watch": _WATCH,
        },
        "definitions": {
            "regions": {
                "description": regions.described,
                "type": "array",
                "items": regions.kind.schema,
            },
            "account": _ACCOUNT,
            "tenant": _tenant(more),
            "identity": {
                "type": "object",
                "additionalProperties": False,
                "properties": {s.name: _property(s, None) for s in IDENTITY},
            },
        },
    }


def _tenant(more: Mapping[str, dict[str, object]]) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "account": {
                "description": "The account that it is in; needed where the file has several.",
                "type": "string",
                "minLength": 1,
            },
            **{s.name: _property(s, more.get(s.name)) for s in SETTINGS},
            "max-age": {
                "description": "Age at which `rotate-keys --file` replaces its key: 30m, 24h, 90d.",
                "type": "string",
                "pattern": "^[0-9]{1,6}[smhd]$",
            },
            "suspended": {
                "description": "true suspends it, false resumes it; left out, it stays as it is.",
                "type": "boolean",
            },
            "rules": {
                "description": "Its own rules of the watch, in place of those of [watch].",
                "minItems": 1,
                **_RULES,
            },
            "identity": {
                "description": "The email identity of its domain in SES; an empty table makes one "
                "and looks after it.",
                "$ref": "#/definitions/identity",
            },
        },
    }


def _property(setting: Setting, more: dict[str, object] | None) -> dict[str, object]:
    if more is _REGIONS:
        return more
    described: dict[str, object] = {"description": setting.described}
    kind = setting.kind
    if kind.pairs:
        return described | {"type": "object", "additionalProperties": kind.schema}
    if kind.many:
        return described | {"type": "array", "items": kind.schema}
    described |= more or kind.schema
    if kind.flag or kind.choice is not None:
        described["default"] = setting.data(setting.default)
    return described
