"""Who may knock at the sandbox's HTTP port at all, and what stands on every answer.

A page of another site in the developer's browser can reach the loopback. It is kept out by the
name it has to use (DNS rebinding), by Origin and by Sec-Fetch-Site, and no answer may be read or
framed by it: https://www.w3.org/TR/fetch-metadata/ , https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass, field

from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Request

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": NOTHING,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# What a program asks whose host is fixed, and that this machine's hosts file points here.
_OF_SES = re.compile(r"email\.[a-z0-9-]+\.amazonaws\.com")
_OWN_PAGE = ("same-origin", "none")  # none: the address was typed, or opened from a terminal


@dataclass(frozen=True)
class Operator:
    """The one key that is the operator's, where the sandbox is reached from other machines."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def is_given(self, user: str | None, password: str | None) -> bool:
        """Tell whether these are the operator's, taking the same time for any answer."""
        pairs = ((user, self.access_key_id), (password, self.secret_access_key))
        same = [hmac.compare_digest((a or "").encode(), b.encode()) for a, b in pairs]
        return all(same)


OPERATOR_PREFIX = "SANDBOX"


def new_operator() -> Operator:
    """Return a key that nobody can guess."""
    return Operator(f"{OPERATOR_PREFIX}{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens on `host`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Door:
    """The check before any other; `host` is where the operator chose to listen."""

    host: str

    def refusal(self, request: Request) -> str | None:
        """Return why the request is refused, or None."""
        if not self._is_ours(request.host.lower()):
            return "This name is not the sandbox's."
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() != f"{request.scheme}://{request.host.lower()}":
            return "The sandbox answers no other page."
        if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_PAGE:
            return "The sandbox answers no other page. Open this address by itself."
        return None

    def _is_ours(self, host: str) -> bool:
        """Tell whether nobody else can make this name point here.

        An address is no name. Where the sandbox serves other machines it has names that it cannot
        know (a container's, host.docker.internal): those that public DNS does not have are taken.
        """
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name in ("localhost", self.host.lower()) or _OF_SES.fullmatch(name):
            return True
        if not is_loopback(self.host) and name and ("." not in name or name.endswith(".internal")):
            return True
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True


class Handler(WSGIRequestHandler):
    """Put the headers on every answer, also on those that werkzeug gives of itself."""

    _name = "ses-tenant-sandbox"
    error_content_type = "text/plain"
    error_message_format = "%(code)d %(message)s\n"

    def version_string(self) -> str:
        """Return what stands in the header Server: no versions."""
        return self._name

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer."""
        self._missing = dict(_HEADERS)
        super().send_response(code, message)

    def send_header(self, keyword: str, value: str) -> None:
        """Add a header; moto's permission for other pages to read the answer is dropped."""
        name = keyword.lower()
        if name.startswith("access-control-") or (name == "server" and value != self._name):
            return
        for given in [given for given in self._missing if given.lower() == name]:
            del self._missing[given]
        super().send_header(keyword, value)

    def end_headers(self) -> None:
        """Add what the answer does not set itself."""
        for name, value in list(self._missing.items()):
            self.send_header(name, value)
        super().end_headers()
