"""A sandbox for tests: in a process of its own, begun and ended by orders.

So it meets no other moto in the process of the tests, and what it imports is paid once. An order is
a line of JSON on stdin, its answer a line of JSON on stdout. `open_sandboxes` gives the orders; the
other side is this module, run.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.regions import check_region
from ses_tenant.core.tenant import naming
from ses_tenant.core.tenant.credentials import (
    Credentials,
    LocalSes,
    NewAccessKey,
    credentials_for,
)
from ses_tenant.core.tenant.policy import policy_json, sending_policy
from ses_tenant.core.tenant.spec import Interface, SendingOptions, TenantSpec

if TYPE_CHECKING:
    from ses_tenant.sandbox.server import Sandbox

_Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """A mail or a login that the sandbox was given, and what it answered.

    `accepted` tells which; `answer` is what the client was told, `reason` what decided. `domain` is
    the tenant that tried, `senders` are all addresses that the mail says it is from.
    """

    accepted: bool
    domain: str
    senders: tuple[str, ...]
    recipients: tuple[str, ...]
    subject: str
    answer: str
    reason: str
    interface: str
    at: datetime
    raw: bytes = field(repr=False)


@dataclass(frozen=True)
class TestSandbox:
    """A running sandbox, empty at first.

    `environ` are the variables that make SDKs and mail programs use it; the AWS key in them is the
    operator's, who may do everything.
    """

    __test__ = False  # no class of tests

    url: str
    region: str
    smtp_host: str
    smtp_port: int
    smtps_port: int
    ca_file: str
    environ: Mapping[str, str] = field(repr=False)
    _orders: "_Orders" = field(repr=False)
    _known: dict[tuple[str, Interface], Credentials] = field(default_factory=dict, repr=False)

    def credentials(
        self, domain: str, interface: str = "api", *, subdomains: bool = False
    ) -> Credentials:
        """Return the credentials of the tenant `domain`, which is made at the first call.

        Of an SMTP tenant, `smtp[0]` has host, port, user name and password. Raises SesTenantError
        `invalid_domain`.
        """
        spec = TenantSpec(
            SendingDomain.parse(domain),
            Interface(interface),
            (self.region,),
            SendingOptions(subdomains=subdomains),
        )
        known = self._known.get((spec.domain.name, spec.interface))
        if known is None:
            made = self._orders.give(
                "tenant", domain=domain, interface=interface, subdomains=subdomains
            )
            key = NewAccessKey(made["access_key_id"], made["secret_access_key"])
            local = LocalSes(self.smtp_host, self.smtp_port, self.ca_file, self.url)
            known = credentials_for(spec, made["user_arn"], key, local)
            self._known[spec.domain.name, spec.interface] = known
        return known

    @property
    def outbox(self) -> tuple[Message, ...]:
        """Return what it was given to send, the oldest first."""
        return tuple(
            Message(
                **{
                    **found,
                    "senders": tuple(found["senders"]),
                    "recipients": tuple(found["recipients"]),
                    "at": datetime.fromisoformat(found["at"]),
                    "raw": base64.b64decode(found["raw"]),
                }
            )
            for found in self._orders.give("outbox")["messages"]
        )


@dataclass(frozen=True)
class _Orders:
    """The process that is given orders."""

    process: "subprocess.Popen[str]"

    def give(self, order: str, **parameters: object) -> _Answer:
        """Return the answer to an order. Raises SesTenantError."""
        process = self.process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the sandbox has no pipes")
        process.stdin.write(json.dumps({"order": order, **parameters}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("The process of the sandbox has ended.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SesTenantError(ErrorCode(answer["code"]), answer["error"], answer["hint"])
        return answer


@dataclass(frozen=True)
class Sandboxes:
    """Where sandboxes are begun, one after the other."""

    _orders: _Orders

    @contextmanager
    def sandbox(self, region: str = "eu-central-1") -> Iterator[TestSandbox]:
        """Serve an empty account while the block runs."""
        served = self._orders.give("begin", region=region)
        try:
            yield TestSandbox(**served, _orders=self._orders)
        finally:
            self._orders.give("end")


@contextmanager
def open_sandboxes() -> Iterator[Sandboxes]:
    """Start the process; it ends with the block."""
    with subprocess.Popen(  # noqa: S603 - this module itself
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield Sandboxes(_Orders(process))
        finally:
            if process.stdin is not None:
                process.stdin.close()


@dataclass
class _Attended:
    """The other side: the sandbox that is served at the moment."""

    stack: ExitStack = field(default_factory=ExitStack)
    served: "Sandbox | None" = None

    def answer(self, order: str, given: Mapping[str, Any]) -> _Answer:
        """Carry out an order."""
        if order == "begin":
            return self._begin(check_region(str(given["region"])))
        sandbox = self.served
        if sandbox is None:
            raise SesTenantError(ErrorCode.USAGE, "No sandbox is served.")
        match order:
            case "tenant":
                return _tenant(sandbox, given)
            case "outbox":
                return {"messages": [_shown(entry) for entry in sandbox.post.outbox.entries()]}
            case _:
                self.served = None
                self.stack.close()
                return {}

    def _begin(self, region: str) -> _Answer:
        from ses_tenant.sandbox.run import variables
        from ses_tenant.sandbox.server import Options, serve

        self.stack.close()
        sandbox = self.served = self.stack.enter_context(serve(Options(region=region)))
        return {
            "url": sandbox.url,
            "region": region,
            "smtp_host": sandbox.host,
            "smtp_port": sandbox.smtp_port,
            "smtps_port": sandbox.smtps_port,
            "ca_file": str(sandbox.ca_file),
            "environ": variables(sandbox, {}),
        }


def _tenant(sandbox: "Sandbox", given: Mapping[str, Any]) -> _Answer:
    """Make a tenant as `create` does, if it is not there, and a key for it."""
    account = sandbox.post.account
    sending = SendingOptions(subdomains=given["subdomains"])
    spec = TenantSpec(
        SendingDomain.parse(given["domain"]),
        Interface(given["interface"]),
        (sandbox.region,),
        sending,
    )
    name = spec.user_name
    with account.lock:
        iam = account.iam
        if name not in iam.users:
            tags = [{"Key": key, "Value": value} for key, value in spec.tags.items()]
            iam.create_user(sandbox.region, name, naming.user_path(spec.domain), tags)
            iam.put_user_policy(name, naming.SENDING_POLICY, policy_json(sending_policy(spec)))
        elif spec.tags != {tag["Key"]: tag["Value"] for tag in iam.users[name].tags}:
            raise SesTenantError(
                ErrorCode.ALREADY_EXISTS,
                f"{spec.domain} is a tenant already, and of another kind.",
                "Give each tenant one interface and the same options in every test.",
            )
        key = iam.create_access_key(name)
        account.note_keys()
        account.changes += 1
        return {
            "user_arn": iam.users[name].arn,
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
        }


def _shown(entry: Any) -> _Answer:
    shown = entry.as_json()
    return {
        **{name: shown[name] for name in ("domain", "senders", "recipients", "subject", "at")},
        **{name: shown[name] for name in ("answer", "reason", "interface")},
        "accepted": shown["outcome"] == "accepted",
        "raw": base64.b64encode(entry.raw).decode(),
    }


def main() -> None:
    """Carry out orders until there are no more."""
    attended = _Attended()
    with attended.stack:
        for line in sys.stdin:
            given = json.loads(line)
            try:
                answer = attended.answer(given["order"], given)
            except SesTenantError as error:
                answer = {"error": error.message, "code": error.code, "hint": error.hint}
            except ImportError as error:
                answer = {
                    "error": f"The sandbox needs the package '{error.name}', which is missing.",
                    "code": ErrorCode.USAGE,
                    "hint": "Install the extra: pip install 'ses-tenant[sandbox]'",
                }
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
