"""From the text of a `tenants.toml` to a fleet; all mistakes are reported, with their lines."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.fleet.fleet import DEFAULT_ACCOUNT, Account, Fleet, FleetTenant
from ses_tenant.core.fleet.toml_lines import KeyPath, key_lines, line_of
from ses_tenant.core.fleet.toml_table import Problems, Table, TableReader, quoted
from ses_tenant.core.tenant.identity import IDENTITY, IdentitySettings
from ses_tenant.core.tenant.naming import check_operator
from ses_tenant.core.tenant.request import TenantRequest, check_spec, resolve
from ses_tenant.core.tenant.settings import Setting
from ses_tenant.core.tenant.spec import SENDING, SETTINGS, Interface, Scope
from ses_tenant.core.watch.decide import Limits
from ses_tenant.core.watch.rules import parse_rule
from ses_tenant.core.watch.settings import WatchSettings

DOMAIN_PLACEHOLDER = "{domain}"
TABLES = ("accounts", "defaults", "tenants", "audit", "watch")
ACCOUNT_KEYS = ("profile", "role-arn", "regions")
AUDIT_KEYS = ("operators", "accept")
WATCH_KEYS = ("rules", "dry", "max-suspensions-an-hour")
TENANT_KEYS = (
    "account",
    *(setting.name for setting in SETTINGS),
    *("max-age", "suspended", "rules", "identity"),
)
IDENTITY_KEYS = tuple(setting.name for setting in IDENTITY)
_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\x21-\x7e]{1,576}")


@dataclass(frozen=True)
class Checks:
    """What this ring cannot know: destinations and formats.

    `destination` returns a URI as it is remembered, and `format` looks at a format's name; both
    raise SesTenantError. `place` gets a URI, the account and the Region, and returns what names
    the place if only one tenant may have it.
    """

    destination: Callable[[str], str]
    format: Callable[[str, Interface], object]
    place: Callable[[str, str, str], str | None]


def parse_fleet(text: str, name: str, checks: Checks) -> Fleet:
    """Return the fleet that `text`, a file called `name`, describes.

    Raises SesTenantError `usage`, whose message has a line for each mistake: `NAME:LINE: what`.
    """
    try:
        document: Table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = where[1] if where else text.count("\n") + 1
        raise _refused(name, [f"{name}:{line}: {error}"]) from error
    problems = Problems()
    fleet = _fleet(document, checks, problems)
    if problems.found:
        lines = key_lines(text)
        told = sorted((line_of(lines, path), what) for path, what in problems.found)
        raise _refused(name, [f"{name}:{line}: {what}" for line, what in dict.fromkeys(told)])
    return fleet


def _refused(name: str, lines: list[str]) -> SesTenantError:
    count = "a mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return SesTenantError(
        ErrorCode.USAGE,
        "\n".join([f"{name} has {count}:", *lines]),
        "What may stand there: ses-tenant plan --schema, or docs/fleets.md.",
    )


def _fleet(document: Table, checks: Checks, problems: Problems) -> Fleet:
    for key in document.keys() - set(TABLES):
        problems.unknown((key,), TABLES)
    accounts = {
        account: _account(account, table, problems)
        for account, table in _tables(document, "accounts", problems)
    }
    if not accounts:
        accounts = {DEFAULT_ACCOUNT: Account(DEFAULT_ACCOUNT)}
    defaults = document.get("defaults", {})
    if not isinstance(defaults, dict):
        problems.add(("defaults",), "'defaults' must be a table")
        defaults = {}
    _check_defaults(TableReader(defaults, ("defaults",), problems))
    tenants: dict[str, FleetTenant] = {}
    places: dict[str, str] = {}
    seen: set[str] = set()
    for text, table in _tables(document, "tenants", problems):
        path = ("tenants", text)
        domain = problems.tried(path, lambda text=text: SendingDomain.parse(text))  # type: ignore[misc]
        if domain is None:
            continue
        if domain.name in seen:
            problems.add(path, f"{domain} is there twice")
            continue
        seen.add(domain.name)
        before = len(problems.found)
        tenant = _tenant(domain, table, defaults, path, accounts, checks, problems)
        if tenant is None or len(problems.found) > before:
            continue
        tenants[domain.name] = tenant
        place = _place(tenant, checks)
        if place and places.setdefault(place, domain.name) != domain.name:
            problems.add(
                (*path, "destination"),
                f"{domain} and {places[place]} have the same destination; "
                f"'{DOMAIN_PLACEHOLDER}' in it stands for the domain",
            )
    watch = _watch(document, problems)
    return Fleet(accounts, tuple(tenants.values()), *_audit(document, problems), watch)


def _check_defaults(reader: TableReader) -> None:
    reader.only(TENANT_KEYS)
    identity = reader.inner("identity")
    if identity is not None:
        identity.only(IDENTITY_KEYS)


def _tables(document: Table, key: str, problems: Problems) -> list[tuple[str, Table]]:
    """Return the tables in a table, by name."""
    outer = document.get(key, {})
    if not isinstance(outer, dict):
        problems.add((key,), f"'{key}' must be a table")
        return []
    for name, table in outer.items():
        if not isinstance(table, dict):
            problems.add((key, name), f"'{name}' must be a table: [{key}.{quoted(name)}]")
    return [(name, table) for name, table in outer.items() if isinstance(table, dict)]


def _audit(document: Table, problems: Problems) -> tuple[tuple[str, ...], str | None]:
    """Return the operators, and the file of accepted findings."""
    table = document.get("audit", {})
    if not isinstance(table, dict):
        problems.add(("audit",), "'audit' must be a table")
        return (), None
    reader = TableReader(table, ("audit",), problems)
    reader.only(AUDIT_KEYS)
    operators = reader.texts("operators") or ()
    for operator in operators:
        problems.tried(("audit", "operators"), lambda arn=operator: check_operator(arn))  # type: ignore[misc]
    return operators, reader.text("accept")


def _watch(document: Table, problems: Problems) -> WatchSettings:
    """Return by which rules the mail is watched; what the file leaves out is as by default."""
    table, usual = document.get("watch", {}), WatchSettings()
    if not isinstance(table, dict):
        problems.add(("watch",), "'watch' must be a table")
        return usual
    reader = TableReader(table, ("watch",), problems)
    reader.only(WATCH_KEYS)
    rules, most = reader.each("rules", parse_rule), reader.number("max-suspensions-an-hour")
    return WatchSettings(
        usual.rules if rules is None else rules,
        reader.flag("dry"),
        usual.limits if most is None else Limits(most),
    )


def _account(name: str, table: Table, problems: Problems) -> Account:
    path = ("accounts", name)
    if not _ACCOUNT_NAME.fullmatch(name):
        problems.add(
            path, f"'{name}' is no name for an account: letters, digits, - and _, up to 32"
        )
    reader = TableReader(table, path, problems)
    reader.only(ACCOUNT_KEYS)
    role = reader.text("role-arn")
    if role is not None and not _ROLE.fullmatch(role):
        problems.add((*path, "role-arn"), f"'{role}' is not the ARN of an IAM role")
    return Account(name, reader.text("profile"), role, reader.regions() or ())


def _tenant(
    domain: SendingDomain,
    table: Table,
    defaults: Table,
    path: KeyPath,
    accounts: Mapping[str, Account],
    checks: Checks,
    problems: Problems,
) -> FleetTenant | None:
    reader = TableReader(table, path, problems, defaults)
    reader.only(TENANT_KEYS)
    account = _account_of(domain, reader, accounts, problems)
    given = {s.field: _given(reader, s, domain, checks) for s in SETTINGS}
    given["regions"] = given["regions"] or (account.regions if account else ()) or None
    form, interface = given["format"], given["interface"]
    if isinstance(form, str) and isinstance(interface, Interface):
        problems.tried(reader.at("format"), lambda: checks.format(form, interface))
    request = problems.tried(path, lambda: TenantRequest(domain, **given))  # type: ignore[arg-type]
    max_age = reader.duration("max-age")
    suspended = reader.flag("suspended")
    rules = reader.each("rules", parse_rule)
    if rules == ():
        problems.add(reader.at("rules"), "'rules' is empty; left out, those of [watch] hold")
    identity = _identity(domain, reader)
    if account is None or request is None:
        return None
    if request.regions or given["scope"] is not Scope.IDENTITY:
        problems.tried(path, lambda: check_spec(resolve(request, None, None)))
    return FleetTenant(account.name, request, max_age, suspended, rules or (), identity)


def _identity(domain: SendingDomain, reader: TableReader) -> IdentitySettings | None:
    """Return what is wanted of the domain's email identity; None where there is no such table."""
    table = reader.inner("identity")
    if table is None:
        return None
    table.only(IDENTITY_KEYS)
    given = {s.name: table.setting(s, s.parsed) for s in IDENTITY}
    return reader.problems.tried(table.at("mail-from"), lambda: IdentitySettings.of(domain, given))


def _account_of(
    domain: SendingDomain,
    reader: "TableReader",
    accounts: Mapping[str, Account],
    problems: Problems,
) -> Account | None:
    name = reader.text("account")
    if name is None and len(accounts) == 1:
        return next(iter(accounts.values()))
    if name is None:
        problems.add(reader.path, f"{domain} needs an 'account': {', '.join(accounts)}")
        return None
    if name not in accounts:
        near = get_close_matches(name, accounts, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(accounts)}"
        problems.add(reader.at("account"), f"there is no account '{name}'; {hint}")
        return None
    return accounts[name]


def _given(
    reader: TableReader, setting: Setting, domain: SendingDomain, checks: Checks
) -> object | None:
    """Return what a request holds of a setting.

    What shapes the policy is the default where the file says nothing; so is the interface.
    """
    parse = setting.parsed
    if setting.field == "destination":

        def parse(text: str) -> str:
            return checks.destination(text.replace(DOMAIN_PLACEHOLDER, domain.name))

    value = reader.setting(setting, parse)
    fixed = setting in SENDING or setting.field == "interface"
    return setting.nothing if value is None and fixed else value


def _place(tenant: FleetTenant, checks: Checks) -> str | None:
    """Return what names the destination's place among all tenants, if only one may have it."""
    uri = tenant.request.destination
    if uri is None:
        return None
    region = (tenant.request.regions or ("",))[0]
    return checks.place(uri, tenant.account, region)
