"""tenants.toml: what it may say, and where each mistake is told to be."""

import json
import tomllib
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.fleet import Account, Fleet, FleetTenant
from ses_tenant.core.fleet.tenants_file import (
    ACCOUNT_KEYS,
    AUDIT_KEYS,
    IDENTITY_KEYS,
    TABLES,
    TENANT_KEYS,
    WATCH_KEYS,
    parse_fleet,
)
from ses_tenant.core.fleet.toml_lines import key_lines
from ses_tenant.core.tenant.identity import IdentitySettings
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface, Scope
from ses_tenant.core.watch.rules import DEFAULT_RULES
from ses_tenant.destinations.formats import FORMATS
from ses_tenant.destinations.registry import file_checks

SCHEMA: dict[str, Any] = json.loads(
    files("ses_tenant.cli").joinpath("tenants.schema.json").read_text("utf-8")
)
SHOP, BLOG = SendingDomain("shop.example.com"), SendingDomain("blog.example.org")
DEFAULTS = TenantRequest(
    SHOP, Interface.API, None, subdomains=False, also=(), return_path=(), scope=Scope.ANY,
    configuration_sets=(), allow_read=(), ses_tenant=False,
)  # fmt: skip

EVERYTHING = """\
[accounts.agency]
profile = "agency"
regions = ["eu-central-1"]

[accounts.hoster]
role-arn = "arn:aws:iam::222222222222:role/ses-tenant"

[defaults]
account = "agency"
destination = "ssm:/ses/{domain}"
max-age = "90d"
tags = { team = "web", kind = "site" }

[tenants."Shop.example.com"]

[tenants."blog.example.org"]
account = "hoster"
interface = "smtp"
regions = ["us-east-1", "eu-west-1"]
subdomains = true
also = ["news.example.net"]
return-path = "bounce.example.net"
scope = "identity"
configuration-sets = ["web"]
allow-read = ["quota"]
ses-tenant = true
destination = "file:/srv/blog/mail.env"
format = "postfix"
read-back = "cat x"
permissions-boundary = "arn:aws:iam::222222222222:policy/ses-tenant"
max-age = "12h"
suspended = false
tags = { kind = "blog" }

[tenants."blog.example.org".identity]
mail-from = "bounce"
own = true
replicate-from = "us-east-1"
dmarc-rua = "dmarc@example.org"
"""


def parsed(text: str) -> Fleet:
    return parse_fleet(text, "tenants.toml", file_checks())


def mistakes(text: str) -> list[str]:
    with pytest.raises(SesTenantError) as caught:
        parsed(text)
    assert caught.value.code is ErrorCode.USAGE
    first, *lines = caught.value.message.splitlines()
    count = "a mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    assert first == f"tenants.toml has {count}:"
    return [line.removeprefix("tenants.toml:") for line in lines]


def schema_refuses(text: str) -> bool:
    return not Draft7Validator(SCHEMA).is_valid(tomllib.loads(text))


def test_an_empty_table_is_a_tenant() -> None:
    fleet = parsed('[tenants."shop.example.com"]\n')
    assert fleet.accounts == {"default": Account("default")}
    assert fleet.tenants == (FleetTenant("default", DEFAULTS),)


def test_everything_that_a_file_may_say() -> None:
    fleet = parsed(EVERYTHING)
    assert fleet.accounts == {
        "agency": Account("agency", "agency", None, ("eu-central-1",)),
        "hoster": Account("hoster", None, "arn:aws:iam::222222222222:role/ses-tenant"),
    }
    shop, blog = fleet.tenants
    assert (shop.account, shop.domain, shop.max_age, shop.suspended) == (
        *("agency", SHOP, timedelta(days=90), None),
    )
    assert shop.request.regions == ("eu-central-1",)
    assert shop.request.destination == "ssm:/ses/shop.example.com"
    assert shop.request.user_tags == {"team": "web", "kind": "site"}
    assert blog == FleetTenant(
        "hoster",
        TenantRequest(
            BLOG,
            Interface.SMTP,
            ("us-east-1", "eu-west-1"),
            subdomains=True,
            also=(SendingDomain("news.example.net"),),
            return_path=(SendingDomain("bounce.example.net"),),
            scope=Scope.IDENTITY,
            configuration_sets=("web",),
            allow_read=("quota",),
            ses_tenant=True,
            destination="file:/srv/blog/mail.env",
            format="postfix",
            read_back="cat x",
            permissions_boundary="arn:aws:iam::222222222222:policy/ses-tenant",
            user_tags={"team": "web", "kind": "blog"},
        ),
        timedelta(hours=12),
        suspended=False,
        identity=IdentitySettings(
            BLOG, "bounce", own=True, replicate_from="us-east-1", dmarc_rua="dmarc@example.org"
        ),
    )
    assert shop.identity is None
    assert not schema_refuses(EVERYTHING)


def test_the_identity_of_a_tenant_takes_what_it_lacks_from_the_defaults() -> None:
    text = (
        '[defaults.identity]\ndmarc-rua = "dmarc@example.org"\nmail-from = "bounce"\n'
        '[tenants."shop.example.com"]\n[tenants."blog.example.org".identity]\nmail-from = "none"\n'
    )
    shop, blog = parsed(text).tenants
    assert shop.identity == IdentitySettings(SHOP, "bounce", dmarc_rua="dmarc@example.org")
    assert blog.identity == IdentitySettings(BLOG, "none", dmarc_rua="dmarc@example.org")
    assert not schema_refuses(text)
    (alone,) = parsed('[tenants."shop.example.com".identity]\n').tenants
    assert alone.identity == IdentitySettings(SHOP, "mail", own=False)


def test_what_an_audit_is_told() -> None:
    operators = ("arn:aws:iam::123456789012:role/mail-admin", "arn:aws-cn:iam::123456789012:user/x")
    text = f'[audit]\noperators = {list(operators)}\naccept = "known.toml"\n'
    fleet = parsed(text)
    assert (fleet.operators, fleet.accept) == (operators, "known.toml")
    assert not schema_refuses(text)
    silent = parsed("")
    assert (silent.operators, silent.accept) == ((), None)


def test_by_which_rules_the_mail_is_watched() -> None:
    own = "sends > 500 in 1h -> suspend"
    text = (
        "[watch]\n"
        'rules = ["bounce-rate > 10 % of >= 50 in 1h -> suspend", "from-domain -> alert"]\n'
        "dry = false\nmax-suspensions-an-hour = 0\n"
        f'[tenants."{SHOP}"]\nrules = ["{own}"]\n[tenants."{BLOG}"]\n'
    )
    fleet = parsed(text)
    assert list(map(str, fleet.watch.rules)) == [
        "bounce-rate > 10 % of >= 50 in 1h -> suspend",
        "from-domain -> alert",
    ]
    assert (fleet.watch.dry, fleet.watch.limits.most_an_hour) == (False, 0)
    assert [list(map(str, tenant.rules)) for tenant in fleet.tenants] == [[own], []]
    assert not schema_refuses(text)


def test_what_the_file_leaves_out_of_the_watch_is_as_by_default() -> None:
    watch = parsed("").watch
    assert tuple(map(str, watch.rules)) == DEFAULT_RULES
    assert (watch.dry, watch.limits.most_an_hour) == (None, 5)
    assert not schema_refuses(f"[watch]\nrules = {list(DEFAULT_RULES)}\n")
    assert parsed("[watch]\nrules = []\n").watch.rules == ()


def test_each_rule_that_is_none_is_told_with_its_own_line() -> None:
    text = (
        "[watch]\nrules = [\n"
        '  "from-domain -> alert", # "a" [\n'
        "  'bounces > 10 -> suspend',\n\n"
        '  "x", "from-domain -> block",\n'
        "]\n"
    )
    assert [line[:40] for line in mistakes(text)] == [
        "4: 'bounces > 10 -> suspend' is not a ru",
        "6: 'from-domain -> block' is not a rule:",
        "6: 'x' is not a rule: it does not read a",
    ]


def test_all_mistakes_are_told_at_once_each_with_its_line() -> None:
    text = EVERYTHING
    for right, wrong in {
        'profile = "agency"': 'profil = "agency"',
        'max-age = "90d"': 'max_age = "90d"',
        'account = "hoster"': 'account = "hostr"',
        "subdomains = true": 'subdomains = "yes"',
        '["news.example.net"]': '["co.uk", "x y"]',
        'scope = "identity"': 'scope = "all"',
        'format = "postfix"': 'format = "exim"',
    }.items():
        assert right in text
        text = text.replace(right, wrong)
    found = mistakes(text)
    assert [line.split(":")[0] for line in found] == ["2", "11", "17", "20", "21", "21", "23", "28"]
    assert found[0] == "2: unknown key 'profil' in [accounts.agency]; did you mean 'profile'?"
    assert found[1] == "11: unknown key 'max_age' in [defaults]; did you mean 'max-age'?"
    assert found[2] == "17: there is no account 'hostr'; did you mean 'hoster'?"
    assert found[3] == "20: 'subdomains' must be true or false, without quotes"
    assert found[6] == "23: 'scope' must be 'any' or 'identity'"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tenant = 1", "1: unknown key 'tenant' in the file; did you mean 'tenants'?"),
        ("x = [", "1: "),
        ("\n[tenants]\na = 1\na = 2\n", "4: Cannot overwrite a value (at line 4, column 6)"),
        ("tenants = 1", "1: 'tenants' must be a table"),
        ("[tenants]\nfoo = 1", "2: 'foo' must be a table: [tenants.foo]"),
        ("[tenants.foo]", "1: 'foo' is not a sending domain: it has only one label."),
        (
            '[tenants."a.example.com"]\n\n[tenants."A.example.com"]\n',
            "3: a.example.com is there twice",
        ),
        ("audit = 1", "1: 'audit' must be a table"),
        ("[audit]\nacept = 'x'", "2: unknown key 'acept' in [audit]; did you mean 'accept'?"),
        ("[audit]\noperators = ['mail-admin']", "2: 'mail-admin' is not the ARN of an IAM user"),
        ("watch = 1", "1: 'watch' must be a table"),
        ("[watch]\nrule = ['x']", "2: unknown key 'rule' in [watch]; did you mean 'rules'?"),
        ("[watch]\ndry = 7", "2: 'dry' must be true or false, without quotes"),
        ("[watch]\nmax-suspensions-an-hour = true", "2: 'max-suspensions-an-hour' must be a whole"),
        (
            '[tenants."a.example.com"]\nrules = []',
            "2: 'rules' is empty; left out, those of [watch]",
        ),
        ('[accounts."a b"]', "1: 'a b' is no name for an account"),
        ('[accounts.a]\nrole-arn = "x"', "2: 'x' is not the ARN of an IAM role"),
        (
            '[accounts.a]\n[accounts.b]\n[tenants."a.example.com"]',
            "3: a.example.com needs an 'account': a, b",
        ),
        (
            '[defaults]\ndestination = "file:/x"\n[tenants."a.com"]\n[tenants."b.com"]',
            "4: b.com and a.com have the same destination",
        ),
        (
            '[tenants."a.example.com"]\ndestination = "file:x"',
            "2: 'file:x' is not an absolute path",
        ),
        ('[tenants."a.example.com"]\ndestination = "s3:x"', "2: 's3:x' is not a destination."),
        ('[tenants."a.example.com"]\nregions = ["eu-central-1a"]', "2: 'eu-central-1a' is not"),
        ('[tenants."a.example.com"]\nmax-age = "3 months"', "2: '3 months' is not a time"),
        ('[tenants."a.example.com"]\ntags = { a = 1 }', "2: 'tags' must be a table of texts"),
        ('[tenants."a.example.com"]\n\ntags = { "aws:x" = "1" }', "3: The tag 'aws:x'"),
        (
            '[tenants."a.example.com"]\nconfiguration-sets = ["x"]',
            "2: configuration-sets has a meaning only where scope is 'identity'.",
        ),
        (
            '[tenants."a.example.com".identity]\nown = true\nmail-from = "a.example.com"',
            "3: 'a.example.com' cannot be a MAIL FROM domain: it is the domain itself",
        ),
        (
            '[defaults.identity]\nmail-from = "b c"\n[tenants."a.example.com"]',
            "2: 'b c.a.example.com' cannot be a MAIL FROM domain",
        ),
        ('[defaults]\nidentity = 1\n[tenants."a.example.com"]', "2: 'identity' must be a table"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, told: str) -> None:
    (found,) = mistakes(text)
    assert found.startswith(told)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "[accounts.a]\nx = 1",
        "[defaults]\nx = 1",
        '[tenants."a.example.com"]\nx = 1',
        '[tenants."a.example.com"]\ninterface = "imap"',
        '[tenants."a.example.com"]\nsuspended = "true"',
        '[tenants."a.example.com"]\nregions = "eu-central-1"',
        '[tenants."a.example.com"]\ndestination = "file:x"',
        '[tenants."a.example.com"]\nmax-age = "90"',
        '[accounts.a]\nrole-arn = "arn:aws:iam::1:role/x"',
        '[audit]\noperators = "arn:aws:iam::123456789012:role/x"',
        '[audit]\noperators = ["arn:aws:iam::123456789012:group/x"]',
        "[audit]\nx = 1",
        "[watch]\nx = 1",
        "[watch]\nrules = 'from-domain -> alert'",
        "[watch]\nrules = ['from-domain - alert']",
        "[watch]\nrules = ['bounces > 10 -> suspend']",
        "[watch]\ndry = 'true'",
        "[watch]\nmax-suspensions-an-hour = -1",
        '[tenants."a.example.com"]\nrules = []',
        '[tenants."a.example.com"]\nidentity = true',
        '[tenants."a.example.com".identity]\nmailfrom = "x"',
        '[tenants."a.example.com".identity]\nown = "yes"',
        '[tenants."a.example.com".identity]\nreplicate-from = "Frankfurt"',
        '[tenants."a.example.com".identity]\ndmarc-rua = "nobody"',
        "[defaults.identity]\nx = 1",
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(text: str) -> None:
    assert schema_refuses(text)
    assert mistakes(text)


def test_the_schema_knows_the_same_keys_and_values() -> None:
    Draft7Validator.check_schema(SCHEMA)
    tenant = SCHEMA["definitions"]["tenant"]["properties"]
    assert tuple(tenant) == TENANT_KEYS
    assert tuple(SCHEMA["definitions"]["identity"]["properties"]) == IDENTITY_KEYS
    assert tuple(SCHEMA["definitions"]["account"]["properties"]) == ACCOUNT_KEYS
    assert tuple(SCHEMA["properties"]["audit"]["properties"]) == AUDIT_KEYS
    assert tuple(SCHEMA["properties"]["watch"]["properties"]) == WATCH_KEYS
    assert set(SCHEMA["properties"]) == set(TABLES)
    assert tenant["interface"]["enum"] == [interface.value for interface in Interface]
    assert tenant["scope"]["enum"] == [scope.value for scope in Scope]
    assert tenant["format"]["enum"] == list(FORMATS)


def test_lines_of_every_form_that_toml_has() -> None:
    text = (
        "# a comment\n"
        "a.b = 1\n"
        "\n"
        "[x] # another\n"
        "list = [\n"
        '  "1",\n'
        "]\n"
        "  [x.'y z']\n"
        '  text = """\n'
        "  more\n"
        '  """\n'
        "  inline = { p = 1, q = 2 }\n"
        "[[array]]\n"
        "k = 1\n"
        "[[array]]\n"
        "l = 1\n"
        "[out.of.order]\n"
        "[z]\n"
        "[out.of]\n"
        "last = 1\n"
    )
    assert key_lines(text) == {
        ("a", "b"): 2,
        ("x",): 4,
        ("x", "list"): 5,
        ("x", "list", "0"): 6,
        ("x", "y z"): 8,
        ("x", "y z", "text"): 9,
        ("x", "y z", "inline"): 12,
        ("array",): 13,
        ("array", "k"): 14,
        ("array", "l"): 16,
        ("out", "of", "order"): 17,
        ("z",): 18,
        ("out", "of"): 19,
        ("out", "of", "last"): 20,
    }
