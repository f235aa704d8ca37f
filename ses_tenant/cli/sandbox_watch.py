"""`ses-tenant sandbox --watch`: what the watch in AWS does, done in the sandbox as it happens."""

import os
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING

import typer

from ses_tenant.cli.console import printable
from ses_tenant.core.text import shown

if TYPE_CHECKING:
    from ses_tenant.operations.watch import Watch, Watcher
    from ses_tenant.sandbox.server import Sandbox

_AT_ONCE = 500


@dataclass(frozen=True)
class LocalWatch:
    """The events of the sandbox, on their way to the handler, which one thread runs."""

    watch: "Watch"
    _events: "queue.SimpleQueue[Mapping[str, object] | None]" = field(
        default_factory=queue.SimpleQueue
    )

    def emit(self, event: Mapping[str, object]) -> None:
        """Take an event."""
        self._events.put(event)

    @contextmanager
    def running(self, sandbox: "Sandbox") -> Iterator[None]:
        """Handle events while the block runs, and what is left at its end."""
        watcher = _watcher(self.watch, sandbox)
        thread = Thread(target=self._work, args=(watcher,), name="sandbox-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._events.put(None)
            thread.join()

    def _work(self, watcher: "Watcher") -> None:
        from ses_tenant.operations.watch_events import Message, handle

        while (event := self._events.get()) is not None:
            batch = [event]
            while len(batch) < _AT_ONCE and not self._events.empty():
                following = self._events.get()
                if following is None:
                    self._events.put(None)
                    break
                batch.append(following)
            done = handle(watcher, [Message(str(n), one) for n, one in enumerate(batch)])
            for act in done.acts:
                if act.error:
                    _say(f"{act.tenant.domain}: {act.error.message}")


def _watcher(watch: "Watch", sandbox: "Sandbox") -> "Watcher":
    from ses_tenant.aws.session import open_session
    from ses_tenant.core.watch.memory import MemoryStore
    from ses_tenant.operations.watch import Watcher
    from ses_tenant.wiring import make_runtime

    with _operator(sandbox):
        session = open_session(None, sandbox.region, sandbox.url, workers=1)
        session.load_credentials()
    return Watcher(
        make_runtime(session),
        MemoryStore(),
        watch,
        sandbox.post.account.account_id,
        tell=lambda subject, text: _say(f"{subject}\n  {text.partition(chr(10))[0]}"),
        dry_at_first=timedelta(),
    )


@contextmanager
def _operator(sandbox: "Sandbox") -> Iterator[None]:
    """Have boto3 find the operator's key of the sandbox, and no other."""
    key = {
        "AWS_ACCESS_KEY_ID": sandbox.operator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": sandbox.operator.secret_access_key,
    }
    before = {name: os.environ.pop(name, None) for name in (*key, "AWS_SESSION_TOKEN")}
    os.environ.update(key)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _say(text: str) -> None:
    lines = [shown(line) for line in text.split("\n")]
    typer.echo(printable("Watch: " + "\n".join(lines)), err=True)
