"""Why IAM refuses a mail of a tenant, in plain words; the policies themselves decide elsewhere."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase


def cause(
    domain: str, sender: str, return_path: str | None, documents: Iterable[Mapping[str, object]]
) -> str:
    """Return what is wrong with the addresses of a mail that was denied, and what helps.

    `documents` are the user's policies: their patterns for ses:FromAddress are what it may send
    as. Empty where the addresses are right, so that something else denied the mail.
    """
    told = list(documents)
    patterns = _patterns(told, "ses:FromAddress") or {f"*@{domain}"}
    if not _match(sender, patterns):
        return _of_sender(domain, sender, patterns)
    feedback = _patterns(told, "ses:FeedbackAddress")
    if return_path and feedback and not _match(return_path, feedback):
        if _match(return_path.lower(), feedback):
            return f"IAM tells upper case from lower case: let bounces go to {return_path.lower()}"
        return (
            f"bounces would go to {_host(return_path)}, another domain; to allow it: "
            f"ses-tenant create {domain} --return-path {_host(return_path)}"
        )
    return ""


def is_related(domain: str, address: str) -> bool:
    """Tell whether an address is in the domain, below it or above it, in any case of letters."""
    host = _host(address).lower()
    return host == domain or host.endswith(f".{domain}") or domain.endswith(f".{host}")


def _of_sender(domain: str, sender: str, patterns: set[str]) -> str:
    host = _host(sender).lower()
    if _match(sender.lower(), patterns):
        return f"IAM tells upper case from lower case: send as {sender.lower()}"
    if host.endswith(f".{domain}"):
        return (
            f"{host} is a subdomain of {domain}: send as an address at {domain}, or allow all "
            f"subdomains: ses-tenant create {domain} --subdomains"
        )
    if domain.endswith(f".{host}"):
        return (
            f"this tenant is {domain}, below {host}: send as an address at {domain}, or allow it: "
            f"ses-tenant create {domain} --also {host}"
        )
    return f"{host} is another domain than the tenant's, {domain}"


def _host(address: str) -> str:
    return address.rpartition("@")[2]


def _match(address: str, patterns: set[str]) -> bool:
    return any(fnmatchcase(address, pattern) for pattern in patterns)


def _patterns(documents: Iterable[Mapping[str, object]], key: str) -> set[str]:
    """Return the patterns that statements of ours allow for a condition key."""
    found: set[str] = set()
    for document in documents:
        statements = document.get("Statement")
        for statement in statements if isinstance(statements, list) else []:
            if not isinstance(statement, Mapping) or statement.get("Sid") != "SendAsOwnDomain":
                continue
            condition = statement.get("Condition")
            for tests in condition.values() if isinstance(condition, Mapping) else ():
                value = tests.get(key, ()) if isinstance(tests, Mapping) else ()
                found |= {value} if isinstance(value, str) else {str(item) for item in value}
    return found
