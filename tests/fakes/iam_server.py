"""An HTTP server on this machine that answers as IAM does on the wire, from a script.

For what only the wire shows: pages, retries, lost connections, headers.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Answer:
    """What is sent back for one request; None for a body drops the connection."""

    body: str | None
    status: int = 200


DROPPED = Answer(None)


def success(action: str, result: str) -> Answer:
    """Return an answer of IAM's query protocol."""
    return Answer(
        f'<{action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<{action}Result>{result}</{action}Result>"
        f"<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    )


def failure(status: int, code: str, message: str) -> Answer:
    """Return an error of IAM's query protocol."""
    return Answer(
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>request-1</RequestId></ErrorResponse>",
        status,
    )


@dataclass
class ScriptedIam:
    """The server: gives `answers` in order, the last one for ever; keeps what it was asked."""

    url: str
    answers: list[Answer]
    requests: list[dict[str, str]] = field(default_factory=list)
    user_agents: list[str] = field(default_factory=list)

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted_iam(*answers: Answer) -> Iterator[ScriptedIam]:
    """Serve `answers` on a port of the loopback interface."""
    script = ScriptedIam("", list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            script.requests.append(dict(parse_qsl(body)))
            script.user_agents.append(self.headers["User-Agent"])
            answer = script.next_answer()
            if answer.body is None:
                self.close_connection = True
                return
            text = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
