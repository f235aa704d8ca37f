"""The outbox over HTTP, on the port of the AWS endpoint: JSON for tools, a page for people.

A message is written by who knows whom, so it is hostile: it is shown as text, or in a frame that
may run and load nothing, and no page of another site may read any of this.
"""

import email
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from importlib.resources import files

from werkzeug.wrappers import Request, Response

from ses_tenant.sandbox.door import Operator
from ses_tenant.sandbox.matrix import matrix
from ses_tenant.sandbox.outbox import Entry
from ses_tenant.sandbox.post import Post

PREFIX = "/_ses-tenant"
_FILES = {
    "": ("index.html", "text/html"),
    "page.js": ("page.js", "text/javascript"),
    "page.css": ("page.css", "text/css"),
}
_PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_CSP = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True)
class Page:
    """What stands under /_ses-tenant/ ; for the operator alone, where there is a key for that."""

    post: Post
    operator: Operator | None = None

    def __call__(self, request: Request) -> Response | None:
        """Return the answer, or None for a path that is not the page's."""
        if request.path != PREFIX and not request.path.startswith(f"{PREFIX}/"):
            return None
        given = request.authorization
        if self.operator and not (
            given
            and given.type == "basic"
            and self.operator.is_given(given.username, given.password)
        ):
            answer = _plain("User name and password are the operator's access key.\n", 401)
            answer.headers["WWW-Authenticate"] = 'Basic realm="ses-tenant sandbox"'
            return answer
        if request.method not in ("GET", "HEAD"):
            return _plain("Only GET.\n", 405)
        if request.path == PREFIX:
            return Response("", 308, {"Location": f"{PREFIX}/"})
        return self._answer(request.path.removeprefix(f"{PREFIX}/")) or _plain("Not found.\n", 404)

    def _answer(self, path: str) -> Response | None:
        if path in _FILES:
            name, kind = _FILES[path]
            text = files("ses_tenant.sandbox").joinpath("static", name).read_bytes()
            csp = {"Content-Security-Policy": _PAGE_CSP}
            return Response(text, 200, csp, content_type=f"{kind}; charset=utf-8")
        if path == "messages.json":
            entries = [entry.as_json() for entry in self.post.outbox.entries()]
            account = self.post.account
            with account.lock:
                suspended = [{"domain": d, "why": why} for d, why in account.suspensions()]
            region = account.settings.region
            return _json({"region": region, "messages": entries, "suspended": suspended})
        if path == "matrix.json":
            return _json(matrix(self.post.account))
        message_id, _, part = path.removeprefix("messages/").partition("/")
        entry = self.post.outbox.get(message_id) if path.startswith("messages/") else None
        if entry is None:
            return None
        match part:
            case "":
                return _json(detail(entry))
            case "raw":
                disposition = {"Content-Disposition": 'attachment; filename="message.eml"'}
                headers = {**disposition, "Content-Security-Policy": _MAIL_CSP}
                return Response(entry.raw, 200, headers, content_type="message/rfc822")
            case "html":
                html = _bodies(entry)["html"] or ""
                headers = {"Content-Security-Policy": _MAIL_CSP}
                return Response(html, 200, headers, content_type="text/html; charset=utf-8")
            case _:
                return None


def detail(entry: Entry) -> dict[str, object]:
    """Return an entry with its headers and bodies, as text."""
    message = _parsed(entry.raw)
    headers = [[name, str(value)] for name, value in message.raw_items()] if entry.raw else []
    bodies = _bodies(entry)
    return {
        **entry.as_json(),
        "headers": [[_readable(name), _readable(value)] for name, value in headers],
        "text": bodies["text"],
        "has_html": bodies["html"] is not None,
        "source": entry.raw[: 256 * 1024].decode("utf-8", "replace"),
    }


def _bodies(entry: Entry) -> Mapping[str, str | None]:
    """Return the first text and the first HTML part; a part that cannot be read is none."""
    found: dict[str, str | None] = {"text": None, "html": None}
    if not entry.raw:
        return found
    for part in _parsed(entry.raw).walk():
        kind = {"text/plain": "text", "text/html": "html"}.get(part.get_content_type())
        if kind and found[kind] is None and part.get_content_disposition() != "attachment":
            found[kind] = _content(part)
    return found


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        return data.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _parsed(raw: bytes) -> Message:
    return email.message_from_bytes(raw)


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _plain(text: str, status: int) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")


def _json(document: Mapping[str, object]) -> Response:
    text = json.dumps(document)
    return Response(text, 200, content_type="application/json")
