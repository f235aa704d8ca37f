"""Findings that somebody has decided to live with, until a day: the file of --accept; pure.

[[accepted]]
id = "may_send_as:123456789012:role/deploy:5b1f0c2e"
reason = "Sends the build's mails; moves to its own domain in autumn."
until = 2026-10-31
domains = ["shop.example.com"]  # may be left out: then whatever domains it touches
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.findings.finding import Finding
from ses_tenant.core.findings.rules import BY_ID

_KEYS = ("id", "reason", "until", "domains")


@dataclass(frozen=True)
class Accepted:
    """An entry: the finding with this id is known, up to and including the day `until`.

    If `domains` are given, it must touch no others.
    """

    id: str
    reason: str
    until: date
    domains: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Known:
    """Findings parted by what is accepted.

    `remaining` are those that count. `expired` entries are past their day, `exceeded` ones are of a
    finding that touches more domains than they name, and to `stale` ones there is no finding.
    """

    remaining: tuple[Finding, ...]
    accepted: tuple[tuple[Finding, Accepted], ...] = ()
    expired: tuple[Accepted, ...] = ()
    exceeded: tuple[Accepted, ...] = ()
    stale: tuple[Accepted, ...] = ()


def parse_accepted(text: str, name: str) -> tuple[Accepted, ...]:
    """Return the entries of a file called `name`.

    Raises SesTenantError `usage`, which tells every mistake.
    """
    import tomllib  # for --help it would only cost time

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(name, [f"{error}"]) from error
    entries = document.get("accepted", [])
    problems = [f"'{key}' is not known there" for key in document.keys() - {"accepted"}]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _refused(name, [*problems, "each entry is a table: [[accepted]]"])
    for number, entry in enumerate(entries, start=1):
        problems += [f"entry {number}: {problem}" for problem in _problems(entry)]
    ids = [entry.get("id") for entry in entries]
    problems += [f"'{i}' is there twice" for i in dict.fromkeys(ids) if ids.count(i) > 1 and i]
    if problems:
        raise _refused(name, problems)
    return tuple(
        Accepted(
            entry["id"],
            entry["reason"],
            entry["until"],
            tuple(entry["domains"]) if "domains" in entry else None,
        )
        for entry in entries
    )


def set_aside(
    findings: Iterable[Finding],
    entries: Iterable[Accepted],
    today: date,
    verb: str,
    accounts: Collection[str] | None = None,
) -> Known:
    """Return which findings count, and which entries have to be looked at again.

    An entry is stale only if `verb` would report its rule, and if its account is among the IDs of
    `accounts` that were looked at as a whole (None: all).
    """
    by_id = {entry.id: entry for entry in entries}
    remaining: list[Finding] = []
    accepted: list[tuple[Finding, Accepted]] = []
    expired: list[Accepted] = []
    exceeded: list[Accepted] = []
    for finding in findings:
        entry = by_id.pop(finding.id, None)
        if entry is not None and entry.until < today:
            expired.append(entry)
        elif entry is not None and _exceeds(finding, entry):
            exceeded.append(entry)
        elif entry is not None:
            accepted.append((finding, entry))
            continue
        remaining.append(finding)
    stale = tuple(
        entry
        for entry in by_id.values()
        if verb in BY_ID[entry.id.partition(":")[0]].verbs and _of_one(entry, accounts)
    )
    return Known(tuple(remaining), tuple(accepted), tuple(expired), tuple(exceeded), stale)


def _exceeds(finding: Finding, entry: Accepted) -> bool:
    """Tell whether the finding touches a domain that the entry does not name."""
    if entry.domains is None:
        return False
    touched = {affected.domain for affected in finding.domains}
    return finding.domain_count > len(touched) or not touched <= set(entry.domains)


def _of_one(entry: Accepted, accounts: Collection[str] | None) -> bool:
    account = (*entry.id.split(":"), "")[1]
    return accounts is None or account in accounts or (bool(accounts) and not account.isdecimal())


def _problems(entry: Mapping[str, object]) -> list[str]:
    found = [f"'{key}' is not known there" for key in entry if key not in _KEYS]
    id_, reason, until = entry.get("id"), entry.get("reason"), entry.get("until")
    if not isinstance(id_, str) or id_.partition(":")[0] not in BY_ID:
        found.append("'id' must be the id of a finding, as -o json shows it")
    if not isinstance(reason, str) or not reason.strip():
        found.append("'reason' must say why")
    if not isinstance(until, date) or isinstance(until, datetime):
        found.append("'until' must be a day, such as 2026-12-31, without quotes")
    domains = entry.get("domains", [])
    if not isinstance(domains, list) or not all(isinstance(domain, str) for domain in domains):
        found.append("'domains' must be a list of domains")
    return found


def _refused(name: str, problems: list[str]) -> SesTenantError:
    return SesTenantError(
        ErrorCode.USAGE,
        "\n".join([f"{name} is no file of accepted findings:", *problems]),
        "What may stand there: docs/audit.md, under Known findings.",
    )
